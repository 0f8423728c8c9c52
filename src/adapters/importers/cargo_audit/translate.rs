//! From cargo-audit's words to ours. The rules stand in the header of the parent module.

use super::model::{Advisory, Entry};
use crate::adapters::importers::{cvss, ids, text, versions};
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, VulnerabilityObservation};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

/// The findings that an entry is: one for each vulnerability that it names. None without an
/// id or a package.
pub fn findings(entry: Entry, is_warning: bool) -> Vec<FindingObservation> {
    let package = entry.package.unwrap_or_default();
    let (Some(advisory), Some(name)) = (entry.advisory, package.name) else { return Vec::new() };
    let settled = ids::settle(advisory.id.as_deref(), advisory.aliases.iter().map(String::as_str));
    let patched = entry.versions.unwrap_or_default().patched;
    let mut patched: Vec<_> = patched.iter().flat_map(|range| versions::lowest(range)).collect();
    text::distinct(&mut patched);
    let check = advisory.id.clone().filter(|_| settled.len() > 1);
    let vulnerability = vulnerability(advisory);
    let rated = vulnerability.cvss.iter().filter_map(|c| c.score).map(Severity::of_score).max();
    let unrated = if is_warning { Severity::Info } else { Severity::Unknown };
    let template = FindingObservation {
        component: Component {
            name,
            version: package.version,
            ecosystem: Some("cargo".to_owned()),
            ..Component::default()
        },
        scan: ScanKind::Libraries,
        fixed_version: text::joined(&patched),
        severity: rated.unwrap_or(unrated),
        status: entry.kind.filter(|_| is_warning).or(is_warning.then(|| "unsound".to_owned())),
        check,
        vulnerability,
        ..FindingObservation::default()
    };
    let finding = |ids: ids::Ids| {
        let mut finding = template.clone();
        (finding.vulnerability.id, finding.vulnerability.aliases) = (ids.id, ids.aliases);
        finding
    };
    settled.into_iter().map(finding).collect()
}

/// What the advisory says, but for its ids.
fn vulnerability(advisory: Advisory) -> VulnerabilityObservation {
    let id = advisory.id.as_deref().unwrap_or_default();
    let is_rustsec = id.len() < 30 && id.starts_with("RUSTSEC-");
    let page = is_rustsec.then(|| format!("https://rustsec.org/advisories/{id}.html"));
    let page = page.and_then(|page| text::to_link(&page));
    let mut references: Vec<_> =
        page.into_iter().chain(advisory.url).chain(advisory.references).collect();
    text::distinct(&mut references);
    VulnerabilityObservation {
        title: advisory.title,
        description: advisory.description,
        cvss: cvss::score("rustsec", advisory.cvss.as_deref(), None).into_iter().collect(),
        references,
        published_at: advisory.date,
        ..VulnerabilityObservation::default()
    }
}
