//! Trivy's JSON (`trivy … --format json`): schema version 2, the array of before 2021, and
//! cluster reports (`trivy k8s`) in their three shapes (`Resources`, `Findings`, and the
//! older `Vulnerabilities` + `Misconfigurations`). Reports of Trivy Operator (Kubernetes
//! objects), SARIF, CycloneDX and other outputs of Trivy are other formats and not here.
//!
//! Two passes, because the order of keys is not guaranteed: the first ([`head`]) takes the
//! facts about report, assets and scan results and skips everything else; the second
//! ([`walk`]) emits, one vulnerability in memory at a time. What a broken report contains
//! before the break is therefore not emitted at all.
//!
//! What things become:
//!
//! - **Asset**: the artifact, named by `ArtifactName` as given; if that is empty, by the
//!   first repository tag, reference, OS target or image id. In a cluster each workload is
//!   one: `<cluster or "kubernetes">/<namespace>/<Kind>/<Name>` (no namespace: left out);
//!   several entries for one workload are the same asset, and what was never scanned for
//!   packages (roles, config maps, …) is none. In the old array each target is one, and
//!   ` (alpine 3.10.2)` at its end is not part of the name but the operating system.
//! - **Type**: container image → container; repository → repository; file system →
//!   repository, or server if an operating system was found in it (`trivy rootfs /`);
//!   vm → virtual machine; SBOM → container if it has an image id, else application.
//! - **Complete**: for packages of the operating system if a result for the asset is such a
//!   scan, for libraries likewise; for nothing if an entry for it says `Error`. A report
//!   without results, or of misconfigurations only, has looked at no package, so nothing may
//!   be closed because of it.
//! - **Inventory**: a kind of packages if every result of that kind lists them (`Packages`,
//!   by `--list-all-pkgs`); each package is a component. Lists keep epoch and release apart.
//! - **Identifiers**: digests and tags of an image, the address of a repository. Not in a
//!   cluster, where several workloads run the same image.
//! - **Component**: `PkgName`, `InstalledVersion`; the ecosystem is the purl's type, else it
//!   follows from `Type`. The path is `PkgPath`, else the target of a result for language
//!   packages (a lock file; but not the collective titles `Java`, `Node.js`, …), else none:
//!   an OS target carries the OS version, which must not be part of the identity.
//! - **Vulnerability**: `VulnerabilityID` in upper case; `VendorIDs` are aliases; `PrimaryURL`
//!   and `References` are references. CVSS of every source, version by the vector's prefix
//!   (v3 without a vector counts as 3.1). Severity as Trivy settled it from `VendorSeverity`;
//!   an unknown word is unknown.
//! - **Skipped**: misconfigurations that do not pass, secrets, licences, status
//!   `not_affected`, and what was suppressed by ignore files or VEX documents
//!   (`ExperimentalModifiedFindings`).

mod assets;
mod head;
pub(super) mod model;
mod recognise;
#[cfg(test)]
mod tests;
mod translate;
mod walk;
pub(super) mod words;

use super::{Importer, Report, Sink};
use crate::base::Result;

/// A small report, of a container image.
pub const EXAMPLE: &[u8] =
    include_bytes!("../../../../tests/fixtures/reports/trivy/trivy-amazon-2.json");

/// Trivy.
pub struct Trivy;

impl Importer for Trivy {
    fn name(&self) -> &'static str {
        "trivy"
    }

    fn title(&self) -> &'static str {
        "Trivy JSON (schema version 2, Kubernetes, legacy)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        recognise::is_trivy(head)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head = head::read(report)?;
        walk::read(report, &head, sink)
    }

    fn example(&self) -> &'static [u8] {
        EXAMPLE
    }
}
