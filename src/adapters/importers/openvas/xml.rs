//! The second pass over an XML report: its results.

use super::facts::{self, Facts};
use super::nvt::{self, AFFECTED, Struck};
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::network::checks::{self, Services};
use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::network::{dates, hosts};
use crate::adapters::importers::xml::{Node, Xml};
use crate::adapters::importers::{Report, Sink, cvss, text};
use crate::base::Result;
use crate::domain::observation::{AssetObservation, SkipReason};
use crate::domain::place::Place;
use crate::domain::severity::CvssScore;

/// Reads the report.
pub fn read(report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let facts = facts::read(report)?;
    let mut out = Emitter::begin(report, sink, facts.info.clone())?;
    for host in facts.hosts() {
        out.asset(host.clone())?;
    }
    let mut current = facts.hosts().last().map(|host| host.asset_id.clone());
    let mut services = Services::default();
    let mut xml = facts::begin(Xml::open(report)?)?;
    while let Some(element) = xml.next_start()? {
        if element.name != "result" {
            continue;
        }
        let place = xml.place();
        let result = xml.node(element)?;
        let asset = asset(&facts, &result).map_err(|e| xml.bad(&e))?;
        let Some(asset) = asset else {
            out.skip(SkipReason::Unidentified, place)?;
            continue;
        };
        if current.as_ref() != Some(&asset.asset_id) {
            current = Some(asset.asset_id.clone());
            services.clear();
            out.asset(asset)?;
        }
        let (port, service) = nvt::place(result.text_of("port").unwrap_or_default());
        services.emit(&port, service.clone(), &mut out)?;
        match struck(&result, port, service).hit() {
            Ok(hit) => hit.emit(&mut out)?,
            Err(reason) => out.skip(reason, place)?,
        }
    }
    Ok(())
}

fn asset(facts: &Facts, result: &Node) -> Result<Option<AssetObservation>, String> {
    let host = result.child("host");
    let address = host.and_then(Node::text).unwrap_or_default();
    let Some(address) = text::to_name(address)? else { return Ok(None) };
    let known = facts.host(&address).cloned();
    let mut asset = known.unwrap_or_else(|| hosts::asset(&address));
    if let Some(name) = host.and_then(|h| h.text_of("hostname")) {
        hosts::add_name(&mut asset, name);
    }
    Ok(Some(asset))
}

fn struck(result: &Node, place: Place, service: Option<String>) -> Struck<'_> {
    let nvt = result.child("nvt").unwrap_or(&NOTHING);
    let tags = Tags(nvt.text_of("tags").unwrap_or_default());
    let oid = nvt.attr("oid");
    let labels =
        [("", "summary"), ("Insight", "insight"), ("Impact", "impact"), (AFFECTED, "affected")];
    let texts = labels.into_iter().filter_map(|(title, tag)| Some((title, tags.get(tag)?)));
    let modified = nvt.text_of("modification_time").and_then(dates::read);
    Struck {
        oid,
        name: nvt.text_of("name").or(result.text_of("name")),
        threat: result.text_of("threat"),
        score: result.text_of("severity").and_then(|s| s.parse().ok()),
        qod: result.child("qod").and_then(|q| q.text_of("value")),
        place,
        service,
        names: names(nvt),
        cpes: products(result).filter_map(Cpe::parse).collect(),
        cvss: scores(nvt, &tags),
        texts: texts.collect(),
        solution: nvt.text_of("solution").or_else(|| tags.get("solution")),
        references: references(nvt),
        output: result.text_of("description"),
        published: nvt.text_of("creation_time").and_then(dates::read),
        modified,
    }
}

/// What a missing element says.
static NOTHING: std::sync::LazyLock<Node> = std::sync::LazyLock::new(Node::default);

/// CVEs: of the reference list, or of the element of older protocols; the CVE scanner
/// has them in the place of the OID.
fn names(nvt: &Node) -> Vec<String> {
    let refs = nvt.child("refs").into_iter().flat_map(|refs| refs.all("ref"));
    let of_refs = refs.filter(|r| r.attr("type").is_some_and(|t| t.starts_with("cve")));
    let ids = of_refs.filter_map(|r| r.attr("id"));
    let old = nvt.all("cve").filter_map(Node::text);
    checks::cves(&ids.chain(old).chain(nvt.attr("oid")).collect::<Vec<_>>().join(" "))
}

/// CPEs of what was detected: details of the result that this one is based on.
fn products(result: &Node) -> impl Iterator<Item = &str> {
    let details = result.at(&["detection", "result", "details"]);
    let details = details.into_iter().flat_map(|d| d.all("detail"));
    details.filter(|d| d.text_of("name") == Some("product")).filter_map(|d| d.text_of("value"))
}

fn references(nvt: &Node) -> Vec<String> {
    let refs = nvt.child("refs").into_iter().flat_map(|refs| refs.all("ref"));
    let urls = refs.filter(|r| r.attr("type") == Some("url")).filter_map(|r| r.attr("id"));
    let old = nvt.all("xref").filter_map(Node::text).flat_map(|x| x.split(','));
    let old = old.filter_map(|x| x.trim().strip_prefix("URL:"));
    checks::links(&urls.chain(old).collect::<Vec<_>>().join("\n"))
}

fn scores(nvt: &Node, tags: &Tags<'_>) -> Vec<CvssScore> {
    let severities = nvt.child("severities").into_iter().flat_map(|s| s.all("severity"));
    let mut scores: Vec<_> = severities
        .filter_map(|severity| {
            let vector = severity.text_of("value");
            // GMP 21.4 and later count to 100 here.
            let score = severity.text_of("score")?.parse::<f64>().ok()?;
            let score = if score > 10.0 { score / 10.0 } else { score };
            let origin = severity.text_of("origin").filter(|o| o.len() <= 20);
            let source = origin.unwrap_or("openvas").to_lowercase();
            cvss::score(&source, vector, Some(score))
        })
        .collect();
    if scores.is_empty() {
        let score = nvt.text_of("cvss_base").and_then(|s| s.parse().ok());
        let vector = tags.get("cvss_base_vector");
        scores.extend(cvss::versioned("openvas", "2.0", vector, score));
    }
    scores
}

/// `cvss_base_vector=AV:N/…|summary=…|…`
struct Tags<'t>(&'t str);

impl<'t> Tags<'t> {
    fn get(&self, name: &str) -> Option<&'t str> {
        let value =
            self.0.split('|').find_map(|tag| tag.trim().strip_prefix(name)?.strip_prefix('='));
        value.map(str::trim).filter(|v| !v.is_empty() && !matches!(*v, "N/A" | "NOTAG"))
    }
}
