//! What the audits of JavaScript package managers print as JSON: npm 6 and pnpm
//! (`advisories`), npm 7 and newer (`auditReportVersion` 2), yarn 1 (a line for each
//! advisory and path), yarn 2 and 3 (as npm 6), yarn 4 (a line for each package).
//!
//! What things become:
//!
//! - **Asset**: one repository without a name; the person who imports names it.
//! - **Complete**: libraries. An audit that failed (`error`) or broke off (no
//!   `auditSummary`) is refused, because it has not looked at everything.
//! - **Component**: the package; npm. npm 7 says where it lies (`node_modules/…`) and not
//!   which version it is: each place is a component. The others say which versions and the
//!   ways of dependencies that lead to them, which are no places: they are evidence.
//! - **Finding**: an advisory on such a component. In npm 7, what is vulnerable only through
//!   a dependency (`via` is a name) is no finding; the dependency is one itself.
//! - **Id**: by the rules of `ids` from the CVEs and the GHSA (which newer versions have only
//!   in the link); without both `NPM-<number>`.
//! - **Fixed version**: the lower ends of `patched_versions`; where there is none, the upper
//!   ends of the vulnerable ranges that exclude their end.
//! - **Severity**: `moderate` is medium.
//! - **Skipped**: advisories without a package or an id (unidentified).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Advisory, Head, Line, Vulnerable};
use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json, text};
use crate::base::{Code, Error, Result};
use crate::domain::asset::AssetType;
use crate::domain::observation::{AssetObservation, FindingObservation, ReportInfo, SkipReason};
use crate::domain::scan::ScanKind;

/// `npm audit`, `pnpm audit`, `yarn audit`.
pub struct NpmAudit;

impl Importer for NpmAudit {
    fn name(&self) -> &'static str {
        "npm-audit"
    }

    fn title(&self) -> &'static str {
        "npm audit JSON (npm 6 and newer, pnpm, yarn)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let npm6 = keys.has(1, "advisories")
            && (["metadata", "actions", "muted"].iter().any(|key| keys.has(1, key))
                || keys.has(3, "module_name")
                || keys.has(3, "patched_versions"));
        let npm7 = keys.has(1, "auditReportVersion")
            || keys.has(1, "vulnerabilities") && keys.has(3, "via") && keys.has(3, "effects");
        let failed = keys.has(1, "error") && keys.has_all(2, &["code", "summary", "detail"]);
        keys.is_object() && (npm6 || npm7 || failed || is_lines(head))
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head = report.head(64 << 10)?;
        if is_lines(&head) {
            return lines(report, &mut begin(report, sink)?);
        }
        let head: Head = json::head(report)?;
        if let Some(error) = head.error {
            return Err(failed(error.code.as_ref(), error.summary.as_ref()));
        }
        if !head.advisories && !head.vulnerabilities {
            return Err(Error::new(
                Code::BadReport,
                "this is no npm audit report: it has neither advisories nor vulnerabilities",
            ));
        }
        let mut emitter = begin(report, sink)?;
        if head.vulnerabilities {
            let path = &["vulnerabilities", entries::ANY];
            entries::each(report, path, &mut |place, entry: Vulnerable| {
                emit(&mut emitter, place, translate::of_package(&entry, place.key()))
            })?;
        }
        if head.advisories {
            entries::each(report, &["advisories", entries::ANY], &mut |place, entry: Advisory| {
                emit(&mut emitter, place, translate::of_advisory(&entry))
            })?;
        }
        Ok(())
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/npm-audit/dd-npm7plus-many_vulns.json")
    }
}

/// Whether `head` begins lines of yarn: of version 1 (`type`, `data`) or 4 (`value`,
/// `children`).
fn is_lines(head: &[u8]) -> bool {
    let keys = Keys::of(head);
    let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    let yarn1 = keys.has_all(1, &["type", "data"])
        && (has("\"auditAdvisory\"") || has("\"auditSummary\"") || has("\"auditAction\""));
    let yarn4 = keys.has_all(1, &["value", "children"]) && keys.has_all(2, &["ID", "Severity"]);
    keys.is_object() && (yarn1 || yarn4)
}

fn begin<'s>(report: &Report, sink: &'s mut Sink<'_>) -> Result<Emitter<'s>> {
    let info = ReportInfo { scanner: "npm-audit".to_owned(), ..ReportInfo::default() };
    let mut emitter = Emitter::begin(report, sink, info)?;
    emitter.asset(AssetObservation {
        asset_type: AssetType::Repository,
        complete: vec![ScanKind::Libraries],
        ..AssetObservation::default()
    })?;
    Ok(emitter)
}

fn failed(code: Option<&String>, summary: Option<&String>) -> Error {
    let words: Vec<_> = [code, summary].into_iter().flatten().map(String::as_str).collect();
    let what = text::clip(&words.join(": "), 300).to_owned();
    Error::new(Code::BadReport, format!("the audit has failed and looked at nothing: {what}"))
}

/// The findings of one entry; `None`: it names no package or no vulnerability.
fn emit(
    emitter: &mut Emitter<'_>,
    place: &entries::Place,
    findings: Option<Vec<FindingObservation>>,
) -> Result<()> {
    match findings {
        Some(findings) => findings.into_iter().try_for_each(|f| emitter.finding(f)),
        None => emitter.skip(SkipReason::Unidentified, place),
    }
}

/// The lines of yarn.
fn lines(report: &Report, emitter: &mut Emitter<'_>) -> Result<()> {
    let (mut is_yarn1, mut has_summary) = (false, false);
    entries::documents(report, &mut |place, line: Line| {
        is_yarn1 |= line.kind.is_some();
        has_summary |= line.kind.as_deref() == Some("auditSummary");
        match (line.kind.as_deref(), line.data) {
            (Some("error"), data) => {
                let what = data.into_iter().find_map(model::Data::into_text);
                Err(failed(None, what.as_ref()))
            }
            (Some("auditAdvisory"), data) => {
                let advisory = data.into_iter().find_map(model::Data::into_advisory);
                let findings = advisory.as_deref().and_then(translate::of_advisory);
                emit(emitter, place, findings)
            }
            (Some(_), _) => Ok(()),
            (None, _) => emit(emitter, place, translate::of_tree(line.value, line.children)),
        }
    })?;
    if is_yarn1 && !has_summary {
        return Err(Error::new(
            Code::BadReport,
            "the report ends in the middle: there is no line with the auditSummary",
        ));
    }
    Ok(())
}
