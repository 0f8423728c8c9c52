//! cargo-audit's JSON (`cargo audit --json`), with warnings as an object by kind (0.13 and
//! newer) or as a list.
//!
//! What things become:
//!
//! - **Asset**: one repository without a name; the person who imports names it.
//! - **Complete**: libraries; nothing if it looked at a part only (`severity`, `target_arch`,
//!   `target_os`, `package_scope`).
//! - **Component**: the crate and its version; cargo.
//! - **Finding**: an entry of `vulnerabilities.list`; and a warning that the crate is
//!   *unsound*, which other scanners of the same database report too: status `unsound`,
//!   rated as information unless it has a CVSS.
//! - **Id**: by the rules of `ids` from the RUSTSEC id and the aliases.
//! - **Severity**: by the CVSS, which has a vector only; else unknown. **Fixed version**: the
//!   lower ends of `versions.patched`.
//! - **Skipped**: other warnings (unmaintained, notice, yanked: informational); entries
//!   without an id or a package (unidentified).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Entry, Head};
use super::emit::Emitter;
use super::entries::Place;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json};
use crate::base::Result;
use crate::domain::asset::AssetType;
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};
use crate::domain::scan::ScanKind;

/// cargo-audit.
pub struct CargoAudit;

impl Importer for CargoAudit {
    fn name(&self) -> &'static str {
        "cargo-audit"
    }

    fn title(&self) -> &'static str {
        "cargo-audit JSON"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let has_counts = keys.has(1, "database") && keys.has(2, "advisory-count")
            || keys.has(1, "lockfile") && keys.has(2, "dependency-count");
        let has_list = keys.has(1, "vulnerabilities")
            && keys.has(2, "list")
            && (keys.has(2, "found") || keys.has(4, "advisory") || keys.has(4, "package"));
        keys.is_object() && (has_counts || has_list)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head: Head = json::head(report)?;
        let info = ReportInfo { scanner: "cargo-audit".to_owned(), ..ReportInfo::default() };
        let mut emitter = Emitter::begin(report, sink, info)?;
        let is_whole = head.settings.is_none_or(|settings| settings.is_whole());
        emitter.asset(AssetObservation {
            asset_type: AssetType::Repository,
            complete: if is_whole { vec![ScanKind::Libraries] } else { Vec::new() },
            ..AssetObservation::default()
        })?;
        let warnings: &[&str] =
            if head.warnings { &["warnings"] } else { &["warnings", entries::ANY] };
        entries::each(report, warnings, &mut |place, entry: Entry| {
            if entry.kind.as_deref().unwrap_or(place.key()) == "unsound" {
                return emit(&mut emitter, place, entry, true);
            }
            emitter.skip(SkipReason::Informational, place)
        })?;
        entries::each(report, &["vulnerabilities", "list"], &mut |place, entry: Entry| {
            emit(&mut emitter, place, entry, false)
        })
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/cargo-audit/generated-vaultwarden.json")
    }
}

fn emit(emitter: &mut Emitter<'_>, place: &Place, entry: Entry, is_warning: bool) -> Result<()> {
    let findings = translate::findings(entry, is_warning);
    if findings.is_empty() {
        return emitter.skip(SkipReason::Unidentified, place);
    }
    findings.into_iter().try_for_each(|finding| emitter.finding(finding))
}
