//! One line and one count for each request, when its answer is sent or cut. The line has
//! the path without the query (which may hold what a user searched for); the metric has
//! the route's pattern, because paths are without number.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use poem::http::{Method, Uri};
use poem::{Endpoint, PathPattern, Request, Response, Result};

use super::client::ClientAddr;
use super::request_id;
use crate::http::problem::ProblemCode;
use crate::telemetry::Metrics;

/// Target of the log lines.
pub const TARGET: &str = "vulnzero::access";
/// Status of a request whose client left before the answer (nginx's number).
const CLIENT_LEFT: u16 = 499;

/// The layer.
pub struct AccessLog<E> {
    /// What is inside.
    pub inner: E,
    /// Where requests are counted.
    pub metrics: Metrics,
}

impl<E: Endpoint<Output = Response>> Endpoint for AccessLog<E> {
    type Output = Response;

    async fn call(&self, req: Request) -> Result<Response> {
        let mut entry = Entry::begin(&req, self.metrics.clone());
        let mut response = self.inner.call(req).await?;
        entry.status = response.status().as_u16();
        entry.code = response.data::<ProblemCode>().map(|c| c.0.slug());
        entry.endpoint = response.data::<PathPattern>().map(|p| p.0.clone());
        let inner = response.take_body().into();
        response.set_body(BoxBody::new(Counted { inner, entry }));
        Ok(response)
    }
}

/// What is known of a request; written down when dropped, however it ends.
struct Entry {
    metrics: Metrics,
    started: Instant,
    method: &'static str,
    uri: Uri,
    client: ClientAddr,
    request_id: Option<request_id::RequestId>,
    endpoint: Option<Arc<str>>,
    status: u16,
    code: Option<&'static str>,
    bytes: u64,
}

impl Entry {
    fn begin(req: &Request, metrics: Metrics) -> Self {
        metrics.request_started();
        Self {
            metrics,
            started: Instant::now(),
            method: method_name(req.method()),
            uri: req.original_uri().clone(),
            client: ClientAddr::of(req),
            request_id: request_id::current(),
            endpoint: None,
            status: CLIENT_LEFT,
            code: None,
            bytes: 0,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let endpoint = self.endpoint.take().unwrap_or_else(|| Arc::from("unmatched"));
        self.metrics.request_finished(self.method, endpoint, self.status, took);
        tracing::info!(
            target: TARGET,
            method = self.method,
            path = self.uri.path(),
            status = self.status,
            code = self.code,
            bytes = self.bytes,
            micros = took.as_micros() as u64,
            client = %self.client.ip,
            // The body ends outside the request's span.
            request_id = self.request_id.as_ref().map(request_id::RequestId::as_str),
            "answered"
        );
    }
}

/// Methods are a closed set in the metrics, whatever clients send.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method == known).unwrap_or("OTHER")
}

/// A body that counts its bytes into the entry.
struct Counted {
    inner: BoxBody<Bytes, io::Error>,
    entry: Entry,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            this.entry.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
