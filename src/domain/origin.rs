//! Who set what on a finding, so that what follows from rules can be told from what people
//! have said, and be taken back.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::words::word_enum;
use crate::base::Timestamp;
use crate::base::record::Value;

word_enum! {
    /// What kind of thing set a value; what comes first is stronger.
    OriginKind default Person {
        /// A person, on the finding itself.
        Person "person",
        /// A decision.
        Decision "decision",
        /// A rule.
        Rule "rule",
        /// An SLA policy.
        Sla "sla",
    }
}

/// By whom or what a value was set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Origin {
    /// What kind of thing.
    pub kind: OriginKind,
    /// Number of the decision, rule or policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The account's, the author's, the rule's or the policy's name.
    pub name: String,
}

impl Origin {
    /// A person, on the finding itself.
    #[must_use]
    pub fn person(name: &str) -> Self {
        Self { kind: OriginKind::Person, id: None, name: name.to_owned() }
    }

    /// A decision, rule or policy.
    #[must_use]
    pub fn of(kind: OriginKind, id: u64, name: &str) -> Self {
        Self { kind, id: Some(id), name: name.to_owned() }
    }

    /// Whether it is the same thing, by whatever name.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (self.kind, self.id) == (other.kind, other.id)
    }

    /// Its number, if it is of this kind.
    #[must_use]
    pub fn id_of(origin: Option<&Self>, kind: OriginKind) -> Option<u64> {
        origin.filter(|origin| origin.kind == kind).and_then(|origin| origin.id)
    }

    /// Its kind, for an index.
    #[must_use]
    pub fn value(origin: Option<&Self>) -> Value {
        origin.map_or(Value::Null, |origin| origin.kind.into())
    }
}

/// Whether a value is said by a person, on the finding or by what the finding was before.
#[must_use]
pub fn is_personal(by: Option<&Origin>) -> bool {
    by.is_none_or(|by| by.kind == OriginKind::Person)
}

/// Whether a value follows from rules or policies.
#[must_use]
pub fn is_derived(by: Option<&Origin>) -> bool {
    by.is_some_and(|by| matches!(by.kind, OriginKind::Rule | OriginKind::Sla))
}

word_enum! {
    /// What a rule or a policy sets.
    Thing default DueAt {
        /// Who works on it.
        AssignedTo "assigned_to",
        /// By when it should be fixed.
        DueAt "due_at",
        /// Notes.
        Notes "notes",
        /// Whether somebody has looked at it.
        Status "status",
    }
}

/// What a rule or a policy did to a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Trace {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub by: Origin,
    /// What it set.
    pub thing: Thing,
    /// To what; absent: what it had set was taken back, since it no longer applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Most entries of a finding's trace; the oldest go.
pub const TRACE: usize = 50;
