//! ETags and conditions: an answer that the client has already is not sent again.
//!
//! Handlers that know a version set their own ETag (and may skip the work with
//! [`if_none_match`]); to other small answers this layer gives a hash of their bytes.

use http_body::Body as _;
use http_body_util::{BodyExt as _, combinators::BoxBody};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response, Result};
use twox_hash::XxHash3_128;

use super::super::problem::Problem;
use crate::base::Error;

/// Largest answer that is hashed, bytes: about 30 µs.
const HASHED_BYTES: u64 = 256 << 10;

/// Headers that describe the body and go with it when a 304 has none (RFC 9110 §15.4.5).
const OF_THE_BODY: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::LAST_MODIFIED,
    header::ACCEPT_RANGES,
];

/// The entity tags of a condition header, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `*`: anything that exists.
    Any,
    /// One of these; each with its quotes, and `W/` if it is weak.
    Tags(Vec<String>),
}

impl Condition {
    /// Reads all lines of `name`; `None` if there are none. What is not a tag is skipped.
    #[must_use]
    pub fn read(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let mut tags = Vec::new();
        let mut present = false;
        for line in headers.get_all(name).iter().filter_map(|v| v.to_str().ok()) {
            present = true;
            if line.trim() == "*" {
                return Some(Self::Any);
            }
            tags.extend(split(line));
        }
        present.then_some(Self::Tags(tags))
    }

    /// Weak comparison, for `If-None-Match`: `W/` does not count.
    #[must_use]
    pub fn matches_weakly(&self, etag: &str) -> bool {
        let bare = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| bare(tag) == bare(etag)),
        }
    }

    /// Strong comparison, for `If-Match`: weak tags match nothing.
    #[must_use]
    pub fn matches_strongly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| tag == etag && !tag.starts_with("W/")),
        }
    }

    /// Whether `If-Match` allows a change of a record at this version.
    #[must_use]
    pub fn allows_version(&self, version: u64) -> bool {
        self.matches_strongly(&format!("\"{version}\""))
    }
}

/// The tags of one line. Commas may stand inside the quotes.
fn split(line: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find('"') {
        let Some(length) = rest[open + 1..].find('"') else { break };
        let weak = if rest[..open].ends_with("W/") { "W/" } else { "" };
        let end = open + length + 2;
        tags.push(format!("{weak}{}", &rest[open..end]));
        rest = &rest[end..];
    }
    tags
}

/// Whether the client has `etag` already. For handlers that know the ETag before the work:
/// answer [`super::super::reply::Reply::not_modified`] then.
#[must_use]
pub fn if_none_match(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    Condition::read(headers, header::IF_NONE_MATCH)
        .zip(etag.to_str().ok())
        .is_some_and(|(condition, etag)| condition.matches_weakly(etag))
}

/// A strong ETag for bytes.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> HeaderValue {
    let hash = XxHash3_128::oneshot(bytes);
    HeaderValue::from_str(&format!("\"{hash:032x}\"")).expect("hex and quotes are visible ASCII")
}

/// The layer.
pub struct Conditional<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for Conditional<E> {
    type Output = Response;

    async fn call(&self, req: Request) -> Result<Response> {
        let condition = (req.method() == Method::GET)
            .then(|| Condition::read(req.headers(), header::IF_NONE_MATCH));
        let response = self.0.call(req).await?;
        let Some(condition) = condition else { return Ok(response) };
        if response.status() != StatusCode::OK {
            return Ok(response);
        }
        let response = match tagged(response).await {
            Ok(response) => response,
            Err(e) => return Ok(poem::IntoResponse::into_response(Problem::from(e))),
        };
        let known =
            condition.zip(response.headers().get(header::ETAG)).is_some_and(|(condition, etag)| {
                etag.to_str().is_ok_and(|etag| condition.matches_weakly(etag))
            });
        Ok(if known { not_modified(response) } else { response })
    }
}

/// Gives the answer an ETag if it has none and is small and complete.
async fn tagged(mut response: Response) -> crate::base::Result<Response> {
    if response.headers().contains_key(header::ETAG) {
        return Ok(response);
    }
    let body: BoxBody<_, _> = response.take_body().into();
    if body.size_hint().exact().is_none_or(|length| length > HASHED_BYTES) {
        response.set_body(body);
        return Ok(response);
    }
    let bytes = body
        .collect()
        .await
        .map_err(|e| Error::internal("the answer could not be read").with_source(e))?
        .to_bytes();
    response.headers_mut().insert(header::ETAG, of_bytes(&bytes));
    response.set_body(bytes);
    Ok(response)
}

fn not_modified(mut response: Response) -> Response {
    response.set_status(StatusCode::NOT_MODIFIED);
    response.set_body(());
    for name in OF_THE_BODY {
        response.headers_mut().remove(name);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(text: &str) -> Condition {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, text.parse().unwrap());
        Condition::read(&headers, header::IF_NONE_MATCH).unwrap()
    }

    #[test]
    fn lists_stars_weak_tags_and_commas_in_tags() {
        let list = condition(r#""a", W/"b" , "c,d""#);
        assert!(["\"a\"", "\"b\"", "W/\"a\"", "\"c,d\""].iter().all(|t| list.matches_weakly(t)));
        assert!(!list.matches_weakly("\"c\""));
        assert!(list.matches_strongly("\"a\"") && !list.matches_strongly("\"b\""));
        assert!(condition("*").matches_weakly("\"anything\""));
        assert_eq!(condition("nonsense, \"open"), Condition::Tags(vec![]));
        assert_eq!(Condition::read(&HeaderMap::new(), header::IF_MATCH), None);
    }

    #[test]
    fn versions_match_exactly() {
        assert!(condition("\"7\"").allows_version(7));
        assert!(!condition("\"7\"").allows_version(77));
        assert!(!condition("W/\"7\"").allows_version(7), "If-Match compares strongly");
        assert!(condition("*").allows_version(1));
    }
}
