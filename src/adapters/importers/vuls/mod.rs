//! Results of Vuls (the JSON that `vuls scan` and `vuls report` keep), versions 2 (2017, keys
//! as `ScannedCves`) and 4 (`scannedCves`).
//!
//! The facts come first ([`facts`]): packages by name, to which the findings refer, and the
//! source packages that they were built from. Then the CVEs, one at a time.
//!
//! What things become:
//!
//! - **Asset**: the server, named as in Vuls' configuration (`serverName`); a container of it
//!   is `<container>@<server>`. Instance id, the UUID that Vuls gives, addresses, and the
//!   container's image are identifiers.
//! - **Complete**: packages of the operating system, libraries if it has any, other
//!   (CPE) if CVEs name some; nothing if it was only scanned and never looked up
//!   (`reportedAt` is not set), if there were errors, or if low scores or unfixed CVEs were
//!   filtered out.
//! - **Inventory**: packages and libraries that it lists. Each is a component.
//! - **Finding**: a CVE on each of its packages (with version, architecture and source
//!   package), libraries, CPEs and `WordPress` parts; on Windows, where updates are named, on
//!   the operating system.
//! - **Fixed version**: `fixedIn`; in version 2, which found CVEs in changelogs of updates,
//!   the update's version unless `NotFixedYet`; on Windows the updates.
//! - **Severity**: by the highest CVSS (v4, v3, v2 in this order), else the highest word of a
//!   source. **Status**: `fixState`, else `not fixed yet`. **Evidence**: how it was detected.
//! - **Title**: in Japanese (JVN) only if no other source says anything.
//! - **Skipped**: CVEs on nothing that is named (unidentified).

mod facts;
mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::facts::Facts;
use self::model::{Cve, Head};
use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json};
use crate::base::{Code, Error, Result};
use crate::domain::observation::{ReportInfo, SkipReason};

/// Vuls.
pub struct Vuls;

impl Importer for Vuls {
    fn name(&self) -> &'static str {
        "vuls"
    }

    fn title(&self) -> &'static str {
        "Vuls results (JSON versions 2 and 4)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let any = [
            &["scannedCves"][..],
            &["ScannedCves"],
            &["jsonVersion", "serverName"],
            &["JSONVersion", "ServerName"],
            &["family", "serverName"],
            &["Family", "ServerName"],
            &["packages", "serverName"],
            &["Packages", "ServerName"],
            &["reportedAt", "serverName"],
            &["ReportedAt", "ServerName"],
            &["scannedVersion", "scannedBy"],
            &["packages", "SrcPackages"],
            &["packages", "runningKernel"],
        ];
        keys.is_object() && any.iter().any(|all| keys.has_all(1, all))
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head: Head = json::head(report)?;
        let path: &[&str] = match (head.cves, head.old_cves) {
            (true, _) => &["scannedCves", entries::ANY],
            (_, true) => &["ScannedCves", entries::ANY],
            _ => {
                let detail = "this is no result of Vuls: it has no scannedCves";
                return Err(Error::new(Code::BadReport, detail));
            }
        };
        let mut facts = Facts::read(report, &head)?;
        entries::look(report, path, &mut |_, cve: Cve| {
            facts.has_cpes |= !cve.cpes.is_empty();
            Ok(())
        })?;
        let info = ReportInfo {
            scanner: "vuls".to_owned(),
            scanner_version: head.version.clone(),
            created_at: head.scanned_at,
            ..ReportInfo::default()
        };
        let mut emitter = Emitter::begin(report, sink, info)?;
        emitter.asset(translate::asset(&head, &facts))?;
        for component in facts.packages.values().chain(facts.libraries.values()) {
            emitter.component(component.clone())?;
        }
        entries::each(report, path, &mut |place, cve: Cve| {
            let findings = translate::findings(&cve, place.key(), &head, &facts);
            if findings.is_empty() {
                return emitter.skip(SkipReason::Unidentified, place);
            }
            findings.into_iter().try_for_each(|finding| emitter.finding(finding))
        })
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/vuls/vulsrepo-debian8-2017-cut.json")
    }
}
