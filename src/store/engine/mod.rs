//! The seam: ordered byte tables with snapshots and an atomic, durable batch.
//!
//! Everything above (records, indexes, facets, queries, jobs, audit) is written once over
//! these few calls. Nothing here knows what the bytes mean. `redb` is named in
//! `engine/redb.rs` only.

pub mod memory;
pub mod redb;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

use crate::base::{Result, key};

/// A table's name. Tables come into being with their first row; a table that does not
/// exist reads as empty.
pub type Table = &'static str;

/// What to write: per table, per key, a value, or `None` to delete. Sorted, because redb
/// writes ascending keys fastest.
pub type Batch = BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

/// In which order a scan visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Reverse,
}

/// A range of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: Bound<Vec<u8>>,
    /// Where it ends.
    pub end: Bound<Vec<u8>>,
}

impl Span {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// Keys that start with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            start: Bound::Included(prefix.to_vec()),
            end: key::successor(prefix).map_or(Bound::Unbounded, Bound::Excluded),
        }
    }

    /// Whether no key can be in it (`BTreeMap::range` panics on such bounds).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(a), Bound::Included(b)) => a > b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Excluded(b))
            | (Bound::Excluded(a), Bound::Included(b)) => a >= b,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        }
    }
}

/// Visits a row; `false` ends the scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<bool> + 'a;

/// Something that can be read: a snapshot, or a transaction over one.
pub trait Source {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Visits the rows of `span` in order.
    fn scan(
        &self,
        table: Table,
        span: &Span,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()>;

    /// Number of rows; constant time.
    fn len(&self, table: Table) -> Result<u64>;
}

/// A consistent view. Keep it short: pages that were freed after it began cannot be
/// reused while it lives.
pub trait Snapshot: Source + Send {}

/// Sizes, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of keys and values.
    pub stored_bytes: u64,
    /// Bytes of structure.
    pub metadata_bytes: u64,
    /// Bytes lost between rows, within pages and in free pages.
    pub fragmented_bytes: u64,
}

/// Where the bytes are.
pub trait Engine: Send + Sync + 'static {
    /// A consistent view of what is committed.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>>;

    /// Durable when it returns `Ok`. After an error nothing may be assumed until
    /// [`Engine::recover`] has succeeded.
    fn commit(&self, batch: &Batch) -> Result<()>;

    /// Empties a table, durably; for rebuilds.
    fn clear(&self, table: Table) -> Result<()>;

    /// Whether [`Engine::recover`] is needed before anything else will work.
    fn is_failed(&self) -> bool;

    /// Opens anew after an error. Snapshots that are still alive answer no more.
    fn recover(&self) -> Result<()>;

    /// Sizes of the whole.
    fn stats(&self) -> Result<EngineStats>;

    /// Rows and stored bytes of one table; reads the whole table's tree.
    fn table_stats(&self, table: Table) -> Result<(u64, u64)>;

    /// Writes a consistent copy to a new file while others read and write. Returns rows.
    fn copy_to(&self, path: &Path) -> Result<u64>;

    /// Gives free space back to the file system. Nothing else can run meanwhile: callers
    /// get `StorageUnavailable`. `Conflict` while snapshots are alive.
    fn compact(&self) -> Result<()>;

    /// Closes cleanly; the engine cannot be used afterwards.
    fn close(&self) -> Result<()>;
}
