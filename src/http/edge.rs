//! The layers in their order.
//!
//! From the outside in:
//! 1. *request id*: everything after it, also a failure, can be found in the log;
//! 2. *client*: log and limits need to know whom they speak of;
//! 3. *access log and metrics*: see the answer as it goes out, whoever made it;
//! 4. *security headers*: on every answer, also on refusals;
//! 5. *HEAD*: everything inside sees a GET, so both have the same headers;
//! 6. *compression*: outside of the conditions, whose ETags name the plain bytes;
//! 7. *conditions*: an answer that the client has is neither compressed nor sent;
//! 8. *catch*: outside of all that can refuse or panic, inside of all that only decorates;
//! 9. *rate limit*: before any work for the request;
//! 10. *limits*: the last before handlers read a body.

use ipnet::IpNet;
use poem::{Endpoint, IntoEndpoint, Response};

use super::layers::access_log::AccessLog;
use super::layers::catch::Catch;
use super::layers::client::Client;
use super::layers::compression::{Compression, CompressionOptions};
use super::layers::etag::Conditional;
use super::layers::head::Head;
use super::layers::limits::{LimitOptions, Limits};
use super::layers::rate_limit::{RateLimit, RateLimits};
use super::layers::request_id::Identified;
use super::layers::routes::RouteTable;
use super::layers::security_headers::{SecurityHeaders, SecurityOptions};
use crate::telemetry::Metrics;

/// Options of all layers; the defaults are those of each.
#[derive(Debug, Clone, Default)]
pub struct EdgeOptions {
    /// Sizes of requests.
    pub limits: LimitOptions,
    /// Requests per client.
    pub rates: RateLimits,
    /// Compression of answers.
    pub compression: CompressionOptions,
    /// Security headers.
    pub security: SecurityOptions,
    /// Proxies whose `X-Forwarded-*` headers are believed. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// The routes as documented; without them a 405 cannot name the methods, and metrics
    /// show poem's patterns.
    pub routes: RouteTable,
}

/// Puts all layers around `endpoint`.
pub fn edge<E>(
    endpoint: E,
    options: &EdgeOptions,
    metrics: &Metrics,
) -> impl Endpoint<Output = Response> + use<E> + 'static
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    let inner = Limits { inner: endpoint.into_endpoint(), options: options.limits.clone() };
    let inner = RateLimit::new(inner, &options.rates);
    let inner = Catch { inner, routes: options.routes.clone() };
    let inner = Compression {
        inner: Conditional(inner),
        options: options.compression.clone(),
        metrics: metrics.clone(),
    };
    let inner = SecurityHeaders::new(Head(inner), &options.security);
    let inner = AccessLog { inner, metrics: metrics.clone() };
    Identified(Client { inner, trusted: options.trusted_proxies.clone() })
}
