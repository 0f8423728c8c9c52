//! Compressed answers: what the client accepts, only where it pays, with the headers that
//! caches need. poem's own compression ignores `q=0`, cannot speak zstd, compresses
//! twenty bytes and images alike, and sends no `Vary`.

pub mod codec;
mod negotiate;
mod variant;

use http_body::Body as _;
use http_body_util::{BodyExt as _, combinators::BoxBody};
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Body, Endpoint, IntoResponse as _, Request, Response, Result};

pub use self::codec::{Encoding, Levels};
pub use self::negotiate::Accepted;
use crate::base::{Code, Error};
use crate::http::problem::Problem;
use crate::telemetry::Metrics;

/// How answers are compressed.
#[derive(Debug, Clone)]
pub struct CompressionOptions {
    /// Whether at all. Default yes; no, if the proxy in front does it.
    pub enabled: bool,
    /// Smaller answers stay as they are, bytes. Default 1000: below, the head outweighs
    /// what is saved and setting up the encoder costs more than the rest of the request.
    pub minimum_bytes: u64,
    /// Level of each encoding.
    pub levels: Levels,
}

impl Default for CompressionOptions {
    fn default() -> Self {
        Self { enabled: true, minimum_bytes: 1000, levels: Levels::default() }
    }
}

/// Largest answer that is compressed in one piece, so that its length is known.
const ONE_PIECE_BYTES: u64 = 1 << 20;
/// Largest answer that is compressed on the runtime's own threads: about 1 ms of gzip.
const INLINE_BYTES: usize = 128 << 10;

/// The layer. It leaves [`Accepted`] in the request, so that a handler with ready
/// compressed bytes (the dashboard) can send those: it sets `Content-Encoding`, the rest is
/// done here.
pub struct Compression<E> {
    /// What is inside.
    pub inner: E,
    /// How.
    pub options: CompressionOptions,
    /// Where saved bytes are counted.
    pub metrics: Metrics,
}

impl<E: Endpoint<Output = Response>> Endpoint for Compression<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> Result<Response> {
        let accepted =
            if self.options.enabled { Accepted::read(req.headers()) } else { Accepted::identity() };
        if accepted.nothing() {
            let detail =
                "no offered content encoding is accepted; allow identity, gzip, br or zstd";
            return Ok(Problem::from(Error::new(Code::NotAcceptable, detail)).into_response());
        }
        let asked = variant::strip(req.headers_mut());
        req.set_data(accepted);
        let mut response = self.inner.call(req).await?;
        variant::restore(&mut response, &asked);
        self.encode(response, accepted).await
    }
}

impl<E> Compression<E> {
    async fn encode(&self, mut response: Response, accepted: Accepted) -> Result<Response> {
        if let Some(coding) = response.headers().get(header::CONTENT_ENCODING) {
            let encoding = coding.to_str().ok().and_then(Encoding::parse);
            vary(response.headers_mut());
            if let Some(encoding) = encoding {
                variant::mark(response.headers_mut(), encoding);
            }
            return Ok(response);
        }
        if response.status() == StatusCode::NOT_MODIFIED {
            vary(response.headers_mut());
            return Ok(response);
        }
        if !has_whole_body(&response) || !may_compress(response.headers(), accepted) {
            return Ok(response);
        }
        vary(response.headers_mut());
        let Some(encoding) = accepted.best() else { return Ok(response) };
        let body: BoxBody<_, _> = response.take_body().into();
        match body.size_hint().exact() {
            Some(0) => Ok(response),
            Some(size) if size < self.options.minimum_bytes && accepted.takes_identity() => {
                response.set_body(body);
                Ok(response)
            }
            Some(size) if size <= ONE_PIECE_BYTES => {
                self.in_one_piece(response, body, encoding, accepted).await
            }
            _ => {
                let metrics = self.metrics.clone();
                let saved = move |bytes| metrics.compression_saved(encoding.name(), bytes);
                let levels = self.options.levels;
                response.set_body(codec::stream(encoding, levels, Body::from(body), saved));
                mark(&mut response, encoding);
                Ok(response)
            }
        }
    }

    async fn in_one_piece(
        &self,
        mut response: Response,
        body: BoxBody<bytes::Bytes, std::io::Error>,
        encoding: Encoding,
        accepted: Accepted,
    ) -> Result<Response> {
        let plain = match body.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(e) => {
                let e = Error::internal("the answer could not be read").with_source(e);
                return Ok(Problem::from(e).into_response());
            }
        };
        let levels = self.options.levels;
        let packed = if plain.len() <= INLINE_BYTES {
            codec::compress(encoding, levels, &plain)
        } else {
            let plain = plain.clone();
            match tokio::task::spawn_blocking(move || codec::compress(encoding, levels, &plain))
                .await
            {
                Ok(result) => result,
                Err(e) => Err(Error::internal("the compressing thread died").with_source(e)),
            }
        };
        match packed {
            Ok(packed) if packed.len() < plain.len() || !accepted.takes_identity() => {
                let saved = plain.len().saturating_sub(packed.len());
                self.metrics.compression_saved(encoding.name(), saved as u64);
                response.set_body(packed);
                mark(&mut response, encoding);
            }
            Ok(_) => response.set_body(plain),
            Err(e) => {
                tracing::error!(error = %e.chain(), "an answer is sent without compression");
                response.set_body(plain);
            }
        }
        Ok(response)
    }
}

fn mark(response: &mut Response, encoding: Encoding) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    variant::mark(headers, encoding);
}

/// Caches must keep what each `Accept-Encoding` gets apart.
fn vary(headers: &mut HeaderMap) {
    let present = headers.get_all(header::VARY).iter().any(|v| {
        v.to_str().is_ok_and(|v| {
            v.split(',')
                .map(str::trim)
                .any(|n| n == "*" || n.eq_ignore_ascii_case("accept-encoding"))
        })
    });
    if !present {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// Parts of a body and answers without one stay as they are.
fn has_whole_body(response: &Response) -> bool {
    let status = response.status();
    !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::PARTIAL_CONTENT
        && !response.headers().contains_key(header::CONTENT_RANGE)
}

fn may_compress(headers: &HeaderMap, accepted: Accepted) -> bool {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    if text(header::CACHE_CONTROL).is_some_and(|c| c.contains("no-transform")) {
        return false;
    }
    let media = text(header::CONTENT_TYPE).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // Events must leave when they happen, not when a block is full.
    media != "text/event-stream" && (is_text(&media) || !accepted.takes_identity())
}

/// Types that shrink; images, fonts and archives are compressed in themselves.
fn is_text(media: &str) -> bool {
    const TYPES: [&str; 10] = [
        "application/javascript",
        "application/json",
        "application/manifest+json",
        "application/openmetrics-text",
        "application/toml",
        "application/wasm",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "image/svg+xml",
    ];
    media.starts_with("text/")
        || TYPES.contains(&media)
        || media.ends_with("+json")
        || media.ends_with("+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_shrink() {
        for yes in ["text/html", "application/problem+json", "image/svg+xml", "text/csv"] {
            assert!(is_text(yes), "{yes}");
        }
        for no in ["image/png", "font/woff2", "application/gzip", "application/octet-stream", ""] {
            assert!(!is_text(no), "{no}");
        }
    }

    #[test]
    fn vary_is_added_once_and_keeps_what_is_there() {
        let mut headers = HeaderMap::new();
        headers.insert(header::VARY, "Cookie".parse().unwrap());
        vary(&mut headers);
        vary(&mut headers);
        let all: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(all, ["Cookie", "Accept-Encoding"]);
    }
}
