//! The operator's own shapes and rules.

use serde_json::{Value, json};

use super::TrivyOperator;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, assets, counts_agree, findings, import, skipped};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;

fn read(report: &Value) -> Vec<Observation> {
    import(&TrivyOperator, &serde_json::to_vec(report).unwrap()).unwrap()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&TrivyOperator);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&TrivyOperator, &[]);
}

fn object(container: &str, at: &str, vulnerabilities: Value) -> Value {
    json!({
        "apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport",
        "metadata": {"name": "r", "namespace": "n",
            "labels": {"trivy-operator.resource.kind": "StatefulSet",
                "trivy-operator.resource.namespace": "n",
                "trivy-operator.container.name": container},
            "annotations": {"trivy-operator.resource.name": "db"}},
        "report": {"updateTimestamp": at, "scanner": {"name": "Trivy", "version": "0.50.0"},
            "os": {"family": "debian", "name": "12.1"}, "registry": {"server": "r.io"},
            "artifact": {"repository": "x", "tag": "1", "digest": "sha256:ab"},
            "vulnerabilities": vulnerabilities}
    })
}

#[test]
fn all_shapes_of_lists_say_the_same() {
    let v = |class: Value, kind: Value, target: &str| {
        json!({"vulnerabilityID": "CVE-2020-1111", "resource": "p", "class": class,
            "packageType": kind, "target": target, "score": 7.5,
            "links": ["https://a"], "primaryLink": "https://b"})
    };
    let vulnerabilities = json!([
        v(json!("os-pkgs"), json!("debian"), "r.io/x:1 (debian 12.1)"),
        v(json!("lang-pkgs"), json!("gobinary"), "usr/bin/p"),
        v(json!(null), json!(null), ""),
        {"vulnerabilityID": "CVE-2020-1111"},
    ]);
    let one = object("a", "2024-01-01T00:00:00Z", vulnerabilities);
    let two = object("b", "2024-02-01T00:00:00Z", json!(null));
    let list = json!([one, two]);
    let lists = [
        json!({"apiVersion": "v1", "kind": "List", "items": list}),
        json!({"vulnerabilityreports.aquasecurity.github.io": list}),
        list,
    ];
    for report in lists {
        assert!(TrivyOperator.recognises(report.to_string().as_bytes()), "{report}");
        let found = read(&report);
        let Observation::Report(info) = &found[0] else { panic!() };
        assert_eq!(info.created_at, "2024-02-01".parse().ok());
        assert_eq!(info.scanner_version.as_deref(), Some("0.50.0"));
        let names: Vec<_> = assets(&found).iter().map(|a| a.asset_id.as_str()).collect();
        assert_eq!(names, ["kubernetes/n/StatefulSet/db/a", "kubernetes/n/StatefulSet/db/b"]);
        assert_eq!(assets(&found)[0].tags["images"], "r.io/x:1");
        assert_eq!(skipped(&found, SkipReason::Unidentified), 1);
        let found = findings(&found);
        let kinds: Vec<_> = found
            .iter()
            .map(|f| (f.scan, f.component.ecosystem.as_deref(), f.component.path.as_deref()))
            .collect();
        assert_eq!(
            kinds,
            [
                (ScanKind::OsPackages, Some("deb"), None),
                (ScanKind::Libraries, Some("golang"), Some("usr/bin/p")),
                (ScanKind::Other, None, None),
            ]
        );
        assert_eq!(found[0].vulnerability.references, ["https://b", "https://a"]);
        assert_eq!(found[0].vulnerability.cvss[0].score, Some(7.5));
    }
}

#[test]
fn other_kinds_of_reports_are_counted() {
    let object = |kind: &str, report: Value| json!({"kind": kind, "report": report});
    let checks = json!({"checks": [{"success": true}, {"success": false}, {}]});
    let found = read(&json!({"items": [
        object("ConfigAuditReport", checks.clone()),
        object("RbacAssessmentReport", checks),
        object("ClusterComplianceReport", json!({})),
        object("ExposedSecretReport", json!({"secrets": [{}, {}]})),
        object("SbomReport", json!({"components": {}})),
        object("Pod", json!(null)),
        object("VulnerabilityReport", json!({})),
    ]}));
    for (reason, n) in [
        (SkipReason::Misconfiguration, 5),
        (SkipReason::Secret, 2),
        (SkipReason::Informational, 1),
        (SkipReason::Unidentified, 2),
    ] {
        assert_eq!(skipped(&found, reason), n, "{reason:?}");
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let refuse = |report: &str| import(&TrivyOperator, report.as_bytes()).unwrap_err().to_string();
    assert!(refuse("{}").contains("it has no kind"));
    let error = refuse(r#"{"kind":"List","items":[{"report":{"vulnerabilities":3}}]}"#);
    assert!(error.ends_with("in items[0].report.vulnerabilities"), "{error}");
}
