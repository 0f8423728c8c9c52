//! Grype's own shapes and rules.

use serde_json::{Value, json};

use super::Grype;
use crate::adapters::importers::testing::{self, assets, counts_agree, findings, import, skipped};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;

fn read(report: &Value) -> Vec<Observation> {
    import(&Grype, &serde_json::to_vec(report).unwrap()).unwrap()
}

fn report(matches: Value) -> Value {
    json!({
        "matches": matches,
        "source": {"type": "image", "target": {"userInput": "a:1", "tags": ["a:1", "a:1"],
            "repoDigests": ["r/a@sha256:AB"], "manifestDigest": "sha256:ab"}},
        "distro": {"name": "oraclelinux", "version": "8"},
        "descriptor": {"name": "grype", "version": "0.90.0", "timestamp": "2025-01-02T03:04:05+01:00"}
    })
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&Grype);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&Grype, &[]);
}

#[test]
fn an_advisory_of_several_cves_is_one_finding_each() {
    let cve = |id: &str, score: f64| {
        json!({"id": id, "cvss": [{"source": "nvd@nist.gov", "version": "3.1", "metrics": {"baseScore": score}}],
            "epss": [{"cve": id, "epss": score / 100.0}], "knownExploited": [{"cve": id}],
            "cwes": [{"cve": id, "cwe": "CWE-79", "source": "nvd@nist.gov"}]})
    };
    let found = read(&report(json!([{
        "vulnerability": {"id": "ELSA-2020-1", "severity": "High", "description": "both",
            "fix": {"versions": ["2", "3"], "state": "fixed"}},
        "relatedVulnerabilities": [cve("CVE-2020-1111", 5.0), cve("CVE-2020-2222", 7.0)],
        "artifact": {"name": "x", "version": "1", "type": "rpm",
            "upstreams": [{"name": "y", "version": "1-1"}]}
    }])));
    let found = findings(&found);
    let ids: Vec<_> = found.iter().map(|f| f.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2020-1111", "CVE-2020-2222"]);
    for (finding, score) in found.iter().zip([5.0, 7.0]) {
        let v = &finding.vulnerability;
        assert_eq!(finding.check.as_deref(), Some("ELSA-2020-1"));
        assert_eq!(finding.fixed_version.as_deref(), Some("2, 3"));
        assert_eq!(finding.scan, ScanKind::OsPackages);
        assert_eq!(finding.component.source_package.as_deref(), Some("y"));
        assert!(v.aliases.is_empty() && v.description.is_none() && v.kev);
        assert_eq!((v.cvss.len(), v.cvss[0].score, v.epss), (1, Some(score), Some(score / 100.0)));
        assert_eq!((v.cvss[0].source.as_str(), &v.cwe_ids[..]), ("nvd", &["CWE-79".into()][..]));
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let mut report = report(json!([
        {"vulnerability": {"id": "CVE-2020-1111"}, "artifact": {"name": "x"}},
        {"vulnerability": {"id": "CVE-2020-1111"}, "artifact": {"version": "1"}},
        {"vulnerability": {"id": "<script>"}, "artifact": {"name": "x"}},
        {"vulnerability": 7, "artifact": {"name": "x"}},
        {}
    ]));
    report["ignoredMatches"] = json!([{}, {"vulnerability": {}}]);
    let found = read(&report);
    assert_eq!(findings(&found).len(), 1);
    assert_eq!(skipped(&found, SkipReason::Unidentified), 4);
    assert_eq!(skipped(&found, SkipReason::Suppressed), 2);
    let place = |o: &Observation| match o {
        Observation::Skipped(s) => Some(s.place.clone()),
        _ => None,
    };
    assert_eq!(found.iter().find_map(place).unwrap(), "matches[1]");
}

#[test]
fn assets_are_what_was_scanned() {
    let asset = |report: &Value| assets(&read(report))[0].clone();
    let mut report = report(json!([]));
    let image = asset(&report);
    let identifiers: Vec<_> = image.identifiers.iter().map(|i| i.value.as_str()).collect();
    assert_eq!(identifiers, ["sha256:ab", "a:1"]);
    assert_eq!((image.asset_id.as_str(), image.os_type.as_deref()), ("a:1", Some("ol")));
    assert_eq!(image.complete, [ScanKind::OsPackages, ScanKind::Libraries]);
    report["descriptor"]["configuration"] = json!({"only-fixed": true});
    assert_eq!(asset(&report).complete, []);
    for (target, distro, name, kind, complete) in [
        (".", "", "", "repository", 1),
        ("/", "debian", "", "server", 2),
        ("/srv/app", "", "/srv/app", "repository", 1),
    ] {
        report["source"] = json!({"type": "directory", "target": target});
        report["distro"] = json!({"name": distro});
        report["descriptor"] = json!(null);
        let asset = asset(&report);
        let found = (asset.asset_id.as_str(), asset.asset_type.word(), asset.complete.len());
        assert_eq!(found, (name, kind, complete), "{target}");
    }
}

#[test]
fn errors_name_their_place() {
    let refuse = |report: Value| {
        import(&Grype, &serde_json::to_vec(&report).unwrap()).unwrap_err().to_string()
    };
    let error = refuse(json!({"source": {}}));
    assert!(error.contains("missing field `matches`"), "{error}");
    let error = refuse(json!({"matches": 3}));
    assert!(error.contains("invalid type") && error.ends_with("in matches"), "{error}");
    let error = refuse(report(json!([{}, "x"])));
    assert!(error.contains("invalid type") && error.ends_with("in matches[1]"), "{error}");
    let name = "n".repeat(2000);
    let error = refuse(report(json!([{"artifact": {"name": name}}])));
    assert!(
        error.contains("a name of 2000 bytes") && error.ends_with("in matches[0].artifact.name"),
        "{error}"
    );
}
