//! Reverting an import: everything that it did is undone, as long as nothing has built on
//! it. Looked at when it is asked for; done by a job, step by step, the newest first.

use super::attempt::Attempt;
use super::turns::Scope;
use super::{finish_as, go_on_as, is_worked_on};
use crate::base::id::{Id, Reference};
use crate::base::{Code, Error, Result};
use crate::domain::change::Change;
use crate::domain::import::{Import, ImportStatus};
use crate::domain::job::{Job, JobKind};
use crate::domain::user::Role;
use crate::services::{Core, Ctx, edit, jobs, undo};
use crate::store::{Read, Tx};

/// Begins to revert an import; [`super::wait`] tells when it is done. Refused if records
/// have changed since, with the first of them.
pub async fn revert(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<Import> {
    ctx.require(Role::Operator)?;
    let id = core.store.read()?.resolve::<Import>(&reference)?;
    let looking = core.clone();
    let looked = tokio::task::spawn_blocking(move || look(&looking, id)).await;
    looked.map_err(|e| Error::internal("looking was cut off").with_source(e))??;
    let ctx = ctx.clone();
    core.store
        .write("imports.revert", move |tx| {
            let import: Import = edit::current(tx, &reference, expected)?;
            revertible(tx, &import)?;
            let doing = (JobKind::Revert, ImportStatus::Reverting);
            go_on_as(tx, &ctx, "imports.revert", doing, import)
        })
        .await
}

/// What an import changed, if it can be reverted now.
fn revertible<S: Read + ?Sized>(source: &S, import: &Import) -> Result<Change> {
    let refuse = |why: &str| {
        Error::new(Code::Conflict, format!("import {} cannot be reverted: {why}", import.id))
    };
    match import.status {
        ImportStatus::Pending | ImportStatus::Running => {
            return Err(refuse("it is not done; cancel its job first"));
        }
        ImportStatus::Accepting => return Err(refuse("it is being accepted")),
        ImportStatus::Reverted => return Err(refuse("it has been reverted already")),
        // A reverting that was given up may be taken up again.
        ImportStatus::Reverting => {
            if is_worked_on(source, import)? {
                return Err(refuse("that is being done"));
            }
        }
        ImportStatus::Completed
        | ImportStatus::Quarantined
        | ImportStatus::Discarded
        | ImportStatus::Failed => {}
    }
    let change = undo::of_import(source, import.id)?.ok_or_else(|| {
        refuse("what it replaced was not kept (undo.keep_days), or it changed nothing")
    })?;
    undo::require_kept(&change)?;
    Ok(change)
}

fn look(core: &Core, id: Id) -> Result<()> {
    let snapshot = core.store.read()?;
    let import: Import = snapshot.require(id)?;
    let change = revertible(&*snapshot, &import)?;
    let (conflicts, more) = undo::conflicts(&*snapshot, change.id)?;
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(undo::refusal(&format!("import {id}"), &conflicts, more))
}

/// Runs the job; blocks.
pub fn run(core: &Core, job: &Job, stopped: &dyn Fn() -> bool) -> Result<()> {
    let id = job.import_id.ok_or_else(|| Error::internal("a job names no import"))?;
    let (job_id, author) = (job.id, job.created_by.clone());
    let import: Import = core.store.read()?.require(id)?;
    let attempt = Attempt::new(core, &import, Some(job.id), stopped);
    // What it touches is known only by doing it.
    let _turn = attempt.turn(Scope::Everything, 0.0)?;
    loop {
        attempt.go_on()?;
        let author = author.clone();
        let done =
            core.store.write_blocking("imports.undo", move |tx| step(tx, job_id, id, &author))?;
        if done {
            return Ok(());
        }
    }
}

/// Undoes one step, or ends. Returns whether that was the end.
fn step(tx: &mut Tx<'_>, job_id: u64, id: u64, author: &str) -> Result<bool> {
    let import: Import = tx.require(id)?;
    if import.status != ImportStatus::Reverting {
        return Ok(true);
    }
    let Some(change) = undo::of_import(tx, id)? else {
        return Err(Error::internal("what an import changed is gone"));
    };
    let left = undo::steps_left(tx, change.id)?;
    let progress = 1.0 - left as f64 / change.steps.max(1) as f64;
    jobs::heartbeat(tx, job_id, progress, "reverting")?;
    if undo::undo_step(tx, change.id)? {
        tx.touch(&Import { progress, ..import })?;
        return Ok(false);
    }
    let change = undo::undone(tx, author, change.id)?;
    let mut notes = import.notes.clone();
    if change.left > 0 {
        notes.push(format!(
            "{} records were left when it was reverted, because others use them or have changed \
             them.",
            change.left
        ));
    }
    let import = Import { progress: 1.0, notes, ..import };
    finish_as(tx, &Ctx::system(), "imports.reverted", ImportStatus::Reverted, import)?;
    Ok(true)
}
