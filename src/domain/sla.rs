//! SLA policies (table `sla_policies`): by when which findings must be fixed, and how their
//! clock runs. The first policy in order that matches counts.

use poem_openapi::{Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::asset::{merge, set};
use super::matcher::Matcher;
use super::severity::Severity;
use super::words::word_enum;
use crate::base::record::{Field, Index, Kind, Record, asc};
use crate::base::{Result, Timestamp};

word_enum! {
    /// What the clock does when a fixed finding comes back.
    OnReopen default Restart {
        /// It begins anew.
        Restart "restart",
        /// It goes on as if the finding had never gone.
        Continue "continue",
    }
}

word_enum! {
    /// What the clock does while a verdict holds: accepted, false positive, not affected.
    WhileAccepted default Pause {
        /// It stands still.
        Pause "pause",
        /// It runs on.
        Run "run",
    }
}

/// What a finding's clock has to know: how long it was decided, and when it came back. Kept
/// by [`super::finding::Finding::settle`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(default)]
pub struct Clock {
    /// When it came back last after it had been fixed; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// For how many seconds verdicts have held, but for the one that holds now.
    pub paused_s: u64,
    /// How many of them lie before it came back.
    pub paused_before_s: u64,
    /// Since when a verdict holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Timestamp>,
}

impl Clock {
    /// Notes whether a verdict holds at `at`.
    pub fn hold(&mut self, decided: bool, at: Timestamp) {
        match (decided, self.paused_at) {
            (true, None) => self.paused_at = Some(at),
            (false, Some(since)) => {
                self.paused_s += u64::try_from(at.seconds_since(since)).unwrap_or(0);
                self.paused_at = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Notes that a fixed finding came back at `at`.
    pub fn returned(&mut self, at: Timestamp) {
        self.hold(false, at);
        self.returned_at = Some(at);
        self.paused_before_s = self.paused_s;
    }

    /// The clock of two findings that turned out to be one.
    pub fn join(&mut self, other: &Self) {
        self.returned_at = self.returned_at.max(other.returned_at);
        self.paused_s = self.paused_s.max(other.paused_s);
        self.paused_before_s = self.paused_before_s.max(other.paused_before_s).min(self.paused_s);
    }

    /// When `days` are over that began with `first_seen`. While a verdict holds and makes
    /// the clock stand still: as it was when that began.
    #[must_use]
    pub fn due(
        &self,
        first_seen: Timestamp,
        days: u64,
        reopen: OnReopen,
        accepted: WhileAccepted,
    ) -> Timestamp {
        let (start, paused) = match (reopen, self.returned_at) {
            (OnReopen::Restart, Some(returned)) => {
                (returned, self.paused_s.saturating_sub(self.paused_before_s))
            }
            (OnReopen::Restart, None) | (OnReopen::Continue, _) => (first_seen, self.paused_s),
        };
        let paused = match accepted {
            WhileAccepted::Pause => paused,
            WhileAccepted::Run => 0,
        };
        start.plus_seconds((days.saturating_mul(DAY_S).saturating_add(paused)) as i64)
    }
}

const DAY_S: u64 = 86_400;

/// One policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct SlaPolicy {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What people call it. Unique.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its place; lower ones are tried first.
    pub order: u64,
    /// Whether it is used.
    pub enabled: bool,
    /// Which findings it is about.
    pub matcher: Matcher,
    /// Days from the beginning of the clock.
    pub days: u64,
    /// What the clock does when a fixed finding comes back.
    #[serde(default)]
    pub on_reopen: OnReopen,
    /// What the clock does while a verdict holds.
    #[serde(default)]
    pub while_accepted: WhileAccepted,
}

/// Most policies: each finding is held against all of them.
pub const POLICIES: usize = 100;

/// The policies of a new installation, to be changed or removed like any other. Known
/// exploited ones in two weeks (CISA BOD 22-01), critical ones in 15 and high ones in 30 days
/// (CISA BOD 19-02); no directive speaks of the others: 90 and 180 days are customary.
#[must_use]
pub fn defaults() -> Vec<SlaPolicy> {
    let of = |severity| Matcher { severity: vec![severity], ..Matcher::default() };
    let kev = Matcher { kev: Some(true), ..Matcher::default() };
    [
        ("Known exploited", "CISA BOD 22-01: two weeks.", kev, 14),
        ("Critical", "CISA BOD 19-02: 15 days.", of(Severity::Critical), 15),
        ("High", "CISA BOD 19-02: 30 days.", of(Severity::High), 30),
        ("Medium", "Customary.", of(Severity::Medium), 90),
        ("Low", "Customary.", of(Severity::Low), 180),
    ]
    .into_iter()
    .zip(1..)
    .map(|((name, about, matcher, days), order)| SlaPolicy {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        order,
        enabled: true,
        matcher,
        days,
        ..SlaPolicy::default()
    })
    .collect()
}

/// What can be filtered, sorted and counted by.
const SLA_FIELDS: &[Field<SlaPolicy>] = &[
    Field::<SlaPolicy>::new("name", Kind::Text, |p, f| f((&p.name).into()), "Its name."),
    Field::<SlaPolicy>::new("order", Kind::U64, |p, f| f(p.order.into()), "Its place."),
    Field::<SlaPolicy>::new(
        "enabled",
        Kind::Bool,
        |p, f| f(p.enabled.into()),
        "Whether it is used.",
    )
    .facet(),
    Field::<SlaPolicy>::new("days", Kind::U64, |p, f| f(p.days.into()), "Days.").facet(),
];

/// Secondary indexes, and what each is for.
const SLA_INDEXES: &[Index] = &[
    Index::on("idx_sla_policies_name", &[asc("name")], "Each name once; look-up by it.").unique(),
    Index::on("idx_sla_policies_order", &[asc("order")], "In the order in which they are tried."),
];

impl Record for SlaPolicy {
    const TABLE: &'static str = "sla_policies";
    const FACETS: &'static str = "fct_sla_policies";
    const NOUN: &'static str = "SLA policy";
    const NATURAL_KEY: Option<&'static str> = Some("idx_sla_policies_name");
    const DEFAULT_SORT: &'static str = "order";

    fn fields() -> &'static [Field<Self>] {
        SLA_FIELDS
    }

    fn indexes() -> &'static [Index] {
        SLA_INDEXES
    }

    crate::record_head!();
}

/// A new policy as a client sends it. It goes behind the others.
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct NewSlaPolicy {
    /// What people call it. Unique; not only digits.
    #[oai(validator(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f]*[^\x00-\x1f0-9\s][^\x00-\x1f]*$"
    ))]
    pub name: String,
    /// What it is for.
    #[oai(validator(max_length = 4000))]
    pub description: Option<String>,
    /// Whether it is used; by default it is.
    pub enabled: Option<bool>,
    /// Which findings it is about.
    pub matcher: Matcher,
    /// Days from the beginning of the clock.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    pub days: u64,
    /// What the clock does when a fixed finding comes back; by default it begins anew.
    pub on_reopen: Option<OnReopen>,
    /// What the clock does while a verdict holds; by default it stands still.
    pub while_accepted: Option<WhileAccepted>,
}

impl NewSlaPolicy {
    /// The policy that this describes, without its place.
    pub fn build(self) -> Result<SlaPolicy> {
        self.matcher.check("/matcher")?;
        Ok(SlaPolicy {
            name: self.name,
            description: self.description,
            enabled: self.enabled.unwrap_or(true),
            matcher: self.matcher,
            days: self.days,
            on_reopen: self.on_reopen.unwrap_or_default(),
            while_accepted: self.while_accepted.unwrap_or_default(),
            ..SlaPolicy::default()
        })
    }
}

/// A change to a policy: absent leaves, `null` clears, a value sets (RFC 7396); `matcher` is
/// replaced as a whole.
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct SlaPolicyPatch {
    /// What people call it.
    #[oai(validator(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f]*[^\x00-\x1f0-9\s][^\x00-\x1f]*$"
    ))]
    pub name: Option<String>,
    /// What it is for.
    #[oai(validator(max_length = 4000))]
    pub description: MaybeUndefined<String>,
    /// Whether it is used.
    pub enabled: Option<bool>,
    /// Which findings it is about; replaces all conditions.
    pub matcher: Option<Matcher>,
    /// Days from the beginning of the clock.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    pub days: Option<u64>,
    /// What the clock does when a fixed finding comes back.
    pub on_reopen: Option<OnReopen>,
    /// What the clock does while a verdict holds.
    pub while_accepted: Option<WhileAccepted>,
}

impl SlaPolicyPatch {
    /// The policy with this change, or why it cannot be.
    pub fn apply(&self, mut policy: SlaPolicy) -> Result<SlaPolicy> {
        set(&mut policy.name, self.name.as_ref());
        merge(&mut policy.description, &self.description);
        set(&mut policy.enabled, self.enabled.as_ref());
        set(&mut policy.matcher, self.matcher.as_ref());
        set(&mut policy.days, self.days.as_ref());
        set(&mut policy.on_reopen, self.on_reopen.as_ref());
        set(&mut policy.while_accepted, self.while_accepted.as_ref());
        policy.matcher.check("/matcher")?;
        Ok(policy)
    }
}
