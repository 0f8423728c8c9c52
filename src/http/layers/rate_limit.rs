//! How often one client may ask: a token bucket for each client address and class of
//! request. It is there against runaway scripts and guessing, not against real use.
//!
//! Buckets live in a cache of bounded size that drops the longest unused. A bucket that
//! was idle for its time to fill is full, so forgetting it changes nothing.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use poem::http::{HeaderName, HeaderValue, Method};
use poem::{Endpoint, IntoResponse as _, Request, Response, Result};

use super::client::ClientAddr;
use crate::base::{Code, Error};
use crate::http::problem::Problem;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What kind of request it is, as far as limits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Reads of the API.
    Read,
    /// Changes.
    Write,
    /// Attempts to get in: each costs a password hash, and may be a guess.
    Auth,
}

/// A token bucket's size and speed.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: f64,
    /// Requests at once after a pause.
    pub burst: u32,
}

impl Rate {
    fn time_to_fill(self) -> Duration {
        Duration::try_from_secs_f64(f64::from(self.burst) / self.per_second)
            .unwrap_or(Duration::from_hours(24))
    }
}

/// The rates by class; `None` is no limit.
#[derive(Debug, Clone)]
pub struct RateLimits {
    /// Default 200 a second, 2000 at once: a page of the dashboard asks ten times.
    pub read: Option<Rate>,
    /// Default 50 a second, 500 at once.
    pub write: Option<Rate>,
    /// Default one every 5 seconds, 20 at once.
    pub auth: Option<Rate>,
    /// Clients remembered at most. Default 50,000 (about 10 MB).
    pub clients: u64,
    /// The class of a request; `None` is not limited. Default [`classify`].
    pub classify: fn(&Method, &str) -> Option<Class>,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            read: Some(Rate { per_second: 200.0, burst: 2000 }),
            write: Some(Rate { per_second: 50.0, burst: 500 }),
            auth: Some(Rate { per_second: 0.2, burst: 20 }),
            clients: 50_000,
            classify,
        }
    }
}

/// The API is limited; health, metrics and the dashboard's files are not.
#[must_use]
pub fn classify(method: &Method, path: &str) -> Option<Class> {
    let path = path.strip_prefix("/api/")?;
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    if reads {
        return Some(Class::Read);
    }
    match path.split_once('/')?.1 {
        "auth/login" | "auth/password" | "setup" => Some(Class::Auth),
        _ => Some(Class::Write),
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// What the bucket says to one request.
#[derive(Debug, PartialEq)]
struct Verdict {
    limit: u32,
    remaining: u32,
    /// Seconds until the bucket is full again.
    full_in_s: u64,
    /// Seconds until the next token; `None` if there was one.
    retry_in_s: Option<u64>,
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: Instant) -> Verdict {
        let burst = f64::from(rate.burst);
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * rate.per_second;
        self.tokens = (self.tokens + gained).min(burst);
        self.at = now;
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        let seconds = |tokens: f64| (tokens / rate.per_second).ceil() as u64;
        Verdict {
            limit: rate.burst,
            remaining: self.tokens as u32,
            full_in_s: seconds(burst - self.tokens),
            retry_in_s: (!allowed).then(|| seconds(1.0 - self.tokens).max(1)),
        }
    }
}

type Buckets = Cache<(IpAddr, Class), Arc<Mutex<Bucket>>>;

/// The layer.
pub struct RateLimit<E> {
    inner: E,
    limits: RateLimits,
    buckets: Buckets,
}

impl<E> RateLimit<E> {
    /// Wraps `inner`.
    pub fn new(inner: E, limits: &RateLimits) -> Self {
        let rates = [limits.read, limits.write, limits.auth];
        let idle = rates.into_iter().flatten().map(Rate::time_to_fill).max();
        let buckets = Cache::builder()
            .max_capacity(limits.clients)
            .eviction_policy(moka::policy::EvictionPolicy::lru())
            .time_to_idle(idle.unwrap_or(Duration::from_secs(1)))
            .build();
        Self { inner, limits: limits.clone(), buckets }
    }

    fn check(&self, req: &Request) -> Option<Verdict> {
        let class = (self.limits.classify)(req.method(), req.uri().path())?;
        let rate = match class {
            Class::Read => self.limits.read,
            Class::Write => self.limits.write,
            Class::Auth => self.limits.auth,
        }?;
        let now = Instant::now();
        let full = || Arc::new(Mutex::new(Bucket { tokens: f64::from(rate.burst), at: now }));
        let bucket = self.buckets.get_with((network(ClientAddr::of(req).ip), class), full);
        // A panic inside leaves two numbers, and any two numbers are a bucket.
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        Some(bucket.take(rate, now))
    }
}

/// Whom an address stands for: an IPv6 customer has a whole /64 to send from.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

impl<E: Endpoint> Endpoint for RateLimit<E> {
    type Output = Response;

    async fn call(&self, req: Request) -> Result<Response> {
        let Some(verdict) = self.check(&req) else {
            return Ok(self.inner.call(req).await?.into_response());
        };
        let mut response = match verdict.retry_in_s {
            Some(seconds) => {
                let error = Error::new(Code::TooManyRequests, "").with_retry_after(seconds);
                Problem::from(error).into_response()
            }
            None => self.inner.call(req).await?.into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(verdict.limit));
        headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
        headers.insert(RESET, HeaderValue::from(verdict.full_in_s));
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_empties_says_when_to_return_and_fills() {
        let rate = Rate { per_second: 0.5, burst: 2 };
        let start = Instant::now();
        let mut bucket = Bucket { tokens: 2.0, at: start };
        assert_eq!(bucket.take(rate, start).remaining, 1);
        assert_eq!(bucket.take(rate, start).retry_in_s, None);
        let refused = bucket.take(rate, start);
        assert_eq!((refused.retry_in_s, refused.full_in_s), (Some(2), 4));
        assert_eq!(bucket.take(rate, start + Duration::from_secs(2)).retry_in_s, None);
    }

    proptest! {
        #[test]
        fn never_more_than_burst_plus_rate(gaps in prop::collection::vec(0..2000u64, 1..200)) {
            let rate = Rate { per_second: 3.0, burst: 5 };
            let start = Instant::now();
            let mut bucket = Bucket { tokens: 5.0, at: start };
            let (mut millis, mut allowed) = (0, 0u32);
            for gap in gaps {
                millis += gap;
                let verdict = bucket.take(rate, start + Duration::from_millis(millis));
                allowed += u32::from(verdict.retry_in_s.is_none());
            }
            prop_assert!(f64::from(allowed) <= 5.0 + 3.0 * millis as f64 / 1000.0 + 1e-6);
        }
    }

    #[test]
    fn classes_and_networks() {
        assert_eq!(classify(&Method::GET, "/health"), None);
        assert_eq!(classify(&Method::GET, "/api/v1/assets"), Some(Class::Read));
        assert_eq!(classify(&Method::POST, "/api/v1/assets"), Some(Class::Write));
        assert_eq!(classify(&Method::POST, "/api/v1/auth/login"), Some(Class::Auth));
        assert_eq!(classify(&Method::POST, "/api/v1/setup"), Some(Class::Auth));
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
