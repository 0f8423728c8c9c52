//! What the services share: the store and a few options. Assembled by `app`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Semaphore, watch};

use super::imports::Turns;
use super::passwords::Hasher;
use crate::adapters::importers::input;
use crate::base::secret::Secret;
use crate::base::{Timestamp, limits};
use crate::domain::import::Import;
use crate::domain::job::Job;
use crate::store::{Commit, Observer, Store};
use crate::telemetry::Metrics;

/// How the services behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where uploads wait and backups go.
    pub data_dir: PathBuf,
    /// Who publishes the documents that are exported: the address of this server.
    pub namespace: String,
    /// Limits of a report.
    pub report: input::Limits,
    /// Largest upload, bytes.
    pub max_upload_bytes: u64,
    /// Whether reports are kept as they were sent.
    pub keep_originals: bool,
    /// Largest report that is kept, bytes as sent.
    pub original_max_bytes: u64,
    /// What all that are kept may take together, bytes on disk.
    pub originals_total_bytes: u64,
    /// A report that would close more than this share of a scope closes nothing by itself.
    pub quarantine_percent: u64,
    /// Scopes of at most this many findings are closed without asking.
    pub quarantine_above: u64,
    /// How long what a change replaced is kept, for undoing it; 0: not at all.
    pub undo_keep_s: i64,
    /// A session ends after this, whatever happens.
    pub session_s: i64,
    /// A session that is not used ends after this.
    pub session_idle_s: i64,
    /// Failed log-ins before an account pauses.
    pub lockout_failures: u64,
    /// First pause, seconds; doubles.
    pub lockout_s: u64,
}

/// Failed log-ins from one address.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddressFailures {
    /// How many in a row.
    pub count: u64,
    /// No log-in from there before this time.
    pub locked_until: Option<Timestamp>,
}

/// What the services share. Clones share it.
#[derive(Clone)]
pub struct Core(Arc<Inner>);

/// The fields of [`Core`].
pub struct Inner {
    /// The records.
    pub store: Store,
    /// How to behave.
    pub options: Options,
    /// Password hashing, bounded.
    pub hasher: Hasher,
    /// One permit for each export that may run at once.
    pub exports: Arc<Semaphore>,
    /// Metrics of what the services do.
    pub metrics: Metrics,
    /// What lets the command line on the same machine in while the server runs.
    pub local_token: OnceLock<Secret>,
    /// Failed log-ins by address; forgotten an hour after the last.
    pub addresses: Cache<String, AddressFailures>,
    setup_token: Mutex<Option<Secret>>,
    receiving: Mutex<HashSet<String>>,
    originals: Mutex<Option<u64>>,
    /// Who works on which assets.
    pub(super) turns: Turns,
    jobs_changed: watch::Sender<u64>,
}

impl std::ops::Deref for Core {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Core {
    /// Puts the services over a store. Returns the observer that the store must be given.
    #[must_use]
    pub fn new(store: Store, options: Options, metrics: Metrics) -> (Self, Arc<dyn Observer>) {
        let jobs_changed = watch::Sender::new(0);
        let observer = Arc::new(JobsObserver(jobs_changed.clone()));
        let addresses =
            Cache::builder().max_capacity(100_000).time_to_idle(Duration::from_hours(1)).build();
        let inner = Inner {
            store,
            options,
            hasher: Hasher::default(),
            exports: Arc::new(Semaphore::new(limits::EXPORTS)),
            metrics,
            local_token: OnceLock::new(),
            addresses,
            setup_token: Mutex::new(None),
            receiving: Mutex::default(),
            originals: Mutex::default(),
            turns: Turns::default(),
            jobs_changed,
        };
        (Self(Arc::new(inner)), observer)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// Tells when jobs or imports change.
    #[must_use]
    pub fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.jobs_changed.subscribe()
    }

    /// The one-time token for the first account, while one is needed.
    #[must_use]
    pub fn setup_token(&self) -> Option<Secret> {
        self.setup_token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets or clears it.
    pub fn set_setup_token(&self, token: Option<Secret>) {
        *self.setup_token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// The keys of requests that are coming in; see [`crate::services::imports::Once`].
    pub(super) fn receiving(&self) -> MutexGuard<'_, HashSet<String>> {
        self.receiving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the kept originals take, bytes; `None` until they were counted.
    pub(super) fn originals_bytes(&self) -> Option<u64> {
        *self.originals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// They were counted.
    pub(super) fn set_originals(&self, bytes: u64) {
        *self.originals.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    /// One more was kept.
    pub(super) fn add_originals(&self, bytes: u64) {
        let mut total = self.originals.lock().unwrap_or_else(PoisonError::into_inner);
        *total = total.map(|total| total + bytes);
    }

    /// Where uploads wait.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.options.data_dir.join("spool")
    }
}

struct JobsObserver(watch::Sender<u64>);

impl Observer for JobsObserver {
    fn committed(&self, commit: &Commit) {
        use crate::base::record::Record as _;
        if commit.touches(Job::TABLE) || commit.touches(Import::TABLE) {
            self.0.send_modify(|n| *n += 1);
        }
    }
}
