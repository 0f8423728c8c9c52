//! Bringing a file up to date at open: format version, one-off migrations, and rebuilding
//! of indexes whose declaration has changed. A file of a newer program is refused.

use super::catalog::{Catalog, TableInfo};
use super::engine::{Direction, Engine, Source, Span, Table};
use super::tx::{Group, Tx};
use super::{META, keys, row};
use crate::base::record::Record;
use crate::base::{Code, Error, Result, Timestamp};

/// The version of everything that is not a record: key layout, meta rows. Goes up with a
/// migration in [`MIGRATIONS`].
pub const FORMAT: u64 = 1;

const FORMAT_KEY: &str = "format";

/// A one-off change of a file's format.
struct Migration {
    /// The format that it makes.
    to: u64,
    /// What it does, for the log.
    what: &'static str,
    /// Does it, in the transaction that sets the new format.
    run: fn(&mut Tx<'_>) -> Result<()>,
}

/// In order. Format 1 is the first.
const MIGRATIONS: &[Migration] = &[];

/// Records that one transaction of a rebuild takes.
const REBUILD_CHUNK: usize = 5_000;

/// Brings the engine's content up to date.
pub(super) fn run(catalog: &Catalog, engine: &dyn Engine, now: Timestamp) -> Result<()> {
    let found = read_u64(engine, FORMAT_KEY)?;
    match found {
        None => set(engine, now, FORMAT_KEY, FORMAT)?,
        Some(FORMAT) => {}
        Some(newer) if newer > FORMAT => {
            return Err(Error::new(
                Code::Conflict,
                format!(
                    "the database has format {newer}, made by a newer version of vulnzero; this one reads up to {FORMAT}. Install the newer version, or restore the backup made before the upgrade"
                ),
            ));
        }
        Some(older) => migrate(engine, now, older)?,
    }
    for table in catalog.tables() {
        rebuild_if_changed(engine, &**table, now, found.is_none())?;
    }
    Ok(())
}

/// The format of an engine's content; `None` for a new one.
pub fn format(engine: &dyn Engine) -> Result<Option<u64>> {
    read_u64(engine, FORMAT_KEY)
}

fn migrate(engine: &dyn Engine, now: Timestamp, from: u64) -> Result<()> {
    for migration in MIGRATIONS.iter().filter(|m| m.to > from) {
        tracing::info!(to = migration.to, what = migration.what, "migrating the database");
        transact(engine, now, |tx| {
            (migration.run)(tx)?;
            tx.set_meta(FORMAT_KEY, migration.to.to_be_bytes().to_vec());
            Ok(())
        })?;
    }
    Ok(())
}

fn rebuild_if_changed(
    engine: &dyn Engine,
    table: &dyn TableInfo,
    now: Timestamp,
    new_file: bool,
) -> Result<()> {
    let key = format!("fingerprint/{}", table.table());
    let fingerprint = table.fingerprint();
    let stored = read_u64(engine, &key)?;
    if stored == Some(fingerprint) {
        return Ok(());
    }
    if !new_file && stored.is_some() {
        tracing::info!(
            table = table.table(),
            "its indexes are declared differently: building them anew"
        );
    }
    // The fingerprint goes first and comes back last: a rebuild that is cut off starts over.
    transact(engine, now, |tx| {
        tx.remove_raw(META, key.clone().into_bytes());
        Ok(())
    })?;
    for name in table.indexes().iter().map(|i| i.name).chain([table.facets()]) {
        clear(engine, now, name)?;
    }
    let mut after = 0;
    while let Some(last) = transact(engine, now, |tx| table.rebuild(tx, after, REBUILD_CHUNK))? {
        after = last;
    }
    set(engine, now, &key, fingerprint)
}

/// Empties a table in steps.
fn clear(engine: &dyn Engine, now: Timestamp, table: Table) -> Result<()> {
    loop {
        let emptied = transact(engine, now, |tx| {
            let mut keys = Vec::new();
            tx.scan(table, &Span::all(), Direction::Forward, &mut |key, _| {
                keys.push(key.to_vec());
                Ok(keys.len() < REBUILD_CHUNK * 4)
            })?;
            let emptied = keys.is_empty();
            keys.into_iter().for_each(|key| tx.remove_raw(table, key));
            Ok(emptied)
        })?;
        if emptied {
            return Ok(());
        }
    }
}

/// Stages the derived rows of the records after `after`; see
/// [`super::catalog::TableInfo::rebuild`].
pub(super) fn rebuild<R: Record>(tx: &mut Tx<'_>, after: u64, limit: usize) -> Result<Option<u64>> {
    let span = Span {
        start: std::ops::Bound::Excluded(keys::record_key(after).to_vec()),
        end: std::ops::Bound::Unbounded,
    };
    let mut records: Vec<R> = Vec::new();
    tx.scan(R::TABLE, &span, Direction::Forward, &mut |_, bytes| {
        records.push(row::decode(bytes)?);
        Ok(records.len() < limit)
    })?;
    for record in &records {
        tx.restage(record)?;
    }
    Ok(records.last().map(|r| r.head().id))
}

fn transact<T>(
    engine: &dyn Engine,
    now: Timestamp,
    body: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    let mut group = Group::new(engine.snapshot()?);
    let mut tx = Tx::new(&group, now);
    let value = body(&mut tx)?;
    let result = tx.finish();
    group.absorb(result)?;
    let batch = group.into_batch()?;
    if !batch.is_empty() {
        engine.commit(&batch)?;
    }
    Ok(value)
}

fn set(engine: &dyn Engine, now: Timestamp, key: &str, value: u64) -> Result<()> {
    transact(engine, now, |tx| {
        tx.set_meta(key, value.to_be_bytes().to_vec());
        Ok(())
    })
}

fn read_u64(engine: &dyn Engine, key: &str) -> Result<Option<u64>> {
    Ok(engine.snapshot()?.get(META, key.as_bytes())?.and_then(|b| keys::id_of(&b)))
}
