//! Vuls' own shapes and rules.

use serde_json::{Value, json};

use super::Vuls;
use crate::adapters::importers::testing::{self, assets, counts_agree, findings, import, skipped};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

fn read(report: &Value) -> Vec<Observation> {
    import(&Vuls, &serde_json::to_vec(report).unwrap()).unwrap()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&Vuls);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&Vuls, &[]);
}

/// A result of version 4 with all that a CVE can be on.
fn report() -> Value {
    json!({
        "jsonVersion": 4, "serverName": "web", "family": "rocky", "release": "9.1",
        "serverUUID": "ABC", "platform": {"name": "aws", "instanceID": "i-1"},
        "ipv4Addrs": ["127.0.0.1", "10.0.0.1"], "scannedAt": "2024-01-01T00:00:00Z",
        "reportedAt": "2024-01-02T00:00:00Z", "errors": [],
        "packages": {"openssl-libs": {"name": "openssl-libs", "version": "1:3.0.7", "release": "6.el9",
            "newVersion": "1:3.0.7", "newRelease": "27.el9", "arch": "x86_64"}, "bash": {"version": "5"}},
        "SrcPackages": {"openssl": {"version": "3.0.7-6.el9", "binaryNames": ["openssl-libs", "x"]}},
        "libraries": [{"Type": "npm", "path": "/app/package-lock.json",
            "Libs": [{"Name": "qs", "Version": "6.0.0", "PURL": "pkg:npm/qs@6.0.0"}]}],
        "scannedCves": {"CVE-2024-1111": {
            "cveID": "CVE-2024-1111", "confidences": [{"score": 100, "detectionMethod": "OvalMatch"}],
            "affectedPackages": [{"name": "openssl-libs", "fixedIn": "1:3.0.7-27.el9", "fixState": "Affected"},
                {"name": "gone", "notFixedYet": true}],
            "libraryFixedIns": [{"key": "npm", "name": "qs", "fixedIn": "6.1.0", "path": "/app/package-lock.json"}],
            "cpeURIs": ["cpe:/a:acme:box:1.2"], "wpPackageFixStats": [{"name": "akismet", "fixedIn": "5"}],
            "distroAdvisories": [{"advisoryID": "RLSA-2024:1"}], "kevs": [{}], "exploits": [{}],
            "mitigations": [{"mitigation": "Turn it off"}],
            "cveContents": {
                "jvn": [{"title": "日本語", "summary": "x"}],
                "nvd": [{"title": "Title", "cvss3Score": 9.8, "cvss3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                    "cweIDs": ["CWE-79"], "cvss2Score": 0, "references": [{"link": "https://a"}]}],
                "redhat": [{"cvss3Severity": "Important", "cvss3Score": 7.0}]}
        }}
    })
}

#[test]
fn a_cve_is_a_finding_on_each_thing_that_has_it() {
    let found = read(&report());
    let asset = assets(&found)[0];
    assert_eq!((asset.asset_id.as_str(), asset.asset_type.word()), ("web", "cloud_instance"));
    let identifiers: Vec<_> = asset.identifiers.iter().map(|i| i.value.as_str()).collect();
    assert_eq!(identifiers, ["i-1", "abc", "10.0.0.1"]);
    assert_eq!(asset.complete, [ScanKind::OsPackages, ScanKind::Libraries, ScanKind::Other]);
    assert_eq!(asset.inventory, [ScanKind::OsPackages, ScanKind::Libraries]);
    let components = found.iter().filter(|o| matches!(o, Observation::Component(_)));
    assert_eq!(components.count(), 3);
    let found = findings(&found);
    let names: Vec<_> = found.iter().map(|f| f.component.name.as_str()).collect();
    assert_eq!(names, ["openssl-libs", "gone", "qs", "akismet", "box"]);
    let openssl = found[0];
    assert_eq!(openssl.component.version.as_deref(), Some("1:3.0.7-6.el9"));
    assert_eq!(openssl.component.source_package.as_deref(), Some("openssl"));
    assert_eq!(openssl.component.ecosystem.as_deref(), Some("rpm"));
    assert_eq!(
        (openssl.status.as_deref(), openssl.severity),
        (Some("affected"), Severity::Critical)
    );
    assert_eq!(openssl.evidence.as_deref(), Some("OvalMatch (confidence 100)"));
    let v = &openssl.vulnerability;
    assert_eq!((v.title.as_deref(), v.kev, v.exploit), (Some("Title"), true, true));
    assert_eq!((&v.aliases[..], v.cvss.len()), (&["RLSA-2024:1".into()][..], 2));
    assert_eq!(
        (v.solution.as_deref(), &v.cwe_ids[..]),
        (Some("Turn it off"), &["CWE-79".into()][..])
    );
    assert_eq!(found[1].status.as_deref(), Some("not fixed yet"));
    let qs = &found[2].component;
    assert_eq!((qs.version.as_deref(), qs.ecosystem.as_deref()), (Some("6.0.0"), Some("npm")));
    assert_eq!(
        (found[4].component.version.as_deref(), found[4].scan),
        (Some("1.2"), ScanKind::Other)
    );
}

#[test]
fn what_was_not_looked_up_closes_nothing() {
    for (key, value) in [
        ("reportedAt", json!("0001-01-01T00:00:00Z")),
        ("errors", json!(["failed to connect"])),
        ("config", json!({"report": {"ignoreUnfixed": true}})),
        ("config", json!({"report": {"cvssScoreOver": 7}})),
    ] {
        let mut report = report();
        report[key] = value.clone();
        let found = read(&report);
        assert_eq!(
            (assets(&found)[0].complete.len(), assets(&found)[0].inventory.len()),
            (0, 2),
            "{value}"
        );
    }
}

#[test]
fn windows_and_containers_are_known() {
    let mut windows = report();
    windows["family"] = json!("windows");
    windows["release"] = json!("Windows 10");
    windows["runningKernel"] = json!({"release": "", "version": "10.0.19045"});
    windows["scannedCves"] = json!({"CVE-2024-2222": {"windowsKBFixedIns": ["5020435", "KB2"]}, "x y": {},
        "CVE-2024-3333": {}});
    let found = read(&windows);
    assert_eq!(skipped(&found, SkipReason::Unidentified), 2);
    let finding = findings(&found)[0];
    assert_eq!(finding.fixed_version.as_deref(), Some("KB5020435, KB2"));
    assert_eq!(finding.component.key(), "windows Windows 10\u{1f}10.0.19045\u{1f}");
    let mut container = report();
    container["container"] = json!({"containerID": "F00", "name": "db", "image": "postgres:9"});
    let found = read(&container);
    let asset = assets(&found)[0];
    assert_eq!((asset.asset_id.as_str(), asset.asset_type.word()), ("db@web", "container"));
    let identifiers: Vec<_> = asset.identifiers.iter().map(|i| i.value.as_str()).collect();
    assert_eq!(identifiers, ["f00", "postgres:9", "10.0.0.1"]);
}

#[test]
fn errors_name_their_place() {
    let refuse = |report: &str| import(&Vuls, report.as_bytes()).unwrap_err().to_string();
    assert!(refuse("{}").contains("no scannedCves"));
    let error = refuse(r#"{"scannedCves":{"CVE-2024-1111":{"cveContents":3}}}"#);
    assert!(error.contains("scannedCves.CVE-2024-1111.cveContents"), "{error}");
    assert_eq!(read(&json!({"ScannedCves": null, "ServerName": "x"})).len(), 2);
}
