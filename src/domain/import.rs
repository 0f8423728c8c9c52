//! Imports: one report that was taken in, and what came of it.

use std::collections::BTreeMap;

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::scan::ScanKind;
use super::words::word_enum;
use crate::base::record::{Field, Index, Kind, Record, asc};
use crate::base::{Code, Error, Timestamp};

word_enum! {
    /// Where an import stands.
    ImportStatus default Pending {
        /// Uploaded, not begun.
        Pending "pending",
        /// Being read and applied.
        Running "running",
        /// Applied whole.
        Completed "completed",
        /// Applied, but it would close suspiciously many findings, so it closed none: a
        /// person accepts or discards that.
        Quarantined "quarantined",
        /// Applied, and a person refused that it closes anything.
        Discarded "discarded",
        /// A person has accepted that it closes much; that is being done.
        Accepting "accepting",
        /// What it did is being undone.
        Reverting "reverting",
        /// What it did was undone.
        Reverted "reverted",
        /// Refused; nothing was changed.
        Failed "failed",
    }
}

/// Why an import failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct ImportError {
    /// The problem's code.
    pub code: String,
    /// What is wrong, with the place.
    pub detail: String,
}

/// What an import covers completely, and may close findings in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct ClosingScope {
    /// The asset.
    pub asset_id: u64,
    /// What was looked at.
    pub scans: Vec<ScanKind>,
    /// It is a list of what is installed, so that it speaks for all scanners.
    #[serde(default)]
    pub by_inventory: bool,
}

/// An entry that did not become a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct SkippedPlace {
    /// Why.
    pub reason: String,
    /// Where it stands in the report.
    pub place: String,
}

/// Most places kept of entries that were skipped for one reason.
pub const SKIPPED_PLACES: usize = 10;

/// One report that was taken in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct Import {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Name of the file, as told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Format: as asked for, then as found.
    pub format: String,
    /// Name to give the asset, if the report holds only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// Name of the mapping that says what its columns mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// The tool that made the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner_version: Option<String>,
    /// When the scan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_created_at: Option<Timestamp>,
    /// Where it stands.
    pub status: ImportStatus,
    /// The job that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<u64>,
    /// Size as uploaded, bytes.
    pub bytes: u64,
    /// SHA-256 of the upload, hexadecimal.
    pub sha256: String,
    /// Bytes that the original takes on disk, if it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_bytes: Option<u64>,
    /// Share of the work that is done, 0 to 1.
    pub progress: f64,
    /// What is being done with it: `reading`, `applying`, `closing what has gone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Entries that have been applied so far: findings, components, open ports, advisories,
    /// statements.
    #[serde(default)]
    pub applied: u64,
    /// Distinct assets in the report.
    pub assets: u64,
    /// Distinct vulnerabilities in the report.
    pub vulnerabilities: u64,
    /// Distinct asset × vulnerability × component × version × location in the report.
    pub findings: u64,
    /// Findings that were not known.
    pub new: u64,
    /// Findings that were known and open, or closed by a decision.
    pub seen: u64,
    /// Findings that had been fixed and came back.
    pub reopened: u64,
    /// Findings that a complete report no longer names.
    pub closed: u64,
    /// Findings that would be closed if it is accepted.
    #[serde(default)]
    pub held: u64,
    /// Installed packages that would count as removed if it is accepted.
    #[serde(default)]
    pub held_packages: u64,
    /// What it covers completely, while that is held back.
    #[serde(default)]
    pub held_scopes: Vec<ClosingScope>,
    /// Distinct components in it.
    #[serde(default)]
    pub components: u64,
    /// Open ports in it.
    #[serde(default)]
    pub services: u64,
    /// Advisories in it, without a finding.
    #[serde(default)]
    pub advisories: u64,
    /// VEX statements in it.
    #[serde(default)]
    pub statements: u64,
    /// Entries that did not become findings.
    pub skipped: u64,
    /// How many were skipped for which reason.
    #[serde(default)]
    pub skipped_reasons: BTreeMap<String, u64>,
    /// Where the first of them stand: at most ten of each reason.
    #[serde(default)]
    pub skipped_places: Vec<SkippedPlace>,
    /// What a person should know about how it was taken.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ImportError>,
    /// Who uploaded it.
    pub created_by: String,
    /// When work on it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

impl ImportStatus {
    /// Whether the report has been applied, or never will be.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Accepting | Self::Reverting => false,
            Self::Completed
            | Self::Failed
            | Self::Quarantined
            | Self::Discarded
            | Self::Reverted => true,
        }
    }
}

impl Import {
    /// Marks it refused.
    pub fn fail(&mut self, error: &Error, now: Timestamp) {
        // The texts of the other 5xx are written for clients.
        let hidden = error.code() == Code::Internal;
        self.status = ImportStatus::Failed;
        self.phase = None;
        self.finished_at = Some(now);
        self.error = Some(ImportError {
            code: error.code().slug().to_owned(),
            detail: if hidden { error.code().title().to_owned() } else { error.to_string() },
        });
    }
}

/// What can be filtered, sorted and counted by.
const IMPORT_FIELDS: &[Field<Import>] = &[
    Field::<Import>::new(
        "status",
        Kind::Enum(ImportStatus::WORDS),
        |i, f| f(i.status.into()),
        "Where it stands.",
    )
    .facet(),
    Field::<Import>::new("format", Kind::Text, |i, f| f((&i.format).into()), "Format.").facet(),
    Field::<Import>::new(
        "created_by",
        Kind::Text,
        |i, f| f((&i.created_by).into()),
        "Who uploaded it.",
    )
    .facet(),
    Field::<Import>::new(
        "sha256",
        Kind::Text,
        |i, f| f((&i.sha256).into()),
        "SHA-256 of the upload.",
    ),
    Field::<Import>::new(
        "created_at",
        Kind::Time,
        |i, f| f(i.created_at.into()),
        "When it was uploaded.",
    ),
];

/// Secondary indexes, and what each is for.
const IMPORT_INDEXES: &[Index] = &[
    Index::on("idx_imports_created_at", &[asc("created_at")], "By time."),
    Index::on("idx_imports_sha256", &[asc("sha256")], "Whether a file was imported before."),
];

impl Record for Import {
    const TABLE: &'static str = "imports";
    const FACETS: &'static str = "fct_imports";
    const NOUN: &'static str = "import";
    const DEFAULT_SORT: &'static str = "-id";

    fn fields() -> &'static [Field<Self>] {
        IMPORT_FIELDS
    }

    fn indexes() -> &'static [Index] {
        IMPORT_INDEXES
    }

    crate::record_head!();
}
