//! Merging what a report says into what is known. Pure: records in, records out.

use super::asset::Asset;
use super::component::Component;
use super::finding::{Finding, FindingStatus, Source};
use super::observation::{
    AssetObservation, FindingObservation, ReportInfo, VulnerabilityObservation,
};
use super::scan::ScanKind;
use super::severity::{CvssScore, Severity};
use super::vulnerability::Vulnerability;
use crate::base::{Timestamp, limits};

/// What a report's entry meant for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was not known.
    New,
    /// It was known, and open or closed by a decision.
    Seen,
    /// It had been fixed and came back.
    Reopened,
}

/// Who saw something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// The report.
    pub report: &'a ReportInfo,
    /// The name by which the report knows the asset.
    pub asset: Option<&'a str>,
    /// The import that brings it.
    pub import_id: u64,
    /// When the scan was made.
    pub at: Timestamp,
}

/// Takes over what a scan says about an asset; what it does not say stays.
pub fn asset(asset: &mut Asset, seen: &AssetObservation, at: Timestamp) {
    let take = |to: &mut Option<String>, from: &Option<String>| {
        if from.is_some() {
            to.clone_from(from);
        }
    };
    take(&mut asset.hostname, &seen.hostname);
    take(&mut asset.ip_address, &seen.ip_address);
    take(&mut asset.mac_address, &seen.mac_address);
    take(&mut asset.os_type, &seen.os_type);
    take(&mut asset.os_version, &seen.os_version);
    take(&mut asset.os_architecture, &seen.os_architecture);
    asset.exposure = seen.exposure.unwrap_or(asset.exposure);
    asset.tags.extend(seen.tags.iter().map(|(k, v)| (k.clone(), v.clone())));
    asset.last_seen = asset.last_seen.max(Some(at));
    if !seen.complete.is_empty() {
        asset.last_scanned = asset.last_scanned.max(Some(at));
    }
}

/// Takes over what a scanner says about a vulnerability: lists are united, each source's
/// CVSS replaces its own, the severity only rises.
pub fn vulnerability(
    v: &mut Vulnerability,
    seen: &VulnerabilityObservation,
    severity: Severity,
    component: &Component,
) {
    unite(&mut v.aliases, &seen.aliases);
    unite(&mut v.cwe_ids, &seen.cwe_ids);
    unite(&mut v.references, &seen.references);
    if let Some(title) = seen.title.as_ref().filter(|_| v.title == v.cve_id) {
        v.title.clone_from(title);
    }
    if v.description.is_none() {
        v.description.clone_from(&seen.description);
    }
    for score in &seen.cvss {
        let same = |s: &&mut CvssScore| s.source == score.source && s.version == score.version;
        if let Some(known) = v.cvss.iter_mut().find(same) {
            known.clone_from(score);
        } else if v.cvss.len() < limits::LIST_VALUES {
            v.cvss.push(score.clone());
        }
    }
    v.cvss.sort_by(|a, b| (&a.source, &a.version).cmp(&(&b.source, &b.version)));
    v.severity = v.severity.max(severity);
    if v.solution.is_none() {
        v.solution.clone_from(&seen.solution);
    }
    v.epss_score = v.epss_score.or(seen.epss);
    v.kev |= seen.kev;
    v.exploit_available |= seen.exploit;
    v.published_at = v.published_at.or(seen.published_at);
    v.modified_at = v.modified_at.max(seen.modified_at);
    if v.affected_package.is_none() {
        v.affected_package = Some(component.name.clone());
    }
    v.derive();
}

fn unite(known: &mut Vec<String>, seen: &[String]) {
    for value in seen {
        if known.len() < limits::LIST_VALUES && !known.contains(value) {
            known.push(value.clone());
        }
    }
}

/// A finding that nobody has reported before.
#[must_use]
pub fn new_finding(
    asset: &Asset,
    v: &Vulnerability,
    seen: &FindingObservation,
    by: Sighting<'_>,
) -> Finding {
    let mut finding = Finding {
        id: 0,
        version: 0,
        created_at: by.at,
        updated_at: by.at,
        asset_id: asset.id,
        asset: asset.asset_id.clone(),
        vulnerability_id: v.id,
        cve_id: v.cve_id.clone(),
        title: v.title.clone(),
        severity: seen.severity,
        status: FindingStatus::Open,
        component: seen.component.clone(),
        place: seen.place.clone(),
        fixed_version: seen.fixed_version.clone(),
        fix_available: seen.fixed_version.is_some(),
        priority_score: 0.0,
        cvss_score: None,
        epss_score: None,
        kev: false,
        first_seen: seen.first_seen.map_or(by.at, |t| t.min(by.at)),
        last_seen: by.at,
        resolved_at: None,
        reopened_at: None,
        reopened_count: 0,
        due_at: None,
        assigned_to: None,
        notes: None,
        status_reason: None,
        sources: Vec::new(),
        last_import_id: by.import_id,
    };
    note_source(&mut finding, seen, by);
    finding
}

/// Takes over that a scanner sees a known finding (again).
pub fn finding(finding: &mut Finding, seen: &FindingObservation, by: Sighting<'_>) -> Effect {
    note_source(finding, seen, by);
    let first = seen.first_seen.map_or(by.at, |t| t.min(by.at));
    finding.first_seen = finding.first_seen.min(first);
    finding.last_seen = finding.last_seen.max(by.at);
    finding.last_import_id = by.import_id;
    if seen.fixed_version.is_some() {
        finding.fixed_version.clone_from(&seen.fixed_version);
        finding.fix_available = true;
    }
    finding.component.layer.clone_from(&seen.component.layer);
    finding.place.line = seen.place.line;
    finding.severity = present_severity(finding);
    // A report that is older than the scan which closed it says nothing new.
    if finding.resolved_at.is_none_or(|closed| closed <= by.at) && finding.reopen(by.at) {
        Effect::Reopened
    } else {
        Effect::Seen
    }
}

/// Scans of these kinds by `scanner`, complete and made at `at`, do not see the finding.
/// Says whether it was closed by that.
pub fn absent(finding: &mut Finding, scanner: &str, kinds: &[ScanKind], at: Timestamp) -> bool {
    let mut gone = false;
    for source in finding.sources.iter_mut().filter(|s| s.scanner == scanner) {
        if source.present && source.last_seen <= at && kinds.contains(&source.scan) {
            source.present = false;
            gone = true;
        }
    }
    if !gone {
        return false;
    }
    if finding.is_present() {
        finding.severity = present_severity(finding);
        return false;
    }
    let was_open = finding.status.is_open();
    finding.close(at);
    was_open
}

fn note_source(finding: &mut Finding, seen: &FindingObservation, by: Sighting<'_>) {
    let newest = Source {
        scanner: by.report.scanner.clone(),
        scanner_version: by.report.scanner_version.clone(),
        scan: seen.scan,
        status: seen.status.clone(),
        severity: seen.severity,
        vulnerability: Some(seen.vulnerability.id.clone()).filter(|id| *id != finding.cve_id),
        asset: by.asset.filter(|name| *name != finding.asset).map(str::to_owned),
        check: seen.check.clone(),
        evidence: seen.evidence.clone(),
        fixed_version: seen.fixed_version.clone(),
        first_seen: seen.first_seen.map_or(by.at, |t| t.min(by.at)),
        last_seen: by.at,
        import_id: by.import_id,
        present: true,
    };
    let same = |s: &&mut Source| s.scanner == newest.scanner && s.scan == newest.scan;
    match finding.sources.iter_mut().find(same) {
        Some(known) if known.last_seen <= by.at => {
            *known = Source { first_seen: known.first_seen.min(newest.first_seen), ..newest };
        }
        Some(known) => known.first_seen = known.first_seen.min(newest.first_seen),
        None => finding.sources.push(newest),
    }
}

fn present_severity(finding: &Finding) -> Severity {
    let present = finding.sources.iter().filter(|s| s.present).map(|s| s.severity);
    present.max().unwrap_or(finding.severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(scanner: &str) -> ReportInfo {
        ReportInfo { scanner: scanner.into(), ..ReportInfo::default() }
    }

    fn seen(severity: Severity) -> FindingObservation {
        FindingObservation { severity, ..FindingObservation::default() }
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_micros(day * 86_400_000_000)
    }

    fn fixture(day: i64) -> Finding {
        let asset = Asset::new("web1".into());
        let v = Vulnerability::new("CVE-1".into(), "t".into(), at(0));
        let r = report("a");
        new_finding(
            &asset,
            &v,
            &seen(Severity::Low),
            Sighting { asset: None, report: &r, import_id: 1, at: at(day) },
        )
    }

    #[test]
    fn closes_only_when_no_scanner_sees_it_and_reopens_with_its_history() {
        let (a, b) = (report("a"), report("b"));
        let mut f = fixture(1);
        finding(
            &mut f,
            &seen(Severity::High),
            Sighting { asset: None, report: &b, import_id: 2, at: at(2) },
        );
        assert_eq!(f.severity, Severity::High, "the highest of those that see it");
        assert!(!absent(&mut f, "b", &[ScanKind::Other], at(3)), "the other still sees it");
        assert_eq!((f.status, f.severity), (FindingStatus::Open, Severity::Low));
        assert!(absent(&mut f, "a", &[ScanKind::Other], at(3)));
        assert_eq!((f.status, f.resolved_at), (FindingStatus::Fixed, Some(at(3))));
        let old = Sighting { asset: None, report: &a, import_id: 4, at: at(2) };
        assert_eq!(
            finding(&mut f, &seen(Severity::Low), old),
            Effect::Seen,
            "an old report does not reopen"
        );
        let new = Sighting { asset: None, report: &a, import_id: 5, at: at(4) };
        assert_eq!(finding(&mut f, &seen(Severity::Low), new), Effect::Reopened);
        assert_eq!((f.first_seen, f.reopened_count, f.resolved_at), (at(1), 1, None));
    }

    #[test]
    fn an_older_scan_does_not_close() {
        let mut f = fixture(5);
        assert!(!absent(&mut f, "a", &[ScanKind::Other], at(4)));
        assert_eq!(f.status, FindingStatus::Open);
    }

    #[test]
    fn a_decision_is_neither_closed_nor_reopened() {
        let r = report("a");
        let mut f = fixture(1);
        f.status = FindingStatus::RiskAccepted;
        assert!(!absent(&mut f, "a", &[ScanKind::Other], at(2)));
        assert_eq!(
            finding(
                &mut f,
                &seen(Severity::Low),
                Sighting { asset: None, report: &r, import_id: 3, at: at(3) }
            ),
            Effect::Seen
        );
        assert_eq!(f.status, FindingStatus::RiskAccepted);
    }

    #[test]
    fn the_same_sighting_twice_changes_nothing() {
        let r = report("a");
        let by = Sighting { asset: None, report: &r, import_id: 1, at: at(1) };
        let before = fixture(1);
        let mut after = before.clone();
        assert_eq!(finding(&mut after, &seen(Severity::Low), by), Effect::Seen);
        assert_eq!(after, before);
    }
}
