//! Grype's JSON (`grype … -o json`), from version 0.7 (2020: `cvssV2`, `fixedInVersion`,
//! match details as one object) to the present (EPSS, KEV, risk).
//!
//! What things become:
//!
//! - **Asset**: an image, named as the user gave it (`userInput`), else by its first tag or
//!   digest; its tags and digests (of manifest, configuration and repository) are
//!   identifiers. A directory or file is named by its path; `.`, `/` and the like name
//!   nothing, and then the person who imports does. An SBOM is what its source says.
//! - **Type**: image → container; directory → repository, or server if an operating system
//!   was found in it; file → application; anything else → other.
//! - **Complete**: packages of the operating system and libraries, for grype always looks
//!   for both; for nothing if the report was filtered (`only-fixed`, `only-notfixed`). In a
//!   directory without an operating system only libraries.
//! - **Component**: name, version, purl; the ecosystem is the purl's type, else it follows
//!   from `type`. The path is the first location that is primary evidence, else the first;
//!   for an archive in an archive the whole way to it (`virtualPath`). The source package is
//!   the first of `upstreams` (older: `metadata.Source`), the layer that of the path. A CPE
//!   only where grype searched with one: the others are guesses.
//! - **Vulnerability**: by the rules of `ids`, with `relatedVulnerabilities` and `advisories`
//!   beside the match's own id; a match that names several CVEs is one finding each, with the
//!   own id as check. CVSS of the match's source and of the related records for the same
//!   vulnerability; texts likewise, the match's own first.
//! - **Severity**: as grype rates the match; `Negligible` is low. **Status**: the fix state.
//! - **Skipped**: `ignoredMatches` (suppressed by ignore rules or VEX); a match without an id
//!   or a package name (unidentified).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Head, Match};
use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json};
use crate::base::Result;
use crate::domain::observation::{ReportInfo, SkipReason};

/// Grype.
pub struct Grype;

impl Importer for Grype {
    fn name(&self) -> &'static str {
        "grype"
    }

    fn title(&self) -> &'static str {
        "Grype JSON (0.7 and newer)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let about = ["descriptor", "source", "distro"];
        let has_matches = keys.has(1, "matches")
            && (keys.has(3, "vulnerability")
                || keys.has(3, "artifact")
                || keys.has(3, "relatedVulnerabilities")
                || keys.has(3, "matchDetails")
                || about.iter().any(|key| keys.has(1, key)));
        // In another order: Syft's own report has the same three, and these beside.
        let is_syft = ["artifacts", "artifactRelationships", "schema", "files"];
        let facts_only = keys.has_all(1, &about) && !is_syft.iter().any(|key| keys.has(1, key));
        keys.is_object() && (has_matches || facts_only)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head: Head = json::head(report)?;
        let descriptor = head.descriptor.as_ref();
        let info = ReportInfo {
            scanner: "grype".to_owned(),
            scanner_version: descriptor.and_then(|d| d.version.clone()),
            created_at: descriptor.and_then(|d| d.timestamp),
            ..ReportInfo::default()
        };
        let mut emitter = Emitter::begin(report, sink, info)?;
        emitter.asset(translate::asset(&head))?;
        entries::each(report, &["matches"], &mut |place, found: Match| {
            let findings = translate::findings(found);
            if findings.is_empty() {
                return emitter.skip(SkipReason::Unidentified, place);
            }
            findings.into_iter().try_for_each(|finding| emitter.finding(finding))
        })?;
        for index in 0..head.ignored_matches.unwrap_or_default().len() {
            emitter.skip(SkipReason::Suppressed, format!("ignoredMatches[{index}]"))?;
        }
        Ok(())
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/grype/dd-many_vulns4.json")
    }
}
