//! Reports of Trivy Operator, which are Kubernetes objects: one, a list of them (`kubectl get
//! vulnerabilityreports -A -o json`), an array, or an object with an array for each kind
//! (`vulnerabilityreports.aquasecurity.github.io`). Reports of `trivy k8s` are Trivy's own.
//!
//! What things become:
//!
//! - **Asset**: each container of a workload, for which the operator makes a report of its
//!   own: `kubernetes/<namespace>/<Kind>/<name>/<container>` (no namespace: left out), from
//!   the labels, which are annotations where they are too long; without them the report's own
//!   name. Its image is a tag and no identifier: other workloads may run the same.
//! - **Complete**: everything, since a `VulnerabilityReport` is about the whole container.
//! - **Component**: as Trivy's. Older operators tell neither class nor type: then the
//!   ecosystem is unknown and the kind of scan `other`.
//! - **Vulnerability**: `vulnerabilityID`; CVSS of every source, or `score`.
//! - **Report**: made at the newest `updateTimestamp`; the version is the scanner's.
//! - **Skipped**: failed checks of config, RBAC and infrastructure reports and compliance
//!   reports (misconfiguration), secrets, SBOMs (informational), entries without an id or a
//!   package and other kinds of objects (unidentified).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Body, BodyHead, Head};
use super::emit::Emitter;
use super::entries::{self, Place};
use super::peek::Keys;
use super::{Importer, Report, Sink, json};
use crate::base::{Code, Error, Result};
use crate::domain::observation::{ReportInfo, SkipReason};

/// Trivy Operator.
pub struct TrivyOperator;

impl Importer for TrivyOperator {
    fn name(&self) -> &'static str {
        "trivy-operator"
    }

    fn title(&self) -> &'static str {
        "Trivy Operator reports (Kubernetes objects)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
        let is_object = |depth| {
            ["apiVersion", "kind", "metadata", "items"].iter().any(|key| keys.has(depth, key))
        };
        let depth = if keys.is_array() { 2 } else { 1 };
        (keys.is_object() || keys.is_array())
            && (has("\"aquasecurity.github.io/") && (is_object(depth) || keys.has(3, "apiVersion"))
                || keys.is_object() && has(".aquasecurity.github.io\":"))
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let path = path(report)?;
        let mut info = ReportInfo { scanner: "trivy-operator".to_owned(), ..ReportInfo::default() };
        entries::look(report, path, &mut |_, head: BodyHead| {
            let about = head.report.unwrap_or_default();
            info.created_at = info.created_at.max(about.update_timestamp);
            let version = about.scanner.and_then(|s| s.version);
            info.scanner_version = info.scanner_version.take().or(version);
            Ok(())
        })?;
        let mut emitter = Emitter::begin(report, sink, info)?;
        entries::each(report, path, &mut |place, body: Body| emit(&mut emitter, place, body))
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!(
            "../../../../tests/fixtures/reports/trivy-operator/dd-vulnerabilityreport_many.json"
        )
    }
}

/// Where the objects are.
fn path(report: &Report) -> Result<&'static [&'static str]> {
    if report.head(1 << 10)?.trim_ascii_start().first() == Some(&b'[') {
        return Ok(&[]);
    }
    let head: Head = json::head(report)?;
    if head.items.is_some() {
        return Ok(&["items"]);
    }
    if head.kind.is_some() || head.api_version.is_some() {
        return Ok(&[]);
    }
    let keys = report.head(64 << 10)?;
    if memchr::memmem::find(&keys, b".aquasecurity.github.io\"").is_some() {
        return Ok(&[entries::ANY]);
    }
    Err(Error::new(Code::BadReport, "this is no Kubernetes object: it has no kind"))
}

fn emit(emitter: &mut Emitter<'_>, place: &Place, body: Body) -> Result<()> {
    let kind = body.kind.as_deref().unwrap_or_default();
    let about = body.report.unwrap_or_default();
    match kind {
        "VulnerabilityReport" | "ClusterVulnerabilityReport" => {
            let metadata = body.metadata.unwrap_or_default();
            let Some(asset) = translate::asset(&metadata, &about) else {
                return emitter.skip(SkipReason::Unidentified, place);
            };
            emitter.asset(asset)?;
            let system = about.os.as_ref().and_then(|os| os.family.as_deref());
            for (index, v) in about.vulnerabilities.unwrap_or_default().into_iter().enumerate() {
                match translate::finding(v, system) {
                    Some(finding) => emitter.finding(finding)?,
                    None => {
                        let at = format!("{place}.report.vulnerabilities[{index}]");
                        emitter.skip(SkipReason::Unidentified, at.trim_start_matches('.'))?;
                    }
                }
            }
            Ok(())
        }
        "ExposedSecretReport" => {
            let count = about.secrets.unwrap_or_default().len();
            (0..count).try_for_each(|_| emitter.skip(SkipReason::Secret, place))
        }
        "SbomReport" | "ClusterSbomReport" => emitter.skip(SkipReason::Informational, place),
        _ if kind.ends_with("ComplianceReport") => {
            emitter.skip(SkipReason::Misconfiguration, place)
        }
        _ if kind.ends_with("AuditReport") || kind.ends_with("AssessmentReport") => {
            let failed = about.checks.unwrap_or_default().into_iter().filter(|c| !c.success);
            failed.map(drop).try_for_each(|()| emitter.skip(SkipReason::Misconfiguration, place))
        }
        _ => emitter.skip(SkipReason::Unidentified, place),
    }
}
