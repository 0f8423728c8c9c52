//! The last net: whatever goes wrong inside (our errors, poem's errors, panics) leaves as
//! a problem, and one request never takes another with it.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use poem::error::NotFoundError;
use poem::http::HeaderValue;
use poem::{Endpoint, IntoResponse as _, PathPattern, Request, Response, Result};

use super::routes::{RouteEntry, RouteTable};
use crate::base::{Code, Error};
use crate::http::problem::{self, Problem};

/// The layer.
pub struct Catch<E> {
    /// What is inside.
    pub inner: E,
    /// The routes as documented.
    pub routes: RouteTable,
}

impl<E: Endpoint> Endpoint for Catch<E> {
    type Output = Response;

    /// The response carries the route as [`PathPattern`], with its documented path.
    async fn call(&self, req: Request) -> Result<Response> {
        // Unwind safety: nothing of the request is used after a panic, and what requests
        // share (store, caches) is behind locks that do not poison or is written whole.
        let mut response = match AssertUnwindSafe(self.inner.call(req)).catch_unwind().await {
            Ok(Ok(answer)) => answer.into_response(),
            Ok(Err(error)) => self.refuse(error),
            Err(panic) => {
                Problem::from(Error::internal(format!("panic: {}", text(&*panic)))).into_response()
            }
        };
        if let Some(route) = response.data::<PathPattern>().and_then(|p| self.routes.get(&p.0)) {
            response.set_data(PathPattern(route.path.clone()));
        }
        Ok(response)
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
        let route = pattern.as_ref().and_then(|p| self.routes.get(&p.0));
        let mut problem =
            problem::from_framework(error, |name| route.and_then(|r| r.parameter(name)));
        if problem.error().code() == Code::MethodNotAllowed {
            // Of a route that the table does not know, no method is known.
            let allow = route.map_or(HeaderValue::from_static(""), RouteEntry::allow);
            problem = problem.with_allow(allow);
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
