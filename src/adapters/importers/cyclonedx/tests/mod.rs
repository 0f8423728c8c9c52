//! CycloneDX's own shapes and rules.

mod rules;
mod xml;

use serde_json::Value;

use super::{CyclonedxJson, CyclonedxXml};
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, counts_agree, import};
use crate::base::Error;
use crate::domain::observation::Observation;

fn read(document: &Value) -> Vec<Observation> {
    import(&CyclonedxJson, &serde_json::to_vec(document).unwrap()).unwrap()
}

fn refuse(document: &Value) -> Error {
    import(&CyclonedxJson, &serde_json::to_vec(document).unwrap()).unwrap_err()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&CyclonedxJson);
    testing::snapshots(&CyclonedxXml);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&CyclonedxJson, &[]);
    counts_agree(&CyclonedxXml, &[]);
}

#[test]
fn both_syntaxes_say_the_same() {
    let fixtures = testing::fixtures("cyclonedx-json");
    // The other pairs differ in what they say: a vector that is broken in one of them, times.
    let json = fixtures.iter().find(|f| f.ends_with("spec-valid-vulnerability-1.6.json")).unwrap();
    let xml = json.to_str().unwrap().replace("json", "xml");
    let read = |importer: &dyn Importer, path: &str| {
        let observations = import(importer, &std::fs::read(path).unwrap()).unwrap();
        testing::describe(&observations)
    };
    assert_eq!(read(&CyclonedxJson, json.to_str().unwrap()), read(&CyclonedxXml, &xml));
}

#[test]
fn documents_are_recognised_however_they_begin() {
    for yes in [
        r#"{"bomFormat":"CycloneDX""#,
        r#"{"components":[{"name":"x","bom-ref":"y"#,
        r#"{"vulnerabilities":[{"id":"x","affects":["#,
        r#"{"specVersion":"1.5","components":["#,
    ] {
        assert!(CyclonedxJson.recognises(yes.as_bytes()), "{yes}");
    }
    for yes in [
        "<?xml version='1.0'?><bom xmlns='http://cyclonedx.org/schema/bom/1.6' version='1'>",
        "x <b:bom xmlns:b=\"http://cyclonedx.org/schema/bom/1.4\">",
    ] {
        assert!(CyclonedxXml.recognises(yes.as_bytes()), "{yes}");
    }
    assert!(!CyclonedxXml.recognises(b"<bom><parts/></bom>"));
}
