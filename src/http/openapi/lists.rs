//! Lists in the description: their parameters, from what the records declare (filters,
//! orders, relations), and the filters of bulk edits.

use serde_json::{Map, Value, json};

use super::{extend, schema_name};
use crate::base::limits;
use crate::base::record::{Kind, Record};
use crate::services::exports::{self, Exported};
use crate::services::listing::Related;
use crate::services::query::{filterable, sortable};

/// Parameters of a list and of its facets, from the record's declarations.
pub(super) fn lists<R: Related>(document: &mut Value, resource: &str) {
    let path = format!("/api/v1/{resource}");
    let Some(row) = partial_row(document, &path) else { return };
    let filters: Vec<Value> = filterable::<R>()
        .map(|(name, kind, about)| parameter(name, about, filter_schema(kind)))
        .collect();
    let mut of_list = filters.clone();
    of_list.extend(list_parameters::<R>(&row));
    extend(&mut document["paths"][&path]["get"]["parameters"], of_list);
    let facets: Vec<&str> = R::fields().iter().filter(|f| f.facet).map(|f| f.name).collect();
    let mut of_facets = filters;
    of_facets.push(parameter("fields", "Facets to count; all by default.", words(&facets, 16)));
    extend(&mut document["paths"][format!("{path}/facets")]["get"]["parameters"], of_facets);
}

/// Parameters of an export, and its answers: a media type for each format that the list has.
pub(super) fn exports<R: Exported>(document: &mut Value, resource: &str) {
    let operation = &mut document["paths"][format!("/api/v1/{resource}/export")]["get"];
    let known = exports::formats::<R>();
    let mut formats = Vec::new();
    let mut content = Map::new();
    for (info, _) in exports::all().filter(|(info, _)| known.contains(&info.name)) {
        formats.push(format!("`{}`: {}", info.name, info.title));
        let schema = if info.media_type.ends_with("json") && !info.media_type.contains("ndjson") {
            json!({"type": "object"})
        } else {
            json!({"type": "string", "format": "binary"})
        };
        content.insert(info.media_type.to_owned(), json!({"schema": schema}));
    }
    let about = format!("The format. {}.", formats.join("; "));
    let mut format = parameter("format", &about, json!({"type": "string", "enum": known}));
    format["required"] = json!(true);
    let mut parameters: Vec<Value> = vec![format, sort_parameter::<R>()];
    let filters = filterable::<R>();
    parameters
        .extend(filters.map(|(name, kind, about)| parameter(name, about, filter_schema(kind))));
    extend(&mut operation["parameters"], parameters);
    let disposition = json!({"description": "`attachment` and a name for the file.",
        "schema": {"type": "string"}});
    operation["responses"]["200"] = json!({"description": "The file. Cut off, it is not whole.",
        "content": content, "headers": {"Content-Disposition": disposition}});
}

fn sort_parameter<R: Record>() -> Value {
    let orders: Vec<String> =
        sortable::<R>().flat_map(|f| [f.to_owned(), format!("-{f}")]).collect();
    let about = format!("Order; `-` for largest first. By default `{}`.", R::DEFAULT_SORT);
    parameter("sort", &about, words(&orders, 3))
}

fn list_parameters<R: Related>(row: &[String]) -> Vec<Value> {
    let mut parameters = vec![
        parameter(
            "page",
            "Number of the page, from 1. Rows beyond 100,000 are reached by cursor only. With `cursor` it only numbers the answer.",
            json!({"type": "integer", "minimum": 1, "maximum": limits::OFFSET_MAX, "default": 1}),
        ),
        parameter(
            "page_size",
            "Rows per page.",
            json!({"type": "integer", "minimum": 1, "maximum": limits::PAGE_SIZE_MAX, "default": limits::PAGE_SIZE}),
        ),
        parameter(
            "cursor",
            "The `next_cursor` of the page before, with the same filters and order; any other is not found (404).",
            json!({"type": "string", "minLength": 1, "maxLength": 4000}),
        ),
        sort_parameter::<R>(),
        parameter("fields", "Only these fields of each row.", words(row, row.len())),
    ];
    if !R::RELATIONS.is_empty() {
        let relations: Vec<&str> = R::RELATIONS.iter().map(|r| r.name).collect();
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

fn words(words: &[impl AsRef<str>], most: usize) -> Value {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    json!({"type": "array", "minItems": 1, "maxItems": most, "items": {"type": "string", "enum": words}})
}

/// Words that a filter may be given at once: all of a list, and some to spare for clients
/// that repeat themselves.
const WORDS_MAX: usize = 50;

fn filter_schema(kind: Kind) -> Value {
    let shared = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Enum(list) => words(list, WORDS_MAX),
        Kind::U64 => shared("CountFilter"),
        Kind::F64 => shared("NumberFilter"),
        Kind::Time => shared("TimeFilter"),
        Kind::Text => shared("TextFilter"),
        Kind::Words => shared("SearchFilter"),
    }
}

/// A day that exists, of the years 1000 to 2999, and maybe a time of it.
const TIME: &str = "([12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)\
    |([12][0-9](0[48]|[2468][048]|[13579][26])|1200|1600|2000|2400|2800)-02-29)\
    (T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?";

/// The schemas of filters, as `components`.
pub(super) fn filter_schemas(document: &mut Value) {
    let ordered = |one: &str, more: &str, about: &str| {
        let pattern = format!(r"^({one}{more}|{one}\.\.({one})?|\.\.{one})$");
        json!({"type": "string", "maxLength": 1000, "pattern": pattern, "description": about})
    };
    let (count, number) = ("[0-9]{1,9}", r"[0-9]{1,6}(\.[0-9]{1,6})?");
    let schemas = &mut document["components"]["schemas"];
    schemas["CountFilter"] = ordered(
        count,
        &format!("(,{count}){{0,99}}"),
        "Numbers with commas between, or a range: `70..`, `..50`, `20..40`.",
    );
    schemas["NumberFilter"] = ordered(
        number,
        &format!("(,{number}){{0,99}}"),
        "Numbers with commas between, or a range: `7.5..`, `..5`, `2..4`.",
    );
    schemas["TimeFilter"] = ordered(
        TIME,
        "",
        "A date (its first instant, UTC) or RFC 3339 time, or a range: `2026-01-01..`, `..2026-02-01T12:00:00Z`.",
    );
    schemas["TextFilter"] = json!({"type": "string", "minLength": 1, "maxLength": limits::FILTER_VALUES - 1,
        "description": "Texts with commas between; one that ends in `*` is a beginning. Write `\\,` and `\\*` for the characters."});
    schemas["SearchFilter"] = json!({"type": "string", "maxLength": 2 * limits::SEARCH_WORDS,
        "description": "Words; each must be the beginning of a word of the record."});
}

/// With `fields=` a row has only some of its fields, so the rows of lists have a schema of
/// their own in which none is required. Returns the names of the fields.
fn partial_row(document: &mut Value, path: &str) -> Option<Vec<String>> {
    let page = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let page = schema_name(page)?.to_owned();
    let items = &document["components"]["schemas"][&page]["properties"]["items"]["items"];
    let row = schema_name(items)?.to_owned();
    let mut partial = document["components"]["schemas"][&row].clone();
    if let Some(schema) = partial.as_object_mut() {
        schema.remove("required");
        schema.insert(
            "description".into(),
            json!(format!("A row of a list: {row}, with `fields=` only those fields.")),
        );
    }
    let fields = partial["properties"].as_object()?.keys().cloned().collect();
    let name = format!("{row}Row");
    document["components"]["schemas"][&page]["properties"]["items"]["items"] =
        json!({"$ref": format!("#/components/schemas/{name}")});
    document["components"]["schemas"][name] = partial;
    Some(fields)
}

/// The filters of a bulk edit, and that it takes either ids or a filter.
pub(super) fn bulk<R: Record>(document: &mut Value, schema: &str) {
    let mut properties = Map::new();
    for (name, kind, about) in filterable::<R>() {
        // In JSON every filter is a text; lists have commas between.
        let text = match kind {
            Kind::Bool => {
                json!({"type": "string", "enum": ["true", "false"], "description": about})
            }
            Kind::Enum(words) => {
                let one = words.join("|");
                let pattern = format!("^({one})(,({one})){{0,{}}}$", WORDS_MAX - 1);
                json!({"type": "string", "pattern": pattern, "description": about})
            }
            Kind::U64 | Kind::F64 | Kind::Time | Kind::Text | Kind::Words => {
                json!({"allOf": [filter_schema(kind)], "description": about})
            }
        };
        properties.insert(name.to_owned(), text);
    }
    let schema = &mut document["components"]["schemas"][schema];
    schema["properties"]["filter"] = json!({"type": "object", "description": "Filters as in a list's query string; all must hold. An empty object is all.",
        "additionalProperties": false, "properties": properties});
    schema["oneOf"] = json!([{"required": ["ids"]}, {"required": ["filter"]}]);
}
