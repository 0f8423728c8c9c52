//! L5: the composition root, the only place that knows every part. Opens the data
//! directory, puts store, services, HTTP and jobs together, and takes them apart again.

mod notify;
mod options;
mod serve;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use poem::Response;
use poem::endpoint::BoxEndpoint;

pub use options::{core_options, serve_options};
pub use serve::{LOCAL_TOKEN, Serving, Systemd, serve};

use crate::base::secret::Secret;
use crate::base::time::SystemClock;
use crate::base::{Code, Error, Result};
use crate::config::Config;
use crate::http::routes::{self, ServeOptions};
use crate::jobs::{Runner, Workers};
use crate::services::{Core, Ctx, users};
use crate::store::backup::DATABASE;
use crate::store::commit::{Commit, Done, Observer};
use crate::store::engine::redb::Redb;
use crate::store::lock::Lock;
use crate::store::{Catalog, Store};
use crate::telemetry::Metrics;

/// Every record type, for the store.
#[must_use]
pub fn catalog() -> Catalog {
    macro_rules! list {
        ($($record:path),*) => { Catalog::new()$(.with::<$record>())* };
    }
    crate::for_each_record!(list)
}

/// An opened data directory with everything over it.
pub struct App {
    /// The services.
    pub core: Core,
    /// The metrics.
    pub metrics: Metrics,
    lock: Lock,
    config: Config,
}

impl App {
    /// Opens the data directory of the configuration, or makes it; `command` is what the
    /// lock says of us.
    pub fn open(config: Config, command: &str) -> Result<Self> {
        let directory = config.storage.data_dir.clone();
        make_private(&directory)?;
        let lock = Lock::take(&directory, command)?;
        let engine = Redb::open(&directory.join(DATABASE), config.storage.cache_bytes.0 as usize)?;
        let options = crate::store::Options {
            data_dir: Some(directory),
            cache_bytes: config.storage.cache_bytes.0 as usize,
            min_free_bytes: config.storage.min_free_bytes.0,
        };
        let store = Store::open(Box::new(engine), catalog(), Arc::new(SystemClock), options)?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let (core, observer) = Core::new(store.clone(), core_options(&config), metrics.clone());
        store.observe(vec![observer, Arc::new(MetricsObserver(metrics.clone()))])?;
        Ok(Self { core, metrics, lock, config })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The whole server as one endpoint.
    #[must_use]
    pub fn endpoint(&self, options: &ServeOptions) -> BoxEndpoint<'static, Response> {
        routes::build(&self.core, &self.metrics, options)
    }

    /// Starts the workers.
    pub async fn workers(&self, count: usize) -> Result<Workers> {
        Runner::new(self.core.clone(), self.metrics.clone()).start(count).await
    }

    /// Makes the first account if the configuration has its password, or a set-up token.
    pub async fn first_account(&self) -> Result<Option<Secret>> {
        if let Some(password) = self.config.auth.admin_password.clone()
            && users::setup_needed(&self.core)?
        {
            users::first(&self.core, &Ctx::system(), "admin".into(), password).await?;
            tracing::info!("the account 'admin' was made with the configured password");
        }
        users::open_setup(&self.core)
    }

    /// Finishes what is queued and closes the database cleanly.
    pub async fn close(self) -> Result<()> {
        let store = self.core.store.clone();
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        closed.map_err(|e| Error::internal("closing failed").with_source(e))?
    }
}

/// Makes a directory that only we can read: it holds findings and password hashes.
fn make_private(directory: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if directory.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|e| {
        Error::new(Code::StorageUnavailable, format!("cannot create {}: {e}", directory.display()))
            .with_source(e)
    })
}

/// Counts and times transactions.
struct MetricsObserver(Metrics);

impl Observer for MetricsObserver {
    fn committed(&self, _: &Commit) {}

    fn done(&self, done: &Done) {
        self.0.db_transaction(done.name, if done.ok { "committed" } else { "refused" });
        self.0.db_query(done.name, done.elapsed);
    }
}
