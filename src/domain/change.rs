//! Changes that can be undone (tables `changes` and `change_steps`): what an import or a
//! bulk edit did, kept as the fields that it replaced. How records are put back is not
//! said here.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::asset::Asset;
use super::decision::Decision;
use super::finding::Finding;
use super::package::Package;
use super::service::Service;
use super::vulnerability::Vulnerability;
use super::words::word_enum;
use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, asc};

word_enum! {
    /// What made a change.
    ChangeKind default Import {
        /// An import; undone by reverting it.
        Import "import",
        /// A bulk edit.
        BulkEdit "bulk_edit",
    }
}

word_enum! {
    /// Whether a change can be undone.
    ChangeState default Kept {
        /// What it replaced is kept.
        Kept "kept",
        /// It has been undone.
        Undone "undone",
        /// What it replaced is no longer kept.
        Expired "expired",
    }
}

/// What was done to many records at once, and can be undone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct Change {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// When this record was changed last.
    pub updated_at: Timestamp,
    /// What made it.
    pub kind: ChangeKind,
    /// Whether it can be undone.
    pub state: ChangeState,
    /// What was done, as the audit log calls it.
    pub action: String,
    /// Who did it.
    pub author: String,
    /// The import, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<u64>,
    /// Transactions that it took.
    pub steps: u64,
    /// Records that they changed, counted per transaction.
    pub records: u64,
    /// Bytes that are kept for undoing it.
    pub bytes: u64,
    /// Records that undoing it has left as they were, because they had changed since.
    #[serde(default)]
    pub left: u64,
    /// When it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_at: Option<Timestamp>,
    /// Who undid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<String>,
}

/// What one transaction of a change replaced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangeStep {
    /// Number; later steps have higher ones.
    pub id: u64,
    /// Goes up with every change.
    pub version: u64,
    /// When it was done.
    pub created_at: Timestamp,
    /// The same.
    pub updated_at: Timestamp,
    /// The change it is part of.
    pub change_id: u64,
    /// The replaced fields: JSON lines, zstd, base64.
    pub replaced: String,
}

/// Calls a macro with every record type whose changes can be undone. The one list from which
/// watching and putting back iterate.
#[macro_export]
macro_rules! for_each_undoable {
    ($macro:ident $($rest:tt)*) => {
        $macro! {
            $($rest)*
            $crate::domain::vulnerability::Vulnerability,
            $crate::domain::asset::Asset,
            $crate::domain::finding::Finding,
            $crate::domain::package::Package,
            $crate::domain::service::Service,
            $crate::domain::decision::Decision
        }
    };
}

/// A record whose changes can be undone.
pub trait Undoable: Record + PartialEq {
    /// Fields that follow from other records, or from the change itself. They are neither
    /// compared nor put back.
    const DERIVED: &'static [&'static str];
}

impl Undoable for Finding {
    const DERIVED: &'static [&'static str] = &[
        "version",
        "updated_at",
        "title",
        "cvss_score",
        "epss_score",
        "kev",
        "priority_score",
        "overdue",
    ];
}

impl Undoable for Vulnerability {
    const DERIVED: &'static [&'static str] =
        &["version", "updated_at", "open_findings", "total_findings"];
}

impl Undoable for Asset {
    const DERIVED: &'static [&'static str] =
        &["version", "updated_at", "open_findings", "risk_score"];
}

impl Undoable for Package {
    const DERIVED: &'static [&'static str] = &["version", "updated_at"];
}

impl Undoable for Service {
    const DERIVED: &'static [&'static str] = &["version", "updated_at"];
}

impl Undoable for Decision {
    const DERIVED: &'static [&'static str] = &["version", "updated_at"];
}

/// Changes of imports by the import's number.
pub const BY_IMPORT: &str = "idx_changes_import_id";
/// Changes by state and age.
pub const BY_STATE: &str = "idx_changes_state";
/// Steps of a change, in order.
pub const STEPS: &str = "idx_change_steps_change_id";

/// What can be filtered, sorted and counted by.
const CHANGE_FIELDS: &[Field<Change>] = &[
    Field::<Change>::new(
        "kind",
        Kind::Enum(ChangeKind::WORDS),
        |c, f| f(c.kind.into()),
        "What made it.",
    )
    .facet(),
    Field::<Change>::new(
        "state",
        Kind::Enum(ChangeState::WORDS),
        |c, f| f(c.state.into()),
        "Whether it can be undone.",
    )
    .facet(),
    Field::<Change>::new(
        "import_id",
        Kind::U64,
        |c, f| {
            if let Some(import) = c.import_id {
                f(import.into());
            }
        },
        "The import.",
    ),
    Field::<Change>::new("created_at", Kind::Time, |c, f| f(c.created_at.into()), "When it began."),
];

/// Secondary indexes, and what each is for.
const CHANGE_INDEXES: &[Index] = &[
    Index::on("idx_changes_created_at", &[asc("created_at")], "By time."),
    Index::on(BY_STATE, &[asc("state"), asc("created_at")], "What is to be forgotten next."),
    Index::on(BY_IMPORT, &[asc("import_id")], "What an import changed."),
];

impl Record for Change {
    const TABLE: &'static str = "changes";
    const FACETS: &'static str = "fct_changes";
    const NOUN: &'static str = "change";
    const DEFAULT_SORT: &'static str = "-id";

    fn fields() -> &'static [Field<Self>] {
        CHANGE_FIELDS
    }

    fn indexes() -> &'static [Index] {
        CHANGE_INDEXES
    }

    crate::record_head!();
}

const STEP_FIELDS: &[Field<ChangeStep>] = &[Field::<ChangeStep>::new(
    "change_id",
    Kind::U64,
    |s, f| f(s.change_id.into()),
    "The change.",
)];

const STEP_INDEXES: &[Index] = &[Index::on(STEPS, &[asc("change_id")], "Steps of a change.")];

impl Record for ChangeStep {
    const TABLE: &'static str = "change_steps";
    const FACETS: &'static str = "fct_change_steps";
    const NOUN: &'static str = "step of a change";
    const DEFAULT_SORT: &'static str = "-id";

    fn fields() -> &'static [Field<Self>] {
        STEP_FIELDS
    }

    fn indexes() -> &'static [Index] {
        STEP_INDEXES
    }

    crate::record_head!();
}
