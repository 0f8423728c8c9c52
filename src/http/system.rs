//! What is outside the API: health, metrics, the API description.

use std::sync::Arc;

use bytes::Bytes;
use poem::http::{HeaderValue, StatusCode, header};
use poem::web::Data;
use poem::{IntoResponse, Response, handler};
use serde_json::{Map, Value, json};

use crate::domain::job::JobKind;
use crate::services::Core;
use crate::services::{jobs, maintenance};
use crate::telemetry::{Metrics, metrics};

/// The API description, ready to be sent.
#[derive(Clone)]
pub struct OpenApiBytes(pub Arc<Bytes>);

/// Whether the process runs. Touches nothing.
#[handler]
pub fn live() -> Response {
    state(StatusCode::OK, "ok", &Map::new())
}

/// Whether requests can be served: 503 while the storage does not answer, 200 with
/// `degraded` while only reading works.
#[handler]
pub fn ready(core: Data<&Core>) -> Response {
    let health = core.store.health();
    let mut checks = Map::new();
    let reads = maintenance::ready(&core.store);
    let storage = match (&health.trouble, &reads) {
        (Some(why), _) => why.clone(),
        (None, Err(_)) => "it cannot be read".to_owned(),
        (None, Ok(())) => "ok".to_owned(),
    };
    let (broken, read_only) = (storage != "ok", health.read_only);
    checks.insert("storage".into(), Value::String(storage));
    let space = if read_only { "nearly full: only reading works" } else { "ok" };
    checks.insert("disk".into(), space.into());
    let (status, word) = match (broken, read_only) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (false, true) => (StatusCode::OK, "degraded"),
        (false, false) => (StatusCode::OK, "ok"),
    };
    state(status, word, &checks)
}

fn state(status: StatusCode, word: &str, checks: &Map<String, Value>) -> Response {
    let mut body = json!({"status": word, "version": env!("CARGO_PKG_VERSION")});
    if !checks.is_empty() {
        body["checks"] = Value::Object(checks.clone());
    }
    let mut response =
        Response::builder().status(status).content_type("application/json").body(body.to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The metrics.
#[handler]
pub fn scrape(core: Data<&Core>, metrics: Data<&Metrics>) -> Response {
    if let Err(e) = queue_lengths(&core, &metrics) {
        tracing::debug!(error = %e.chain(), "the queue lengths cannot be read");
    }
    Response::builder().content_type(metrics::CONTENT_TYPE).body(metrics.encode())
}

fn queue_lengths(core: &Core, metrics: &Metrics) -> crate::base::Result<()> {
    metrics.set_queue_length(JobKind::Import.policy().queue, 0);
    for (queue, n) in jobs::waiting(core)? {
        metrics.set_queue_length(queue, n as i64);
    }
    Ok(())
}

/// The API description.
#[handler]
pub fn openapi(document: Data<&OpenApiBytes>) -> Response {
    let body = document.0.0.as_ref().clone();
    let mut response =
        Response::builder().content_type("application/json").body(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
