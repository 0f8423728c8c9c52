//! `serve` and `health`.

use std::net::SocketAddr;

use crate::app::{self, App, Serving, Systemd};
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result};
use crate::cli::args::Serve;
use crate::cli::client::{Client, Wish, http_client};
use crate::cli::{demo, exit, output};
use crate::config::{Config, LogFormat};
use crate::telemetry::log;

/// Runs the server until a signal ends it.
pub async fn serve(mut config: Config, args: &Serve) -> Result<u8> {
    start_log(&config)?;
    if args.demo {
        prepare_demo(&mut config).await?;
    }
    let systemd = systemd();
    let is_demo = args.demo;
    let address =
        config.server.public_url.clone().map(|u| u.as_str().trim_end_matches('/').to_owned());
    let app = App::open(config, "serve")?;
    app::serve(app, systemd, move |serving| announce(serving, address.as_deref(), is_demo)).await?;
    Ok(exit::OK)
}

#[expect(
    clippy::disallowed_methods,
    reason = "systemd speaks through the environment, which is no configuration"
)]
fn systemd() -> Systemd {
    let variable = |name: &str| std::env::var(name).ok();
    Systemd { notify_socket: variable("NOTIFY_SOCKET"), watchdog_usec: variable("WATCHDOG_USEC") }
}

/// Fills the data directory before the server opens it.
async fn prepare_demo(config: &mut Config) -> Result<()> {
    if !config.server.listen.ip().is_loopback() {
        return Err(Error::new(
            Code::Invalid,
            "--demo has a known password, so it listens on loopback only",
        ));
    }
    config.auth.admin_password = Some(Secret::new(demo::PASSWORD.to_owned()));
    let wish = Wish { server: None, token: None, config: config.clone(), command: "demo" };
    let client = Client::connect(wish).await?;
    if !client.is_local() {
        return Err(Error::new(Code::Locked, "a server runs on this data directory already"));
    }
    let filled = demo::fill(&client).await;
    client.close().await?;
    tracing::info!(findings = filled?, "demo data is there");
    Ok(())
}

/// Tells where to go, on standard output: the log goes to standard error.
fn announce(serving: &Serving, public: Option<&str>, is_demo: bool) {
    let base =
        public.map_or_else(|| format!("http://{}", clickable(serving.address)), str::to_owned);
    output::tell(&format!("VulnZero {} is at {base}", env!("CARGO_PKG_VERSION")));
    if let Some(token) = &serving.setup_token {
        output::tell(&format!("Make the first account at {base}/setup#token={}", token.expose()));
    }
    if is_demo {
        output::tell(&format!("Log in as {} with the password {}", demo::USERNAME, demo::PASSWORD));
    }
}

/// An address that a browser can open.
fn clickable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

fn start_log(config: &Config) -> Result<()> {
    let format = match config.log.format {
        LogFormat::Auto => log::Format::Auto,
        LogFormat::Text => log::Format::Text,
        LogFormat::Json => log::Format::Json,
    };
    log::init(format, &config.log.level.0)
}

/// Other commands log warnings only, unless the configuration asks for more.
pub fn log_warnings(config: &Config) {
    let level = if config.log.level.0 == "info" { "warn" } else { &config.log.level.0 };
    if let Err(e) = log::init(log::Format::Text, level) {
        eprintln!("warning: {e}");
    }
}

/// Asks a server for its health; for container health checks.
pub async fn health(config: &Config, url: Option<&str>) -> Result<u8> {
    let url = if let Some(url) = url {
        url.trim_end_matches('/').to_owned()
    } else {
        let listen = config.server.listen;
        let host = if listen.ip().is_unspecified() {
            SocketAddr::from(([127, 0, 0, 1], listen.port()))
        } else {
            listen
        };
        format!("http://{host}")
    };
    let unwell =
        |e: reqwest::Error| Error::new(Code::Unavailable, format!("{url} does not answer: {e}"));
    let request =
        http_client()?.get(format!("{url}/health")).timeout(std::time::Duration::from_secs(5));
    let response = request.send().await.map_err(unwell)?;
    let status = response.status();
    output::line(&response.text().await.map_err(unwell)?);
    Ok(if status.is_success() { exit::OK } else { exit::UNAVAILABLE })
}
