//! Undoing: what an import or a bulk edit replaced is kept with it, and put back on demand
//! as long as nothing has built on it.

mod journal;
mod restore;

pub use restore::{Conflict, conflicts};

use restore::put_back;

use super::audit::{self, Entry};
use super::{Core, Ctx, edit};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::change::{
    BY_IMPORT, BY_STATE, Change, ChangeKind, ChangeState, ChangeStep, STEPS,
};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::user::Role;
use crate::store::{Direction, Read, Table, Tx};

macro_rules! tables {
    ($($record:ty),*) => { &[$(<$record as $crate::base::record::Record>::TABLE),*] };
}

/// The tables whose records can be put back.
const TABLES: &[Table] = crate::for_each_undoable!(tables);

/// Evaluates an expression with the record type of a table that can be put back.
macro_rules! with_undoable {
    ($table:expr, |$R:ident| $body:expr) => {
        $crate::for_each_undoable!(with_undoable @ $table, $R, $body;)
    };
    (@ $table:expr, $R:ident, $body:expr; $($record:ty),*) => {
        match $table {
            $(t if t == <$record as $crate::base::record::Record>::TABLE => {
                type $R = $record;
                $body
            })*
            other => Err($crate::base::Error::internal(format!("{other} cannot be put back"))),
        }
    };
}
use with_undoable;

/// Who changes many records at once, and why.
#[derive(Debug, Clone)]
pub struct Author {
    /// What makes the change.
    pub kind: ChangeKind,
    /// What is done, as the audit log calls it.
    pub action: &'static str,
    /// Who does it.
    pub name: String,
    /// The import, if it is one.
    pub import_id: Option<u64>,
}

impl Author {
    /// This author, if what changes replace is kept at all.
    #[must_use]
    pub fn if_kept(self, core: &Core) -> Option<Self> {
        (core.options.undo_keep_s > 0).then_some(self)
    }
}

/// Runs `body`; if there is an author, keeps with it what it replaced, in the same
/// transaction. Returns the change, unless nothing was changed or kept.
pub fn keep<T>(
    tx: &mut Tx<'_>,
    author: Option<&Author>,
    body: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<(T, Option<Change>)> {
    let Some(author) = author else { return Ok((body(tx)?, None)) };
    tx.watch(TABLES);
    let done = body(tx)?;
    let watched = tx.watched()?;
    let entries = watched.iter().filter_map(|w| journal::Entry::of(w).transpose());
    let entries = entries.collect::<Result<Vec<_>>>()?;
    if entries.is_empty() {
        return Ok((done, None));
    }
    let change = match author.import_id.map_or(Ok(None), |id| of_import(tx, id))? {
        Some(change) => change,
        None => tx.insert(Change {
            kind: author.kind,
            action: author.action.to_owned(),
            author: author.name.clone(),
            import_id: author.import_id,
            ..Change::default()
        })?,
    };
    let replaced = journal::pack(&entries)?;
    let change = tx.update(Change {
        steps: change.steps + 1,
        records: change.records + entries.len() as u64,
        bytes: change.bytes + replaced.len() as u64,
        ..change
    })?;
    tx.insert(ChangeStep { change_id: change.id, replaced, ..ChangeStep::default() })?;
    Ok((done, Some(change)))
}

/// What an import changed, if that is kept or was.
pub fn of_import<S: Read + ?Sized>(source: &S, import: u64) -> Result<Option<Change>> {
    let under = [import.into()];
    let newest = source.ids_under::<Change>(BY_IMPORT, &under, Direction::Reverse, 1)?;
    newest.first().map_or(Ok(None), |id| source.find(*id))
}

/// The steps of a change, newest first.
fn steps<S: Read + ?Sized>(source: &S, change: u64, limit: usize) -> Result<Vec<u64>> {
    source.ids_under::<ChangeStep>(STEPS, &[change.into()], Direction::Reverse, limit)
}

/// How many steps are left to undo.
pub fn steps_left(tx: &Tx<'_>, change: u64) -> Result<usize> {
    Ok(steps(tx, change, usize::MAX)?.len())
}

/// Undoes the newest step that is left, within a transaction. Returns whether there was one.
pub fn undo_step(tx: &mut Tx<'_>, change: u64) -> Result<bool> {
    let Some(step) = steps(tx, change, 1)?.first().copied() else { return Ok(false) };
    let step: ChangeStep = tx.delete(step)?;
    let left = put_back(tx, &journal::unpack(&step.replaced)?)?;
    let change: Change = tx.require(change)?;
    let bytes = change.bytes.saturating_sub(step.replaced.len() as u64);
    tx.update(Change { left: change.left + left, bytes, ..change })?;
    Ok(true)
}

/// Marks a change as undone.
pub fn undone(tx: &mut Tx<'_>, by: &str, change: u64) -> Result<Change> {
    let change: Change = tx.require(change)?;
    let (undone_at, undone_by) = (Some(tx.now()), Some(by.to_owned()));
    tx.update(Change { state: ChangeState::Undone, undone_at, undone_by, ..change })
}

/// Refuses what can no longer be undone.
pub fn require_kept(change: &Change) -> Result<()> {
    let why = match change.state {
        ChangeState::Kept => return Ok(()),
        ChangeState::Undone => "it has been undone already",
        ChangeState::Expired => "what it replaced is no longer kept (undo.keep_days)",
    };
    Err(Error::new(Code::Conflict, format!("change {}: {why}", change.id)))
}

/// The refusal that names what has changed since.
#[must_use]
pub fn refusal(what: &str, conflicts: &[Conflict], more: u64) -> Error {
    let mut names: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    let detail =
        format!("{what} cannot be undone, because others have built on it: {}", names.join("; "));
    Error::new(Code::Conflict, detail)
}

/// Undoes a bulk edit: all of it, in one transaction, or nothing.
pub async fn undo(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<Change> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("changes.undo", move |tx| {
            let change: Change = edit::current(tx, &reference, expected)?;
            require_kept(&change)?;
            if let Some(import) = change.import_id {
                let detail = format!("this is what import {import} did: revert the import");
                return Err(Error::new(Code::Conflict, detail));
            }
            let (conflicts, more) = conflicts(tx, change.id)?;
            if !conflicts.is_empty() {
                return Err(refusal(&format!("change {}", change.id), &conflicts, more));
            }
            while undo_step(tx, change.id)? {}
            let change = undone(tx, &ctx.actor.name, change.id)?;
            let detail = format!("{}: {} records", change.action, change.records);
            let name = format!("change {}", change.id);
            let entry = Entry::new("changes.undo").on::<Change>(change.id, name).detail(detail);
            audit::record(tx, &ctx, entry)?;
            Ok(change)
        })
        .await
}

/// Steps that are forgotten in one transaction.
const FORGET: usize = 200;

/// Forgets what changes older than `undo.keep_days` replaced. Returns how many changes.
pub async fn sweep(core: &Core) -> Result<u64> {
    let mut forgotten = 0;
    while let Some(id) = next_to_forget(core)? {
        let done = core.store.write("changes.forget", move |tx| forget(tx, id)).await?;
        forgotten += u64::from(done);
    }
    Ok(forgotten)
}

/// Changes that are looked at for one to forget: those that are being undone stay.
const LOOK: usize = 100;

/// The oldest change whose time is over, or first one that was being forgotten when the
/// server stopped.
fn next_to_forget(core: &Core) -> Result<Option<u64>> {
    let before = core.now().plus_seconds(-core.options.undo_keep_s);
    let snapshot = core.store.read()?;
    let some = |state: ChangeState, direction| {
        snapshot.ids_under::<Change>(BY_STATE, &[state.into()], direction, LOOK)
    };
    for id in some(ChangeState::Expired, Direction::Reverse)? {
        if snapshot.find::<Change>(id)?.is_some_and(|change| change.bytes > 0) {
            return Ok(Some(id));
        }
    }
    for id in some(ChangeState::Kept, Direction::Forward)? {
        let Some(change) = snapshot.find::<Change>(id)? else { continue };
        if change.created_at < before && !is_being_reverted(&*snapshot, &change)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn is_being_reverted<S: Read + ?Sized>(source: &S, change: &Change) -> Result<bool> {
    let import = change.import_id.map_or(Ok(None), |id| source.find::<Import>(id))?;
    Ok(import.is_some_and(|import| import.status == ImportStatus::Reverting))
}

/// Forgets a part of what a change replaced; from the first on it cannot be undone. Returns
/// whether that was all.
fn forget(tx: &mut Tx<'_>, id: u64) -> Result<bool> {
    let mut change: Change = tx.require(id)?;
    if change.state == ChangeState::Kept {
        if is_being_reverted(tx, &change)? {
            return Ok(false);
        }
        change = tx.update(Change { state: ChangeState::Expired, ..change })?;
    }
    let steps = steps(tx, change.id, FORGET)?;
    for id in &steps {
        tx.delete::<ChangeStep>(*id)?;
    }
    let is_all = steps.len() < FORGET;
    if is_all && change.bytes > 0 {
        tx.update(Change { bytes: 0, ..change })?;
    }
    Ok(is_all)
}
