//! Rules and SLA policies at work: what they mean for findings, applied wherever a finding
//! is written. What they say is decided in the domain; how people edit them is in
//! `rules.rs`; holding all findings against changed ones is a job, in `run.rs`.

mod preview;
mod run;
mod state;

pub use preview::{Draft, Preview, Sample, preview};
pub use run::run;
pub use state::{changed, seed};

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Core;
use super::findings::BY_ASSET;
use super::tally::Tally;
use crate::base::Result;
use crate::base::record::Value;
use crate::domain::asset::Asset;
use crate::domain::finding::Finding;
use crate::domain::rule::Rule;
use crate::domain::ruleset::{Ordered, Ruleset};
use crate::domain::sla::SlaPolicy;
use crate::domain::vulnerability::Vulnerability;
use crate::store::engine::Span;
use crate::store::{Direction, Read, Tx};

/// Findings that one transaction holds against the rules.
const CHUNK: usize = 500;

/// All of them, in their order.
pub fn all<R: Ordered>(source: &(impl Read + ?Sized)) -> Result<Vec<R>> {
    let ids = source.ids_under::<R>(R::BY_ORDER, &[], Direction::Forward, usize::MAX)?;
    ids.into_iter().map(|id| source.require(id)).collect()
}

/// Those that hold now.
pub fn ruleset(source: &(impl Read + ?Sized)) -> Result<Ruleset> {
    Ok(Ruleset::new(all::<Rule>(source)?, all::<SlaPolicy>(source)?))
}

/// The rules and policies of one transaction, with the vulnerabilities that were looked up
/// for them.
pub struct Policies {
    set: Ruleset,
    vulnerabilities: HashMap<u64, Vulnerability>,
}

impl Policies {
    /// Those that hold now.
    pub fn of(source: &(impl Read + ?Sized)) -> Result<Self> {
        Ok(Self { set: ruleset(source)?, vulnerabilities: HashMap::new() })
    }

    /// Whether any looks at ids of vulnerabilities.
    #[must_use]
    pub fn names_ids(&self) -> bool {
        self.set.names_ids()
    }

    /// Gives a finding on `asset` what follows from them. The caller writes it.
    pub fn apply(&mut self, tx: &Tx<'_>, finding: &mut Finding, asset: &Asset) -> Result<()> {
        let id = finding.vulnerability_id;
        let vulnerability = match self.vulnerabilities.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(tx.require(id)?),
        };
        self.set.apply(finding, asset, vulnerability, tx.now());
        Ok(())
    }

    /// [`Policies::apply`] where the vulnerability is at hand.
    pub fn apply_with(
        &self,
        tx: &Tx<'_>,
        finding: &mut Finding,
        asset: &Asset,
        vulnerability: &Vulnerability,
    ) {
        self.set.apply(finding, asset, vulnerability, tx.now());
    }
}

/// Holds these findings against the rules, and writes those that change. Returns how many.
pub fn reapply(tx: &mut Tx<'_>, policies: &mut Policies, ids: &[u64]) -> Result<u64> {
    let (mut tally, mut changed) = (Tally::default(), 0);
    let mut assets: HashMap<u64, Asset> = HashMap::new();
    for id in ids {
        let Some(before) = tx.find::<Finding>(*id)? else { continue };
        let asset = match assets.entry(before.asset_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(tx.require(before.asset_id)?),
        };
        let mut after = before.clone();
        policies.apply(tx, &mut after, asset)?;
        if after != before {
            let after = tx.update(after)?;
            tally.moved(Some(&before), Some(&after));
            changed += 1;
        }
    }
    tally.flush(tx)?;
    Ok(changed)
}

/// Lets the findings of an asset follow a change that conditions can see: at once if they
/// are few, else by the job that holds all findings against the rules.
pub fn follow_asset(tx: &mut Tx<'_>, policies: &mut Policies, by: &str, asset: u64) -> Result<()> {
    if !policies.set.names_assets() {
        return Ok(());
    }
    let ids = tx.ids_under::<Finding>(BY_ASSET, &[asset.into()], Direction::Forward, CHUNK + 1)?;
    if ids.len() > CHUNK { changed(tx, by) } else { reapply(tx, policies, &ids).map(drop) }
}

/// Open findings by when they become overdue.
const DUE_NEXT: &str = "idx_asset_vulnerabilities_due_next";

/// Marks the findings whose time is over. Reads those only. Returns how many.
pub async fn mark_overdue(core: &Core) -> Result<usize> {
    let mut marked = 0;
    loop {
        // Looked for in a snapshot first: without anything to do nothing is written.
        if late(&*core.store.read()?, core.now(), 1)?.is_empty() {
            return Ok(marked);
        }
        marked += core
            .store
            .write("findings.overdue", |tx| {
                let ids = late(tx, tx.now(), CHUNK)?;
                for id in &ids {
                    let mut finding: Finding = tx.require(*id)?;
                    finding.note_overdue(tx.now());
                    // Nobody has edited it: its version stays.
                    tx.touch(&finding)?;
                }
                Ok(ids.len())
            })
            .await?;
    }
}

/// The first findings that are overdue at `now` and not marked so yet.
fn late<S: Read + ?Sized>(
    source: &S,
    now: crate::base::Timestamp,
    limit: usize,
) -> Result<Vec<u64>> {
    let mut until = Vec::new();
    crate::base::key::push(&mut until, &Value::Time(now), false);
    let span = Span { start: std::ops::Bound::Unbounded, end: Span::prefix(&until).end };
    let mut ids = Vec::new();
    source.scan(DUE_NEXT, &span, Direction::Forward, &mut |key, _| {
        ids.extend(crate::base::key::trailing_id(key));
        Ok(ids.len() < limit)
    })?;
    Ok(ids)
}
