//! What an importer reads out of a report: the common language of all formats.
//!
//! An importer emits a stream: one [`Observation::Report`] first, then for each asset one
//! [`Observation::Asset`] followed by the findings on it. A finding belongs to the asset
//! observed last. The same asset may come again. Nothing here knows how things are stored.

use super::asset::{AssetType, Exposure};
use super::component::Component;
use super::severity::{CvssScore, Severity};
use crate::base::Timestamp;
use crate::base::record::Map;

/// One thing that a report says.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Who made the report and when. Comes first, once.
    Report(ReportInfo),
    /// An asset that was looked at. What follows is about it.
    Asset(Box<AssetObservation>),
    /// A vulnerability in a component of the asset observed last.
    Finding(Box<FindingObservation>),
    /// Something that is not imported, and why; counted, never silent. It stands anywhere
    /// after the report, also before the first asset.
    Skipped(SkipReason),
}

/// Why an entry of a report does not become a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// A configuration problem, not a vulnerability of a component.
    Misconfiguration,
    /// A secret found in a file.
    Secret,
    /// A licence finding.
    License,
    /// The same asset × vulnerability × component × version × location stood in the report before.
    Duplicate,
    /// The scanner itself says that the asset is not affected.
    NotAffected,
    /// Somebody told the scanner to leave it out (an ignore file, a VEX document).
    Suppressed,
}

impl SkipReason {
    /// The word used in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Misconfiguration => "misconfiguration",
            Self::Secret => "secret",
            Self::License => "license",
            Self::Duplicate => "duplicate",
            Self::NotAffected => "not_affected",
            Self::Suppressed => "suppressed",
        }
    }
}

/// About the report as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportInfo {
    /// The tool's name, lower case: `trivy`.
    pub scanner: String,
    /// Its version, if the report says.
    pub scanner_version: Option<String>,
    /// When the scan was made, if the report says.
    pub created_at: Option<Timestamp>,
}

/// An asset as a scanner describes it. Absent means: not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetObservation {
    /// The name under which the asset is known; its natural key.
    pub asset_id: String,
    /// What kind of thing it is.
    pub asset_type: AssetType,
    /// Host name.
    pub hostname: Option<String>,
    /// IP address.
    pub ip_address: Option<String>,
    /// Operating system family as in os-release `ID`: `debian`, `alpine`, …
    pub os_type: Option<String>,
    /// Operating system version.
    pub os_version: Option<String>,
    /// CPU architecture.
    pub os_architecture: Option<String>,
    /// How far it can be reached.
    pub exposure: Option<Exposure>,
    /// Further facts (image digest, repository, namespace …).
    pub tags: Map,
    /// True if the report covers this asset completely, so that what it no longer names
    /// has gone. False closes nothing. If the same asset comes again, it says the same,
    /// and nothing has gone before the report has ended.
    pub complete: bool,
}

/// A vulnerability in a component, as a scanner describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FindingObservation {
    /// The advisory.
    pub vulnerability: VulnerabilityObservation,
    /// The component.
    pub component: Component,
    /// The lowest version that is not affected, as the source writes it; several
    /// alternatives are comma-separated.
    pub fixed_version: Option<String>,
    /// Severity as this scanner rates it here.
    pub severity: Severity,
    /// The scanner's own status word: `affected`, `fixed`, `will_not_fix`, …
    pub status: Option<String>,
}

/// An advisory as a scanner describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VulnerabilityObservation {
    /// CVE id, or the id of another scheme if there is no CVE.
    pub id: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// One line.
    pub title: Option<String>,
    /// Several lines, plain text.
    pub description: Option<String>,
    /// Every source's CVSS.
    pub cvss: Vec<CvssScore>,
    /// `CWE-79`, …
    pub cwe_ids: Vec<String>,
    /// Addresses; http and https only.
    pub references: Vec<String>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
}
