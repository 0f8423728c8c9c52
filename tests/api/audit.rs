//! The audit log: every change leaves an entry that says who, from where, what, and how it
//! was before and after.

use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::harness::{Server, report, run};

/// The entries of one request.
fn entries(admin: &Client, answer: &Answer) -> Vec<Value> {
    assert!(answer.status < 300, "{}", answer.text());
    let id = answer.header("x-request-id");
    admin.all(&format!("/audit-logs?request_id={id}&sort=id"))
}

#[test]
fn every_change_leaves_an_entry() {
    let server = Server::start();
    let admin = server.account();
    let seen = |action: &str, answer: Answer| {
        let found = entries(&admin, &answer);
        let entry = found.iter().find(|e| e["action"] == action);
        let entry = entry.unwrap_or_else(|| panic!("no {action} among {found:?}")).clone();
        assert_eq!(
            (&entry["actor"], &entry["actor_type"]),
            (&json!("ada"), &json!("user")),
            "{action}"
        );
        assert_eq!((&entry["ip_address"], &entry["success"]), (&json!("127.0.0.1"), &json!(true)));
        entry
    };
    let created =
        seen("assets.create", admin.post("/assets", &json!({"asset_id": "web", "owner": "ops"})));
    assert_eq!(created["changes"]["owner"], json!({"new": "ops"}));
    assert_eq!(
        (&created["resource_type"], &created["resource"]),
        (&json!("assets"), &json!("web"))
    );
    let change = json!({"owner": "dev", "criticality": 9, "hostname": "web.example"});
    let updated = seen("assets.update", admin.patch("/assets/web", &change));
    let changes = updated["changes"].as_object().unwrap();
    assert_eq!(changes["owner"], json!({"old": "ops", "new": "dev"}));
    assert_eq!(changes["criticality"], json!({"old": 5, "new": 9}));
    assert_eq!(changes["hostname"], json!({"new": "web.example"}));
    let again = admin.patch("/assets/web", &change);
    assert!(entries(&admin, &again).is_empty(), "what changes nothing is not written");

    seen(
        "vulnerabilities.create",
        admin.post("/vulnerabilities", &json!({"cve_id": "CVE-2026-1"})),
    );
    seen(
        "vulnerabilities.update",
        admin.patch("/vulnerabilities/CVE-2026-1", &json!({"kev": true})),
    );
    seen("patches.create", admin.post("/patches", &json!({"title": "t", "vulnerability_id": 1})));
    seen("patches.update", admin.patch("/patches/1", &json!({"title": "u"})));
    seen("patches.delete", admin.delete("/patches/1"));
    seen("imports.create", admin.import("?filename=a.json", &report("trivy-alpine-39.json")));
    seen("findings.update", admin.patch("/findings/1", &json!({"assigned_to": "bob"})));
    let bulk = json!({"ids": [1, 2], "patch": {"assigned_to": "eve"}});
    let of_bulk = entries(&admin, &admin.post("/findings/bulk", &bulk));
    assert_eq!(of_bulk.len(), 1);
    assert_eq!(of_bulk[0]["changes"]["assigned_to"], json!({"new": "eve"}));
    assert_eq!(of_bulk[0]["changes"]["ids"], json!({"new": [1, 2]}));
    let rehearsed = json!({"ids": [1], "patch": {"assigned_to": "nobody"}, "dry_run": true});
    assert!(entries(&admin, &admin.post("/findings/bulk", &rehearsed)).is_empty());
    seen("findings.delete", admin.delete("/findings/1"));
    seen("vulnerabilities.delete", admin.delete("/vulnerabilities/CVE-2026-1"));
    seen("assets.delete", admin.delete("/assets/web"));
    let user = json!({"username": "bob", "password": "password of bob", "role": "viewer"});
    seen("users.create", admin.post("/users", &user));
    seen("users.update", admin.patch("/users/bob", &json!({"role": "operator"})));
    let password =
        seen("auth.password", admin.patch("/users/bob", &json!({"password": "a secret of bob's"})));
    assert!(!password.to_string().contains("secret"));
    seen("users.delete", admin.delete("/users/bob"));
    seen("tokens.create", admin.post("/tokens", &json!({"name": "ci", "role": "viewer"})));
    seen("tokens.revoke", admin.delete("/tokens/1"));
    seen("maintenance.backup", admin.send("POST", "/admin/backup", &[], None));
    seen("maintenance.compact", admin.send("POST", "/admin/compact", &[], None));
    let out = admin.send("POST", "/auth/logout", &[], None);
    assert_eq!(entries(&server.admin(), &out)[0]["action"], "auth.logout");
}

#[test]
fn refusals_change_nothing_and_the_chain_holds() {
    let server = Server::start();
    let admin = server.account();
    let before = admin.get("/audit-logs").ok(200)["total_count"].clone();
    admin.post("/assets", &json!({"asset_id": ""}));
    admin.patch("/assets/none", &json!({"owner": "x"}));
    server.nobody().post("/assets", &json!({"asset_id": "a"}));
    assert_eq!(admin.get("/audit-logs").ok(200)["total_count"], before);
    let log = admin.all("/audit-logs?sort=id");
    for (n, entry) in log.iter().enumerate() {
        assert_eq!(entry["id"], n + 1, "no gaps");
        assert_eq!(entry["hash"].as_str().unwrap().len(), 64);
    }
    let checked = admin.send("POST", "/admin/check", &[], None).ok(200);
    assert_eq!((&checked["ok"], &checked["audit_entries"]), (&json!(true), &json!(log.len())));
    let data = server.stop();
    let text = run(data.path(), &["check"]).stdout;
    assert!(String::from_utf8_lossy(&text).contains("everything holds"));
}
