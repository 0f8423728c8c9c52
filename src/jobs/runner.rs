//! Workers that take jobs and run them, and the periodic tasks. A panic is a failed
//! attempt; a stop waits for the step that is going on, and the rest resumes after a start.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::watcher::{self, Watched};
use crate::base::{Error, Result};
use crate::domain::job::{Job, JobKind, JobStatus};
use crate::services::{Core, auth, decisions, imports, jobs, policies, undo};
use crate::telemetry::Metrics;

/// How often an idle worker looks for jobs whose time has come.
const LOOK: Duration = Duration::from_secs(5);
/// How often what has ended is swept away.
const SWEEP: Duration = Duration::from_mins(1);

/// Starts workers.
pub struct Runner {
    core: Core,
    metrics: Metrics,
}

/// Running workers; [`Workers::stop`] ends them.
pub struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Runner {
    /// A runner over the services.
    #[must_use]
    pub fn new(core: Core, metrics: Metrics) -> Self {
        Self { core, metrics }
    }

    /// Takes up what a previous process left, then starts `workers` workers.
    pub async fn start(self, workers: usize) -> Result<Workers> {
        let resumed = jobs::reclaim(&self.core).await?;
        if resumed > 0 {
            tracing::info!(
                jobs = resumed,
                "taking up jobs that were going on when the server stopped"
            );
        }
        imports::tidy(&self.core).await?;
        policies::seed(&self.core).await?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for _ in 0..workers.max(1) {
            let worker = Worker {
                core: self.core.clone(),
                metrics: self.metrics.clone(),
                stopped: stopped.clone(),
            };
            tasks.spawn(worker.run());
        }
        tasks.spawn(sweep(self.core, stopped));
        Ok(Workers { tasks, stop })
    }
}

impl Workers {
    /// Watches a directory, too.
    pub fn watch(&mut self, core: Core, watched: Watched) {
        self.tasks.spawn(watcher::watch(core, watched, self.stop.subscribe()));
    }

    /// Lets no worker take another job and waits for the current ones.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(e) = ended {
                tracing::error!(error = %e, "a worker ended badly");
            }
        }
    }
}

struct Worker {
    core: Core,
    metrics: Metrics,
    stopped: watch::Receiver<bool>,
}

impl Worker {
    async fn run(mut self) {
        let mut changed = self.core.jobs_changed();
        while !*self.stopped.borrow() {
            // Marked as seen before the look, so that a job that comes meanwhile wakes.
            changed.borrow_and_update();
            match jobs::claim(&self.core).await {
                Ok(Some(job)) => self.work(job).await,
                Ok(None) => self.wait(&mut changed).await,
                Err(e) => {
                    tracing::warn!(error = %e.chain(), "cannot look for jobs");
                    self.wait(&mut changed).await;
                }
            }
        }
    }

    async fn wait(&mut self, changed: &mut watch::Receiver<u64>) {
        tokio::select! {
            _ = changed.changed() => {}
            _ = self.stopped.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }

    async fn work(&self, job: Job) {
        let (id, kind) = (job.id, job.kind);
        let _busy = self.metrics.worker();
        let (core, stopped) = (self.core.clone(), self.stopped.clone());
        let ran =
            tokio::task::spawn_blocking(move || handle(&core, &job, &move || *stopped.borrow()));
        let outcome = match ran.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) if *self.stopped.borrow() => return self.put_back(id, &e).await,
            Ok(Err(e)) => {
                tracing::warn!(job = id, kind = %kind, error = %e.chain(), "a job failed");
                Err((e.to_string(), e.code().status() < 500))
            }
            Err(e) => {
                tracing::error!(job = id, kind = %kind, error = %e, "a job panicked");
                Err(("the job panicked".to_owned(), false))
            }
        };
        let status = match jobs::finish(&self.core, id, outcome).await {
            Ok(job) => job.status,
            Err(e) => {
                // Its lease runs out, and then it is tried again.
                tracing::error!(job = id, error = %e.chain(), "cannot record the end of a job");
                JobStatus::Running
            }
        };
        self.metrics.task_done(kind.word(), status.word());
    }

    /// A job that was cut off by a stop goes on after the next start.
    async fn put_back(&self, id: u64, why: &Error) {
        tracing::info!(job = id, why = %why, "a job goes on after the next start");
        if let Err(e) = jobs::put_back(&self.core, id).await {
            // The next start takes it up all the same.
            tracing::warn!(job = id, error = %e.chain(), "cannot put a job back");
        }
    }
}

fn handle(core: &Core, job: &Job, stopped: &dyn Fn() -> bool) -> Result<(), Error> {
    match job.kind {
        JobKind::Import => imports::run(core, job, stopped),
        JobKind::Accept => imports::run_accept(core, job, stopped),
        JobKind::Revert => imports::run_revert(core, job, stopped),
        JobKind::Evaluate => policies::run(core, job, stopped),
    }
}

/// Ends what has come to its end by itself, from time to time: sessions, decisions, keys,
/// originals, the time to fix findings.
async fn sweep(core: Core, mut stopped: watch::Receiver<bool>) {
    for round in 1_u64.. {
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        if let Err(e) = auth::sweep(&core).await {
            tracing::warn!(error = %e.chain(), "cannot remove ended sessions");
        }
        match undo::sweep(&core).await {
            Ok(0) => {}
            Ok(changes) => tracing::info!(changes, "changes can no longer be undone"),
            Err(e) => tracing::warn!(error = %e.chain(), "cannot forget old changes"),
        }
        if let Err(e) = imports::forget(&core).await {
            tracing::warn!(error = %e.chain(), "cannot forget old idempotency keys");
        }
        match decisions::expire(&core).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(decisions = ended, "decisions have expired"),
            Err(e) => tracing::warn!(error = %e.chain(), "cannot end expired decisions"),
        }
        match policies::mark_overdue(&core).await {
            Ok(0) => {}
            Ok(late) => tracing::info!(findings = late, "findings have become overdue"),
            Err(e) => tracing::warn!(error = %e.chain(), "cannot mark overdue findings"),
        }
        // All files are looked at: seldom is enough.
        if round.is_multiple_of(60)
            && let Err(e) = imports::sweep(&core).await
        {
            tracing::warn!(error = %e.chain(), "cannot remove originals without an import");
        }
    }
}
