//! What Nmap's scripts find: lists of `vulners`, entries of the library `vulns`. Other scripts
//! say nothing that is read here.

use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::network::{Hit, checks, dates};
use crate::adapters::importers::xml::Node;
use crate::adapters::importers::{cvss, lenient, text};
use crate::base::Result;
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, SkipReason, VulnerabilityObservation};
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

/// Reads the output of a script on `component` at `place`; `at` is where it stands.
pub fn read(
    script: &Node,
    place: &Place,
    component: &Component,
    at: &str,
    out: &mut Emitter<'_>,
) -> Result<()> {
    let Some(id) = script.attr("id").and_then(text::to_line) else { return Ok(()) };
    if id == "vulners" {
        return vulners(script, place, component, at, out);
    }
    let entries = script.all("table").filter(|t| elem(t, "state").is_some());
    for entry in entries {
        let state = elem(entry, "state").unwrap_or_default();
        if state.starts_with("NOT ") {
            out.skip(SkipReason::NotAffected, format!("{at}, {id}"))?;
        } else if state.starts_with("VULNERABLE") || state.starts_with("LIKELY VULNERABLE") {
            match of_entry(entry, script, &id, state) {
                Some(hit) => placed(hit, place, component, &id).emit(out)?,
                None => out.skip(SkipReason::Unidentified, format!("{at}, {id}"))?,
            }
        }
    }
    Ok(())
}

fn placed(mut hit: Hit, place: &Place, component: &Component, script: &str) -> Hit {
    hit.finding.place = place.clone();
    hit.finding.component = component.clone();
    hit.finding.check = Some(script.to_owned());
    hit.finding.scan = ScanKind::Network;
    hit
}

/// `<elem key="…">`
fn elem<'n>(table: &'n Node, key: &str) -> Option<&'n str> {
    table.all("elem").find(|e| e.attr("key") == Some(key)).and_then(Node::text)
}

/// The texts of `<table key="…">`.
fn list<'n>(table: &'n Node, key: &str) -> Vec<&'n str> {
    let tables = table.all("table").filter(|t| t.attr("key") == Some(key));
    tables.flat_map(|t| t.all("elem")).filter_map(Node::text).collect()
}

/// An entry of the library `vulns`.
fn of_entry(entry: &Node, script: &Node, id: &str, state: &str) -> Option<Hit> {
    let ids = list(entry, "ids").join(" ").replace("CVE:", " ");
    let key = entry.attr("key").unwrap_or_default();
    let names = checks::cves(&format!("{ids} {key}"));
    let output = script.attr("output").unwrap_or_default();
    let scores = entry.all("table").filter(|t| t.attr("key") == Some("scores"));
    let scores = scores.flat_map(|t| t.all("elem")).filter_map(|e| {
        let (_, vector) = e.text()?.rsplit_once('(')?;
        cvss::versioned("nmap", e.attr("key")?, Some(vector), e.text().and_then(checks::number))
    });
    let cvss: Vec<_> = scores.collect();
    let rated = output.split_once("Risk factor:").map(|(_, rest)| rest.trim_start());
    let word = rated.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
    let by_score = || cvss.iter().find_map(|c| c.score).map(Severity::of_score).unwrap_or_default();
    let severity = Some(lenient::to_severity(word)).filter(|s| *s != Severity::Unknown);
    let results =
        [list(entry, "check_results"), list(entry, "exploit_results"), list(entry, "extra_info")];
    Some(Hit {
        finding: FindingObservation {
            severity: severity.unwrap_or_else(by_score),
            status: text::to_line(state).map(|s| s.to_lowercase()),
            evidence: text::to_text(&results.concat().join("\n")).or(text::to_text(output)),
            vulnerability: VulnerabilityObservation {
                id: checks::id("NMAP", id)?,
                title: elem(entry, "title").and_then(text::to_line),
                description: text::to_text(&list(entry, "description").join("\n")),
                references: checks::links(&list(entry, "refs").join("\n")),
                exploit: state.contains("(Exploitable)"),
                published_at: elem(entry, "disclosure").and_then(dates::read),
                cvss,
                ..VulnerabilityObservation::default()
            },
            ..FindingObservation::default()
        },
        names,
        ..Hit::default()
    })
}

/// One line of a list of `vulners`.
struct Listed {
    id: String,
    score: Option<f64>,
    link: Option<String>,
}

fn vulners(
    script: &Node,
    place: &Place,
    component: &Component,
    at: &str,
    out: &mut Emitter<'_>,
) -> Result<()> {
    for (product, entries) in products(script) {
        let of_cpe = Cpe::parse(product.trim_end_matches(':')).map(|cpe| {
            let found = checks::component(&[cpe], None);
            let version = found.version.clone().or_else(|| component.version.clone());
            Component { version, ..found }
        });
        let component = of_cpe.unwrap_or_else(|| component.clone());
        let mut listed: Vec<Listed> = Vec::new();
        for entry in entries {
            match entry {
                Some((new, is_cve)) => match listed.iter_mut().find(|l| l.id == new.id) {
                    // Other databases list the CVE again; its own line counts.
                    Some(known) if is_cve => *known = new,
                    Some(_) => {}
                    None => listed.push(new),
                },
                None => out.skip(SkipReason::Informational, format!("{at}, vulners"))?,
            }
        }
        for entry in listed {
            let hit = Hit { finding: of_listed(entry), ..Hit::default() };
            placed(hit, place, &component, "vulners").emit(out)?;
        }
    }
    Ok(())
}

fn of_listed(entry: Listed) -> FindingObservation {
    FindingObservation {
        severity: entry.score.map(Severity::of_score).unwrap_or_default(),
        vulnerability: VulnerabilityObservation {
            id: entry.id,
            cvss: cvss::score("vulners", None, entry.score).into_iter().collect(),
            references: entry.link.into_iter().collect(),
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    }
}

/// A vulnerability and whether the line is the CVE's own; `None` for an exploit.
type Entry = Option<(Listed, bool)>;

/// The products that were looked up, with the entries found: out of the tables, or of the
/// text of versions before there were any.
fn products(script: &Node) -> Vec<(String, Vec<Entry>)> {
    let of_table = |table: &Node| {
        let entries = table.all("table").map(|entry| {
            let is_exploit = elem(entry, "is_exploit") == Some("true");
            listed(elem(entry, "id"), elem(entry, "cvss"), elem(entry, "type"), is_exploit)
        });
        (table.attr("key").unwrap_or_default().to_owned(), entries.collect())
    };
    let tables: Vec<_> = script.all("table").map(of_table).collect();
    if !tables.is_empty() {
        return tables;
    }
    let mut products: Vec<(String, Vec<Entry>)> = Vec::new();
    for line in script.attr("output").unwrap_or_default().lines().map(str::trim) {
        if line.ends_with(':') && !line.contains('\t') {
            products.push((line.to_owned(), Vec::new()));
        } else if let Some((_, entries)) = products.last_mut() {
            let fields: Vec<&str> = line.split('\t').collect();
            let is_exploit = line.contains("*EXPLOIT*");
            if fields.len() >= 2 {
                entries.push(listed(
                    fields.first().copied(),
                    fields.get(1).copied(),
                    None,
                    is_exploit,
                ));
            }
        }
    }
    products
}

fn listed(id: Option<&str>, score: Option<&str>, kind: Option<&str>, is_exploit: bool) -> Entry {
    if is_exploit {
        return None;
    }
    let text = id?;
    let cve = checks::cves(&text.replace(':', " ")).into_iter().next();
    let is_cve = kind == Some("cve") || checks::cve(text).is_some();
    let id = cve.map_or_else(|| text::to_advisory_id(text), Ok).ok()?;
    let of = if is_cve { "cve" } else { kind.unwrap_or("cve") };
    let link = text::to_link(&format!("https://vulners.com/{of}/{text}"));
    let score = score.and_then(|s| s.trim().parse().ok()).filter(|s| (0.0..=10.0).contains(s));
    Some((Listed { id, score, link }, is_cve))
}
