//! The last net: whatever goes wrong inside (our errors, poem's errors, panics) leaves as
//! a problem, and one request never takes another with it.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use poem::error::NotFoundError;
use poem::http::HeaderValue;
use poem::{Endpoint, IntoResponse as _, PathPattern, Request, Response, Result};

use super::allow::AllowTable;
use crate::base::{Code, Error};
use crate::http::problem::{self, Problem};

/// The layer.
pub struct Catch<E> {
    /// What is inside.
    pub inner: E,
    /// The methods of each route, for 405.
    pub allow: AllowTable,
}

impl<E: Endpoint> Endpoint for Catch<E> {
    type Output = Response;

    async fn call(&self, req: Request) -> Result<Response> {
        // Unwind safety: nothing of the request is used after a panic, and what requests
        // share (store, caches) is behind locks that do not poison or is written whole.
        Ok(match AssertUnwindSafe(self.inner.call(req)).catch_unwind().await {
            Ok(Ok(answer)) => answer.into_response(),
            Ok(Err(error)) => self.refuse(error),
            Err(panic) => {
                Problem::from(Error::internal(format!("panic: {}", text(&*panic)))).into_response()
            }
        })
    }
}

impl<E> Catch<E> {
    fn refuse(&self, error: poem::Error) -> Response {
        if error.is_from_response() {
            return error.into_response();
        }
        // An unknown path has no route; what poem reports is the prefix it searched under.
        let pattern =
            if error.is::<NotFoundError>() { None } else { error.data::<PathPattern>().cloned() };
        let mut problem = problem::from_framework(error);
        if problem.error().code() == Code::MethodNotAllowed {
            // A route that the table does not know has, as far as we can say, no method.
            let allow = pattern.as_ref().and_then(|p| self.allow.get(&p.0));
            problem = problem.with_allow(allow.unwrap_or(HeaderValue::from_static("")));
        }
        let mut response = problem.into_response();
        if let Some(pattern) = pattern {
            response.set_data(pattern);
        }
        response
    }
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
