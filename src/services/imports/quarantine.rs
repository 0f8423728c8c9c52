//! Imports that would close suspiciously much: a person accepts that, or discards it.

use super::attempt::{Attempt, Source};
use super::turns::Scope;
use super::{closing, finish_as};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::observation::ReportInfo;
use crate::domain::user::Role;
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
    let (blocking, held) = (core.clone(), import.clone());
    let closed = tokio::task::spawn_blocking(move || {
        let attempt = Attempt::new(&blocking, &held, None, &|| false);
        let assets = held.held_scopes.iter().map(|scope| scope.asset_id).collect();
        let _turn = blocking.turns.take(Scope::Assets(assets), || Ok(()))?;
        closing::accept(&attempt, &by, &held.held_scopes)
    });
    let closed =
        closed.await.map_err(|e| Error::internal("closing was cut off").with_source(e))??;
    let ctx = ctx.clone();
    core.store
        .write("imports.accept", move |tx| {
            let old: Import = quarantined(tx, &Reference::Id(import.id), None)?;
            let new = Import {
                closed: old.closed + closed,
                held: 0,
                held_packages: 0,
                held_scopes: Vec::new(),
                ..old.clone()
            };
            finish_as(tx, &ctx, "imports.accept", ImportStatus::Completed, new)
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
            let new = Import { held: 0, held_packages: 0, held_scopes: Vec::new(), ..old };
            finish_as(tx, &ctx, "imports.discard", ImportStatus::Discarded, new)
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
