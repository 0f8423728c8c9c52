//! The audit log: who did what, when, from where. Entries form a hash chain.

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Any};
use serde::{Deserialize, Serialize};

use super::words::word_enum;
use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, asc};

word_enum! {
    /// What kind of actor did it.
    ActorType default System {
        /// The server itself.
        System "system",
        /// The command line on the data directory.
        Cli "cli",
        /// A user in a browser session.
        User "user",
        /// An API token.
        Token "token",
        /// Somebody who is not logged in (a failed log-in, the set-up).
        Anonymous "anonymous",
    }
}

/// The value of a field before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
pub struct FieldChange {
    /// Before; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Any<serde_json::Value>>,
    /// After; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Any<serde_json::Value>>,
}

/// One entry. It is written in the transaction of what it tells, and never changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct AuditLog {
    /// Number, without gaps: an entry that is missing shows.
    pub id: u64,
    /// Always 1.
    pub version: u64,
    /// When it happened.
    pub created_at: Timestamp,
    /// The same.
    pub updated_at: Timestamp,
    /// What was done: `findings.update`, `auth.login`, …
    pub action: String,
    /// What kind of actor did it.
    pub actor_type: ActorType,
    /// The actor's user number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<u64>,
    /// The actor's name.
    pub actor: String,
    /// Resource kind: `findings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// Resource number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<u64>,
    /// Resource name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Whether it was done, or refused.
    pub success: bool,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// The request's id, as in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Fields that changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[oai(default)]
    pub changes: BTreeMap<String, FieldChange>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// SHA-256 over the previous entry's hash and this entry, hexadecimal.
    pub hash: String,
}

impl AuditLog {
    /// The bytes that the hash covers: the entry's JSON without its hash. Struct order is
    /// the canonical order.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let bare = Self { hash: String::new(), ..self.clone() };
        serde_json::to_vec(&bare).expect("an audit entry has only JSON values")
    }
}

/// What can be filtered, sorted and counted by.
const AUDITLOG_FIELDS: &[Field<AuditLog>] = &[
    Field::<AuditLog>::new("action", Kind::Text, |e, f| f((&e.action).into()), "What was done.")
        .facet(),
    Field::<AuditLog>::new(
        "actor_type",
        Kind::Enum(ActorType::WORDS),
        |e, f| f(e.actor_type.into()),
        "Kind of actor.",
    )
    .facet(),
    Field::<AuditLog>::new("actor", Kind::Text, |e, f| f((&e.actor).into()), "Name of the actor.")
        .facet(),
    Field::<AuditLog>::new(
        "resource_type",
        Kind::Text,
        |e, f| f((&e.resource_type).into()),
        "Kind of resource.",
    )
    .facet(),
    Field::<AuditLog>::new(
        "resource_id",
        Kind::U64,
        |e, f| f((&e.resource_id).into()),
        "Number of the resource.",
    ),
    Field::<AuditLog>::new("success", Kind::Bool, |e, f| f(e.success.into()), "Done, or refused.")
        .facet(),
    Field::<AuditLog>::new(
        "request_id",
        Kind::Text,
        |e, f| f((&e.request_id).into()),
        "Id of the request.",
    ),
    Field::<AuditLog>::new("created_at", Kind::Time, |e, f| f(e.created_at.into()), "When."),
];

/// Secondary indexes, and what each is for.
const AUDITLOG_INDEXES: &[Index] = &[
    Index::on("idx_audit_logs_created_at", &[asc("created_at")], "By time."),
    Index::on(
        "idx_audit_logs_resource",
        &[asc("resource_id"), asc("resource_type")],
        "The history of one thing.",
    ),
    Index::on("idx_audit_logs_request_id", &[asc("request_id")], "What one request did."),
];

impl Record for AuditLog {
    const TABLE: &'static str = "audit_logs";
    const FACETS: &'static str = "fct_audit_logs";
    const NOUN: &'static str = "audit entry";
    const DEFAULT_SORT: &'static str = "-id";

    fn fields() -> &'static [Field<Self>] {
        AUDITLOG_FIELDS
    }

    fn indexes() -> &'static [Index] {
        AUDITLOG_INDEXES
    }

    crate::record_head!();
}
