//! The embedded dashboard, the page of the API documentation and the list of problems.
//! What is served was built, compressed and hashed by the build script; here it is only
//! picked. No file is read at run time and nothing is compressed.

mod assets;
mod problems;

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Body, Endpoint, IntoEndpoint, Request, Response, Route};

pub use self::assets::{ALL as ASSETS, Asset, IS_EMBEDDED, UI_IS_PLACEHOLDER};
use super::layers::compression::{Accepted, Encoding};
use super::layers::etag::Condition;

/// The content security policy of the API documentation. Swagger UI draws its icons from
/// `data:` addresses; apart from that it needs nothing but its own files.
pub const DOCS_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Paths below which the dashboard never answers, so that a mistyped API address is a 404
/// and not a page.
const RESERVED: &[&str] = &["/api", "/docs", "/metrics", "/health", "/openapi.json"];

/// Mounts the dashboard, the list of problems and `docs`, which is [`Docs`] with whatever
/// guards it. Every path that `route` does not have yet belongs to the dashboard. The
/// endpoints look at the whole path: do not nest the result below a prefix.
pub fn mount<E>(route: Route, docs: E) -> Route
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    route
        .at("/docs/problems", Problems)
        .at("/docs/problems.css", Problems)
        .nest_no_strip("/docs", docs)
        .at("/", Dashboard)
        .at("/*path", Dashboard)
}

/// The dashboard: its files, and its page for every address that a person can open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dashboard;

impl Endpoint for Dashboard {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path();
        if let Some(asset) = dashboard_file(path) {
            return serve(&request, asset);
        }
        if is_page(path) && accepts_html(request.headers()) {
            return serve(&request, assets::find("index.html").ok_or_else(not_found)?);
        }
        Err(not_found())
    }
}

/// The API documentation below `/docs`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Docs;

impl Endpoint for Docs {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path().trim_matches('/');
        let name = if path == "docs" { "docs/index.html" } else { path };
        let asset = assets::find(name).filter(|asset| asset.path.starts_with("docs/"));
        let mut response = serve(&request, asset.ok_or_else(not_found)?)?;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_CSP));
        Ok(response)
    }
}

/// What every [`crate::base::error::Code`] means and what to do about it; the `type` of a
/// problem points here.
#[derive(Debug, Clone, Copy, Default)]
pub struct Problems;

impl Endpoint for Problems {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let file = match request.uri().path() {
            "/docs/problems.css" => problems::stylesheet(),
            _ => problems::page(),
        };
        let head = Head { mime: file.mime, etag: file.etag.clone(), encoding: None, max_age: None };
        respond(&request, head, file.body.clone())
    }
}

fn dashboard_file(path: &str) -> Option<&'static Asset> {
    let name = if path == "/" { "index.html" } else { path.strip_prefix('/')? };
    assets::find(name).filter(|asset| !asset.path.starts_with("docs/"))
}

/// Whether this may be an address of the dashboard's router: no file, no part of the API.
fn is_page(path: &str) -> bool {
    let reserved = RESERVED.iter().any(|prefix| {
        path.strip_prefix(prefix).is_some_and(|r| r.is_empty() || r.starts_with('/'))
    });
    let last = path.rsplit('/').next().unwrap_or(path);
    !reserved && !path.starts_with("/static/") && !last.contains('.')
}

/// Whether the client names HTML; browsers do when a person opens an address.
fn accepts_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        html && !parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn not_found() -> poem::Error {
    poem::error::NotFoundError.into()
}

fn serve(request: &Request, asset: &'static Asset) -> poem::Result<Response> {
    // The compression layer has read the header, and knows whether it may be followed.
    let accepted = request.data().copied().unwrap_or_else(|| Accepted::read(request.headers()));
    let encoding = accepted.best_of(&asset.variants());
    // Each variant is other bytes and so has another tag. The suffixes are not those of the
    // compression layer, which takes its own off before we see a condition.
    let suffix = match encoding {
        Some(Encoding::Brotli) => "-b",
        Some(Encoding::Zstd) => "-z",
        Some(Encoding::Gzip) => "-g",
        None => "",
    };
    let head = Head {
        mime: asset.mime,
        // 128 bits of the hash are enough to tell versions apart.
        etag: format!("\"{}{suffix}\"", &asset.sha256[..32]),
        encoding,
        // Names below static/ contain a hash of the content: they never change.
        max_age: asset.immutable.then_some(31_536_000),
    };
    let body = assets::content(asset, encoding).ok_or_else(not_found)?;
    respond(request, head, body)
}

/// What an answer says besides its body.
struct Head {
    mime: &'static str,
    etag: String,
    encoding: Option<Encoding>,
    /// Seconds for which nobody needs to ask again; none means always ask.
    max_age: Option<u32>,
}

fn respond(request: &Request, head: Head, body: bytes::Bytes) -> poem::Result<Response> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let allow = Response::builder().header(header::ALLOW, "GET, HEAD");
        let refusal = allow.status(StatusCode::METHOD_NOT_ALLOWED).finish();
        return Err(poem::Error::from_response(refusal));
    }
    let cache_control = match head.max_age {
        Some(seconds) => format!("public, max-age={seconds}, immutable"),
        None => String::from("no-cache"),
    };
    let builder = Response::builder()
        .header(header::ETAG, head.etag.as_str())
        .header(header::CACHE_CONTROL, cache_control)
        .header(header::VARY, "Accept-Encoding");
    let known = Condition::read(request.headers(), header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.matches_weakly(&head.etag)) {
        return Ok(builder.status(StatusCode::NOT_MODIFIED).finish());
    }
    let builder = builder.content_type(head.mime);
    let builder = match head.encoding {
        Some(encoding) => builder.header(header::CONTENT_ENCODING, encoding.name()),
        None => builder,
    };
    if request.method() == Method::HEAD {
        return Ok(builder.header(header::CONTENT_LENGTH, body.len()).finish());
    }
    Ok(builder.body(Body::from(body)))
}
