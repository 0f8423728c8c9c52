//! What things become: the rules in the header of the module.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{assets, findings, fixture, fixtures, pairs, read, refuse, skipped};
use crate::base::Code;
use crate::domain::observation::{Observation, SkipReason};

/// Turns the order of keys around where Trivy's order is convenient.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(reversed).collect(),
        Value::Object(map) if map.contains_key("VulnerabilityID") => value.clone(),
        Value::Object(map) => {
            let map = map.iter().rev().map(|(k, v)| (k.clone(), reversed(v)));
            Value::Object(map.collect())
        }
        _ => value.clone(),
    }
}

#[test]
fn the_order_of_keys_does_not_matter() {
    for path in fixtures() {
        let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let texts = |observations: &[Observation]| {
            let assets = assets(observations).into_iter().map(|a| format!("{a:?}"));
            let pairs = pairs(observations);
            let findings = pairs.iter().map(|pair| format!("{pair:?}"));
            assets.chain(findings).collect::<BTreeSet<_>>()
        };
        let (there, back) = (read(&report), read(&reversed(&report)));
        assert_eq!(texts(&there), texts(&back), "{}", path.display());
        assert_eq!(there[0], back[0], "{}", path.display());
        for reason in [SkipReason::Misconfiguration, SkipReason::Secret, SkipReason::NotAffected] {
            assert_eq!(skipped(&there, reason), skipped(&back, reason), "{}", path.display());
        }
    }
}

#[test]
fn what_is_not_a_vulnerability_is_counted() {
    let helm = read(&fixture("trivy-helm_testchart-misconf"));
    assert_eq!(skipped(&helm, SkipReason::Misconfiguration), 6);
    assert_eq!(skipped(&read(&fixture("trivy-secrets")), SkipReason::Secret), 2);
    let statuses = read(&fixture("dd-all_statuses"));
    assert_eq!(skipped(&statuses, SkipReason::NotAffected), 1);
    assert_eq!(findings(&statuses).len(), 7);
    let report = json!({
        "SchemaVersion": 2, "ArtifactName": "a", "ArtifactType": "repository",
        "Results": [{
            "Target": "x", "Class": "license", "Licenses": [{"Name": "GPL-3.0"}, {"Name": "MIT"}],
            "Misconfigurations": [{"Status": "PASS"}, {"Status": "FAIL"}, {"Status": "EXCEPTION"}],
            "ExperimentalModifiedFindings": [
                {"Type": "vulnerability", "Status": "ignored", "Finding": {}},
                {"Type": "vulnerability", "Status": "not_affected", "Finding": {}}
            ]
        }]
    });
    let observations = read(&report);
    for (reason, n) in [
        (SkipReason::License, 2),
        (SkipReason::Misconfiguration, 1),
        (SkipReason::Suppressed, 1),
        (SkipReason::NotAffected, 1),
    ] {
        assert_eq!(skipped(&observations, reason), n, "{reason:?}");
    }
}

#[test]
fn only_scans_for_packages_close_findings() {
    let artifact = |results: Value| json!({"SchemaVersion": 2, "ArtifactName": "a", "ArtifactType": "filesystem", "Results": results});
    for (results, complete) in [
        (Value::Null, false),
        (json!([]), false),
        (json!([{"Target": "Dockerfile", "Class": "config"}]), false),
        (json!([{"Target": "go.mod", "Class": "lang-pkgs", "Type": "gomod"}]), true),
        (json!([{"Target": "x", "Vulnerabilities": null}]), true),
    ] {
        let observations = read(&artifact(results.clone()));
        assert_eq!(!assets(&observations)[0].complete.is_empty(), complete, "{results}");
    }
    let pod = |name: &str, error: &str, class: &str| {
        let result = json!({"Target": "i (debian 11.6)", "Class": class, "Type": "debian"});
        json!({"Kind": "Pod", "Namespace": "n", "Name": name, "Error": error, "Results": [result]})
    };
    let resources = [
        pod("scanned", "", "os-pkgs"),
        pod("half", "", "os-pkgs"),
        pod("half", "cannot pull", "config"),
        pod("never", "", "config"),
    ];
    let observations = read(&json!({"ClusterName": "c", "Resources": resources}));
    let found: Vec<_> = assets(&observations)
        .iter()
        .map(|a| (a.asset_id.as_str(), !a.complete.is_empty()))
        .collect();
    assert_eq!(found, [("c/n/Pod/scanned", true), ("c/n/Pod/half", false)]);
}

#[test]
fn assets_are_named_after_what_was_scanned() {
    let asset = |report: Value| assets(&read(&report))[0].clone();
    let unnamed = asset(fixture("dd-all_statuses"));
    assert_eq!(unnamed.asset_id, "noppaknopsta/example-app:main-159");
    let rootfs = asset(json!({
        "ArtifactName": "/", "ArtifactType": "filesystem",
        "Metadata": {"OS": {"Family": "redhat", "Name": "9.2"}}
    }));
    assert_eq!(rootfs.asset_type.word(), "server");
    assert_eq!(rootfs.os_type.as_deref(), Some("rhel"));
    let role =
        json!({"Kind": "Node", "Name": "n1", "Results": [{"Target": "x", "Class": "os-pkgs"}]});
    let node = asset(json!({"ClusterName": "", "Findings": [role]}));
    assert_eq!((node.asset_id.as_str(), node.asset_type.word()), ("kubernetes/Node/n1", "server"));
    for (wrong, what) in [
        (json!({"SchemaVersion": 2}), "no Trivy report"),
        (json!({"ArtifactName": "", "Results": []}), "does not say what was scanned"),
        (json!({"ArtifactName": "a", "Resources": []}), "at once"),
        (json!({"ArtifactName": "a", "SchemaVersion": 3}), "schema version 3"),
        (json!([{"Vulnerabilities": []}]), "without Target"),
        (json!({"Resources": [{"Kind": "Pod"}]}), "without Name"),
        (json!(null), "expected an object or an array"),
    ] {
        let error = refuse(&wrong);
        assert_eq!(error.code(), Code::BadReport);
        assert!(error.to_string().contains(what), "{error}");
    }
    assert_eq!(read(&json!([])).len(), 1);
    assert_eq!(read(&json!({"ClusterName": "c"})).len(), 1);
}

#[test]
fn a_workload_of_two_images_is_one_asset() {
    let entry = |image: &str, os: &str| {
        let target = format!("{image} ({os} 1)");
        let result = json!({"Target": target, "Class": "os-pkgs", "Type": os});
        json!({"Kind": "Pod", "Namespace": "n", "Name": "p", "Results": [result]})
    };
    let same =
        json!({"ClusterName": "c", "Resources": [entry("a:1", "debian"), entry("b:2", "debian")]});
    let same = read(&same);
    let asset = assets(&same)[0];
    assert_eq!(asset.tags["images"], "a:1,b:2");
    assert_eq!(asset.tags["namespace"], "n");
    assert_eq!(asset.os_type.as_deref(), Some("debian"));
    let mixed = json!({"ClusterName": "c", "Resources": [entry("a", "debian"), entry("b", "alpine"), entry("c", "alpine")]});
    let mixed = read(&mixed);
    assert_eq!(assets(&mixed).len(), 1);
    assert_eq!(assets(&mixed)[0].os_type, None);
}

#[test]
fn lists_of_packages_are_an_inventory() {
    let package = json!({"Name": "openssl", "Version": "3.0.7", "Release": "6.el9", "Epoch": 1,
        "Arch": "x86_64", "SrcName": "openssl-src", "SrcVersion": "3.0.7", "SrcRelease": "6.el9",
        "Identifier": {"PURL": "pkg:rpm/redhat/openssl@3.0.7-6.el9?epoch=1"},
        "Layer": {"DiffID": "sha256:ab"}});
    let vulnerability = json!({"VulnerabilityID": "CVE-2024-1111", "PkgName": "openssl",
        "InstalledVersion": "1:3.0.7-6.el9", "PkgIdentifier": package["Identifier"]});
    let system = json!({"Target": "r (redhat 9)", "Class": "os-pkgs", "Type": "redhat",
        "Packages": [package, {"Version": "nameless"}], "Vulnerabilities": [vulnerability]});
    let library = |packages: Value| json!({"Target": "go.mod", "Class": "lang-pkgs", "Type": "gomod", "Packages": packages});
    let go = json!([{"Name": "x", "Version": "1", "FilePath": "a/go.mod"}]);
    for (second, whole) in
        [(library(go.clone()), 2), (library(json!([])), 1), (library(json!(null)), 1)]
    {
        let report = json!({"ArtifactName": "r", "ArtifactType": "container_image",
            "Metadata": {"ImageID": "sha256:CD", "RepoTags": ["r:1"], "RepoDigests": ["r@sha256:ef"], "Reference": "r@sha256:ef"},
            "Results": [system, library(go.clone()), second]});
        let observations = read(&report);
        let asset = assets(&observations)[0];
        assert_eq!((asset.complete.len(), asset.inventory.len()), (2, whole), "{second}");
        let identifiers: Vec<_> = asset.identifiers.iter().map(|i| i.value.as_str()).collect();
        assert_eq!(identifiers, ["sha256:ef", "sha256:cd", "r:1"]);
        let components: Vec<_> = observations
            .iter()
            .filter_map(|o| if let Observation::Component(c) = o { Some(&**c) } else { None })
            .collect();
        assert_eq!(components.len(), 1 + whole);
        assert_eq!(components[0].key(), findings(&observations)[0].component.key());
        assert_eq!(components[0].source_version.as_deref(), Some("3.0.7-6.el9"));
        assert_eq!(components[1].path.as_deref(), Some("a/go.mod"));
    }
}

#[test]
fn a_workload_lists_all_if_each_of_its_entries_does() {
    let pod = |class: &str, packages: Value| {
        let result = json!({"Target": "i (debian 12)", "Class": class, "Packages": packages});
        json!({"Kind": "Pod", "Name": "p", "Results": [result]})
    };
    let listed = json!([{"Name": "x", "Version": "1"}]);
    for (entries, whole) in [
        ([pod("os-pkgs", listed.clone()), pod("os-pkgs", listed.clone())], 1),
        ([pod("os-pkgs", listed.clone()), pod("os-pkgs", json!(null))], 0),
        ([pod("os-pkgs", listed.clone()), pod("lang-pkgs", listed.clone())], 2),
        ([pod("os-pkgs", json!([])), pod("lang-pkgs", listed.clone())], 1),
    ] {
        let observations = read(&json!({"ClusterName": "c", "Resources": entries}));
        assert_eq!(assets(&observations)[0].inventory.len(), whole, "{entries:?}");
    }
}
