//! Successful answers: JSON written once as bytes, with the schema of its type.
//!
//! poem-openapi's own `Json` first builds a tree of values; these answers are serialised
//! straight to bytes, or take bytes that a cache holds.

use std::marker::PhantomData;

use bytes::Bytes;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;

use crate::base::{Error, Result};

/// JSON bytes that are documented as a `T`; also a payload for `derive(ApiResponse)`.
#[derive(Debug, Clone)]
pub struct JsonBytes<T> {
    bytes: Bytes,
    of: PhantomData<fn() -> T>,
}

impl<T> JsonBytes<T> {
    /// Serialises `value`, whose JSON must be that of a `T` (often it borrows from one).
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let json = serde_json::to_vec(value)
            .map_err(|e| Error::internal("an answer cannot be written as JSON").with_source(e))?;
        Ok(Self::from_bytes(json))
    }

    /// Takes bytes that are the JSON of a `T`.
    pub fn from_bytes(json: impl Into<Bytes>) -> Self {
        Self { bytes: json.into(), of: PhantomData }
    }
}

impl<T: Type> Payload for JsonBytes<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T> IntoResponse for JsonBytes<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type("application/json").body(self.bytes)
    }
}

/// An answer with status `STATUS`, a JSON body, and the headers that often go with it.
#[derive(Debug)]
pub struct Reply<T, const STATUS: u16 = 200> {
    /// Absent if the client has the current version already.
    body: Option<JsonBytes<T>>,
    etag: Option<HeaderValue>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

impl<T, const STATUS: u16> Reply<T, STATUS> {
    /// Serialises `value`, whose JSON must be that of a `T`.
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        Ok(JsonBytes::new(value)?.into())
    }

    /// Takes bytes that are the JSON of a `T`.
    pub fn from_bytes(json: impl Into<Bytes>) -> Self {
        JsonBytes::from_bytes(json).into()
    }

    /// 304: the client has this `etag` already (see [`super::layers::etag::if_none_match`]),
    /// so nothing was read or written.
    pub fn not_modified(etag: HeaderValue) -> Self {
        Self { body: None, etag: Some(etag), headers: Vec::new() }
    }

    /// Sets the ETag, quotes included. Of a record it is [`version_etag`].
    pub fn with_etag(mut self, etag: HeaderValue) -> Self {
        self.etag = Some(etag);
        self
    }

    /// Sets the Location of what was created.
    pub fn with_location(self, path: &str) -> Result<Self> {
        let value = HeaderValue::from_str(path).map_err(|e| {
            Error::internal(format!("'{path}' is not a header value")).with_source(e)
        })?;
        Ok(self.with_header(header::LOCATION, value))
    }

    /// Adds another header, such as a cookie.
    pub fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The ETag of a record's version: `"7"`.
#[must_use]
pub fn version_etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits and quotes are visible ASCII")
}

impl<T, const STATUS: u16> From<JsonBytes<T>> for Reply<T, STATUS> {
    fn from(body: JsonBytes<T>) -> Self {
        Self { body: Some(body), etag: None, headers: Vec::new() }
    }
}

impl<T, const STATUS: u16> IntoResponse for Reply<T, STATUS> {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => {
                let mut response = body.into_response();
                response.set_status(
                    StatusCode::from_u16(STATUS).expect("STATUS is a constant of the operation"),
                );
                response
            }
            None => StatusCode::NOT_MODIFIED.into_response(),
        };
        if let Some(etag) = self.etag {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response.headers_mut().extend(self.headers);
        response
    }
}

impl<T: Type, const STATUS: u16> ApiResponse for Reply<T, STATUS> {
    fn meta() -> MetaResponses {
        let content_type = JsonBytes::<T>::CONTENT_TYPE;
        let content = vec![MetaMediaType { content_type, schema: T::schema_ref() }];
        MetaResponses { responses: vec![success(STATUS, content)] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 204, with the headers given (a cookie that ends, say).
#[derive(Debug, Default)]
pub struct NoContent(Vec<(header::HeaderName, HeaderValue)>);

impl NoContent {
    /// Adds a header.
    pub fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.push((name, value));
        self
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        response.headers_mut().extend(self.0);
        // poem gives every text, also an empty one, a type.
        response.headers_mut().remove(header::CONTENT_TYPE);
        response
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![success(204, vec![])] }
    }

    fn register(_: &mut Registry) {}
}

fn success(status: u16, content: Vec<MetaMediaType>) -> MetaResponse {
    let description = match status {
        201 => "Created",
        202 => "Accepted; it goes on in the background",
        204 => "Done",
        _ => "Success",
    };
    MetaResponse { description, status: Some(status), status_range: None, content, headers: vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reply_has_its_status_headers_and_bytes() {
        let reply = Reply::<Vec<u8>, 201>::new(&[1, 2]).unwrap();
        let reply = reply.with_etag(version_etag(7)).with_location("/api/v1/x/1").unwrap();
        let response = reply.into_response();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["etag"], "\"7\"");
        assert_eq!(response.headers()["location"], "/api/v1/x/1");
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.into_body().into_vec().await.unwrap(), b"[1,2]");
        let unchanged = Reply::<Vec<u8>>::not_modified(version_etag(7)).into_response();
        assert_eq!(unchanged.status(), 304);
        assert!(Reply::<u8>::from_bytes("1").with_location("/a\n").is_err());
    }

    #[test]
    fn the_documentation_has_status_and_schema() {
        let meta = Reply::<Vec<u8>, 202>::meta();
        assert_eq!(meta.responses[0].status, Some(202));
        assert_eq!(meta.responses[0].content[0].content_type, "application/json");
        assert_eq!(NoContent::meta().responses[0].status, Some(204));
    }
}
