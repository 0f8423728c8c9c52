//! OpenVEX's own shapes and rules.

use serde_json::{Value, json};

use super::OpenVex;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, counts_agree, import, skipped, statements};
use crate::base::Error;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::vex::{Justification, VexStatus};

fn document(statements: Value) -> Value {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "d", "author": "a",
        "timestamp": "2024-01-02T03:04:05Z", "statements": statements})
}

fn read(statements: Value) -> Vec<Observation> {
    import(&OpenVex, &serde_json::to_vec(&document(statements)).unwrap()).unwrap()
}

fn refuse(document: &Value) -> Error {
    import(&OpenVex, &serde_json::to_vec(document).unwrap()).unwrap_err()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&OpenVex);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&OpenVex, &[]);
}

#[test]
fn old_and_new_shapes_say_the_same() {
    let old = json!({
        "vulnerability": "CVE-2024-1111", "vuln_description": "d", "status": "not_affected",
        "products": ["pkg:oci/a@sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"],
        "subcomponents": ["pkg:apk/alpine/b@1"], "impact_statement": "i",
        "justification": "component_not_present", "action_statement": "x",
    });
    let new = json!({
        "vulnerability": {"name": "CVE-2024-1111", "description": "d"}, "status": "not_affected",
        "products": [{
            "@id": "pkg:oci/a@sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126",
            "hashes": {"sha-256": "124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"},
            "subcomponents": [{"@id": "pkg:apk/alpine/b@1", "identifiers": {"purl": "pkg:apk/alpine/b@1"}}]
        }],
        "status_notes": "i", "justification": "component_not_present", "action_statement": ["x"],
    });
    let read = read(json!([old, new]));
    let read = statements(&read);
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0].justification, Some(Justification::ComponentNotPresent));
    let subject = &read[0].subjects[0];
    assert_eq!((subject.product.digests.len(), subject.components.len()), (1, 1));
    assert_eq!(subject.components[0].version.as_deref(), Some("1"));
}

#[test]
fn ids_follow_the_rules_of_all_formats() {
    let read = read(json!([
        {"vulnerability": {"name": "GO-2024-1", "aliases": ["GHSA-1", "CVE-2024-1111"]}, "status": "fixed"},
        {"vulnerability": {"@id": "https://nvd.nist.gov/vuln/detail/CVE-2024-2222/"}, "status": "affected"},
        {"vulnerability": {"aliases": ["CVE-2024-3333", "CVE-2024-4444"]}, "status": "affected"},
    ]));
    let read = statements(&read);
    let ids: Vec<_> = read.iter().map(|s| s.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-1111", "CVE-2024-2222", "CVE-2024-3333", "CVE-2024-4444"]);
    assert_eq!(read[0].vulnerability.aliases, ["GO-2024-1", "GHSA-1"]);
    assert_eq!(read[0].status, VexStatus::Fixed);
    assert!(read[0].subjects.is_empty());
}

#[test]
fn what_says_nothing_is_counted() {
    let read = read(json!([
        {"vulnerability": "CVE-2024-1111", "status": "perhaps", "products": ["a"]},
        {"vulnerability": "CVE-2024-1111"},
        {"vulnerability": {"name": "<b>"}, "status": "fixed", "products": ["a"]},
        {"status": "fixed"},
        {"vulnerability": "CVE-2024-1111", "status": "not_affected", "justification": "none",
            "products": ["", {"@id": ""}, {"hashes": {"md5": "x"}}]},
    ]));
    assert_eq!(skipped(&read, SkipReason::Empty), 2);
    assert_eq!(skipped(&read, SkipReason::Unidentified), 2);
    let read = statements(&read);
    assert_eq!((read.len(), read[0].justification), (1, None));
    assert!(read[0].subjects.is_empty(), "a product without a name is none");
}

#[test]
fn errors_name_their_place() {
    let error = refuse(&json!({"x": 1})).to_string();
    assert!(error.contains("no OpenVEX document"), "{error}");
    let error = refuse(&document(json!([{"products": [7]}]))).to_string();
    assert!(error.ends_with("in statements[0].products[0]"), "{error}");
    let error = refuse(&document(json!([3]))).to_string();
    assert!(error.contains("statements[0]"), "{error}");
}

#[test]
fn it_is_recognised_however_its_keys_stand() {
    for yes in [
        r#"{"statements":[{"status":"fixed","vulnerability":"CVE-1"#,
        r#"{"@id":"x","@context":"https://openvex.dev/ns""#,
    ] {
        assert!(OpenVex.recognises(yes.as_bytes()), "{yes}");
    }
    for no in [r#"{"a":"openvex.dev/ns""#, r#"[{"@context":"openvex.dev/ns""#] {
        assert!(!OpenVex.recognises(no.as_bytes()), "{no}");
    }
}
