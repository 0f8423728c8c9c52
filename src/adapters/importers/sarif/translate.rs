//! From results to findings. The rules stand in the header of the parent module.

use super::head::Run;
use super::model::{Entry, Properties, Region};
use super::own;
use super::packages::{self, Package};
use super::place::{self, Fingerprints, Found};
use super::rules::{self, RuleFacts};
use crate::adapters::importers::{ids, text};
use crate::base::Result;
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, SkipReason, VulnerabilityObservation};
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

/// What a result becomes.
pub enum Outcome {
    /// One finding for each vulnerability that it names.
    Findings(Vec<FindingObservation>),
    /// Nothing.
    Skipped(SkipReason),
}

/// What a result of this run becomes.
pub fn outcome(entry: &Entry, run: &Run, seen: &mut Fingerprints) -> Result<Outcome> {
    let message = entry.message.clone().unwrap_or_default();
    let rule = run.rules.find(entry, message.text.as_deref().unwrap_or_default());
    if let Some(reason) = passed(entry).or_else(|| packages::skipped(run, rule)) {
        return Ok(Outcome::Skipped(reason));
    }
    let of_result = entry.rule_id.clone().or_else(|| entry.rule.as_ref()?.id.clone());
    let Some(check) = of_result.or_else(|| rule?.id.clone()) else {
        return Ok(Outcome::Skipped(SkipReason::Unidentified));
    };
    let advisories = advisories(entry, rule, &check);
    let settled = settle(&advisories, run, &check);
    let said = run.rules.said(rule, &message).unwrap_or_default();
    let severity = severity(entry, rule);
    if severity == Severity::Info && score(entry, rule).is_none() && advisories.is_empty() {
        return Ok(Outcome::Skipped(SkipReason::Informational));
    }
    if settled.is_empty() {
        return Ok(Outcome::Skipped(SkipReason::Unidentified));
    }
    let found = entry.locations.iter().find_map(|l| {
        place::resolve(l.physical_location.as_ref()?.artifact_location.as_ref()?, run)
    });
    let path = match &found {
        Some(Found::File(path)) => Some(path.as_str()),
        _ => None,
    };
    let template = match packages::package(run, rule, &said, path) {
        _ if own::is_of(entry, run) => own::finding(entry)?,
        Some(package) => of_package(package, severity),
        None => FindingObservation { severity, ..of_place(entry, run, &check, found, seen)? },
    };
    let template = FindingObservation {
        evidence: evidence(entry, run, rule, &said),
        first_seen: entry.provenance.as_ref().and_then(|p| p.first_detection_time_utc),
        check: Some(check),
        vulnerability: vulnerability(entry, run, rule),
        ..template
    };
    let finding = |ids: ids::Ids| {
        let mut finding = template.clone();
        (finding.vulnerability.id, finding.vulnerability.aliases) = (ids.id, ids.aliases);
        finding
    };
    Ok(Outcome::Findings(settled.into_iter().map(finding).collect()))
}

/// Why a result is none that fails.
fn passed(entry: &Entry) -> Option<SkipReason> {
    let is_open = |s: &super::model::Suppression| {
        matches!(s.status.as_deref(), Some("rejected" | "underReview"))
    };
    match entry.kind.as_deref() {
        Some("pass") => return Some(SkipReason::Passed),
        Some("notApplicable") => return Some(SkipReason::NotAffected),
        Some("informational" | "open" | "review") => return Some(SkipReason::Informational),
        _ => {}
    }
    if entry.baseline_state.as_deref() == Some("absent") {
        return Some(SkipReason::Resolved);
    }
    let is_suppressed = !entry.suppressions.is_empty() && !entry.suppressions.iter().any(is_open);
    is_suppressed.then_some(SkipReason::Suppressed)
}

/// The ids of vulnerability databases that a result or its rule names, best first.
fn advisories(entry: &Entry, rule: Option<&RuleFacts>, check: &str) -> Vec<String> {
    let own = entry.properties.as_ref().into_iter().flat_map(|p| p.cve.iter().chain(&p.tags));
    let own = own.map(String::as_str);
    let mut named = rules::advisories([check].into_iter().chain(own));
    named.extend(rule.into_iter().flat_map(|rule| rule.advisories.iter().cloned()));
    text::distinct(&mut named);
    named
}

/// The ids by which the vulnerability goes.
fn settle(advisories: &[String], run: &Run, check: &str) -> Vec<ids::Ids> {
    if !advisories.is_empty() {
        let own = rules::advisories([check].into_iter());
        let own = own.first().filter(|_| own.len() == 1).map(String::as_str);
        return ids::settle(own, advisories.iter().map(String::as_str));
    }
    if run.tool == own::TOOL {
        return ids::settle(Some(check), []);
    }
    let tool = if run.tool.is_empty() { "sarif" } else { &run.tool };
    let id = ids::of_scanner(tool, check);
    id.into_iter().map(|id| ids::Ids { id, aliases: Vec::new() }).collect()
}

/// CVSS-like, of the result or its rule.
fn score(entry: &Entry, rule: Option<&RuleFacts>) -> Option<f64> {
    let own = entry.properties.as_ref().and_then(|p| p.score);
    own.or_else(|| rule?.score).filter(|score| (0.0..=10.0).contains(score))
}

fn severity(entry: &Entry, rule: Option<&RuleFacts>) -> Severity {
    if let Some(score) = score(entry, rule) {
        return Severity::of_score(score);
    }
    let level = entry.level.as_deref().or_else(|| rule?.level.as_deref());
    match level.unwrap_or("warning") {
        "error" => Severity::High,
        "note" => Severity::Low,
        "none" => Severity::Info,
        _ => Severity::Medium,
    }
}

fn of_package(package: Package, severity: Severity) -> FindingObservation {
    let own = Some(package.severity).filter(|s| *s != Severity::Unknown);
    FindingObservation {
        component: package.component,
        scan: package.scan,
        fixed_version: package.fixed_version,
        severity: own.unwrap_or(severity),
        ..FindingObservation::default()
    }
}

/// A finding in a file, at a web address, or about what has no place.
fn of_place(
    entry: &Entry,
    run: &Run,
    check: &str,
    found: Option<Found>,
    seen: &mut Fingerprints,
) -> Result<FindingObservation> {
    let line = region(entry).and_then(|r| r.start_line).filter(|line| *line >= 1.0);
    let line = line.map(|line| line as u64);
    let mut logical = entry.locations.iter().flat_map(|l| &l.logical_locations);
    let logical = logical.find_map(|l| l.fully_qualified_name.clone().or(l.name.clone()));
    let (name, path, url) = match found {
        Some(Found::File(path)) => (path.clone(), Some(path), None),
        Some(Found::Web(url)) => (host(&url).to_owned(), None, Some(url)),
        None => {
            let tool = Some(run.tool.clone()).filter(|tool| !tool.is_empty());
            (logical.or(tool).unwrap_or_else(|| "sarif".to_owned()), None, None)
        }
    };
    let whose = [run.tool.as_str(), check, name.as_str(), url.as_deref().unwrap_or_default()];
    let fingerprint = place::fingerprint(entry);
    let fingerprint = fingerprint.map(|f| seen.unique(&whose, f, line)).transpose()?;
    let is_web = url.is_some();
    let place = Place { url, line, fingerprint, ..Place::default() };
    Ok(FindingObservation {
        component: Component { name, path, ..Component::default() },
        scan: if is_web { ScanKind::Web } else { ScanKind::Code },
        place,
        ..FindingObservation::default()
    })
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn region(entry: &Entry) -> Option<&Region> {
    entry.locations.first()?.physical_location.as_ref()?.region.as_ref()
}

/// The message and the snippet; a secret is not copied.
fn evidence(entry: &Entry, run: &Run, rule: Option<&RuleFacts>, said: &str) -> Option<String> {
    let is_secret = run.is_for_secrets() || rule.is_some_and(|rule| rule.is_for_secrets);
    let snippet = region(entry).and_then(|r| r.snippet.as_ref()?.said());
    match snippet.filter(|_| !is_secret) {
        Some(snippet) => text::to_text(&format!("{said}\n\n{snippet}")),
        None => text::to_text(said),
    }
}

fn vulnerability(entry: &Entry, run: &Run, rule: Option<&RuleFacts>) -> VulnerabilityObservation {
    let none = Properties::default();
    let properties = entry.properties.as_ref().unwrap_or(&none);
    let mut weaknesses = rules::weaknesses(properties, entry.taxa.iter());
    weaknesses.extend(rule.into_iter().flat_map(|rule| rule.weaknesses.iter().cloned()));
    text::distinct(&mut weaknesses);
    let mut references: Vec<String> = rule.and_then(|rule| rule.link.clone()).into_iter().collect();
    references.extend(entry.work_item_uris.iter().cloned());
    text::distinct(&mut references);
    // Grype's titles name a package.
    let title = rule.filter(|_| run.tool != "grype").and_then(|rule| rule.title.clone());
    VulnerabilityObservation {
        title,
        description: rule.and_then(|rule| rule.description.clone()),
        cwe_ids: weaknesses,
        references,
        ..VulnerabilityObservation::default()
    }
}
