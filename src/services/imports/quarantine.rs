//! Imports that would close suspiciously much: a person accepts that, or discards it.

use super::attempt::{Attempt, Source};
use super::closing;
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::observation::ReportInfo;
use crate::domain::user::Role;
use crate::services::audit::{self, Entry};
use crate::services::{Core, Ctx, edit};
use crate::store::Tx;

/// Closes what a quarantined import no longer names. What has been seen by newer scans
/// meanwhile stays.
pub async fn accept(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<Import> {
    let import = begin(core, ctx, &reference, expected).await?;
    let at = import.report_created_at.into_iter().chain(import.started_at).min();
    let begun = core.now();
    let by = Source {
        report: ReportInfo {
            scanner: import.scanner.clone().unwrap_or_default(),
            scanner_version: import.scanner_version.clone(),
            ..ReportInfo::default()
        },
        at: at.unwrap_or(import.created_at),
        begun,
        import_id: import.id,
        format: "",
    };
    let (blocking, scopes) = (core.clone(), import.held_scopes.clone());
    let closed = tokio::task::spawn_blocking(move || {
        let never = || false;
        let attempt =
            Attempt { core: &blocking, import_id: by.import_id, job_id: None, stopped: &never };
        closing::accept(&attempt, &by, &scopes)
    });
    let closed =
        closed.await.map_err(|e| Error::internal("closing was cut off").with_source(e))??;
    let ctx = ctx.clone();
    core.store
        .write("imports.accept", move |tx| {
            let old: Import = quarantined(tx, &Reference::Id(import.id), None)?;
            let new = Import {
                status: ImportStatus::Completed,
                closed: old.closed + closed,
                held: 0,
                held_packages: 0,
                held_scopes: Vec::new(),
                ..old.clone()
            };
            finish(tx, &ctx, "imports.accept", new, format!("{closed} findings are closed"))
        })
        .await
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
            let detail = format!("{} findings stay open", old.held);
            let new = Import {
                status: ImportStatus::Discarded,
                held: 0,
                held_packages: 0,
                held_scopes: Vec::new(),
                ..old
            };
            finish(tx, &ctx, "imports.discard", new, detail)
        })
        .await
}

async fn begin(
    core: &Core,
    ctx: &Ctx,
    reference: &Reference,
    expected: Option<u64>,
) -> Result<Import> {
    ctx.require(Role::Operator)?;
    let reference = reference.clone();
    core.store.write("imports.accept", move |tx| quarantined(tx, &reference, expected)).await
}

fn quarantined(tx: &Tx<'_>, reference: &Reference, expected: Option<u64>) -> Result<Import> {
    let import: Import = edit::current(tx, reference, expected)?;
    if import.status != ImportStatus::Quarantined {
        let detail = format!("import {} is {}, not quarantined", import.id, import.status);
        return Err(Error::new(Code::Conflict, detail));
    }
    Ok(import)
}

fn finish(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    verb: edit::Verb,
    import: Import,
    detail: String,
) -> Result<Import> {
    let import = tx.update(import)?;
    let name = import.filename.clone().unwrap_or_else(|| format!("import {}", import.id));
    let entry = Entry::new(verb).on::<Import>(import.id, name).detail(detail);
    audit::record(tx, ctx, entry)?;
    Ok(import)
}
