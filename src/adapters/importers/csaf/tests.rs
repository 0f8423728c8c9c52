//! CSAF's own shapes and rules.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Csaf;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{
    self, all_reports, counts_agree, import, skipped, statements,
};
use crate::base::{Code, Error, limits};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::vex::{Justification, Product, Statement, VexStatus};

fn document(tree: Value, vulnerabilities: Value) -> Value {
    json!({
        // Red Hat puts what is inside before the names.
        "vulnerabilities": vulnerabilities, "product_tree": tree,
        "document": {"csaf_version": "2.0", "publisher": {"name": "P", "namespace": "https://www.vendor.co.uk/x"},
            "tracking": {"id": "A-1", "current_release_date": "2024-01-02T00:00:00Z"}},
    })
}

fn read(document: &Value) -> Vec<Observation> {
    import(&Csaf, &serde_json::to_vec(document).unwrap()).unwrap()
}

fn refuse(document: &Value) -> Error {
    import(&Csaf, &serde_json::to_vec(document).unwrap()).unwrap_err()
}

fn named(id: &str) -> Value {
    json!({"product_id": id, "name": format!("{id} in full")})
}

fn tree() -> Value {
    json!({
        "branches": [{"branches": [{"branches": [
            {"product": named("app-1"), "name": "1.0", "category": "product_version"},
            {"product": named("app-2"), "name": "<2", "category": "product_version_range"}],
            "name": "App", "category": "product_name"}], "name": "V", "category": "vendor"}],
        "full_product_names": [
            {"product_id": "pkg", "name": "pkg-1", "product_identification_helper":
                {"purl": "pkg:rpm/v/pkg@1?arch=src", "cpe": "cpe:/a:v:pkg:1"}},
            named("module"), named("platform")],
        "relationships": [
            {"category": "default_component_of", "full_product_name": named("module-on-platform"),
                "product_reference": "module", "relates_to_product_reference": "platform"},
            {"category": "default_component_of", "full_product_name": named("pkg-in-module"),
                "product_reference": "pkg", "relates_to_product_reference": "module-on-platform"}],
        "product_groups": [{"group_id": "g", "product_ids": ["app-1", "app-2"]}],
    })
}

fn name(product: &Product) -> String {
    let version = product.version.as_deref().unwrap_or("-");
    format!("{} {version}", product.name.as_deref().unwrap_or("-"))
}

fn said(statement: &Statement) -> String {
    let subjects = statement.subjects.iter().map(|s| {
        let inner: Vec<_> = s.components.iter().map(name).collect();
        format!("{} [{}]", name(&s.product), inner.join(", "))
    });
    format!("{} {}", statement.status, subjects.collect::<Vec<_>>().join("; "))
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&Csaf);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&Csaf, &[]);
}

#[test]
fn products_are_what_the_tree_says() {
    let v = json!([{"cve": "CVE-2024-1111", "product_status": {
        "known_affected": ["app-1", "app-2"], "fixed": ["pkg-in-module", "module-on-platform"],
        "under_investigation": ["pkg"], "recommended": ["platform"]}}]);
    let observations = read(&document(tree(), v));
    let found = statements(&observations);
    let texts: Vec<_> = found.iter().map(|s| said(s)).collect();
    assert_eq!(
        texts,
        [
            "affected App 1.0 []; App <2 []",
            "fixed platform in full - [pkg-1 1, module in full -]",
            "under_investigation pkg-1 1 []",
        ]
    );
    let package = &found[2].subjects[0].product;
    assert_eq!(package.purl.as_deref(), Some("pkg:rpm/v/pkg@1?arch=src"));
    assert_eq!(package.cpe.as_deref(), Some("cpe:/a:v:pkg:1"));
    let Observation::Report(info) = &observations[0] else { panic!() };
    assert_eq!((info.scanner.as_str(), info.document_id.as_deref()), ("csaf", Some("A-1")));
}

#[test]
fn what_is_said_of_a_product_is_its_own() {
    let v = json!([{
        "cve": "CVE-2024-1111",
        "product_status": {"known_not_affected": ["app-1", "app-2", "pkg"], "known_affected": ["platform", "module"]},
        "flags": [{"label": "component_not_present", "group_ids": ["g"]}, {"label": "odd", "product_ids": ["pkg"]}],
        "threats": [{"category": "impact", "details": "Moderate"},
            {"category": "impact", "details": "not compiled in", "product_ids": ["pkg"]},
            {"category": "exploit_status", "details": "https://www.cisa.gov/known-exploited-vulnerabilities-catalog"}],
        "remediations": [{"category": "vendor_fix", "details": "update", "url": "https://v/1", "product_ids": ["platform"]},
            {"category": "none_available", "details": "wait", "product_ids": ["module"]}],
    }]);
    let observations = read(&document(tree(), v));
    let found: Vec<_> = statements(&observations)
        .iter()
        .map(|s| format!("{} {:?} {:?} {:?}", said(s), s.justification, s.impact, s.action))
        .collect();
    assert_eq!(
        found,
        [
            "affected platform in full - [] None None Some(\"update https://v/1\")",
            "affected module in full - [] None None Some(\"wait\")",
            "not_affected App 1.0 []; App <2 [] Some(ComponentNotPresent) None None",
            "not_affected pkg-1 1 [] None Some(\"not compiled in\") None",
        ]
    );
    let v = &statements(&observations)[0].vulnerability;
    assert!(v.kev && v.exploit);
    assert_eq!(v.references, ["https://v/1"]);
    assert_eq!(
        statements(&observations)[2].justification,
        Some(Justification::ComponentNotPresent)
    );
}

#[test]
fn ids_are_of_vulnerabilities() {
    let status = json!({"fixed": ["app-1"]});
    let observations = read(&document(
        tree(),
        json!([
            {"cve": "CVE-2024-1111", "ids": [{"system_name": "Bugzilla", "text": "2253291"}, {"text": "GHSA-aaaa-bbbb-cccc"}, {"text": "x-1"}], "product_status": status},
            {"ids": [{"text": "123"}, {"text": "VENDOR-7"}], "product_status": status},
            {"ids": [{"text": "123"}], "product_status": status},
            {"cve": "CVE-2024-2222", "cwes": [{"id": "CWE-79"}], "notes": [{"category": "summary", "text": "s"}],
                "scores": [{"cvss_v3": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "baseScore": 7.5}},
                    {"cvss_v3": {"version": "3.1", "baseScore": 9.1}, "cvss_v2": {"baseScore": 5}}]},
        ]),
    ));
    let found = statements(&observations);
    let ids: Vec<_> = found.iter().map(|s| s.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-1111", "VENDOR-7"]);
    assert_eq!(found[0].vulnerability.aliases, ["GHSA-AAAA-BBBB-CCCC"]);
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 1);
    let Some(Observation::Advisory(v)) = observations.last() else { panic!() };
    assert_eq!((v.id.as_str(), v.description.as_deref()), ("CVE-2024-2222", Some("s")));
    let scores: Vec<_> =
        v.cvss.iter().map(|c| format!("{} {} {:?}", c.source, c.version, c.score)).collect();
    assert_eq!(scores, ["vendor 3.1 Some(9.1)", "vendor 2.0 Some(5.0)"]);
}

/// Every product in every list of every real document is in a statement of its status.
#[test]
fn no_product_is_lost() {
    for path in all_reports("csaf") {
        let bytes = std::fs::read(&path).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let mut expected = 0;
        for v in document["vulnerabilities"].as_array().into_iter().flatten() {
            for list in ["fixed", "known_affected", "known_not_affected", "under_investigation"] {
                expected += v["product_status"][list].as_array().map_or(0, Vec::len);
            }
        }
        let observations = import(&Csaf, &bytes).unwrap();
        let subjects = statements(&observations).into_iter().flat_map(|s| &s.subjects);
        let found: usize = subjects.map(|s| s.components.len().max(1)).sum();
        assert_eq!(found, expected, "{}", path.display());
        assert_eq!(skipped(&observations, SkipReason::Unidentified), 0, "{}", path.display());
    }
}

#[test]
fn very_many_products_come_in_parts() {
    let ids: Vec<_> = (0..2500).map(|n| format!("p{n}")).collect();
    let names: Vec<_> = ids.iter().map(|id| named(id)).collect();
    let mut affected = ids.clone();
    affected.push("gone".into());
    let v = json!([{"cve": "CVE-2024-1111", "product_status": {"known_affected": affected}}]);
    let observations = read(&document(json!({"full_product_names": names}), v));
    let found = statements(&observations);
    assert!(found.iter().all(|s| s.status == VexStatus::Affected));
    let sizes: Vec<_> = found.iter().map(|s| s.subjects.len()).collect();
    assert!(sizes.iter().all(|n| *n <= limits::STATEMENT_PRODUCTS), "{sizes:?}");
    let all = found.iter().flat_map(|s| &s.subjects).map(|s| name(&s.product));
    assert_eq!(all.collect::<BTreeSet<_>>().len(), 2500);
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 1);
}

#[test]
fn circles_of_relationships_end() {
    let relation = |id: &str, to: &str| json!({"full_product_name": named(id), "product_reference": to, "relates_to_product_reference": to});
    let circle = json!({"relationships": [relation("a", "b"), relation("b", "a")]});
    let v = json!([{"cve": "CVE-2024-1111", "product_status": {"fixed": ["a"]}}]);
    assert_eq!(skipped(&read(&document(circle, v)), SkipReason::Unidentified), 1);
}

#[test]
fn errors_name_their_place() {
    assert!(refuse(&json!({"a": 1})).to_string().contains("no CSAF document"));
    let error = refuse(&document(json!({"branches": [{"branches": 3}]}), json!([]))).to_string();
    assert!(error.ends_with("in product_tree.branches[0].branches"), "{error}");
    let v = json!([{"cve": "CVE-2024-1111", "product_status": {"fixed": "all"}}]);
    let error = refuse(&document(tree(), v)).to_string();
    assert!(error.ends_with("in vulnerabilities[0].product_status.fixed"), "{error}");
    let product = r#"{"product_id":"x","name":"y"},"#.repeat(400_000);
    let text = format!(
        r#"{{"document":{{}},"product_tree":{{"full_product_names":[{}]}}}}"#,
        product.trim_end_matches(',')
    );
    let error = import(&Csaf, text.as_bytes()).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge, "{error}");
}

#[test]
fn documents_are_recognised_however_they_begin() {
    for yes in [
        r#"{"document":{"csaf_version":"2.0""#,
        r#"{"document":{"publisher":{"name":"x"},"tracking":{"#,
        r#"{"product_tree":{"branches":["#,
        r#"{"vulnerabilities":[{"product_status":{"#,
    ] {
        assert!(Csaf.recognises(yes.as_bytes()), "{yes}");
    }
    assert!(!Csaf.recognises(br#"{"vulnerabilities":[{"cve":"x""#));
}
