//! Vulnerabilities and findings. The rules stand in the header of the parent module.

use super::import::Context;
use super::model::{Named, Rating, Vulnerability};
use crate::adapters::importers::{cvss, ids, text};
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, VulnerabilityObservation};
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// The vulnerabilities that an entry is: one for each that it names.
pub fn observations(v: &Vulnerability) -> Vec<VulnerabilityObservation> {
    let beside = v.references.iter().filter_map(|r| r.id.as_deref());
    let settled = ids::settle(v.id.as_deref(), beside);
    let mut template = VulnerabilityObservation {
        description: joined(v.description.as_ref(), v.detail.as_ref()),
        solution: joined(v.recommendation.as_ref(), v.workaround.as_ref()),
        cvss: scores(v),
        cwe_ids: v.cwes.clone(),
        published_at: v.published,
        modified_at: v.updated,
        ..VulnerabilityObservation::default()
    };
    let sources = v.source.iter().chain(v.references.iter().filter_map(|r| r.source.as_ref()));
    let advisories = v.advisories.iter().filter_map(|a| a.url.clone());
    template.references = sources.filter_map(|s| s.url.clone()).chain(advisories).collect();
    text::distinct(&mut template.references);
    let observation = |ids: ids::Ids| VulnerabilityObservation {
        id: ids.id,
        aliases: ids.aliases,
        ..template.clone()
    };
    settled.into_iter().map(observation).collect()
}

fn joined(first: Option<&String>, second: Option<&String>) -> Option<String> {
    let second = second.filter(|second| Some(*second) != first);
    match (first, second) {
        (Some(first), Some(second)) => text::to_text(&format!("{first}\n\n{second}")),
        (first, second) => first.or(second).cloned(),
    }
}

/// The CVSS of every source; other methods are none.
fn scores(v: &Vulnerability) -> Vec<CvssScore> {
    let own = source_name(v.source.as_ref());
    let mut scores: Vec<CvssScore> = Vec::new();
    for rating in &v.ratings {
        let method = rating.method.as_deref().unwrap_or_default().to_ascii_lowercase();
        let Some(version) = method.strip_prefix("cvssv") else { continue };
        let version = match version {
            "3" => "3.0",
            "31" => "3.1",
            version => version,
        };
        let source = rating.source.as_ref().map_or_else(|| own.clone(), |s| source_name(Some(s)));
        let score = cvss::versioned(&source, version, rating.vector.as_deref(), rating.score);
        scores.extend(score.filter(|score| !scores.contains(score)));
    }
    scores
}

/// The short name of a source; one without a name is the document itself.
fn source_name(source: Option<&Named>) -> String {
    let name = source.and_then(|s| s.name.as_deref()).map(cvss::source_name);
    name.filter(|n| !n.is_empty()).unwrap_or_else(|| "cyclonedx".to_owned())
}

fn severity(v: &Vulnerability) -> Severity {
    let rated = |r: &Rating| match r.severity {
        Severity::Unknown => r.score.map(Severity::of_score),
        severity => Some(severity),
    };
    let own = v.source.as_ref().and_then(|s| s.name.as_deref());
    let name = |r: &Rating| r.source.as_ref().and_then(|s| s.name.clone());
    let of = |wanted: &dyn Fn(Option<&str>) -> bool| {
        v.ratings.iter().filter(|r| wanted(name(r).as_deref())).find_map(rated)
    };
    of(&|name| name.is_some() && name == own)
        .or_else(|| of(&|name| name.is_none()))
        .or_else(|| of(&|name| name.is_some_and(|n| cvss::source_name(n) == "nvd")))
        .or_else(|| v.ratings.iter().filter_map(rated).max())
        .unwrap_or_default()
}

/// The vulnerability on a component.
pub fn finding(
    v: &Vulnerability,
    vulnerability: &VulnerabilityObservation,
    component: Component,
    context: &Context,
) -> FindingObservation {
    let analysis = v.analysis.as_ref();
    // Our own exports say it in Trivy's words.
    let is_known = matches!(context.scanner.as_str(), "trivy" | "vulnzero");
    let recommended = v.recommendation.as_deref().filter(|_| is_known);
    let own = v.id.as_deref().unwrap_or_default();
    FindingObservation {
        scan: ScanKind::of_ecosystem(component.ecosystem.as_deref()),
        fixed_version: recommended.and_then(|text| recommended_version(text, &component)),
        severity: severity(v),
        status: analysis.and_then(|a| a.state.clone()),
        check: (!own.eq_ignore_ascii_case(&vulnerability.id)).then(|| own.to_owned()),
        evidence: analysis.and_then(|a| a.detail.clone()),
        vulnerability: vulnerability.clone(),
        component,
        ..FindingObservation::default()
    }
}

/// The version in `Upgrade <name> to version <version>; Upgrade …`.
fn recommended_version(text: &str, component: &Component) -> Option<String> {
    text.split("; ").find_map(|part| {
        let (name, version) = part.strip_prefix("Upgrade ")?.split_once(" to version ")?;
        (name == component.name).then(|| text::to_name(version).unwrap_or_default()).flatten()
    })
}
