//! From vulnerabilities in CSAF's words to statements in ours. The rules stand in the header
//! of the parent module.

use std::collections::HashMap;

use super::model::{Cvss, Document, Remediation, Score, Vulnerability};
use super::products::{self, Id, Products};
use crate::adapters::importers::{cvss, ids, lenient, text};
use crate::base::{Result, limits};
use crate::domain::observation::VulnerabilityObservation;
use crate::domain::severity::{CvssScore, Severity};
use crate::domain::vex::{Justification, Statement, Subject, VexStatus};

/// Products about which a vulnerability says the same.
pub struct Group<'v> {
    status: VexStatus,
    justification: Option<Justification>,
    impact: Option<String>,
    action: Option<String>,
    products: Vec<&'v str>,
}

/// What makes products a group: status, flag, threats, remediations.
type Key = (VexStatus, Option<u32>, Vec<u32>, Vec<u32>);

/// The groups of products of a vulnerability, in their order.
pub fn groups<'v>(v: &'v Vulnerability, products: &Products) -> Vec<Group<'v>> {
    let Some(status) = &v.product_status else { return Vec::new() };
    let of = |p: &[String], g: &[String]| members(p, g, products);
    let flags = Notes::of(v.flags.iter().map(|f| of(&f.product_ids, &f.group_ids)));
    let threats = Notes::of(v.threats.iter().map(|t| of(&t.product_ids, &t.group_ids)));
    let remediations = Notes::of(v.remediations.iter().map(|r| of(&r.product_ids, &r.group_ids)));
    let (mut groups, mut known) = (Vec::<Group<'v>>::new(), HashMap::<Key, usize>::new());
    for (status, list) in [
        (VexStatus::Affected, &status.known_affected),
        (VexStatus::Affected, &status.first_affected),
        (VexStatus::Affected, &status.last_affected),
        (VexStatus::NotAffected, &status.known_not_affected),
        (VexStatus::Fixed, &status.fixed),
        (VexStatus::Fixed, &status.first_fixed),
        (VexStatus::UnderInvestigation, &status.under_investigation),
    ] {
        let is_not_affected = status == VexStatus::NotAffected;
        for product in list {
            let own = products::id(product);
            let flag = flags.about(own).first().copied().filter(|_| is_not_affected);
            let threats = if is_not_affected { threats.about(own) } else { Vec::new() };
            let key = (status, flag, threats, remediations.about(own));
            let index = *known.entry(key).or_insert_with_key(|key| {
                groups.push(group(v, key));
                groups.len() - 1
            });
            groups[index].products.push(product);
        }
    }
    groups
}

fn members(products: &[String], groups: &[String], tree: &Products) -> Vec<Id> {
    let own = products.iter().map(|p| products::id(p));
    own.chain(groups.iter().flat_map(|g| tree.members(g).iter().copied())).collect()
}

fn group<'v>(v: &Vulnerability, (status, flag, threats, remediations): &Key) -> Group<'v> {
    let flag = flag.and_then(|f| v.flags[f as usize].label.as_deref());
    let justification = flag.and_then(|label| {
        label.parse().map_err(|e| tracing::debug!(error = %e, "no justification")).ok()
    });
    let threats = threats.iter().map(|t| &v.threats[*t as usize]);
    let threats = threats.filter(|t| t.category.as_deref() == Some("impact"));
    let is_severity = |text: &&str| lenient::to_severity(text) != Severity::Unknown;
    let impact = threats.filter_map(|t| t.details.as_deref()).filter(|text| !is_severity(text));
    let remediations = remediations.iter().map(|r| &v.remediations[*r as usize]);
    Group {
        status: *status,
        justification,
        impact: joined(impact.map(str::to_owned)),
        action: joined(remediations.filter_map(action)),
        products: Vec::new(),
    }
}

fn action(remediation: &Remediation) -> Option<String> {
    let link = remediation.url.clone().unwrap_or_default();
    text::to_text(&format!("{} {link}", remediation.details.as_deref().unwrap_or_default()))
}

/// Paragraphs, each once, up to the limit for texts.
fn joined(paragraphs: impl Iterator<Item = String>) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for paragraph in paragraphs {
        let length: usize = all.iter().map(String::len).sum();
        if length < limits::TEXT_BYTES && !all.contains(&paragraph) {
            all.push(paragraph);
        }
    }
    text::to_text(&all.join("\n\n"))
}

/// Which of a list's entries are about a product.
struct Notes {
    by_product: HashMap<Id, Vec<u32>>,
    /// Those that name no product are about all.
    about_all: Vec<u32>,
}

impl Notes {
    fn of(entries: impl Iterator<Item = Vec<Id>>) -> Self {
        let mut notes = Self { by_product: HashMap::new(), about_all: Vec::new() };
        for (index, products) in (0_u32..).zip(entries) {
            if products.is_empty() {
                notes.about_all.push(index);
            }
            for product in products {
                notes.by_product.entry(product).or_default().push(index);
            }
        }
        notes
    }

    fn about(&self, product: Id) -> Vec<u32> {
        let own = self.by_product.get(&product).into_iter().flatten();
        let mut about: Vec<u32> = own.chain(&self.about_all).copied().collect();
        about.sort_unstable();
        about.dedup();
        about
    }
}

impl Group<'_> {
    /// Hands the group's statements to `each`, of bounded size; returns how many products
    /// the tree does not have.
    pub fn statements(
        &self,
        products: &Products,
        vulnerability: &VulnerabilityObservation,
        each: &mut dyn FnMut(Statement) -> Result<()>,
    ) -> Result<u64> {
        let mut unknown = 0;
        for part in self.products.chunks(limits::STATEMENT_PRODUCTS) {
            let mut subjects: Vec<Subject> = Vec::new();
            let mut by_product = HashMap::new();
            for product in part {
                let Some((whole, component)) = products.find(products::id(product)) else {
                    unknown += 1;
                    continue;
                };
                let key = (std::ptr::from_ref(whole), component.is_some());
                let index = *by_product.entry(key).or_insert(subjects.len());
                if index == subjects.len() {
                    subjects.push(Subject { product: whole.clone(), components: Vec::new() });
                }
                subjects[index].components.extend(component.cloned());
            }
            if subjects.is_empty() {
                continue;
            }
            each(Statement {
                vulnerability: vulnerability.clone(),
                subjects,
                status: self.status,
                justification: self.justification,
                impact: self.impact.clone(),
                action: self.action.clone(),
                at: None,
            })?;
        }
        Ok(unknown)
    }
}

/// The vulnerability; none without an id.
pub fn vulnerability(v: &Vulnerability, document: &Document) -> Option<VulnerabilityObservation> {
    let texts = v.ids.iter().filter_map(|id| id.text.as_deref());
    let is_id = |text: &&str| ids::in_text(text).any(|id| id == text.trim().to_ascii_uppercase());
    let is_number = |text: &str| !text.contains(|c: char| c.is_ascii_alphabetic());
    let own = v.cve.as_deref().or_else(|| texts.clone().find(|text| !is_number(text)));
    let ids = ids::settle(own, texts.filter(is_id)).into_iter().next()?;
    let note = |category: &str| {
        let mut notes = v.notes.iter().filter(|n| n.category.as_deref() == Some(category));
        notes.find_map(|n| n.text.clone())
    };
    let threats = v.threats.iter().filter(|t| t.category.as_deref() == Some("exploit_status"));
    let exploited = |t: &super::model::Threat| {
        t.details.as_deref().is_some_and(|d| d.contains("known-exploited-vulnerabilities-catalog"))
    };
    let mut references: Vec<String> = v.references.iter().filter_map(|r| r.url.clone()).collect();
    references.extend(v.remediations.iter().filter_map(|r| r.url.clone()));
    text::distinct(&mut references);
    let mut cwe_ids: Vec<String> = v.cwe.iter().chain(&v.cwes).flat_map(|c| c.id.clone()).collect();
    text::distinct(&mut cwe_ids);
    Some(VulnerabilityObservation {
        id: ids.id,
        aliases: ids.aliases,
        title: v.title.clone(),
        description: ["description", "summary", "details", "general"].into_iter().find_map(note),
        solution: joined(v.remediations.iter().filter_map(action)),
        cvss: scores(v, document),
        cwe_ids,
        references,
        kev: threats.clone().any(exploited),
        exploit: threats.clone().any(exploited),
        published_at: v.release_date,
        ..VulnerabilityObservation::default()
    })
}

/// The publisher's CVSS, of each version the highest.
fn scores(v: &Vulnerability, document: &Document) -> Vec<CvssScore> {
    let source = source(document);
    let mut scores: Vec<CvssScore> = Vec::new();
    let metrics = v.metrics.iter().filter_map(|m| m.content.as_ref());
    for score in v.scores.iter().chain(metrics) {
        let Score { cvss_v2, cvss_v3, cvss_v4 } = score;
        for (default, cvss) in [("2.0", cvss_v2), ("3.1", cvss_v3), ("4.0", cvss_v4)] {
            let Some(Cvss { version, vector_string, base_score }) = cvss else { continue };
            let version = version.as_deref().unwrap_or(default);
            let score = cvss::versioned(&source, version, vector_string.as_deref(), *base_score);
            let Some(score) = score else { continue };
            match scores.iter_mut().find(|s| s.version == score.version) {
                Some(known) if known.score < score.score => *known = score,
                Some(_) => {}
                None => scores.push(score),
            }
        }
    }
    scores
}

/// The publisher's short name: of `https://www.redhat.com` that is `redhat`.
fn source(document: &Document) -> String {
    let publisher = document.publisher.as_ref();
    let namespace = publisher.and_then(|p| p.namespace.as_deref()).unwrap_or_default();
    let host = namespace.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    // The last is the top level, and before it may be one such as `co` or `com`.
    let known = labels.iter().rev().skip(1).find(|l| !matches!(**l, "co" | "com" | "gov" | "org"));
    let name = publisher.and_then(|p| p.name.clone()).unwrap_or_else(|| "csaf".to_owned());
    known.filter(|l| !l.is_empty()).map_or_else(|| name.to_lowercase(), |l| (*l).to_owned())
}
