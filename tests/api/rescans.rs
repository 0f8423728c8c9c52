//! The same asset scanned again: what stays, what goes, what comes back, and what a person
//! decided.

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, report, trivy};

fn counts(import: &Value) -> [u64; 4] {
    ["new", "seen", "reopened", "closed"].map(|name| import[name].as_u64().unwrap())
}

fn scan(client: &Client, findings: &[(&str, &str)]) -> [u64; 4] {
    counts(&client.import("", trivy("image", findings).to_string().as_bytes()).ok(201))
}

fn status(client: &Client, cve: &str) -> Value {
    let found = client.get(&format!("/findings?cve_id={cve}")).ok(200);
    assert_eq!(found["total_count"], 1);
    found["items"][0].clone()
}

#[test]
fn the_same_report_again_changes_only_when_things_were_seen() {
    let server = Server::start();
    let client = server.token("operator");
    for name in ["dd-legacy_many_vulns.json", "trivy-alpine-39.json", "dd-kubernetes.json"] {
        let first = client.import("", &report(name)).ok(201);
        let plain = |rows: Vec<Value>| -> Vec<Value> {
            rows.into_iter()
                .map(|mut row| {
                    for name in ["last_seen", "last_import_id", "version", "updated_at", "sources"]
                    {
                        row.as_object_mut().unwrap().remove(name);
                    }
                    row
                })
                .collect()
        };
        let before = plain(client.all("/findings?sort=id"));
        let vulnerabilities = client.all("/vulnerabilities?sort=id");
        let again = client.import("", &report(name)).ok(201);
        assert_eq!(counts(&again), [0, first["findings"].as_u64().unwrap(), 0, 0], "{name}");
        assert_eq!(again["skipped_reasons"], first["skipped_reasons"], "{name}");
        assert_eq!(plain(client.all("/findings?sort=id")), before, "{name}");
        assert_eq!(client.all("/vulnerabilities?sort=id"), vulnerabilities, "{name}");
    }
}

#[test]
fn what_is_gone_is_closed_and_what_returns_is_reopened() {
    let server = Server::start();
    let client = server.token("operator");
    let all = [("CVE-2026-1", "a"), ("CVE-2026-2", "a"), ("CVE-2026-3", "b")];
    assert_eq!(scan(&client, &all), [3, 0, 0, 0]);
    assert_eq!(scan(&client, &all[..1]), [0, 1, 0, 2]);
    let closed = client.all("/findings?status=fixed&sort=cve_id");
    let names: Vec<_> = closed.iter().map(|f| &f["cve_id"]).collect();
    assert_eq!(names, ["CVE-2026-2", "CVE-2026-3"], "exactly those");
    assert!(closed.iter().all(|f| f["resolved_at"].is_string()));
    assert_eq!(client.get("/assets/image").ok(200)["open_findings"]["total"], 1);
    assert_eq!(client.get("/vulnerabilities/CVE-2026-2").ok(200)["open_findings"], 0);

    assert_eq!(scan(&client, &all), [0, 1, 2, 0]);
    let back = status(&client, "CVE-2026-2");
    assert_eq!((&back["status"], &back["reopened_count"]), (&json!("open"), &json!(1)));
    assert!(back["reopened_at"].is_string() && back.get("resolved_at").is_none());
    assert_eq!(client.get("/assets/image").ok(200)["open_findings"]["total"], 3);
    // Another asset's scan says nothing about this one.
    client.import("", trivy("other", &[]).to_string().as_bytes()).ok(201);
    assert_eq!(client.get("/findings?status=open").ok(200)["total_count"], 3);
    // A report that knows nothing any more closes all.
    assert_eq!(scan(&client, &[]), [0, 0, 0, 3]);
}

#[test]
fn a_decision_outlives_scans() {
    let server = Server::start();
    let client = server.token("operator");
    let all = [("CVE-2026-1", "a"), ("CVE-2026-2", "a"), ("CVE-2026-3", "b")];
    scan(&client, &all);
    for (n, word) in [(1, "risk_accepted"), (2, "false_positive"), (3, "triaged")] {
        let id = &status(&client, &format!("CVE-2026-{n}"))["id"];
        let body =
            json!({"status": word, "status_reason": "because", "assigned_to": "bob", "notes": "n"});
        client.patch(&format!("/findings/{id}"), &body).ok(200);
    }
    assert_eq!(scan(&client, &all), [0, 3, 0, 0]);
    for (n, word) in [(1, "risk_accepted"), (2, "false_positive"), (3, "triaged")] {
        let finding = status(&client, &format!("CVE-2026-{n}"));
        assert_eq!(finding["status"], word);
        let kept = ["status_reason", "assigned_to", "notes"].map(|name| &finding[name]);
        assert_eq!(kept, ["because", "bob", "n"]);
    }
    // Gone and back: accepted again; what was open is reopened.
    assert_eq!(scan(&client, &[]), [0, 0, 0, 3]);
    assert_eq!(status(&client, "CVE-2026-1")["status"], "fixed");
    assert_eq!(scan(&client, &all), [0, 2, 1, 0]);
    assert_eq!(status(&client, "CVE-2026-1")["status"], "risk_accepted");
    assert_eq!(status(&client, "CVE-2026-3")["status"], "open");
}
