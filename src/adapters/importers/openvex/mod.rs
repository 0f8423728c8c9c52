//! OpenVEX documents, versions 0.0.x to 0.2.0.
//!
//! What things become:
//!
//! - **Statement**: each, about its products and in them its subcomponents (in 0.0.x those of
//!   the statement). A product that is one text is what the text is: a package URL, a CPE, or
//!   a name. A status that is none of the four says nothing (skipped: empty), and a
//!   justification that is none of the five is left out.
//! - **Vulnerability**: its `name`, or what its `@id` or the text ends with; by the rules of
//!   `ids` with its aliases. A statement about several CVEs becomes one for each. Without any
//!   id: skipped (unidentified).
//! - **Texts**: `impact_statement`, else `status_notes` or `statement`; `action_statement`.
//! - **Time**: that of the statement where it says one, else the document's.

mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Head, Statement};
use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json};
use crate::base::{Code, Error, Result};
use crate::domain::observation::{ReportInfo, SkipReason};

/// OpenVEX.
pub struct OpenVex;

impl Importer for OpenVex {
    fn name(&self) -> &'static str {
        "openvex"
    }

    fn title(&self) -> &'static str {
        "OpenVEX (versions 0.0.x to 0.2.0)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let names_itself = memchr::memmem::find(head, b"openvex.dev/ns").is_some();
        let is_statement =
            keys.has_all(3, &["vulnerability", "status"]) && !keys.has(3, "VulnerabilityID");
        keys.is_object()
            && ((names_itself && keys.has(1, "@context"))
                || (keys.has(1, "statements") && is_statement))
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head: Head = json::head(report)?;
        let names_itself = head.context.iter().any(|c| c.contains("openvex.dev"));
        if !names_itself && !head.has_statements {
            let detail = "this is no OpenVEX document: it has neither its @context nor statements";
            return Err(Error::new(Code::BadReport, detail));
        }
        let info = ReportInfo {
            scanner: "openvex".to_owned(),
            created_at: head.last_updated.or(head.timestamp),
            author: head.author,
            document_id: head.id,
            ..ReportInfo::default()
        };
        let mut emitter = Emitter::begin(report, sink, info)?;
        entries::each(report, &["statements"], &mut |place, statement: Statement| {
            let Some(status) = statement.status() else {
                return emitter.skip(SkipReason::Empty, place);
            };
            let statements = translate::statements(statement, status);
            if statements.is_empty() {
                return emitter.skip(SkipReason::Unidentified, place);
            }
            statements.into_iter().try_for_each(|statement| emitter.statement(statement))
        })
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/openvex/dd-openvex_many_vuln.json")
    }
}
