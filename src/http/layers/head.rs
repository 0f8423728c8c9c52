//! HEAD for every GET: the same answer, without its body. poem answers HEAD too, but
//! drops the body before anyone could count it, so its `Content-Length` is missing.

use http_body::Body as _;
use http_body_util::combinators::BoxBody;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response, Result};

/// The layer.
pub struct Head<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for Head<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> Result<Response> {
        if req.method() != Method::HEAD {
            return self.0.call(req).await;
        }
        req.set_method(Method::GET);
        let mut response = self.0.call(req).await?;
        let body: BoxBody<_, _> = response.take_body().into();
        let bodiless =
            matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if let (Some(length), false) = (body.size_hint().exact(), bodiless) {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(response)
    }
}
