//! osv-scanner's own shapes and rules.

use serde_json::{Value, json};

use super::OsvScanner;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, assets, counts_agree, findings, import, skipped};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

fn read(report: &Value) -> Vec<Observation> {
    import(&OsvScanner, &serde_json::to_vec(report).unwrap()).unwrap()
}

fn report(packages: Value) -> Value {
    json!({"results": [{"packages": [], "source": {"path": "first"}},
        {"packages": packages, "source": {"path": "go.mod", "type": "lockfile"}}]})
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&OsvScanner);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&OsvScanner, &[]);
}

#[test]
fn a_group_is_one_finding() {
    let record = |id: &str, alias: &str, fixed: &str| {
        json!({
            "id": id, "aliases": [alias],
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [
                {"package": {"name": "x"}, "ranges": [
                    {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]},
                    {"type": "GIT", "events": [{"fixed": "abcdef"}]}]},
                {"package": {"name": "other"}, "ranges": [
                    {"type": "SEMVER", "events": [{"fixed": "9"}]}]}
            ]
        })
    };
    let found = read(&report(json!([{
        "package": {"name": "x", "version": "1", "ecosystem": "Go"},
        "vulnerabilities": [record("GHSA-1", "CVE-2020-1111", "2"), record("GO-1", "CVE-2020-1111", "3"),
            record("OSV-1", "OSV-2", "4")],
        "groups": [{"ids": ["GHSA-1", "GO-1"], "aliases": ["CVE-2020-1111"], "max_severity": "6.5",
            "experimentalAnalysis": {"GO-1": {"called": false}}}]
    }])));
    let found = findings(&found);
    assert_eq!(found.len(), 2);
    let v = &found[0].vulnerability;
    assert_eq!(
        (v.id.as_str(), &v.aliases[..]),
        ("CVE-2020-1111", &["GHSA-1".into(), "GO-1".into()][..])
    );
    assert_eq!(found[0].fixed_version.as_deref(), Some("2, 3"));
    assert_eq!(
        (found[0].severity, found[0].status.as_deref()),
        (Severity::Medium, Some("uncalled"))
    );
    assert_eq!(found[0].component.path.as_deref(), Some("go.mod"));
    let sources: Vec<_> = v.cvss.iter().map(|c| (c.source.as_str(), c.score)).collect();
    assert_eq!(sources, [("ghsa", Some(9.8)), ("go", Some(9.8))]);
    let alone = found[1];
    assert_eq!((alone.vulnerability.id.as_str(), alone.severity), ("OSV-1", Severity::Critical));
    assert_eq!(alone.status, None);
}

#[test]
fn distributions_are_known() {
    let mut report = report(json!([{
        "package": {"name": "openssl", "os_package_name": "libssl3", "version": "3", "ecosystem": "Debian:12"},
        "vulnerabilities": [{"id": "DSA-1", "upstream": ["CVE-2024-1111", "CVE-2024-2222"]},
            {"id": "DEBIAN-CVE-2024-3333", "upstream": ["CVE-2024-3333"]}],
    }]));
    report["image_metadata"] = json!({"os": "Debian GNU/Linux 12 (bookworm)"});
    let found = read(&report);
    let asset = assets(&found)[0];
    assert_eq!(
        (asset.os_type.as_deref(), asset.os_version.as_deref()),
        (Some("debian"), Some("12"))
    );
    assert_eq!(asset.asset_type.word(), "container");
    assert_eq!(asset.complete, [ScanKind::OsPackages, ScanKind::Libraries]);
    let found = findings(&found);
    let ids: Vec<_> = found.iter().map(|f| f.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-1111", "CVE-2024-2222", "CVE-2024-3333"]);
    assert_eq!(found[0].check.as_deref(), Some("DSA-1"));
    assert_eq!(found[0].component.source_package.as_deref(), Some("openssl"));
    assert_eq!(
        (found[0].component.name.as_str(), found[0].scan),
        ("libssl3", ScanKind::OsPackages)
    );
}

#[test]
fn packages_are_an_inventory_if_all_are_there() {
    let vulnerable = json!({"package": {"name": "x"}, "vulnerabilities": [{"id": "GO-1"}]});
    let clean = json!({"package": {"name": "y"}, "vulnerabilities": []});
    let licensed = json!({"package": {"name": "z"}, "license_violations": ["GPL-3.0", "X"]});
    let some = read(&report(json!([vulnerable, licensed])));
    assert_eq!(assets(&some)[0].inventory, []);
    assert_eq!(skipped(&some, SkipReason::License), 2);
    let all = read(&report(json!([vulnerable, clean, {"package": {}}, {"vulnerabilities": [{}]}])));
    assert_eq!(assets(&all)[0].inventory, [ScanKind::Libraries]);
    assert_eq!(skipped(&all, SkipReason::Unidentified), 2);
    let components = all.iter().filter(|o| matches!(o, Observation::Component(_)));
    assert_eq!(components.count(), 2);
}

#[test]
fn errors_name_their_place() {
    let refuse = |report: Value| {
        import(&OsvScanner, &serde_json::to_vec(&report).unwrap()).unwrap_err().to_string()
    };
    assert!(refuse(json!({})).contains("missing field `results`"));
    let error = refuse(json!({"results": "x"}));
    assert!(error.contains("expected an array") && error.ends_with("in results"), "{error}");
    let error = refuse(report(json!([{"vulnerabilities": 3}])));
    assert!(error.ends_with("in results[1].packages[0].vulnerabilities"), "{error}");
}

#[test]
fn the_order_of_keys_does_not_matter_for_recognising() {
    for yes in [
        r#"{"results":[{"packages":[{"package":"#,
        r#"{"experimental_config":{"licenses":{"summary":true"#,
        r#"{"results":[{"source":{"path":"x""#,
    ] {
        assert!(OsvScanner.recognises(yes.as_bytes()), "{yes}");
    }
    for no in [r#"{"results":[{"path":"a","check_id":"b"}]}"#, r#"{"results":{"packages":1}}"#] {
        assert!(!OsvScanner.recognises(no.as_bytes()), "{no}");
    }
}
