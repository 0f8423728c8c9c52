//! Headers that tell browsers what our answers may not do. A handler that sets one of
//! them itself knows better and wins.

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Endpoint, Request, Response, Result};

use crate::base::{Error, Result as BaseResult};

/// For pages: everything from here, nothing inline, never in a frame.
pub const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";
/// For everything else, should a browser ever show it as a document.
const DATA_CSP: &str = "default-src 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// What can be chosen about the headers.
#[derive(Debug, Clone)]
pub struct SecurityOptions {
    /// Content-Security-Policy of HTML pages. Default [`PAGE_CSP`].
    pub page_csp: HeaderValue,
    /// `Strict-Transport-Security` for so many seconds. Default none: whether there is
    /// TLS in front is not ours to know, and the header cannot be taken back.
    pub hsts_seconds: Option<u64>,
}

impl Default for SecurityOptions {
    fn default() -> Self {
        Self { page_csp: HeaderValue::from_static(PAGE_CSP), hsts_seconds: None }
    }
}

impl SecurityOptions {
    /// Sets the policy of pages from configuration; an error if it is not a header value.
    pub fn with_page_csp(self, policy: &str) -> BaseResult<Self> {
        let page_csp = HeaderValue::from_str(policy)
            .map_err(|e| Error::field("http.csp", "not a header value").with_source(e))?;
        Ok(Self { page_csp, ..self })
    }
}

/// The layer.
pub struct SecurityHeaders<E> {
    inner: E,
    page_csp: HeaderValue,
    hsts: Option<HeaderValue>,
}

impl<E> SecurityHeaders<E> {
    /// Wraps `inner`.
    pub fn new(inner: E, options: &SecurityOptions) -> Self {
        let hsts = options.hsts_seconds.map(|seconds| {
            HeaderValue::from_str(&format!("max-age={seconds}")).expect("digits are visible ASCII")
        });
        Self { inner, page_csp: options.page_csp.clone(), hsts }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for SecurityHeaders<E> {
    type Output = Response;

    async fn call(&self, req: Request) -> Result<Response> {
        let is_api = req.uri().path().starts_with("/api/");
        let mut response = self.inner.call(req).await?;
        let unchanged = response.status() == StatusCode::NOT_MODIFIED;
        let is_page = response.content_type().is_some_and(|t| t.starts_with("text/html"));
        let csp = if is_page { self.page_csp.clone() } else { HeaderValue::from_static(DATA_CSP) };
        let headers = response.headers_mut();
        for (name, value) in FIXED {
            headers.entry(name).or_insert(value);
        }
        // A 304 has no type of its own, and browsers put its headers over those they keep
        // with the page (RFC 9111 §3.2): the policy of data would break a page on reload.
        if !unchanged {
            headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(csp);
        }
        if let Some(hsts) = &self.hsts {
            headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert_with(|| hsts.clone());
        }
        if is_api {
            // Findings are not for the disk cache of a shared machine.
            headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        }
        Ok(response)
    }
}
