//! Findings (table `asset_vulnerabilities`): a vulnerability on an asset in a component.

use poem_openapi::{Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::asset::merge;
use super::component::Component;
use super::observation::FindingObservation;
use super::origin::{Origin, OriginKind, Trace};
use super::place::Place;
use super::scan::ScanKind;
use super::search;
use super::severity::Severity;
use super::sla::Clock;
use super::status::{FindingStatus, Stage, Transition, Verdict};
use super::vex::Justification;
use crate::base::record::{Field, Index, Kind, Record, Value, asc};
use crate::base::{Code, Error, Result, Timestamp};

/// What one scanner says about a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Source {
    /// The tool: `trivy`.
    pub scanner: String,
    /// The kind of scan that saw it.
    #[serde(default)]
    pub scan: ScanKind,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner_version: Option<String>,
    /// Its own status word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its own rating.
    pub severity: Severity,
    /// The id by which it knows the vulnerability, if that is not the finding's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vulnerability: Option<String>,
    /// The name by which it knows the asset, if that is not the finding's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// Its own name of the check: plugin id, QID, OID, template, rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// What it saw: plugin output, matched text, message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The lowest version without the vulnerability, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
    /// When it saw it first.
    pub first_seen: Timestamp,
    /// When it saw it last.
    pub last_seen: Timestamp,
    /// The import that saw it last.
    pub import_id: u64,
    /// False once a complete newer scan by this tool no longer sees it.
    pub present: bool,
    /// When that scan was made. Older reports do not bring it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
}

impl Source {
    /// Whether both are what one scanner says by one kind of scan under the same names.
    /// What it says under other names is kept beside it, so that names can part again.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        (&self.scanner, self.scan, &self.vulnerability, &self.asset)
            == (&other.scanner, other.scan, &other.vulnerability, &other.asset)
    }
}

/// A vulnerability on an asset in a component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
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
    /// Where it stands; follows from sources, verdict and stage.
    pub status: FindingStatus,
    /// How far the work on it is.
    #[serde(default)]
    pub stage: Stage,
    /// Who said how far the work is; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_by: Option<Origin>,
    /// What was decided about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The decision that the verdict comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<u64>,
    /// The component and where it lies.
    pub component: Component,
    /// Where it was seen, if that is more than the component's path.
    #[serde(default)]
    pub place: Place,
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
    /// When a second scan confirmed that it has gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// When it came back last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    /// How often it came back.
    #[serde(default)]
    pub reopened_count: u64,
    /// By when it should be fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Where that comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_by: Option<Origin>,
    /// Open although that time is over.
    #[serde(default)]
    pub overdue: bool,
    /// How its clock ran, for due dates.
    #[serde(default)]
    pub clock: Clock,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Where that comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_by: Option<Origin>,
    /// Notes for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Where they come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes_by: Option<Origin>,
    /// Why it has this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Every change of its status, oldest first; the newest hundred.
    #[serde(default)]
    pub history: Vec<Transition>,
    /// What rules and SLA policies did to it, oldest first; the newest fifty.
    #[serde(default)]
    pub trace: Vec<Trace>,
    /// Every scanner that saw it, and what it said.
    pub sources: Vec<Source>,
    /// The import that saw it last.
    pub last_import_id: u64,
}

/// What makes a finding of one vulnerability on one asset the same in the next scan:
/// component and place.
#[must_use]
pub fn identity(component: &Component, place: &Place) -> String {
    let mut key = component.key();
    if !place.is_empty() {
        key.push('\u{1f}');
        key.push_str(&place.key());
    }
    key
}

/// Whether a finding and an observation of its vulnerability on its asset are about the same
/// component, of which one of them does not say where it lies: scanners differ in that.
#[must_use]
pub fn is_less_placed(finding: &Finding, seen: &FindingObservation) -> bool {
    let (one, other) = (&finding.component, &seen.component);
    let same = one.package() == other.package()
        && one.normal_version() == other.normal_version()
        && finding.place.key() == seen.place.key();
    same && (one.location().is_empty() || other.location().is_empty())
}

impl Finding {
    /// What makes it the same finding of its vulnerability on its asset in the next scan.
    #[must_use]
    pub fn identity(&self) -> String {
        identity(&self.component, &self.place)
    }

    /// Where it lies on its asset, beside the package: place or path; none if no scanner
    /// said.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        let place = self.place.key();
        let path = self.component.location();
        let parts = [place.as_str(), path].into_iter().filter(|part| !part.is_empty());
        let location = parts.collect::<Vec<_>>().join(" ");
        (!location.is_empty()).then_some(location)
    }

    /// Whether the sources that still see it include any.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.sources.iter().any(|s| s.present)
    }

    /// Says whether it is overdue at `now`; what is not open never is.
    pub fn note_overdue(&mut self, now: Timestamp) {
        self.overdue = self.status.is_open() && self.due_at.is_some_and(|due| due <= now);
    }

    /// When it becomes overdue, if nothing changes before.
    fn due_next(&self) -> Option<Timestamp> {
        self.due_at.filter(|_| self.status.is_open() && !self.overdue)
    }

    /// The numbers of the rules that set something, or of the policy.
    fn set_by(&self, kind: OriginKind) -> Vec<u64> {
        let all = [&self.assigned_by, &self.due_by, &self.notes_by, &self.stage_by];
        let mut ids: Vec<u64> =
            all.into_iter().filter_map(|by| Origin::id_of(by.as_ref(), kind)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
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
        "decision_id",
        Kind::U64,
        |r, f| f(r.decision_id.map_or(Value::Null, Value::U64)),
        "The decision that its verdict comes from.",
    ),
    Field::<Finding>::new(
        "is_open",
        Kind::Bool,
        |r, f| f(r.status.is_open().into()),
        "Needs work.",
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
        "identity",
        Kind::Text,
        |r, f| f(Value::Text(r.identity())),
        "Component and place on the asset.",
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
    Field::<Finding>::new(
        "overdue",
        Kind::Bool,
        |r, f| f(r.overdue.into()),
        "Open although its time is over.",
    )
    .facet(),
    Field::<Finding>::new(
        "due_by",
        Kind::Enum(OriginKind::WORDS),
        |r, f| f(Origin::value(r.due_by.as_ref())),
        "Where the due date comes from.",
    )
    .facet(),
    Field::<Finding>::many(
        "due_next",
        Kind::Time,
        |r, f| r.due_next().into_iter().for_each(|at| f(at.into())),
        "When an open one becomes overdue.",
    ),
    Field::<Finding>::many(
        "rule_id",
        Kind::U64,
        |r, f| r.set_by(OriginKind::Rule).into_iter().for_each(|id| f(id.into())),
        "Number of a rule that set something.",
    )
    .facet(),
    Field::<Finding>::many(
        "sla_policy_id",
        Kind::U64,
        |r, f| r.set_by(OriginKind::Sla).into_iter().for_each(|id| f(id.into())),
        "Number of the SLA policy that set the due date.",
    )
    .facet(),
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
        &[asc("asset_id"), asc("vulnerability_id"), asc("identity")],
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
    Index::on(
        "idx_asset_vulnerabilities_decision_id",
        &[asc("decision_id")],
        "What a decision applies to.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_asset_id_status",
        &[asc("asset_id"), asc("status")],
        "What a complete scan of an asset may close.",
    ),
    Index::on("idx_asset_vulnerabilities_due_at", &[asc("due_at")], "Order by due date."),
    Index::on(
        "idx_asset_vulnerabilities_overdue_due_at",
        &[asc("overdue"), asc("due_at")],
        "What is late, longest first.",
    ),
    Index::on(
        "idx_asset_vulnerabilities_due_next",
        &[asc("due_next")],
        "What becomes overdue next.",
    ),
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
    /// Why; needed for false positives, accepted risks and "not affected".
    #[oai(validator(max_length = 4000))]
    pub status_reason: MaybeUndefined<String>,
    /// Until when that decision holds.
    pub expires_at: Option<Timestamp>,
    /// What lowers the risk meanwhile.
    #[oai(validator(max_length = 4000))]
    pub compensating_control: Option<String>,
    /// Why it is not affected, in the words of VEX.
    pub justification: Option<Justification>,
    /// Who works on it; `null` leaves it to decisions and rules.
    #[oai(validator(max_length = 255))]
    pub assigned_to: MaybeUndefined<String>,
    /// By when it should be fixed; `null` leaves it to decisions, rules and policies.
    pub due_at: MaybeUndefined<Timestamp>,
    /// Notes for people; `null` leaves them to decisions and rules.
    #[oai(validator(max_length = 16384))]
    pub notes: MaybeUndefined<String>,
}

impl FindingPatch {
    /// The finding with this change by a person, or why it cannot be. A verdict is not set
    /// by it, since that is a decision of its own.
    pub fn apply(&self, mut finding: Finding, by: &str) -> Result<Finding> {
        merge(&mut finding.status_reason, &self.status_reason);
        merge_by(&mut finding.assigned_to, &mut finding.assigned_by, &self.assigned_to, by);
        merge_by(&mut finding.due_at, &mut finding.due_by, &self.due_at, by);
        merge_by(&mut finding.notes, &mut finding.notes_by, &self.notes, by);
        let Some(to) = self.status.filter(|to| *to != finding.status) else {
            return Ok(finding);
        };
        if !finding.status.allows(to) {
            let from = finding.status;
            let why = "only a scan closes or reopens what is fixed";
            let detail = format!("a finding that is {from} cannot become {to} by hand: {why}");
            return Err(Error::new(Code::Conflict, detail));
        }
        if let Some(stage) = to.stage() {
            (finding.stage, finding.stage_by) = (stage, Some(Origin::person(by)));
        }
        Ok(finding)
    }
}

/// Sets a value to what a person says about it, and that it is a person's.
fn merge_by<T: Clone>(
    value: &mut Option<T>,
    origin: &mut Option<Origin>,
    patch: &MaybeUndefined<T>,
    by: &str,
) {
    merge(value, patch);
    if !patch.is_undefined() {
        *origin = value.is_some().then(|| Origin::person(by));
    }
}
