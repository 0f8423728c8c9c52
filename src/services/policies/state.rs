//! How far the findings follow the rules: a revision that every change raises, and the one
//! that all findings have been held against. Both are part of the transactions that change
//! them, so no change is missed and none is worked off twice.

use serde::{Deserialize, Serialize};

use super::all;
use crate::base::record::Record;
use crate::base::{Error, Result};
use crate::domain::finding::Finding;
use crate::domain::job::{Job, JobKind, JobStatus};
use crate::domain::sla::{SlaPolicy, defaults};
use crate::services::audit::{self, Entry};
use crate::services::{Core, Ctx};
use crate::store::{Read, Source, Tx};

const KEY: &str = "policies/state";

/// Where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Goes up with every change of rules and policies.
    pub revision: u64,
    /// The revision that all findings have been held against.
    pub evaluated: u64,
    /// The revision that findings are being held against, and the last of them so far.
    pub cursor: (u64, u64),
    /// The job that does it.
    pub job: Option<u64>,
    /// Whether the policies of a new installation have been made.
    pub seeded: bool,
}

impl State {
    pub(super) fn read(tx: &Tx<'_>) -> Result<Self> {
        let Some(bytes) = tx.meta(KEY)? else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes)
            .map_err(|e| Error::internal("the state of the rules is damaged").with_source(e))
    }

    pub(super) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let bytes = serde_json::to_vec(self)
            .map_err(|e| Error::internal("cannot write the state of the rules").with_source(e))?;
        tx.set_meta(KEY, bytes);
        Ok(())
    }
}

/// Notes that rules or policies have changed, or what they look at; unless a job that will
/// see it waits or runs, one is enqueued.
pub fn changed(tx: &mut Tx<'_>, by: &str) -> Result<()> {
    let mut state = State::read(tx)?;
    let job = state.job.map_or(Ok(None), |id| tx.find::<Job>(id))?;
    let sees_it = job.is_some_and(|job| match job.status {
        JobStatus::Queued => true,
        // One that has come to its end looks no more.
        JobStatus::Running => state.evaluated != state.revision,
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled | JobStatus::Buried => {
            false
        }
    });
    state.revision += 1;
    if !sees_it {
        state.job = Some(tx.insert(Job::new(JobKind::Evaluate, by, tx.now()))?.id);
    }
    state.write(tx)
}

/// After a start: makes the policies of a new installation, once; and enqueues the job if a
/// change waits for it and none does it.
pub async fn seed(core: &Core) -> Result<()> {
    core.store
        .write("sla.seed", |tx| {
            let mut state = State::read(tx)?;
            if !state.seeded {
                state.seeded = true;
                state.write(tx)?;
                if all::<SlaPolicy>(tx)?.is_empty() {
                    make_defaults(tx)?;
                }
            } else if state.evaluated != state.revision {
                let job = state.job.map_or(Ok(None), |id| tx.find::<Job>(id))?;
                if job.is_none_or(|job| job.status.is_final()) {
                    changed(tx, "system")?;
                }
            }
            Ok(())
        })
        .await
}

fn make_defaults(tx: &mut Tx<'_>) -> Result<()> {
    for policy in defaults() {
        let policy = tx.insert(policy)?;
        let entry = Entry::new("sla.create")
            .on::<SlaPolicy>(policy.id, &policy.name)
            .changes(None, Some(&policy))?;
        audit::record(tx, &Ctx::system(), entry)?;
    }
    // On an empty installation nothing has to follow.
    if tx.len(Finding::TABLE)? > 0 { changed(tx, "system") } else { Ok(()) }
}
