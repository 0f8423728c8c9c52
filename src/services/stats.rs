//! The overview: counts from facets, the trend from index ranges.

use poem_openapi::Object;
use serde::Serialize;

use super::{Core, Ctx};
use crate::base::record::Record;
use crate::base::{Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::finding::Finding;
use crate::domain::import::Import;
use crate::domain::severity::{Severity, SeverityCounts};
use crate::domain::status::FindingStatus;
use crate::domain::user::Role;
use crate::domain::vulnerability::Vulnerability;
use crate::store::query::{self, Query};
use crate::store::{Snapshot, plan, row};

/// Counts of findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Object)]
pub struct FindingStats {
    /// Open ones, by severity.
    pub open: SeverityCounts,
    /// Open ones with a known fixed version.
    pub fixable: u64,
    /// Open ones that are known to be exploited.
    pub kev: u64,
    /// Open ones whose time is over.
    pub overdue: u64,
    /// Fixed ones.
    pub fixed: u64,
    /// Accepted risks.
    pub risk_accepted: u64,
    /// False positives.
    pub false_positive: u64,
    /// Not affected.
    pub not_affected: u64,
    /// All of them.
    pub total: u64,
}

/// Counts of assets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Object)]
pub struct AssetStats {
    /// All of them.
    pub total: u64,
    /// Those in use.
    pub active: u64,
}

/// Counts of vulnerabilities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Object)]
pub struct VulnerabilityStats {
    /// All of them.
    pub total: u64,
    /// Those with open findings.
    pub open: u64,
}

/// Counts of imports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Object)]
pub struct ImportStats {
    /// All of them.
    pub total: u64,
    /// The newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<Import>,
}

/// One day of the trend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Object)]
pub struct TrendDay {
    /// The day, UTC, `2026-01-31`.
    pub date: String,
    /// Findings seen first on it.
    pub opened: u64,
    /// Findings closed on it.
    pub closed: u64,
    /// Findings open at its end.
    pub open: u64,
}

/// What the first page shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Object)]
pub struct Stats {
    /// Findings.
    pub findings: FindingStats,
    /// Assets.
    pub assets: AssetStats,
    /// Vulnerabilities.
    pub vulnerabilities: VulnerabilityStats,
    /// Imports.
    pub imports: ImportStats,
    /// The ten most urgent open findings.
    pub top: Vec<Finding>,
    /// The last 30 days, oldest first.
    pub trend: Vec<TrendDay>,
}

/// Days of the trend.
const DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

/// Gathers the overview.
pub fn overview(core: &Core, ctx: &Ctx) -> Result<Stats> {
    ctx.require(Role::Viewer)?;
    let snapshot = core.store.read()?;
    let read = Reader { core, snapshot: &*snapshot };
    Ok(Stats {
        findings: read.findings()?,
        assets: AssetStats {
            total: snapshot.len(Asset::TABLE)?,
            active: read.count::<Asset>(&[("is_active", "true")])?,
        },
        vulnerabilities: VulnerabilityStats {
            total: snapshot.len(Vulnerability::TABLE)?,
            open: read.count::<Vulnerability>(&[("has_open_findings", "true")])?,
        },
        imports: ImportStats {
            total: snapshot.len(Import::TABLE)?,
            latest: read.first::<Import>(&[], 1)?.pop(),
        },
        top: read.first::<Finding>(&[("is_open", "true")], 10)?,
        trend: read.trend(core.now())?,
    })
}

struct Reader<'a> {
    core: &'a Core,
    snapshot: &'a dyn Snapshot,
}

impl Reader<'_> {
    fn count<R: Record>(&self, filters: &[(&str, &str)]) -> Result<u64> {
        let filters = filters
            .iter()
            .map(|(f, v)| query::parse_filter::<R>(f, &[v]))
            .collect::<Result<Vec<_>>>()?;
        plan::count::<R>(&self.core.store, self.snapshot, &filters)
    }

    fn first<R: Record>(&self, filters: &[(&str, &str)], limit: u64) -> Result<Vec<R>> {
        let mut query = Query { limit, ..Query::all::<R>()? };
        for (field, value) in filters {
            query = query.filter::<R>(field, &[value])?;
        }
        let page = plan::run::<R>(&self.core.store, self.snapshot, &query)?;
        page.rows.iter().map(|bytes| row::decode(bytes)).collect()
    }

    fn findings(&self) -> Result<FindingStats> {
        let mut open = SeverityCounts::default();
        for severity in Severity::ALL {
            let n = self.count::<Finding>(&[("is_open", "true"), ("severity", severity.word())])?;
            open.add(*severity, n as i64);
        }
        let status = |s: FindingStatus| self.count::<Finding>(&[("status", s.word())]);
        Ok(FindingStats {
            open,
            fixable: self.count::<Finding>(&[("is_open", "true"), ("fix_available", "true")])?,
            kev: self.count::<Finding>(&[("is_open", "true"), ("kev", "true")])?,
            overdue: self.count::<Finding>(&[("overdue", "true")])?,
            fixed: status(FindingStatus::Fixed)?,
            risk_accepted: status(FindingStatus::RiskAccepted)?,
            false_positive: status(FindingStatus::FalsePositive)?,
            not_affected: status(FindingStatus::NotAffected)?,
            total: self.snapshot.len(Finding::TABLE)?,
        })
    }

    fn trend(&self, now: Timestamp) -> Result<Vec<TrendDay>> {
        let today = now.as_seconds().div_euclid(DAY_S) * DAY_S;
        let start = Timestamp::from_micros(0).plus_seconds(today - (DAYS - 1) * DAY_S);
        let day = |n: i64| start.plus_seconds(n * DAY_S);
        let mut days = Vec::with_capacity(DAYS as usize);
        for n in 0..DAYS {
            let last = Timestamp::from_micros(day(n + 1).as_micros() - 1);
            let range = format!("{}..{last}", day(n));
            days.push(TrendDay {
                date: day(n).to_string().chars().take(10).collect(),
                opened: self.count::<Finding>(&[("first_seen", &range)])?,
                closed: self.count::<Finding>(&[("resolved_at", &range)])?,
                open: 0,
            });
        }
        // Counted backwards from what is open now.
        let mut open = self.count::<Finding>(&[("is_open", "true")])?;
        for day in days.iter_mut().rev() {
            day.open = open;
            open = (open + day.closed).saturating_sub(day.opened);
        }
        Ok(days)
    }
}
