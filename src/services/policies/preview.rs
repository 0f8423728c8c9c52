//! What a rule or a policy would do before it is saved: which findings it means, and what
//! would change. Looks at a bounded number of findings, those that facets and indexes leave,
//! and says when there are more.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use roaring::RoaringBitmap;

use super::all;
use crate::base::record::{Record, Value};
use crate::base::{Code, Error, Result, limits};
use crate::domain::asset::Asset;
use crate::domain::finding::Finding;
use crate::domain::matcher::{Facts, Matcher, like, search_word};
use crate::domain::rule::Rule;
use crate::domain::ruleset::{Ordered, Ruleset};
use crate::domain::severity::SeverityCounts;
use crate::domain::sla::SlaPolicy;
use crate::domain::status::FindingStatus;
use crate::domain::user::Role;
use crate::domain::vulnerability::Vulnerability;
use crate::services::findings::BY_ASSET;
use crate::services::{Core, Ctx};
use crate::store::query::{Filter, Test};
use crate::store::{Direction, Read, Snapshot, plan};

/// Most findings that one preview looks at; reading one takes some microseconds.
const LOOKED_AT: usize = 10_000;
/// Most assets of which the findings are listed one by one.
const ASSETS: u64 = 1_000;
/// Most findings that are shown.
const SAMPLE: usize = 20;

/// What would be saved: in the place of the stored one with its number, or behind all.
#[derive(Debug, Clone)]
pub enum Draft {
    /// A rule.
    Rule(Box<Rule>),
    /// A policy.
    Policy(Box<SlaPolicy>),
}

impl Draft {
    fn matcher(&self) -> &Matcher {
        match self {
            Self::Rule(rule) => &rule.matcher,
            Self::Policy(policy) => &policy.matcher,
        }
    }

    /// Rules and policies as they would be.
    fn ruleset(&self, snapshot: &dyn Snapshot) -> Result<Ruleset> {
        let (mut rules, mut policies) = (all::<Rule>(snapshot)?, all::<SlaPolicy>(snapshot)?);
        match self {
            Self::Rule(rule) => put(&mut rules, rule, rule.id),
            Self::Policy(policy) => put(&mut policies, policy, policy.id),
        }
        Ok(Ruleset::new(rules, policies))
    }

    /// The findings that the stored one has set something on.
    fn touched(&self, core: &Core, snapshot: &dyn Snapshot) -> Result<RoaringBitmap> {
        let (field, id) = match self {
            Self::Rule(rule) => ("rule_id", rule.id),
            Self::Policy(policy) => ("sla_policy_id", policy.id),
        };
        if id == 0 {
            return Ok(RoaringBitmap::new());
        }
        let filter = Filter { field, test: Test::In(vec![id.into()]) };
        plan::ids::<Finding>(&core.store, snapshot, &[filter])
    }
}

fn put<R: Ordered>(list: &mut Vec<R>, draft: &R, id: u64) {
    let mut draft = draft.clone();
    match list.iter_mut().find(|known| id != 0 && known.head().id == id) {
        Some(known) => {
            draft.set_order(known.order());
            *known = draft;
        }
        None => {
            // Behind the others.
            draft.set_order(u64::MAX);
            list.push(draft);
        }
    }
}

/// A finding in a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// As it is.
    pub before: Finding,
    /// As it would be.
    pub after: Finding,
    /// Whether it is meant.
    pub matched: bool,
}

/// What would happen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// Findings, open or decided, that are meant.
    pub matched: u64,
    /// Those, by severity.
    pub by_severity: SeverityCounts,
    /// Findings that would change, also such as are no longer meant.
    pub changed: u64,
    /// Those of them that would have another due date, or none.
    pub due_changed: u64,
    /// Those that would be overdue, and are not.
    pub newly_overdue: u64,
    /// Those that are overdue, and would not be.
    pub no_longer_overdue: u64,
    /// Findings that were looked at.
    pub examined: u64,
    /// False: there are more that may be meant, so all numbers are lower bounds.
    pub complete: bool,
    /// The first that are meant or would change, newest first.
    pub sample: Vec<Sample>,
}

/// Says what would happen.
pub async fn preview(core: &Core, ctx: &Ctx, draft: Draft) -> Result<Preview> {
    ctx.require(Role::Operator)?;
    draft.matcher().check("/matcher")?;
    let core = core.clone();
    tokio::task::spawn_blocking(move || look(&core, &draft))
        .await
        .map_err(|e| Error::internal("a preview was cut off").with_source(e))?
}

fn look(core: &Core, draft: &Draft) -> Result<Preview> {
    let snapshot = core.store.read()?;
    let rules = draft.ruleset(&*snapshot)?;
    let matcher = draft.matcher().lowered();
    let candidates = candidates(core, &*snapshot, &matcher)? | draft.touched(core, &*snapshot)?;
    let mut preview =
        Preview { complete: candidates.len() <= LOOKED_AT as u64, ..Preview::default() };
    let mut known =
        Known { snapshot: &*snapshot, assets: HashMap::new(), vulnerabilities: HashMap::new() };
    for id in candidates.iter().rev().take(LOOKED_AT) {
        preview.examined += 1;
        let before: Finding = snapshot.require(id.into())?;
        if before.status.is_fixed() {
            continue;
        }
        let (asset, vulnerability) = known.of(&before)?;
        let matched = matcher.matches(&Facts::of(&before, asset, vulnerability));
        let mut after = before.clone();
        rules.apply(&mut after, asset, vulnerability, core.now());
        preview.count(Sample { before, after, matched });
    }
    Ok(preview)
}

impl Preview {
    fn count(&mut self, seen: Sample) {
        let (before, after) = (&seen.before, &seen.after);
        // Not who set it: another name of the same rule changes nothing.
        let shown =
            |f: &Finding| (f.status, f.due_at, f.overdue, f.assigned_to.clone(), f.notes.clone());
        let changed = shown(before) != shown(after);
        if seen.matched {
            self.matched += 1;
            self.by_severity.add(before.severity, 1);
        }
        self.changed += u64::from(changed);
        self.due_changed += u64::from(before.due_at != after.due_at);
        self.newly_overdue += u64::from(after.overdue && !before.overdue);
        self.no_longer_overdue += u64::from(before.overdue && !after.overdue);
        if (seen.matched || changed) && self.sample.len() < SAMPLE {
            self.sample.push(seen);
        }
    }
}

/// Assets and vulnerabilities that were read already.
struct Known<'a> {
    snapshot: &'a dyn Snapshot,
    assets: HashMap<u64, Asset>,
    vulnerabilities: HashMap<u64, Vulnerability>,
}

impl Known<'_> {
    fn of(&mut self, finding: &Finding) -> Result<(&Asset, &Vulnerability)> {
        let (asset, v) = (finding.asset_id, finding.vulnerability_id);
        let asset = match self.assets.entry(asset) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.snapshot.require(asset)?),
        };
        let vulnerability = match self.vulnerabilities.entry(v) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.snapshot.require(v)?),
        };
        Ok((asset, vulnerability))
    }
}

/// The findings that may be meant, from facets and indexes; all that are meant are among
/// them, but for fixed ones.
fn candidates(core: &Core, snapshot: &dyn Snapshot, m: &Matcher) -> Result<RoaringBitmap> {
    let of = |field, values: Vec<Value>| Filter { field, test: Test::In(values) };
    let live = FindingStatus::ALL.iter().filter(|status| !status.is_fixed());
    let mut filters = vec![of("status", live.map(|status| (*status).into()).collect())];
    if !m.severity.is_empty() {
        filters.push(of("severity", m.severity.iter().map(|s| (*s).into()).collect()));
    }
    for (field, value) in [("kev", m.kev), ("fix_available", m.fix_available)] {
        filters.extend(value.map(|value| of(field, vec![value.into()])));
    }
    for (field, words) in [("ecosystem", &m.ecosystem), ("scanner", &m.scanner)] {
        filters.extend(facet_like::<Finding>(core, snapshot, field, words)?);
    }
    let mut set = plan::ids::<Finding>(&core.store, snapshot, &filters)?;
    if let [package] = &m.package[..]
        && let Some(word) = search_word(package)
    {
        filters.push(Filter { field: "search", test: Test::Words(vec![word]) });
        match plan::ids::<Finding>(&core.store, snapshot, &filters) {
            Ok(found) => set = found,
            // So many have the word that reading them all is no gain.
            Err(e) if e.code() == Code::UnsupportedQuery => {}
            Err(e) => return Err(e),
        }
    }
    match on_assets(core, snapshot, m)? {
        Some(there) => Ok(set & there),
        None => Ok(set),
    }
}

/// The findings on the assets that are meant, if those are few.
fn on_assets(core: &Core, snapshot: &dyn Snapshot, m: &Matcher) -> Result<Option<RoaringBitmap>> {
    let filters = asset_filters(core, snapshot, m)?;
    if filters.is_empty() {
        return Ok(None);
    }
    let assets = plan::ids::<Asset>(&core.store, snapshot, &filters)?;
    if assets.len() > ASSETS {
        return Ok(None);
    }
    let mut findings = RoaringBitmap::new();
    for asset in assets {
        let under = [u64::from(asset).into()];
        let ids =
            snapshot.ids_under::<Finding>(BY_ASSET, &under, Direction::Forward, usize::MAX)?;
        findings.extend(ids.into_iter().filter_map(|id| u32::try_from(id).ok()));
    }
    Ok(Some(findings))
}

/// What facets of assets know of the conditions.
fn asset_filters(core: &Core, snapshot: &dyn Snapshot, m: &Matcher) -> Result<Vec<Filter>> {
    let lists: [(&str, Vec<Value>); 3] = [
        ("type", m.asset_type.iter().map(|t| (*t).into()).collect()),
        ("exposure", m.exposure.iter().map(|e| (*e).into()).collect()),
        ("environment", m.environment.iter().map(|e| (*e).into()).collect()),
    ];
    let lists = lists.into_iter().filter(|(_, values)| !values.is_empty());
    let mut filters: Vec<Filter> =
        lists.map(|(field, values)| Filter { field, test: Test::In(values) }).collect();
    if let Some(least) = m.criticality_min {
        let test = Test::Range(Some(u64::from(least).into()), None);
        filters.push(Filter { field: "criticality", test });
    }
    for (field, patterns) in [("tag", &m.tag), ("owner", &m.owner)] {
        filters.extend(facet_like::<Asset>(core, snapshot, field, patterns)?);
    }
    Ok(filters)
}

/// The values of a facet that are like any of the patterns, as a filter; none if there are
/// no patterns, or too many values to tell.
fn facet_like<R: Record>(
    core: &Core,
    snapshot: &dyn Snapshot,
    field: &'static str,
    patterns: &[String],
) -> Result<Option<Filter>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let counts = plan::facet_counts::<R>(&core.store, snapshot, field, &[])?;
    if counts.len() >= limits::FACET_VALUES {
        return Ok(None);
    }
    let fits = |value: &String| like(patterns, &[value.to_lowercase()]);
    let values = counts.into_iter().map(|(value, _)| value).filter(fits);
    Ok(Some(Filter { field, test: Test::In(values.map(Value::Text).collect()) }))
}
