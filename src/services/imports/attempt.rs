//! One go at an import: who does it, for which report, and how its steps are written.

use std::sync::Arc;

use super::turns::{Scope, Turn};
use crate::base::{Result, Timestamp};
use crate::domain::change::ChangeKind;
use crate::domain::import::Import;
use crate::domain::observation::ReportInfo;
use crate::services::undo::{self, Author};
use crate::services::{Core, jobs};
use crate::store::{Read, Tx};

/// Who reports, when the scan was made, and when the import was begun: an attempt that was
/// cut off has left records newer than that, whose effects count as this import's.
pub(super) struct Source {
    pub report: ReportInfo,
    pub at: Timestamp,
    pub begun: Timestamp,
    pub import_id: u64,
    pub format: &'static str,
}

/// A worker at an import.
pub(super) struct Attempt<'a> {
    /// The services.
    pub core: &'a Core,
    /// The import.
    pub import_id: u64,
    /// The job, unless a person waits for the answer.
    pub job_id: Option<u64>,
    /// Whether it must leave the rest for later.
    stopped: &'a dyn Fn() -> bool,
    /// Who is told to have made the changes, if they are kept for undoing them.
    author: Option<Arc<Author>>,
}

/// How far an import is (0 to 1), and what it is doing.
pub(super) type Progress = (f64, &'static str);

impl<'a> Attempt<'a> {
    /// A go at `import`, within its job if it has one.
    pub fn new(
        core: &'a Core,
        import: &Import,
        job_id: Option<u64>,
        stopped: &'a dyn Fn() -> bool,
    ) -> Self {
        let author = Author {
            kind: ChangeKind::Import,
            action: "imports.create",
            name: import.created_by.clone(),
            import_id: Some(import.id),
        };
        let author = author.if_kept(core).map(Arc::new);
        Self { core, import_id: import.id, job_id, stopped, author }
    }

    /// An error if the rest must be left for later.
    pub fn go_on(&self) -> Result<()> {
        jobs::go_on(self.stopped)
    }

    /// Waits for its turn; its job shows signs of life meanwhile, so that no other worker
    /// takes it for given up.
    pub fn turn(&self, scope: Scope, progress: f64) -> Result<Turn<'_>> {
        self.core.turns.take(scope, || {
            let doing = (progress, "waiting for other work on the same assets");
            self.write("imports.wait", doing, |_| Ok(()))
        })
    }

    /// Runs one step: a transaction that also tells how far the import is, and keeps what
    /// it replaces.
    pub fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        progress: Progress,
        mut body: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.go_on()?;
        let (job_id, import_id) = (self.job_id, self.import_id);
        let author = self.author.clone();
        self.core.store.write_blocking(name, move |tx| {
            let (done, _change) = undo::keep(tx, author.as_deref(), &mut body)?;
            if let Some(job_id) = job_id {
                progressed(tx, job_id, import_id, progress)?;
            }
            Ok(done)
        })
    }
}

/// Notes how far an import is, on its job and on itself.
fn progressed(
    tx: &mut Tx<'_>,
    job_id: u64,
    import_id: u64,
    (progress, doing): Progress,
) -> Result<()> {
    jobs::heartbeat(tx, job_id, progress, doing)?;
    let import: Import = tx.require(import_id)?;
    let progress = progress.clamp(0.0, 1.0);
    tx.touch(&Import { progress, phase: Some(doing.to_owned()), ..import })
}

/// Notes how many entries have been applied.
pub(super) fn applied(tx: &mut Tx<'_>, import_id: u64, applied: u64) -> Result<()> {
    tx.touch(&Import { applied, ..tx.require(import_id)? })
}
