//! The import job: reads the report once to see that it is whole, then again to apply it
//! in steps. Nothing is changed by a report that cannot be read to its end.

use std::time::{Duration, Instant};

use super::apply::{Applier, Naming};
use super::attempt::Attempt;
use super::turns::{Assets, Scope};
use super::{originals, spool};
use crate::adapters::importers::generic_csv::Generic;
use crate::adapters::importers::{self, Importer, Report};
use crate::base::{Code, Error, Result};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::job::Job;
use crate::domain::observation::{Observation, ReportInfo};
use crate::services::audit::{self, Entry};
use crate::services::{Core, Ctx, mappings};
use crate::store::Read;

/// Runs an import job to its end; blocks. An error of the report is an outcome (`Ok`), told
/// by the import; an `Err` is worth another attempt. Once `stopped` says so, it ends with an
/// `Err` after the step that is going on.
pub fn run(core: &Core, job: &Job, stopped: &dyn Fn() -> bool) -> Result<()> {
    let id = job.import_id.ok_or_else(|| Error::internal("an import job names no import"))?;
    let here = spool::path(core, id).exists();
    let import = core.store.write_blocking("imports.start", move |tx| {
        let import: Import = tx.require(id)?;
        let refused = import.status == ImportStatus::Failed && !here;
        let applied = import.status.is_final() && import.status != ImportStatus::Failed;
        if applied || refused {
            return Ok(import);
        }
        let started_at = import.started_at.or(Some(tx.now()));
        tx.update(Import { status: ImportStatus::Running, started_at, ..import })
    })?;
    if import.status != ImportStatus::Running {
        // The process ended after the last step of an earlier attempt.
        spool::remove(core, id);
        return Ok(());
    }
    if !here {
        return refuse(
            core,
            id,
            Error::new(Code::Unavailable, "the uploaded file is gone; send it again"),
        );
    }
    let import = originals::keep(core, import)?;
    let attempt = Attempt::new(core, &import, Some(job.id), stopped);
    match take_in(&attempt, import) {
        Ok(()) => {
            spool::remove(core, id);
            Ok(())
        }
        Err(e) if is_fault_of_report(&e) => {
            refuse(core, id, e)?;
            spool::remove(core, id);
            Ok(())
        }
        Err(e) => Err(e),
    }
}

fn is_fault_of_report(e: &Error) -> bool {
    matches!(
        e.code(),
        Code::BadReport | Code::TooLarge | Code::Invalid | Code::MalformedJson | Code::BadRequest
    )
}

fn refuse(core: &Core, id: u64, why: Error) -> Result<()> {
    tracing::info!(import = id, why = %why, "a report is refused");
    core.store.write_blocking("imports.refuse", move |tx| {
        let mut import: Import = tx.require(id)?;
        import.fail(&why, tx.now());
        let import = tx.update(import)?;
        let entry = Entry::new("imports.refuse")
            .on::<Import>(id, super::name(&import))
            .failed()
            .detail(why.to_string());
        audit::record(tx, &Ctx::system(), entry)?;
        Ok(())
    })
}

/// How often a long reading tells that it goes on: people watch, and a lease runs out.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How much of a file decides its format.
const HEAD_BYTES: usize = 64 << 10;

fn take_in(attempt: &Attempt<'_>, import: Import) -> Result<()> {
    let core = attempt.core;
    let report = Report::new(spool::path(core, import.id), core.options.report);
    let is_forced = import.mapping.is_none() && import.format != "auto";
    let mapped;
    let importer: &dyn Importer = if let Some(name) = &import.mapping {
        mapped = Generic { mapping: Some(mappings::named(core, name)?) };
        &mapped
    } else {
        importers::choose(&import.format, &report.head(HEAD_BYTES)?)?
    };
    let (info, assets) = examine(attempt, &report, importer, &import)
        .map_err(|e| if is_forced { importers::doubt(e, importer, &report) } else { e })?;
    let _turn = attempt.turn(Scope::Assets(assets), 0.5)?;
    let mut applier = Applier::new(attempt, &import, importer.name(), info);
    importer.import(&report, &mut |observation| {
        // The second reading is the second half of the work.
        let read = report.bytes_read() as f64 / (import.bytes.max(1) as f64);
        applier.take(observation, 0.5 + read.min(1.0) / 2.0)
    })?;
    applier.finish()
}

/// Reads the whole report without applying it; returns what it says about itself, and the
/// assets that it is about.
fn examine(
    attempt: &Attempt<'_>,
    report: &Report,
    importer: &dyn Importer,
    import: &Import,
) -> Result<(ReportInfo, Assets)> {
    let (mut naming, mut assets) = (Naming::of(import, importer.name()), Assets::default());
    let (mut info, mut first) = (None, None::<String>);
    let mut told = Instant::now();
    importer.import(report, &mut |observation| {
        attempt.go_on()?;
        if told.elapsed() >= SIGN_OF_LIFE {
            told = Instant::now();
            let progress = report.bytes_read() as f64 / (import.bytes.max(1) as f64) / 2.0;
            attempt.write("imports.examine", (progress, "reading"), |_| Ok(()))?;
        }
        match observation {
            Observation::Report(r) => info = Some(r),
            Observation::Asset(mut asset) => {
                if import.asset.is_some()
                    && first.as_ref().is_some_and(|name| *name != asset.asset_id)
                {
                    return Err(Error::field(
                        "asset",
                        "the report holds several assets, so none can be given a name",
                    ));
                }
                first = Some(asset.asset_id.clone());
                naming.apply(&mut asset);
                assets.described(&*attempt.core.store.read()?, &asset)?;
            }
            // The importers themselves count findings against the limit.
            Observation::Finding(_)
            | Observation::Component(_)
            | Observation::Service(_)
            | Observation::Advisory(_)
            | Observation::Statement(_)
            | Observation::Skipped(_) => {}
        }
        Ok(())
    })?;
    let silent = || format!("the {} importer says nothing about the report", importer.name());
    Ok((info.ok_or_else(|| Error::internal(silent()))?, assets))
}
