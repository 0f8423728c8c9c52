//! Jobs: durable work. A payload says what; policy is in the table of [`JobKind`].

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::words::word_enum;
use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, asc};

word_enum! {
    /// Where a job stands.
    JobStatus default Queued {
        /// Waits for its time and a worker.
        Queued "queued",
        /// A worker holds its lease.
        Running "running",
        /// Done.
        Succeeded "succeeded",
        /// Refused for good: trying again would not help.
        Failed "failed",
        /// Stopped by a person.
        Cancelled "cancelled",
        /// Gave up after the last attempt; a person may retry it.
        Buried "buried",
    }
}

impl JobStatus {
    /// Whether nothing more will happen by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Buried)
    }
}

word_enum! {
    /// What a job does.
    JobKind default Import {
        /// Reads and applies an uploaded report.
        Import "import",
        /// Closes what a person has accepted that an import closes.
        Accept "accept",
        /// Undoes what an import did.
        Revert "revert",
        /// Holds all findings against rules and SLA policies that have changed.
        Evaluate "evaluate",
    }
}

/// How a kind of job is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Queue it waits in.
    pub queue: &'static str,
    /// Attempts before it is buried.
    pub max_attempts: u64,
    /// How long a worker holds it without a sign of life, seconds.
    pub lease_s: i64,
}

impl JobKind {
    /// How it is run.
    #[must_use]
    pub const fn policy(self) -> Policy {
        match self {
            // In the queue of imports: a later one builds on what an earlier one has done.
            Self::Import | Self::Accept | Self::Revert => {
                Policy { queue: "imports", max_attempts: 3, lease_s: 120 }
            }
            Self::Evaluate => Policy { queue: "rules", max_attempts: 5, lease_s: 120 },
        }
    }
}

/// Durable work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct Job {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What it does.
    pub kind: JobKind,
    /// Queue it waits in.
    pub queue: String,
    /// Where it stands.
    pub status: JobStatus,
    /// The import that it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<u64>,
    /// Attempts so far.
    pub attempts: u64,
    /// Attempts before it is buried.
    pub max_attempts: u64,
    /// Share of the work that is done, 0 to 1.
    pub progress: f64,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Not before this time.
    pub run_at: Timestamp,
    /// Until when its worker may hold it without a sign of life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// When the last attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Who wanted it.
    pub created_by: String,
}

impl Job {
    /// A job to be run now.
    #[must_use]
    pub fn new(kind: JobKind, created_by: &str, now: Timestamp) -> Self {
        let policy = kind.policy();
        Self {
            kind,
            queue: policy.queue.to_owned(),
            max_attempts: policy.max_attempts,
            run_at: now,
            created_by: created_by.to_owned(),
            ..Self::default()
        }
    }

    /// Whether a worker may take it at `now`: it waits and its time has come, or its
    /// worker's lease has run out.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.status {
            JobStatus::Queued => self.run_at <= now,
            JobStatus::Running => self.lease_until.is_some_and(|t| t <= now),
            JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled | JobStatus::Buried => {
                false
            }
        }
    }

    /// A worker takes it.
    pub fn claim(&mut self, now: Timestamp) {
        self.status = JobStatus::Running;
        self.attempts += 1;
        self.started_at = Some(now);
        self.error = None;
        self.heartbeat(now);
    }

    /// Its worker shows that it is alive.
    pub fn heartbeat(&mut self, now: Timestamp) {
        self.lease_until = Some(now.plus_seconds(self.kind.policy().lease_s));
    }

    /// It is done.
    pub fn succeed(&mut self, now: Timestamp) {
        self.progress = 1.0;
        self.end(JobStatus::Succeeded, now);
    }

    /// An attempt failed: for good if `permanent`, else it is tried again after a pause
    /// that doubles from 5 s, plus up to a quarter of `jitter` (0 to 1), or buried.
    pub fn fail(&mut self, error: String, permanent: bool, jitter: f64, now: Timestamp) {
        self.error = Some(error);
        if permanent {
            self.end(JobStatus::Failed, now);
        } else if self.attempts >= self.max_attempts {
            self.end(JobStatus::Buried, now);
        } else {
            let pause = 5.0 * f64::from(1u32 << self.attempts.saturating_sub(1).min(8) as u32);
            self.run_at = now.plus_seconds((pause * (1.0 + jitter.clamp(0.0, 1.0) / 4.0)) as i64);
            self.status = JobStatus::Queued;
            self.lease_until = None;
        }
    }

    /// Ends it with a final status.
    pub fn end(&mut self, status: JobStatus, now: Timestamp) {
        self.status = status;
        self.finished_at = Some(now);
        self.lease_until = None;
    }
}

/// What can be filtered, sorted and counted by.
const JOB_FIELDS: &[Field<Job>] = &[
    Field::<Job>::new(
        "status",
        Kind::Enum(JobStatus::WORDS),
        |j, f| f(j.status.into()),
        "Where it stands.",
    )
    .facet(),
    Field::<Job>::new("kind", Kind::Enum(JobKind::WORDS), |j, f| f(j.kind.into()), "What it does.")
        .facet(),
    Field::<Job>::new("queue", Kind::Text, |j, f| f((&j.queue).into()), "Queue.").facet(),
    Field::<Job>::new(
        "import_id",
        Kind::U64,
        |j, f| f((&j.import_id).into()),
        "The import that it applies.",
    ),
    Field::<Job>::new("run_at", Kind::Time, |j, f| f(j.run_at.into()), "Not before."),
    Field::<Job>::new(
        "created_at",
        Kind::Time,
        |j, f| f(j.created_at.into()),
        "When it was enqueued.",
    ),
];

/// Secondary indexes, and what each is for.
const JOB_INDEXES: &[Index] = &[
    Index::on(
        "idx_jobs_status_run_at",
        &[asc("status"), asc("run_at")],
        "Workers look for what is due.",
    ),
    Index::on("idx_jobs_import_id", &[asc("import_id")], "The job of an import."),
    Index::on("idx_jobs_created_at", &[asc("created_at")], "By time."),
];

impl Record for Job {
    const TABLE: &'static str = "jobs";
    const FACETS: &'static str = "fct_jobs";
    const NOUN: &'static str = "job";
    const DEFAULT_SORT: &'static str = "-id";

    fn fields() -> &'static [Field<Self>] {
        JOB_FIELDS
    }

    fn indexes() -> &'static [Index] {
        JOB_INDEXES
    }

    crate::record_head!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_job_backs_off_and_is_buried() {
        let t0 = Timestamp::from_micros(0);
        let mut job = Job::new(JobKind::Import, "t", t0);
        let mut pauses = Vec::new();
        while job.status != JobStatus::Buried {
            let now = job.run_at;
            assert!(job.is_due(now));
            job.claim(now);
            assert!(!job.is_due(now));
            assert!(
                job.is_due(now.plus_seconds(job.kind.policy().lease_s)),
                "a dead worker loses it"
            );
            job.fail("boom".into(), false, 0.0, now);
            pauses.push(job.run_at.seconds_since(now));
        }
        assert_eq!(job.attempts, 3);
        assert_eq!(pauses, [5, 10, 0]);
        assert!(job.status.is_final());
    }

    #[test]
    fn a_permanent_failure_is_not_tried_again() {
        let mut job = Job::new(JobKind::Import, "t", Timestamp::default());
        job.claim(Timestamp::default());
        job.fail("bad file".into(), true, 0.0, Timestamp::default());
        assert_eq!(job.status, JobStatus::Failed);
    }
}
