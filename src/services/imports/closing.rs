//! What a complete report no longer names has gone: closing, and holding back what looks
//! like a broken report.
//!
//! A report closes only within its scope (asset × scanner × kinds of scan), and only what
//! was seen before it was made. If it would close more than half of a scope of more than
//! ten, it closes nothing, and a person decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::apply::Source;
use super::inventory::{self, Installed};
use super::run::{Attempt, progressed};
use crate::base::{Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::finding::Finding;
use crate::domain::import::ClosingScope;
use crate::domain::merge::{self, Sighting};
use crate::domain::scan::ScanKind;
use crate::domain::status::FindingStatus;
use crate::services::Core;
use crate::services::policies::Policies;
use crate::services::tally::Tally;
use crate::store::{Direction, Read, Tx};

/// Findings per transaction.
const STEP: usize = 2_000;

/// The scopes that a report covers completely: kinds by asset.
#[derive(Default, Clone)]
pub(super) struct Closings(BTreeMap<u64, Vec<ScanKind>>);

impl Closings {
    /// The scopes, for closing findings.
    pub(super) fn closing(&self, by_inventory: bool) -> impl Iterator<Item = ClosingScope> {
        self.0.iter().map(move |(asset, kinds)| ClosingScope {
            asset_id: *asset,
            scans: kinds.clone(),
            by_inventory,
        })
    }

    /// The scopes.
    pub(super) fn scopes(&self) -> impl Iterator<Item = (u64, &[ScanKind])> {
        self.0.iter().map(|(asset, kinds)| (*asset, kinds.as_slice()))
    }

    pub(super) fn add(&mut self, asset: u64, kinds: &[ScanKind]) {
        let known = self.0.entry(asset).or_default();
        known.extend(kinds);
        known.sort_unstable();
        known.dedup();
    }
}

/// What closing did.
#[derive(Default)]
pub(super) struct Closed {
    /// Findings that were closed.
    pub closed: u64,
    /// Findings that would have been.
    pub held: u64,
}

/// Closes what has gone, or holds it back.
pub(super) fn run(
    attempt: &Attempt<'_>,
    by: &Source,
    scopes: &[ClosingScope],
    seen: &RoaringBitmap,
) -> Result<Closed> {
    let mut outcome = Closed::default();
    for scope in scopes {
        let weighed = Weighed::of(attempt.core, scope, by, seen)?;
        if weighed.is_suspicious(attempt.core) {
            outcome.held += weighed.going;
        }
    }
    if outcome.held > 0 {
        return Ok(outcome);
    }
    for scope in scopes {
        outcome.closed += close(attempt.core, scope, by, seen, Some(attempt))?;
    }
    Ok(outcome)
}

/// One scope, before anything is closed.
struct Weighed {
    /// Findings in it that were known before, and are open or decided.
    present: u64,
    /// Those that the report no longer names.
    going: u64,
}

impl Weighed {
    fn of(core: &Core, scope: &ClosingScope, by: &Source, seen: &RoaringBitmap) -> Result<Self> {
        let mut weighed = Self { present: 0, going: 0 };
        let test = Test::of(core, scope)?;
        let sighting =
            Sighting { report: &by.report, asset: None, import_id: by.import_id, at: by.at };
        let snapshot = core.store.read()?;
        for id in unsettled(&*snapshot, scope.asset_id)? {
            let Some(finding) = snapshot.find::<Finding>(id)? else { continue };
            let theirs = |s: &crate::domain::finding::Source| {
                let scanner = scope.by_inventory || s.scanner == by.report.scanner;
                scanner && scope.scans.contains(&s.scan) && s.present
            };
            // What the report itself has brought does not make the rest a smaller part.
            let is_new = finding.created_at >= by.begun;
            if is_new || finding.status.is_fixed() || !finding.sources.iter().any(theirs) {
                continue;
            }
            weighed.present += 1;
            if !seen.contains(id as u32) {
                weighed.going += u64::from(test.closes(&mut finding.clone(), sighting));
            }
        }
        Ok(weighed)
    }

    fn is_suspicious(&self, core: &Core) -> bool {
        let options = &core.options;
        self.present > options.quarantine_above
            && self.going * 100 > self.present * options.quarantine_percent
    }
}

/// What closes a finding of a scope.
#[derive(Clone)]
struct Test {
    scans: Vec<ScanKind>,
    installed: Option<Arc<Installed>>,
}

impl Test {
    fn of(core: &Core, scope: &ClosingScope) -> Result<Self> {
        let by_inventory = scope.by_inventory;
        let installed = by_inventory.then(|| Installed::on(core, scope.asset_id)).transpose()?;
        Ok(Self { scans: scope.scans.clone(), installed: installed.map(Arc::new) })
    }

    /// Marks a finding that was not seen as gone, if that is what it means. Says whether it
    /// was closed by that.
    fn closes(&self, finding: &mut Finding, by: Sighting<'_>) -> bool {
        match &self.installed {
            None => merge::absent(finding, &self.scans, by),
            Some(installed) => {
                installed.lacks(&finding.component) && inventory::absent(finding, &self.scans, by)
            }
        }
    }
}

/// The findings of an asset that a scan may close or confirm: all but the verified ones.
fn unsettled<S: Read + ?Sized>(source: &S, asset: u64) -> Result<Vec<u64>> {
    let mut ids = Vec::new();
    for status in FindingStatus::ALL.iter().filter(|s| **s != FindingStatus::Verified) {
        ids.extend(source.ids_under::<Finding>(
            "idx_asset_vulnerabilities_asset_id_status",
            &[asset.into(), (*status).into()],
            Direction::Forward,
            usize::MAX,
        )?);
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Closes the findings of a scope that are not in `seen`, in steps; notes the complete scan
/// on the asset in the last one. Returns how many were closed.
pub(super) fn close(
    core: &Core,
    scope: &ClosingScope,
    by: &Source,
    seen: &RoaringBitmap,
    attempt: Option<&Attempt<'_>>,
) -> Result<u64> {
    let mut ids = unsettled(&*core.store.read()?, scope.asset_id)?;
    ids.retain(|id| !seen.contains(*id as u32));
    let test = Test::of(core, scope)?;
    let mut closed = 0;
    let last = ids.len().div_ceil(STEP).max(1);
    let mut chunks = ids.chunks(STEP);
    for step in 1..=last {
        attempt.map_or(Ok(()), Attempt::go_on)?;
        let job = attempt.map(|a| a.job.id);
        let chunk = chunks.next().unwrap_or_default().to_vec();
        let (report, scope) = (by.report.clone(), scope.clone());
        let (at, begun, import_id) = (by.at, by.begun, by.import_id);
        let test = test.clone();
        closed += core.store.write_blocking("imports.close", move |tx| {
            let by = Sighting { report: &report, asset: None, import_id, at };
            let n = close_some(tx, &chunk, &test, by, begun)?;
            if let Some(job) = job {
                progressed(tx, job, import_id, 1.0, "closing what has gone")?;
            }
            if step == last && !scope.by_inventory {
                cover(tx, scope.asset_id, &report.scanner, &scope.scans, (at, import_id))?;
            }
            Ok(n)
        })?;
    }
    Ok(closed)
}

fn close_some(
    tx: &mut Tx<'_>,
    ids: &[u64],
    test: &Test,
    by: Sighting<'_>,
    begun: Timestamp,
) -> Result<u64> {
    let (mut tally, mut closed) = (Tally::default(), 0);
    let mut policies = Policies::of(tx)?;
    for id in ids {
        let Some(before) = tx.find::<Finding>(*id)? else { continue };
        let mut after = before.clone();
        // An earlier attempt of the same import may have closed it already.
        let earlier = before.resolved_at == Some(by.at) && before.updated_at >= begun;
        let now = test.closes(&mut after, by);
        closed += u64::from(now || (earlier && before.status.is_fixed()));
        if after != before {
            let asset: Asset = tx.require(after.asset_id)?;
            policies.apply(tx, &mut after, &asset)?;
            let after = tx.update(after)?;
            tally.moved(Some(&before), Some(&after));
        }
    }
    tally.flush(tx)?;
    Ok(closed)
}

/// Notes on the asset that a complete scan by `scanner` was made at `at`, as the
/// import brings it.
pub(super) fn cover(
    tx: &mut Tx<'_>,
    asset: u64,
    scanner: &str,
    kinds: &[ScanKind],
    (at, import_id): (Timestamp, u64),
) -> Result<()> {
    let Some(before) = tx.find::<Asset>(asset)? else { return Ok(()) };
    let mut after = before.clone();
    for kind in kinds {
        after.cover(scanner, *kind, at, import_id);
    }
    if after == before { Ok(()) } else { tx.touch(&after) }
}
