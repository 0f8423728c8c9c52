//! The job that holds all findings against rules and policies, in steps. It resumes where it
//! was cut off, begins again when something changes meanwhile, and ends only when every
//! finding has been held against what holds then.

use std::time::{Duration, Instant};

use super::state::State;
use super::{CHUNK, Policies, reapply, ruleset};
use crate::base::Result;
use crate::base::record::Record;
use crate::domain::asset::Asset;
use crate::domain::finding::Finding;
use crate::domain::job::Job;
use crate::domain::vulnerability::Vulnerability;
use crate::services::{Core, jobs};
use crate::store::engine::Span;
use crate::store::{Direction, Read, Snapshot, keys, row};

/// How often it tells that it goes on; well within the job's lease.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Runs the job to its end; blocks. Once `stopped` says so, it ends with an `Err` after the
/// step that is going on.
pub fn run(core: &Core, job: &Job, stopped: &dyn Fn() -> bool) -> Result<()> {
    let mut changed = 0;
    let mut told = Instant::now();
    // Where it begins is decided by the first step.
    let mut at: Option<(u64, u64)> = None;
    loop {
        jobs::go_on(stopped)?;
        let seen = match at {
            Some((_, after)) => look(core, after)?,
            None => Seen::default(),
        };
        if at.is_some() && !seen.is_last && seen.differ.is_empty() && told.elapsed() < SIGN_OF_LIFE
        {
            at = at.map(|(revision, _)| (revision, seen.last));
            continue;
        }
        told = Instant::now();
        let step = step(core, job.id, at, seen, changed)?;
        changed = step.changed;
        match step.next {
            Some(next) => at = Some(next),
            None => return Ok(()),
        }
    }
}

/// What one look found.
#[derive(Default, Clone)]
struct Seen {
    /// Findings that the rules would change.
    differ: Vec<u64>,
    /// The last one that was looked at.
    last: u64,
    /// Whether there are no more.
    is_last: bool,
    /// How far it is, 0 to 1.
    progress: f64,
}

/// Holds the next findings against the rules without writing anything: most of them do not
/// change, and the writer is for those that do.
fn look(core: &Core, after: u64) -> Result<Seen> {
    let snapshot = core.store.read()?;
    let rules = ruleset(&*snapshot)?;
    let now = core.now();
    let findings = next(&*snapshot, after)?;
    let mut seen = Seen { last: after, is_last: findings.len() < CHUNK, ..Seen::default() };
    for before in findings {
        seen.last = before.id;
        let asset: Asset = snapshot.require(before.asset_id)?;
        let vulnerability: Vulnerability = snapshot.require(before.vulnerability_id)?;
        let mut finding = before.clone();
        rules.apply(&mut finding, &asset, &vulnerability, now);
        if finding != before {
            seen.differ.push(before.id);
        }
    }
    let mut most = seen.last;
    snapshot.scan(Finding::TABLE, &Span::all(), Direction::Reverse, &mut |key, _| {
        most = keys::id_of(key).unwrap_or(most);
        Ok(false)
    })?;
    seen.progress = seen.last as f64 / most.max(1) as f64;
    Ok(seen)
}

fn next(snapshot: &dyn Snapshot, after: u64) -> Result<Vec<Finding>> {
    let start = std::ops::Bound::Excluded(keys::record_key(after).to_vec());
    let span = Span { start, end: std::ops::Bound::Unbounded };
    let mut findings = Vec::with_capacity(CHUNK);
    snapshot.scan(Finding::TABLE, &span, Direction::Forward, &mut |_, bytes| {
        findings.push(row::decode(bytes)?);
        Ok(findings.len() < CHUNK)
    })?;
    Ok(findings)
}

/// What one step did.
struct Step {
    /// Revision and last finding to go on from; none at the end.
    next: Option<(u64, u64)>,
    /// Findings that this attempt has changed.
    changed: u64,
}

fn step(core: &Core, job: u64, at: Option<(u64, u64)>, seen: Seen, changed: u64) -> Result<Step> {
    core.store.write_blocking("policies.evaluate", move |tx| {
        let mut state = State::read(tx)?;
        let revision = state.revision;
        let current = at.is_some_and(|(of, _)| of == revision);
        if !current {
            // Begins, or begins again since something has changed; an earlier attempt at the
            // same revision is taken up where it was.
            let after = if state.cursor.0 == revision { state.cursor.1 } else { 0 };
            state.cursor = (revision, after);
            state.write(tx)?;
            jobs::heartbeat(tx, job, 0.0, "beginning")?;
            return Ok(Step { next: Some(state.cursor), changed });
        }
        let changed = changed + reapply(tx, &mut Policies::of(tx)?, &seen.differ)?;
        jobs::heartbeat(tx, job, seen.progress, &format!("{changed} findings have changed"))?;
        state.cursor = (revision, seen.last);
        let next = if seen.is_last {
            state.evaluated = revision;
            None
        } else {
            Some(state.cursor)
        };
        state.write(tx)?;
        Ok(Step { next, changed })
    })
}
