//! What things become: the rules in the header of the module.

use serde_json::{Value, json};

use super::{log, read, run};
use crate::adapters::importers::testing::{assets, findings, pairs, skipped};
use crate::domain::asset::AssetType;
use crate::domain::observation::{FindingObservation, Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

fn one(tool: &str, rule: Value, result: Value) -> FindingObservation {
    let observations = read(&log(json!([run(tool, json!([rule]), json!([result]))])));
    findings(&observations)[0].clone()
}

#[test]
fn advisories_in_rules_are_the_vulnerability() {
    for (rule, tags, id, aliases) in [
        ("CVE-2024-1111", json!([]), "CVE-2024-1111", &[][..]),
        ("GHSA-aaaa-bbbb-cccc-lodash", json!([]), "GHSA-AAAA-BBBB-CCCC", &[]),
        ("js/x", json!(["security", "CVE-2024-1111"]), "CVE-2024-1111", &[]),
        (
            "GHSA-aaaa-bbbb-cccc",
            json!(["cve-2024-1111"]),
            "CVE-2024-1111",
            &["GHSA-AAAA-BBBB-CCCC"],
        ),
        ("RUSTSEC-2024-0001", json!([]), "RUSTSEC-2024-0001", &[]),
        ("no unused <x>", json!([]), "MY-TOOL-NO-UNUSED--X-", &[]),
        ("XCVE-2024-11112", json!([]), "MY-TOOL-XCVE-2024-11112", &[]),
    ] {
        let rule = json!({"id": rule, "properties": {"tags": tags}});
        let found = one("My Tool", rule.clone(), json!({"ruleIndex": 0, "message": {}}));
        let v = &found.vulnerability;
        assert_eq!(
            (v.id.as_str(), &v.aliases[..]),
            (id, &aliases.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>()[..])
        );
        assert_eq!(found.check.as_deref(), rule["id"].as_str());
    }
    let rule = json!({"id": "plugin", "properties": {"tags": ["CVE-2024-1111", "CVE-2024-2222"]}});
    let log = log(json!([run("x", json!([rule]), json!([{"ruleId": "plugin", "message": {}}]))]));
    let ids: Vec<_> = findings(&read(&log)).iter().map(|f| f.vulnerability.id.clone()).collect();
    assert_eq!(ids, ["CVE-2024-1111", "CVE-2024-2222"]);
    let former = json!({"id": "CVE-2024-1111", "deprecatedIds": ["CVE-2024-1111", "GO-2024-1"]});
    assert_eq!(
        one("osv-scanner", former, json!({"ruleIndex": 0})).vulnerability.aliases,
        ["GO-2024-1"]
    );
}

#[test]
fn rules_are_found_wherever_they_are_named() {
    let driver = json!([{"id": "A", "name": "first"}, {"id": "B", "messageStrings": {"d": {"text": "{0} is {1}"}}}]);
    let mut run = run(
        "x",
        driver,
        json!([
            {"ruleIndex": 1, "message": {"id": "d", "arguments": ["p", "{0}"]}},
            {"rule": {"index": 0}, "message": {"id": "shared"}},
            {"rule": {"id": "E", "index": 0, "toolComponent": {"index": 0}}, "message": {}},
            {"ruleId": "B/sub", "ruleIndex": 0, "message": {}},
            {"message": {"text": "first thing"}},
            {"message": {"text": "nothing known"}},
            {"ruleId": "unknown", "message": {"text": "t"}},
        ]),
    );
    run["tool"]["extensions"] = json!([{"name": "e", "rules": [{"id": "E"}]}]);
    run["tool"]["driver"]["globalMessageStrings"] = json!({"shared": {"text": "of all"}});
    let observations = read(&log(json!([run])));
    let found: Vec<_> = findings(&observations)
        .iter()
        .map(|f| format!("{} {:?}", f.check.as_deref().unwrap(), f.evidence))
        .collect();
    assert_eq!(
        found,
        [
            "B Some(\"p is {0}\")",
            "A Some(\"of all\")",
            "E None",
            "B/sub None",
            "A Some(\"first thing\")",
            "unknown Some(\"t\")"
        ]
    );
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 1);
}

#[test]
fn severity_is_the_score_or_the_level() {
    let rule = |level: &str, score: Value| json!({"id": "r", "defaultConfiguration": {"level": level}, "properties": {"security-severity": score}});
    for (rule, result, severity) in [
        (rule("note", json!(null)), json!({}), Severity::Low),
        (rule("note", json!("9.8")), json!({}), Severity::Critical),
        (rule("note", json!(7.5)), json!({"level": "error"}), Severity::High),
        (
            rule("note", json!(7.5)),
            json!({"properties": {"security-severity": "5.0"}}),
            Severity::Medium,
        ),
        (json!({"id": "r"}), json!({}), Severity::Medium),
        (json!({"id": "r"}), json!({"level": "error"}), Severity::High),
    ] {
        let mut result = result;
        result["ruleId"] = json!("r");
        assert_eq!(one("x", rule.clone(), result).severity, severity, "{rule}");
    }
}

#[test]
fn what_does_not_fail_is_counted() {
    let entries = [
        (json!({"kind": "pass"}), SkipReason::Passed),
        (json!({"kind": "notApplicable"}), SkipReason::NotAffected),
        (json!({"kind": "open"}), SkipReason::Informational),
        (json!({"kind": "review"}), SkipReason::Informational),
        (json!({"kind": "informational"}), SkipReason::Informational),
        (json!({"level": "none"}), SkipReason::Informational),
        (json!({"baselineState": "absent"}), SkipReason::Resolved),
        (json!({"suppressions": [{"kind": "inSource"}]}), SkipReason::Suppressed),
        (json!({"suppressions": [{"status": "accepted"}]}), SkipReason::Suppressed),
    ];
    for (mut entry, reason) in entries {
        entry["ruleId"] = json!("r");
        let observations = read(&log(json!([run("x", json!([]), json!([entry]))])));
        assert_eq!(skipped(&observations, reason), 1, "{entry}");
    }
    for mut entry in [
        json!({"kind": "fail", "baselineState": "unchanged", "suppressions": []}),
        json!({"suppressions": [{"status": "accepted"}, {"status": "rejected"}]}),
        json!({"suppressions": [{"status": "underReview"}]}),
        json!({"level": "none", "properties": {"tags": ["CVE-2024-1111"]}}),
    ] {
        entry["ruleId"] = json!("r");
        let observations = read(&log(json!([run("x", json!([]), json!([entry]))])));
        assert_eq!(findings(&observations).len(), 1, "{entry}");
    }
}

#[test]
fn only_whole_runs_close_findings() {
    let asset = |run: Value| assets(&read(&log(json!([run]))))[0].complete.clone();
    let clean = run("x", json!([]), json!([]));
    assert_eq!(asset(clean.clone()), [ScanKind::Code]);
    assert_eq!(asset(json!({"tool": {"driver": {"name": "x"}}})), [], "it has no results at all");
    assert_eq!(asset(json!({"tool": {"driver": {"name": "x"}}, "results": null})), []);
    for invocation in [
        json!({"executionSuccessful": false}),
        json!({"executionSuccessful": true, "toolExecutionNotifications": [{"level": "error"}]}),
    ] {
        let mut failed = clean.clone();
        failed["invocations"] = json!([invocation]);
        assert_eq!(asset(failed.clone()), [], "{invocation}");
        let both = read(&log(json!([clean, failed])));
        assert!(assets(&both).iter().all(|a| a.complete.is_empty()), "one of two failed");
    }
}

#[test]
fn each_run_has_its_asset_and_all_tools_are_named() {
    let mut first = run("B", json!([]), json!([{"ruleId": "r"}]));
    first["versionControlProvenance"] = json!([{"repositoryUri": "https://g/a", "branch": "main"}]);
    let second = run("A", json!([]), json!([{"ruleId": "r"}]));
    let third = json!({"tool": {"driver": {"name": "A", "semanticVersion": "1"}}, "results": []});
    let observations = read(&log(json!([first, second, third])));
    let Observation::Report(info) = &observations[0] else { panic!() };
    assert_eq!((info.scanner.as_str(), info.scanner_version.as_deref()), ("a+b", None));
    let found: Vec<_> = pairs(&observations)
        .into_iter()
        .map(|(asset, f)| (asset, f.vulnerability.id.clone()))
        .collect();
    assert_eq!(found, [("https://g/a".into(), "B-R".into()), (String::new(), "A-R".into())]);
    assert_eq!(assets(&observations).len(), 3);
    assert_eq!(assets(&observations)[0].tags["branch"], "main");
}

#[test]
fn trivy_names_packages() {
    let rules = json!([
        {"id": "CVE-2024-1111", "name": "OsPackageVulnerability", "properties": {"security-severity": "2.0"}},
        {"id": "CVE-2024-2222", "name": "LanguageSpecificPackageVulnerability"},
        {"id": "aws-key", "name": "Secret"}, {"id": "DS001", "name": "Misconfiguration"}, {"id": "GPL", "name": "License"},
    ]);
    let text = |package: &str| {
        format!(
            "Package: {package}\nInstalled Version: 1.0\nVulnerability X\nSeverity: CRITICAL\nFixed Version: 1.1\nLink: x"
        )
    };
    let at = json!([{"physicalLocation": {"artifactLocation": {"uri": "app/go.mod", "uriBaseId": "ROOTPATH"}, "region": {"startLine": 1}}}]);
    let mut run = run(
        "Trivy",
        rules,
        json!([
            {"ruleId": "CVE-2024-1111", "ruleIndex": 0, "message": {"text": text("apt")}, "locations": at},
            {"ruleId": "CVE-2024-2222", "ruleIndex": 1, "message": {"text": text("x/y")}, "locations": at},
            {"ruleId": "aws-key"}, {"ruleId": "DS001"}, {"ruleId": "GPL"},
        ]),
    );
    run["properties"] = json!({"imageName": "debian:12", "repoTags": ["debian:12"], "imageID": "sha256:8914eb54f968791faf6a8638949e480fef81e697984fba772b3976835194c6d4"});
    let observations = read(&log(json!([run])));
    let asset = assets(&observations)[0];
    assert_eq!((asset.asset_id.as_str(), asset.asset_type), ("debian:12", AssetType::Container));
    assert_eq!(asset.complete, [ScanKind::OsPackages, ScanKind::Libraries]);
    assert_eq!(asset.identifiers.len(), 2);
    let found = findings(&observations);
    let c = &found[0].component;
    assert_eq!(
        (c.name.as_str(), c.version.as_deref(), c.path.as_deref()),
        ("apt", Some("1.0"), None)
    );
    assert_eq!(
        (found[0].severity, found[0].fixed_version.as_deref()),
        (Severity::Critical, Some("1.1"))
    );
    assert!(found[0].place.is_empty());
    assert_eq!(found[1].component.path.as_deref(), Some("app/go.mod"));
    for reason in [SkipReason::Secret, SkipReason::Misconfiguration, SkipReason::License] {
        assert_eq!(skipped(&observations, reason), 1);
    }
}

#[test]
fn grype_names_packages() {
    let rule = json!({
        "id": "CVE-1999-0001-package-1", "shortDescription": {"text": "CVE-1999-0001 low vulnerability for package-1 package"},
        "help": {"text": "Vulnerability CVE-1999-0001\nSeverity: low\nPackage: package-1\nVersion: 1.1.1\nFix Version: the-next-version\nType: rpm"},
        "properties": {"security-severity": "4.0", "purls": ["pkg:rpm/a/package-1@1.1.1?arch=x86_64"]}
    });
    for text in [
        "A low vulnerability in rpm package: package-1, version 1.1.1 was found in image user-input at: /somefile-1.txt",
        "The path /somefile-1.txt reports package-1 at version 1.1.1  which is a vulnerable (rpm) package installed in the container",
    ] {
        let result = json!({"ruleId": "CVE-1999-0001-package-1", "message": {"text": text}});
        let observations = read(&log(json!([run("grype", json!([rule]), json!([result]))])));
        let found = findings(&observations)[0];
        let c = &found.component;
        assert_eq!(found.vulnerability.id, "CVE-1999-0001");
        assert_eq!(
            (c.name.as_str(), c.version.as_deref(), c.ecosystem.as_deref()),
            ("package-1", Some("1.1.1"), Some("rpm"))
        );
        assert_eq!(
            (c.path.as_deref(), c.architecture.as_deref()),
            (Some("/somefile-1.txt"), Some("x86_64"))
        );
        assert_eq!(
            (found.severity, found.fixed_version.as_deref()),
            (Severity::Low, Some("the-next-version"))
        );
        assert_eq!(found.vulnerability.title, None);
        let asset = assets(&observations)[0];
        assert_eq!(asset.asset_id, if text.starts_with("A low") { "user-input" } else { "" });
    }
}

#[test]
fn secrets_are_not_copied() {
    let result = json!({"ruleId": "r", "message": {"text": "found"}, "locations": [{"physicalLocation":
        {"artifactLocation": {"uri": "a"}, "region": {"startLine": 1, "snippet": {"text": "AKIAIOSFODNN7EXAMPLE"}}}}]});
    let evidence = |tool: &str, rule: Value| one(tool, rule, result.clone()).evidence.unwrap();
    assert!(evidence("eslint", json!({"id": "r"})).contains("AKIA"));
    assert!(!evidence("gitleaks", json!({"id": "r"})).contains("AKIA"));
    let tagged = json!({"id": "r", "properties": {"tags": ["security/secrets"]}});
    assert!(!evidence("semgrep", tagged).contains("AKIA"));
}

#[test]
fn weaknesses_and_web_addresses_are_read() {
    let rule = json!({"id": "r", "properties": {"tags": ["external/cwe/cwe-079", "cwe-x"], "cwe": "CWE-80: x"},
        "relationships": [{"target": {"id": "81", "toolComponent": {"name": "CWE"}}}, {"target": {"id": "82"}}]});
    let result = json!({"ruleId": "r", "taxa": [{"id": "83", "toolComponent": {"name": "CWE"}}], "message": {},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "https://h.example/a?b"}}}]});
    let found = one("zap", rule, result);
    assert_eq!(found.vulnerability.cwe_ids, ["CWE-83", "CWE-79", "CWE-80", "CWE-81"]);
    assert_eq!(
        (found.scan, found.place.url.as_deref()),
        (ScanKind::Web, Some("https://h.example/a?b"))
    );
    assert_eq!((found.component.name.as_str(), found.component.path), ("h.example", None));
}
