//! The API description as clients get it, and as [`super::contract`] holds requests to:
//! what poem-openapi derives from handlers and types, completed by what the records declare
//! (filters, orders, relations) and by what holds everywhere (roles, conditions, links).

mod lists;
mod strict;
mod uploads;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use crate::domain::asset::Asset;
use crate::domain::audit::AuditLog;
use crate::domain::change::Change;
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::import::Import;
use crate::domain::job::Job;
use crate::domain::mapping::SavedMapping;
use crate::domain::package::Package;
use crate::domain::patch::Patch;
use crate::domain::rule::Rule;
use crate::domain::service::Service;
use crate::domain::sla::SlaPolicy;
use crate::domain::user::{ApiToken, Role, User};
use crate::domain::vulnerability::Vulnerability;

/// Operations that need no log-in.
const OPEN: &[&str] =
    &["get_setup", "set_up", "log_in", "get_health", "get_health_live", "get_health_ready"];

/// What everybody may do beside reading, because it concerns what is one's own or changes
/// nothing.
const OWN: &[&str] =
    &["log_out", "change_password", "create_token", "revoke_token", "rehearse_identity_rules"];

/// Operations on one record, beside changing and removing it, that heed its version.
const CONDITIONAL: &[&str] = &[
    "revoke_decision",
    "join_vulnerability",
    "part_vulnerability",
    "join_asset",
    "part_asset",
    "accept_import",
    "discard_import",
    "revert_import",
    "undo_change",
];

/// What only operators may read: reports say more than the findings.
const OPERATOR: &[&str] = &["get_import_original"];

/// Operations for administrators among those that operators may use.
const ADMIN: &[&str] = &["delete_finding", "delete_vulnerability"];

/// The complete document from what poem-openapi gives.
#[must_use]
pub fn complete(spec: &str) -> Value {
    let mut document = read(spec);
    document["info"]["license"] = json!({"name": "Apache-2.0"});
    document["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "An API token (`vz_…`)."},
        "session": {"type": "apiKey", "in": "cookie", "name": super::auth::COOKIE,
            "description": "A browser session; unsafe requests also need its X-CSRF-Token."},
    });
    document["security"] = json!([{"token": []}, {"session": []}]);
    health(&mut document);
    lists::filter_schemas(&mut document);
    lists::lists::<Finding>(&mut document, "findings");
    lists::lists::<Vulnerability>(&mut document, "vulnerabilities");
    lists::lists::<Asset>(&mut document, "assets");
    lists::lists::<Decision>(&mut document, "decisions");
    lists::lists::<Rule>(&mut document, "rules");
    lists::lists::<SlaPolicy>(&mut document, "sla-policies");
    lists::lists::<Package>(&mut document, "packages");
    lists::lists::<Service>(&mut document, "services");
    lists::lists::<SavedMapping>(&mut document, "mappings");
    lists::lists::<Patch>(&mut document, "patches");
    lists::lists::<Import>(&mut document, "imports");
    lists::lists::<Change>(&mut document, "changes");
    lists::lists::<Job>(&mut document, "jobs");
    lists::lists::<User>(&mut document, "users");
    lists::lists::<ApiToken>(&mut document, "tokens");
    lists::lists::<AuditLog>(&mut document, "audit-logs");
    lists::exports::<Finding>(&mut document, "findings");
    lists::exports::<Vulnerability>(&mut document, "vulnerabilities");
    lists::exports::<Asset>(&mut document, "assets");
    lists::exports::<Package>(&mut document, "packages");
    lists::exports::<Decision>(&mut document, "decisions");
    lists::bulk::<Finding>(&mut document, "FindingBulk");
    lists::bulk::<Vulnerability>(&mut document, "VulnerabilityBulk");
    lists::bulk::<Asset>(&mut document, "AssetBulk");
    uploads::uploads(&mut document);
    each_operation(&mut document);
    links(&mut document);
    strict::complete(&mut document);
    document
}

/// Reads what poem-openapi writes: it names a path once for each part of the API that has
/// it, and JSON readers keep only the last of equal names.
fn read(spec: &str) -> Value {
    let mut document: Value = serde_json::from_str(spec).unwrap_or_default();
    if let Ok(Paths { paths }) = serde_json::from_str(spec) {
        document["paths"] = Value::Object(paths.0);
    }
    document
}

#[derive(Deserialize)]
struct Paths {
    paths: Merged,
}

/// A map of maps in which equal names are put together.
struct Merged(Map<String, Value>);

impl<'de> Deserialize<'de> for Merged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Merging;

        impl<'de> Visitor<'de> for Merging {
            type Value = Merged;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of maps")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Merged, A::Error> {
                let mut merged = Map::new();
                while let Some((name, more)) = access.next_entry::<String, Map<String, Value>>()? {
                    let known = merged.entry(name).or_insert_with(|| Value::Object(Map::new()));
                    if let Some(known) = known.as_object_mut() {
                        known.extend(more);
                    }
                }
                Ok(Merged(merged))
            }
        }

        deserializer.deserialize_map(Merging)
    }
}

/// The name behind a reference to a schema.
fn schema_name(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

fn extend(list: &mut Value, more: Vec<Value>) {
    if !list.is_array() {
        *list = json!([]);
    }
    if let Some(list) = list.as_array_mut() {
        list.extend(more);
    }
}

/// The least role that may call an operation; `None` if it is open. Services demand the
/// same once more.
fn role(path: &str, method: &str, id: &str) -> Option<Role> {
    let for_admins = ["/api/v1/users", "/api/v1/audit-logs", "/api/v1/admin"];
    if OPEN.contains(&id) {
        return None;
    }
    if ADMIN.contains(&id) || for_admins.iter().any(|prefix| path.starts_with(prefix)) {
        return Some(Role::Admin);
    }
    if OPERATOR.contains(&id) {
        return Some(Role::Operator);
    }
    let reads = method == "get" || path.ends_with("/batch-get");
    Some(if reads || OWN.contains(&id) { Role::Viewer } else { Role::Operator })
}

/// What holds for every operation: who may call it, and conditions on versions.
fn each_operation(document: &mut Value) {
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            match role(path, method, &id) {
                Some(role) => demand(operation, role),
                None => operation["security"] = json!([]),
            }
            let of_one = path.ends_with("{id}");
            let edits = of_one && (method == "patch" || method == "delete") && id != "revoke_token";
            if edits || CONDITIONAL.contains(&id.as_str()) {
                let about = "Change it only if it still has this version; 412 if not.";
                extend(&mut operation["parameters"], vec![header("If-Match", about)]);
            }
            if method == "get" && (of_one || id.starts_with("list_")) && id != "list_indexes" {
                let about = "Answer 304 if it still has this ETag.";
                extend(&mut operation["parameters"], vec![header("If-None-Match", about)]);
                operation["responses"]["304"] = json!({"description": "The client has it already"});
            }
        }
    }
}

fn demand(operation: &mut Value, role: Role) {
    let about = operation["description"].as_str().unwrap_or_default();
    let text = format!("{about}\n\nNeeds the role `{role}`.");
    operation["description"] = json!(text.trim_start());
    operation["x-role"] = json!(role.word());
}

fn header(name: &str, about: &str) -> Value {
    json!({"name": name, "in": "header", "required": false, "description": about, "schema": {"type": "string"}})
}

/// How answers lead on: from a list to its first record, from what was made to it.
fn links(document: &mut Value) {
    let Some(paths) = document["paths"].as_object() else { return };
    let mut found = Vec::new();
    for (path, item) in paths {
        let Some((resource, _)) = path.split_once("/{id}") else { continue };
        for operation in item.as_object().into_iter().flatten().map(|(_, operation)| operation) {
            let Some(id) = operation["operationId"].as_str() else { continue };
            found.push((resource.to_owned(), id.to_owned()));
        }
    }
    for (resource, target) in found {
        let from_token = resource.ends_with("/tokens");
        let made = if from_token { "/api_token/id" } else { "/id" };
        for (method, status, place) in
            [("get", "200", "/items/0/id"), ("post", "201", made), ("put", "201", made)]
        {
            let responses = document["paths"][&resource].get_mut(method);
            let response = responses.and_then(|r| r["responses"].get_mut(status));
            if let Some(response) = response {
                response["links"][&target] = json!({"operationId": target,
                    "parameters": {"id": format!("$response.body#{place}")}});
            }
        }
    }
}

fn health(document: &mut Value) {
    let state = json!({"type": "object", "required": ["status", "version"], "properties": {
        "status": {"type": "string", "description": "`ok`, `degraded` or `unavailable`."},
        "version": {"type": "string"},
        "checks": {"type": "object", "additionalProperties": {"type": "string"}},
    }});
    document["components"]["schemas"]["Health"] = state;
    for (path, id, about) in [
        ("/health", "get_health", "Whether the server works"),
        ("/health/live", "get_health_live", "Whether the process runs"),
        ("/health/ready", "get_health_ready", "Whether requests can be served"),
    ] {
        let content =
            json!({"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}});
        document["paths"][path] = json!({"get": {"operationId": id, "summary": about, "tags": ["Maintenance"], "responses": {
            "200": {"description": "It does", "content": content.clone()},
            "503": {"description": "It does not", "content": content},
        }}});
    }
}
