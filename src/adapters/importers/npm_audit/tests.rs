//! The shapes of the package managers and their rules.

use serde_json::{Value, json};

use super::NpmAudit;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, counts_agree, findings, import, skipped};
use crate::base::{Code, Error};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::severity::Severity;

fn read(report: &Value) -> Vec<Observation> {
    import(&NpmAudit, &serde_json::to_vec(report).unwrap()).unwrap()
}

fn refuse(report: &str) -> Error {
    import(&NpmAudit, report.as_bytes()).unwrap_err()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&NpmAudit);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&NpmAudit, &[]);
}

#[test]
fn each_place_of_a_package_is_a_finding() {
    let found = read(&json!({"auditReportVersion": 2, "vulnerabilities": {
        "a": {"via": ["b"], "nodes": ["node_modules/a"]},
        "b": {"name": "b", "nodes": ["node_modules/b", "node_modules/c/node_modules/b"],
            "fixAvailable": {"name": "a", "version": "2.0.0", "isSemVerMajor": true},
            "via": [{"source": 1_100_001, "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
                "severity": "moderate", "range": "<1.2.3 || >=2.0.0 <2.1.0", "cwe": ["CWE-79"],
                "cvss": {"score": 5.3, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}}]}
    }}));
    let found = findings(&found);
    let paths: Vec<_> = found.iter().map(|f| f.component.path.as_deref().unwrap()).collect();
    assert_eq!(paths, ["node_modules/b", "node_modules/c/node_modules/b"]);
    let first = found[0];
    assert_eq!(first.vulnerability.id, "GHSA-AAAA-BBBB-CCCC");
    assert!(first.vulnerability.aliases.is_empty(), "GitHub's numbers are not stable");
    assert_eq!(first.fixed_version.as_deref(), Some("1.2.3, 2.1.0"));
    assert_eq!((first.severity, first.vulnerability.cvss[0].score), (Severity::Medium, Some(5.3)));
    let evidence = first.evidence.as_deref().unwrap();
    assert_eq!(
        evidence,
        "vulnerable: <1.2.3 || >=2.0.0 <2.1.0\nnpm can update a to 2.0.0, a breaking change"
    );
}

#[test]
fn advisories_are_known_by_cve_ghsa_or_number() {
    let advisory = |id: u64, cves: Value, url: &str| {
        json!({"id": id, "module_name": "m", "cves": cves, "url": url,
            "references": "- [x](https://a/b)\n<http://c>", "patched_versions": "<0.0.0"})
    };
    let found = read(&json!({"advisories": {
        "1": advisory(1, json!(["CVE-2020-1111"]), "https://npmjs.com/advisories/1"),
        "2": advisory(2, json!([]), "https://npmjs.com/advisories/2"),
        "3": advisory(1_100_001, json!([]), "https://github.com/advisories/GHSA-x"),
        "4": advisory(4, json!(["CVE-2020-2222", "CVE-2020-3333"]), ""),
        "5": {"id": 5}
    }}));
    assert_eq!(skipped(&found, SkipReason::Unidentified), 1);
    let found = findings(&found);
    let ids: Vec<_> = found.iter().map(|f| f.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2020-1111", "NPM-2", "GHSA-X", "CVE-2020-2222", "CVE-2020-3333"]);
    assert_eq!(found[0].vulnerability.aliases, ["NPM-1"]);
    let references = &found[0].vulnerability.references;
    assert_eq!(references[..], ["https://npmjs.com/advisories/1", "https://a/b", "http://c"]);
    assert_eq!(
        (found[0].fixed_version.as_deref(), found[0].component.version.as_deref()),
        (None, None)
    );
}

#[test]
fn lines_of_yarn_are_read() {
    let advisory = r#"{"type":"auditAdvisory","data":{"advisory":{"module_name":"m","id":7,"findings":[{"version":"1","paths":["a>m"]}]}}}"#;
    let summary = r#"{"type":"auditSummary","data":{"vulnerabilities":{}}}"#;
    let whole = format!("{advisory}\n{{\"type\":\"info\",\"data\":\"x\"}}\n{summary}\n");
    let found = import(&NpmAudit, whole.as_bytes()).unwrap();
    assert_eq!(findings(&found)[0].evidence.as_deref(), Some("a>m"));
    let error = refuse(&format!("{advisory}\n")).to_string();
    assert!(error.contains("no line with the auditSummary"), "{error}");
    let error = refuse(&format!("{advisory}\n{{\"type\":\"error\",\"data\":\"no network\"}}\n"))
        .to_string();
    assert!(error.ends_with("looked at nothing: no network"), "{error}");
    let yarn4 = r#"{"value":"m","children":{"ID":1100001,"Issue":"Bad","URL":"https://github.com/advisories/GHSA-x","Severity":"high","Vulnerable Versions":"<2.0.0","Tree Versions":["1.0.0","1.5.0"],"Dependents":["a@npm:1"]}}"#;
    assert!(NpmAudit.recognises(yarn4.as_bytes()));
    let found = import(&NpmAudit, format!("{yarn4}\n{yarn4}\n").as_bytes()).unwrap();
    let found = findings(&found);
    assert_eq!(found.len(), 4);
    assert_eq!(
        (found[1].component.version.as_deref(), found[1].severity),
        (Some("1.5.0"), Severity::High)
    );
    assert_eq!(found[1].fixed_version.as_deref(), Some("2.0.0"));
}

#[test]
fn failed_audits_are_refused() {
    let failed = r#"{"error":{"code":"ENOAUDIT","summary":"no such endpoint","detail":""}}"#;
    assert!(NpmAudit.recognises(failed.as_bytes()));
    let error = refuse(failed);
    assert_eq!(error.code(), Code::BadReport);
    assert!(
        error.to_string().ends_with("looked at nothing: ENOAUDIT: no such endpoint"),
        "{error}"
    );
    assert!(refuse("{\"metadata\":{}}").to_string().contains("neither advisories nor"));
    let error = refuse(r#"{"advisories":{"1":{"findings":[]},"2":[7]}}"#).to_string();
    assert!(error.contains("invalid type") && error.contains("advisories.2"), "{error}");
}
