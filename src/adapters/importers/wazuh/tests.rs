//! What Wazuh's files become.

use serde_json::{Value, json};

use super::{Shape, Wazuh, shape};
use crate::adapters::importers::testing::{
    assets, counts_agree, findings, import, skipped, snapshots,
};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

#[test]
fn real_reports_become_what_they_say() {
    snapshots(&Wazuh);
}

#[test]
fn counts_agree_with_another_program() {
    counts_agree(&Wazuh, &[]);
}

fn read(text: &str) -> Vec<Observation> {
    import(&Wazuh, text.as_bytes()).unwrap()
}

fn state() -> Value {
    json!({
        "agent": {"id": "001", "name": "web1"},
        "host": {"os": {"full": "Ubuntu 24.04.2 LTS", "platform": "ubuntu", "version": "24.04.2"}},
        "package": {"name": "openssl", "version": "3.0", "type": "deb", "architecture": "amd64"},
        "vulnerability": {
            "id": "CVE-2024-0001", "severity": "-", "score": {"base": 9.1, "version": "3.1"},
            "scanner": {"condition": "Package less than 3.1"}
        }
    })
}

#[test]
fn states_are_read_in_every_wrapping() {
    let state = state();
    let version_5 = json!({
        "wazuh": {"agent": {"id": "001", "name": "web1", "host": {"architecture": "aarch64"}}},
        "package": state["package"], "vulnerability": state["vulnerability"]
    });
    for (text, expected) in [
        (state.to_string(), Shape::Documents),
        (format!("{state}\n{state}\n"), Shape::Documents),
        (json!([state]).to_string(), Shape::Documents),
        (version_5.to_string(), Shape::Documents),
        (json!({"_index": "i", "_source": state}).to_string(), Shape::Documents),
        (json!({"took": 1, "hits": {"hits": [{"_source": state}]}}).to_string(), Shape::Hits),
    ] {
        assert_eq!(shape(text.as_bytes()), Some(expected), "{text}");
        let observations = read(&text);
        assert_eq!(assets(&observations).len(), 1, "{text}");
        let asset = assets(&observations)[0];
        assert_eq!((asset.asset_id.as_str(), asset.complete.len()), ("web1", 0));
        assert_eq!(asset.identifiers[0].value, "wazuh:001");
        let finding = findings(&observations)[0];
        assert_eq!(finding.vulnerability.id, "CVE-2024-0001");
        assert_eq!((finding.severity, finding.scan), (Severity::Critical, ScanKind::OsPackages));
        assert_eq!(finding.fixed_version.as_deref(), Some("3.1"));
        assert_eq!(finding.component.key(), "deb openssl\u{1f}3.0\u{1f}");
    }
}

#[test]
fn alerts_are_events_of_which_some_are_vulnerabilities() {
    let alert = |vulnerability: Value| {
        json!({"timestamp": "t", "rule": {"level": 7}, "agent": {"id": "003", "name": "db1", "ip": "10.0.0.3"},
               "data": {"vulnerability": vulnerability}})
    };
    let active = json!({
        "cve": "CVE-2021-0001", "severity": "High", "status": "Active",
        "cvss": {"cvss3": {"base_score": "7.5", "vector": {"attack_vector": "network"}}},
        "package": {"name": "bash", "version": "5.0", "condition": "Package unfixed"},
        "cwe_reference": "CWE-79", "references": ["https://a/b"]
    });
    let mut solved = active.clone();
    solved["status"] = json!("Solved");
    let other =
        json!({"rule": {"level": 3}, "agent": {"name": "db1"}, "data": {"srcip": "1.2.3.4"}});
    let text = format!("{}\n{}\n{other}\n", alert(active), alert(solved));
    let observations = read(&text);
    let finding = findings(&observations)[0];
    assert_eq!(
        (finding.vulnerability.cvss[0].score, finding.severity),
        (Some(7.5), Severity::High)
    );
    assert_eq!(finding.vulnerability.cwe_ids, ["CWE-79"]);
    assert_eq!(skipped(&observations, SkipReason::Resolved), 1);
    assert_eq!(skipped(&observations, SkipReason::Informational), 1);
    assert_eq!(assets(&observations)[0].ip_address.as_deref(), Some("10.0.0.3"));
}

#[test]
fn entries_that_say_too_little_are_counted() {
    let mut nameless = state();
    nameless["package"]["name"] = Value::Null;
    let mut strange = state();
    strange["vulnerability"]["id"] = json!("<script>");
    let text = format!("{}\n{nameless}\n{strange}\n{{}}\n", state());
    let observations = read(&text);
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 2);
    assert_eq!(skipped(&observations, SkipReason::Empty), 1);
    let obsolete = json!({"data": {"affected_items": [{"cve": "CVE-2021-0001", "name": "x",
        "condition": "c", "status": "OBSOLETE"}]}});
    assert_eq!(skipped(&read(&obsolete.to_string()), SkipReason::Resolved), 1);
}

#[test]
fn an_answer_that_holds_less_than_it_says_is_noted() {
    for total in [json!(125), json!({"value": 125, "relation": "eq"})] {
        let answer = json!({"hits": {"total": total, "hits": [{"_source": state()}]}});
        let observations = read(&answer.to_string());
        let Some(Observation::Skipped(skip)) = observations.last() else { panic!("no skip") };
        assert_eq!(skip.place, "hits.hits, which holds 1 of 125");
    }
    let whole = json!({"hits": {"total": 1, "hits": [{"_source": state()}]}});
    assert_eq!(skipped(&read(&whole.to_string()), SkipReason::Empty), 0);
}

#[test]
fn agents_that_a_program_has_added_are_assets() {
    let item = |agent: &str| {
        json!({"cve": "CVE-2021-0001", "name": "curl", "version": "1", "condition": "Package less than 2",
            "agent_name": agent, "agent_ip": "10.0.0.1"})
    };
    let report = json!({"data": {"affected_items": [item("a"), item("a"), item("b")]}});
    let observations = read(&report.to_string());
    let names: Vec<_> = assets(&observations).iter().map(|a| a.asset_id.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(assets(&observations)[0].ip_address.as_deref(), Some("10.0.0.1"));
    assert_eq!(findings(&observations)[0].fixed_version.as_deref(), Some("2"));
}

#[test]
fn packages_of_languages_are_libraries() {
    let mut state = state();
    state["package"]["type"] = json!("pypi");
    assert_eq!(findings(&read(&state.to_string()))[0].scan, ScanKind::Libraries);
    state["package"]["type"] = json!("win");
    assert_eq!(findings(&read(&state.to_string()))[0].scan, ScanKind::OsPackages);
}

#[test]
fn other_documents_are_no_reports() {
    for other in [
        json!({"data": {"affected_items": [{"id": "001", "name": "x"}], "total_affected_items": 1,
            "total_failed_items": 0}}),
        json!({"hits": {"hits": []}}),
        json!({"agent": 1}),
        json!([]),
    ] {
        assert_eq!(shape(other.to_string().as_bytes()), None, "{other}");
    }
    let error = import(&Wazuh, b"{\"a\":1}").unwrap_err().to_string();
    assert!(error.contains("this is no Wazuh report"), "{error}");
    let wrong = r#"{"data":{"affected_items":[{"cve":"CVE-2021-0001","condition":"x"},7]}}"#;
    let error = import(&Wazuh, wrong.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("affected_items[1]"), "{error}");
}
