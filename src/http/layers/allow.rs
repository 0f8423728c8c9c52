//! Which methods each route has: poem's 405 does not say, and RFC 9110 §15.5.6 asks for
//! the `Allow` header.

use std::collections::{BTreeSet, HashMap};

use poem::http::HeaderValue;

/// Methods by route pattern, as in `/api/v1/assets/:id`.
#[derive(Debug, Clone, Default)]
pub struct AllowTable(HashMap<String, BTreeSet<String>>);

impl AllowTable {
    /// Adds a route's methods; GET brings HEAD along.
    #[must_use]
    pub fn with(mut self, pattern: &str, methods: &[&str]) -> Self {
        self.add(pattern, methods.iter().map(|m| (*m).to_owned()));
        self
    }

    /// Adds all operations of an OpenAPI document (what `OpenApiService::spec` gives)
    /// that is served under `prefix`.
    #[must_use]
    pub fn with_spec(mut self, prefix: &str, spec: &serde_json::Value) -> Self {
        for (path, item) in spec["paths"].as_object().into_iter().flatten() {
            let pattern = format!("{prefix}{}", path.replace('{', ":").replace('}', ""));
            let methods = item.as_object().into_iter().flatten();
            self.add(&pattern, methods.map(|(method, _)| method.to_ascii_uppercase()));
        }
        self
    }

    fn add(&mut self, pattern: &str, methods: impl Iterator<Item = String>) {
        let known = self.0.entry(pattern.to_owned()).or_default();
        known.extend(methods);
        if known.contains("GET") {
            known.insert("HEAD".to_owned());
        }
    }

    /// The value of `Allow` for a route.
    #[must_use]
    pub fn get(&self, pattern: &str) -> Option<HeaderValue> {
        let methods: Vec<&str> = self.0.get(pattern)?.iter().map(String::as_str).collect();
        HeaderValue::from_str(&methods.join(", ")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_come_from_the_document() {
        let spec = serde_json::json!({"paths": {"/assets/{id}": {"get": {}, "patch": {}}}});
        let table = AllowTable::default().with_spec("/api/v1", &spec).with("/health", &["GET"]);
        assert_eq!(table.get("/api/v1/assets/:id").unwrap(), "GET, HEAD, PATCH");
        assert_eq!(table.get("/health").unwrap(), "GET, HEAD");
        assert_eq!(table.get("/other"), None);
    }
}
