//! Findings (table `asset_vulnerabilities`): a vulnerability on an asset in a component.

use poem_openapi::{Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::asset::merge;
use super::component::Component;
use super::search;
use super::severity::Severity;
use super::words::word_enum;
use crate::base::record::{Field, Index, Kind, Record, Value, asc};
use crate::base::{Code, Error, Result, Timestamp};

word_enum! {
    /// Whether a finding still needs work.
    FindingStatus default Open {
        /// Needs work.
        Open "open",
        /// Somebody looks into it; still counts as open.
        UnderInvestigation "under_investigation",
        /// A newer complete scan no longer sees it.
        Fixed "fixed",
        /// The scanner is wrong.
        FalsePositive "false_positive",
        /// The risk is accepted, for a reason.
        RiskAccepted "risk_accepted",
        /// Present, but not exploitable here (VEX `not_affected`).
        NotAffected "not_affected",
    }
}

impl FindingStatus {
    /// Whether it counts as open.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::UnderInvestigation)
    }

    /// Whether it is closed by a person's decision, which scans do not undo.
    #[must_use]
    pub const fn is_decision(self) -> bool {
        matches!(self, Self::FalsePositive | Self::RiskAccepted | Self::NotAffected)
    }

    /// Whether a person may move a finding from `self` to `to`. `fixed` is reached by
    /// scans only: fixed means seen fixed. A fixed finding is reopened by a scan, not by
    /// hand.
    #[must_use]
    pub const fn allows(self, to: Self) -> bool {
        match (self, to) {
            (Self::Fixed, Self::Fixed) => true,
            (Self::Fixed, _) | (_, Self::Fixed) => false,
            _ => true,
        }
    }
}

/// What one scanner says about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Source {
    /// The tool: `trivy`.
    pub scanner: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner_version: Option<String>,
    /// Its own status word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its own rating.
    pub severity: Severity,
    /// When it saw it first.
    pub first_seen: Timestamp,
    /// When it saw it last.
    pub last_seen: Timestamp,
    /// The import that saw it last.
    pub import_id: u64,
    /// False once a complete newer scan by this tool no longer sees it.
    pub present: bool,
}

/// A vulnerability on an asset in a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
pub struct Finding {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// The asset's number.
    pub asset_id: u64,
    /// The asset's natural key.
    pub asset: String,
    /// The vulnerability's number.
    pub vulnerability_id: u64,
    /// The vulnerability's natural key.
    pub cve_id: String,
    /// One line.
    pub title: String,
    /// The highest rating of those sources that see it.
    pub severity: Severity,
    /// Whether it still needs work.
    pub status: FindingStatus,
    /// The component and where it lies.
    pub component: Component,
    /// The lowest version without it, as the source writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
    /// Whether a fixed version is known.
    pub fix_available: bool,
    /// 0 to 100.
    pub priority_score: f64,
    /// CVSS base score of the vulnerability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss_score: Option<f64>,
    /// EPSS probability of the vulnerability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss_score: Option<f64>,
    /// Known to be exploited.
    #[serde(default)]
    pub kev: bool,
    /// When any scanner saw it first.
    pub first_seen: Timestamp,
    /// When any scanner saw it last.
    pub last_seen: Timestamp,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// When it came back last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    /// How often it came back.
    #[serde(default)]
    pub reopened_count: u64,
    /// By when it should be fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Notes for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Why it has this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Every scanner that saw it, and what it said.
    pub sources: Vec<Source>,
    /// The import that saw it last.
    pub last_import_id: u64,
}

/// What makes a component on an asset the same one in the next scan: ecosystem, name,
/// version and place. Layers and purls may change without making it another.
#[must_use]
pub fn component_key(c: &Component) -> String {
    let text = |t: &Option<String>| t.as_deref().unwrap_or_default().to_owned();
    [text(&c.ecosystem), c.name.clone(), text(&c.version), text(&c.path)].join("\u{1f}")
}

impl Finding {
    /// Whether the sources that still see it include any.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.sources.iter().any(|s| s.present)
    }

    /// Closes it because no scanner sees it any more; a decision stays as it is.
    pub fn close(&mut self, now: Timestamp) {
        if self.status.is_open() {
            self.status = FindingStatus::Fixed;
            self.resolved_at = Some(now);
            self.status_reason = None;
        }
    }

    /// Reopens it because a scanner sees it again; a decision stays as it is. Says whether
    /// anything was done.
    pub fn reopen(&mut self, now: Timestamp) -> bool {
        let was_fixed = self.status == FindingStatus::Fixed;
        if was_fixed {
            self.status = FindingStatus::Open;
            self.resolved_at = None;
            self.reopened_at = Some(now);
            self.reopened_count += 1;
        }
        was_fixed
    }
}

/// What can be filtered, sorted and counted by.
const FINDING_FIELDS: &[Field<Finding>] = &[
    Field::<Finding>::new(
        "severity",
        Kind::Enum(Severity::WORDS),
        |r, f| f(r.severity.into()),
        "Rating.",
    )
    .facet(),
    Field::<Finding>::new(
        "status",
        Kind::Enum(FindingStatus::WORDS),
        |r, f| f(r.status.into()),
        "Whether it needs work.",
    )
    .facet(),
    Field::<Finding>::new(
        "is_open",
        Kind::Bool,
        |r, f| f(r.status.is_open().into()),
        "Open or under investigation.",
    )
    .facet(),
    Field::<Finding>::new(
        "asset_id",
        Kind::U64,
        |r, f| f(r.asset_id.into()),
        "The asset's number.",
    ),
    Field::<Finding>::new(
        "asset",
        Kind::Text,
        |r, f| f((&r.asset).into()),
        "The asset's natural key.",
    ),
    Field::<Finding>::new(
        "vulnerability_id",
        Kind::U64,
        |r, f| f(r.vulnerability_id.into()),
        "The vulnerability's number.",
    ),
    Field::<Finding>::new(
        "cve_id",
        Kind::Text,
        |r, f| f((&r.cve_id).into()),
        "The vulnerability's natural key.",
    ),
    Field::<Finding>::new(
        "component",
        Kind::Text,
        |r, f| f((&r.component.name).into()),
        "Package name.",
    ),
    Field::<Finding>::new(
        "component_key",
        Kind::Text,
        |r, f| f(Value::Text(component_key(&r.component))),
        "Identity of the component on its asset.",
    ),
    Field::<Finding>::new(
        "ecosystem",
        Kind::Text,
        |r, f| f((&r.component.ecosystem).into()),
        "Ecosystem (purl type).",
    )
    .facet(),
    Field::<Finding>::new(
        "fix_available",
        Kind::Bool,
        |r, f| f(r.fix_available.into()),
        "A fixed version is known.",
    )
    .facet(),
    Field::<Finding>::new("kev", Kind::Bool, |r, f| f(r.kev.into()), "Known to be exploited.")
        .facet(),
    Field::<Finding>::many(
        "scanner",
        Kind::Text,
        |r, f| r.sources.iter().for_each(|s| f((&s.scanner).into())),
        "A scanner that saw it.",
    )
    .facet(),
    Field::<Finding>::new(
        "assigned_to",
        Kind::Text,
        |r, f| f((&r.assigned_to).into()),
        "Who works on it.",
    )
    .facet(),
    Field::<Finding>::new(
        "priority_score",
        Kind::F64,
        |r, f| f(r.priority_score.into()),
        "0 to 100.",
    )
    .facet(),
    Field::<Finding>::new(
        "first_seen",
        Kind::Time,
        |r, f| f(r.first_seen.into()),
        "When it was seen first.",
    ),
    Field::<Finding>::new(
        "last_seen",
        Kind::Time,
        |r, f| f(r.last_seen.into()),
        "When it was seen last.",
    ),
    Field::<Finding>::new(
        "resolved_at",
        Kind::Time,
        |r, f| f((&r.resolved_at).into()),
        "When it was closed.",
    ),
    Field::<Finding>::new(
        "due_at",
        Kind::Time,
        |r, f| f((&r.due_at).into()),
        "By when it should be fixed.",
    ),
    Field::<Finding>::many(
        "search",
        Kind::Words,
        |r, f| {
            let texts = [r.cve_id.as_str(), r.component.name.as_str(), r.asset.as_str()];
            search::words(texts, &mut |w| f(Value::Text(w)));
        },
        "Words of CVE id, package and asset.",
    ),
];

/// Secondary indexes, and what each is for.
const FINDING_INDEXES: &[Index] = &[
    Index::on(
        "idx_asset_vulnerabilities_identity",
        &[asc("asset_id"), asc("vulnerability_id"), asc("component_key")],
        "One finding once; all findings of an asset.",
    )
    .unique(),
    Index::on(
        "idx_asset_vulnerabilities_vulnerability_id",
        &[asc("vulnerability_id"), asc("priority_score")],
        "All findings of a vulnerability, most urgent first.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_asset",
        &[asc("asset"), asc("priority_score")],
        "All findings of an asset by name, most urgent first; order by it.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_priority_score",
        &[asc("priority_score")],
        "The default list: most urgent first.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_is_open_priority_score",
        &[asc("is_open"), asc("priority_score")],
        "The work list: open ones, most urgent first.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_severity_status",
        &[asc("severity"), asc("status"), asc("priority_score")],
        "One severity and status, most urgent first.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_cve_id",
        &[asc("cve_id")],
        "All findings of a CVE id; order by it.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_component",
        &[asc("component")],
        "All findings of a package; order by it.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_first_seen",
        &[asc("first_seen")],
        "Newest findings; the trend.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_last_seen",
        &[asc("last_seen")],
        "Findings not confirmed for long.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_resolved_at",
        &[asc("resolved_at")],
        "What was closed when; the trend.",
    ),
    Index::on("idx_asset_vulnerabilities_due_at", &[asc("due_at")], "What is due next."),
    Index::on("idx_asset_vulnerabilities_search", &[asc("search")], "Search by words."),
];

impl Record for Finding {
    const TABLE: &'static str = "asset_vulnerabilities";
    const FACETS: &'static str = "fct_asset_vulnerabilities";
    const NOUN: &'static str = "finding";
    const DEFAULT_SORT: &'static str = "-priority_score";

    fn fields() -> &'static [Field<Self>] {
        FINDING_FIELDS
    }

    fn indexes() -> &'static [Index] {
        FINDING_INDEXES
    }

    crate::record_head!();
}

/// A change to a finding: absent leaves, `null` clears, a value sets (RFC 7396).
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct FindingPatch {
    /// New status; `fixed` is for scans only.
    pub status: Option<FindingStatus>,
    /// Why; wanted for false positives, accepted risks and "not affected".
    #[oai(validator(max_length = 4000))]
    pub status_reason: MaybeUndefined<String>,
    /// Who works on it.
    #[oai(validator(max_length = 255))]
    pub assigned_to: MaybeUndefined<String>,
    /// By when it should be fixed.
    pub due_at: MaybeUndefined<Timestamp>,
    /// Notes for people.
    #[oai(validator(max_length = 16384))]
    pub notes: MaybeUndefined<String>,
}

impl FindingPatch {
    /// The finding with this change, or why it cannot be.
    pub fn apply(&self, mut finding: Finding, now: Timestamp) -> Result<Finding> {
        merge(&mut finding.status_reason, &self.status_reason);
        merge(&mut finding.assigned_to, &self.assigned_to);
        merge(&mut finding.due_at, &self.due_at);
        merge(&mut finding.notes, &self.notes);
        if let Some(to) = self.status.filter(|to| *to != finding.status) {
            let from = finding.status;
            if !from.allows(to) {
                return Err(Error::new(
                    Code::Conflict,
                    format!(
                        "a finding that is {from} cannot become {to} by hand: only a scan closes or reopens what is fixed"
                    ),
                ));
            }
            if to.is_decision()
                && finding.status_reason.as_deref().is_none_or(|r| r.trim().is_empty())
            {
                return Err(Error::field("/status_reason", format!("{to} needs a reason")));
            }
            finding.status = to;
            finding.resolved_at = to.is_decision().then_some(now);
        }
        Ok(finding)
    }
}
