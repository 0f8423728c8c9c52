//! Findings of Amazon Inspector (version 2): the answer of `list-findings`, a list of
//! findings, findings line by line, and events of `EventBridge` (`detail`). Security Hub's
//! own format of findings is another and not here.
//!
//! What things become:
//!
//! - **Asset**: each resource, named by its id as given: an instance id (cloud instance), the
//!   ARN of an image (container), of a function or anything else (application, other).
//!   Instance id, addresses, digest and tags of the image are identifiers; the platform
//!   (`UBUNTU_22_04`) is the operating system.
//! - **Complete**: packages and libraries, of an answer of `list-findings` without a
//!   `nextToken`; it does not say by what it was filtered. Single findings and events close
//!   nothing.
//! - **Finding**: `PACKAGE_VULNERABILITY`: one for each vulnerable package. The version has
//!   epoch and release as the package manager writes them; the ecosystem follows from the
//!   package manager, of the operating system from the platform.
//!   `NETWORK_REACHABILITY`: a finding at a port, which says that the resource can be reached
//!   from the internet. `CODE_VULNERABILITY`: a finding at a line. Both have ids of the
//!   scanner's own (`AWS-INSPECTOR2-…`).
//! - **Severity**: Inspector's; `UNTRIAGED` is unknown. **Status**: `active`.
//! - **Skipped**: `CLOSED` (resolved), `SUPPRESSED`; without a resource, an id or a package
//!   (unidentified).

mod model;
mod resource;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Finding, Head};
use super::emit::Emitter;
use super::entries::Place;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json};
use crate::base::{Code, Error, Result};
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};

/// Amazon Inspector.
pub struct AwsInspector2;

impl Importer for AwsInspector2 {
    fn name(&self) -> &'static str {
        "aws-inspector2"
    }

    fn title(&self) -> &'static str {
        "Amazon Inspector findings (list-findings, EventBridge)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let is_finding = |depth| {
            keys.has(depth, "findingArn")
                || keys.has(depth, "packageVulnerabilityDetails")
                || keys.has_all(depth, &["awsAccountId", "description"])
        };
        let is_empty = keys.has(1, "findings")
            && keys.only(1, &["findings", "nextToken", "NextToken"])
            && keys.only(2, &[])
            && keys.only(3, &[]);
        let is_event = keys.has_all(1, &["detail", "detail-type"])
            && memchr::memmem::find(head, b"Inspector2 Finding").is_some();
        keys.is_object() && (is_finding(1) || keys.has(1, "findings") && is_finding(3))
            || keys.is_object() && (is_empty || is_event)
            || keys.is_array() && is_finding(2)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let keys = report.head(64 << 10)?;
        let keys = Keys::of(&keys);
        let mut findings = Findings::begin(report, sink)?;
        if keys.has(1, "findings") {
            let head: Head = json::head(report)?;
            findings.is_whole = head.next_token.is_none();
            entries::each(report, &["findings"], &mut |place, f: Finding| findings.emit(place, f))
        } else if keys.has(1, "detail") {
            entries::each(report, &["detail"], &mut |place, f: Finding| findings.emit(place, f))
        } else {
            entries::documents(report, &mut |place, f: Finding| findings.emit(place, f))?;
            if report.head(64)?.trim_ascii().is_empty() {
                return Err(Error::new(Code::BadReport, "the report is empty"));
            }
            Ok(())
        }
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/aws-inspector2/dd-many_vul.json")
    }
}

/// Emits findings, each after its asset.
struct Findings<'s> {
    emitter: Emitter<'s>,
    is_whole: bool,
    current: Option<AssetObservation>,
}

impl<'s> Findings<'s> {
    fn begin(report: &Report, sink: &'s mut Sink<'_>) -> Result<Self> {
        let info = ReportInfo { scanner: "aws-inspector2".to_owned(), ..ReportInfo::default() };
        let emitter = Emitter::begin(report, sink, info)?;
        Ok(Self { emitter, is_whole: false, current: None })
    }

    fn emit(&mut self, place: &Place, finding: Finding) -> Result<()> {
        let skip = match finding.status.as_deref() {
            Some("CLOSED") => Some(SkipReason::Resolved),
            Some("SUPPRESSED") => Some(SkipReason::Suppressed),
            _ => None,
        };
        if finding.resources.iter().all(|resource| resource.id.is_none()) {
            return self.emitter.skip(skip.unwrap_or(SkipReason::Unidentified), place);
        }
        for resource in &finding.resources {
            let Some(asset) = resource::asset(resource, &finding, self.is_whole) else { continue };
            if self.current.as_ref() != Some(&asset) {
                self.emitter.asset(asset.clone())?;
                self.current = Some(asset);
            }
            let findings = translate::findings(&finding, resource);
            if let Some(reason) = skip {
                self.emitter.skip(reason, place)?;
            } else if findings.is_empty() {
                self.emitter.skip(SkipReason::Unidentified, place)?;
            } else {
                findings.into_iter().try_for_each(|finding| self.emitter.finding(finding))?;
            }
        }
        Ok(())
    }
}
