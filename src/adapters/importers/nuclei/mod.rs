//! Nuclei's results (`-jsonl`, `-json`, `-json-export`; versions 2 and 3): objects line by
//! line, or an array of them. Before 2.6 the keys were others (`templateID`, `matched`).
//!
//! What things become:
//!
//! - **Asset**: the host as the result gives it (a web address, a name, `host:port`); the host
//!   name and the address in it and the `ip` are facts about it. Application if it is a
//!   web address, else server.
//! - **Complete**: nothing: results are written as they come, and nothing says that the scan
//!   has ended or which templates it had.
//! - **Finding**: a result above severity "info", or that names a CVE (classification, or the
//!   template's id); one for each CVE, else `NUCLEI-<template>`.
//! - **Component**: the product that the template is about (CPE or `metadata.product`), else
//!   the kind of protocol. The place is what was matched: a web address, or the port; the
//!   matcher's name is its fingerprint, because one template strikes in several ways.
//! - **Skipped**: results of severity "info" (informational), `matcher-status: false`
//!   (passed), results without a host or template (unidentified).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, Syntax, entries, lenient};
use crate::base::{Result, Timestamp};
use crate::domain::observation::{ReportInfo, SkipReason};

/// Nuclei.
pub struct Nuclei;

impl Importer for Nuclei {
    fn name(&self) -> &'static str {
        "nuclei"
    }

    fn title(&self) -> &'static str {
        "Nuclei (JSON Lines, JSON; versions 2 and 3)"
    }

    fn syntax(&self) -> Syntax {
        Syntax::JsonLines
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let top = if keys.is_array() { 2 } else { 1 };
        let any = |names: &[&str]| names.iter().any(|name| keys.has(top, name));
        any(&["template-id", "templateID", "template_id"])
            && any(&["info", "matched-at", "matched", "matcher-name", "host"])
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let created_at = first_time(&report.head(64 << 10)?);
        let info = ReportInfo { scanner: "nuclei".into(), created_at, ..ReportInfo::default() };
        let mut out = Emitter::begin(report, sink, info)?;
        let mut current = None;
        entries::documents(report, &mut |place, result: model::Outcome| {
            let Some(asset) = translate::asset(&result) else {
                return out.skip(SkipReason::Unidentified, place);
            };
            if current.as_ref() != Some(&asset) {
                out.asset(asset.clone())?;
                current = Some(asset);
            }
            match translate::hit(result) {
                Ok(hit) => hit.emit(&mut out),
                Err(reason) => out.skip(reason, place),
            }
        })
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/nuclei/dd-many_findings_new.json")
    }
}

/// The time of the first result.
fn first_time(head: &[u8]) -> Option<Timestamp> {
    let key = b"\"timestamp\"";
    let at = memchr::memmem::find(head, key)? + key.len();
    let text = String::from_utf8_lossy(&head[at..]);
    lenient::to_time(text.trim_start_matches([':', ' ']).split('"').nth(1)?)
}
