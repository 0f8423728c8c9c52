//! cargo-audit's own shapes and rules.

use serde_json::{Value, json};

use super::CargoAudit;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, assets, counts_agree, findings, import, skipped};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::severity::Severity;

fn read(report: &Value) -> Vec<Observation> {
    import(&CargoAudit, &serde_json::to_vec(report).unwrap()).unwrap()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&CargoAudit);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&CargoAudit, &[]);
}

fn entry(id: &str, aliases: &Value) -> Value {
    json!({
        "advisory": {"id": id, "aliases": aliases,
            "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
        "versions": {"patched": [">=1.2.3", "^0.9.1", ">=1.2.3, <2"], "unaffected": ["<0.1"]},
        "package": {"name": "x", "version": "1.0.0"}
    })
}

#[test]
fn warnings_are_information_unless_they_are_unsound() {
    let mut unsound = entry("RUSTSEC-2020-0001", &json!([]));
    unsound["advisory"]["cvss"] = json!(null);
    let mut old = unsound.clone();
    old["kind"] = json!("unsound");
    for warnings in [
        json!({"unsound": [unsound], "unmaintained": [{}, {}], "yanked": [{"advisory": null}]}),
        json!([old, {"kind": "unmaintained"}, {"kind": "notice"}, {"kind": {"x": 1}}]),
    ] {
        let found = read(&json!({"vulnerabilities": {"list": []}, "warnings": warnings}));
        assert_eq!(skipped(&found, SkipReason::Informational), 3, "{warnings}");
        let found = findings(&found);
        assert_eq!((found.len(), found[0].severity), (1, Severity::Info));
        assert_eq!(found[0].status.as_deref(), Some("unsound"));
    }
}

#[test]
fn entries_are_findings() {
    let list = json!([
        entry("RUSTSEC-2020-0001", &json!(["CVE-2020-1111", "GHSA-x"])),
        entry("RUSTSEC-2020-0002", &json!(["CVE-2020-2222", "CVE-2020-3333"])),
        {"advisory": {"id": "RUSTSEC-1"}},
        {"package": {"name": "x"}}
    ]);
    let found = read(&json!({"vulnerabilities": {"found": true, "list": list}}));
    assert_eq!(skipped(&found, SkipReason::Unidentified), 2);
    let found = findings(&found);
    let ids: Vec<_> = found.iter().map(|f| f.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2020-1111", "CVE-2020-2222", "CVE-2020-3333"]);
    assert_eq!(found[0].fixed_version.as_deref(), Some("1.2.3, 0.9.1"));
    assert_eq!(
        (found[0].severity, found[0].vulnerability.cvss[0].score),
        (Severity::Critical, Some(9.8))
    );
    assert_eq!(found[0].vulnerability.aliases, ["RUSTSEC-2020-0001", "GHSA-X"]);
    assert_eq!(found[1].check.as_deref(), Some("RUSTSEC-2020-0002"));
}

#[test]
fn the_order_of_keys_does_not_matter_for_recognising() {
    for yes in [
        r#"{"vulnerabilities":{"list":[{"advisory":{"id":"#,
        r#"{"warnings":{},"vulnerabilities":{"count":1,"list":[{"package":"#,
        r#"{"lockfile":{"dependency-count":7},"x":1"#,
    ] {
        assert!(CargoAudit.recognises(yes.as_bytes()), "{yes}");
    }
    assert!(!CargoAudit.recognises(br#"{"vulnerabilities":{"list":[{"id":1"#));
}

#[test]
fn filtered_audits_close_nothing() {
    for (settings, complete) in [
        (json!(null), true),
        (json!({"severity": null, "ignore": ["RUSTSEC-1"], "target_arch": []}), true),
        (json!({"severity": "high"}), false),
        (json!({"target_os": "linux"}), false),
        (json!({"target_arch": ["x86_64"]}), false),
    ] {
        let report = json!({"settings": settings, "vulnerabilities": {"list": []}});
        assert_eq!(!assets(&read(&report))[0].complete.is_empty(), complete, "{settings}");
    }
    let refuse = |report: &str| import(&CargoAudit, report.as_bytes()).unwrap_err().to_string();
    assert!(refuse("{}").contains("missing field `vulnerabilities`"));
    assert!(refuse(r#"{"vulnerabilities":{}}"#).contains("missing field `list`"));
    let error = refuse(r#"{"vulnerabilities":{"list":[{},"x"]}}"#);
    assert!(error.ends_with("in vulnerabilities.list[1]"), "{error}");
}
