//! Imports: take an upload in, and later apply it as a job.

mod apply;
mod attempt;
mod closing;
mod inventory;
mod once;
mod originals;
mod ports;
mod quarantine;
mod revert;
mod run;
mod spool;
mod step;
mod turns;
mod watch;

pub use once::{Once, forget};
pub use originals::{Original, original};
pub use quarantine::{accept, discard, run as run_accept};
pub use revert::{revert, run as run_revert};
pub use run::run;
pub use spool::Upload;
pub(super) use turns::Turns;
pub use watch::Watch;

use roaring::RoaringBitmap;

use super::audit::{self, Entry};
use super::{Core, Ctx, mappings};
use crate::adapters::importers::{self, Importer as _};
use crate::base::{Code, Error, Result, limits};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::job::{Job, JobKind};
use crate::domain::user::Role;
use crate::store::query::parse_filter;
use crate::store::{Read, Tx, plan};

/// What an uploader says about a file.
#[derive(Debug, Clone, Default)]
pub struct NewImport {
    /// Its name.
    pub filename: Option<String>,
    /// Its format, or `auto`.
    pub format: Option<String>,
    /// Name to give the asset, if the report holds only one.
    pub asset: Option<String>,
    /// Name of the saved mapping that says what its columns mean.
    pub mapping: Option<String>,
}

/// What `format` may be: `auto`, and each importer's name.
#[must_use]
pub fn formats() -> Vec<&'static str> {
    std::iter::once("auto").chain(importers::ALL.iter().map(|i| i.name())).collect()
}

/// Begins to take in a report: who may. What is said about it may come later ([`check`]).
pub fn begin(core: &Core, ctx: &Ctx) -> Result<Upload> {
    ctx.require(Role::Operator)?;
    Upload::begin(core)
}

/// Holds what an uploader says about a file to the rules; the earlier, the less is sent in
/// vain.
pub fn check(core: &Core, new: &NewImport) -> Result<()> {
    if let Some(name) = &new.mapping {
        mappings::named(core, name)?;
        let generic = importers::generic_csv::Generic::default();
        if new.format.as_deref().is_some_and(|f| f != "auto" && f != generic.name()) {
            let detail = format!("a mapping is for the format {} only", generic.name());
            return Err(Error::field("mapping", detail));
        }
    }
    if let Some(format) = new.format.as_deref().filter(|f| *f != "auto") {
        importers::choose(format, &[])?;
    }
    for (name, text) in [("filename", &new.filename), ("asset", &new.asset)] {
        if text.as_ref().is_some_and(|t| {
            !(1..=255).contains(&t.chars().count()) || t.contains(char::is_control)
        }) {
            let detail = "it needs 1 to 255 characters, none of them a control character";
            return Err(Error::field(name, detail));
        }
    }
    Ok(())
}

/// What came of an upload.
#[derive(Debug, Clone, PartialEq)]
pub struct Enqueued {
    /// The import.
    pub import: Import,
    /// The same request had made it before.
    pub repeated: bool,
}

/// Enqueues an uploaded report. The file is in its place before the job is, so that the
/// job always finds it. With a key, the same request again gives the import of the first.
pub async fn enqueue(
    core: &Core,
    ctx: &Ctx,
    new: NewImport,
    upload: Upload,
    once: Option<Once>,
) -> Result<Enqueued> {
    check(core, &new)?;
    let upload = upload.finish().await?;
    let author = ctx.actor.name.clone();
    let (bytes, sha256) = (upload.bytes, upload.sha256.clone());
    let asked = once.as_ref().map(|once| once.asked(&new, &sha256));
    let (import, repeated) = core
        .store
        .write("imports.begin", move |tx| {
            if let Some(known) = asked.as_ref().map_or(Ok(None), |asked| asked.known(tx))? {
                return Ok((known, true));
            }
            let import = tx.insert(Import {
                filename: new.filename.clone(),
                format: new.format.clone().unwrap_or_else(|| "auto".into()),
                asset: new.asset.clone(),
                mapping: new.mapping.clone(),
                bytes,
                sha256: sha256.clone(),
                created_by: author.clone(),
                ..Import::default()
            })?;
            asked.as_ref().map_or(Ok(()), |asked| asked.remember(tx, import.id))?;
            Ok((import, false))
        })
        .await?;
    if repeated {
        return Ok(Enqueued { import, repeated });
    }
    upload.place(core, import.id)?;
    let import = create(core, ctx, import.id).await?;
    // Until here another request with the same key had to wait.
    drop(once);
    Ok(Enqueued { import, repeated })
}

/// Makes the job of an import whose file is in its place.
async fn create(core: &Core, ctx: &Ctx, id: u64) -> Result<Import> {
    let ctx = ctx.clone();
    core.store
        .write("imports.create", move |tx| {
            let job =
                Job { import_id: Some(id), ..Job::new(JobKind::Import, &ctx.actor.name, tx.now()) };
            let job = tx.insert(job)?;
            let import: Import = tx.require(id)?;
            let import = tx.update(Import { job_id: Some(job.id), ..import })?;
            let name = name(&import);
            let detail = format!("{} bytes, SHA-256 {}", import.bytes, import.sha256);
            audit::record(
                tx,
                &ctx,
                Entry::new("imports.create").on::<Import>(import.id, name).detail(detail),
            )?;
            Ok(import)
        })
        .await
}

/// What people call an import.
fn name(import: &Import) -> String {
    import.filename.clone().unwrap_or_else(|| format!("import {}", import.id))
}

/// Writes an import with a job that goes on with it, and audits that.
fn go_on_as(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    verb: super::edit::Verb,
    (kind, status): (JobKind, ImportStatus),
    import: Import,
) -> Result<Import> {
    let new = Job { import_id: Some(import.id), ..Job::new(kind, &ctx.actor.name, tx.now()) };
    let job_id = Some(tx.insert(new)?.id);
    finish_as(tx, ctx, verb, status, Import { job_id, ..import })
}

/// Whether a job still goes on with an import, or will.
fn is_worked_on<S: Read + ?Sized>(source: &S, import: &Import) -> Result<bool> {
    let job = import.job_id.map_or(Ok(None), |id| source.find::<Job>(id))?;
    Ok(job.is_some_and(|job| !job.status.is_final()))
}

/// Writes an import with what a person has decided about it, and audits that.
fn finish_as(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    verb: super::edit::Verb,
    status: ImportStatus,
    import: Import,
) -> Result<Import> {
    let before: Import = tx.require(import.id)?;
    let after = tx.update(Import { status, ..import })?;
    let entry = Entry::new(verb).on::<Import>(after.id, name(&after));
    audit::record(tx, ctx, entry.changes(Some(&before), Some(&after))?)?;
    Ok(after)
}

/// Waits until an import is done, refused, or given up.
pub async fn wait(core: &Core, id: u64) -> Result<Import> {
    let mut changed = core.jobs_changed();
    loop {
        let (import, job) = {
            let snapshot = core.store.read()?;
            let import: Import = snapshot.require(id)?;
            let job = match import.job_id {
                Some(job) => snapshot.find::<Job>(job)?,
                None => None,
            };
            (import, job)
        };
        let ended = import.status.is_final();
        // Its job too: who looks at that next shall not find it running.
        if job.map_or(ended, |j| j.status.is_final()) {
            return Ok(import);
        }
        if changed.changed().await.is_err() {
            return Err(Error::new(Code::Unavailable, "the server is shutting down"));
        }
    }
}

/// After a start: imports whose upload was cut off are marked so, and files that no import
/// waits for are removed.
pub async fn tidy(core: &Core) -> Result<()> {
    let waits = [ImportStatus::Pending.word(), ImportStatus::Running.word()];
    let waits = parse_filter::<Import>("status", &waits)?;
    // However many wait, their numbers alone take little.
    let waiting: Vec<u32> =
        plan::ids::<Import>(&core.store, &*core.store.read()?, &[waits])?.into_iter().collect();
    let mut keep = RoaringBitmap::new();
    for chunk in waiting.chunks(limits::BATCH_CHUNK) {
        let cut = {
            let snapshot = core.store.read()?;
            let mut cut = Vec::new();
            for id in chunk {
                if snapshot.require::<Import>((*id).into())?.job_id.is_some() {
                    keep.insert(*id);
                } else {
                    cut.push(*id);
                }
            }
            cut
        };
        if !cut.is_empty() {
            core.store.write("imports.cut_off", move |tx| cut_off(tx, &cut)).await?;
        }
    }
    spool::sweep(core, &keep)?;
    sweep(core).await
}

/// Removes originals that no import names any more; a periodic task.
pub async fn sweep(core: &Core) -> Result<()> {
    let core = core.clone();
    let swept = tokio::task::spawn_blocking(move || originals::sweep(&core)).await;
    swept.map_err(|e| Error::internal("sweeping originals was cut off").with_source(e))?
}

/// Marks imports whose upload did not come to its end.
fn cut_off(tx: &mut Tx<'_>, ids: &[u32]) -> Result<()> {
    let why = "the server stopped during the upload; send it again";
    let why = Error::new(Code::Unavailable, why);
    for id in ids {
        let mut import: Import = tx.require((*id).into())?;
        import.fail(&why, tx.now());
        tx.update(import)?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
