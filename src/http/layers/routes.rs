//! The table of routes as documented. poem knows less than clients are owed: its 405 does
//! not say which methods there are (RFC 9110 §15.5.6 wants `Allow`), and poem-openapi
//! calls every path parameter `param0`, in errors and patterns alike.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use poem::http::HeaderValue;

/// One route.
#[derive(Debug, Clone)]
pub struct RouteEntry {
    /// The path as documented, as in `/api/v1/assets/{id}`; labels metrics.
    pub path: Arc<str>,
    /// Names of the path parameters in order.
    params: Vec<String>,
    methods: BTreeSet<String>,
}

impl RouteEntry {
    /// The value of `Allow`.
    #[must_use]
    pub fn allow(&self) -> HeaderValue {
        let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        // A method that is no header value cannot be in a document that poem-openapi made.
        HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }

    /// The documented name of what poem-openapi calls `param0`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let number: usize = name.strip_prefix("param")?.parse().ok()?;
        self.params.get(number).map(String::as_str)
    }
}

/// Routes by poem's pattern.
#[derive(Debug, Clone, Default)]
pub struct RouteTable(HashMap<String, RouteEntry>);

impl RouteTable {
    /// Adds a route that is not in an OpenAPI document. GET brings HEAD along.
    #[must_use]
    pub fn with(mut self, pattern: &str, methods: &[&str]) -> Self {
        let methods = methods.iter().map(|m| (*m).to_owned()).collect();
        self.add(pattern.to_owned(), pattern, Vec::new(), methods);
        self
    }

    /// Adds all operations of an OpenAPI document (what `OpenApiService::spec` gives)
    /// that is served under `prefix`.
    #[must_use]
    pub fn with_spec(mut self, prefix: &str, spec: &serde_json::Value) -> Self {
        for (path, item) in spec["paths"].as_object().into_iter().flatten() {
            let mut params = Vec::new();
            let mut pattern = prefix.to_owned();
            for part in path.split('/').skip(1) {
                if let Some(name) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                    pattern.push_str("/:param");
                    pattern.push_str(&params.len().to_string());
                    params.push(name.to_owned());
                } else {
                    pattern.push('/');
                    pattern.push_str(part);
                }
            }
            let methods = item.as_object().into_iter().flatten();
            let methods = methods.map(|(method, _)| method.to_ascii_uppercase()).collect();
            self.add(pattern, &format!("{prefix}{path}"), params, methods);
        }
        self
    }

    fn add(
        &mut self,
        pattern: String,
        path: &str,
        params: Vec<String>,
        mut methods: BTreeSet<String>,
    ) {
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        self.0.insert(pattern, RouteEntry { path: path.into(), params, methods });
    }

    /// The route of a pattern.
    #[must_use]
    pub fn get(&self, pattern: &str) -> Option<&RouteEntry> {
        self.0.get(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_come_from_the_document() {
        let spec = serde_json::json!({"paths": {"/a/{id}/b/{key}": {"get": {}, "patch": {}}}});
        let table = RouteTable::default().with_spec("/api/v1", &spec).with("/health", &["GET"]);
        let route = table.get("/api/v1/a/:param0/b/:param1").unwrap();
        assert_eq!(&*route.path, "/api/v1/a/{id}/b/{key}");
        assert_eq!(route.allow(), "GET, HEAD, PATCH");
        assert_eq!(route.parameter("param1"), Some("key"));
        assert_eq!(route.parameter("param2"), None);
        assert_eq!(table.get("/health").unwrap().allow(), "GET, HEAD");
        assert!(table.get("/other").is_none());
    }
}
