//! How large a request may be: address, headers, body. A body is stopped at its limit
//! whether it says its length or not; poem's own limit looks only at `Content-Length`.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use poem::http::Method;
use poem::{Endpoint, Request, Result};

use crate::base::{Code, Error, limits};
use crate::http::body::too_large;
use crate::http::problem::Problem;

/// Largest requests.
#[derive(Debug, Clone)]
pub struct LimitOptions {
    /// Longest path and query, bytes; beyond it 414. Default 8 KiB.
    pub uri_bytes: usize,
    /// Largest headers together, bytes; beyond it 431. Default 16 KiB.
    pub header_bytes: usize,
    /// Most headers; beyond it 431. Default 80 (hyper's own limit is 100).
    pub header_count: usize,
    /// Largest body, bytes; beyond it 413. Default [`limits::JSON_BODY_BYTES`].
    pub body_bytes: u64,
    /// Largest body of an upload, bytes. Default [`limits::UPLOAD_BYTES`].
    pub upload_bytes: u64,
    /// Which requests are uploads. Default [`is_import`].
    pub is_upload: fn(&Method, &str) -> bool,
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self {
            uri_bytes: 8 << 10,
            header_bytes: 16 << 10,
            header_count: 80,
            body_bytes: limits::JSON_BODY_BYTES,
            upload_bytes: limits::UPLOAD_BYTES,
            is_upload: is_import,
        }
    }
}

/// Whether a request uploads a report.
#[must_use]
pub fn is_import(method: &Method, path: &str) -> bool {
    (method == Method::POST || method == Method::PUT) && path == "/api/v1/imports"
}

/// A body went over its limit while it was read.
#[derive(Debug)]
pub struct BodyTooLarge {
    /// The limit, bytes.
    pub limit: u64,
}

impl fmt::Display for BodyTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body has more than {} bytes", self.limit)
    }
}

impl std::error::Error for BodyTooLarge {}

/// The layer.
pub struct Limits<E> {
    /// What is inside.
    pub inner: E,
    /// The limits.
    pub options: LimitOptions,
}

impl<E: Endpoint> Endpoint for Limits<E> {
    type Output = E::Output;

    async fn call(&self, mut req: Request) -> Result<E::Output> {
        self.check_head(&req).map_err(Problem::from)?;
        let body: BoxBody<_, _> = req.take_body().into();
        let limit = if (self.options.is_upload)(req.method(), req.uri().path()) {
            self.options.upload_bytes
        } else {
            self.options.body_bytes
        };
        match body.size_hint().exact() {
            Some(length) if length > limit => Err(Problem::from(too_large(limit)))?,
            // hyper ends the body at the length it was told.
            Some(_) => req.set_body(body),
            None => req.set_body(BoxBody::new(Limited { inner: body, left: limit, limit })),
        }
        self.inner.call(req).await
    }
}

impl<E> Limits<E> {
    fn check_head(&self, req: &Request) -> crate::base::Result<()> {
        let o = &self.options;
        let uri = req.uri().path_and_query().map_or(0, |p| p.as_str().len());
        if uri > o.uri_bytes {
            let detail = format!("the address may have at most {} bytes", o.uri_bytes);
            return Err(Error::new(Code::UriTooLong, detail));
        }
        let headers = req.headers();
        let bytes: usize = headers.iter().map(|(k, v)| k.as_str().len() + v.len() + 4).sum();
        if headers.len() > o.header_count || bytes > o.header_bytes {
            let detail = format!(
                "there may be at most {} headers of {} bytes together",
                o.header_count, o.header_bytes
            );
            return Err(Error::new(Code::HeadersTooLarge, detail));
        }
        Ok(())
    }
}

/// A body of unknown length that fails with [`BodyTooLarge`] at its limit.
struct Limited {
    inner: BoxBody<Bytes, io::Error>,
    left: u64,
    limit: u64,
}

impl Body for Limited {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let frame = std::task::ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            let Some(left) = this.left.checked_sub(length) else {
                let e = io::Error::other(BodyTooLarge { limit: this.limit });
                return Poll::Ready(Some(Err(e)));
            };
            this.left = left;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
