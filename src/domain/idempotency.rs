//! Keys that clients give to a request (`Idempotency-Key`), so that sending it again does
//! it once. What a repeated request gets is decided by services; this is what is kept.

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, asc};

/// How long a key is remembered, seconds.
pub const KEPT_S: i64 = 24 * 3600;
/// Longest key, bytes.
pub const KEY_BYTES: usize = 255;

/// A key that was used, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// Number.
    pub id: u64,
    /// Goes up with every change.
    pub version: u64,
    /// When it was used first.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Whose it is: two people may use the same key.
    pub owner: String,
    /// The key as it was sent.
    pub key: String,
    /// SHA-256 of what was asked for, hexadecimal.
    pub fingerprint: String,
    /// The import that it made.
    pub import_id: u64,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// What indexes use.
const FIELDS: &[Field<IdempotencyKey>] = &[
    Field::<IdempotencyKey>::new("owner", Kind::Text, |k, f| f((&k.owner).into()), "Whose it is."),
    Field::<IdempotencyKey>::new("key", Kind::Text, |k, f| f((&k.key).into()), "The key."),
    Field::<IdempotencyKey>::new(
        "expires_at",
        Kind::Time,
        |k, f| f(k.expires_at.into()),
        "When it is forgotten.",
    ),
];

/// Secondary indexes, and what each is for.
const INDEXES: &[Index] = &[
    Index::on(
        "idx_idempotency_keys_owner_key",
        &[asc("owner"), asc("key")],
        "Whether a request was made before.",
    )
    .unique(),
    Index::on("idx_idempotency_keys_expires_at", &[asc("expires_at")], "What may be forgotten."),
];

impl Record for IdempotencyKey {
    const TABLE: &'static str = "idempotency_keys";
    const FACETS: &'static str = "fct_idempotency_keys";
    const NOUN: &'static str = "idempotency key";

    fn fields() -> &'static [Field<Self>] {
        FIELDS
    }

    fn indexes() -> &'static [Index] {
        INDEXES
    }

    crate::record_head!();
}
