//! The API description as clients get it: what poem-openapi derives from handlers and
//! types, completed by what the records declare (filters, orders, relations) and by what
//! holds everywhere (security, conditions).

use serde_json::{Map, Value, json};

use crate::base::limits;
use crate::base::record::{Kind, Record};
use crate::domain::asset::Asset;
use crate::domain::audit::AuditLog;
use crate::domain::finding::Finding;
use crate::domain::import::Import;
use crate::domain::job::Job;
use crate::domain::patch::Patch;
use crate::domain::user::{ApiToken, User};
use crate::domain::vulnerability::Vulnerability;
use crate::services::listing::Related;
use crate::services::query::{filterable, sortable};

/// Operations that need no log-in.
const OPEN: &[&str] =
    &["get_setup", "set_up", "log_in", "get_health", "get_health_live", "get_health_ready"];

/// The complete document from what poem-openapi gives.
#[must_use]
pub fn complete(spec: &str) -> Value {
    let mut document: Value = serde_json::from_str(spec).unwrap_or_default();
    document["info"]["license"] = json!({"name": "Apache-2.0"});
    document["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "An API token (`vz_…`)."},
        "session": {"type": "apiKey", "in": "cookie", "name": super::auth::COOKIE,
            "description": "A browser session; unsafe requests also need its X-CSRF-Token."},
    });
    document["security"] = json!([{"token": []}, {"session": []}]);
    health(&mut document);
    lists::<Finding>(&mut document, "findings");
    lists::<Vulnerability>(&mut document, "vulnerabilities");
    lists::<Asset>(&mut document, "assets");
    lists::<Patch>(&mut document, "patches");
    lists::<Import>(&mut document, "imports");
    lists::<Job>(&mut document, "jobs");
    lists::<User>(&mut document, "users");
    lists::<ApiToken>(&mut document, "tokens");
    lists::<AuditLog>(&mut document, "audit-logs");
    bulk::<Finding>(&mut document, "FindingBulk");
    bulk::<Vulnerability>(&mut document, "VulnerabilityBulk");
    bulk::<Asset>(&mut document, "AssetBulk");
    each_operation(&mut document);
    document
}

/// Parameters of a list and of its facets, from the record's declarations.
fn lists<R: Related>(document: &mut Value, resource: &str) {
    let path = format!("/api/v1/{resource}");
    let filters: Vec<Value> = filterable::<R>()
        .map(|(name, kind, about)| parameter(name, about, filter_schema(kind)))
        .collect();
    let mut of_list = filters.clone();
    of_list.extend(list_parameters::<R>());
    extend(&mut document["paths"][&path]["get"]["parameters"], of_list);
    let facets: Vec<&str> = R::fields().iter().filter(|f| f.facet).map(|f| f.name).collect();
    let mut of_facets = filters;
    of_facets.push(parameter("fields", "Facets to count; all by default.", words(&facets, 16)));
    extend(&mut document["paths"][format!("{path}/facets")]["get"]["parameters"], of_facets);
    rows_may_be_partial(document, &path);
}

fn list_parameters<R: Related>() -> Vec<Value> {
    let orders: Vec<String> =
        sortable::<R>().flat_map(|f| [f.to_owned(), format!("-{f}")]).collect();
    let orders: Vec<&str> = orders.iter().map(String::as_str).collect();
    let relations: Vec<&str> = R::RELATIONS.iter().map(|r| r.name).collect();
    let mut parameters = vec![
        parameter(
            "page",
            "Number of the page, from 1. Rows beyond 100,000 are reached by cursor only.",
            json!({"type": "integer", "minimum": 1, "maximum": 2000, "default": 1}),
        ),
        parameter(
            "page_size",
            "Rows per page.",
            json!({"type": "integer", "minimum": 1, "maximum": limits::PAGE_SIZE_MAX, "default": limits::PAGE_SIZE}),
        ),
        parameter(
            "cursor",
            "The `next_cursor` of the page before, with the same filters and order; not together with `page`.",
            json!({"type": "string", "minLength": 1, "maxLength": 2000}),
        ),
        parameter(
            "sort",
            &format!("Order; `-` for largest first. By default `{}`.", R::DEFAULT_SORT),
            words(&orders, 3),
        ),
        parameter(
            "fields",
            "Only these fields of each row.",
            json!({"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "string", "pattern": "^[a-z_]{1,64}$"}}),
        ),
    ];
    if !relations.is_empty() {
        let about: Vec<String> =
            R::RELATIONS.iter().map(|r| format!("`{}`: {}", r.name, r.about)).collect();
        parameters.push(parameter(
            "include",
            &format!("Related records to send along. {}", about.join(" ")),
            words(&relations, relations.len()),
        ));
    }
    parameters
}

fn parameter(name: &str, about: &str, schema: Value) -> Value {
    let mut parameter = json!({"name": name, "in": "query", "required": false, "description": about, "schema": schema});
    if parameter["schema"]["type"] == "array" {
        // Commas between the values.
        parameter["style"] = json!("form");
        parameter["explode"] = json!(false);
    }
    parameter
}

fn words(words: &[&str], most: usize) -> Value {
    json!({"type": "array", "minItems": 1, "maxItems": most, "items": {"type": "string", "enum": words}})
}

const DAY: &str = r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?";

fn filter_schema(kind: Kind) -> Value {
    let range = |one: &str| json!({"type": "string", "pattern": format!(r"^({one}|{one}\.\.|\.\.{one}|{one}\.\.{one})$")});
    match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Enum(list) => words(list, list.len()),
        Kind::U64 => range("[0-9]{1,9}"),
        Kind::F64 => range(r"[0-9]{1,6}(\.[0-9]{1,6})?"),
        Kind::Time => range(DAY),
        Kind::Text => json!({"type": "string", "minLength": 1, "maxLength": 255}),
        Kind::Words => {
            json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,40}( [A-Za-z0-9][A-Za-z0-9._-]{0,40}){0,9}$"})
        }
    }
}

fn extend(list: &mut Value, more: Vec<Value>) {
    if !list.is_array() {
        *list = json!([]);
    }
    if let Some(list) = list.as_array_mut() {
        list.extend(more);
    }
}

/// With `fields=` a row has only some of its fields, so the rows of lists have a schema of
/// their own in which none is required.
fn rows_may_be_partial(document: &mut Value, path: &str) {
    let page = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        ["$ref"];
    let Some(page) = page.as_str().and_then(|r| r.rsplit('/').next()).map(str::to_owned) else {
        return;
    };
    let items = &document["components"]["schemas"][&page]["properties"]["items"]["items"]["$ref"];
    let Some(row) = items.as_str().and_then(|r| r.rsplit('/').next()).map(str::to_owned) else {
        return;
    };
    let mut partial = document["components"]["schemas"][&row].clone();
    if let Some(schema) = partial.as_object_mut() {
        schema.remove("required");
        schema.insert(
            "description".into(),
            json!(format!("A row of a list: {row}, with `fields=` only those fields.")),
        );
    }
    let name = format!("{row}Row");
    document["components"]["schemas"][&page]["properties"]["items"]["items"] =
        json!({"$ref": format!("#/components/schemas/{name}")});
    document["components"]["schemas"][name] = partial;
}

/// The filters of a bulk edit, and that it takes either ids or a filter.
fn bulk<R: Record>(document: &mut Value, schema: &str) {
    let mut properties = Map::new();
    for (name, kind, about) in filterable::<R>() {
        // In JSON every filter is a text; lists have commas between.
        let mut text = match filter_schema(kind) {
            Value::Object(s) if s.get("type") == Some(&json!("string")) => Value::Object(s),
            s if s["type"] == "boolean" => json!({"type": "string", "enum": ["true", "false"]}),
            s => {
                json!({"type": "string", "pattern": format!("^({0})(,({0}))*$", alternatives(&s["items"]["enum"]))})
            }
        };
        text["description"] = json!(about);
        properties.insert(name.to_owned(), text);
    }
    let schema = &mut document["components"]["schemas"][schema];
    schema["properties"]["filter"] = json!({"type": "object", "description": "Filters as in a list's query string; all must hold. An empty object is all.",
        "additionalProperties": false, "properties": properties});
    schema["oneOf"] = json!([{"required": ["ids"]}, {"required": ["filter"]}]);
}

fn alternatives(words: &Value) -> String {
    let words = words.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join("|")
}

/// What holds for every operation: security, and conditions on versions.
fn each_operation(document: &mut Value) {
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            if OPEN.contains(&id.as_str()) {
                operation["security"] = json!([]);
            }
            let of_one = path.ends_with("{id}");
            if of_one && (method == "patch" || method == "delete") && id != "revoke_token" {
                let about = "Change it only if it still has this version.";
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

fn header(name: &str, about: &str) -> Value {
    json!({"name": name, "in": "header", "required": false, "description": about,
        "schema": {"type": "string", "pattern": "^\"[0-9]{1,9}\"$"}})
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
