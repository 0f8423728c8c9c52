//! What poem-openapi leaves out of schemas although it, or we, hold requests to it: no
//! unknown members, `null` where it clears, ranges of unsigned numbers, longest texts.

use serde_json::{Map, Value, json};

use super::schema_name;

/// Longest text of a request that has no limit of its own, characters.
const TEXT_MAX: u64 = 1024;

/// Bits of the largest whole number that every JSON reader keeps exactly (RFC 8259 §6).
const SAFE_BITS: u32 = 53;

/// What PATCH changes: the schema of the change and that of the record.
const PATCHES: &[(&str, &str)] = &[
    ("FindingPatch", "Finding"),
    ("VulnerabilityPatch", "Vulnerability"),
    ("AssetPatch", "Asset"),
    ("PatchPatch", "Patch"),
    ("UserPatch", "User"),
    ("RulePatch", "Rule"),
    ("SlaPolicyPatch", "SlaPolicy"),
    ("MappingPatch", "SavedMapping"),
];

/// Makes the schemas say what holds.
pub(super) fn complete(document: &mut Value) {
    let requests = requests(document);
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (patch, record) in PATCHES {
        let optional = optional(&schemas[*record]);
        nullable(&mut schemas[*patch], &optional);
    }
    for (name, schema) in schemas.iter_mut() {
        correct(schema);
        if requests.contains(name) {
            if schema.get("properties").is_some() {
                schema["additionalProperties"] = json!(false);
            }
            limit(schema);
        }
    }
}

/// Names of the schemas that requests use, directly or inside others.
fn requests(document: &Value) -> Vec<String> {
    let mut names = Vec::new();
    let items = document["paths"].as_object().into_iter().flatten();
    for (_, operation) in items.flat_map(|(_, item)| item.as_object().into_iter().flatten()) {
        references(&operation["requestBody"], document, &mut names);
    }
    names
}

fn references(value: &Value, document: &Value, names: &mut Vec<String>) {
    if let Some(name) = schema_name(value)
        && !names.iter().any(|n| n == name)
    {
        names.push(name.to_owned());
        references(&document["components"]["schemas"][name], document, names);
    }
    match value {
        Value::Object(members) => members.values().for_each(|v| references(v, document, names)),
        Value::Array(values) => values.iter().for_each(|v| references(v, document, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Members of a record that it may be without.
fn optional(record: &Value) -> Vec<String> {
    let required = record["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|r| r.iter().any(|n| n == name));
    let names = record["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    names.filter(|name| !is_required(name)).cloned().collect()
}

/// In a merge patch (RFC 7396) `null` removes a member, so it may stand for those members
/// that the record may be without, and for no others.
fn nullable(patch: &mut Value, optional: &[String]) {
    for (name, schema) in patch["properties"].as_object_mut().into_iter().flatten() {
        if optional.contains(name) {
            schema["nullable"] = json!(true);
        }
    }
}

/// Unsigned numbers begin at zero, and a union of plain values is no object.
fn correct(schema: &mut Value) {
    each(schema, &mut |schema| {
        let bits =
            schema.get("format").and_then(Value::as_str).and_then(|f| f.strip_prefix("uint"));
        if let Some(bits) = bits.and_then(|b| b.parse::<u32>().ok()) {
            schema.entry("minimum").or_insert(json!(0));
            schema.entry("maximum").or_insert(json!(u64::MAX >> (64 - bits.clamp(1, SAFE_BITS))));
        }
        let is_union = schema.contains_key("oneOf") || schema.contains_key("anyOf");
        if is_union && !schema.contains_key("properties") {
            schema.remove("type");
        }
    });
}

/// No text of a request is without limit.
fn limit(schema: &mut Value) {
    each(schema, &mut |schema| {
        let free = ["maxLength", "enum", "format"].iter().all(|name| !schema.contains_key(*name));
        if schema.get("type") == Some(&json!("string")) && free {
            schema.insert("maxLength".into(), json!(TEXT_MAX));
        }
    });
}

/// Visits a schema and those inside it.
fn each(schema: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Some(members) = schema.as_object_mut() else { return };
    // A member called `type` is not the type.
    if members.get("type").is_none_or(Value::is_string) {
        visit(members);
    }
    for (name, value) in members.iter_mut() {
        match (name.as_str(), value) {
            ("properties", Value::Object(inner)) => {
                for schema in inner.values_mut() {
                    each(schema, visit);
                }
            }
            ("items" | "additionalProperties", inner) => each(inner, visit),
            ("allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
                for schema in list {
                    each(schema, visit);
                }
            }
            _ => {}
        }
    }
}
