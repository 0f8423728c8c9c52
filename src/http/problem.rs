//! Errors as clients see them: `application/problem+json` (RFC 9457), one shape for
//! services, poem and poem-openapi alike.
//!
//! The text of an internal error stays inside: a 5xx shows its code and the request id,
//! and its chain of causes goes to the log, once, here.

use std::error::Error as StdError;
use std::fmt;

use poem::error::{MethodNotAllowedError, NotFoundError, ReadBodyError, ResponseError};
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::error::{ContentTypeError, ParseParamError, ParsePathError};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;

use super::body;
use super::layers::request_id;
use crate::base::{Code, Error};

/// Media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";
/// Seconds after which to try again when nothing better is known.
const RETRY_AFTER_S: u64 = 2;

/// An [`Error`] on its way to the client.
#[derive(Debug)]
pub struct Problem {
    error: Error,
    allow: Option<HeaderValue>,
}

/// The code of a problem, left in the response for the access log.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode(pub Code);

/// A problem as documented.
#[derive(Debug, Serialize, Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
struct Document {
    /// Address of the documentation of this kind of problem.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: String,
    /// Stable name of this kind of problem.
    code: String,
    /// What went wrong, the same for every occurrence.
    title: String,
    /// HTTP status code.
    status: u16,
    /// What went wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What to do about it.
    remedy: String,
    /// Names the request in the server's log.
    request_id: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldProblem>>,
}

/// One field that is wrong.
#[derive(Debug, Serialize, Object)]
struct FieldProblem {
    /// JSON pointer (RFC 6901) into the body, or the name of a parameter.
    pointer: String,
    /// What is wrong, and what would be right.
    detail: String,
}

impl Problem {
    /// Adds the methods that the path does have, for a 405.
    #[must_use]
    pub fn with_allow(mut self, methods: HeaderValue) -> Self {
        self.allow = Some(methods);
        self
    }

    /// The error inside.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    fn document(&self) -> Document {
        let code = self.error.code();
        let detail = self.error.detail();
        let errors: Vec<FieldProblem> = self
            .error
            .fields()
            .iter()
            .map(|f| FieldProblem { pointer: f.pointer.clone(), detail: f.detail.clone() })
            .collect();
        Document {
            kind: format!("/docs/problems#{}", code.slug()),
            code: code.slug().to_owned(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: (shows_detail(code) && !detail.is_empty()).then(|| detail.to_owned()),
            remedy: code.remedy().to_owned(),
            request_id: request_id::current().map(|id| id.as_str().to_owned()).unwrap_or_default(),
            errors: (!errors.is_empty()).then_some(errors),
        }
    }

    fn log(&self) {
        let (code, chain) = (self.error.code(), self.error.chain());
        if code.status() >= 500 {
            tracing::error!(code = code.slug(), error = %chain, "request failed");
        } else {
            tracing::debug!(code = code.slug(), error = %chain, "request refused");
        }
    }
}

/// Whether clients may read the detail: of a 5xx only where it is written for them.
fn shows_detail(code: Code) -> bool {
    code.status() < 500
        || matches!(
            code,
            Code::Unavailable | Code::ReadOnly | Code::StorageUnavailable | Code::Locked
        )
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { error, allow: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        status(self.error.code())
    }

    fn as_response(&self) -> Response {
        self.log();
        let code = self.error.code();
        let json = serde_json::to_vec(&self.document()).expect("a tree of texts is JSON");
        let mut response = Response::builder()
            .status(status(code))
            .content_type(CONTENT_TYPE)
            .header(header::CACHE_CONTROL, "no-store")
            .extension(ProblemCode(code))
            .body(json);
        let headers = response.headers_mut();
        match code.status() {
            401 => {
                let scheme = HeaderValue::from_static("Bearer realm=\"vulnzero\"");
                headers.insert(header::WWW_AUTHENTICATE, scheme);
            }
            // What is left of the body will not be read, so no further request can follow.
            408 | 413 => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            429 | 503 => {
                let seconds = self.error.retry_after_s().unwrap_or(RETRY_AFTER_S);
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            _ => {}
        }
        if let Some(methods) = &self.allow {
            headers.insert(header::ALLOW, methods.clone());
        }
        response
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).expect("a test holds the table to 400..600")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.as_response()
    }
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        let response = |range: &str, description| MetaResponse {
            description,
            status: None,
            status_range: Some(range.to_owned()),
            content: vec![MetaMediaType {
                content_type: CONTENT_TYPE,
                schema: Document::schema_ref(),
            }],
            headers: vec![],
        };
        MetaResponses {
            responses: vec![
                response("4XX", "The request was refused; `code` says why."),
                response("5XX", "The server failed; `request_id` names the entry in its log."),
            ],
        }
    }

    fn register(registry: &mut Registry) {
        Document::register(registry);
    }
}

/// Any error that comes out of poem or poem-openapi, in our shape. `documented` gives the
/// real name of a path parameter, if it knows it.
#[must_use]
pub fn from_framework<'a>(
    error: poem::Error,
    documented: impl Fn(&str) -> Option<&'a str>,
) -> Problem {
    let error = match error.downcast::<Problem>() {
        Ok(problem) => return problem,
        Err(other) => other,
    };
    if error.is::<NotFoundError>() {
        return Error::new(Code::NotFound, "nothing is served at this path").into();
    }
    if error.is::<MethodNotAllowedError>() {
        return Error::new(Code::MethodNotAllowed, "").into();
    }
    if let Some(e) = error.downcast_ref::<ParseParamError>() {
        return parameter(e.name, &e.reason);
    }
    if let Some(e) = error.downcast_ref::<ParsePathError>() {
        return parameter(documented(e.name).unwrap_or(e.name), &e.reason);
    }
    if let Some(e) = error.downcast_ref::<ContentTypeError>() {
        let detail = match e {
            ContentTypeError::NotSupported { content_type } => {
                format!("a body of type '{content_type}' is not understood here")
            }
            ContentTypeError::ExpectContentType => "the Content-Type header is missing".to_owned(),
        };
        return Error::new(Code::UnsupportedMediaType, detail).into();
    }
    if let Some(e) = error.downcast_ref::<ReadBodyError>() {
        match e {
            ReadBodyError::Io(e) => return body::read_error(e).into(),
            ReadBodyError::PayloadTooLarge => return Error::new(Code::TooLarge, "").into(),
            ReadBodyError::BodyHasBeenTaken | ReadBodyError::Utf8(_) => {}
        }
    }
    by_status(&error)
}

/// A parameter of path, query, header or cookie that cannot be read.
fn parameter(name: &str, reason: &str) -> Problem {
    let reason = body::plain_reason(reason);
    Error::new(Code::BadRequest, format!("{name}: {reason}")).with_field(name, reason).into()
}

/// What remains: the status decides, the text is kept for 4xx, the chain for the log.
fn by_status(error: &poem::Error) -> Problem {
    let code = match error.status().as_u16() {
        401 => Code::Unauthenticated,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        406 => Code::NotAcceptable,
        408 => Code::RequestTimeout,
        409 => Code::Conflict,
        412 => Code::VersionMismatch,
        413 => Code::TooLarge,
        414 => Code::UriTooLong,
        415 => Code::UnsupportedMediaType,
        422 => Code::Invalid,
        429 => Code::TooManyRequests,
        431 => Code::HeadersTooLarge,
        503 => Code::Unavailable,
        400..500 => Code::BadRequest,
        _ => Code::Internal,
    };
    // A 503 of the framework is not written for clients: keep its text as a source.
    let text = error.to_string();
    if code.status() < 500 {
        Error::new(code, text).into()
    } else {
        Error::new(code, "").with_source(text).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn json(problem: Problem) -> serde_json::Value {
        let body = problem.into_response().into_body().into_vec().await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn a_defect_shows_no_detail_but_texts_for_clients_do() {
        let secret = Error::internal("password is hunter2").with_source("disk");
        let shown = json(secret.into()).await;
        assert_eq!(shown["status"], 500);
        assert_eq!(shown["type"], "/docs/problems#internal");
        assert!(!shown.to_string().contains("hunter2") && shown.get("detail").is_none());
        let full = json(Error::new(Code::ReadOnly, "2 MiB are left").into()).await;
        assert_eq!(full["detail"], "2 MiB are left");
    }

    #[test]
    fn headers_follow_from_the_status() {
        let header = |code: Code, name| {
            let response = Problem::from(Error::new(code, "")).into_response();
            response.headers().get(name).map(|v| v.to_str().unwrap().to_owned())
        };
        assert_eq!(header(Code::Locked, "retry-after").unwrap(), "2");
        assert!(header(Code::Unauthenticated, "www-authenticate").unwrap().starts_with("Bearer"));
        assert_eq!(header(Code::TooLarge, "connection").unwrap(), "close");
        assert_eq!(header(Code::Conflict, "retry-after"), None);
        let exact = Error::new(Code::TooManyRequests, "").with_retry_after(77);
        assert_eq!(Problem::from(exact).into_response().headers()["retry-after"], "77");
    }

    #[test]
    fn errors_of_the_framework_keep_their_meaning() {
        let code = |e: poem::Error| from_framework(e, |_| None).error().code();
        assert_eq!(code(NotFoundError.into()), Code::NotFound);
        assert_eq!(code(ContentTypeError::ExpectContentType.into()), Code::UnsupportedMediaType);
        assert_eq!(code(ReadBodyError::PayloadTooLarge.into()), Code::TooLarge);
        assert_eq!(code(StatusCode::IM_A_TEAPOT.into()), Code::BadRequest);
        assert_eq!(code(StatusCode::BAD_GATEWAY.into()), Code::Internal);
        let ours = poem::Error::from(Problem::from(Error::not_found("asset", "x")));
        assert_eq!(from_framework(ours, |_| None).error().detail(), "there is no asset 'x'");
        let reason =
            "failed to parse \"integer(uint64)\": invalid digit found in string".to_owned();
        let error = ParseParamError { name: "page", reason };
        let parameter = from_framework(error.into(), |_| None);
        assert_eq!(parameter.error().fields()[0].pointer, "page");
        assert_eq!(parameter.error().detail(), "page: invalid digit found in string");
    }
}
