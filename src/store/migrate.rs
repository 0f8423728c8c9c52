//! Bringing a file up to date at open: format version, one-off migrations, and rebuilding
//! of indexes whose declaration has changed. A file of a newer program is refused.

use super::catalog::{Catalog, TableInfo};
use super::engine::{Direction, Engine, Source as _, Span, Table};
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

/// Brings the engine's content up to date. What is newer than this program is refused
/// before anything is changed.
pub(super) fn run(catalog: &Catalog, engine: &dyn Engine, now: Timestamp) -> Result<()> {
    let found = read_u64(engine, FORMAT_KEY)?;
    if let Some(newer) = found.filter(|f| *f > FORMAT) {
        return Err(too_new("the database has format", newer, FORMAT));
    }
    for table in catalog.tables() {
        let stored = read_u64(engine, &schema_key(table.table()))?;
        if let Some(newer) = stored.filter(|s| *s > u64::from(table.schema())) {
            let what = format!("the database's {} have schema", table.table());
            return Err(too_new(&what, newer, table.schema().into()));
        }
    }
    let Some(found) = found else {
        if engine.snapshot()?.len(META)? == 0 {
            return begin(catalog, engine, now);
        }
        return Err(Error::internal("the database does not say which format it has"));
    };
    migrate(engine, now, found)?;
    catalog.tables().iter().try_for_each(|table| rebuild_if_changed(engine, &**table, now))
}

/// Fills a new file: in one commit, so that there is nothing half-made.
fn begin(catalog: &Catalog, engine: &dyn Engine, now: Timestamp) -> Result<()> {
    transact(engine, now, |tx| {
        tx.set_meta(FORMAT_KEY, number(FORMAT));
        catalog.tables().iter().for_each(|table| set_built(tx, &**table));
        Ok(())
    })
}

/// Notes that the indexes of a table are as it declares them.
fn set_built(tx: &mut Tx<'_>, table: &dyn TableInfo) {
    tx.set_meta(&fingerprint_key(table.table()), number(table.fingerprint()));
    tx.set_meta(&schema_key(table.table()), number(table.schema().into()));
}

fn number(n: u64) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

fn fingerprint_key(table: Table) -> String {
    format!("fingerprint/{table}")
}

fn too_new(what: &str, found: u64, known: u64) -> Error {
    Error::new(
        Code::Conflict,
        format!(
            "{what} {found}, made by a newer version of vulnzero; this one ({}) reads up to {known}. Install the newer version, or restore the backup made before the upgrade",
            env!("CARGO_PKG_VERSION")
        ),
    )
}

fn schema_key(table: Table) -> String {
    format!("schema/{table}")
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
            tx.set_meta(FORMAT_KEY, number(migration.to));
            Ok(())
        })?;
    }
    Ok(())
}

fn rebuild_if_changed(engine: &dyn Engine, table: &dyn TableInfo, now: Timestamp) -> Result<()> {
    let key = fingerprint_key(table.table());
    let stored = read_u64(engine, &key)?;
    if stored == Some(table.fingerprint()) {
        return Ok(());
    }
    tracing::info!(table = table.table(), "building its indexes anew");
    // The fingerprint goes first and comes back last: a rebuild that is cut off starts over.
    transact(engine, now, |tx| {
        tx.remove_raw(META, key.into_bytes());
        Ok(())
    })?;
    for name in table.indexes().iter().map(|i| i.name).chain([table.facets()]) {
        if engine.snapshot()?.len(name)? > 0 {
            engine.clear(name)?;
        }
    }
    let mut after = 0;
    while let Some(last) = transact(engine, now, |tx| table.rebuild(tx, after, REBUILD_CHUNK))? {
        after = last;
    }
    transact(engine, now, |tx| {
        set_built(tx, table);
        Ok(())
    })
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

fn read_u64(engine: &dyn Engine, key: &str) -> Result<Option<u64>> {
    let Some(bytes) = engine.snapshot()?.get(META, key.as_bytes())? else { return Ok(None) };
    // Taken for absent, it would pass as a new file.
    let number = keys::id_of(&bytes);
    number.map(Some).ok_or_else(|| Error::internal(format!("the database's {key} is damaged")))
}
