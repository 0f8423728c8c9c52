//! How a command reaches the API: over HTTP, or inside this process.

use std::path::Path;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use poem::endpoint::BoxEndpoint;
use poem::http::{Method, Uri, header};
use poem::{Endpoint as _, Request, Response};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use crate::app::{App, LOCAL_TOKEN, serve_options};
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result};
use crate::config::Config;
use crate::jobs::Workers;
use crate::services::Ctx;
use crate::store::lock;

/// A body for a request: nothing, JSON, or a file as a stream.
pub enum Content {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A stream of bytes of this length, if it is known.
    Stream(Box<dyn AsyncRead + Send + Unpin>, Option<u64>),
}

/// A way to the API.
pub enum Client {
    /// A server.
    Remote {
        /// Where.
        url: String,
        /// Who we are.
        token: Option<Secret>,
        /// The connection.
        http: reqwest::Client,
    },
    /// This process.
    Local(Box<Local>),
}

/// The API inside this process.
pub struct Local {
    app: App,
    endpoint: BoxEndpoint<'static, Response>,
    workers: Workers,
}

/// How a client is chosen.
pub struct Wish {
    /// `--server` or `VULNZERO_SERVER`.
    pub server: Option<String>,
    /// The token for it.
    pub token: Option<Secret>,
    /// The configuration, for the data directory.
    pub config: Config,
    /// What we are doing, for the lock.
    pub command: &'static str,
}

impl Client {
    /// The server that was asked for, the one that runs on the data directory, or else this
    /// process.
    pub async fn connect(wish: Wish) -> Result<Self> {
        if let Some(url) = wish.server {
            return Self::remote(&url, wish.token);
        }
        let directory = wish.config.storage.data_dir.clone();
        if let Some(server) = Self::beside(&directory)? {
            return Ok(server);
        }
        let app = match App::open(wish.config, wish.command) {
            Ok(app) => app,
            // A server that was starting when we looked.
            Err(e) if e.code() == Code::Locked => return Self::beside(&directory)?.ok_or(e),
            Err(e) => return Err(e),
        };
        let mut options = serve_options(app.config());
        options.edge.rates.read = None;
        options.edge.rates.write = None;
        let endpoint = app.endpoint(&options);
        let workers = app.workers(1).await?;
        Ok(Self::Local(Box::new(Local { app, endpoint, workers })))
    }

    /// The server that runs on this data directory, if there is one.
    fn beside(directory: &Path) -> Result<Option<Self>> {
        let Some(address) = lock::holder(directory).and_then(|h| h.address) else {
            return Ok(None);
        };
        let token = read_token(&directory.join(LOCAL_TOKEN))?;
        Self::remote(&format!("http://{address}"), Some(token)).map(Some)
    }

    fn remote(url: &str, token: Option<Secret>) -> Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Error::new(
                Code::Invalid,
                format!("--server {url}: write it as http://host:port"),
            ));
        }
        Ok(Self::Remote { url, token, http: http_client()? })
    }

    /// Whether the API is inside this process.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Sends a request below `/api/v1`; a refusal is an error.
    pub async fn send(&self, method: Method, path: &str, content: Content) -> Result<Value> {
        let (status, body) = match self {
            Self::Remote { url, token, http } => {
                remote(http, url, token.as_ref(), method, path, content).await?
            }
            Self::Local(local) => local.call(method, path, content).await?,
        };
        let value: Value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).map_err(|e| {
                Error::new(
                    Code::Unavailable,
                    format!("the answer (status {status}) is no JSON: is this a vulnzero server?"),
                )
                .with_source(e)
            })?
        };
        if (200..300).contains(&status) { Ok(value) } else { Err(refusal(status, &value)) }
    }

    /// Writes the file that a path below `/api/v1` answers with to `out`; returns its bytes.
    /// A refusal is an error, and so is a file that breaks off.
    pub async fn download(&self, path: &str, out: &mut (impl AsyncWrite + Unpin)) -> Result<u64> {
        let (status, mut pieces) = match self {
            Self::Remote { url, token, http } => {
                let response =
                    ask(http, url, token.as_ref(), Method::GET, path, Content::None).await?;
                (response.status().as_u16(), Pieces::Remote(response))
            }
            Self::Local(local) => {
                let response = local.ask(Method::GET, path, Content::None).await?;
                let status = response.status().as_u16();
                (status, Pieces::Local(Box::pin(response.into_body().into_bytes_stream())))
            }
        };
        let is_refused = !(200..300).contains(&status);
        let (mut bytes, mut problem) = (0, Vec::new());
        while let Some(piece) = pieces.next().await? {
            if is_refused {
                problem.extend_from_slice(&piece);
                continue;
            }
            bytes += piece.len() as u64;
            out.write_all(&piece).await.map_err(|e| {
                Error::new(Code::Invalid, format!("the output cannot be written: {e}"))
            })?;
        }
        if is_refused {
            let problem = serde_json::from_slice(&problem).unwrap_or_default();
            return Err(refusal(status, &problem));
        }
        Ok(bytes)
    }

    /// Ends what was begun: a database in this process is closed cleanly.
    pub async fn close(self) -> Result<()> {
        match self {
            Self::Remote { .. } => Ok(()),
            Self::Local(local) => {
                local.workers.stop().await;
                drop(local.endpoint);
                local.app.close().await
            }
        }
    }

    /// The opened data directory, if this process has it.
    #[must_use]
    pub fn app(&self) -> Option<&App> {
        match self {
            Self::Local(local) => Some(&local.app),
            Self::Remote { .. } => None,
        }
    }
}

/// The body of an answer, as it comes.
enum Pieces {
    Remote(reqwest::Response),
    Local(BoxStream<'static, std::io::Result<Bytes>>),
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = match self {
            Self::Remote(response) => response.chunk().await.map_err(|e| chain(&e)),
            Self::Local(stream) => stream.next().await.transpose().map_err(|e| chain(&e)),
        };
        piece.map_err(|e| Error::new(Code::Unavailable, format!("the answer breaks off: {e}")))
    }
}

/// The client for servers: TLS with the web's certificate authorities built in, so that it
/// works in an empty container.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line calls the server that its user names"
)]
pub fn http_client() -> Result<reqwest::Client> {
    let failed = |e: String| Error::internal(format!("the HTTP client cannot be made: {e}"));
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = rustls::ClientConfig::builder_with_provider(
        rustls::crypto::ring::default_provider().into(),
    )
    .with_safe_default_protocol_versions()
    .map_err(|e| failed(e.to_string()))?
    .with_root_certificates(roots)
    .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(std::time::Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|e| failed(e.to_string()))
}

async fn remote(
    http: &reqwest::Client,
    url: &str,
    token: Option<&Secret>,
    method: Method,
    path: &str,
    content: Content,
) -> Result<(u16, Bytes)> {
    let response = ask(http, url, token, method, path, content).await?;
    let status = response.status().as_u16();
    Ok((status, response.bytes().await.map_err(|e| unreachable(url, &e))?))
}

fn unreachable(url: &str, e: &reqwest::Error) -> Error {
    Error::new(Code::Unavailable, format!("{url} cannot be reached: {}", chain(e)))
}

async fn ask(
    http: &reqwest::Client,
    url: &str,
    token: Option<&Secret>,
    method: Method,
    path: &str,
    content: Content,
) -> Result<reqwest::Response> {
    let mut request = http.request(method, format!("{url}/api/v1{path}"));
    if let Some(token) = token {
        request = request.bearer_auth(token.expose());
    }
    request = match content {
        Content::None => request,
        Content::Json(value) => request.json(&value),
        Content::Stream(reader, length) => {
            let request = match length {
                Some(length) => request.header(header::CONTENT_LENGTH, length),
                None => request,
            };
            let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(
                reader,
                64 << 10,
            ));
            request.header(header::CONTENT_TYPE, "application/octet-stream").body(body)
        }
    };
    request.send().await.map_err(|e| unreachable(url, &e))
}

fn chain(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut next = e.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

impl Local {
    async fn call(&self, method: Method, path: &str, content: Content) -> Result<(u16, Bytes)> {
        let response = self.ask(method, path, content).await?;
        let status = response.status().as_u16();
        let body = response.into_body().into_bytes().await;
        Ok((status, body.map_err(|e| Error::internal("an answer cannot be read").with_source(e))?))
    }

    async fn ask(&self, method: Method, path: &str, content: Content) -> Result<Response> {
        let uri: Uri = format!("/api/v1{path}")
            .parse()
            .map_err(|e| Error::internal("a path is no URI").with_source(e))?;
        let request = Request::builder().method(method).uri(uri);
        let mut request = match content {
            Content::None => request.finish(),
            Content::Json(value) => {
                request.content_type("application/json").body(value.to_string())
            }
            Content::Stream(reader, _) => request
                .content_type("application/octet-stream")
                .body(poem::Body::from_async_read(reader)),
        };
        request.set_data(Ctx::cli());
        Ok(self.endpoint.get_response(request).await)
    }
}

/// The error that a problem document describes.
fn refusal(status: u16, problem: &Value) -> Error {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let by_slug = Code::ALL.iter().find(|c| c.slug() == text("code"));
    let code = by_slug
        .or_else(|| Code::ALL.iter().find(|c| c.status() == status))
        .copied()
        .unwrap_or(Code::Internal);
    let detail = if text("detail").is_empty() { code.title() } else { text("detail") };
    let mut error = Error::new(code, detail.to_owned());
    for field in problem["errors"].as_array().into_iter().flatten() {
        let part = |name: &str| field[name].as_str().unwrap_or_default().to_owned();
        error = error.with_field(part("pointer"), part("detail"));
    }
    error
}

/// Reads a token from a file.
pub fn read_token(path: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Error::new(
            Code::Unauthenticated,
            format!("cannot read the token in {}: {e}", path.display()),
        )
    })?;
    Ok(Secret::new(text.trim().to_owned()))
}
