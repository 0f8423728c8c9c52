//! What users of other tools reported as "the list lies", each as a story that must go well
//! here. The numbers are those of the threads in their trackers.

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, report, trivy};

fn fixture(path: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports");
    std::fs::read(folder.join(path)).unwrap()
}

fn counts(import: &Value) -> [u64; 5] {
    ["new", "seen", "reopened", "closed", "held"].map(|name| import[name].as_u64().unwrap())
}

fn import(client: &Client, query: &str, report: &Value) -> Value {
    client.import(query, report.to_string().as_bytes()).ok(201)
}

/// `DefectDojo` 8100: "46 of 78 findings mitigated" by importing the identical file.
#[test]
fn defectdojo_8100_the_identical_file_closes_nothing() {
    let server = Server::start();
    let client = server.token("operator");
    let file = report("dd-legacy_many_vulns.json");
    let first = client.import("", &file).ok(201);
    let findings = first["findings"].as_u64().unwrap();
    assert!(findings > 78);
    for _ in 0..3 {
        assert_eq!(counts(&client.import("", &file).ok(201)), [0, findings, 0, 0, 0]);
    }
    assert_eq!(client.get("/findings?is_open=true").ok(200)["total_count"], findings);
}

/// A SARIF log with 34 results of one rule in one file, on lines from `first`.
fn sarif(first: u64) -> Value {
    let results: Vec<Value> = (0..34)
        .map(|n| {
            json!({"ruleId": "js/xss", "level": "error", "message": {"text": "unescaped"},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/page.js"},
                    "region": {"startLine": first + n * 10}}}]})
        })
        .collect();
    json!({"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{"tool": {"driver": {"name": "linter", "rules": [{"id": "js/xss"}]}},
            "results": results}]})
}

/// `DefectDojo` 11470: 33 of 34 findings of a SARIF log closed by importing it again.
#[test]
fn defectdojo_11470_results_that_look_alike_stay_apart() {
    let server = Server::start();
    let client = server.token("operator");
    let first = import(&client, "?asset=shop", &sarif(10));
    assert_eq!(counts(&first), [34, 0, 0, 0, 0]);
    assert_eq!(counts(&import(&client, "?asset=shop", &sarif(10))), [0, 34, 0, 0, 0]);
    assert_eq!(client.get("/findings?is_open=true").ok(200)["total_count"], 34);
}

/// `DefectDojo` 3848: false positives are active again after the next import.
#[test]
fn defectdojo_3848_false_positives_do_not_come_back() {
    let server = Server::start();
    let client = server.token("operator");
    import(&client, "", &trivy("web", &[("CVE-2026-1", "a")]));
    let change = json!({"status": "false_positive", "status_reason": "no"});
    client.patch("/findings/1", &change).ok(200);
    import(&client, "", &trivy("web", &[("CVE-2026-1", "a")]));
    import(&client, "", &trivy("web", &[]));
    import(&client, "", &trivy("web", &[("CVE-2026-1", "a")]));
    let all = client.all("/findings");
    assert_eq!((all.len(), &all[0]["status"]), (1, &json!("false_positive")));
}

/// `DefectDojo` 2824: clones, because title and description carry what changes.
#[test]
fn defectdojo_2824_new_words_are_no_new_finding() {
    let server = Server::start();
    let client = server.token("operator");
    for n in 0..3 {
        let mut report = trivy("web", &[("CVE-2026-1", "a")]);
        let found = &mut report["Results"][0]["Vulnerabilities"][0];
        found["Title"] = json!(format!("a: overflow, as of scan {n}"));
        found["Description"] = json!(format!("in pod web-7f9c-{n}"));
        found["Layer"] = json!({"DiffID": format!("sha256:{n}")});
        report["Results"][0]["Target"] = json!(format!("web (alpine 3.9.{n})"));
        assert_eq!(import(&client, "", &report)["new"], u64::from(n == 0));
    }
}

/// Dependency-Track 3268: a suppressed finding is back with every new version.
#[test]
fn dependency_track_3268_a_decision_holds_for_every_version() {
    let server = Server::start();
    let client = server.token("operator");
    let scan = |version: &str| {
        let mut report = trivy("web", &[("CVE-2026-1", "a")]);
        report["Results"][0]["Vulnerabilities"][0]["InstalledVersion"] = json!(version);
        import(&client, "", &report)
    };
    scan("1.0");
    let change = json!({"status": "false_positive", "status_reason": "wrong product"});
    client.patch("/findings/1", &change).ok(200);
    for version in ["1.1", "1.2", "2.0"] {
        scan(version);
        assert_eq!(client.get("/findings?is_open=true").ok(200)["total_count"], 0, "{version}");
    }
}

/// Dependency-Track 1994: CVE and GHSA of one vulnerability are shown, and decided, twice.
#[test]
fn dependency_track_1994_cve_and_ghsa_are_one() {
    let server = Server::start();
    let client = server.token("operator");
    let npm = |id: &str, aliases: &[&str]| {
        let mut report = trivy("app", &[(id, "left-pad")]);
        report["Results"][0]["Class"] = json!("lang-pkgs");
        report["Results"][0]["Type"] = json!("npm");
        report["Results"][0]["Target"] = json!("package-lock.json");
        report["Results"][0]["Vulnerabilities"][0]["VendorIDs"] = json!(aliases);
        import(&client, "", &report)
    };
    npm("CVE-2026-1", &[]);
    let again = npm("GHSA-AAAA-BBBB-CCCC", &["CVE-2026-1"]);
    assert_eq!(counts(&again), [0, 1, 0, 0, 0]);
    assert_eq!(client.get("/findings").ok(200)["total_count"], 1);
    assert_eq!(client.get("/vulnerabilities").ok(200)["total_count"], 1);
}

/// Wazuh 37762: a fully patched host goes on to show its old vulnerabilities.
#[test]
fn wazuh_37762_what_is_patched_is_no_longer_shown() {
    let server = Server::start();
    let client = server.token("operator");
    let old = b"ID=debian\nVERSION_ID=\"12\"\nopenssl\t3.0.11-1\nbash\t5.2-1\n";
    client.import("?asset=web1", old).ok(201);
    let mut report = trivy("web1", &[("CVE-2026-1", "openssl"), ("CVE-2026-2", "bash")]);
    report["Results"][0]["Type"] = json!("debian");
    report["Results"][0]["Target"] = json!("web1 (debian 12)");
    let found = report["Results"][0]["Vulnerabilities"].as_array_mut().unwrap();
    found[0]["InstalledVersion"] = json!("3.0.11-1");
    found[1]["InstalledVersion"] = json!("5.2-1");
    import(&client, "", &report);
    assert_eq!(client.get("/findings?is_open=true").ok(200)["total_count"], 2);
    // No scanner runs again; the package list alone says what has gone.
    let patched = b"ID=debian\nVERSION_ID=\"12\"\nopenssl\t3.0.14-1\nbash\t5.2-1\n";
    let done = client.import("?asset=web1", patched).ok(201);
    assert_eq!((&done["closed"], &done["components"]), (&json!(1), &json!(2)), "{done}");
    let open = client.all("/findings?is_open=true");
    assert_eq!((open.len(), &open[0]["cve_id"]), (1, &json!("CVE-2026-2")));
    let gone = client.all("/packages?asset=web1&is_installed=false");
    assert_eq!(gone[0]["component"]["version"], "3.0.11-1");
}

/// Faraday 411: every severity is lost in the import.
#[test]
fn faraday_411_severities_survive() {
    let server = Server::start();
    let client = server.token("operator");
    client.import("", &fixture("openvas/dd-many_vuln.csv")).ok(201);
    let rated = client.get("/findings/facets?fields=severity").ok(200);
    let severities = rated["facets"]["severity"].as_array().unwrap();
    let words: Vec<&str> = severities.iter().filter_map(|s| s["value"].as_str()).collect();
    assert!(words.iter().any(|w| matches!(*w, "medium" | "high" | "critical")), "{rated}");
    assert!(!words.contains(&"unknown"), "{rated}");
}
