//! Request bodies in JSON: read within the limit, refused with the place of the mistake.
//!
//! poem-openapi's own `Json` reads without limit, answers 400 to everything and names
//! neither line nor field.

use std::io;
use std::sync::Arc;

use http_body::Body as _;
use http_body_util::{BodyExt as _, combinators::BoxBody};
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::error::ContentTypeError;
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;

use super::contract::Operation;
use super::layers::limits::BodyTooLarge;
use super::problem::Problem;
use super::server::SlowBody;
use crate::base::{Code, Error, Result, limits};

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

/// A JSON request body, of type `application/json` or `application/merge-patch+json`.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// As [`Body`], and documented as a JSON merge patch (RFC 7396), for PATCH.
#[derive(Debug)]
pub struct MergeBody<T>(pub T);

macro_rules! json_body {
    ($name:ident, $($media:expr),+) => {
        impl<T: ParseFromJSON> Payload for $name<T> {
            const CONTENT_TYPE: &'static str = JSON;

            fn check_content_type(content_type: &str) -> bool {
                is_json(content_type)
            }

            fn schema_ref() -> MetaSchemaRef {
                T::schema_ref()
            }

            fn register(registry: &mut Registry) {
                T::register(registry);
            }
        }

        impl<T: ParseFromJSON> ParsePayload for $name<T> {
            const IS_REQUIRED: bool = T::IS_REQUIRED;

            async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
                Ok(Self(read(request, body).await.map_err(Problem::from)?))
            }
        }

        impl<'a, T: ParseFromJSON> ApiExtractor<'a> for $name<T> {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                T::register(registry);
            }

            fn request_meta() -> Option<MetaRequest> {
                let content = [$($media),+].map(|content_type| MetaMediaType {
                    content_type,
                    schema: T::schema_ref(),
                });
                Some(MetaRequest {
                    description: None,
                    content: content.into(),
                    required: T::IS_REQUIRED,
                })
            }

            async fn from_request(
                request: &'a Request,
                body: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                <Self as ParsePayload>::from_request(request, body).await
            }
        }
    };
}

json_body!(Body, JSON);
json_body!(MergeBody, MERGE, JSON);

/// Whether a content type is one of the two that bodies may have; parameters are ignored.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(JSON) || essence.eq_ignore_ascii_case(MERGE)
}

async fn read<T: ParseFromJSON>(request: &Request, body: &mut RequestBody) -> Result<T> {
    let body: BoxBody<_, _> =
        body.take().map_err(|e| Error::internal("the body was read twice").with_source(e))?.into();
    if !T::IS_REQUIRED && request.content_type().is_none() && body.is_end_stream() {
        return parse(None).map_err(|message| Error::new(Code::Invalid, message));
    }
    check_headers(request)?;
    let bytes = collect(body, limits::JSON_BODY_BYTES).await?;
    let value = json(&bytes)?;
    if let Some(operation) = request.data::<Arc<Operation>>() {
        operation.check_body(&value)?;
    }
    parse(Some(value)).map_err(|message| invalid(&message))
}

fn check_headers(request: &Request) -> Result<()> {
    let refuse = |detail| Err(Error::new(Code::UnsupportedMediaType, detail));
    match request.content_type() {
        Some(content_type) if is_json(content_type) => {}
        Some(content_type) => {
            let content_type = content_type.to_owned();
            let e = ContentTypeError::NotSupported { content_type };
            return Err(Error::new(
                Code::UnsupportedMediaType,
                format!("a JSON body has the type {JSON} or {MERGE}"),
            )
            .with_source(e));
        }
        None => return refuse("the Content-Type header is missing; send application/json"),
    }
    match request.headers().get(header::CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            refuse("send the body without Content-Encoding")
        }
        _ => Ok(()),
    }
}

/// Reads a whole body of at most `limit` bytes.
pub async fn collect(
    body: impl Into<BoxBody<bytes::Bytes, io::Error>>,
    limit: u64,
) -> Result<Vec<u8>> {
    let mut body = body.into();
    let hint = body.size_hint();
    if hint.lower() > limit {
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(hint.exact().unwrap_or_default() as usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| read_error(&e))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() as u64 + data.len() as u64 > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// `413` that names the limit.
pub(super) fn too_large(limit: u64) -> Error {
    Error::new(Code::TooLarge, format!("the body may have at most {limit} bytes"))
}

/// What a failure to read a request body means for the client.
#[must_use]
pub fn read_error(e: &io::Error) -> Error {
    let cause = e.get_ref();
    if let Some(BodyTooLarge { limit }) = cause.and_then(|c| c.downcast_ref()) {
        return too_large(*limit);
    }
    if cause.is_some_and(<dyn std::error::Error + Send + Sync>::is::<SlowBody>) {
        return Error::new(Code::RequestTimeout, "the body stalled or came too slowly");
    }
    // Either the client is gone and nobody reads this, or its chunks make no sense.
    Error::new(Code::BadRequest, "the body ended early or is framed wrongly")
        .with_source(e.to_string())
}

fn json(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|e| {
        let text = e.to_string();
        // serde_json puts the place last; people look for it first.
        let what = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
        let detail = format!("line {}, column {}: {what}", e.line(), e.column());
        Error::new(Code::MalformedJson, detail)
    })
}

fn parse<T: ParseFromJSON>(value: Option<Value>) -> std::result::Result<T, String> {
    T::parse_from_json(value).map_err(poem_openapi::types::ParseError::into_message)
}

/// What poem-openapi refuses after all. It names a field only if one of its validators or
/// an unknown name is to blame; what the description says was checked with all its places.
fn invalid(message: &str) -> Error {
    let reason = plain_reason(message);
    match message.split_once("field `").and_then(|(_, rest)| rest.split('`').next()) {
        Some(name) => {
            Error::field(format!("/{}", name.replace('~', "~0").replace('/', "~1")), reason)
        }
        None => Error::new(Code::Invalid, reason),
    }
}

/// The message of poem-openapi without the names of our types.
pub(super) fn plain_reason(message: &str) -> String {
    let mut text = message;
    while let Some(at) = text.rfind(" (occurred while parsing \"") {
        text = &text[..at];
    }
    if let Some((_, rest)) =
        text.strip_prefix("failed to parse \"").and_then(|t| t.split_once("\": "))
    {
        text = rest;
    }
    if text.starts_with("Type \"") && text.ends_with(" expects an input value.") {
        text = "a value is required";
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_types_are_the_two_documented_ones() {
        assert!(is_json("application/json; charset=utf-8") && is_json("Application/JSON"));
        assert!(is_json("application/merge-patch+json"));
        assert!(!is_json("application/problem+json") && !is_json("text/json") && !is_json(""));
    }

    #[test]
    fn malformed_json_names_the_place() {
        let e = json(b"{\n  \"a\": 1,\n  \"b\": ]\n}").unwrap_err();
        assert_eq!(e.code(), Code::MalformedJson);
        assert_eq!(e.detail(), "line 3, column 8: expected value");
        assert_eq!(json(b"").unwrap_err().code(), Code::MalformedJson);
        let deep = "[".repeat(100_000);
        assert_eq!(json(deep.as_bytes()).unwrap_err().code(), Code::MalformedJson);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_stops_at_the_limit() {
        let chunk = || bytes::Bytes::from_static(&[b'x'; 1000]);
        let stream = futures_util::stream::iter((0..).map(move |_| Ok::<_, io::Error>(chunk())));
        let e = collect(poem::Body::from_bytes_stream(stream), 4096).await.unwrap_err();
        assert_eq!(e.code(), Code::TooLarge);
        let fits = collect(poem::Body::from("12345"), 5).await.unwrap();
        assert_eq!(fits, b"12345");
    }
}
