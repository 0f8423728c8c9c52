//! Undoing: bulk edits as one, imports exactly, and only while nothing has built on them.

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, report, trivy};

/// All that is known, without what goes up with every write.
fn state(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for resource in ["findings", "vulnerabilities", "assets", "packages", "decisions"] {
        all.extend(client.all(&format!("/{resource}?sort=id")));
    }
    for record in &mut all {
        let record = record.as_object_mut().unwrap();
        record.retain(|name, _| name != "version" && name != "updated_at");
    }
    all
}

fn scan(client: &Client, asset: &str, findings: &[(&str, &str)]) -> Value {
    client.import("", trivy(asset, findings).to_string().as_bytes()).ok(201)
}

fn revert(client: &Client, import: &Value) -> super::client::Answer {
    client.post(&format!("/imports/{}/revert", import["id"]), &json!({}))
}

#[test]
fn a_bulk_edit_is_one_change_with_one_audit_entry_and_is_undone_as_one() {
    let server = Server::start();
    let (client, admin) = (server.token("operator"), server.token("admin"));
    client.import("", &report("trivy-alpine-39.json")).ok(201);
    let before = state(&client);
    let entries = admin.get("/audit-logs").ok(200)["total_count"].as_u64().unwrap();

    let patch = json!({"status": "false_positive", "status_reason": "checked", "notes": "n"});
    let request = json!({"filter": {}, "patch": patch});
    let done = client.post("/findings/bulk", &request).ok(200);
    assert!(done["changed"].as_u64().unwrap() > 1, "{done}");
    let logs = admin.get("/audit-logs?sort=-id").ok(200);
    assert_eq!(logs["total_count"], entries + 1);
    let log = &logs["items"][0];
    assert_eq!(log["changes"]["status"]["new"], "false_positive");
    assert_eq!(log["changes"]["ids"]["new"].as_array().unwrap().len() as u64, done["changed"]);
    assert_ne!(state(&client), before);

    let undo = format!("/changes/{}/undo", done["change_id"]);
    server.token("viewer").post(&undo, &json!({})).problem(403, "forbidden");
    let undone = client.post(&undo, &json!({})).ok(200);
    assert_eq!((&undone["state"], &undone["left"]), (&json!("undone"), &json!(0)));
    assert_eq!(state(&client), before);
    client.post(&undo, &json!({})).problem(409, "conflict");
    assert_eq!(client.get("/changes?kind=bulk_edit&state=undone").ok(200)["total_count"], 1);
}

#[test]
fn all_of_a_bulk_edit_is_done_or_nothing() {
    let server = Server::start();
    let client = server.token("operator");
    client.import("", &report("trivy-alpine-39.json")).ok(201);
    let before = state(&client);
    let request = json!({"ids": [1, "none", 2], "patch": {"notes": "n"}});
    let refused = client.post("/findings/bulk", &request);
    let problem = refused.problem(404, "not-found");
    assert!(problem["detail"].as_str().unwrap().contains("nothing was changed"), "{problem}");
    assert_eq!(problem["errors"][0]["pointer"], "/ids/1");
    assert_eq!(state(&client), before);
    let each = json!({"ids": [1, "none", 2], "patch": {"notes": "n"}, "atomic": false});
    let each = client.post("/findings/bulk", &each).ok(200);
    assert_eq!((&each["changed"], &each["failed"]), (&json!(2), &json!(1)));
    assert_eq!(each.get("change_id"), None, "what is done one by one is undone one by one");
}

#[test]
fn a_bulk_edit_is_not_undone_over_later_changes() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")]);
    let request = json!({"filter": {}, "patch": {"assigned_to": "bob"}});
    let done = client.post("/findings/bulk", &request).ok(200);
    client.patch("/findings/2", &json!({"notes": "mine"})).ok(200);
    let undo = format!("/changes/{}/undo", done["change_id"]);
    let problem = client.post(&undo, &json!({})).problem(409, "conflict");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("finding 2 (CVE-2026-2 on web"), "{detail}");
    assert_eq!(client.get("/findings/1").ok(200)["assigned_to"], "bob", "nothing was undone");
}

#[test]
fn an_import_is_reverted_exactly_the_last_one_first() {
    let server = Server::start();
    let client = server.token("operator");
    let nothing = state(&client);
    let first = scan(&client, "web", &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")]);
    let one = state(&client);
    // Sees one again, closes one, brings one.
    let second = scan(&client, "web", &[("CVE-2026-1", "a"), ("CVE-2026-3", "a")]);
    assert_eq!((&second["new"], &second["closed"]), (&json!(1), &json!(1)));
    // Another asset shares a vulnerability.
    let other = scan(&client, "db", &[("CVE-2026-1", "a")]);

    let problem = revert(&client, &first).problem(409, "conflict");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("last seen by import {}", second["id"])), "{detail}");

    server
        .token("viewer")
        .post(&format!("/imports/{}/revert", second["id"]), &json!({}))
        .problem(403, "forbidden");
    assert_eq!(revert(&client, &second).ok(200)["status"], "reverted");
    revert(&client, &second).problem(409, "conflict");
    let open: Vec<_> = client.all("/findings?asset=web&is_open=true&sort=id");
    assert_eq!(open.len(), 2, "what it closed is open, what it brought has gone");
    assert_eq!(client.get("/vulnerabilities/CVE-2026-3").status, 404);

    // The vulnerability that 'db' uses too stays, with the finding there.
    assert_eq!(revert(&client, &first).ok(200)["status"], "reverted");
    assert_eq!(client.get("/findings").ok(200)["total_count"], 1);
    assert_eq!(client.get("/vulnerabilities/CVE-2026-1").ok(200)["total_findings"], 1);
    assert_eq!(client.get("/vulnerabilities/CVE-2026-2").status, 404);
    assert_eq!(revert(&client, &other).ok(200)["status"], "reverted");
    let left = state(&client);
    assert_eq!(left.len(), 1, "what 'db' used was not brought by it: {left:?}");
    assert_eq!(left[0]["open_findings"], 0);
    assert_ne!(left, nothing);

    // The same report again, as if for the first time.
    let again = scan(&client, "web", &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")]);
    assert_eq!(again["new"], 2);
    assert_eq!(state(&client).len(), one.len());
}

#[test]
fn a_decision_stands_in_the_way_of_reverting() {
    let server = Server::start();
    let client = server.token("operator");
    let import = scan(&client, "web", &[("CVE-2026-1", "a")]);
    let patch = json!({"status": "risk_accepted", "status_reason": "behind a wall"});
    client.patch("/findings/1", &patch).ok(200);
    revert(&client, &import).problem(409, "conflict");
    assert_eq!(client.get("/findings/1").ok(200)["status"], "risk_accepted");
}

#[test]
fn what_is_not_kept_is_not_undone() {
    let server = Server::with(&["undo.keep_days=0"]);
    let client = server.token("operator");
    let import = scan(&client, "web", &[("CVE-2026-1", "a")]);
    let problem = revert(&client, &import).problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("undo.keep_days"), "{problem}");
    let done = client.post("/findings/bulk", &json!({"filter": {}, "patch": {"notes": "n"}}));
    assert_eq!(done.ok(200).get("change_id"), None);
}
