//! Decisions outlive data (guarantee G4): they are bound to vulnerability, package and
//! scope, not to what a scanner writes.

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, trivy};

fn scan(client: &Client, asset: &str, findings: &[(&str, &str)]) -> Value {
    client.import("", trivy(asset, findings).to_string().as_bytes()).ok(201)
}

/// A scan in which every package has this version.
fn scan_version(client: &Client, asset: &str, findings: &[(&str, &str)], version: &str) -> Value {
    let mut report = trivy(asset, findings);
    for found in report["Results"][0]["Vulnerabilities"].as_array_mut().unwrap() {
        found["InstalledVersion"] = json!(version);
        found["Title"] = json!(format!("renamed for {version}"));
    }
    client.import("", report.to_string().as_bytes()).ok(201)
}

fn finding(client: &Client, asset: &str, cve: &str, version: &str) -> Value {
    let found = client.all(&format!("/findings?asset={asset}&cve_id={cve}"));
    let wanted = |f: &&Value| f["component"]["version"] == version;
    found.iter().find(wanted).unwrap_or_else(|| panic!("no {cve} {version} on {asset}")).clone()
}

fn statuses(client: &Client, cve: &str) -> Vec<String> {
    let all = client.all(&format!("/findings?cve_id={cve}&sort=id"));
    all.iter().map(|f| f["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_decision_holds_for_the_next_version_with_its_history() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")]);
    let id = finding(&client, "web", "CVE-2026-1", "1.0")["id"].clone();
    let change = json!({"status": "risk_accepted", "status_reason": "behind a proxy",
        "compensating_control": "the proxy", "assigned_to": "eve", "notes": "see wiki"});
    let accepted = client.patch(&format!("/findings/{id}"), &change).ok(200);
    let decision = client.get(&format!("/decisions/{}", accepted["decision_id"])).ok(200);
    assert_eq!(decision["scope"], "finding");
    assert_eq!(decision["package"], "apk a");
    assert_eq!(decision["compensating_control"], "the proxy");

    scan_version(&client, "web", &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")], "1.0.1");
    let next = finding(&client, "web", "CVE-2026-1", "1.0.1");
    assert_eq!(next["status"], "risk_accepted");
    assert_eq!(next["decision_id"], accepted["decision_id"]);
    assert_eq!((&next["assigned_to"], &next["notes"]), (&json!("eve"), &json!("see wiki")));
    assert_eq!(next["first_seen"], accepted["first_seen"]);
    assert_eq!(finding(&client, "web", "CVE-2026-2", "1.0.1")["status"], "open");
    assert_eq!(finding(&client, "web", "CVE-2026-1", "1.0")["status"], "fixed");

    client.post(&format!("/decisions/{}/revoke", accepted["decision_id"]), &json!({})).ok(200);
    let open = finding(&client, "web", "CVE-2026-1", "1.0.1");
    assert_eq!((&open["status"], &open["reopened_count"]), (&json!("open"), &json!(1)));
    let last = open["history"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["from"], &last["to"]), (&json!("risk_accepted"), &json!("open")));
    assert!(last["reason"].as_str().unwrap().contains("was revoked"), "{last}");
    assert_eq!(finding(&client, "web", "CVE-2026-1", "1.0")["status"], "fixed");
}

#[test]
fn scopes_reach_as_far_as_they_say_and_the_narrow_wins() {
    let server = Server::start();
    let client = server.token("operator");
    for asset in ["web", "db"] {
        scan(&client, asset, &[("CVE-2026-1", "a"), ("CVE-2026-1", "b")]);
    }
    client.patch("/assets/db", &json!({"tags": {"env": "test"}})).ok(200);
    let of_tag = json!({"kind": "not_affected", "vulnerability": "CVE-2026-1", "tag": "env=test",
        "reason": "no input", "justification": "vulnerable_code_not_in_execute_path"});
    let preview = client.post("/decisions/preview", &of_tag).ok(200);
    assert_eq!((&preview["matched"], &preview["changed"]), (&json!(2), &json!(2)));
    assert_eq!(client.get("/decisions").ok(200)["total_count"], 0, "a preview stores nothing");
    client.post("/decisions", &of_tag).ok(201);
    assert_eq!(statuses(&client, "CVE-2026-1"), ["open", "open", "not_affected", "not_affected"]);

    let of_fleet = json!({"kind": "false_positive", "vulnerability": "CVE-2026-1",
        "package": "apk a", "reason": "no"});
    let fleet = client.post("/decisions", &of_fleet).ok(201);
    let all = statuses(&client, "CVE-2026-1");
    assert_eq!(all, ["false_positive", "open", "not_affected", "not_affected"]);
    let of_asset = json!({"kind": "risk_accepted", "vulnerability": "CVE-2026-1", "asset": "web",
        "reason": "yes"});
    client.post("/decisions", &of_asset).ok(201);
    let all = statuses(&client, "CVE-2026-1");
    assert_eq!(all, ["risk_accepted", "risk_accepted", "not_affected", "not_affected"]);

    // One that reaches further than the finding is not taken back through it.
    let first = client.all("/findings?cve_id=CVE-2026-1&sort=id")[0]["id"].clone();
    let refused = client.patch(&format!("/findings/{first}"), &json!({"status": "open"}));
    let problem = refused.problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("reaches further (asset)"), "{problem}");

    // Hosts that come later follow, too.
    scan(&client, "mail", &[("CVE-2026-1", "a"), ("CVE-2026-1", "b")]);
    assert_eq!(statuses(&client, "CVE-2026-1")[4..], ["false_positive", "open"]);
    let counts = client.get("/vulnerabilities/CVE-2026-1").ok(200);
    assert_eq!((&counts["open_findings"], &counts["total_findings"]), (&json!(1), &json!(6)));
    client.post(&format!("/decisions/{}/revoke", fleet["id"]), &json!({})).ok(200);
    assert_eq!(client.get("/vulnerabilities/CVE-2026-1").ok(200)["open_findings"], 2);

    // So do those that get the tag, or lose it.
    client.patch("/assets/db", &json!({"tags": {}})).ok(200);
    client.patch("/assets/mail", &json!({"tags": {"env": "test"}})).ok(200);
    let all = statuses(&client, "CVE-2026-1");
    assert_eq!(all[2..], ["open", "open", "not_affected", "not_affected"]);
}

#[test]
fn assignments_dates_and_notes_fill_what_is_empty() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", &[("CVE-2026-1", "a")]);
    let due = "2027-01-01T00:00:00Z";
    for decision in [
        json!({"kind": "assignment", "vulnerability": "CVE-2026-1", "assigned_to": "eve"}),
        json!({"kind": "due_date", "vulnerability": "CVE-2026-1", "due_at": due}),
        json!({"kind": "note", "vulnerability": "CVE-2026-1", "note": "read this"}),
    ] {
        client.post("/decisions", &decision).ok(201);
    }
    scan(&client, "db", &[("CVE-2026-1", "a")]);
    for asset in ["web", "db"] {
        let f = finding(&client, asset, "CVE-2026-1", "1.0");
        assert_eq!((&f["assigned_to"], &f["notes"]), (&json!("eve"), &json!("read this")));
        assert!(f["due_at"].as_str().unwrap().starts_with("2027-01-01"), "{f}");
        assert_eq!(f["status"], "open");
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", &[("CVE-2026-1", "a")]);
    for (body, pointer) in [
        (json!({"kind": "risk_accepted", "vulnerability": "CVE-2026-1"}), "/reason"),
        (json!({"kind": "assignment", "vulnerability": "CVE-2026-1"}), "/assigned_to"),
        (json!({"kind": "false_positive", "reason": "x"}), "/vulnerability"),
        (json!({"kind": "note", "note": "x", "vulnerability": "CVE-2026-9"}), "/vulnerability"),
        (json!({"kind": "note", "note": "x", "finding_id": 77}), "/finding_id"),
        (
            json!({"kind": "note", "note": "x", "vulnerability": "CVE-2026-1", "asset": "no"}),
            "/asset",
        ),
        (
            json!({"kind": "false_positive", "reason": "x", "vulnerability": "CVE-2026-1",
                "expires_at": "2020-01-01T00:00:00Z"}),
            "/expires_at",
        ),
    ] {
        assert_eq!(client.post("/decisions", &body).pointers(422), [pointer], "{body}");
    }
    assert_eq!(client.get("/decisions").ok(200)["total_count"], 0);
}
