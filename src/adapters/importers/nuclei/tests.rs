//! What Nuclei's files become.

use serde_json::{Value, json};

use super::Nuclei;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{
    assets, counts_agree, findings, import, skipped, snapshots,
};
use crate::base::limits;
use crate::domain::asset::AssetType;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;

#[test]
fn real_reports_become_what_they_say() {
    snapshots(&Nuclei);
}

#[test]
fn counts_agree_with_another_program() {
    counts_agree(&Nuclei, &[]);
}

fn result() -> Value {
    json!({
        "template-id": "tomcat-login", "type": "http", "host": "https://a.example.org:8443",
        "matched-at": "https://a.example.org:8443/manager", "ip": "10.0.0.1",
        "info": {
            "name": "Tomcat login", "severity": "high", "tags": ["tomcat", "kev"],
            "reference": "- https://a/b\n- https://a/c",
            "classification": {"cpe": "cpe:2.3:a:apache:tomcat:9.0:*:*:*:*:*:*:*", "epss-score": 0.5}
        }
    })
}

fn read(results: &[Value]) -> Vec<Observation> {
    let lines: Vec<_> = results.iter().map(Value::to_string).collect();
    import(&Nuclei, lines.join("\n").as_bytes()).unwrap()
}

#[test]
fn a_result_is_a_finding_where_it_matched() {
    let observations = read(&[result()]);
    let asset = assets(&observations)[0];
    assert_eq!(asset.asset_type, AssetType::Application);
    assert_eq!(asset.hostname.as_deref(), Some("a.example.org"));
    assert_eq!(asset.ip_address.as_deref(), Some("10.0.0.1"));
    let finding = findings(&observations)[0];
    assert_eq!(finding.vulnerability.id, "NUCLEI-TOMCAT-LOGIN");
    assert_eq!(finding.place.url.as_deref(), Some("https://a.example.org:8443/manager"));
    assert_eq!((finding.component.name.as_str(), &finding.component.version), ("tomcat", &None));
    assert_eq!((finding.scan, finding.vulnerability.kev), (ScanKind::Web, true));
    assert_eq!(finding.vulnerability.references, ["https://a/b", "https://a/c"]);
    let array = json!([result(), result()]).to_string();
    assert_eq!(findings(&import(&Nuclei, array.as_bytes()).unwrap()).len(), 2);
}

#[test]
fn ports_are_places_too() {
    let mut ssh = result();
    (ssh["type"], ssh["host"]) = (json!("tcp"), json!("a.example.org:22"));
    ssh["matched-at"] = json!("a.example.org:22");
    ssh["matcher-name"] = json!("old");
    let observations = read(&[ssh]);
    assert_eq!(assets(&observations)[0].hostname.as_deref(), Some("a.example.org"));
    let finding = findings(&observations)[0];
    assert_eq!((finding.place.port, finding.scan), (Some(22), ScanKind::Network));
    assert_eq!(finding.place.fingerprint.as_deref(), Some("old"));
}

#[test]
fn cves_are_in_the_classification_or_the_template() {
    let mut by_template = result();
    by_template["template-id"] = json!("CVE-2021-44228");
    by_template["info"]["severity"] = json!("info");
    let mut by_class = result();
    by_class["info"]["classification"]["cve-id"] = json!(["cve-2020-0001", "cve-2020-0002"]);
    let observations = read(&[by_template, by_class]);
    let ids: Vec<_> =
        findings(&observations).into_iter().map(|f| f.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2021-44228", "CVE-2020-0001", "CVE-2020-0002"]);
}

#[test]
fn results_that_are_none_are_counted() {
    let with = |key: &str, value: Value| {
        let mut result = result();
        result[key] = value;
        result
    };
    let mut nowhere = with("host", Value::Null);
    nowhere["matched-at"] = Value::Null;
    let observations = read(&[
        with("matcher-status", json!(false)),
        with("info", json!({"severity": "info"})),
        with("template-id", json!(" ")),
        nowhere,
    ]);
    assert!(findings(&observations).is_empty());
    assert_eq!(skipped(&observations, SkipReason::Passed), 1);
    assert_eq!(skipped(&observations, SkipReason::Informational), 1);
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 2);
    assert!(assets(&read(&[])).is_empty(), "an empty file: nothing was found");
}

#[test]
fn attacks_in_addresses_are_not_cut_but_left_out() {
    let mut long = result();
    let query = "x".repeat(limits::NAME_BYTES);
    long["matched-at"] = json!(format!("https://a/b?{query}"));
    let observations = read(&[long.clone()]);
    assert_eq!(findings(&observations)[0].place.url.as_deref(), Some("https://a/b"));
    long["matched-at"] = json!(format!("https://a/{query}"));
    assert_eq!(skipped(&read(&[long]), SkipReason::Unidentified), 1);
}

#[test]
fn errors_name_their_place() {
    let text = format!("{}\n{{\"template-id\":", result());
    assert!(Nuclei.recognises(text.as_bytes()));
    let error = import(&Nuclei, text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("document[1]"), "{error}");
    let error = import(&Nuclei, b"{}\n\"x\"\n").unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
}
