//! CycloneDX 1.6 in JSON: a Vulnerability Disclosure Report (every finding with what is
//! known of its vulnerability) and a Vulnerability Exploitability eXchange (what is said
//! about each), as <https://cyclonedx.org/capabilities/vdr/> and `/vex/` describe them.
//!
//! - **One asset**: it is `metadata.component`, and its packages are the components. A VEX
//!   lists no components, since the bill of materials is another document; what it is about
//!   it names by package URL.
//! - **Several assets**: a document can be about one thing only. Each asset is a component
//!   that holds its packages, and the document says of itself no subject. Read by others it
//!   is one thing; for an import elsewhere, export asset by asset.
//! - **Vulnerability**: an entry for each vulnerability on an asset and each thing said about
//!   it. So the order is that of assets, entries are of bounded size, and a second pass over
//!   the same findings writes them after the components; nothing is kept but the references
//!   of one asset's packages.
//! - **Severity**: a rating without a source is the finding's own; those of sources stand
//!   beside it with their vectors.
//! - **Analysis**: of a VEX always, of a VDR where something was decided or fixed. What was
//!   fixed by an update names the package as it is now.
//! - **Recommendation**: in Trivy's words, which importers (ours too) read versions from.
//! - Not carried: titles, ports, web addresses, lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Map, Value, json};

use super::source::{Findings, Item, Order, each_pair};
use super::verdict::{self, Action, Verdict};
use super::{About, FindingFormat, Info, json as text, subject};
use crate::base::Result;
use crate::domain::asset::{Asset, AssetType};
use crate::domain::component::Component;
use crate::domain::severity::Severity;
use crate::domain::status::FindingStatus;
use crate::domain::vex::VexStatus;
use crate::domain::vulnerability::Vulnerability;

/// Vulnerability Disclosure Report.
pub struct Vdr;

/// Vulnerability Exploitability eXchange.
pub struct Vex;

const VDR: Info = Info {
    name: "cyclonedx-vdr",
    title: "CycloneDX 1.6 VDR",
    media_type: "application/vnd.cyclonedx+json",
    extension: "cdx.json",
};

const VEX: Info = Info {
    name: "cyclonedx-vex",
    title: "CycloneDX 1.6 VEX",
    media_type: "application/vnd.cyclonedx+json",
    extension: "vex.cdx.json",
};

impl FindingFormat for Vdr {
    fn info(&self) -> &'static Info {
        &VDR
    }

    fn write(&self, about: &About, findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
        write(&VDR, about, findings, out)
    }
}

impl FindingFormat for Vex {
    fn info(&self) -> &'static Info {
        &VEX
    }

    fn write(&self, about: &About, findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
        write(&VEX, about, findings, out)
    }
}

fn write(info: &Info, about: &About, findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
    let only = findings.only_asset()?;
    let (is_vex, is_one) = (info == &VEX, only.is_some());
    text::put(out, "{\"$schema\":\"http://cyclonedx.org/schema/bom-1.6.schema.json\",")?;
    text::put(out, "\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"serialNumber\":")?;
    text::value(out, &format!("urn:uuid:{}", about.uuid(info)))?;
    text::put(out, ",\"version\":1,\"metadata\":")?;
    let tool = json!({"type": "application", "name": About::TOOL, "version": About::VERSION});
    let mut metadata = json!({"timestamp": about.time(), "tools": {"components": [tool]},
        "authors": [{"name": about.author}]});
    if let Some(asset) = &only {
        metadata["component"] = Value::Object(asset_component(asset));
    }
    text::value(out, &metadata)?;
    if !(is_vex && is_one) {
        text::put(out, ",\"components\":[\n")?;
        components(findings, is_one, out)?;
        text::put(out, "\n]")?;
    }
    text::put(out, ",\"vulnerabilities\":[\n")?;
    let mut list = text::List::default();
    each_pair(findings, &mut |pair| {
        for entry in of_pair(pair, is_vex, is_one) {
            list.item(out, &entry)?;
        }
        Ok(())
    })?;
    text::put(out, "\n]}\n")
}

/// The packages of all assets; within their assets, if there are several.
fn components(findings: &dyn Findings, is_one: bool, out: &mut dyn Write) -> Result<()> {
    let mut packages = text::List::default();
    let mut assets = text::List::default();
    let (mut current, mut seen) = (None, BTreeSet::new());
    findings.each(Order::ByAsset, &mut |item| {
        if current != Some(item.asset.id) {
            if !is_one {
                if current.is_some() {
                    text::put(out, "\n]}")?;
                }
                assets.next(out)?;
                let mut asset = text_of(asset_component(&item.asset))?;
                asset.pop();
                text::put(out, &asset)?;
                text::put(out, ",\"components\":[\n")?;
                packages = text::List::default();
            }
            current = Some(item.asset.id);
            seen.clear();
        }
        let component = subject::component(&item.finding);
        let reference = reference(item.asset.id, &component);
        if seen.insert(reference.clone()) {
            packages.item(out, &package(&reference, &component))?;
        }
        Ok(())
    })?;
    if current.is_some() && !is_one { text::put(out, "\n]}") } else { Ok(()) }
}

fn text_of(map: Map<String, Value>) -> Result<String> {
    let mut bytes = Vec::new();
    text::value(&mut bytes, &map)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn asset_component(asset: &Asset) -> Map<String, Value> {
    let kind = match asset.asset_type {
        AssetType::Container => "container",
        AssetType::Server | AssetType::VirtualMachine | AssetType::CloudInstance => {
            "operating-system"
        }
        AssetType::NetworkDevice => "device",
        AssetType::Repository => "file",
        AssetType::Application | AssetType::Database | AssetType::Other => "application",
    };
    let mut component = Map::new();
    component.insert("type".into(), json!(kind));
    component.insert("bom-ref".into(), json!(format!("A{}", asset.id)));
    component.insert("name".into(), json!(asset.asset_id));
    if let Some(version) = asset.tags.get("version") {
        component.insert("version".into(), json!(version));
    }
    component
}

/// The reference of a package on an asset: the same in both passes.
fn reference(asset: u64, component: &Component) -> String {
    let purl = subject::purl(component);
    let parts = [component.name.as_str(), &purl, component.location()];
    format!("A{asset}-{}", subject::digest(&parts))
}

fn package(reference: &str, component: &Component) -> Value {
    let mut package = json!({"type": "library", "bom-ref": reference, "name": component.name});
    if component.name.is_empty() {
        package["name"] = json!("unnamed");
    }
    if let Some(version) = &component.version {
        package["version"] = json!(version);
    }
    if component.purl.is_some() || component.ecosystem.is_some() {
        package["purl"] = json!(subject::purl(component));
    }
    if !component.location().is_empty() {
        package["evidence"] = json!({"occurrences": [{"location": component.path}]});
    }
    package
}

/// What is said of a vulnerability on an asset.
fn of_pair(pair: &[Item], is_vex: bool, is_one: bool) -> Vec<Value> {
    let Some(first) = pair.first() else { return Vec::new() };
    let of = |item: &Item| {
        let component = subject::component(&item.finding);
        if is_vex && is_one {
            subject::purl(&component)
        } else {
            reference(item.asset.id, &component)
        }
    };
    let mut groups: BTreeMap<(Verdict, Severity), Vec<String>> = BTreeMap::new();
    for (reference, (verdict, severity)) in verdict::of_subjects(pair, of) {
        let severity = if is_vex { Severity::Unknown } else { severity };
        groups.entry((verdict, severity)).or_default().push(reference);
    }
    let mut entries = Vec::with_capacity(groups.len());
    for (at, ((verdict, severity), affects)) in groups.iter().enumerate() {
        let reference = format!("A{}-V{}-{at}", first.asset.id, first.vulnerability.id);
        let said = Said { pair, verdict, severity: *severity, affects, is_vex };
        entries.push(said.entry(&reference, &first.vulnerability));
    }
    entries
}

/// An entry in the making.
struct Said<'p> {
    pair: &'p [Item],
    verdict: &'p Verdict,
    severity: Severity,
    affects: &'p [String],
    is_vex: bool,
}

impl Said<'_> {
    fn entry(&self, reference: &str, v: &Vulnerability) -> Value {
        let mut entry = json!({"bom-ref": reference, "id": v.cve_id});
        if !v.aliases.is_empty() {
            let alias = |id: &String| json!({"id": id, "source": {"name": source_of(id)}});
            entry["references"] = v.aliases.iter().map(alias).collect();
        }
        if !self.is_vex {
            self.describe(v, &mut entry);
        }
        if self.is_vex || self.verdict.at.is_some() || self.is_closed() {
            entry["analysis"] = self.analysis();
        }
        entry["affects"] = self.affects.iter().map(|r| json!({"ref": r})).collect();
        entry
    }

    fn is_closed(&self) -> bool {
        matches!(self.verdict.status, VexStatus::Fixed | VexStatus::NotAffected)
    }

    fn describe(&self, v: &Vulnerability, entry: &mut Value) {
        let mut ratings = vec![json!({"severity": self.severity, "method": "other"})];
        ratings.extend(v.cvss.iter().filter_map(|cvss| {
            let mut rating =
                json!({"source": {"name": cvss.source}, "method": method(&cvss.version)?});
            if let Some(score) = cvss.score {
                rating["score"] = json!(score);
                rating["severity"] = json!(Severity::of_score(score));
            }
            if let Some(vector) = &cvss.vector {
                rating["vector"] = json!(vector);
            }
            Some(rating)
        }));
        entry["ratings"] = ratings.into();
        let number = |id: &String| id.strip_prefix("CWE-")?.parse::<u32>().ok();
        let cwes: BTreeSet<u32> = v.cwe_ids.iter().filter_map(number).filter(|n| *n > 0).collect();
        if !cwes.is_empty() {
            entry["cwes"] = json!(cwes);
        }
        entry["description"] = json!(v.description.as_ref().unwrap_or(&v.title));
        if let Some(recommendation) = self.recommendation().or_else(|| v.solution.clone()) {
            entry["recommendation"] = json!(recommendation);
        }
        let links = v.references.iter().filter(|link| subject::is_link(link));
        let advisories: Vec<Value> = links.map(|link| json!({"url": link})).collect();
        if !advisories.is_empty() {
            entry["advisories"] = advisories.into();
        }
        if let Some(at) = v.published_at {
            entry["published"] = json!(at);
        }
        if let Some(at) = v.modified_at {
            entry["updated"] = json!(at);
        }
    }

    /// In the words in which Trivy says it.
    fn recommendation(&self) -> Option<String> {
        let upgrades: BTreeSet<String> = self
            .pair
            .iter()
            .filter_map(|item| {
                let version = item.finding.fixed_version.as_ref()?;
                Some(format!("Upgrade {} to version {version}", item.finding.component.name))
            })
            .collect();
        let upgrades: Vec<_> = upgrades.into_iter().collect();
        (!upgrades.is_empty()).then(|| upgrades.join("; "))
    }

    fn analysis(&self) -> Value {
        let verdict = self.verdict;
        let is_false = self.pair.iter().any(|item| {
            item.finding.status == FindingStatus::FalsePositive && Verdict::of(item) == *verdict
        });
        let state = match verdict.status {
            VexStatus::UnderInvestigation => "in_triage",
            VexStatus::Affected => "exploitable",
            VexStatus::Fixed => "resolved",
            VexStatus::NotAffected if is_false => "false_positive",
            VexStatus::NotAffected => "not_affected",
        };
        let mut analysis = json!({"state": state});
        if let Some(justification) = verdict.justification {
            analysis["justification"] = json!(justification.cyclonedx());
        }
        match &verdict.action {
            Some(Action::Accepted(_)) => analysis["response"] = json!(["will_not_fix"]),
            Some(Action::Update(_)) => analysis["response"] = json!(["update"]),
            Some(Action::Advice(_) | Action::None(_)) | None => {}
        }
        let action = verdict.action.as_ref().map(|action| action.text().to_owned());
        if let Some(detail) = verdict.impact.clone().or(action) {
            analysis["detail"] = json!(detail);
        }
        if let Some(at) = verdict.at {
            analysis["lastUpdated"] = json!(at);
        }
        analysis
    }
}

fn method(version: &str) -> Option<&'static str> {
    Some(match version {
        "2.0" => "CVSSv2",
        "3.0" => "CVSSv3",
        "3.1" => "CVSSv31",
        "4.0" => "CVSSv4",
        _ => return None,
    })
}

/// Whose id it is, by its beginning.
pub(super) fn source_of(id: &str) -> &'static str {
    let prefixes = [
        ("CVE-", "CVE"),
        ("GHSA-", "GitHub Advisory Database"),
        ("DSA-", "Debian Security Advisory"),
        ("DLA-", "Debian LTS Advisory"),
        ("USN-", "Ubuntu Security Notice"),
        ("RHSA-", "Red Hat Security Advisory"),
        ("GO-", "Go Vulnerability Database"),
        ("RUSTSEC-", "RustSec Advisory Database"),
        ("PYSEC-", "Python Packaging Advisory Database"),
        ("OSV-", "OSV"),
    ];
    prefixes.iter().find(|(prefix, _)| id.starts_with(prefix)).map_or("other", |(_, name)| name)
}
