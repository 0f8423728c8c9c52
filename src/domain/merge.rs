//! Merging what a report says into what is known. Pure: records in, records out.

use super::asset::Asset;
use super::component::Component;
use super::finding::{Finding, Source};
use super::identity::{IdentifierKind, KnownName};
use super::observation::{
    AssetObservation, FindingObservation, ReportInfo, VulnerabilityObservation,
};
use super::origin::{self, Origin};
use super::scan::ScanKind;
use super::severity::{CvssScore, Severity};
use super::status::{Cause, Stage};
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

impl<'a> Sighting<'a> {
    /// Why a finding changes because of it.
    #[must_use]
    pub fn cause(self) -> Cause<'a> {
        Cause {
            at: self.at,
            actor: &self.report.scanner,
            reason: None,
            import_id: Some(self.import_id),
        }
    }
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

/// Takes over what another asset says that has turned out to be the same; where both say
/// something, this one stays as it is.
pub fn assets(asset: &mut Asset, other: &Asset, by: &str, now: Timestamp) {
    let take = |to: &mut Option<String>, from: &Option<String>| {
        if to.is_none() {
            to.clone_from(from);
        }
    };
    take(&mut asset.hostname, &other.hostname);
    take(&mut asset.ip_address, &other.ip_address);
    take(&mut asset.mac_address, &other.mac_address);
    take(&mut asset.os_type, &other.os_type);
    take(&mut asset.os_version, &other.os_version);
    take(&mut asset.os_architecture, &other.os_architecture);
    take(&mut asset.owner, &other.owner);
    take(&mut asset.location, &other.location);
    take(&mut asset.description, &other.description);
    for (key, value) in &other.tags {
        asset.tags.entry(key.clone()).or_insert_with(|| value.clone());
    }
    for c in &other.coverage {
        asset.cover(&c.scanner, c.scan, c.at, c.import_id);
    }
    let name = KnownName {
        kind: IdentifierKind::Name,
        value: other.asset_id.clone(),
        source: by.to_owned(),
        matched_by: Some("joined".to_owned()),
        first_seen: now,
    };
    for name in std::iter::once(&name).chain(&other.identifiers) {
        let known = |n: &KnownName| n.kind == name.kind && n.value == name.value;
        if !asset.identifiers.iter().any(known) {
            asset.identifiers.push(name.clone());
        }
    }
    asset.last_seen = asset.last_seen.max(other.last_seen);
    asset.last_scanned = asset.last_scanned.max(other.last_scanned);
}

/// Takes over what a scanner says about a vulnerability, but for its ids. Lists are united;
/// severity and scores only rise: scanners quote them from databases of any age, and one
/// report may quote two.
pub fn vulnerability(
    v: &mut Vulnerability,
    seen: &VulnerabilityObservation,
    severity: Severity,
    component: Option<&Component>,
) {
    unite(&mut v.advisories, &super::alias::Ids::of(seen).advisories);
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
            if known.score < score.score {
                known.clone_from(score);
            }
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
        v.affected_package = component.map(|c| c.name.clone());
    }
    v.derive();
}

/// Takes over what another record of the same vulnerability says.
pub fn vulnerabilities(v: &mut Vulnerability, other: &Vulnerability) {
    let said = VulnerabilityObservation {
        title: Some(other.title.clone()).filter(|title| *title != other.cve_id),
        description: other.description.clone(),
        solution: other.solution.clone(),
        cvss: other.cvss.clone(),
        cwe_ids: other.cwe_ids.clone(),
        references: other.references.clone(),
        epss: other.epss_score,
        kev: other.kev,
        exploit: other.exploit_available,
        published_at: other.published_at,
        modified_at: other.modified_at,
        ..VulnerabilityObservation::default()
    };
    vulnerability(v, &said, other.severity, None);
    unite(&mut v.advisories, &other.advisories);
    unite(&mut v.distinct_from, &other.distinct_from);
    unite(&mut v.tags, &other.tags);
    v.affected_package = v.affected_package.take().or_else(|| other.affected_package.clone());
    v.notes = v.notes.take().or_else(|| other.notes.clone());
    v.assigned_to = v.assigned_to.take().or_else(|| other.assigned_to.clone());
    v.discovered_at = v.discovered_at.min(other.discovered_at);
}

/// Takes over what was said about the finding that another has turned out to be: sources,
/// history, and what people said where this one says nothing.
pub fn findings(finding: &mut Finding, other: &Finding, cause: Cause<'_>) {
    for source in &other.sources {
        join_source(&mut finding.sources, source.clone());
    }
    finding.history.extend(other.history.iter().cloned());
    finding.history.sort_by_key(|t| t.at);
    let surplus = finding.history.len().saturating_sub(super::status::HISTORY);
    finding.history.drain(..surplus);
    finding.trace.extend(other.trace.iter().cloned());
    finding.trace.sort_by_key(|entry| entry.at);
    let surplus = finding.trace.len().saturating_sub(origin::TRACE);
    finding.trace.drain(..surplus);
    succeed(finding, other);
    finding.clock.join(&other.clock);
    finding.last_seen = finding.last_seen.max(other.last_seen);
    finding.reopened_count = finding.reopened_count.max(other.reopened_count);
    if finding.fixed_version.is_none() {
        finding.fixed_version.clone_from(&other.fixed_version);
        finding.fix_available = finding.fixed_version.is_some();
    }
    finding.severity = present_severity(finding);
    finding.settle(cause);
}

/// Adds what a scanner says; what it says twice under the same names is one.
fn join_source(sources: &mut Vec<Source>, source: Source) {
    let Some(known) = sources.iter_mut().find(|s| s.is_of(&source)) else {
        sources.push(source);
        return;
    };
    let first_seen = known.first_seen.min(source.first_seen);
    if known.last_seen < source.last_seen {
        *known = source;
    }
    known.first_seen = first_seen;
}

/// After a finding has moved: a source that uses the finding's own names carries none, like
/// one that reports it anew.
pub fn leave_own_names(finding: &mut Finding) {
    for mut source in std::mem::take(&mut finding.sources) {
        source.vulnerability = source.vulnerability.filter(|id| *id != finding.cve_id);
        source.asset = source.asset.filter(|name| *name != finding.asset);
        join_source(&mut finding.sources, source);
    }
}

/// Takes over what people said about the same package in another version, and since when
/// the vulnerability is there. What decisions, rules and policies say is not inherited: they
/// are asked anew.
pub fn succeed(finding: &mut Finding, before: &Finding) {
    let take = |(to, by): (&mut Option<String>, &mut Option<Origin>),
                (from, from_by): (&Option<String>, &Option<Origin>)| {
        if !is_said(to.is_some(), by.as_ref()) && is_said(from.is_some(), from_by.as_ref()) {
            to.clone_from(from);
            by.clone_from(from_by);
        }
    };
    take(
        (&mut finding.assigned_to, &mut finding.assigned_by),
        (&before.assigned_to, &before.assigned_by),
    );
    take((&mut finding.notes, &mut finding.notes_by), (&before.notes, &before.notes_by));
    if !is_said(finding.due_at.is_some(), finding.due_by.as_ref())
        && is_said(before.due_at.is_some(), before.due_by.as_ref())
    {
        finding.due_at = before.due_at;
        finding.due_by.clone_from(&before.due_by);
    }
    finding.first_seen = finding.first_seen.min(before.first_seen);
    let said = origin::is_personal(before.stage_by.as_ref());
    if said && before.stage != Stage::PendingRestart && before.stage > finding.stage {
        finding.stage = before.stage;
        finding.stage_by.clone_from(&before.stage_by);
    }
}

/// Makes a new finding the successor of one in another version of its package: takes over
/// what [`succeed`] does, and its clock, which has begun anew at `at` if that one was fixed.
pub fn follow(finding: &mut Finding, before: &Finding, at: Timestamp) {
    succeed(finding, before);
    finding.clock = before.clock;
    if before.status.is_fixed() {
        finding.clock.returned(at);
    }
}

/// Whether a person has said something.
fn is_said(is_there: bool, by: Option<&Origin>) -> bool {
    is_there && origin::is_personal(by)
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
        created_at: by.at,
        updated_at: by.at,
        asset_id: asset.id,
        asset: asset.asset_id.clone(),
        vulnerability_id: v.id,
        cve_id: v.cve_id.clone(),
        title: v.title.clone(),
        severity: seen.severity,
        component: seen.component.clone(),
        place: seen.place.clone(),
        fixed_version: seen.fixed_version.clone(),
        fix_available: seen.fixed_version.is_some(),
        first_seen: seen.first_seen.map_or(by.at, |t| t.min(by.at)),
        last_seen: by.at,
        last_import_id: by.import_id,
        ..Finding::default()
    };
    note_source(&mut finding, asset, seen, by);
    if let Some(gone) = finding.sources[0].gone_at {
        finding.settle(Cause { at: gone, ..by.cause() });
    }
    finding
}

/// Takes over that a scanner sees a known finding on `asset` (again).
pub fn finding(
    finding: &mut Finding,
    asset: &Asset,
    seen: &FindingObservation,
    by: Sighting<'_>,
) -> Effect {
    note_source(finding, asset, seen, by);
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
    let was_fixed = finding.status.is_fixed();
    finding.settle(by.cause());
    if was_fixed && finding.status.is_open() { Effect::Reopened } else { Effect::Seen }
}

/// Scans of these kinds by `scanner`, complete and made at `at`, do not see the finding.
/// Says whether it was closed by that.
pub fn absent(finding: &mut Finding, kinds: &[ScanKind], by: Sighting<'_>) -> bool {
    absent_for(finding, &|source| source.scanner == by.report.scanner, kinds, by)
}

/// The same for the sources that are `theirs`, whichever scanner they are of.
pub fn absent_for(
    finding: &mut Finding,
    theirs: &dyn Fn(&Source) -> bool,
    kinds: &[ScanKind],
    by: Sighting<'_>,
) -> bool {
    let at = by.at;
    let mut looked = false;
    for source in finding.sources.iter_mut().filter(|s| theirs(s)) {
        if !kinds.contains(&source.scan) || source.last_seen >= at {
            continue;
        }
        looked = true;
        if source.present {
            source.present = false;
            source.gone_at = Some(at);
        }
    }
    if !looked {
        return false;
    }
    if finding.is_present() {
        finding.severity = present_severity(finding);
        return false;
    }
    let was_fixed = finding.status.is_fixed();
    if was_fixed && finding.resolved_at.is_some_and(|closed| closed < at) {
        finding.verified_at = finding.verified_at.or(Some(at));
    }
    finding.settle(by.cause());
    !was_fixed
}

fn note_source(finding: &mut Finding, asset: &Asset, seen: &FindingObservation, by: Sighting<'_>) {
    // A newer complete scan that has been imported before did not see it.
    let gone_at = asset.covered_at(&by.report.scanner, seen.scan).filter(|t| *t > by.at);
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
        present: gone_at.is_none(),
        gone_at,
    };
    match finding.sources.iter_mut().find(|s| s.is_of(&newest)) {
        Some(known) => {
            known.first_seen = known.first_seen.min(newest.first_seen);
            // What is older than the scan which no longer saw it says nothing new.
            let is_newest = known.last_seen <= by.at;
            let is_back = known.gone_at.max(gone_at).is_none_or(|gone| gone < by.at);
            if is_newest && is_back {
                *known = Source { first_seen: known.first_seen, ..newest };
            } else if is_newest {
                known.last_seen = by.at;
            }
        }
        None => finding.sources.push(newest),
    }
}

/// Brings up to date what follows from a finding's sources alone.
pub fn rated_by_sources(finding: &mut Finding) {
    finding.severity = present_severity(finding);
    let mut newest: Vec<&Source> = finding.sources.iter().collect();
    newest.sort_by_key(|s| std::cmp::Reverse(s.last_seen));
    finding.fixed_version = newest.iter().find_map(|s| s.fixed_version.clone());
    finding.fix_available = finding.fixed_version.is_some();
    finding.first_seen = newest.iter().map(|s| s.first_seen).min().unwrap_or(finding.first_seen);
    finding.last_seen = newest.iter().map(|s| s.last_seen).max().unwrap_or(finding.last_seen);
}

fn present_severity(finding: &Finding) -> Severity {
    let present = finding.sources.iter().filter(|s| s.present).map(|s| s.severity);
    present.max().unwrap_or(finding.severity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::status::{FindingStatus, Verdict};

    const KINDS: &[ScanKind] = &[ScanKind::Other];

    fn report(scanner: &str) -> ReportInfo {
        ReportInfo { scanner: scanner.into(), ..ReportInfo::default() }
    }

    fn seen(severity: Severity) -> FindingObservation {
        FindingObservation { severity, ..FindingObservation::default() }
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_micros(day * 86_400_000_000)
    }

    fn by(report: &ReportInfo, day: i64) -> Sighting<'_> {
        Sighting { report, asset: None, import_id: day as u64, at: at(day) }
    }

    fn host() -> Asset {
        Asset::new("web1".into())
    }

    fn fixture(day: i64) -> Finding {
        let asset = host();
        let v = Vulnerability::new("CVE-1".into(), "t".into(), at(0));
        new_finding(&asset, &v, &seen(Severity::Low), by(&report("a"), day))
    }

    #[test]
    fn closes_only_when_no_scanner_sees_it_and_reopens_with_its_history() {
        let (a, b) = (report("a"), report("b"));
        let mut f = fixture(1);
        finding(&mut f, &host(), &seen(Severity::High), by(&b, 2));
        assert_eq!(f.severity, Severity::High, "the highest of those that see it");
        assert!(!absent(&mut f, KINDS, by(&b, 3)), "the other still sees it");
        assert_eq!((f.status, f.severity), (FindingStatus::Open, Severity::Low));
        assert!(!absent(&mut f, &[ScanKind::Code], by(&a, 3)), "another kind of scan");
        assert!(absent(&mut f, KINDS, by(&a, 3)));
        assert_eq!((f.status, f.resolved_at), (FindingStatus::Fixed, Some(at(3))));
        let old = finding(&mut f, &host(), &seen(Severity::Low), by(&a, 2));
        assert_eq!(old, Effect::Seen, "an old report does not reopen");
        assert_eq!(finding(&mut f, &host(), &seen(Severity::Low), by(&a, 4)), Effect::Reopened);
        assert_eq!((f.first_seen, f.reopened_count, f.resolved_at), (at(1), 1, None));
        let steps: Vec<_> = f.history.iter().map(|t| (t.from, t.to, t.import_id)).collect();
        let (fixed, open) = (FindingStatus::Fixed, FindingStatus::Open);
        assert_eq!(steps, [(open, fixed, Some(3)), (fixed, open, Some(4))]);
    }

    #[test]
    fn a_second_scan_verifies() {
        let a = report("a");
        let mut f = fixture(1);
        assert!(absent(&mut f, KINDS, by(&a, 2)));
        assert!(!absent(&mut f, KINDS, by(&a, 2)), "the same scan again says nothing new");
        assert_eq!(f.status, FindingStatus::Fixed);
        assert!(!absent(&mut f, KINDS, by(&a, 3)));
        assert_eq!((f.status, f.resolved_at), (FindingStatus::Verified, Some(at(2))));
        assert_eq!(finding(&mut f, &host(), &seen(Severity::Low), by(&a, 4)), Effect::Reopened);
        assert_eq!((f.status, f.verified_at), (FindingStatus::Open, None));
    }

    #[test]
    fn an_older_scan_does_not_close() {
        let mut f = fixture(5);
        assert!(!absent(&mut f, KINDS, by(&report("a"), 4)));
        assert!(!absent(&mut f, KINDS, by(&report("a"), 5)), "nor one of the same time");
        assert_eq!(f.status, FindingStatus::Open);
    }

    #[test]
    fn a_verdict_outlives_that_it_was_gone() {
        let a = report("a");
        let mut f = fixture(1);
        f.verdict = Some(Verdict::RiskAccepted);
        assert!(f.settle(by(&a, 1).cause()));
        assert!(absent(&mut f, KINDS, by(&a, 2)));
        assert_eq!(f.status, FindingStatus::Fixed);
        assert_eq!(finding(&mut f, &host(), &seen(Severity::Low), by(&a, 3)), Effect::Seen);
        assert_eq!((f.status, f.reopened_count), (FindingStatus::RiskAccepted, 0));
    }

    #[test]
    fn the_same_sighting_twice_changes_nothing() {
        let before = fixture(1);
        let mut after = before.clone();
        assert_eq!(
            finding(&mut after, &host(), &seen(Severity::Low), by(&report("a"), 1)),
            Effect::Seen
        );
        assert_eq!(after, before);
    }
}
