//! Serving: from the configuration to a running server, until a signal ends it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::App;
use super::notify::Notifier;
use super::options::{serve_options, server_options};
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result};
use crate::http::server;
use crate::jobs::Watched;
use crate::services::passwords::random_secret;
use crate::store::lock::Holder;

/// Name of the file with the token for the command line on this machine.
pub const LOCAL_TOKEN: &str = "local.token";

/// What to tell people once requests are served.
pub struct Serving {
    /// Address that is listened on.
    pub address: SocketAddr,
    /// Token for the first account, if one is needed.
    pub setup_token: Option<Secret>,
}

/// What systemd tells its services.
#[derive(Debug, Clone, Default)]
pub struct Systemd {
    /// `NOTIFY_SOCKET`.
    pub notify_socket: Option<String>,
    /// `WATCHDOG_USEC`.
    pub watchdog_usec: Option<String>,
}

/// Serves until SIGTERM or SIGINT, then drains and closes. `announce` is called once
/// requests are served.
pub async fn serve(mut app: App, systemd: Systemd, announce: impl FnOnce(&Serving)) -> Result<()> {
    // Before anybody knows of us: a signal that comes early must end us in good order too.
    let signals = Signals::new()?;
    let notifier =
        Notifier::new(systemd.notify_socket.as_deref(), systemd.watchdog_usec.as_deref());
    if let Some(limit) = server::raise_open_files() {
        tracing::debug!(limit, "open files");
    }
    let (listener, address) = listen(app.config.server.listen).await?;
    // The token comes first: whoever reads the address needs it.
    let token_file = LocalToken::write(&app)?;
    app.lock.tell(&Holder {
        pid: std::process::id(),
        command: "serve".into(),
        address: Some(reachable(address).to_string()),
    })?;
    let setup_token = app.first_account().await?;
    let mut workers = app.workers(app.config.jobs.workers as usize).await?;
    if let Some(directory) = app.config.import.watch_dir.clone() {
        let every = Duration::from_secs(app.config.import.watch_interval_s);
        workers.watch(app.core.clone(), Watched { directory, every });
    }
    let (stop, stopped) = watch::channel(false);
    let endpoint = app.endpoint(&serve_options(&app.config));
    let options = server_options(&app.config, &app.metrics);
    let running = tokio::spawn(server::serve(listener, endpoint, options, stopped));
    announce(&Serving { address, setup_token });
    notifier.ready();
    tokio::select! {
        signal = signals.end() => tracing::info!(signal, "stopping"),
        () = notifier.keep_alive(&app.core.store) => {}
    }
    notifier.stopping();
    stop.send_replace(true);
    running.await.map_err(|e| Error::internal("the listener ended badly").with_source(e))??;
    workers.stop().await;
    drop(token_file);
    app.close().await
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let refused = |e: std::io::Error| {
        Error::new(Code::Unavailable, format!("cannot listen on {address}: {e}"))
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let local = listener.local_addr().map_err(refused)?;
    Ok((listener, local))
}

/// Where the command line on this machine reaches an address that may be a wildcard.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback = if address.is_ipv4() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        std::net::Ipv6Addr::LOCALHOST.into()
    };
    SocketAddr::new(loopback, address.port())
}

/// The signals that end a server.
struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let catch = |kind| {
            signal(kind).map_err(|e| Error::internal("signals cannot be received").with_source(e))
        };
        Ok(Self { term: catch(SignalKind::terminate())?, int: catch(SignalKind::interrupt())? })
    }

    /// Waits for one; its name.
    async fn end(mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

/// A token in the data directory by which the command line gets in while the server runs:
/// whoever can read the directory owns the data anyway.
struct LocalToken(PathBuf);

impl LocalToken {
    fn write(app: &App) -> Result<Self> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = app.config.storage.data_dir.join(LOCAL_TOKEN);
        let secret = random_secret()?;
        let failed = |e: std::io::Error| {
            Error::new(Code::StorageUnavailable, format!("cannot write {}: {e}", path.display()))
        };
        if path.exists() {
            fs::remove_file(&path).map_err(failed)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        file.write_all(secret.expose().as_bytes()).map_err(failed)?;
        app.core
            .local_token
            .set(secret)
            .map_err(|_| Error::internal("the local token is set once"))?;
        Ok(Self(path))
    }
}

impl Drop for LocalToken {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_file(&self.0) {
            tracing::debug!(error = %e, "cannot remove the local token");
        }
    }
}
