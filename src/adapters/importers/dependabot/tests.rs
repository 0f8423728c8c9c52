//! GitHub's shapes and rules.

use serde_json::{Value, json};

use super::Dependabot;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{
    self, assets, counts_agree, findings, import, pairs, skipped,
};
use crate::domain::observation::{Observation, SkipReason};

fn read(report: &Value) -> Vec<Observation> {
    import(&Dependabot, &serde_json::to_vec(report).unwrap()).unwrap()
}

fn refuse(report: &str) -> String {
    import(&Dependabot, report.as_bytes()).unwrap_err().to_string()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&Dependabot);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&Dependabot, &[]);
}

fn alert(cve: &str, state: &str) -> Value {
    json!({
        "number": 1, "state": state, "createdAt": "2024-01-02T03:04:05Z",
        "vulnerableManifestPath": "a/pom.xml", "vulnerableRequirements": "= 1.2.3",
        "securityVulnerability": {
            "severity": "MODERATE", "package": {"name": "g:a", "ecosystem": "MAVEN"},
            "vulnerableVersionRange": "< 2", "firstPatchedVersion": {"identifier": "2"},
            "advisory": {
                "identifiers": [{"value": "GHSA-x"}, {"value": cve}],
                "cwes": {"nodes": [{"cweId": "CWE-79"}]}, "epss": {"percentage": 0.5},
                "cvss": {"score": 0.0, "vectorString": null},
                "cvssSeverities": {"cvssV4": {"score": 9.3, "vectorString": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}}
            }
        }
    })
}

#[test]
fn each_repository_is_an_asset() {
    let repository = |name: &str, alerts: Value, next: bool| {
        json!({"vulnerabilityAlerts": {"nodes": alerts, "pageInfo": {"hasNextPage": next}},
            "nameWithOwner": name, "url": format!("https://github.com/{name}")})
    };
    let nodes = json!([
        repository("o/empty", json!([]), false),
        repository(
            "o/a",
            json!([alert("CVE-2020-1111", "OPEN"), alert("CVE-2020-2222", "FIXED")]),
            false
        ),
        repository(
            "o/b",
            json!([alert("CVE-2020-1111", "OPEN"), alert("CVE-2020-3333", "AUTO_DISMISSED")]),
            true
        ),
        repository("o/last", json!([]), true)
    ]);
    let repositories = json!({"repositories": {"nodes": nodes}});
    for data in [
        json!({"search": {"nodes": nodes}}),
        json!({"organization": repositories}),
        json!({"user": repositories}),
        json!({"viewer": repositories}),
    ] {
        let found = read(&json!({"data": data}));
        let assets = assets(&found);
        let names: Vec<_> =
            assets.iter().map(|a| (a.asset_id.as_str(), !a.complete.is_empty())).collect();
        assert_eq!(names, [("o/empty", true), ("o/a", true), ("o/b", false), ("o/last", false)]);
        assert_eq!(assets[1].identifiers[0].value, "https://github.com/o/a");
        let pairs: Vec<_> = pairs(&found).into_iter().map(|(asset, _)| asset).collect();
        assert_eq!(pairs, ["o/a", "o/b"]);
        assert_eq!(skipped(&found, SkipReason::Resolved), 1);
        assert_eq!(skipped(&found, SkipReason::Suppressed), 1);
    }
    let found = read(
        &json!({"data": {"repository": repository("o/a", json!([alert("CVE-2020-1111", "OPEN")]), false)}}),
    );
    let finding = findings(&found)[0];
    let v = &finding.vulnerability;
    assert_eq!((v.id.as_str(), v.aliases[0].as_str()), ("CVE-2020-1111", "GHSA-X"));
    assert_eq!((v.cwe_ids[0].as_str(), v.epss, v.cvss.len()), ("CWE-79", Some(0.5), 1));
    let c = &finding.component;
    assert_eq!((c.version.as_deref(), c.path.as_deref()), (Some("1.2.3"), Some("a/pom.xml")));
    assert_eq!((c.ecosystem.as_deref(), finding.severity.word()), (Some("maven"), "medium"));
    assert_eq!(finding.evidence.as_deref(), Some("vulnerable: < 2\nrequired: = 1.2.3"));
}

#[test]
fn rest_and_webhooks_name_their_repositories() {
    let payload = include_bytes!(
        "../../../../tests/fixtures/reports/dependabot/octokit-created.payload.json"
    );
    let payload: Value = serde_json::from_slice(payload).unwrap();
    let mut alert = payload["alert"].clone();
    let mut unnamed = alert.clone();
    unnamed["html_url"] = json!(null);
    let mut other = alert.clone();
    other["repository"] = json!({"full_name": "o/other"});
    let list = json!([alert, unnamed, other]);
    let lines = format!("{alert}\n{unnamed}\n{other}\n");
    assert!(Dependabot.recognises(list.to_string().as_bytes()));
    assert!(Dependabot.recognises(lines.as_bytes()));
    for (report, complete) in [(list.to_string(), 1), (lines, 0)] {
        let found = import(&Dependabot, report.as_bytes()).unwrap();
        let names: Vec<_> = assets(&found).iter().map(|a| a.asset_id.as_str()).collect();
        assert_eq!(names, ["wolfy1339/pika-pack", "o/other"]);
        assert!(assets(&found).iter().all(|a| a.complete.len() == complete));
        assert_eq!(findings(&found).len(), 3);
    }
    let page = read(&json!(vec![&alert; 60]));
    assert_eq!(assets(&page)[0].complete, [], "it may be a page of more");
    alert["state"] = json!("dismissed");
    assert_eq!(skipped(&read(&json!([alert])), SkipReason::Suppressed), 1);
    assert_eq!(read(&json!([])).len(), 1);
}

#[test]
fn what_is_no_list_of_alerts_is_refused() {
    assert_eq!(refuse(""), "the report is empty");
    assert!(refuse("[{\"number\":1}]").ends_with("[0] is no Dependabot alert"));
    let answer = r#"{"data":{"repository":{"vulnerabilityAlerts":{"edges":[]}}}}"#;
    assert!(refuse(answer).contains("ask for nodes"), "{}", refuse(answer));
    let answer = r#"{"errors":[{"message":"no rights"}],"data":{"x":{"vulnerabilityAlerts":1}}}"#;
    assert!(refuse(answer).ends_with("did not answer in full: no rights"), "{}", refuse(answer));
    let answer = r#"{"data":{"search":{"nodes":[{"vulnerabilityAlerts":{"nodes":[{},3]}}]}}}"#;
    let error = refuse(answer);
    assert!(error.ends_with("in data.search.nodes[0].vulnerabilityAlerts.nodes[1]"), "{error}");
}
