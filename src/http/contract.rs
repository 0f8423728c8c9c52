//! The API holds what its description says, because requests are held against the very
//! document that clients read: who may call an operation, which parameters it has and how
//! they look, and (in [`super::body`]) the body. Handlers and services decide the rest.
//!
//! The order is that of safety: who is it (401), may they (403), and only then what they
//! sent (400, 415, 422). Nothing is read from those who may not.

mod operation;
mod schema;

use std::collections::HashMap;
use std::sync::Arc;

use poem::http::Method;
use poem::{Endpoint, IntoResponse as _, PathPattern, Request, Response};
use serde_json::Value;

pub use operation::Operation;
pub use schema::Schema;

use super::auth::{anonymous, recognise};
use super::problem::Problem;
use crate::base::Result;
use crate::services::Ctx;

/// Where the operations are: everything below is described, or not there.
const PREFIX: &str = "/api/";

/// The operations of a description.
#[derive(Debug, Clone)]
pub struct Contract(Arc<HashMap<usize, Vec<Route>>>);

#[derive(Debug)]
struct Route {
    /// `None` stands for a parameter.
    segments: Vec<Option<String>>,
    operations: HashMap<Method, Arc<Operation>>,
}

impl Contract {
    /// Reads all operations of an OpenAPI document.
    #[must_use]
    pub fn new(document: &Value) -> Self {
        let mut routes: HashMap<usize, Vec<Route>> = HashMap::new();
        let paths = document["paths"].as_object().into_iter().flatten();
        for (path, item) in paths.filter(|(path, _)| path.starts_with(PREFIX)) {
            let segments: Vec<Option<String>> = path[1..]
                .split('/')
                .map(|part| (!part.starts_with('{')).then(|| part.to_owned()))
                .collect();
            let pattern = pattern(&segments);
            let operations = item.as_object().into_iter().flatten().filter_map(|(name, value)| {
                let operation = Operation::read(value, &pattern, document);
                Some((operation::method(name)?, Arc::new(operation)))
            });
            let operations = operations.collect();
            routes.entry(segments.len()).or_default().push(Route { segments, operations });
        }
        for routes in routes.values_mut() {
            // Fixed names go before parameters, as they do in poem.
            routes.sort_by_key(|r| r.segments.iter().filter(|s| s.is_none()).count());
        }
        Self(Arc::new(routes))
    }

    /// The operation behind a method and path.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<&Arc<Operation>> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let mut fitting = self.0.get(&parts.len())?.iter().filter(|route| {
            let pairs = route.segments.iter().zip(&parts);
            pairs.into_iter().all(|(s, p)| s.as_ref().is_none_or(|s| s == p))
        });
        fitting.next()?.operations.get(method)
    }
}

/// poem-openapi calls parameters `param0`, `param1`, …
fn pattern(segments: &[Option<String>]) -> String {
    let mut number = 0u32;
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        if let Some(name) = segment {
            text.push_str(name);
        } else {
            text.push_str(":param");
            text.push_str(&number.to_string());
            number += 1;
        }
    }
    text
}

/// The layer.
pub struct Held<E> {
    /// What is inside.
    pub inner: E,
    /// What is held.
    pub contract: Contract,
}

impl<E: Endpoint> Endpoint for Held<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> poem::Result<Response> {
        let Some(operation) = self.contract.find(req.method(), req.uri().path()).cloned() else {
            return Ok(self.inner.call(req).await?.into_response());
        };
        match admit(&operation, &req) {
            Ok(ctx) => {
                req.set_data(ctx);
                req.set_data(operation);
                Ok(self.inner.call(req).await?.into_response())
            }
            Err(e) => {
                let mut error = poem::Error::from(Problem::from(e));
                error.set_data(PathPattern(operation.pattern.as_str().into()));
                Err(error)
            }
        }
    }
}

/// The caller, if it may and what its query string says is known.
fn admit(operation: &Operation, req: &Request) -> Result<Ctx> {
    let ctx = match operation.role {
        Some(role) => {
            let ctx = recognise(req)?;
            ctx.require(role)?;
            ctx
        }
        None => anonymous(req),
    };
    operation.check_query(req.uri().query().unwrap_or_default())?;
    Ok(ctx)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contract() -> Contract {
        Contract::new(&json!({"paths": {
            "/api/v1/things/{id}": {"get": {"x-role": "viewer"}, "post": {}},
            "/api/v1/things/all": {"get": {"parameters": [
                {"in": "query", "name": "page", "schema": {"type": "integer", "minimum": 1}},
                {"in": "query", "name": "kind", "schema": {"type": "array", "maxItems": 3, "items": {"type": "string", "enum": ["a", "b"]}}},
                {"in": "query", "name": "open", "schema": {"type": "boolean"}},
            ]}},
            "/health": {"get": {}},
        }}))
    }

    #[test]
    fn fixed_names_go_before_parameters() {
        let contract = contract();
        let find = |method, path| contract.find(&method, path).map(|o| o.pattern.clone());
        assert_eq!(find(Method::GET, "/api/v1/things/7").unwrap(), "/api/v1/things/:param0");
        assert_eq!(find(Method::GET, "/api/v1/things/all").unwrap(), "/api/v1/things/all");
        assert_eq!(find(Method::POST, "/api/v1/things/all"), None);
        assert_eq!(find(Method::GET, "/api/v1/things"), None);
        assert_eq!(find(Method::GET, "/health"), None);
        let role = |path| contract.find(&Method::GET, path).unwrap().role;
        assert_eq!(role("/api/v1/things/7"), Some(crate::domain::user::Role::Viewer));
        assert_eq!(role("/api/v1/things/all"), None);
    }

    #[test]
    fn parameters_are_held_to_the_description() {
        let contract = contract();
        let operation = contract.find(&Method::GET, "/api/v1/things/all").unwrap();
        for good in ["", "page=3&open=true", "kind=a,b&kind=a", "kind=a%2Cb"] {
            assert!(operation.check_query(good).is_ok(), "{good}");
        }
        let faults = |query: &str| {
            let e = operation.check_query(query).unwrap_err();
            e.fields().iter().map(|f| format!("{} {}", f.pointer, f.detail)).collect::<Vec<_>>()
        };
        assert_eq!(
            faults("page=0&colour=red&colour=blue&kind=a,c&open=yes"),
            [
                "colour there is no such parameter; there are: page, kind, open",
                "page it must be at least 1",
                "kind 'c' is none of: a, b",
                "open it must be true or false, not 'yes'",
            ]
        );
        assert_eq!(faults("page=1&page=2"), ["page it stands there twice"]);
        assert_eq!(faults("kind=a,a,a,a"), ["kind it has 4 values, at most 3 are allowed"]);
        assert_eq!(faults("page=%2B1"), ["page it must be a whole number, not '+1'"]);
    }
}
