//! The API description as a yardstick: what it says of an answer is held against every
//! answer that any test gets.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use serde_json::{Value, json};
use vulnzero::http::contract::Schema;
use vulnzero::http::routes;

/// The description that the server answers with.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(routes::document);

/// The same, with no unknown member allowed: an answer must not have what is not described.
static CLOSED: LazyLock<Value> = LazyLock::new(|| {
    let mut document = DOCUMENT.clone();
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            schema["additionalProperties"] = json!(false);
        }
    }
    document
});

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: String,
    /// With `{id}`.
    pub path: String,
    /// As in the description.
    pub value: Value,
}

/// Every operation below `/api/v1`.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            if path.starts_with("/api/v1/") {
                let id = value["operationId"].as_str().unwrap().to_owned();
                let method = method.to_ascii_uppercase();
                all.push(Operation { id, method, path: path.clone(), value: value.clone() });
            }
        }
    }
    all
}

fn find(method: &str, path: &str) -> Option<Operation> {
    let path = path.split('?').next().unwrap();
    let fits = |template: &str| {
        let (a, b) = (template.split('/'), path.split('/'));
        a.clone().count() == b.clone().count() && a.zip(b).all(|(t, p)| t == p || t == "{id}")
    };
    let mut found: Vec<Operation> =
        operations().into_iter().filter(|o| o.method == method && fits(&o.path)).collect();
    found.sort_by_key(|o| o.path.matches('{').count());
    found.into_iter().next()
}

/// Fails if the description knows the operation, but not this answer.
#[track_caller]
pub fn hold(method: &str, path: &str, status: u16, content_type: &str, body: &[u8]) {
    static KNOWN: LazyLock<Mutex<HashMap<String, Schema>>> = LazyLock::new(Mutex::default);
    let Some(operation) = find(method, path) else { return };
    let name = format!("{method} {path} answers {status}");
    let responses = operation.value["responses"].as_object().unwrap();
    let range = format!("{}XX", status / 100);
    let response = responses.get(&status.to_string()).or_else(|| responses.get(&range));
    let response = response.unwrap_or_else(|| panic!("{name}, which is not described"));
    let Some(content) = response.get("content") else {
        assert!(body.is_empty(), "{name} with a body, which is not described");
        return;
    };
    let media = content_type.split(';').next().unwrap();
    let schema = &content[media]["schema"];
    assert!(schema.is_object(), "{name} with {content_type}, which is not described");
    if schema["format"] == "binary" || !media.ends_with("json") {
        return;
    }
    let json: Value = serde_json::from_slice(body).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let schema =
        known.entry(schema.to_string()).or_insert_with(|| Schema::compile(schema, &CLOSED));
    let faults = schema.faults(&json);
    assert!(faults.is_empty(), "{name}, but {faults:?} in {json}");
}
