//! Patches: a fix for a vulnerability. A record for now; how it is made, tested and rolled
//! out comes with remediation.

use poem_openapi::{Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::asset::{merge, set};
use super::search;
use super::words::word_enum;
use crate::base::record::{Field, Index, Kind, Record, Value, asc};
use crate::base::{Code, Error, Result, Timestamp};

word_enum! {
    /// How a patch fixes.
    PatchType default PackageUpdate {
        /// Packages are updated.
        PackageUpdate "package_update",
        /// A configuration is changed.
        ConfigChange "config_change",
        /// A script is run.
        Script "script",
        /// The problem is avoided, not removed.
        Workaround "workaround",
        /// A person does it.
        Manual "manual",
    }
}

word_enum! {
    /// Where a patch stands.
    PatchStatus default Draft {
        /// Being written.
        Draft "draft",
        /// Written by the server.
        Generated "generated",
        /// Its plan was found safe.
        Validated "validated",
        /// Being tried in a twin.
        Testing "testing",
        /// The twin is fine.
        TestPassed "test_passed",
        /// The twin is not fine.
        TestFailed "test_failed",
        /// May be rolled out.
        Approved "approved",
        /// Must not be rolled out.
        Rejected "rejected",
        /// Rolled out.
        Deployed "deployed",
        /// Rolling out failed.
        Failed "failed",
        /// Undone.
        RolledBack "rolled_back",
    }
}

impl PatchStatus {
    /// Whether a person may move a patch from `self` to `to` by editing it. Validation,
    /// tests, approval and rollout have their own operations.
    #[must_use]
    pub const fn allows(self, to: Self) -> bool {
        matches!(
            (self, to),
            (
                Self::Draft | Self::Generated | Self::Rejected | Self::TestFailed | Self::Failed,
                Self::Draft | Self::Rejected
            )
        ) || self as u8 == to as u8
    }
}

/// A fix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
pub struct Patch {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Natural key. Unique.
    pub patch_id: String,
    /// One line.
    pub title: String,
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Number of the vulnerability that it fixes.
    pub vulnerability_id: u64,
    /// How it fixes.
    pub patch_type: PatchType,
    /// What is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_content: Option<String>,
    /// Where it stands.
    pub status: PatchStatus,
    /// Whether the content was validated.
    pub validation_passed: bool,
    /// Who wrote it.
    pub created_by: String,
    /// Notes for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// What can be filtered, sorted and counted by.
const PATCH_FIELDS: &[Field<Patch>] = &[
    Field::<Patch>::new("patch_id", Kind::Text, |p, f| f((&p.patch_id).into()), "Natural key."),
    Field::<Patch>::new(
        "vulnerability_id",
        Kind::U64,
        |p, f| f(p.vulnerability_id.into()),
        "Number of the vulnerability.",
    ),
    Field::<Patch>::new(
        "patch_type",
        Kind::Enum(PatchType::WORDS),
        |p, f| f(p.patch_type.into()),
        "How it fixes.",
    )
    .facet(),
    Field::<Patch>::new(
        "status",
        Kind::Enum(PatchStatus::WORDS),
        |p, f| f(p.status.into()),
        "Where it stands.",
    )
    .facet(),
    Field::<Patch>::new(
        "validation_passed",
        Kind::Bool,
        |p, f| f(p.validation_passed.into()),
        "Validated.",
    )
    .facet(),
    Field::<Patch>::new(
        "created_at",
        Kind::Time,
        |p, f| f(p.created_at.into()),
        "When it was stored.",
    ),
    Field::<Patch>::many(
        "search",
        Kind::Words,
        |p, f| search::words([p.patch_id.as_str(), p.title.as_str()], &mut |w| f(Value::Text(w))),
        "Words of key and title.",
    ),
];

/// Secondary indexes, and what each is for.
const PATCH_INDEXES: &[Index] = &[
    Index::on("idx_patches_patch_id", &[asc("patch_id")], "Look-up by natural key.").unique(),
    Index::on(
        "idx_patches_vulnerability_id",
        &[asc("vulnerability_id")],
        "Patches of a vulnerability.",
    ),
    Index::on(
        "idx_patches_validation_passed",
        &[asc("validation_passed")],
        "Patches that are ready, or not.",
    ),
    Index::on("idx_patches_created_at", &[asc("created_at")], "The default list: newest first."),
    Index::on(
        "idx_patches_status_created_at",
        &[asc("status"), asc("created_at")],
        "Work lists of one status, by age.",
    ),
    Index::on("idx_patches_search", &[asc("search")], "Search by words."),
];

impl Record for Patch {
    const TABLE: &'static str = "patches";
    const FACETS: &'static str = "fct_patches";
    const NOUN: &'static str = "patch";
    const NATURAL_KEY: Option<&'static str> = Some("idx_patches_patch_id");
    const DEFAULT_SORT: &'static str = "-created_at";

    fn fields() -> &'static [Field<Self>] {
        PATCH_FIELDS
    }

    fn indexes() -> &'static [Index] {
        PATCH_INDEXES
    }

    crate::record_head!();
}

/// A new patch as a client sends it.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields)]
pub struct NewPatch {
    /// Natural key; made from the number by default (`PATCH-12`).
    #[oai(validator(min_length = 3, max_length = 100, pattern = r"^[A-Za-z][A-Za-z0-9._:-]*$"))]
    pub patch_id: Option<String>,
    /// One line.
    #[oai(validator(min_length = 1, max_length = 500))]
    pub title: String,
    /// Plain text.
    #[oai(validator(max_length = 16384))]
    pub description: Option<String>,
    /// Number of the vulnerability that it fixes.
    pub vulnerability_id: u64,
    /// How it fixes.
    pub patch_type: Option<PatchType>,
    /// What is done.
    #[oai(validator(max_length = 262144))]
    pub content: Option<String>,
    /// What undoes it.
    #[oai(validator(max_length = 262144))]
    pub rollback_content: Option<String>,
    /// Notes for people.
    #[oai(validator(max_length = 16384))]
    pub notes: Option<String>,
}

/// A change to a patch: absent leaves, `null` clears, a value sets (RFC 7396).
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct PatchPatch {
    /// One line.
    #[oai(validator(min_length = 1, max_length = 500))]
    pub title: Option<String>,
    /// Plain text.
    #[oai(validator(max_length = 16384))]
    pub description: MaybeUndefined<String>,
    /// How it fixes.
    pub patch_type: Option<PatchType>,
    /// What is done; only while it is a draft.
    #[oai(validator(max_length = 262144))]
    pub content: MaybeUndefined<String>,
    /// What undoes it; only while it is a draft.
    #[oai(validator(max_length = 262144))]
    pub rollback_content: MaybeUndefined<String>,
    /// `draft` or `rejected`.
    pub status: Option<PatchStatus>,
    /// Notes for people.
    #[oai(validator(max_length = 16384))]
    pub notes: MaybeUndefined<String>,
}

impl NewPatch {
    /// The patch that this describes, a draft by `author`; the caller checks that the
    /// vulnerability exists.
    #[must_use]
    pub fn build(self, author: String) -> Patch {
        Patch {
            id: 0,
            version: 0,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            patch_id: self.patch_id.unwrap_or_default(),
            title: self.title,
            description: self.description,
            vulnerability_id: self.vulnerability_id,
            patch_type: self.patch_type.unwrap_or_default(),
            content: self.content,
            rollback_content: self.rollback_content,
            status: PatchStatus::Draft,
            validation_passed: false,
            created_by: author,
            notes: self.notes,
        }
    }
}

impl PatchPatch {
    /// The patch with this change, or why it cannot be.
    pub fn apply(&self, mut patch: Patch) -> Result<Patch> {
        let edits_content = !self.content.is_undefined() || !self.rollback_content.is_undefined();
        if edits_content && patch.status != PatchStatus::Draft {
            return Err(Error::new(
                Code::Conflict,
                format!(
                    "the content of a patch that is {} cannot be edited; make it a draft first",
                    patch.status
                ),
            ));
        }
        if let Some(to) = self.status {
            if !patch.status.allows(to) {
                return Err(Error::new(
                    Code::Conflict,
                    format!("a patch that is {} cannot become {to} by editing it", patch.status),
                ));
            }
            patch.status = to;
        }
        set(&mut patch.title, self.title.as_ref());
        merge(&mut patch.description, &self.description);
        set(&mut patch.patch_type, self.patch_type.as_ref());
        merge(&mut patch.content, &self.content);
        merge(&mut patch.rollback_content, &self.rollback_content);
        merge(&mut patch.notes, &self.notes);
        Ok(patch)
    }
}
