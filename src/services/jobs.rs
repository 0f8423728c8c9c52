//! The job queue: claim under a lease, finish, retry, cancel. What a job does is elsewhere.

use super::audit::{self, Entry};
use super::{Core, Ctx, edit};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::job::{Job, JobKind, JobStatus};
use crate::domain::user::Role;
use crate::store::{Direction, Read, Source, Tx, plan, query};

const BY_STATUS: &str = "idx_jobs_status_run_at";

/// Takes the next job that is due, if there is one.
pub async fn claim(core: &Core) -> Result<Option<Job>> {
    // Looked for in a snapshot first: an idle worker writes nothing.
    if due(&*core.store.read()?, core.now())?.is_none() {
        return Ok(None);
    }
    core.store
        .write("jobs.claim", |tx| {
            let Some(mut job) = due(tx, tx.now())? else { return Ok(None) };
            if job.status == JobStatus::Running && job.attempts >= job.max_attempts {
                job.error = Some("its worker stopped answering".into());
                job.end(JobStatus::Buried, tx.now());
                save(tx, job)?;
                return Ok(None);
            }
            job.claim(tx.now());
            tx.update(job).map(Some)
        })
        .await
}

fn due<S: Source + ?Sized>(source: &S, now: Timestamp) -> Result<Option<Job>> {
    for status in [JobStatus::Queued, JobStatus::Running] {
        for id in source.ids_under::<Job>(BY_STATUS, &[status.into()], Direction::Forward, 32)? {
            if let Some(job) = source.find::<Job>(id)?.filter(|job| job.is_due(now)) {
                return Ok(Some(job));
            }
        }
    }
    Ok(None)
}

/// Starts that one job may survive. A job that brings the process down must not do so for
/// ever; others are resumed as often as the process is killed.
const CRASHES: u64 = 20;

/// Writes a job, and what its state means for the import that waits for it.
fn save(tx: &mut Tx<'_>, job: Job) -> Result<Job> {
    let import = imports_of(tx, &job)?;
    if let Some(mut import) = import {
        match job.status {
            JobStatus::Cancelled => {
                import.fail(&Error::new(Code::Conflict, "its job was cancelled"), tx.now());
            }
            JobStatus::Failed | JobStatus::Buried => {
                let why = job.error.clone().unwrap_or_default();
                let text = format!("it was given up; its job says: {why}");
                import.fail(&Error::new(Code::Unavailable, text), tx.now());
            }
            JobStatus::Queued | JobStatus::Running | JobStatus::Succeeded => return tx.update(job),
        }
        tx.update(import)?;
    }
    tx.update(job)
}

/// The import that a job applies.
fn imports_of(tx: &Tx<'_>, job: &Job) -> Result<Option<Import>> {
    match job.kind {
        JobKind::Import => job.import_id.map_or(Ok(None), |id| tx.find::<Import>(id)),
        // What is half accepted or undone is taken up again by asking once more.
        JobKind::Accept | JobKind::Revert | JobKind::Evaluate => Ok(None),
    }
}

/// An import whose job is tried again is waiting again.
fn reopen_import(tx: &mut Tx<'_>, job: &Job) -> Result<()> {
    let import = imports_of(tx, job)?;
    if let Some(import) = import.filter(|i| i.status == ImportStatus::Failed) {
        let status = ImportStatus::Pending;
        tx.update(Import { status, error: None, finished_at: None, ..import })?;
    }
    Ok(())
}

/// After a start: what the previous process was doing is due again at once.
pub async fn reclaim(core: &Core) -> Result<usize> {
    core.store
        .write("jobs.reclaim", |tx| {
            let ids = tx.ids_under::<Job>(
                BY_STATUS,
                &[JobStatus::Running.into()],
                Direction::Forward,
                usize::MAX,
            )?;
            for id in &ids {
                let mut job: Job = tx.require(*id)?;
                if job.attempts >= CRASHES {
                    job.error = Some(format!("the server has ended {CRASHES} times during it"));
                    job.end(JobStatus::Buried, tx.now());
                } else {
                    job = requeued(job, tx.now());
                }
                save(tx, job)?;
            }
            Ok(ids.len())
        })
        .await
}

/// How many jobs wait, by queue.
pub fn waiting(core: &Core) -> Result<Vec<(String, u64)>> {
    let filters = [query::parse_filter::<Job>("status", &[JobStatus::Queued.word()])?];
    plan::facet_counts::<Job>(&core.store, &*core.store.read()?, "queue", &filters)
}

/// Ends an attempt. `permanent` failures are not tried again. Returns the job as it stands.
pub async fn finish(core: &Core, id: u64, outcome: Result<(), (String, bool)>) -> Result<Job> {
    core.store
        .write("jobs.finish", move |tx| {
            let mut job: Job = tx.require(id)?;
            if job.status != JobStatus::Running {
                return Ok(job);
            }
            let now = tx.now();
            match &outcome {
                Ok(()) => job.succeed(now),
                Err((error, permanent)) => {
                    // Spread by the number: jobs that failed together do not return together.
                    let jitter = (id % 16) as f64 / 16.0;
                    job.fail(error.clone(), *permanent, jitter, now);
                }
            }
            save(tx, job)
        })
        .await
}

/// Puts a job that a stop has cut off back into its queue; that attempt does not count.
pub async fn put_back(core: &Core, id: u64) -> Result<()> {
    core.store
        .write("jobs.put_back", move |tx| {
            let job: Job = tx.require(id)?;
            if job.status != JobStatus::Running {
                return Ok(());
            }
            let attempts = job.attempts.saturating_sub(1);
            save(tx, Job { attempts, ..requeued(job, tx.now()) }).map(drop)
        })
        .await
}

fn requeued(job: Job, now: Timestamp) -> Job {
    Job { status: JobStatus::Queued, lease_until: None, run_at: now, ..job }
}

/// A sign of life with progress, within a transaction of the job's own work. An error says
/// that the job is no longer this worker's.
pub fn heartbeat(tx: &mut Tx<'_>, id: u64, progress: f64, message: &str) -> Result<()> {
    let mut job: Job = tx.require(id)?;
    if job.status != JobStatus::Running {
        return Err(Error::new(Code::Conflict, format!("job {id} is {}", job.status)));
    }
    job.heartbeat(tx.now());
    job.progress = progress.clamp(0.0, 1.0);
    job.message = Some(message.to_owned());
    tx.update(job)?;
    Ok(())
}

/// An error if the rest of a job must be left for after the next start.
pub fn go_on(stopped: &dyn Fn() -> bool) -> Result<()> {
    let stopping = || Error::new(Code::Unavailable, "the server is stopping");
    if stopped() { Err(stopping()) } else { Ok(()) }
}

/// Puts a job that failed, was buried or cancelled back into its queue.
pub async fn retry(core: &Core, ctx: &Ctx, reference: Reference) -> Result<Job> {
    change(core, ctx, "jobs.retry", reference, |job, now| {
        if !matches!(job.status, JobStatus::Failed | JobStatus::Buried | JobStatus::Cancelled) {
            return Err(Error::new(
                Code::Conflict,
                format!("a job that is {} cannot be retried", job.status),
            ));
        }
        Ok(Job {
            status: JobStatus::Queued,
            attempts: 0,
            run_at: now,
            finished_at: None,
            error: None,
            ..job
        })
    })
    .await
}

/// Stops a job that waits or runs; a running one stops at its next step.
pub async fn cancel(core: &Core, ctx: &Ctx, reference: Reference) -> Result<Job> {
    change(core, ctx, "jobs.cancel", reference, |mut job, now| {
        if job.status.is_final() {
            return Err(Error::new(
                Code::Conflict,
                format!("a job that is {} cannot be cancelled", job.status),
            ));
        }
        job.end(JobStatus::Cancelled, now);
        Ok(job)
    })
    .await
}

async fn change(
    core: &Core,
    ctx: &Ctx,
    verb: edit::Verb,
    reference: Reference,
    decide: impl Fn(Job, Timestamp) -> Result<Job> + Send + 'static,
) -> Result<Job> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write(verb, move |tx| {
            let old: Job = edit::current(tx, &reference, None)?;
            let new = save(tx, decide(old.clone(), tx.now())?)?;
            if new.status == JobStatus::Queued {
                reopen_import(tx, &new)?;
            }
            let entry = Entry::new(verb).on::<Job>(new.id, format!("{} job {}", new.kind, new.id));
            audit::record(tx, &ctx, entry.changes(Some(&old), Some(&new))?)?;
            Ok(new)
        })
        .await
}
