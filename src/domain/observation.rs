//! What an importer reads out of a report: the common language of all formats.
//!
//! An importer emits a stream: one [`Observation::Report`] first. Then for each asset one
//! [`Observation::Asset`], followed by what was found on it: findings, components, services
//! belong to the asset observed last. The same asset may come again. Advisories and
//! statements are about no asset and may stand anywhere after the report. Nothing here
//! knows how things are stored.

use super::asset::{AssetType, Exposure};
use super::component::Component;
use super::identity::Identifier;
use super::place::Place;
use super::scan::ScanKind;
use super::severity::{CvssScore, Severity};
use super::vex::Statement;
use crate::base::Timestamp;
use crate::base::record::Map;

/// One thing that a report says.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Who made the report and when. Comes first, once.
    Report(ReportInfo),
    /// An asset that was looked at. What follows is about it.
    Asset(Box<AssetObservation>),
    /// A vulnerability on the asset observed last.
    Finding(Box<FindingObservation>),
    /// A component that is installed on the asset observed last.
    Component(Box<Component>),
    /// An open port of the asset observed last.
    Service(Box<ServiceObservation>),
    /// What is known of a vulnerability, without saying that an asset has it.
    Advisory(Box<VulnerabilityObservation>),
    /// A VEX statement.
    Statement(Box<Statement>),
    /// Something that is not imported, and why; counted, never silent. It stands anywhere
    /// after the report, also before the first asset.
    Skipped(Skip),
}

/// Something that is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Why.
    pub reason: SkipReason,
    /// Where it stands in the report: `Results[3].Secrets[0]`, `line 17`.
    pub place: String,
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
    /// Somebody told the scanner to leave it out (an ignore file, a VEX document, a
    /// dismissed alert).
    Suppressed,
    /// A fact about the asset without a risk, which names no vulnerability: the scanner
    /// rates it as information.
    Informational,
    /// The scanner itself says that it is fixed by now.
    Resolved,
    /// A check that was passed.
    Passed,
    /// An entry that says nothing: an empty row, a hit without its data.
    Empty,
    /// It names no vulnerability, or no asset, by which it could be known again.
    Unidentified,
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
            Self::Informational => "informational",
            Self::Resolved => "resolved",
            Self::Passed => "passed",
            Self::Empty => "empty",
            Self::Unidentified => "unidentified",
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
    /// Who speaks, in documents that have an author (VEX, advisories).
    pub author: Option<String>,
    /// The document's own id, if it has one.
    pub document_id: Option<String>,
}

/// An asset as a scanner describes it. Absent means: not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetObservation {
    /// The name under which the report knows the asset; its natural key. Empty if the
    /// report does not say what it is about: then the person who imports names it.
    pub asset_id: String,
    /// What kind of thing it is.
    pub asset_type: AssetType,
    /// Host name.
    pub hostname: Option<String>,
    /// IP address.
    pub ip_address: Option<String>,
    /// MAC address.
    pub mac_address: Option<String>,
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
    /// Every other name by which it can be known again, most telling first. Host name and
    /// addresses above need not be repeated.
    pub identifiers: Vec<Identifier>,
    /// The kinds of scan that this report covers completely for this asset, so that what
    /// it no longer names has gone. Others close nothing. If the same asset comes again, it
    /// says the same, and nothing has gone before the report has ended.
    pub complete: Vec<ScanKind>,
    /// The kinds of components of which this report lists all that the asset has.
    pub inventory: Vec<ScanKind>,
}

/// A vulnerability on an asset, as a scanner describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FindingObservation {
    /// The advisory.
    pub vulnerability: VulnerabilityObservation,
    /// The component.
    pub component: Component,
    /// The kind of scan that saw it.
    pub scan: ScanKind,
    /// Where it was seen, if that is more than the component's path.
    pub place: Place,
    /// The lowest version that is not affected, as the source writes it; several
    /// alternatives are comma-separated.
    pub fixed_version: Option<String>,
    /// Severity as this scanner rates it here.
    pub severity: Severity,
    /// The scanner's own status word: `affected`, `fixed`, `will_not_fix`, …
    pub status: Option<String>,
    /// The scanner's own name of the check: plugin id, QID, OID, template, rule.
    pub check: Option<String>,
    /// What the scanner saw: plugin output, matched text, message. Several lines.
    pub evidence: Option<String>,
    /// When the scanner says that it saw it first.
    pub first_seen: Option<Timestamp>,
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
    /// What to do about it, as the source says. Several lines, plain text.
    pub solution: Option<String>,
    /// Every source's CVSS.
    pub cvss: Vec<CvssScore>,
    /// `CWE-79`, …
    pub cwe_ids: Vec<String>,
    /// Addresses; http and https only.
    pub references: Vec<String>,
    /// EPSS probability, if the source carries it.
    pub epss: Option<f64>,
    /// In CISA's catalogue of known exploited vulnerabilities, if the source says so.
    pub kev: bool,
    /// A public exploit exists, if the source says so.
    pub exploit: bool,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
}

/// An open port, as a scanner describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceObservation {
    /// Port number; 0 for what has none.
    pub port: u16,
    /// `tcp`, `udp`, `sctp`, …
    pub protocol: String,
    /// What listens, by IANA's name: `ssh`, `http`.
    pub name: Option<String>,
    /// Its product, as the scanner found out.
    pub product: Option<String>,
    /// Its version.
    pub version: Option<String>,
}
