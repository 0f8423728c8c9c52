//! What a complete report no longer names has gone: closing, and holding back what looks
//! like a broken report.
//!
//! A report closes only within its scope (asset × scanner × kinds of scan), and only what
//! was seen before it was made. If it would close more than half of a scope of more than
//! ten, or if a package list lacks that much of what was installed, it closes and ends
//! nothing, and a person decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::attempt::{Attempt, Source};
use super::inventory::{self, Installed, Listing};
use super::ports;
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
    /// As scopes, for closing findings.
    pub(super) fn scopes(&self, by_inventory: bool) -> impl Iterator<Item = ClosingScope> {
        self.0.iter().map(move |(asset, kinds)| ClosingScope {
            asset_id: *asset,
            scans: kinds.clone(),
            by_inventory,
        })
    }

    pub(super) fn add(&mut self, asset: u64, kinds: &[ScanKind]) {
        let known = self.0.entry(asset).or_default();
        known.extend(kinds);
        known.sort_unstable();
        known.dedup();
    }
}

/// What a report names.
#[derive(Default, Clone)]
pub(super) struct Seen {
    pub findings: Arc<RoaringBitmap>,
    pub packages: Arc<RoaringBitmap>,
    pub services: Arc<RoaringBitmap>,
}

/// What closing did, or would do.
#[derive(Default)]
pub(super) struct Outcome {
    /// Findings that were closed.
    pub closed: u64,
    /// It looks like a broken report, so nothing was.
    pub is_held: bool,
    /// Findings that would have been closed.
    pub held: u64,
    /// Packages that would have ended.
    pub held_packages: u64,
}

/// Closes what has gone, or holds it back.
pub(super) fn run(
    attempt: &Attempt<'_>,
    by: &Source,
    scopes: &[ClosingScope],
    seen: &Seen,
) -> Result<Outcome> {
    let scopes = heeded(attempt.core, by, scopes, seen)?;
    let mut outcome = Outcome::default();
    let mut going = RoaringBitmap::new();
    for scope in &scopes {
        let weighed = scope.weigh(attempt.core, by, seen)?;
        outcome.is_held |= weighed.is_suspicious(attempt.core);
        outcome.held_packages += weighed.ending;
        going |= weighed.going;
    }
    if outcome.is_held {
        outcome.held = going.len();
        return Ok(outcome);
    }
    Ok(Outcome { closed: close_all(attempt, by, &scopes, seen)?, ..Outcome::default() })
}

/// Closes what was held back.
pub(super) fn accept(attempt: &Attempt<'_>, by: &Source, scopes: &[ClosingScope]) -> Result<u64> {
    // What newer reports have seen meanwhile is newer than this report, and stays.
    let seen = Seen::default();
    close_all(attempt, by, &heeded(attempt.core, by, scopes, &seen)?, &seen)
}

fn close_all(attempt: &Attempt<'_>, by: &Source, scopes: &[Scope<'_>], seen: &Seen) -> Result<u64> {
    let mut closed = 0;
    for scope in scopes {
        scope.end_packages(attempt, by)?;
        if scope.list.is_none() && scope.is.scans.contains(&ScanKind::Network) {
            ports::end_gone(attempt, by, scope.is.asset_id, &seen.services)?;
        }
        closed += scope.close(attempt, by, &seen.findings)?;
    }
    Ok(closed)
}

/// A scope, and what closes findings in it.
struct Scope<'a> {
    is: &'a ClosingScope,
    /// For a package list: itself, and what is installed by it.
    list: Option<Arc<(Listing, Installed)>>,
}

fn heeded<'a>(
    core: &Core,
    by: &Source,
    scopes: &'a [ClosingScope],
    seen: &Seen,
) -> Result<Vec<Scope<'a>>> {
    let with_list = |is: &'a ClosingScope| {
        let list = is.by_inventory.then(|| {
            let (kinds, seen) = (is.scans.clone(), seen.packages.clone());
            let mut listing = Listing::new(kinds, by.at, seen);
            let installed = Installed::after(core, is.asset_id, &mut listing, by.begun)?;
            Ok(Arc::new((listing, installed)))
        });
        Ok(Scope { is, list: list.transpose()? })
    };
    scopes.iter().map(with_list).collect()
}

/// A part of what was there before.
#[derive(Default)]
struct Part {
    present: u64,
    going: u64,
}

impl Part {
    fn is_suspicious(&self, core: &Core) -> bool {
        let options = &core.options;
        self.present > options.quarantine_above
            && self.going * 100 > self.present * options.quarantine_percent
    }
}

/// One scope, before anything is closed.
struct Weighed {
    /// Findings in it that were known before, and are open or decided.
    findings: Part,
    /// Packages by name.
    packages: Part,
    /// Findings that the report no longer names.
    going: RoaringBitmap,
    /// Packages that the list lacks.
    ending: u64,
}

impl Weighed {
    fn is_suspicious(&self, core: &Core) -> bool {
        self.findings.is_suspicious(core) || self.packages.is_suspicious(core)
    }
}

impl Scope<'_> {
    fn weigh(&self, core: &Core, by: &Source, seen: &Seen) -> Result<Weighed> {
        let (mut present, mut going) = (0, RoaringBitmap::new());
        let sighting =
            Sighting { report: &by.report, asset: None, import_id: by.import_id, at: by.at };
        let test = self.test();
        let snapshot = core.store.read()?;
        for id in unsettled(&*snapshot, self.is.asset_id)? {
            let Some(mut finding) = snapshot.find::<Finding>(id)? else { continue };
            let theirs = |s: &crate::domain::finding::Source| {
                let scanner = self.is.by_inventory || s.scanner == by.report.scanner;
                scanner && self.is.scans.contains(&s.scan) && s.present
            };
            // What the report itself has brought does not make the rest a smaller part.
            let is_new = finding.created_at >= by.begun;
            if is_new || finding.status.is_fixed() || !finding.sources.iter().any(theirs) {
                continue;
            }
            present += 1;
            if !seen.findings.contains(id as u32) && test.closes(&mut finding, sighting) {
                going.insert(id as u32);
            }
        }
        let installed = self.list.as_ref().map(|list| &list.1);
        Ok(Weighed {
            findings: Part { present, going: going.len() },
            packages: installed
                .map_or_else(Part::default, |i| Part { present: i.present, going: i.going }),
            ending: installed.map_or(0, |i| i.ending.len() as u64),
            going,
        })
    }

    fn test(&self) -> Test {
        Test { scans: self.is.scans.clone(), list: self.list.clone() }
    }

    fn end_packages(&self, attempt: &Attempt<'_>, by: &Source) -> Result<()> {
        let Some(list) = &self.list else { return Ok(()) };
        inventory::end(attempt, by, self.is.asset_id, &list.0, &list.1.ending)
    }

    /// Closes the findings that are not in `seen`, in steps; notes the complete scan on the
    /// asset in the last one. Returns how many were closed.
    fn close(&self, attempt: &Attempt<'_>, by: &Source, seen: &RoaringBitmap) -> Result<u64> {
        let mut ids = unsettled(&*attempt.core.store.read()?, self.is.asset_id)?;
        ids.retain(|id| !seen.contains(*id as u32));
        let last = ids.len().div_ceil(STEP).max(1);
        let mut chunks = ids.chunks(STEP);
        let mut closed = 0;
        for step in 1..=last {
            let chunk = chunks.next().unwrap_or_default().to_vec();
            let (report, scope, test) = (by.report.clone(), self.is.clone(), self.test());
            let (at, begun, import_id) = (by.at, by.begun, by.import_id);
            let doing = (1.0, "closing what has gone");
            closed += attempt.write("imports.close", doing, move |tx| {
                let by = Sighting { report: &report, asset: None, import_id, at };
                let n = close_some(tx, &chunk, &test, by, begun)?;
                if step == last && !scope.by_inventory {
                    cover(tx, scope.asset_id, &report.scanner, &scope.scans, (at, import_id))?;
                }
                Ok(n)
            })?;
        }
        Ok(closed)
    }
}

/// What closes a finding of a scope.
struct Test {
    scans: Vec<ScanKind>,
    list: Option<Arc<(Listing, Installed)>>,
}

impl Test {
    /// Marks a finding that was not seen as gone, if that is what it means. Says whether it
    /// was closed by that.
    fn closes(&self, finding: &mut Finding, by: Sighting<'_>) -> bool {
        match &self.list {
            None => merge::absent(finding, &self.scans, by),
            Some(list) => {
                list.1.lacks(&finding.component) && inventory::absent(finding, &self.scans, by)
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
