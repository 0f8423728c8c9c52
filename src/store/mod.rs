//! L1: records over an ordered byte engine.
//!
//! [`Store::read`] gives a snapshot; [`Store::write`] runs a named transaction on the one
//! writer. What indexes and facets exist comes from the records' declarations. Nothing
//! here knows the business, HTTP, or who listens to commits.

pub mod backup;
mod care;
pub mod catalog;
pub mod check;
pub mod commit;
pub mod engine;
pub mod facet;
pub mod keys;
pub mod lock;
pub mod migrate;
pub mod plan;
pub mod query;
pub mod read;
pub mod row;
mod select;
pub mod sweep;
#[cfg(test)]
mod tests;
pub mod tx;
mod walk;
mod write;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use catalog::Catalog;
pub use commit::{Commit, Observer, Touched};
pub use engine::{Direction, Engine, Snapshot, Source, Table};
pub use read::Read;
pub use tx::{Tx, Watched};

use crate::base::record::Record;
use crate::base::{Clock, Error, Result};

/// The table of odds and ends: sequences, generations, format, fingerprints, chain head.
pub const META: Table = "meta";

fn generation_key(table: Table) -> String {
    format!("gen/{table}")
}

fn sequence_key(table: Table) -> String {
    format!("seq/{table}")
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Directory of the database; watched for free space. `None` for stores in memory.
    pub data_dir: Option<PathBuf>,
    /// Bytes of redb's page cache. 64 MiB lose a tenth of the rate of a first import of a
    /// million findings against 128 MiB, and nothing of reading: the operating system
    /// caches the file too.
    pub cache_bytes: usize,
    /// Below this many free bytes only reading works.
    pub min_free_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { data_dir: None, cache_bytes: 64 << 20, min_free_bytes: 256 << 20 }
    }
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    writer: Arc<write::Writer>,
}

struct Inner {
    engine: Box<dyn Engine>,
    clock: Arc<dyn Clock>,
    options: Options,
    catalog: Catalog,
    generations: HashMap<Table, AtomicU64>,
    hits: HashMap<&'static str, AtomicU64>,
    observers: OnceLock<Vec<Arc<dyn Observer>>>,
    read_only: AtomicBool,
    trouble: Mutex<Option<String>>,
}

/// What `/health/ready` tells about the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why the engine takes no writes, if it takes none. Reading works meanwhile, unless
    /// the storage cannot even be opened.
    pub trouble: Option<String>,
    /// The disk is nearly full: only reading works.
    pub read_only: bool,
    /// Free bytes of the file system, if that can be told.
    pub free_bytes: Option<u64>,
}

impl Store {
    /// Opens a store over an engine: brings its format up to date, then starts the writer.
    pub fn open(
        engine: Box<dyn Engine>,
        catalog: Catalog,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self> {
        let generations = catalog.tables().iter().map(|t| (t.table(), AtomicU64::new(0))).collect();
        let hits = catalog
            .tables()
            .iter()
            .flat_map(|t| t.indexes())
            .map(|i| (i.name, AtomicU64::new(0)))
            .collect();
        let inner = Arc::new(Inner {
            engine,
            clock,
            options,
            catalog,
            generations,
            hits,
            observers: OnceLock::new(),
            read_only: AtomicBool::new(false),
            trouble: Mutex::new(None),
        });
        migrate::run(&inner.catalog, &*inner.engine, inner.clock.now())?;
        inner.load_generations()?;
        let writer = Arc::new(write::Writer::start(inner.clone())?);
        Ok(Self { inner, writer })
    }

    /// Sets who hears of commits; once, before the first write that matters.
    pub fn observe(&self, observers: Vec<Arc<dyn Observer>>) -> Result<()> {
        self.inner.observers.set(observers).map_err(|_| Error::internal("observers are set once"))
    }

    /// A consistent view. Reads run inline: a point read or a page takes microseconds.
    pub fn read(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.engine.snapshot()
    }

    /// Runs a named transaction and waits for it to be durable; for threads that may block.
    /// The body may touch nothing but the transaction, and may run again.
    pub fn write_blocking<T, F>(&self, name: &'static str, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.submit(name, body, move |answer| {
            // The caller waits below; it cannot have gone.
            let _waits = sender.send(answer);
        });
        receiver.recv().unwrap_or_else(|_| Err(write::closed()))
    }

    /// [`Store::write_blocking`] for async callers: the runtime is not blocked.
    pub async fn write<T, F>(&self, name: &'static str, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.submit(name, body, move |answer| {
            // A caller that has gone no longer wants the answer; the write stands.
            let _gone = sender.send(answer);
        });
        receiver.await.unwrap_or_else(|_| Err(write::closed()))
    }

    fn submit<T, F>(
        &self,
        name: &'static str,
        mut body: F,
        reply: impl FnOnce(Result<T>) + Send + 'static,
    ) where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let filled = slot.clone();
        let run = Box::new(move |tx: &mut Tx<'_>| {
            let value = body(tx)?;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        });
        let reply = Box::new(move |outcome: Result<()>| {
            let value = filled.lock().unwrap_or_else(PoisonError::into_inner).take();
            reply(outcome.and_then(|()| {
                value.ok_or_else(|| Error::internal("a transaction gave no value"))
            }));
        });
        self.writer.submit(write::Job { name, run, reply });
    }

    /// Goes up with every commit that touches the table; keys of list ETags and caches.
    /// Ask before taking the snapshot: then the worst is an old number for newer content.
    #[must_use]
    pub fn generation<R: Record>(&self) -> u64 {
        self.inner.generations.get(R::TABLE).map_or(0, |g| g.load(Ordering::Acquire))
    }

    /// What the records declare.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// The engine, for maintenance.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        &*self.inner.engine
    }

    /// The clock of this store.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// How often an index has served a query since the start.
    #[must_use]
    pub fn hits(&self, index: &str) -> u64 {
        self.inner.hits.get(index).map_or(0, |h| h.load(Ordering::Relaxed))
    }

    fn hit(&self, index: &str) {
        if let Some(hits) = self.inner.hits.get(index) {
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> Health {
        let trouble = self.inner.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let failed = self.inner.engine.is_failed();
        Health {
            trouble: trouble.or_else(|| failed.then(|| "the storage failed".to_owned())),
            read_only: self.inner.read_only.load(Ordering::Relaxed),
            free_bytes: self.inner.free_bytes(),
        }
    }

    /// Finishes what is queued, then closes the engine cleanly.
    pub fn close(&self) -> Result<()> {
        self.writer.stop();
        self.inner.engine.close()
    }
}

impl Inner {
    fn observers(&self) -> &[Arc<dyn Observer>] {
        self.observers.get().map_or(&[], Vec::as_slice)
    }

    fn load_generations(&self) -> Result<()> {
        let snapshot = self.engine.snapshot()?;
        for (table, generation) in &self.generations {
            let stored = snapshot.get(META, generation_key(table).as_bytes())?;
            generation.store(stored.and_then(|b| keys::id_of(&b)).unwrap_or(0), Ordering::Release);
        }
        Ok(())
    }

    fn set_generation(&self, table: Table, value: u64) {
        if let Some(generation) = self.generations.get(table) {
            generation.store(value, Ordering::Release);
        }
    }

    fn set_read_only(&self, read_only: bool) {
        self.read_only.store(read_only, Ordering::Relaxed);
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(self.options.data_dir.as_ref()?).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
