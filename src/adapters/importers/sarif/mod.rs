//! SARIF 2.1.0, what tools for static analysis (and scanners that also write it) put their
//! results into. Older versions are other formats and not here.
//!
//! Two passes, because results refer to rules, files and base addresses that may stand after
//! them: the first ([`head`]) takes those and skips the results.
//!
//! What things become:
//!
//! - **Asset**: of each run, the repository that it names (`versionControlProvenance`), the
//!   image that Trivy or Grype names; else one without a name, a repository: the person who
//!   imports names it.
//! - **Scanner**: the tool; of several, all, sorted and joined by `+`.
//! - **Complete**: code (with Trivy and Grype the kinds of packages that they looked at), if
//!   every run for the asset has results (perhaps none: an empty list), says that it was
//!   successful, and reports no error of its own.
//! - **Finding**: a result that fails. Its component is its first file, by the path within
//!   the repository: base addresses that are relative are put before it, the working
//!   directory and absolute bases are taken off. A web address is a place, not a file.
//! - **Identity**: a fingerprint stands for the line: the first of `fingerprints` that is a
//!   hash (and no word like `requires login`), else a partial one that is made of the place's
//!   text; hashes of whole files and columns change with anything. Equal fingerprints on
//!   several lines of a file are numbered, so that no result hides another. Without one it
//!   is file, line and rule.
//! - **Vulnerability**: CVEs and ids of other databases in the rule's id, its former ids and
//!   tags, by the rules of `ids`; else `<TOOL>-<rule>`. A result without a rule is of the
//!   rule whose id or name its message begins with.
//! - **Severity**: `security-severity` of the result, else of the rule; Trivy's and Grype's
//!   own words; else the level: error is high, warning medium, note low.
//! - **Our own exports** (tool `VulnZero`): asset, component, place, severity and fixed version
//!   are in the properties `vulnzero`; a rule's id is the vulnerability's. They are a choice of
//!   findings, so complete for nothing.
//! - **Packages**: what Trivy and Grype say in the message, in words that do not vary:
//!   package, versions, severity.
//! - **Evidence**: the message, and the snippet unless it is of a tool or rule for secrets.
//! - **Skipped**: kinds other than `fail` (passed, not affected, informational), level `none`
//!   without an advisory (informational), `absent` (resolved), suppressed ones (unless a
//!   suppression was rejected or is under review), what of Trivy is a secret, a
//!   misconfiguration or a licence, results of no rule (unidentified).

mod assets;
mod head;
mod model;
mod own;
mod packages;
mod place;
mod rules;
#[cfg(test)]
mod tests;
mod translate;

use self::head::Head;
use self::place::Fingerprints;
use self::translate::Outcome;
use super::emit::Emitter;
use super::entries::{self, Place};
use super::peek::Keys;
use super::{Importer, Report, Sink};
use crate::base::Result;
use crate::domain::observation::AssetObservation;

/// SARIF.
pub struct Sarif;

impl Importer for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn title(&self) -> &'static str {
        "SARIF (version 2.1.0)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let names_itself = keys.has(1, "version") || keys.has(1, "$schema");
        keys.is_object()
            && keys.has(1, "runs")
            && (names_itself || keys.has(3, "tool") || keys.has(3, "results"))
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head = head::read(report)?;
        let assets = assets::assets(&head);
        let mut run = Runs { head: &head, assets: &assets, next: 0, seen: Fingerprints::new() };
        let mut emitter = Emitter::begin(report, sink, head.info())?;
        entries::each(report, &["runs", "results"], &mut |place, result| {
            run.begin(place.item(0), &mut emitter)?;
            run.emit(place, result, &mut emitter)
        })?;
        run.begin(usize::MAX, &mut emitter)
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/sarif/dd-njsscan.sarif")
    }
}

/// Where the second pass is.
struct Runs<'h> {
    head: &'h Head,
    /// By run.
    assets: &'h [AssetObservation],
    /// The first run whose asset has not been emitted.
    next: usize,
    seen: Fingerprints,
}

impl Runs<'_> {
    /// Emits the assets of all runs up to this one; those of runs without results, too.
    fn begin(&mut self, run: usize, emitter: &mut Emitter<'_>) -> Result<()> {
        while self.next < self.assets.len() && self.next <= run {
            emitter.asset(self.assets[self.next].clone())?;
            self.next += 1;
        }
        Ok(())
    }

    fn emit(
        &mut self,
        place: &Place,
        result: model::Entry,
        emitter: &mut Emitter<'_>,
    ) -> Result<()> {
        let Some(run) = self.head.runs.get(place.item(0)) else { return Ok(()) };
        match translate::outcome(&result, run, &mut self.seen)? {
            Outcome::Skipped(reason) => emitter.skip(reason, place),
            Outcome::Findings(findings) => {
                findings.into_iter().try_for_each(|finding| emitter.finding(finding))
            }
        }
    }
}
