//! Imports that would close suspiciously much: a person accepts that, or discards it.

use super::attempt::{Attempt, Source};
use super::turns::Scope;
use super::{closing, finish_as, go_on_as, is_worked_on};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::job::{Job, JobKind};
use crate::domain::observation::ReportInfo;
use crate::domain::user::Role;
use crate::services::{Core, Ctx, edit};
use crate::store::{Read, Tx};

/// Begins to close what a quarantined import no longer names; [`super::wait`] tells when it
/// is done. What has been seen by newer scans meanwhile stays.
pub async fn accept(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<Import> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("imports.accept", move |tx| {
            let import = quarantined(tx, &reference, expected)?;
            let doing = (JobKind::Accept, ImportStatus::Accepting);
            go_on_as(tx, &ctx, "imports.accept", doing, import)
        })
        .await
}

/// Runs the job; blocks.
pub fn run(core: &Core, job: &Job, stopped: &dyn Fn() -> bool) -> Result<()> {
    let id = job.import_id.ok_or_else(|| Error::internal("a job names no import"))?;
    let import: Import = core.store.read()?.require(id)?;
    if import.status != ImportStatus::Accepting {
        return Ok(());
    }
    let attempt = Attempt::new(core, &import, Some(job.id), stopped);
    let assets = import.held_scopes.iter().map(|scope| scope.asset_id).collect();
    let _turn = attempt.turn(Scope::Assets(assets), 0.0)?;
    let at = import.report_created_at.into_iter().chain(import.started_at).min();
    let by = Source {
        report: ReportInfo {
            scanner: import.scanner.clone().unwrap_or_default(),
            scanner_version: import.scanner_version.clone(),
            ..ReportInfo::default()
        },
        at: at.unwrap_or(import.created_at),
        // The same at every attempt, so that each counts what an earlier one has closed.
        begun: job.created_at,
        import_id: id,
        format: "",
    };
    let closed = closing::accept(&attempt, &by, &import.held_scopes)?;
    core.store.write_blocking("imports.accepted", move |tx| {
        let old: Import = tx.require(id)?;
        let closed = old.closed + closed;
        let new = Import { closed, progress: 1.0, phase: None, ..old };
        settle(tx, &Ctx::system(), "imports.accepted", ImportStatus::Completed, new)
    })?;
    Ok(())
}

/// Leaves open what a quarantined import no longer names.
pub async fn discard(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<Import> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("imports.discard", move |tx| {
            let old = quarantined(tx, &reference, expected)?;
            settle(tx, &ctx, "imports.discard", ImportStatus::Discarded, old)
        })
        .await
}

/// Ends a quarantine.
fn settle(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    verb: edit::Verb,
    status: ImportStatus,
    import: Import,
) -> Result<Import> {
    let new = Import { held: 0, held_packages: 0, held_scopes: Vec::new(), ..import };
    finish_as(tx, ctx, verb, status, new)
}

fn quarantined(tx: &Tx<'_>, reference: &Reference, expected: Option<u64>) -> Result<Import> {
    let import: Import = edit::current(tx, reference, expected)?;
    // Accepting that was given up may be taken up again, or the rest left as it is.
    let was_given_up = import.status == ImportStatus::Accepting && !is_worked_on(tx, &import)?;
    if import.status != ImportStatus::Quarantined && !was_given_up {
        let detail = format!("import {} is {}, not quarantined", import.id, import.status);
        return Err(Error::new(Code::Conflict, detail));
    }
    Ok(import)
}
