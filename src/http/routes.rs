//! Everything that is served, put together: API, system pages, dashboard, and the edge
//! around them.

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{EndpointExt, Response, Route, get};

use super::auth::{Guard, SecureCookies};
use super::contract::{Contract, Held};
use super::layers::routes::RouteTable;
use super::system::{self, OpenApiBytes};
use super::{EdgeOptions, api, edge, openapi, ui};
use crate::domain::user::Role;
use crate::services::Core;
use crate::telemetry::Metrics;

/// How the server answers.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The layers.
    pub edge: EdgeOptions,
    /// Whether cookies are marked `Secure`.
    pub cookies: SecureCookies,
    /// `/docs` and `/openapi.json` without a log-in.
    pub public_docs: bool,
    /// `/metrics` without a log-in.
    pub public_metrics: bool,
}

/// The API description, as JSON.
#[must_use]
pub fn document() -> serde_json::Value {
    openapi::complete(&api::service().spec())
}

/// The whole server as one endpoint.
#[must_use]
pub fn build(
    core: &Core,
    metrics: &Metrics,
    options: &ServeOptions,
) -> BoxEndpoint<'static, Response> {
    let document = document();
    let bytes = OpenApiBytes(Arc::new(document.to_string().into()));
    let role = |public: bool| if public { None } else { Some(Role::Viewer) };
    let route = Route::new()
        .nest("/api/v1", api::service())
        .at("/health", get(system::ready))
        .at("/health/live", get(system::live))
        .at("/health/ready", get(system::ready))
        .at("/metrics", Guard { inner: get(system::scrape), role: role(options.public_metrics) })
        .at(
            "/openapi.json",
            Guard { inner: get(system::openapi), role: role(options.public_docs) },
        );
    let route = ui::mount(route, Guard { inner: ui::Docs, role: role(options.public_docs) });
    let held = Held { inner: route, contract: Contract::new(&document) };
    let inner = held.data(core.clone()).data(metrics.clone()).data(options.cookies).data(bytes);
    let mut edge_options = options.edge.clone();
    edge_options.routes = table(&document);
    edge(inner, &edge_options, metrics).boxed()
}

fn table(document: &serde_json::Value) -> RouteTable {
    let table = RouteTable::default().with_spec("", document);
    ["/metrics", "/openapi.json"].into_iter().fold(table, |t, path| t.with(path, &["GET"]))
}
