//! A small API with every kind of answer, and a server for it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use poem::http::HeaderMap;
use poem::{Body as PoemBody, EndpointExt as _, Response, Route, handler};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Binary;
use poem_openapi::{Object, OpenApi, OpenApiService};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vulnzero::base::{Code, Error};
use vulnzero::http::contract::{Contract, Held};
use vulnzero::http::layers::routes::RouteTable;
use vulnzero::http::layers::{client::ClientAddr, etag};
use vulnzero::http::reply::version_etag;
use vulnzero::http::server::{Options, serve};
use vulnzero::http::{Body, EdgeOptions, MergeBody, NoContent, Problem, Reply, body, edge};
use vulnzero::telemetry::Metrics;

use super::client::{Answer, Client};

#[derive(Debug, Object, serde::Serialize)]
pub struct Thing {
    /// Its name.
    pub name: String,
    /// How many.
    pub count: u32,
}

#[derive(Debug, Object)]
pub struct ThingPatch {
    /// How many.
    pub count: Option<u32>,
}

pub struct Api {
    /// Bytes of uploads that reached the handler.
    pub uploaded: Arc<AtomicU64>,
}

#[OpenApi]
impl Api {
    /// JSON text of a size.
    #[oai(path = "/text", method = "get")]
    async fn text(&self, bytes: Query<usize>) -> Result<Reply<String>, Problem> {
        let text: String = "finding ".chars().cycle().take(bytes.0).collect();
        Ok(Reply::new(&text)?)
    }

    /// Takes a thing.
    #[oai(path = "/things", method = "post")]
    async fn create(&self, thing: Body<Thing>) -> Result<Reply<Thing, 201>, Problem> {
        Ok(Reply::new(&thing.0)?.with_etag(version_etag(1)).with_location("/api/v1/things/1")?)
    }

    /// A thing of version 7.
    #[oai(path = "/things/:id", method = "get")]
    async fn get(
        &self,
        id: Path<u64>,
        #[allow(unused_variables)] note: Query<Option<String>>,
        headers: &HeaderMap,
    ) -> Result<Reply<Thing>, Problem> {
        if id.0 == 404 {
            return Err(Error::not_found("thing", id.0).into());
        }
        let etag = version_etag(7);
        if etag::if_none_match(headers, &etag) {
            return Ok(Reply::not_modified(etag));
        }
        let thing = Thing { name: "x".repeat(2000), count: 7 };
        Ok(Reply::new(&thing)?.with_etag(etag))
    }

    /// Changes a thing of version 7.
    #[oai(path = "/things/:id", method = "patch")]
    async fn change(
        &self,
        #[allow(unused_variables)] id: Path<u64>,
        headers: &HeaderMap,
        patch: MergeBody<ThingPatch>,
    ) -> Result<Reply<Thing>, Problem> {
        let condition = etag::Condition::read(headers, poem::http::header::IF_MATCH);
        if condition.is_some_and(|c| !c.allows_version(7)) {
            return Err(Error::new(Code::VersionMismatch, "it is at version 7").into());
        }
        Ok(Reply::new(&Thing { name: "x".into(), count: patch.0.count.unwrap_or(0) })?)
    }

    /// Deletes a thing.
    #[oai(path = "/things/:id", method = "delete")]
    async fn delete(&self, #[allow(unused_variables)] id: Path<u64>) -> Result<NoContent, Problem> {
        Ok(NoContent::default())
    }

    /// Counts the bytes of an upload as they come.
    #[oai(path = "/imports", method = "post")]
    async fn upload(&self, data: Binary<PoemBody>) -> Result<Reply<u64, 201>, Problem> {
        let mut pieces = data.0.into_bytes_stream();
        let mut bytes = 0;
        while let Some(piece) = pieces.next().await {
            bytes += piece.map_err(|e| body::read_error(&e))?.len() as u64;
            self.uploaded.store(bytes, Ordering::Relaxed);
        }
        Ok(Reply::new(&bytes)?)
    }

    /// Fails with a secret.
    #[oai(path = "/broken", method = "get")]
    async fn broken(&self) -> Result<Reply<u64>, Problem> {
        Err(Error::internal("the password is hunter2").with_source("the disk").into())
    }

    /// Takes half a second.
    #[oai(path = "/slow", method = "get")]
    async fn slow(&self, millis: Query<u64>) -> Result<Reply<u64>, Problem> {
        tokio::time::sleep(Duration::from_millis(millis.0)).await;
        Ok(Reply::new(&millis.0)?)
    }

    /// The caller's address.
    #[oai(path = "/whoami", method = "get")]
    async fn whoami(&self, req: &poem::Request) -> Result<Reply<String>, Problem> {
        Ok(Reply::new(&ClientAddr::of(req).ip.to_string())?)
    }
}

#[handler]
fn panics() -> String {
    panic!("a handler panics");
}

#[handler]
fn image() -> Response {
    Response::builder().content_type("image/png").body(vec![0u8; 5000])
}

#[handler]
fn page() -> Response {
    Response::builder().content_type("text/html; charset=utf-8").body("<!doctype html>")
}

/// A text of unknown length.
#[handler]
fn streamed() -> Response {
    let lines = (0..200).map(|n| Ok::<_, io::Error>(format!("line {n:>60}\n")));
    Response::builder()
        .content_type("text/csv")
        .body(PoemBody::from_bytes_stream(stream::iter(lines)))
}

/// One event now, and no end.
#[handler]
fn events() -> Response {
    let first = stream::iter([Ok::<_, io::Error>("data: now\n\n".to_owned())]);
    Response::builder()
        .content_type("text/event-stream")
        .body(PoemBody::from_bytes_stream(first.chain(stream::pending())))
}

/// More than any socket buffers.
#[handler]
fn huge() -> Response {
    let piece = bytes::Bytes::from(vec![b'x'; 1 << 20]);
    let pieces = stream::iter((0..512).map(move |_| Ok::<_, io::Error>(piece.clone())));
    Response::builder()
        .content_type("application/octet-stream")
        .body(PoemBody::from_bytes_stream(pieces))
}

/// A server on a free port.
pub struct Server {
    pub address: SocketAddr,
    pub metrics: Metrics,
    pub uploaded: Arc<AtomicU64>,
    pub stop: watch::Sender<bool>,
    pub task: JoinHandle<vulnzero::base::Result<()>>,
}

pub fn service(uploaded: Arc<AtomicU64>) -> OpenApiService<Api, ()> {
    OpenApiService::new(Api { uploaded }, "test", "1").url_prefix("/api/v1")
}

impl Server {
    pub async fn start(edge_options: EdgeOptions, options: Options) -> Self {
        let uploaded = Arc::new(AtomicU64::new(0));
        let service = service(uploaded.clone());
        let document = serde_json::from_str(&service.spec()).unwrap();
        let routes = RouteTable::default().with_spec("", &document).with("/page", &["GET"]);
        let route = Route::new()
            .nest("/api/v1", service)
            .at("/page", poem::get(page))
            .at("/image", poem::get(image))
            .at("/panic", poem::get(panics))
            .at("/streamed", poem::get(streamed))
            .at("/events", poem::get(events))
            .at("/huge", poem::get(huge));
        let metrics = Metrics::new("test");
        let held = Held { inner: route, contract: Contract::new(&document) };
        let endpoint = edge(held, &EdgeOptions { routes, ..edge_options }, &metrics).boxed();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let options = Options { metrics: Some(metrics.clone()), ..options };
        let task = tokio::spawn(serve(listener, endpoint, options, stopped));
        Self { address, metrics, uploaded, stop, task }
    }

    pub async fn plain() -> Self {
        Self::start(EdgeOptions::default(), Options::default()).await
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// One GET over its own connection.
    pub async fn get(&self, path: &str, headers: &str) -> Answer {
        self.connect().await.get(path, headers).await
    }

    /// Waits until a line is in the metrics; they are written after the answer is sent.
    pub async fn wait_for_metric(&self, line: &str) {
        for _ in 0..100 {
            if self.metrics.encode().lines().any(|l| l == line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no line {line:?} in\n{}", self.metrics.encode());
    }
}
