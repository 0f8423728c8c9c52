//! From osv-scanner's words to ours. The rules stand in the header of the parent module.

use std::collections::HashSet;

use super::model::{Group, Package, PackageName, Record};
use crate::adapters::importers::{cvss, ecosystem, ids, text};
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, VulnerabilityObservation};
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// Type and version of the operating system that `Alpine Linux v3.20` names.
pub fn os(name: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(name) = name else { return (None, None) };
    let word = name.split_whitespace().next().unwrap_or_default();
    let is_version = |w: &&str| w.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    let version = name.split_whitespace().find(is_version);
    let version = version.map(|v| v.trim_start_matches('v').to_owned());
    (Some(ecosystem::os_id(word)).filter(|os| !os.is_empty()), version)
}

/// The component that a package is; none without a name.
pub fn component(package: Option<&PackageName>, path: Option<String>) -> Option<Component> {
    let package = package?;
    let name = package.name.clone()?;
    let binary = package.os_package_name.clone();
    let ecosystem = package.ecosystem.as_deref().and_then(ecosystem::purl_type);
    let is_system = ScanKind::of_ecosystem(ecosystem.as_deref()) == ScanKind::OsPackages;
    Some(Component {
        source_package: (is_system && binary.is_some()).then(|| name.clone()),
        name: binary.unwrap_or(name),
        version: package.version.clone().or_else(|| package.commit.clone()),
        ecosystem,
        path,
        ..Component::default()
    })
}

/// The package's groups; records that are in none are one each.
pub fn groups(package: &mut Package) -> Vec<Group> {
    let mut groups = package.groups.take().unwrap_or_default();
    let grouped: HashSet<_> = groups.iter().flat_map(|g| g.ids.iter().cloned()).collect();
    for record in package.vulnerabilities.iter().flatten() {
        let id = record.id.as_deref().unwrap_or_default().to_ascii_uppercase();
        if !grouped.contains(&id) {
            groups.push(Group { ids: vec![id], ..Group::default() });
        }
    }
    groups
}

/// The findings that a group is: one for each vulnerability that it names.
pub fn findings(
    component: &Component,
    package: &Package,
    group: &Group,
) -> Vec<FindingObservation> {
    let is_in = |r: &&Record| {
        let id = r.id.as_deref().unwrap_or_default();
        group.ids.iter().any(|known| known.eq_ignore_ascii_case(id))
    };
    let records: Vec<&Record> = package.vulnerabilities.iter().flatten().filter(is_in).collect();
    let named = group.ids.iter().chain(&group.aliases);
    let named = named.chain(records.iter().flat_map(|r| r.aliases.iter().chain(&r.upstream)));
    let settled = ids::settle(group.ids.first().map(String::as_str), named.map(String::as_str));
    let check = group.ids.first().filter(|_| settled.len() > 1).cloned();
    let vulnerability = vulnerability(&records);
    let analyses = group.experimental_analysis.iter().chain(&group.old_analysis);
    let calls = analyses.flatten().filter_map(|(_, a)| a.called);
    let calls: Vec<bool> = calls.collect();
    let is_uncalled = !calls.is_empty() && !calls.contains(&true);
    let template = FindingObservation {
        scan: ScanKind::of_ecosystem(component.ecosystem.as_deref()),
        component: component.clone(),
        fixed_version: fixed_version(&records, package.package.as_ref()),
        severity: severity(group, &records, &vulnerability.cvss),
        status: is_uncalled.then(|| "uncalled".to_owned()),
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

fn vulnerability(records: &[&Record]) -> VulnerabilityObservation {
    let mut v = VulnerabilityObservation {
        title: records.iter().find_map(|r| r.summary.clone()),
        description: records.iter().find_map(|r| r.details.clone()),
        cvss: records.iter().flat_map(|r| scores(r)).collect(),
        published_at: records.iter().filter_map(|r| r.published).min(),
        modified_at: records.iter().filter_map(|r| r.modified).max(),
        ..VulnerabilityObservation::default()
    };
    for record in records {
        let affected = record.affected.iter().filter_map(|a| a.database_specific.as_ref());
        for database in record.database_specific.iter().chain(affected) {
            v.cwe_ids.extend(database.cwe_ids.iter().cloned());
            v.cwe_ids.extend(database.cwes.iter().flat_map(|c| c.id.iter().cloned()));
        }
        v.references.extend(record.references.iter().filter_map(|r| r.url.clone()));
    }
    text::distinct(&mut v.cwe_ids);
    text::distinct(&mut v.references);
    v
}

/// CVSS by the record's database, which its id begins with.
fn scores(record: &Record) -> Vec<CvssScore> {
    let id = record.id.as_deref().unwrap_or_default();
    let source = id.split('-').next().unwrap_or_default();
    let source = if source == "CVE" { "nvd".to_owned() } else { cvss::source_name(source) };
    let affected = record.affected.iter().flat_map(|a| &a.severity);
    let mut scores: Vec<CvssScore> = Vec::new();
    for severity in record.severity.iter().chain(affected) {
        let version = severity.kind.as_deref().unwrap_or_default();
        let score = cvss::versioned(&source, version, severity.score.as_deref(), None);
        scores.extend(score.filter(|score| !scores.contains(score)));
    }
    scores
}

fn severity(group: &Group, records: &[&Record], scores: &[CvssScore]) -> Severity {
    if let Some(score) = group.max_severity {
        return Severity::of_score(score);
    }
    let words = records.iter().filter_map(|r| r.database_specific.as_ref()).map(|d| d.severity);
    let rated = scores.iter().filter_map(|s| s.score).map(Severity::of_score).max();
    words.max().filter(|s| *s != Severity::Unknown).or(rated).unwrap_or_default()
}

/// The versions of the package that the records call fixed.
fn fixed_version(records: &[&Record], package: Option<&PackageName>) -> Option<String> {
    let name = package.and_then(|p| p.name.as_deref());
    let mut fixed: Vec<String> = Vec::new();
    for affected in records.iter().flat_map(|r| &r.affected) {
        if affected.package.as_ref().is_some_and(|p| p.name.as_deref() != name) {
            continue;
        }
        let ranges = affected.ranges.iter().filter(|r| r.kind.as_deref() != Some("GIT"));
        fixed.extend(ranges.flat_map(|r| &r.events).filter_map(|e| e.fixed.clone()));
    }
    text::distinct(&mut fixed);
    text::joined(&fixed)
}
