//! What happened, told once, after it is durable. Cache invalidation, live updates, job
//! wake-up and metrics are observers of this.

use std::time::Duration;

pub use super::tx::Touched;

/// A durable commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Records that were changed, in order; one may come several times.
    pub touched: Vec<Touched>,
}

impl Commit {
    /// Whether a table was changed.
    #[must_use]
    pub fn touches(&self, table: &str) -> bool {
        self.touched.iter().any(|t| t.table == table)
    }
}

/// A transaction that has its answer.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Its name.
    pub name: &'static str,
    /// Whether it was done.
    pub ok: bool,
    /// Time of the whole commit.
    pub elapsed: Duration,
    /// How many transactions the commit had.
    pub group: usize,
}

/// Hears of commits, on the writer's thread: be quick.
pub trait Observer: Send + Sync + 'static {
    /// After a commit is durable, before its callers are answered.
    fn committed(&self, commit: &Commit);

    /// The storage failed and was opened again. A commit whose answer was an error may be
    /// there nevertheless, so whatever is remembered of records is in doubt.
    fn reopened(&self) {}

    /// For each transaction, done or refused.
    fn done(&self, _done: &Done) {}
}
