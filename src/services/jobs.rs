//! The job queue: claim under a lease, finish, retry, cancel. What a job does is elsewhere.

use super::audit::{self, Entry};
use super::{Core, Ctx, edit};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::job::{Job, JobStatus};
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
                tx.update(job)?;
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
                let job: Job = tx.require(*id)?;
                tx.update(Job {
                    status: JobStatus::Queued,
                    lease_until: None,
                    run_at: tx.now(),
                    ..job
                })?;
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
            tx.update(job)
        })
        .await
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
            let new = tx.update(decide(old.clone(), tx.now())?)?;
            let entry = Entry::new(verb).on::<Job>(new.id, format!("{} job {}", new.kind, new.id));
            audit::record(tx, &ctx, entry.changes(Some(&old), Some(&new))?)?;
            Ok(new)
        })
        .await
}
