//! Transactions of which it can be told afterwards which were done: each leaves its number
//! in a ledger, a host, a vulnerability, a finding and an audit entry, and removes the host
//! and finding of four steps before.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use vulnzero::base::record::{Record, Value};
use vulnzero::base::time::ManualClock;
use vulnzero::base::{Result, Timestamp};
use vulnzero::domain::asset::Asset;
use vulnzero::domain::audit::AuditLog;
use vulnzero::domain::finding::Finding;
use vulnzero::domain::vulnerability::Vulnerability;
use vulnzero::store::engine::{Engine, Span};
use vulnzero::store::{Catalog, Direction, Options, Read as _, Store, Tx, keys};

use super::records;

macro_rules! catalog_of {
    ($($record:ty),*) => { Catalog::new()$(.with::<$record>())* };
}

/// Every record type of the program.
pub fn catalog() -> Catalog {
    vulnzero::for_each_record!(catalog_of)
}

/// Opens a store over an engine.
pub fn open(engine: impl Engine, options: Options) -> Result<Store> {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_750_000_000_000_000)));
    Store::open(Box::new(engine), catalog(), clock, options)
}

const LEDGER: &str = "ledger";
/// So many steps later a step's host goes.
const KEPT: u64 = 4;

fn by_key<R: Record>(tx: &dyn vulnzero::store::Source, key: &str) -> Result<Option<R>> {
    tx.find_by(
        R::NATURAL_KEY.expect("is asked for those that have one"),
        &[Value::Text(key.to_owned())],
    )
}

fn finding_of(tx: &dyn vulnzero::store::Source, n: u64) -> Result<Option<Finding>> {
    let Some(asset) = by_key::<Asset>(tx, &records::asset(n).asset_id)? else { return Ok(None) };
    let Some(v) = by_key::<Vulnerability>(tx, &records::vulnerability(n).cve_id)? else {
        return Ok(None);
    };
    let component = records::finding(n, &asset, &v).identity();
    let values = [Value::U64(asset.id), Value::U64(v.id), Value::Text(component)];
    tx.find_by("idx_asset_vulnerabilities_identity", &values)
}

/// One transaction.
pub fn step(tx: &mut Tx<'_>, n: u64) -> Result<()> {
    let mut ledger = match by_key::<Asset>(tx, LEDGER)? {
        Some(ledger) => ledger,
        None => tx.insert(Asset::new(LEDGER.into()))?,
    };
    ledger.tags.insert(format!("{n:06}"), "done".into());
    tx.update(ledger)?;
    let asset = tx.insert(records::asset(n))?;
    let v = tx.insert(records::vulnerability(n))?;
    tx.insert(records::finding(n, &asset, &v))?;
    tx.insert(records::audit("assets.create", &asset.asset_id))?;
    if let Some(old) = n.checked_sub(KEPT)
        && let Some(finding) = finding_of(tx, old)?
    {
        tx.delete::<Finding>(finding.id)?;
        tx.delete::<Asset>(finding.asset_id)?;
        let mut v = tx.require::<Vulnerability>(finding.vulnerability_id)?;
        v.open_findings += 1;
        tx.update(v)?;
    }
    Ok(())
}

/// Submits steps at once, in order; their answers.
pub fn together(store: &Store, steps: impl IntoIterator<Item = u64>) -> Vec<(u64, Result<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(join_all(
        steps
            .into_iter()
            .map(|n| async move { (n, store.write("test.step", move |tx| step(tx, n)).await) }),
    ))
}

/// Checks everything in a store; returns the steps that were done.
pub fn verify(store: &Store) -> Result<BTreeSet<u64>> {
    let snapshot = store.read()?;
    for table in store.catalog().tables() {
        let mut found = Vec::new();
        table.check(&*snapshot, &mut |f| found.push(f))?;
        assert_eq!(found, [], "{}", table.table());
    }
    let ledger = by_key::<Asset>(&*snapshot, LEDGER)?;
    let done: BTreeSet<u64> =
        ledger.iter().flat_map(|l| l.tags.keys()).map(|n| n.parse().unwrap()).collect();
    for n in 0..done.last().map_or(1, |last| last + 2) {
        let kept = done.contains(&n) && !done.contains(&(n + KEPT));
        let host = by_key::<Asset>(&*snapshot, &records::asset(n).asset_id)?;
        assert_eq!(host.is_some(), kept, "host of step {n}, {done:?}");
        assert_eq!(finding_of(&*snapshot, n)?.is_some(), kept, "finding of step {n}");
        let v = by_key::<Vulnerability>(&*snapshot, &records::vulnerability(n).cve_id)?;
        assert_eq!(v.is_some(), done.contains(&n), "vulnerability of step {n}");
    }
    let mut entries = Vec::new();
    snapshot.scan(AuditLog::TABLE, &Span::all(), Direction::Forward, &mut |key, _| {
        entries.extend(keys::id_of(key));
        Ok(true)
    })?;
    assert_eq!(entries, (1..=done.len() as u64).collect::<Vec<_>>(), "no gap in the audit log");
    let generation = store.generation::<AuditLog>();
    assert!(generation <= done.len() as u64, "{generation} commits, {} steps", done.len());
    assert_eq!(generation == 0, done.is_empty());
    assert_eq!(generation, store.generation::<Vulnerability>());
    Ok(done)
}
