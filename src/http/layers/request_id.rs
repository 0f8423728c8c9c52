//! A name for each request: taken from `X-Request-Id` or made here, given back in the
//! answer, and known to everything that happens for the request.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use poem::http::{HeaderName, HeaderValue};
use poem::{Endpoint, Request, Response, Result};
use tracing::Instrument as _;

use crate::base::{Clock as _, time::SystemClock};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The name of a request: 1 to 64 characters of `A-Za-z0-9._-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes a name from outside, if it is harmless in logs and headers.
    #[must_use]
    pub fn accept(text: &str) -> Option<Self> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        ((1..=64).contains(&text.len()) && text.bytes().all(fine)).then(|| Self(text.into()))
    }

    /// A new name that sorts by time: milliseconds, process, count, as 32 hex digits.
    #[must_use]
    pub fn generate() -> Self {
        // One draw for the process: a system call for each request would cost more than
        // all the rest. Ids are names, not secrets.
        static PROCESS: LazyLock<u32> = LazyLock::new(|| {
            getrandom::u32().unwrap_or_else(|_| SystemClock.now().as_micros() as u32)
        });
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let millis = (SystemClock.now().as_micros() / 1000) as u64 & ((1 << 48) - 1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed) & ((1 << 48) - 1);
        let mut text = String::with_capacity(32);
        write!(text, "{millis:012x}{:08x}{count:012x}", *PROCESS)
            .expect("writing to a String does not fail");
        Self(text.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The request that the running task works for; `None` outside of requests.
#[must_use]
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The layer.
pub struct Identified<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for Identified<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> Result<Response> {
        let id = req
            .headers()
            .get(HEADER)
            .and_then(|v| RequestId::accept(v.to_str().ok()?))
            .unwrap_or_else(RequestId::generate);
        req.set_data(id.clone());
        let value = HeaderValue::from_str(id.as_str())
            .expect("ids have only letters, digits, '.', '_', '-'");
        let span = tracing::error_span!("request", request_id = id.as_str());
        let mut response = CURRENT.scope(id, self.0.call(req)).instrument(span).await?;
        response.headers_mut().insert(HEADER, value);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_taken_only_if_harmless() {
        assert_eq!(RequestId::accept("a.B-1_").unwrap().as_str(), "a.B-1_");
        let long = "x".repeat(65);
        for bad in ["", long.as_str(), "a b", "a\nb", "é", "\"", "<script>"] {
            assert_eq!(RequestId::accept(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn own_ids_are_unique_ascending_and_acceptable() {
        let ids: Vec<_> = (0..1000).map(|_| RequestId::generate()).collect();
        assert!(ids.windows(2).all(|w| w[0].as_str() < w[1].as_str()));
        assert_eq!(ids[0].as_str().len(), 32);
        assert!(ids.iter().all(|id| RequestId::accept(id.as_str()).as_ref() == Some(id)));
    }
}
