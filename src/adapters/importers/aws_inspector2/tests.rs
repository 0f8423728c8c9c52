//! Inspector's own shapes and rules.

use serde_json::{Value, json};

use super::AwsInspector2;
use super::resource::platform;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, assets, counts_agree, findings, import, skipped};
use crate::domain::asset::Exposure;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;

fn read(report: &Value) -> Vec<Observation> {
    import(&AwsInspector2, &serde_json::to_vec(report).unwrap()).unwrap()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&AwsInspector2);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&AwsInspector2, &[]);
}

fn instance() -> Value {
    json!([{"id": "i-0AB", "type": "AWS_EC2_INSTANCE", "region": "eu-west-1",
        "tags": {"Name": "web"},
        "details": {"awsEc2Instance": {"ipV4Addresses": ["10.0.0.1"], "platform": "AMAZON_LINUX_2"}}}])
}

fn package(id: &str, related: Value) -> Value {
    json!({
        "findingArn": "arn:x", "status": "ACTIVE", "severity": "UNTRIAGED",
        "type": "PACKAGE_VULNERABILITY", "resources": instance(), "exploitAvailable": "YES",
        "remediation": {"recommendation": {"text": "Update it"}},
        "packageVulnerabilityDetails": {
            "vulnerabilityId": id, "relatedVulnerabilities": related,
            "vendorCreatedAt": 1_700_000_000.5,
            "cvss": [{"source": "NVD", "version": "3.1", "baseScore": 5.5}],
            "vulnerablePackages": [
                {"name": "a", "version": "1", "release": "2", "epoch": 1, "packageManager": "OS",
                    "arch": "X86_64", "fixedInVersion": "1:1-3"},
                {"name": "b", "version": "1", "epoch": 0, "packageManager": "GOBINARY",
                    "filePath": "app", "fixedInVersion": "NotAvailable"}
            ]
        }
    })
}

#[test]
fn each_package_is_a_finding() {
    let report = json!({"findings": [package("CVE-2020-1111", json!([])),
        package("ALAS-1", json!(["CVE-2020-2222", "CVE-2020-3333"]))]});
    let found = read(&report);
    let asset = assets(&found)[0];
    assert_eq!(assets(&found).len(), 1);
    let identifiers: Vec<_> = asset.identifiers.iter().map(|i| i.value.as_str()).collect();
    assert_eq!(identifiers, ["i-0ab", "10.0.0.1"]);
    assert_eq!((asset.os_type.as_deref(), asset.os_version.as_deref()), (Some("amzn"), Some("2")));
    assert_eq!((asset.complete.len(), asset.tags["Name"].as_str()), (2, "web"));
    let found = findings(&found);
    let ids: Vec<_> = found.iter().map(|f| f.vulnerability.id.as_str()).collect();
    assert_eq!(ids[..3], ["CVE-2020-1111", "CVE-2020-1111", "CVE-2020-2222"]);
    assert_eq!((ids.len(), found[5].check.as_deref()), (6, Some("ALAS-1")));
    let (system, library) = (&found[0].component, &found[1].component);
    assert_eq!(
        (system.version.as_deref(), system.ecosystem.as_deref()),
        (Some("1:1-2"), Some("rpm"))
    );
    assert_eq!(
        (library.version.as_deref(), library.ecosystem.as_deref()),
        (Some("1"), Some("golang"))
    );
    assert_eq!(
        (found[0].fixed_version.as_deref(), found[1].fixed_version.as_deref()),
        (Some("1:1-3"), None)
    );
    let v = &found[0].vulnerability;
    assert!(v.exploit && v.published_at.is_some() && found[0].severity.word() == "unknown");
    assert_eq!((v.cvss[0].source.as_str(), v.solution.as_deref()), ("nvd", Some("Update it")));
}

#[test]
fn ports_and_code_are_findings_too() {
    let network = json!({"findingArn": "a", "resources": instance(), "severity": "MEDIUM",
        "networkReachabilityDetails": {"openPortRange": {"begin": 22, "end": 22}, "protocol": "TCP"}});
    let code = json!({"findingArn": "b", "resources": [{"id": "arn:f", "type": "AWS_LAMBDA_FUNCTION",
            "details": {"awsLambdaFunction": {"runtime": "PYTHON_3_9"}}}],
        "codeVulnerabilityDetails": {"detectorId": "python/secrets@v1", "cwes": ["CWE-798"],
            "filePath": {"fileName": "a.py", "filePath": "src/a.py", "startLine": 7}}});
    let found = read(&json!([network, code]));
    assert_eq!(assets(&found)[0].exposure, Some(Exposure::Internet));
    assert!(assets(&found).iter().all(|a| a.complete.is_empty()), "a list says nothing of pages");
    let found = findings(&found);
    assert_eq!((found[0].place.port, found[0].scan), (Some(22), ScanKind::Network));
    assert_eq!(found[0].vulnerability.id, "AWS-INSPECTOR2-NETWORK-REACHABILITY");
    assert_eq!(found[1].vulnerability.id, "AWS-INSPECTOR2-PYTHON/SECRETS-V1");
    assert_eq!(
        (found[1].place.line, found[1].component.path.as_deref()),
        (Some(7), Some("src/a.py"))
    );
}

#[test]
fn what_is_closed_is_counted() {
    let mut closed = package("CVE-2020-1111", json!([]));
    closed["status"] = json!("CLOSED");
    let mut suppressed = closed.clone();
    suppressed["status"] = json!("SUPPRESSED");
    let mut nameless = package("<b>", json!([]));
    nameless["status"] = json!("ACTIVE");
    let report = json!({"nextToken": "x", "findings": [closed, suppressed, nameless, {}]});
    let found = read(&report);
    assert_eq!(skipped(&found, SkipReason::Resolved), 1);
    assert_eq!(skipped(&found, SkipReason::Suppressed), 1);
    assert_eq!(skipped(&found, SkipReason::Unidentified), 2);
    assert_eq!(assets(&found)[0].complete, [], "there are more pages");
}

#[test]
fn events_and_lines_are_read() {
    let finding = package("CVE-2020-1111", json!([]));
    let event = json!({"version": "0", "detail-type": "Inspector2 Finding", "detail": finding});
    let lines = format!("{finding}\n{finding}\n");
    for (report, n) in [(event.to_string(), 2), (finding.to_string(), 2), (lines, 4)] {
        assert!(AwsInspector2.recognises(report.as_bytes()), "{report}");
        let found = import(&AwsInspector2, report.as_bytes()).unwrap();
        assert_eq!((findings(&found).len(), assets(&found)[0].complete.len()), (n, 0));
    }
    let refuse = |report: &str| import(&AwsInspector2, report.as_bytes()).unwrap_err().to_string();
    assert_eq!(refuse(" "), "the report is empty");
    let error = refuse(r#"{"findings":[{},7]}"#);
    assert!(error.ends_with("in findings[1]"), "{error}");
}

#[test]
fn platforms_are_operating_systems() {
    for (word, os, version) in [
        ("UBUNTU_22_04", "ubuntu", Some("22.04")),
        ("AMAZON_LINUX_2023", "amzn", Some("2023")),
        ("ALPINE_LINUX_3_18", "alpine", Some("3.18")),
        ("WINDOWS_SERVER_2019", "windows_server", Some("2019")),
        ("LINUX", "linux", None),
    ] {
        let found = platform(Some(word));
        assert_eq!((found.0.as_deref(), found.1.as_deref()), (Some(os), version), "{word}");
    }
}
