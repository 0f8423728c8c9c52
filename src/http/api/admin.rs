//! The overview, jobs, and looking after the server.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use serde::Serialize;

use super::Tag;
use super::common::{reference, written};
use crate::domain::job::Job;
use crate::http::auth::Caller;
use crate::http::{Problem, Reply};
use crate::services::maintenance::{CheckReport, IndexView};
use crate::services::stats::Stats;
use crate::services::{Core, jobs, maintenance, stats};

/// A backup that was written.
#[derive(Debug, Serialize, Object)]
pub struct BackupView {
    /// Where it lies on the server.
    pub path: String,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// What compaction did.
#[derive(Debug, Serialize, Object)]
pub struct CompactView {
    /// Bytes of the file before.
    pub bytes_before: u64,
    /// Bytes of the file after.
    pub bytes_after: u64,
}

/// The overview.
pub(super) struct Overview;

#[OpenApi(tag = Tag::Overview)]
impl Overview {
    /// The overview
    #[oai(path = "/stats", method = "get", operation_id = "get_stats")]
    async fn stats(&self, core: Data<&Core>, caller: Caller) -> Result<Reply<Stats>, Problem> {
        Ok(Reply::new(&stats::overview(&core, &caller.0)?)?)
    }
}

/// Retrying and cancelling jobs.
pub(super) struct JobControl;

#[OpenApi(prefix_path = "/jobs", tag = Tag::Jobs)]
impl JobControl {
    /// Retry a job
    ///
    /// One that failed, was buried or cancelled.
    #[oai(path = "/:id/retry", method = "post", operation_id = "retry_job")]
    async fn retry(
        &self,
        core: Data<&Core>,
        caller: Caller,
        id: Path<String>,
    ) -> Result<Reply<Job>, Problem> {
        Ok(written(&jobs::retry(&core, &caller.0, reference(&id)).await?)?)
    }

    /// Cancel a job
    ///
    /// A running one stops at its next step; what it has done stays.
    #[oai(path = "/:id/cancel", method = "post", operation_id = "cancel_job")]
    async fn cancel(
        &self,
        core: Data<&Core>,
        caller: Caller,
        id: Path<String>,
    ) -> Result<Reply<Job>, Problem> {
        Ok(written(&jobs::cancel(&core, &caller.0, reference(&id)).await?)?)
    }
}

/// Looking after the server; for administrators.
pub(super) struct Maintenance;

#[OpenApi(prefix_path = "/admin", tag = Tag::Maintenance)]
impl Maintenance {
    /// Write a backup
    ///
    /// A consistent copy, while everything goes on, into `backups/` in the data directory.
    #[oai(path = "/backup", method = "post", operation_id = "create_backup")]
    async fn backup(
        &self,
        core: Data<&Core>,
        caller: Caller,
    ) -> Result<Reply<BackupView, 201>, Problem> {
        let (path, summary) = maintenance::back_up(&core, &caller.0, None).await?;
        let view = BackupView {
            path: path.display().to_string(),
            rows: summary.rows,
            bytes: summary.bytes,
        };
        Ok(Reply::new(&view)?)
    }

    /// Verify everything
    ///
    /// Every index row against its record and back, counts, the audit chain. Reads the
    /// whole database.
    #[oai(path = "/check", method = "post", operation_id = "run_check")]
    async fn check(
        &self,
        core: Data<&Core>,
        caller: Caller,
    ) -> Result<Reply<CheckReport>, Problem> {
        Ok(Reply::new(&maintenance::check_now(&core, &caller.0).await?)?)
    }

    /// Compact the database
    ///
    /// Gives free space back. Other requests get 503 meanwhile.
    #[oai(path = "/compact", method = "post", operation_id = "compact")]
    async fn compact(
        &self,
        core: Data<&Core>,
        caller: Caller,
    ) -> Result<Reply<CompactView>, Problem> {
        let (before, after) = maintenance::compact(&core, &caller.0).await?;
        Ok(Reply::new(&CompactView {
            bytes_before: before.file_bytes,
            bytes_after: after.file_bytes,
        })?)
    }

    /// The index catalogue
    #[oai(path = "/indexes", method = "get", operation_id = "list_indexes")]
    async fn indexes(
        &self,
        core: Data<&Core>,
        caller: Caller,
    ) -> Result<Reply<Vec<IndexView>>, Problem> {
        Ok(Reply::new(&maintenance::indexes(&core, &caller.0)?)?)
    }
}
