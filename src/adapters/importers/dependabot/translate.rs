//! From GitHub's words to ours. The rules stand in the header of the parent module.

use super::model::{Advisory, Alert, Cvss, Cwe, Repository, RepositoryHead};
use crate::adapters::importers::{cvss, ecosystem, ids, text};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::{AssetObservation, FindingObservation, VulnerabilityObservation};
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

fn repository(name: Option<String>, url: Option<&str>) -> AssetObservation {
    AssetObservation {
        asset_id: name.unwrap_or_default(),
        asset_type: AssetType::Repository,
        identifiers: url
            .and_then(|url| Identifier::new(IdentifierKind::Repository, url))
            .into_iter()
            .collect(),
        ..AssetObservation::default()
    }
}

/// The asset that a repository in an answer of GraphQL is.
pub fn asset(head: &RepositoryHead) -> AssetObservation {
    let name = head.name_with_owner.clone().or_else(|| head.name.clone());
    let complete = if head.is_whole() { vec![ScanKind::Libraries] } else { Vec::new() };
    AssetObservation { complete, ..repository(name, head.url.as_deref()) }
}

/// The asset that an alert of REST or of a webhook is about.
pub fn asset_of_alert(alert: &Alert, about: Option<&Repository>) -> AssetObservation {
    let page = alert.html_url.as_deref().and_then(|url| url.split_once("/security/dependabot"));
    let page = page.map(|(page, _)| page);
    let api = alert.url.as_deref().and_then(|url| url.split_once("/repos/"));
    let api = api.and_then(|(_, rest)| rest.split_once("/dependabot/"));
    let of_page = page.and_then(|page| {
        let mut parts = page.rsplitn(3, '/');
        let (name, owner) = (parts.next()?, parts.next()?);
        Some(format!("{owner}/{name}"))
    });
    let name = about.and_then(|r| r.full_name.clone());
    let name = name.or(of_page).or_else(|| api.map(|(name, _)| name.to_owned()));
    let url = about.and_then(|r| r.html_url.as_deref()).or(page);
    repository(name, url)
}

/// The findings that an alert is: one for each vulnerability that it names. None without a
/// package or an id.
pub fn findings(alert: Alert) -> Vec<FindingObservation> {
    let evidence = evidence(&alert);
    let vulnerability = alert.security_vulnerability.unwrap_or_default();
    let advisory = alert.security_advisory.or(vulnerability.advisory).unwrap_or_default();
    let dependency = alert.dependency.unwrap_or_default();
    let package = dependency.package.or(vulnerability.package).unwrap_or_default();
    let Some(name) = package.name else { return Vec::new() };
    let pinned = alert.requirements.as_deref().and_then(|r| r.trim().strip_prefix('='));
    let pinned = pinned.map(|version| version.trim_start_matches('=').trim().to_owned());
    let rated = Some(vulnerability.severity).filter(|s| *s != Severity::Unknown);
    let settled = identify(&advisory);
    let check = advisory.ghsa_id.clone().filter(|_| settled.len() > 1);
    let template = FindingObservation {
        component: Component {
            name,
            version: pinned.filter(|version| !version.is_empty()),
            ecosystem: package.ecosystem.as_deref().and_then(ecosystem::purl_type),
            path: dependency.manifest_path.or(alert.manifest_path),
            ..Component::default()
        },
        scan: ScanKind::Libraries,
        fixed_version: vulnerability.first_patched_version.and_then(|v| v.identifier),
        severity: rated.unwrap_or(advisory.severity),
        status: alert.state.map(|state| state.to_ascii_lowercase()),
        check,
        evidence,
        first_seen: alert.created_at,
        vulnerability: about(advisory),
        ..FindingObservation::default()
    };
    let finding = |ids: ids::Ids| {
        let mut finding = template.clone();
        (finding.vulnerability.id, finding.vulnerability.aliases) = (ids.id, ids.aliases);
        finding
    };
    settled.into_iter().map(finding).collect()
}

fn identify(advisory: &Advisory) -> Vec<ids::Ids> {
    let identifiers = advisory.identifiers.iter().map(|i| &i.value);
    let named = [&advisory.cve_id, &advisory.ghsa_id].into_iter().chain(identifiers);
    ids::settle(None, named.flatten().map(String::as_str))
}

/// What the alert says beyond the advisory.
fn evidence(alert: &Alert) -> Option<String> {
    let vulnerability = alert.security_vulnerability.as_ref();
    let range = vulnerability.and_then(|v| v.vulnerable_version_range.as_deref());
    let scope = alert.dependency.as_ref().and_then(|d| d.scope.as_deref());
    let lines = [
        ("vulnerable", range),
        ("required", alert.requirements.as_deref()),
        ("scope", scope.or(alert.scope.as_deref())),
        ("alert", alert.html_url.as_deref()),
    ];
    let lines = lines.into_iter().filter_map(|(what, value)| Some(format!("{what}: {}", value?)));
    text::to_text(&lines.collect::<Vec<_>>().join("\n"))
}

/// What the advisory says, but for its ids.
fn about(advisory: Advisory) -> VulnerabilityObservation {
    let mut references: Vec<_> = advisory.references.into_iter().filter_map(|r| r.url).collect();
    text::distinct(&mut references);
    let severities = advisory.cvss_severities.unwrap_or_default();
    let all = [advisory.cvss, severities.cvss_v3, severities.cvss_v4];
    let mut scores: Vec<CvssScore> = Vec::new();
    for score in all.iter().flatten().filter_map(score) {
        if !scores.iter().any(|known| known.version == score.version) {
            scores.push(score);
        }
    }
    let mut weaknesses: Vec<String> = Vec::new();
    advisory.cwes.into_iter().for_each(|cwe| weaknesses_of(cwe, &mut weaknesses));
    text::distinct(&mut weaknesses);
    VulnerabilityObservation {
        title: advisory.summary,
        description: advisory.description,
        cvss: scores,
        cwe_ids: weaknesses,
        references,
        epss: advisory.epss.into_iter().find_map(|e| e.percentage),
        published_at: advisory.published_at,
        modified_at: advisory.updated_at,
        ..VulnerabilityObservation::default()
    }
}

fn score(cvss: &Cvss) -> Option<CvssScore> {
    // GitHub writes 0 where it has no score.
    let score = cvss.score.filter(|score| *score > 0.0);
    cvss::score("ghsa", cvss.vector_string.as_deref(), score)
}

fn weaknesses_of(cwe: Cwe, list: &mut Vec<String>) {
    list.extend(cwe.cwe_id);
    list.extend(cwe.nodes.into_iter().flat_map(|node| node.cwe_id));
}
