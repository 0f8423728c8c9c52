//! The engine that ships: redb. The only file that names it.
//!
//! Facts built on (redb 4.6): every commit sets quick-repair, so that opening after a kill
//! takes no time; a new file is made beside its place and renamed, so that a half-made one
//! is never found; after one I/O error the handle refuses everything until it is closed
//! and opened again ([`Redb::recover`]); a table is `&[u8] → &[u8]` with our own order,
//! so that no release of redb can change our types.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTable as _, ReadableTableMetadata, TableDefinition, TableError, TableHandle,
};

use super::{Batch, Direction, Engine, EngineStats, Snapshot, Source, Span, Table, Visit};
use crate::base::{Code, Error, Result};

type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;

const fn definition(table: Table) -> Bytes {
    TableDefinition::new(table)
}

/// How the database is opened; tests put their own storage below.
pub type Opener = dyn Fn() -> std::result::Result<Database, DatabaseError> + Send + Sync;

/// A redb database.
pub struct Redb {
    open: Box<Opener>,
    path: Option<PathBuf>,
    /// `None` while it is being opened again or compacted, and after it was closed.
    database: RwLock<Option<Database>>,
    state: Arc<State>,
}

/// What snapshots share with the engine.
#[derive(Debug, Default)]
struct State {
    /// The handle is of no more use.
    failed: AtomicBool,
    /// Goes up with every opening: an error of an older handle says nothing of this one.
    opening: AtomicU64,
    readers: AtomicI64,
}

impl State {
    fn opening(&self) -> u64 {
        self.opening.load(Ordering::Acquire)
    }

    /// Remembers that the handle of `opening` is of no more use, if that is what `e` means.
    fn note(&self, opening: u64, e: redb::Error) -> Error {
        let fatal = matches!(
            e,
            redb::Error::Io(_)
                | redb::Error::PreviousIo
                | redb::Error::Corrupted(_)
                | redb::Error::LockPoisoned(_)
        );
        if fatal && opening == self.opening() {
            self.failed.store(true, Ordering::Release);
        }
        storage_error(e)
    }
}

impl Redb {
    /// Opens the file at `path`, or makes it. `cache_bytes` is redb's page cache; its own
    /// default is 1 GiB.
    pub fn open(path: &Path, cache_bytes: usize) -> Result<Self> {
        // An error is not "there is none": a new file would be put in the old one's place.
        if !path.try_exists().map_err(|e| file_error("cannot look for", path, e))? {
            create(path)?;
        }
        let file = path.to_owned();
        let open = move || Builder::new().set_cache_size(cache_bytes).open(&file);
        let mut engine = Self::with_opener(Box::new(open))?;
        engine.path = Some(path.to_owned());
        Ok(engine)
    }

    /// A database that nothing keeps; for tests that want this engine's ways without files.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Result<Self> {
        Self::with_opener(Box::new(|| {
            Builder::new().create_with_backend(redb::backends::InMemoryBackend::new())
        }))
    }

    /// Opens over a storage of the caller's.
    pub fn with_opener(open: Box<Opener>) -> Result<Self> {
        let database = guarded(|| open().map_err(open_error))?;
        Ok(Self { open, path: None, database: RwLock::new(Some(database)), state: Arc::default() })
    }

    /// Reads every page of the file at `path` against its checksum. An error says that it
    /// is no database, or damaged.
    pub fn verify(path: &Path) -> Result<()> {
        let mut builder = Builder::new();
        builder.set_cache_size(16 << 20).set_check_integrity_on_open(true);
        guarded(|| builder.open(path).and_then(Database::close).map_err(open_error))
    }

    /// Snapshots that are alive.
    #[must_use]
    pub fn readers(&self) -> i64 {
        self.state.readers.load(Ordering::Relaxed)
    }

    fn with<T>(
        &self,
        f: impl FnOnce(&Database) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let opening = self.state.opening();
        let database = guard.as_ref().ok_or_else(unavailable)?;
        f(database).map_err(|e| self.state.note(opening, e))
    }

    /// Takes the handle away or puts one there. Never held while something slow is done, so
    /// that nobody else waits for it.
    fn put(&self, database: Option<Database>) -> Option<Database> {
        let mut guard = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if database.is_some() {
            self.state.opening.fetch_add(1, Ordering::AcqRel);
            self.state.failed.store(false, Ordering::Release);
        }
        std::mem::replace(&mut *guard, database)
    }
}

fn unavailable() -> Error {
    Error::new(Code::StorageUnavailable, "the storage is being opened again or compacted")
        .with_retry_after(1)
}

fn storage_error(e: redb::Error) -> Error {
    let text = match &e {
        redb::Error::DatabaseClosed => return unavailable().with_source(e),
        redb::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => "the disk is full",
        redb::Error::Corrupted(_) => "the database is damaged",
        _ => "the storage failed",
    };
    Error::new(Code::StorageUnavailable, text).with_source(e).with_retry_after(1)
}

fn open_error(e: DatabaseError) -> Error {
    match e {
        DatabaseError::DatabaseAlreadyOpen => {
            Error::new(Code::Locked, "the database is open in another process")
        }
        other => {
            Error::new(Code::StorageUnavailable, format!("the database cannot be opened: {other}"))
                .with_source(other)
        }
    }
}

/// What was committed is safe all the same; only the next opening takes a little longer.
fn close_error(e: DatabaseError) -> Error {
    Error::new(Code::StorageUnavailable, format!("the database cannot be closed cleanly: {e}"))
        .with_source(e)
}

fn file_error(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Code::StorageUnavailable, format!("{what} {}: {e}", path.display())).with_source(e)
}

/// Makes a new database beside its place and renames it there: a crash leaves either none
/// or a whole one.
fn create(path: &Path) -> Result<()> {
    let wrap = |e: std::io::Error| file_error("cannot create", path, e);
    let temporary = path.with_extension("tmp");
    let file = FileBackend::new(private_file(&temporary).map_err(wrap)?).map_err(open_error)?;
    Builder::new().create_with_backend(file).map_err(open_error)?.close().map_err(open_error)?;
    File::open(&temporary).and_then(|f| f.sync_all()).map_err(wrap)?;
    fs::rename(&temporary, path).map_err(wrap)?;
    sync_directory(path).map_err(wrap)
}

/// An empty file that only its owner can read: there are password hashes in it. What was
/// there is removed.
pub(crate) fn private_file(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Makes a rename durable.
pub(crate) fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// redb promises nothing for a file that was damaged from outside; a panic in there must
/// not end the one thread that could open it again.
fn guarded<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f))
        .unwrap_or_else(|_| Err(Error::internal("the storage engine panicked")))
}

fn write(database: &Database, batch: &Batch) -> std::result::Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    for (table, rows) in batch {
        write_rows(&mut transaction.open_table(definition(table))?, rows)?;
    }
    Ok(transaction.commit()?)
}

/// Rows behind a table's end from which appending them in one go pays.
const APPEND_ROWS: usize = 16;

fn write_rows(
    table: &mut redb::Table<'_, &'static [u8], &'static [u8]>,
    rows: &BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> std::result::Result<(), redb::Error> {
    let end = if rows.len() < APPEND_ROWS { Bound::Unbounded } else { behind(table)? };
    let within = (Bound::Unbounded, end.as_ref().map(Vec::as_slice));
    for (key, value) in rows.range::<[u8], _>(within) {
        match value {
            Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
            None => drop(table.remove(key.as_slice())?),
        }
    }
    let Bound::Excluded(end) = end else { return Ok(()) };
    // New records and first imports: about three times as fast as row by row.
    let mut last = table.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
    for (key, value) in rows.range::<[u8], _>((Bound::Included(end.as_slice()), Bound::Unbounded)) {
        if let Some(value) = value {
            last.insert_before(key.as_slice(), value.as_slice())?;
        }
    }
    Ok(last.close()?)
}

/// The first key that is behind all of a table's.
fn behind(
    table: &redb::Table<'_, &'static [u8], &'static [u8]>,
) -> std::result::Result<Bound<Vec<u8>>, redb::Error> {
    let mut end = table.last()?.map_or_else(Vec::new, |(key, _)| key.value().to_vec());
    end.push(0);
    Ok(Bound::Excluded(end))
}

impl Engine for Redb {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        let (transaction, opening) =
            self.with(|db| Ok((db.begin_read()?, self.state.opening())))?;
        self.state.readers.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(View {
            transaction,
            tables: RefCell::default(),
            opening,
            state: self.state.clone(),
        }))
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        if self.is_failed() {
            return Err(unavailable());
        }
        guarded(|| self.with(|db| write(db, batch))).inspect_err(|e| {
            if e.code() == Code::Internal {
                self.state.failed.store(true, Ordering::Release);
            }
        })
    }

    fn clear(&self, table: Table) -> Result<()> {
        self.with(|db| {
            let mut transaction = db.begin_write()?;
            transaction.set_quick_repair(true);
            transaction.delete_table(definition(table))?;
            Ok(transaction.commit()?)
        })
    }

    fn is_failed(&self) -> bool {
        self.state.failed.load(Ordering::Acquire)
    }

    fn recover(&self) -> Result<()> {
        // Dropped before it is opened again: the file is locked as long as it lives.
        drop(self.put(None));
        self.put(Some(guarded(|| (self.open)().map_err(open_error))?));
        Ok(())
    }

    fn stats(&self) -> Result<EngineStats> {
        let file_bytes = match &self.path {
            Some(path) => fs::metadata(path).map(|m| m.len()).unwrap_or_default(),
            None => 0,
        };
        // redb offers its statistics on a write transaction only.
        self.with(|db| {
            let transaction = db.begin_write()?;
            let stats = transaction.stats()?;
            transaction.abort()?;
            Ok(EngineStats {
                file_bytes,
                stored_bytes: stats.stored_bytes(),
                metadata_bytes: stats.metadata_bytes(),
                fragmented_bytes: stats.fragmented_bytes(),
            })
        })
    }

    fn table_stats(&self, table: Table) -> Result<(u64, u64)> {
        self.with(|db| match db.begin_read()?.open_table(definition(table)) {
            Ok(table) => Ok((table.len()?, table.stats()?.stored_bytes())),
            Err(TableError::TableDoesNotExist(_)) => Ok((0, 0)),
            Err(e) => Err(e.into()),
        })
    }

    fn copy_to(&self, path: &Path) -> Result<u64> {
        let source = self.with(|db| Ok(db.begin_read()?))?;
        let file = private_file(path).map_err(|e| file_error("cannot create", path, e))?;
        let file = FileBackend::new(file).map_err(open_error)?;
        let target = Builder::new()
            .set_cache_size(64 << 20)
            .create_with_backend(file)
            .map_err(open_error)?;
        let rows = copy(&source, &target).map_err(storage_error)?;
        target.close().map_err(open_error)?;
        File::open(path)
            .and_then(|f| f.sync_all())
            .map_err(|e| file_error("cannot write", path, e))?;
        Ok(rows)
    }

    fn compact(&self) -> Result<()> {
        let mut database = self.put(None).ok_or_else(unavailable)?;
        let outcome = database.compact();
        self.put(Some(database));
        match outcome {
            Ok(_) => Ok(()),
            Err(redb::CompactionError::TransactionInProgress) => {
                Err(Error::new(Code::Conflict, "a read or write is going on; try again")
                    .with_retry_after(1))
            }
            Err(e) => Err(self.state.note(self.state.opening(), e.into())),
        }
    }

    fn close(&self) -> Result<()> {
        match self.put(None) {
            Some(database) => database.close().map_err(close_error),
            None => Ok(()),
        }
    }
}

/// Rows that one transaction of a copy writes: bounds memory and the target's growth.
const COPY_ROWS: usize = 20_000;

fn copy(source: &ReadTransaction, target: &Database) -> std::result::Result<u64, redb::Error> {
    let mut rows = 0;
    let names: Vec<String> = source.list_tables()?.map(|t| t.name().to_owned()).collect();
    for name in names {
        let definition: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(&name);
        let from = source.open_table(definition)?;
        let mut iterator = from.range::<&[u8]>(..)?.peekable();
        while iterator.peek().is_some() {
            let transaction = target.begin_write()?;
            {
                let mut to = transaction.open_table(definition)?;
                for row in iterator.by_ref().take(COPY_ROWS) {
                    let (key, value) = row?;
                    to.insert(key.value(), value.value())?;
                    rows += 1;
                }
            }
            transaction.commit()?;
        }
    }
    Ok(rows)
}

type OpenTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A read transaction with the tables it has opened.
struct View {
    transaction: ReadTransaction,
    tables: RefCell<Vec<(Table, Option<Arc<OpenTable>>)>>,
    opening: u64,
    state: Arc<State>,
}

impl View {
    fn failure(&self, e: impl Into<redb::Error>) -> Error {
        self.state.note(self.opening, e.into())
    }

    /// The table, opened once per snapshot; `None` if nothing was ever put there.
    fn table(&self, name: Table) -> Result<Option<Arc<OpenTable>>> {
        let mut tables = self.tables.borrow_mut();
        if let Some((_, table)) = tables.iter().find(|(n, _)| std::ptr::eq(*n, name) || *n == name)
        {
            return Ok(table.clone());
        }
        let table = match self.transaction.open_table(definition(name)) {
            Ok(table) => Some(Arc::new(table)),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(e) => return Err(self.failure(e)),
        };
        tables.push((name, table.clone()));
        Ok(table)
    }
}

impl Source for View {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(table) = self.table(table)? else { return Ok(None) };
        let value = table.get(key).map_err(|e| self.failure(e))?;
        Ok(value.map(|v| v.value().to_vec()))
    }

    fn scan(
        &self,
        table: Table,
        span: &Span,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let Some(table) = self.table(table)?.filter(|_| !span.is_empty()) else { return Ok(()) };
        let bounds = (span.start.as_ref().map(Vec::as_slice), span.end.as_ref().map(Vec::as_slice));
        let mut range = table.range::<&[u8]>(bounds).map_err(|e| self.failure(e))?;
        loop {
            let row = match direction {
                Direction::Forward => range.next(),
                Direction::Reverse => range.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.map_err(|e| self.failure(e))?;
            if !visit(key.value(), value.value())? {
                return Ok(());
            }
        }
    }

    fn len(&self, table: Table) -> Result<u64> {
        match self.table(table)? {
            Some(table) => table.len().map_err(|e| self.failure(e)),
            None => Ok(0),
        }
    }
}

impl Snapshot for View {}

impl Drop for View {
    fn drop(&mut self) {
        self.state.readers.fetch_sub(1, Ordering::Relaxed);
    }
}
