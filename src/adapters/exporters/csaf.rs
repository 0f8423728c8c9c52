//! CSAF 2.0 (OASIS standard), profile 5 "VEX" (§4.5).
//!
//! - **Products** (§3.2.2): assets and packages are full product names, a package on an asset
//!   is a relationship "installed on" of both; vulnerabilities are about those. Packages come
//!   in the order of their names, so that each is written once (test 6.1.2) although no table
//!   of all is kept.
//! - **Vulnerabilities** (§3.2.3): each id once (test 6.1.23), so the order is theirs. Product
//!   ids stand by status, flag, threat and remediation, so what is said of each product is
//!   held for one vulnerability at a time: 24 bytes for each finding of it, and each text
//!   once.
//! - **Contradictions** (test 6.1.6): a package in several places of an asset is affected if
//!   it is in one of them.
//! - **Not affected** has a flag, or a threat of category `impact` (test 6.1.27.9); a reason
//!   beside a flag is a threat too. **Affected** has a remediation (test 6.1.27.10): accepted
//!   risks are `no_fix_planned`, updates `vendor_fix`, the advisory's advice `mitigation`.
//! - **Left out**: CVSS, which the profile does not want and which must name all its products
//!   once more; weaknesses, whose names we do not have (test 6.1.11).
//! - **Empty**: a document needs a vulnerability, so there is none of no findings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Value, json};

use super::cyclonedx::source_of;
use super::source::{Findings, Item, Order};
use super::verdict::{self, Action, Verdict};
use super::{About, FindingFormat, Info, json as text, subject};
use crate::base::Result;
use crate::domain::component::Component;
use crate::domain::vex::VexStatus;
use crate::domain::vulnerability::Vulnerability;

/// CSAF.
pub struct Csaf;

const INFO: Info = Info {
    name: "csaf-vex",
    title: "CSAF 2.0 VEX",
    media_type: "application/json",
    extension: "csaf.json",
};

/// The catalogue of what is exploited; our importer looks for the address.
const KEV: &str =
    "Known to be exploited: https://www.cisa.gov/known-exploited-vulnerabilities-catalog";

impl FindingFormat for Csaf {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn needs_findings(&self) -> bool {
        true
    }

    fn write(&self, about: &About, findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
        text::put(out, "{\"document\":")?;
        text::value(out, &document(about))?;
        text::put(out, ",\"product_tree\":{\"full_product_names\":[\n")?;
        let mut names = text::List::default();
        assets(findings, &mut names, out)?;
        packages(findings, &mut names, out)?;
        text::put(out, "\n],\"relationships\":[\n")?;
        relationships(findings, out)?;
        text::put(out, "\n]},\"vulnerabilities\":[\n")?;
        vulnerabilities(findings, out)?;
        text::put(out, "\n]}\n")
    }
}

fn document(about: &About) -> Value {
    let at = about.time();
    let engine = json!({"name": About::TOOL, "version": About::VERSION});
    json!({
        "category": "csaf_vex",
        "csaf_version": "2.0",
        "lang": "en",
        "publisher": {"category": "user", "name": about.author, "namespace": about.namespace},
        "title": format!("Findings of {} on {at}", about.author),
        "tracking": {
            "current_release_date": at,
            "generator": {"date": at, "engine": engine},
            "id": format!("vulnzero-{}", about.id(&INFO)),
            "initial_release_date": at,
            "revision_history": [{"date": at, "number": "1", "summary": "Exported."}],
            "status": "final",
            "version": "1",
        },
    })
}

/// A package's product id.
fn package_id(component: &Component) -> String {
    format!("C{}", subject::digest(&[&component.name, &subject::purl(component)]))
}

fn assets(findings: &dyn Findings, names: &mut text::List, out: &mut dyn Write) -> Result<()> {
    let mut current = None;
    findings.each(Order::ByAsset, &mut |item| {
        if current == Some(item.asset.id) {
            return Ok(());
        }
        current = Some(item.asset.id);
        let id = format!("A{}", item.asset.id);
        names.item(out, &json!({"name": item.asset.asset_id, "product_id": id}))
    })
}

fn packages(findings: &dyn Findings, names: &mut text::List, out: &mut dyn Write) -> Result<()> {
    let (mut current, mut seen) = (None, BTreeSet::new());
    findings.each(Order::ByComponent, &mut |item| {
        let component = subject::component(&item.finding);
        if current.as_ref() != Some(&component.name) {
            seen.clear();
            current = Some(component.name.clone());
        }
        let id = package_id(&component);
        if !seen.insert(id.clone()) {
            return Ok(());
        }
        let helper = json!({"purl": subject::purl(&component)});
        let name = json!({"name": name(&component), "product_id": id,
            "product_identification_helper": helper});
        names.item(out, &name)
    })
}

/// Name and version; never nothing.
fn name(component: &Component) -> String {
    let label = subject::label(component);
    if label.trim().is_empty() { "unnamed".to_owned() } else { label }
}

fn relationships(findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
    let mut list = text::List::default();
    let (mut current, mut seen) = (None, BTreeSet::new());
    findings.each(Order::ByAsset, &mut |item| {
        if current != Some(item.asset.id) {
            seen.clear();
            current = Some(item.asset.id);
        }
        let component = subject::component(&item.finding);
        let (asset, package) = (format!("A{}", item.asset.id), package_id(&component));
        if !seen.insert(package.clone()) {
            return Ok(());
        }
        let both = json!({"name": format!("{} on {}", name(&component), item.asset.asset_id),
            "product_id": format!("{asset}-{package}")});
        let relationship = json!({"category": "installed_on", "full_product_name": both,
            "product_reference": package, "relates_to_product_reference": asset});
        list.item(out, &relationship)
    })
}

fn vulnerabilities(findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
    let mut list = text::List::default();
    let mut held: Option<Held> = None;
    findings.each(Order::ByVulnerability, &mut |item| {
        let id = item.finding.vulnerability_id;
        if let Some(done) = held.take_if(|held| held.id != id) {
            list.item(out, &done.entry(&*findings.vulnerability(done.id)?))?;
        }
        held.get_or_insert_with(|| Held::new(id)).take(&item);
        Ok(())
    })?;
    match held {
        Some(last) => list.item(out, &last.entry(&*findings.vulnerability(last.id)?)),
        None => Ok(()),
    }
}

/// What is said about the products of one vulnerability.
struct Held {
    id: u64,
    /// By asset and package: which of the verdicts.
    products: BTreeMap<(u64, u64), u32>,
    verdicts: Vec<Verdict>,
    known: BTreeMap<Verdict, u32>,
}

impl Held {
    fn new(id: u64) -> Self {
        Self { id, products: BTreeMap::new(), verdicts: Vec::new(), known: BTreeMap::new() }
    }

    fn take(&mut self, item: &Item) {
        let package = package_id(&subject::component(&item.finding));
        let package = u64::from_str_radix(&package[1..], 16).unwrap_or_default();
        // When it was decided stands nowhere in this format.
        let verdict = Verdict { at: None, ..Verdict::of(item) };
        let next = self.verdicts.len() as u32;
        let index = *self.known.entry(verdict.clone()).or_insert(next);
        if index == next {
            self.verdicts.push(verdict);
        }
        let verdicts = &self.verdicts;
        let weight = |index: u32| verdict::weight(verdicts[index as usize].status);
        let product = self.products.entry((item.asset.id, package)).or_insert(index);
        if weight(*product) < weight(index) {
            *product = index;
        }
    }

    /// Product ids by what `group` makes of what is said about them.
    fn grouped<K: Ord>(&self, group: impl Fn(&Verdict) -> Option<K>) -> BTreeMap<K, Vec<String>> {
        let mut groups: BTreeMap<K, Vec<String>> = BTreeMap::new();
        for ((asset, package), verdict) in &self.products {
            if let Some(key) = group(&self.verdicts[*verdict as usize]) {
                groups.entry(key).or_default().push(format!("A{asset}-C{package:016x}"));
            }
        }
        groups
    }

    fn entry(&self, v: &Vulnerability) -> Value {
        let mut entry = json!({});
        ids(v, &mut entry);
        let title = v.title.trim();
        entry["title"] = json!(if title.is_empty() { &v.cve_id } else { title });
        let described = v.description.as_deref().map(str::trim).filter(|d| !d.is_empty());
        let described = described.unwrap_or(if title.is_empty() { &v.cve_id } else { title });
        entry["notes"] = json!([{"category": "description", "text": described}]);
        if let Some(at) = v.published_at {
            entry["release_date"] = json!(at);
        }
        let links: BTreeSet<&String> =
            v.references.iter().filter(|l| subject::is_link(l)).collect();
        if !links.is_empty() {
            let reference =
                |url| json!({"category": "external", "summary": "Reference", "url": url});
            entry["references"] = links.into_iter().map(reference).collect();
        }
        let status = self.grouped(|verdict| Some(status(verdict.status)));
        entry["product_status"] = json!(status);
        self.reasons(v, &mut entry);
        entry
    }

    /// Flags, threats and remediations.
    fn reasons(&self, v: &Vulnerability, entry: &mut Value) {
        let flags = self.grouped(|verdict| verdict.justification);
        if !flags.is_empty() {
            let flag = |(label, products)| json!({"label": label, "product_ids": products});
            entry["flags"] = flags.into_iter().map(flag).collect();
        }
        let impacts = self.grouped(|verdict| verdict.impact.clone());
        let impact = |(details, products)| json!({"category": "impact", "details": details, "product_ids": products});
        let mut threats: Vec<Value> = impacts.into_iter().map(impact).collect();
        if v.kev {
            threats.push(json!({"category": "exploit_status", "details": KEV}));
        }
        if !threats.is_empty() {
            entry["threats"] = threats.into();
        }
        let actions = self.grouped(|verdict| verdict.action.clone());
        if !actions.is_empty() {
            let remediation = |(action, products): (Action, Vec<String>)| {
                json!({"category": category(&action), "details": action.text(),
                    "product_ids": products})
            };
            entry["remediations"] = actions.into_iter().map(remediation).collect();
        }
    }
}

/// The CVE, and the other ids.
fn ids(v: &Vulnerability, entry: &mut Value) {
    let is_cve = |id: &str| {
        let parts: Vec<&str> = id.split('-').collect();
        let digits = |part: &str| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_digit());
        matches!(parts[..], ["CVE", year, number] if year.len() == 4 && digits(year) && digits(number))
    };
    let mut others: BTreeSet<&String> = v.aliases.iter().filter(|id| !id.is_empty()).collect();
    if is_cve(&v.cve_id) {
        entry["cve"] = json!(v.cve_id);
    } else {
        others.insert(&v.cve_id);
    }
    if !others.is_empty() {
        // The importers take the first for the name, so the own one comes first.
        let own = others.take(&v.cve_id);
        let all = own.into_iter().chain(others);
        let id = |id: &String| json!({"system_name": source_of(id), "text": id});
        entry["ids"] = all.map(id).collect();
    }
}

const fn status(status: VexStatus) -> &'static str {
    match status {
        VexStatus::UnderInvestigation => "under_investigation",
        VexStatus::NotAffected => "known_not_affected",
        VexStatus::Affected => "known_affected",
        VexStatus::Fixed => "fixed",
    }
}

const fn category(action: &Action) -> &'static str {
    match action {
        Action::Accepted(_) => "no_fix_planned",
        Action::Update(_) => "vendor_fix",
        Action::Advice(_) => "mitigation",
        Action::None(_) => "none_available",
    }
}
