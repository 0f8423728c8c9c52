//! The accept loop: connections in, requests to the endpoint, a graceful end.
//!
//! What a client may do to hurt the server is bounded here: open connections, slow heads,
//! stalled bodies, slow reading, oversized heads. What a *request* may ask is decided in
//! the layers, not here. HTTP/1.1 only; TLS and HTTP/2 are for the proxy in front.

mod io;
mod pace;
mod stream;

use std::convert::Infallible;
use std::io::Error as IoError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::endpoint::{DynEndpoint, ToDynEndpoint};
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint as _, EndpointExt as _, IntoEndpoint, Request, RequestParts, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tracing::{debug, error, info, warn};

use self::io::{Shared, Timed, Times};
pub use self::pace::Pace;
pub use self::stream::SlowBody;
use crate::base::{Error, Result};
use crate::telemetry::Metrics;

/// Pause after a failed accept: long enough not to spin, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long connections that were cut may take to go.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// Limits of the server; the defaults suit a machine that faces a network.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest time for the head of a request; for the first one counted from the accept.
    /// Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request. Default 75 s: longer than
    /// common proxies keep theirs (60 s), so that they, not we, close first.
    pub idle_timeout: Duration,
    /// What is asked of a client that sends a body. Default: a byte every 30 s and on
    /// average 256 bytes a second; slower ends with 408.
    pub request_pace: Pace,
    /// What is asked of a client that reads an answer. Default as for bodies; slower is cut.
    pub response_pace: Pace,
    /// Most connections at once; more wait in the kernel's queue. Default 4096.
    pub max_connections: u32,
    /// Largest head of a request, bytes; beyond it hyper answers 431 and closes. The
    /// layers refuse with a proper problem at less. Default 64 KiB.
    pub max_header_bytes: usize,
    /// How long requests in progress may take once shutdown began. Default 30 s.
    pub drain_timeout: Duration,
    /// Where open connections are counted.
    pub metrics: Option<Metrics>,
}

impl Default for Options {
    fn default() -> Self {
        let pace = Pace { stall: Duration::from_secs(30), bytes_per_second: 256 };
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            request_pace: pace,
            response_pace: pace,
            max_connections: 4096,
            max_header_bytes: 64 << 10,
            drain_timeout: Duration::from_secs(30),
            metrics: None,
        }
    }
}

type Handler = Arc<dyn DynEndpoint<Output = Response>>;

/// Serves `endpoint` until `shutdown` becomes true (or its sender is gone), then finishes
/// the requests in progress within the drain time. Errors only before the first accept.
pub async fn serve<E>(
    listener: TcpListener,
    endpoint: E,
    options: Options,
    shutdown: watch::Receiver<bool>,
) -> Result<()>
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    let local = listener
        .local_addr()
        .map_err(|e| Error::internal("the listener has no address").with_source(e))?;
    let handler: Handler = Arc::new(ToDynEndpoint(endpoint.into_endpoint().map_to_response()));
    info!(address = %local, "listening");
    run(listener, local, handler, options, shutdown).await;
    info!("stopped");
    Ok(())
}

/// Where connections come from; a seam so that tests can make accepting fail.
trait Accept: Send {
    fn accept(&mut self) -> impl Future<Output = std::io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&mut self) -> std::io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // Answers are written whole; waiting to fill a segment only adds latency.
        if let Err(e) = stream.set_nodelay(true) {
            debug!(%peer, error = %e, "cannot switch off Nagle's algorithm");
        }
        Ok((stream, peer))
    }
}

async fn run(
    mut source: impl Accept,
    local: SocketAddr,
    handler: Handler,
    options: Options,
    mut shutdown: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(options.max_connections as usize));
    let (cut, _) = watch::channel(false);
    let context = Arc::new(Context { handler, local, http: builder(&options), options });
    let mut troubled = false;
    loop {
        // The slot comes first: while there is none, the kernel's queue holds clients back.
        let slot = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            slot = slots.clone().acquire_owned() => slot.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            accepted = source.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                troubled = false;
                let connection =
                    context.clone().connection(stream, peer, shutdown.clone(), cut.subscribe());
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            Err(e) => accept_failed(&e, &mut troubled).await,
        }
    }
    drop(source);
    drain(&slots, &context.options, &cut).await;
}

/// One client's bad luck is not ours; but out of descriptors or memory, accepting again at
/// once would fail at once, for ever, at full speed.
async fn accept_failed(e: &IoError, troubled: &mut bool) {
    use std::io::ErrorKind as K;
    if matches!(e.kind(), K::ConnectionAborted | K::ConnectionReset | K::Interrupted) {
        return;
    }
    if !std::mem::replace(troubled, true) {
        error!(error = %e, "cannot accept connections; trying again until it works");
    }
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

/// Waits until all slots are back, at most the drain time; then cuts what is left.
async fn drain(slots: &Semaphore, options: &Options, cut: &watch::Sender<bool>) {
    let all = slots.acquire_many(options.max_connections);
    if tokio::time::timeout(options.drain_timeout, all).await.is_ok() {
        return;
    }
    let left = options.max_connections as usize - slots.available_permits();
    warn!(connections = left, "requests did not finish within the drain time; cutting them");
    cut.send_replace(true);
    let all = slots.acquire_many(options.max_connections);
    if tokio::time::timeout(CUT_GRACE, all).await.is_err() {
        warn!("some connections did not end");
    }
}

fn builder(options: &Options) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // `Timed` ends slow heads and idle waits, which hyper does not tell apart. But only
        // with a limit of its own does hyper look at the socket again after an answer.
        .header_read_timeout(options.idle_timeout + options.header_timeout)
        .max_header_size(options.max_header_bytes)
        .max_buf_size((128 << 10).max(options.max_header_bytes));
    http
}

struct Context {
    handler: Handler,
    local: SocketAddr,
    http: http1::Builder,
    options: Options,
}

impl Context {
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        mut shutdown: watch::Receiver<bool>,
        mut cut: watch::Receiver<bool>,
    ) {
        let _counted = self.options.metrics.as_ref().map(Metrics::connection);
        let shared = Shared::new();
        let times = Times {
            head: self.options.header_timeout,
            idle: self.options.idle_timeout,
            write: self.options.response_pace,
        };
        let io = TokioIo::new(Timed::new(stream, shared.clone(), times));
        let service = hyper::service::service_fn(|request| {
            shared.begin();
            let (context, shared) = (self.clone(), shared.clone());
            async move { Ok::<_, Infallible>(context.answer(request, peer, shared).await) }
        });
        let mut http = std::pin::pin!(self.http.serve_connection(io, service));
        let mut draining = false;
        let result = loop {
            tokio::select! {
                result = http.as_mut() => break result,
                _ = cut.wait_for(|cut| *cut) => return,
                _ = shutdown.wait_for(|stop| *stop), if !draining => {
                    draining = true;
                    http.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(e) = result {
            debug!(%peer, error = %Error::internal("connection ended").with_source(e).chain());
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
        shared: Arc<Shared>,
    ) -> hyper::Response<stream::Answer<BoxBody<Bytes, IoError>>> {
        let (parts, body) = request.into_parts();
        let body = if body.is_end_stream() {
            poem::Body::empty()
        } else {
            let pace = self.options.request_pace;
            BoxBody::new(stream::Watched::new(body, pace, shared.clone())).into()
        };
        let (local, remote) = (LocalAddr(self.local.into()), RemoteAddr(peer.into()));
        let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
        let request = Request::from_parts(parts, body);
        let response = self.handler.get_response(request).await;
        hyper::Response::from(response).map(|body| stream::Answer::new(body, shared))
    }
}

/// Raises the limit of open files to what the system allows, as many servers do: the usual
/// soft limit of 1024 is a relic of `select`. Gives the limit that holds now.
#[must_use]
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(e) => {
            debug!(error = %e, "the limit of open files stays as it was");
            limit.current
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn accepted_sockets_send_without_delay() {
        let mut listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = Accept::accept(&mut listener).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }

    #[test]
    fn the_limit_of_open_files_is_raised_to_the_maximum() {
        use rustix::process::{Resource, getrlimit};
        let raised = raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!((raised, limit.current), (limit.maximum, limit.maximum));
    }

    /// Fails as a process without free descriptors does, then works.
    struct Exhausted(TcpListener, Arc<AtomicUsize>, usize);

    impl Accept for Exhausted {
        async fn accept(&mut self) -> std::io::Result<(TcpStream, SocketAddr)> {
            if self.1.fetch_add(1, Ordering::Relaxed) < self.2 {
                return Err(rustix::io::Errno::MFILE.into());
            }
            Accept::accept(&mut self.0).await
        }
    }

    #[tokio::test]
    async fn accepting_without_descriptors_waits_and_recovers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tries = Arc::new(AtomicUsize::new(0));
        let handler: Handler =
            Arc::new(ToDynEndpoint(poem::endpoint::make_sync(|_| "hi").map_to_response()));
        let (_stop, shutdown) = watch::channel(false);
        let source = Exhausted(listener, tries.clone(), 4);
        tokio::spawn(run(source, address, handler, Options::default(), shutdown));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(120)).await;
        // 120 ms are two or three pauses: a loop that spins would be in the millions.
        assert!(tries.load(Ordering::Relaxed) <= 4);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hi"), "{answer}");
    }
}
