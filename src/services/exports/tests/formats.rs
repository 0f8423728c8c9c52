//! Each format against its own rules: the published JSON schema, and what no schema says.

use std::collections::BTreeSet;
use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use super::super::*;
use super::filled::{all, export, filled, instance, json as exported, try_export};
use crate::domain::asset::Asset;
use crate::domain::decision::Decision;
use crate::domain::package::Package;
use crate::domain::vulnerability::Vulnerability;

/// What the schemas refer to and our documents must not use: signatures, licences, CVSS.
const UNUSED: &[&str] = &[
    "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
    "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json",
    "https://www.first.org/cvss/cvss-v2.0.json",
    "https://www.first.org/cvss/cvss-v3.0.json",
    "https://www.first.org/cvss/cvss-v3.1.json",
];

fn schema(name: &str) -> Validator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemas");
    let text = std::fs::read(folder.join(name)).unwrap();
    let schema: Value = serde_json::from_slice(&text).unwrap();
    let nothing = json!({"not": {}, "definitions": {"signature": {"not": {}}}});
    let mut registry = Registry::new();
    for uri in UNUSED {
        registry = registry.add(*uri, nothing.clone()).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let options = jsonschema::options().with_registry(&registry);
    options.should_validate_formats(true).build(&schema).unwrap()
}

fn hold(schema: &Validator, document: &Value) {
    let faults: Vec<String> = schema
        .iter_errors(document)
        .take(5)
        .map(|e| format!("{}: {e}", e.instance_path()).chars().take(400).collect())
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn sarif_is_valid_and_has_every_finding() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    let log = exported(&core, "sarif", &[]);
    let valid = schema("sarif-2.1.0.json");
    hold(&valid, &log);
    let runs = log["runs"].as_array().unwrap();
    let findings = all::<Finding>(&core);
    let assets: BTreeSet<u64> = findings.iter().map(|f| f.asset_id).collect();
    assert_eq!(runs.len(), assets.len());
    let mut prints = BTreeSet::new();
    for run in runs {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: BTreeSet<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), rules.len(), "a rule stands there twice");
        for result in run["results"].as_array().unwrap() {
            assert!(ids.contains(result["ruleId"].as_str().unwrap()));
            prints.insert(result["partialFingerprints"]["vulnzeroFinding/v1"].to_string());
        }
    }
    assert_eq!(prints.len(), findings.len(), "fingerprints tell findings apart");
    let suppressed = |run: &Value| {
        let results = run["results"].as_array().unwrap();
        results.iter().filter(|r| r.get("suppressions").is_some()).count()
    };
    let decided = findings.iter().filter(|f| f.status.verdict().is_some()).count();
    assert_eq!(runs.iter().map(suppressed).sum::<usize>(), decided);
    let empty = instance(directory.path());
    hold(&valid, &exported(&empty, "sarif", &[]));
}

#[test]
fn cyclonedx_is_valid_and_every_reference_leads_somewhere() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    let valid = schema("cyclonedx-1.6.json");
    let one = all::<Finding>(&core)[0].asset_id.to_string();
    for format in ["cyclonedx-vdr", "cyclonedx-vex"] {
        for filters in [&[][..], &[("asset_id", one.as_str())]] {
            let bom = exported(&core, format, filters);
            hold(&valid, &bom);
            let is_one = !filters.is_empty();
            assert_eq!(bom["metadata"].get("component").is_some(), is_one);
            let mut references = BTreeSet::new();
            collect(&bom["components"], &mut references);
            for entry in bom["vulnerabilities"].as_array().unwrap() {
                assert_eq!(entry.get("ratings").is_some(), format == "cyclonedx-vdr");
                for affected in entry["affects"].as_array().unwrap() {
                    let reference = affected["ref"].as_str().unwrap();
                    let is_purl = format == "cyclonedx-vex" && is_one;
                    assert!(is_purl == reference.starts_with("pkg:"), "{reference}");
                    assert!(is_purl || references.contains(reference), "{reference}");
                }
            }
        }
        hold(&valid, &exported(&instance(directory.path()), format, &[]));
    }
}

/// References of components and of those in them; none stands twice.
fn collect(components: &Value, into: &mut BTreeSet<String>) {
    for component in components.as_array().into_iter().flatten() {
        let reference = component["bom-ref"].as_str().unwrap();
        assert!(into.insert(reference.to_owned()), "{reference} stands there twice");
        collect(&component["components"], into);
    }
}

#[test]
fn csaf_is_valid_by_schema_and_mandatory_tests() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    let document = exported(&core, "csaf-vex", &[]);
    hold(&schema("csaf-2.0.json"), &document);
    let tree = &document["product_tree"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut known = BTreeSet::new();
    let mut define = |id: &Value| {
        let id = id.as_str().unwrap().to_owned();
        assert!(known.insert(id.clone()), "6.1.2: {id} is defined twice");
    };
    for product in list(&tree["full_product_names"]) {
        define(&product["product_id"]);
    }
    for relationship in list(&tree["relationships"]) {
        define(&relationship["full_product_name"]["product_id"]);
    }
    for relationship in list(&tree["relationships"]) {
        for end in ["product_reference", "relates_to_product_reference"] {
            assert!(known.contains(relationship[end].as_str().unwrap()), "6.1.1");
        }
    }
    let mut cves = BTreeSet::new();
    for v in list(&document["vulnerabilities"]) {
        assert!(v.get("cve").is_some() || v.get("ids").is_some(), "6.1.27.8");
        assert!(v.get("cve").is_none_or(|cve| cves.insert(cve.to_string())), "6.1.23");
        assert!(!list(&v["notes"]).is_empty(), "6.1.27.5");
        let texts = |value: &Value| -> Vec<String> {
            list(value).iter().map(|id| id.as_str().unwrap().to_owned()).collect()
        };
        let mut stated = BTreeSet::new();
        for (status, products) in v["product_status"].as_object().unwrap() {
            for product in texts(products) {
                assert!(known.contains(&product), "6.1.1: {product}");
                assert!(stated.insert(product.clone()), "6.1.6: {status} of {product}");
            }
        }
        let about = |list_of: &str, wanted: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
            let entries = list(&v[list_of]);
            entries.iter().filter(|e| wanted(e)).flat_map(|e| texts(&e["product_ids"])).collect()
        };
        let mut explained = about("flags", &|_| true);
        explained.extend(about("threats", &|t| t["category"] == "impact"));
        for product in texts(&v["product_status"]["known_not_affected"]) {
            assert!(explained.contains(&product), "6.1.27.9: {product}");
        }
        let remedied = about("remediations", &|_| true);
        for product in texts(&v["product_status"]["known_affected"]) {
            assert!(remedied.contains(&product), "6.1.27.10: {product}");
        }
    }
    let statuses = document["vulnerabilities"].to_string();
    for status in ["fixed", "known_affected", "known_not_affected", "under_investigation"] {
        assert!(statuses.contains(&format!("\"{status}\":[")), "nothing is {status}");
    }
}

/// The rules of the OpenVEX specification (0.2.0), "Document" to "Product Data Structure".
#[test]
fn openvex_keeps_to_its_specification() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    let document = exported(&core, "openvex", &[]);
    assert_eq!(document["@context"], "https://openvex.dev/ns/v0.2.0");
    let members: BTreeSet<&str> =
        document.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["@context", "@id", "author", "timestamp", "tooling", "version", "statements"];
    assert_eq!(members, BTreeSet::from(wanted));
    let statements = document["statements"].as_array().unwrap();
    let distinct: BTreeSet<String> = statements.iter().map(Value::to_string).collect();
    assert_eq!(distinct.len(), statements.len(), "a statement stands there twice");
    let mut statuses = BTreeSet::new();
    for statement in statements {
        let has = |name: &str| statement.get(name).is_some();
        assert!(!statement["vulnerability"]["name"].as_str().unwrap().is_empty());
        let status = statement["status"].as_str().unwrap();
        statuses.insert(status);
        let is_not_affected = status == "not_affected";
        assert_eq!(has("justification") != has("impact_statement"), is_not_affected);
        assert_eq!(has("action_statement"), status == "affected");
        for product in statement["products"].as_array().unwrap() {
            let iri = product["@id"].as_str().unwrap();
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~:%".contains(&b);
            assert!(iri.starts_with("urn:vulnzero:asset:") && iri.bytes().all(legal), "{iri}");
            for component in product["subcomponents"].as_array().unwrap() {
                let purl = component["identifiers"]["purl"].as_str().unwrap();
                assert!(crate::domain::purl::Purl::parse(purl).is_some(), "{purl}");
                assert!(purl.bytes().all(|b| b.is_ascii_graphic()), "{purl}");
            }
        }
    }
    assert_eq!(
        statuses,
        BTreeSet::from(["affected", "fixed", "not_affected", "under_investigation"])
    );
}

#[test]
fn documents_that_need_a_finding_are_refused_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let core = instance(directory.path());
    for format in exporters::ALL {
        let name = format.info().name;
        let outcome = try_export::<Finding>(&core, name, &[]);
        if matches!(name, "openvex" | "csaf-vex") {
            assert_eq!(outcome.unwrap_err().code(), Code::Conflict, "{name}");
        } else {
            assert!(outcome.is_ok(), "{name}");
        }
    }
}

/// The cells of a column of a table.
fn cells(table: &[u8], name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(table);
    let at = reader.headers().unwrap().iter().position(|header| header == name).unwrap();
    reader.records().map(|row| row.unwrap()[at].to_owned()).collect()
}

#[test]
fn tables_have_no_formulas_and_every_value() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    let table = export(&core, "csv", &[]);
    let text = String::from_utf8(table.clone()).unwrap();
    assert!(text.ends_with("\r\n") && !text.contains('\0'));
    let mut reader = csv::Reader::from_reader(&table[..]);
    for row in reader.records() {
        for cell in &row.unwrap() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
        }
    }
    let mut names: Vec<String> =
        all::<Finding>(&core).iter().map(|f| f.component.name.replace('\0', "")).collect();
    names.sort();
    let mut written = cells(&table, "component");
    for cell in &mut written {
        if cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t']) {
            cell.remove(0);
        }
    }
    written.sort();
    assert_eq!(written, names);
}

/// A table of every list has its records, and each line of JSON Lines is one.
fn lists_are_whole<R: Exported + Related>(core: &Core) {
    let records = all::<R>(core);
    assert!(!records.is_empty(), "{}", R::TABLE);
    let table = try_export::<R>(core, "csv", &[]).unwrap();
    assert_eq!(cells(&table, "id").len(), records.len(), "{}", R::TABLE);
    let lines = try_export::<R>(core, "jsonl", &[]).unwrap();
    let mut ids: Vec<u64> = Vec::new();
    for line in String::from_utf8(lines).unwrap().lines() {
        let record: R = serde_json::from_str(line).unwrap();
        ids.push(record.head().id);
    }
    ids.sort_unstable();
    assert_eq!(ids, records.iter().map(|r| r.head().id).collect::<Vec<_>>(), "{}", R::TABLE);
    let refused = try_export::<R>(core, "sarif", &[]);
    assert_eq!(refused.is_ok(), R::HAS_DOCUMENTS, "{}", R::TABLE);
}

#[test]
fn every_list_is_exported_whole() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    super::filled::import(&core, &super::filled::report("cyclonedx-json/dd-log4j.json"));
    lists_are_whole::<Finding>(&core);
    lists_are_whole::<Vulnerability>(&core);
    lists_are_whole::<Asset>(&core);
    lists_are_whole::<Decision>(&core);
    lists_are_whole::<Package>(&core);
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    for format in exporters::ALL {
        let name = format.info().name;
        assert!(export(&core, name, &[]) == export(&core, name, &[]), "{name}");
    }
}
