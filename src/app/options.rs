//! From the configuration to the options of each module.

use std::time::Duration;

use crate::adapters::importers::input::Limits;
use crate::config::{Config, SecureCookies as Configured};
use crate::http::EdgeOptions;
use crate::http::auth::SecureCookies;
use crate::http::layers::compression::CompressionOptions;
use crate::http::layers::compression::codec::Levels;
use crate::http::layers::limits::LimitOptions;
use crate::http::layers::rate_limit::{Rate, RateLimits};
use crate::http::layers::security_headers::SecurityOptions;
use crate::http::routes::ServeOptions;
use crate::http::server::{Options as ServerOptions, Pace};
use crate::services;
use crate::telemetry::Metrics;

/// Options of the services.
#[must_use]
pub fn core_options(config: &Config) -> services::Options {
    services::Options {
        data_dir: config.storage.data_dir.clone(),
        // Without an address of its own a document names a host that cannot exist (RFC 2606).
        namespace: config
            .server
            .public_url
            .as_ref()
            .map_or_else(|| "https://vulnzero.invalid".to_owned(), |url| url.as_str().to_owned()),
        report: Limits {
            report_bytes: config.import.max_report_bytes.0,
            findings: config.import.max_findings,
        },
        max_upload_bytes: config.import.max_upload_bytes.0,
        keep_originals: config.import.keep_originals,
        original_max_bytes: config.import.original_max_bytes.0,
        originals_total_bytes: config.import.originals_total_bytes.0,
        quarantine_percent: config.import.quarantine_percent,
        quarantine_above: config.import.quarantine_above,
        undo_keep_s: config.undo.keep_days as i64 * 86_400,
        session_s: config.auth.session_hours as i64 * 3600,
        session_idle_s: config.auth.session_idle_minutes as i64 * 60,
        lockout_failures: u64::from(config.auth.lockout_failures),
        lockout_s: config.auth.lockout_seconds,
    }
}

/// Options of what is served.
#[must_use]
pub fn serve_options(config: &Config) -> ServeOptions {
    let https = config.server.public_url.as_ref().is_some_and(crate::config::PublicUrl::is_https);
    let cookies = match config.server.secure_cookies {
        Configured::Auto if https => SecureCookies::Always,
        Configured::Auto => SecureCookies::Auto,
        Configured::Always => SecureCookies::Always,
        Configured::Never => SecureCookies::Never,
    };
    ServeOptions {
        edge: edge_options(config),
        cookies,
        public_docs: config.server.public_docs,
        public_metrics: config.server.public_metrics,
    }
}

fn edge_options(config: &Config) -> EdgeOptions {
    let c = &config.compression;
    EdgeOptions {
        limits: LimitOptions {
            upload_bytes: config.import.max_upload_bytes.0,
            ..LimitOptions::default()
        },
        rates: RateLimits {
            read: Some(rate(config.rate_limit.read_per_minute)),
            write: Some(rate(config.rate_limit.write_per_minute)),
            auth: Some(rate(config.rate_limit.auth_per_minute)),
            ..RateLimits::default()
        },
        compression: CompressionOptions {
            enabled: c.enabled,
            minimum_bytes: c.min_bytes.0,
            levels: Levels {
                gzip: u32::from(c.gzip_level),
                zstd: i32::from(c.zstd_level),
                brotli: i32::from(c.brotli_level),
            },
        },
        security: SecurityOptions::default(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        routes: crate::http::layers::routes::RouteTable::default(),
    }
}

/// A minute's worth may come at once: pages and scripts come in bursts.
fn rate(per_minute: u64) -> Rate {
    Rate {
        per_second: per_minute as f64 / 60.0,
        burst: u32::try_from(per_minute).unwrap_or(u32::MAX),
    }
}

/// Options of the listener.
#[must_use]
pub fn server_options(config: &Config, metrics: &Metrics) -> ServerOptions {
    let s = &config.server;
    let pace = |defaults: Pace| Pace { stall: Duration::from_secs(s.body_timeout_s), ..defaults };
    let defaults = ServerOptions::default();
    ServerOptions {
        header_timeout: Duration::from_secs(s.header_timeout_s),
        idle_timeout: Duration::from_secs(s.idle_timeout_s),
        request_pace: pace(defaults.request_pace),
        response_pace: pace(defaults.response_pace),
        max_connections: s.max_connections,
        drain_timeout: Duration::from_secs(s.drain_timeout_s),
        metrics: Some(metrics.clone()),
        ..defaults
    }
}
