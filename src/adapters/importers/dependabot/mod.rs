//! Dependabot alerts as GitHub hands them out: answers of GraphQL (`vulnerabilityAlerts` of a
//! repository, a search, or an owner's repositories), of the REST interface (arrays of
//! alerts, one alert, alerts line by line), and webhook payloads (`dependabot_alert`).
//!
//! What things become:
//!
//! - **Asset**: each repository, named `owner/name` as far as the document says; from an
//!   alert's address where nothing else does. Its address is an identifier. Without any name
//!   (GraphQL that did not ask for it), the person who imports names it.
//! - **Complete**: libraries, only of a GraphQL answer that has all alerts of the repository
//!   (no alert at all, `hasNextPage` false, or as many as `totalCount`), and of an array of
//!   the REST interface unless it may be a page of more (30 or 100, or times that). A webhook
//!   is one event.
//! - **Component**: package, the version that a manifest pins (`= 1.2.3`), the ecosystem's
//!   purl type; the path is that of the manifest.
//! - **Id**: by the rules of `ids` from the advisory's identifiers, of which the CVE wins.
//! - **Severity**: that of the vulnerable package; `moderate` is medium. **Fixed version**:
//!   the first that is patched. **First seen**: when the alert was made.
//! - **Skipped**: alerts that are fixed (resolved) or dismissed (suppressed); without a
//!   package or an id (unidentified).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use serde::de::IgnoredAny;

use self::model::{Alert, Head, RepositoryHead};
use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json};
use crate::base::{Code, Error, Result};
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};
use crate::domain::scan::ScanKind;

/// GitHub Dependabot.
pub struct Dependabot;

impl Importer for Dependabot {
    fn name(&self) -> &'static str {
        "dependabot"
    }

    fn title(&self) -> &'static str {
        "GitHub Dependabot alerts (GraphQL, REST, webhook)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let is_alert = |depth| {
            keys.has(depth, "security_advisory")
                || keys.has(depth, "security_vulnerability")
                || keys.has_all(depth, &["dependency", "state", "number"])
        };
        let rest = keys.is_array() && is_alert(2)
            || keys.is_object() && (is_alert(1) || keys.has(1, "alert") && is_alert(2));
        is_graphql(head) || rest
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        if is_graphql(&report.head(64 << 10)?) {
            return graphql(report, sink);
        }
        let is_whole = is_whole_list(report)?;
        let mut emitter = Emitter::begin(report, sink, info())?;
        let mut current: Option<String> = None;
        entries::documents(report, &mut |place, document: Alert| {
            let (alert, repository) = document.into_parts();
            if !alert.is_one() {
                let detail = format!("{place} is no Dependabot alert");
                return Err(Error::new(Code::BadReport, detail));
            }
            let asset = translate::asset_of_alert(&alert, repository.as_ref());
            if current.as_ref() != Some(&asset.asset_id) {
                current = Some(asset.asset_id.clone());
                let complete = if is_whole { vec![ScanKind::Libraries] } else { Vec::new() };
                emitter.asset(AssetObservation { complete, ..asset })?;
            }
            emit(&mut emitter, place, alert)
        })?;
        // An empty file is no report; an empty list is one that says nothing.
        if current.is_none() && report.head(64)?.trim_ascii().is_empty() {
            return Err(Error::new(Code::BadReport, "the report is empty"));
        }
        Ok(())
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!(
            "../../../../tests/fixtures/reports/dependabot/dd-graphql-github_search3.json"
        )
    }
}

/// Whether it is an answer of GraphQL; the key lies deep.
fn is_graphql(head: &[u8]) -> bool {
    let keys = Keys::of(head);
    let has_alerts = memchr::memmem::find(head, b"\"vulnerabilityAlerts\"").is_some();
    keys.is_object() && keys.has(1, "data") && has_alerts
}

/// Whether it is an array that is no full page of a longer one: of the sizes that GitHub
/// gives out by default and at most.
fn is_whole_list(report: &Report) -> Result<bool> {
    if report.head(1 << 10)?.trim_ascii_start().first() != Some(&b'[') {
        return Ok(false);
    }
    let count = json::head::<Vec<IgnoredAny>>(report)?.len();
    Ok(!count.is_multiple_of(30) && !count.is_multiple_of(100))
}

fn info() -> ReportInfo {
    ReportInfo { scanner: "dependabot".to_owned(), ..ReportInfo::default() }
}

fn emit(emitter: &mut Emitter<'_>, place: &entries::Place, alert: Alert) -> Result<()> {
    match alert.state.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("fixed") => return emitter.skip(SkipReason::Resolved, place),
        Some("dismissed" | "auto_dismissed") => {
            return emitter.skip(SkipReason::Suppressed, place);
        }
        _ => {}
    }
    let findings = translate::findings(alert);
    if findings.is_empty() {
        return emitter.skip(SkipReason::Unidentified, place);
    }
    findings.into_iter().try_for_each(|finding| emitter.finding(finding))
}

/// Where the alerts are, by the name of what was asked for.
const PATHS: [(&str, &[&str]); 5] = [
    ("repository", &["data", "repository", "vulnerabilityAlerts", "nodes"]),
    ("search", &["data", "search", "nodes", "vulnerabilityAlerts", "nodes"]),
    (
        "organization",
        &["data", "organization", "repositories", "nodes", "vulnerabilityAlerts", "nodes"],
    ),
    ("user", &["data", "user", "repositories", "nodes", "vulnerabilityAlerts", "nodes"]),
    ("viewer", &["data", "viewer", "repositories", "nodes", "vulnerabilityAlerts", "nodes"]),
];

fn graphql(report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let head: Head = json::head(report)?;
    if let Some(message) = head.errors.iter().find_map(|e| e.message.as_deref()) {
        let detail = format!("GitHub did not answer in full: {message}");
        return Err(Error::new(Code::BadReport, detail));
    }
    let mut emitter = Emitter::begin(report, sink, info())?;
    let data = head.data.unwrap_or_default();
    for (name, path) in PATHS {
        let repositories = data.repositories(name);
        for repository in repositories {
            repository.check()?;
        }
        if !repositories.is_empty() {
            alerts_of(report, &mut emitter, repositories, path)?;
        }
    }
    Ok(())
}

/// The alerts of these repositories, whose nodes are found along `path`.
fn alerts_of(
    report: &Report,
    emitter: &mut Emitter<'_>,
    repositories: &[RepositoryHead],
    path: &'static [&'static str],
) -> Result<()> {
    let mut ahead = repositories.iter().enumerate();
    let mut next = ahead.next();
    // A single repository is no list: its alerts have one position only.
    let is_list = path.len() > 4;
    entries::each(report, path, &mut |place, alert: Alert| {
        let index = if is_list { place.item(0) } else { 0 };
        while let Some((_, repository)) = next.filter(|(at, _)| *at <= index) {
            emitter.asset(translate::asset(repository))?;
            next = ahead.next();
        }
        emit(emitter, place, alert)
    })?;
    while let Some((_, repository)) = next {
        emitter.asset(translate::asset(repository))?;
        next = ahead.next();
    }
    Ok(())
}
