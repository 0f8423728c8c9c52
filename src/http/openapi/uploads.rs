//! Uploads in the description: which formats there are, how texts look, the form beside the
//! plain body, and the key that makes a request safe to repeat.

use serde_json::{Map, Value, json};

use super::extend;
use crate::domain::idempotency::KEY_BYTES;
use crate::services::imports;

/// Completes the operations that take reports in.
pub(super) fn uploads(document: &mut Value) {
    let formats = imports::formats();
    let text = r"^[^\x00-\x1f\x7f-\x9f]+$";
    for method in ["post", "put"] {
        let operation = &mut document["paths"]["/api/v1/imports"][method];
        let mut fields = Map::new();
        for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
            match parameter["name"].as_str() {
                Some("format") => parameter["schema"]["enum"] = json!(formats),
                Some("filename" | "asset" | "mapping") => {
                    parameter["schema"]["pattern"] = json!(text);
                }
                _ => {}
            }
            if parameter["in"] == "query"
                && let Some(name) = parameter["name"].as_str()
            {
                let mut schema = parameter["schema"].clone();
                schema["description"] = parameter["description"].clone();
                fields.insert(name.to_owned(), schema);
            }
        }
        extend(&mut operation["parameters"], vec![key()]);
        operation["requestBody"]["content"]["multipart/form-data"]["schema"] = form(fields);
        for status in ["201", "202"] {
            operation["responses"][status]["headers"] = json!({"Idempotency-Replayed": {
                "description": "`true` if an earlier request with the same key made this import.",
                "schema": {"type": "string"},
            }});
        }
    }
}

fn key() -> Value {
    let pattern = format!("^[!-~]([ -~]{{0,{}}}[!-~])?$", KEY_BYTES - 2);
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "Makes the request safe to repeat: for 24 hours the same key with the same request gives the same import.",
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_BYTES, "pattern": pattern},
    })
}

/// The parameters may stand in the form, beside the file.
fn form(mut fields: Map<String, Value>) -> Value {
    let about = "The report: plain, gzip or zstd; recognised by its content.";
    let file = json!({"type": "string", "format": "binary", "description": about});
    fields.insert("file".to_owned(), file);
    json!({"type": "object", "required": ["file"], "additionalProperties": false, "properties": fields})
}
