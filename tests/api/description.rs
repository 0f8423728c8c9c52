//! The API description itself: no change of it is silent, and what it says is sound.

use serde_json::{Value, json};
use vulnzero::http::contract::Schema;

use super::document::{DOCUMENT, operations};
use super::harness::{Server, run};

/// Where the description is committed; the dashboard's types are made from it.
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web/openapi.json");

#[test]
fn the_description_is_the_committed_one() {
    let committed: Value = serde_json::from_slice(&std::fs::read(COMMITTED).unwrap()).unwrap();
    let differences = differences("", &committed, &DOCUMENT);
    assert!(
        differences.is_empty(),
        "the API changes; if that is meant, run `vulnzero openapi >web/openapi.json` and \
         `npm run gen` in web:\n{}",
        differences.join("\n")
    );
    let server = Server::start();
    let served: Value = server.admin().get("./openapi.json").ok(200);
    assert_eq!(served, *DOCUMENT);
    let printed = run(server.data(), &["openapi"]).stdout;
    assert_eq!(serde_json::from_slice::<Value>(&printed).unwrap(), *DOCUMENT);
}

/// Places in which two documents differ.
fn differences(at: &str, old: &Value, new: &Value) -> Vec<String> {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let mut all: Vec<String> =
                b.keys().filter(|k| !a.contains_key(*k)).map(|k| format!("+ {at}/{k}")).collect();
            for (key, old) in a {
                match b.get(key) {
                    Some(new) => all.extend(differences(&format!("{at}/{key}"), old, new)),
                    None => all.push(format!("- {at}/{key}")),
                }
            }
            all
        }
        _ if old == new => Vec::new(),
        _ => vec![format!("{at}: {old} -> {new}")],
    }
}

/// Visits every schema of the document with its place.
fn each_schema(visit: &mut dyn FnMut(&str, &Value)) {
    fn walk(at: &str, value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
        match value {
            Value::Object(members) => {
                if members.get("type").is_some_and(Value::is_string) || members.contains_key("enum")
                {
                    visit(at, value);
                }
                members.iter().for_each(|(name, v)| walk(&format!("{at}/{name}"), v, visit));
            }
            Value::Array(values) => {
                values.iter().enumerate().for_each(|(n, v)| walk(&format!("{at}/{n}"), v, visit));
            }
            _ => {}
        }
    }
    walk("", &DOCUMENT, visit);
}

#[test]
fn examples_and_defaults_are_valid_and_patterns_compile() {
    let (mut patterns, mut examples) = (0, 0);
    each_schema(&mut |at, schema| {
        for name in ["example", "default"] {
            if let Some(value) = schema.get(name).filter(|_| schema.get("type").is_some()) {
                let faults = Schema::compile(schema, &DOCUMENT).faults(value);
                assert!(faults.is_empty(), "{at}/{name}: {faults:?}");
                examples += 1;
            }
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            regex::Regex::new(pattern).unwrap_or_else(|e| panic!("{at}: {e}"));
            patterns += 1;
        }
    });
    assert!(patterns > 10 && examples > 10, "{patterns} patterns, {examples} examples");
}

#[test]
fn requests_are_closed_and_no_text_of_them_is_endless() {
    let mut bodies = 0;
    for operation in operations() {
        let content =
            operation.value["requestBody"]["content"]["application/json"]["schema"].clone();
        let Some(name) = content["$ref"].as_str().and_then(|r| r.rsplit('/').next()) else {
            continue;
        };
        let schema = &DOCUMENT["components"]["schemas"][name];
        assert_eq!(schema["additionalProperties"], false, "{name}");
        for (member, schema) in schema["properties"].as_object().unwrap() {
            let is_text = schema["type"] == "string" && schema.get("enum").is_none();
            let is_limited = schema.get("maxLength").is_some() || schema.get("format").is_some();
            assert!(!is_text || is_limited, "{name}.{member}");
        }
        bodies += 1;
    }
    assert!(bodies > 20, "{bodies}");
}

#[test]
fn null_clears_what_a_record_may_be_without_and_nothing_else() {
    let server = Server::start();
    let client = server.admin();
    client.post("/assets", &json!({"asset_id": "a"})).ok(201);
    client.post("/vulnerabilities", &json!({"cve_id": "CVE-2026-1"})).ok(201);
    client.post("/patches", &json!({"title": "t", "vulnerability_id": 1})).ok(201);
    server.user("bob", "viewer");
    for (schema, path) in [
        ("AssetPatch", "/assets/1"),
        ("VulnerabilityPatch", "/vulnerabilities/1"),
        ("PatchPatch", "/patches/1"),
        ("UserPatch", "/users/bob"),
    ] {
        let members = DOCUMENT["components"]["schemas"][schema]["properties"].as_object().unwrap();
        for (name, schema) in members {
            let answer = client.patch(path, &json!({name: null}));
            if schema["nullable"] == true {
                assert_eq!(answer.ok(200).get(name), None, "{path} {name}");
            } else {
                assert_eq!(answer.pointers(422), [format!("/{name}")], "{path}");
            }
        }
    }
}

#[test]
fn links_lead_from_what_was_made_to_it() {
    let links = &DOCUMENT["paths"]["/api/v1/assets"]["post"]["responses"]["201"]["links"];
    for target in ["get_asset", "update_asset", "delete_asset"] {
        assert_eq!(links[target]["parameters"]["id"], "$response.body#/id");
    }
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        assert!(item.as_object().unwrap().values().all(Value::is_object), "{path}");
    }
}
