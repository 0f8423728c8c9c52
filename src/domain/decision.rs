//! Decisions (table `decisions`): what people, or VEX documents, say about findings instead
//! of fixing them, and who shall do what by when.
//!
//! A decision is bound to a vulnerability (all its ids), perhaps a package (without its
//! version), and a scope; not to what a scanner writes. So it holds for the next version,
//! the second scanner and the host that comes next month.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::origin::{self, Origin, OriginKind};
use super::status::Verdict;
use super::vex::Justification;
use super::words::word_enum;
use crate::base::record::{Field, Index, Kind, Map, Record, Value, asc};
use crate::base::{Code, Error, Result, Timestamp};

word_enum! {
    /// What is decided.
    DecisionKind default RiskAccepted {
        /// The scanner is wrong.
        FalsePositive "false_positive",
        /// The risk is accepted.
        RiskAccepted "risk_accepted",
        /// Not exploitable here.
        NotAffected "not_affected",
        /// Who works on it.
        Assignment "assignment",
        /// By when it should be fixed.
        DueDate "due_date",
        /// Something to know.
        Note "note",
    }
}

impl DecisionKind {
    /// The verdict that it gives findings.
    #[must_use]
    pub const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::FalsePositive => Some(Verdict::FalsePositive),
            Self::RiskAccepted => Some(Verdict::RiskAccepted),
            Self::NotAffected => Some(Verdict::NotAffected),
            Self::Assignment | Self::DueDate | Self::Note => None,
        }
    }
}

impl From<Verdict> for DecisionKind {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::FalsePositive => Self::FalsePositive,
            Verdict::RiskAccepted => Self::RiskAccepted,
            Verdict::NotAffected => Self::NotAffected,
        }
    }
}

word_enum! {
    /// How far a decision reaches; the narrower wins.
    DecisionScope default Finding {
        /// One finding: its package on its asset, in its place.
        Finding "finding",
        /// One asset.
        Asset "asset",
        /// All assets with a tag.
        Tag "tag",
        /// All assets.
        Fleet "fleet",
    }
}

word_enum! {
    /// Whether a decision holds.
    DecisionState default Active {
        /// It holds.
        Active "active",
        /// Its time is over.
        Expired "expired",
        /// Somebody took it back.
        Revoked "revoked",
    }
}

/// The document that a decision comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Provenance {
    /// The import that brought it.
    pub import_id: u64,
    /// Format of the document.
    pub format: String,
    /// The document's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// When it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_at: Option<Timestamp>,
}

/// One decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct Decision {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What is decided.
    pub kind: DecisionKind,
    /// How far it reaches.
    pub scope: DecisionScope,
    /// Whether it holds.
    pub state: DecisionState,
    /// Number of the vulnerability; follows when ids turn out to be the same vulnerability.
    pub vulnerability_id: u64,
    /// The id under which it was decided.
    pub vulnerability: String,
    /// The package, without version, as `ecosystem name`; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The only version that it is about, if it is about one (VEX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_version: Option<String>,
    /// The place, in scope `finding`: path, port, address. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Number of the asset, in scopes `finding` and `asset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<u64>,
    /// The asset's name when it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// The tag as `key=value`, in scope `tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who decided: an account, or the author of a document.
    pub author: String,
    /// Until when it holds; absent: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What lowers the risk meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensating_control: Option<String>,
    /// Why it is not affected, in the words of VEX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<Justification>,
    /// Who works on it, for an assignment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// By when it should be fixed, for a due date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// What to know, for a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The document that it comes from; absent: a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
}

impl Decision {
    /// Whether it applies to a finding of its vulnerability, on an asset with these tags.
    #[must_use]
    pub fn applies(&self, finding: &Finding, tags: &Map) -> bool {
        let in_scope = match self.scope {
            DecisionScope::Finding | DecisionScope::Asset => {
                self.asset_id == Some(finding.asset_id)
            }
            DecisionScope::Tag => self.tag.as_deref().is_some_and(|tag| has_tag(tags, tag)),
            DecisionScope::Fleet => true,
        };
        // A scanner that names no place means the same package.
        let same_place = match (&self.location, finding.location()) {
            (Some(here), Some(there)) => *here == there,
            (None, _) | (_, None) => true,
        };
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == is)
        };
        self.state == DecisionState::Active
            && self.vulnerability_id == finding.vulnerability_id
            && in_scope
            && same_place
            && same(&self.package, Some(&finding.component.package()))
            && same(&self.package_version, finding.component.version.as_deref())
    }

    /// What decides between decisions that apply to the same finding; the largest wins:
    /// people before documents, the narrower scope, the one that names the package, the
    /// newer.
    #[must_use]
    fn rank(&self) -> impl Ord {
        let narrow = match self.scope {
            DecisionScope::Finding => 3,
            DecisionScope::Asset => 2,
            DecisionScope::Tag => 1,
            DecisionScope::Fleet => 0_u8,
        };
        let told = self.provenance.as_ref().and_then(|p| p.stated_at);
        (self.provenance.is_none(), narrow, self.package.is_some(), told, self.id)
    }

    /// The keys under which decisions are looked up that may apply to a finding of
    /// `vulnerability_id` on the asset `asset_id` with these tags.
    #[must_use]
    pub fn keys_for(vulnerability_id: u64, asset_id: u64, tags: &Map) -> Vec<String> {
        let mut keys = vec![
            format!("{vulnerability_id}/asset/{asset_id}"),
            format!("{vulnerability_id}/fleet"),
        ];
        keys.extend(tags.iter().map(|(k, v)| format!("{vulnerability_id}/tag/{k}={v}")));
        keys
    }

    /// The key under which it is looked up; none once it has ended.
    fn key(&self) -> Option<String> {
        let v = self.vulnerability_id;
        (self.state == DecisionState::Active).then(|| match self.scope {
            DecisionScope::Finding | DecisionScope::Asset => {
                format!("{v}/asset/{}", self.asset_id.unwrap_or(0))
            }
            DecisionScope::Tag => format!("{v}/tag/{}", self.tag.as_deref().unwrap_or_default()),
            DecisionScope::Fleet => format!("{v}/fleet"),
        })
    }
}

fn has_tag(tags: &Map, tag: &str) -> bool {
    tag.split_once('=').is_some_and(|(key, value)| tags.get(key).is_some_and(|v| v == value))
}

/// Gives a finding what the decisions among `candidates` that apply to it say: the verdict
/// of the strongest, or none; who, when and what to know where no person has said so on the
/// finding itself. The caller settles its status, and lets rules follow. Returns the
/// decision whose verdict holds.
pub fn apply<'d>(
    candidates: &'d [Decision],
    finding: &mut Finding,
    tags: &Map,
) -> Option<&'d Decision> {
    let applying = fill(candidates, finding, tags);
    let winner = applying.into_iter().find(|d| d.kind.verdict().is_some());
    if winner.is_some() || finding.verdict.is_some() {
        finding.status_reason = winner.and_then(|d| d.reason.clone());
    }
    finding.verdict = winner.and_then(|d| d.kind.verdict());
    finding.decision_id = winner.map(|d| d.id);
    winner
}

/// The part of [`apply`] beside the verdict: who, when and what to know. What a decision
/// said that no longer applies is taken back. Returns what applies, the strongest first.
pub fn fill<'d>(
    candidates: &'d [Decision],
    finding: &mut Finding,
    tags: &Map,
) -> Vec<&'d Decision> {
    let mut applying: Vec<&Decision> =
        candidates.iter().filter(|d| d.applies(finding, tags)).collect();
    applying.sort_by(|a, b| b.rank().cmp(&a.rank()));
    let first = |kind| applying.iter().copied().find(|d| d.kind == kind);
    let say = |decision: &Decision| Origin::of(OriginKind::Decision, decision.id, &decision.author);
    let assign =
        first(DecisionKind::Assignment).and_then(|d| Some((say(d), d.assigned_to.clone()?)));
    give(&mut finding.assigned_to, &mut finding.assigned_by, assign);
    let due = first(DecisionKind::DueDate).and_then(|d| Some((say(d), d.due_at?)));
    give(&mut finding.due_at, &mut finding.due_by, due);
    let note = first(DecisionKind::Note).and_then(|d| Some((say(d), d.note.clone()?)));
    give(&mut finding.notes, &mut finding.notes_by, note);
    applying
}

/// Sets a value to what a decision says, unless a person has said it on the finding itself.
fn give<T>(value: &mut Option<T>, by: &mut Option<Origin>, said: Option<(Origin, T)>) {
    if value.is_some() && origin::is_personal(by.as_ref()) {
        return;
    }
    match said {
        Some((origin, new)) => (*value, *by) = (Some(new), Some(origin)),
        None if by.as_ref().is_some_and(|by| by.kind == OriginKind::Decision) => {
            (*value, *by) = (None, None);
        }
        None => {}
    }
}

/// What can be filtered, sorted and counted by.
const DECISION_FIELDS: &[Field<Decision>] = &[
    Field::<Decision>::new(
        "kind",
        Kind::Enum(DecisionKind::WORDS),
        |d, f| f(d.kind.into()),
        "What is decided.",
    )
    .facet(),
    Field::<Decision>::new(
        "scope",
        Kind::Enum(DecisionScope::WORDS),
        |d, f| f(d.scope.into()),
        "How far it reaches.",
    )
    .facet(),
    Field::<Decision>::new(
        "state",
        Kind::Enum(DecisionState::WORDS),
        |d, f| f(d.state.into()),
        "Whether it holds.",
    )
    .facet(),
    Field::<Decision>::new("author", Kind::Text, |d, f| f((&d.author).into()), "Who decided.")
        .facet(),
    Field::<Decision>::new(
        "vulnerability",
        Kind::Text,
        |d, f| f((&d.vulnerability).into()),
        "The id under which it was decided.",
    ),
    Field::<Decision>::new(
        "vulnerability_id",
        Kind::U64,
        |d, f| f(d.vulnerability_id.into()),
        "Number of the vulnerability.",
    ),
    Field::<Decision>::new(
        "asset_id",
        Kind::U64,
        |d, f| f(d.asset_id.map_or(Value::Null, Value::U64)),
        "Number of the asset.",
    ),
    Field::<Decision>::new("package", Kind::Text, |d, f| f((&d.package).into()), "The package."),
    Field::<Decision>::new(
        "expires_at",
        Kind::Time,
        |d, f| f((&d.expires_at).into()),
        "Until when it holds.",
    ),
    Field::<Decision>::many(
        "ends_next",
        Kind::Time,
        |d, f| {
            if let Some(at) = d.expires_at.filter(|_| d.state == DecisionState::Active) {
                f(at.into());
            }
        },
        "Until when it holds, of those that hold.",
    ),
    Field::<Decision>::new(
        "import_id",
        Kind::U64,
        |d, f| f(d.provenance.as_ref().map_or(Value::Null, |p| Value::U64(p.import_id))),
        "The import that brought it.",
    ),
    Field::<Decision>::new(
        "created_at",
        Kind::Time,
        |d, f| f(d.created_at.into()),
        "When it was made.",
    ),
    Field::<Decision>::many(
        "lookup",
        Kind::Text,
        |d, f| d.key().into_iter().for_each(|key| f(Value::Text(key))),
        "Vulnerability and reach of those that hold.",
    ),
];

/// Secondary indexes, and what each is for.
const DECISION_INDEXES: &[Index] = &[
    Index::on(
        "idx_decisions_lookup",
        &[asc("lookup")],
        "What applies to a finding; every import asks.",
    ),
    Index::on(
        "idx_decisions_vulnerability_id",
        &[asc("vulnerability_id")],
        "Decisions on a vulnerability.",
    ),
    Index::on("idx_decisions_asset_id", &[asc("asset_id")], "Decisions on an asset."),
    Index::on("idx_decisions_expires_at", &[asc("expires_at")], "By when they expire."),
    Index::on("idx_decisions_ends_next", &[asc("ends_next")], "What expires next."),
    Index::on("idx_decisions_import_id", &[asc("import_id")], "What a document stated."),
    Index::on("idx_decisions_created_at", &[asc("created_at")], "The default list: newest first."),
];

impl Record for Decision {
    const TABLE: &'static str = "decisions";
    const FACETS: &'static str = "fct_decisions";
    const NOUN: &'static str = "decision";
    const DEFAULT_SORT: &'static str = "-created_at";

    fn fields() -> &'static [Field<Self>] {
        DECISION_FIELDS
    }

    fn indexes() -> &'static [Index] {
        DECISION_INDEXES
    }

    crate::record_head!();
}

/// A new decision as a client sends it.
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct NewDecision {
    /// What is decided.
    pub kind: DecisionKind,
    /// Scope `finding`: its number. Vulnerability, package, asset and place follow from it.
    pub finding_id: Option<u64>,
    /// Any id of the vulnerability (CVE, GHSA, …); needed in all other scopes.
    #[oai(validator(min_length = 3, max_length = 100))]
    pub vulnerability: Option<String>,
    /// Only this package, without version, as findings call it (`ecosystem name`).
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub package: Option<String>,
    /// Scope `asset`: its number or natural key.
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub asset: Option<String>,
    /// Scope `tag`: `key=value`.
    #[oai(validator(min_length = 3, max_length = 1024, pattern = "^[^=]+=.+$"))]
    pub tag: Option<String>,
    /// Why; needed for a verdict.
    #[oai(validator(max_length = 4000))]
    pub reason: Option<String>,
    /// Until when it holds.
    pub expires_at: Option<Timestamp>,
    /// What lowers the risk meanwhile.
    #[oai(validator(max_length = 4000))]
    pub compensating_control: Option<String>,
    /// Why it is not affected, in the words of VEX.
    pub justification: Option<Justification>,
    /// Who works on it, for an assignment.
    #[oai(validator(min_length = 1, max_length = 255))]
    pub assigned_to: Option<String>,
    /// By when it should be fixed, for a due date.
    pub due_at: Option<Timestamp>,
    /// What to know, for a note.
    #[oai(validator(min_length = 1, max_length = 16384))]
    pub note: Option<String>,
}

/// A change to a decision: absent leaves, `null` clears, a value sets (RFC 7396).
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct DecisionPatch {
    /// Why.
    #[oai(validator(min_length = 1, max_length = 4000))]
    pub reason: Option<String>,
    /// Until when it holds; a new date makes an expired one hold again.
    pub expires_at: poem_openapi::types::MaybeUndefined<Timestamp>,
    /// What lowers the risk meanwhile.
    #[oai(validator(max_length = 4000))]
    pub compensating_control: poem_openapi::types::MaybeUndefined<String>,
    /// Why it is not affected, in the words of VEX.
    pub justification: poem_openapi::types::MaybeUndefined<Justification>,
}

impl NewDecision {
    /// The decision that this describes, by `author`; the caller fills in what it is about.
    pub fn build(self, author: String, now: Timestamp) -> Result<Decision> {
        let missing = |pointer: &str| {
            Error::field(pointer, format!("a decision of kind {} needs it", self.kind))
        };
        let says = |text: &Option<String>| text.as_deref().is_some_and(|t| !t.trim().is_empty());
        match self.kind {
            DecisionKind::Assignment if self.assigned_to.is_none() => {
                return Err(missing("/assigned_to"));
            }
            DecisionKind::DueDate if self.due_at.is_none() => return Err(missing("/due_at")),
            DecisionKind::Note if !says(&self.note) => return Err(missing("/note")),
            kind if kind.verdict().is_some() && !says(&self.reason) => {
                return Err(missing("/reason"));
            }
            _ => {}
        }
        let scopes = [self.finding_id.is_some(), self.asset.is_some(), self.tag.is_some()];
        if scopes.iter().filter(|is| **is).count() > 1 {
            return Err(Error::field("/tag", "give one of finding_id, asset and tag, or none"));
        }
        let scope = match scopes {
            [true, ..] => DecisionScope::Finding,
            [_, true, _] => DecisionScope::Asset,
            [.., true] => DecisionScope::Tag,
            _ => DecisionScope::Fleet,
        };
        if self.finding_id.is_none() && self.vulnerability.is_none() {
            return Err(Error::field("/vulnerability", "name the vulnerability, or a finding"));
        }
        check_expiry(self.expires_at, now)?;
        Ok(Decision {
            kind: self.kind,
            scope,
            vulnerability: self.vulnerability.unwrap_or_default(),
            package: self.package,
            asset: self.asset,
            tag: self.tag,
            reason: self.reason,
            author,
            expires_at: self.expires_at,
            compensating_control: self.compensating_control,
            justification: self.justification,
            assigned_to: self.assigned_to,
            due_at: self.due_at,
            note: self.note,
            ..Decision::default()
        })
    }
}

impl DecisionPatch {
    /// The decision with this change, or why it cannot be.
    pub fn apply(&self, mut decision: Decision, now: Timestamp) -> Result<Decision> {
        use super::asset::merge;
        if decision.state == DecisionState::Revoked {
            return Err(Error::new(
                Code::Conflict,
                "a revoked decision cannot be changed; make a new one",
            ));
        }
        if let Some(reason) = &self.reason {
            decision.reason = Some(reason.clone());
        }
        merge(&mut decision.expires_at, &self.expires_at);
        merge(&mut decision.compensating_control, &self.compensating_control);
        merge(&mut decision.justification, &self.justification);
        if !self.expires_at.is_undefined() {
            check_expiry(decision.expires_at, now)?;
            decision.state = DecisionState::Active;
            (decision.ended_at, decision.ended_by) = (None, None);
        }
        Ok(decision)
    }
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Result<()> {
    match expires_at {
        Some(at) if at <= now => Err(Error::field("/expires_at", "it lies in the past")),
        _ => Ok(()),
    }
}
