//! Rules and SLA policies as clients meet them: made, ordered, previewed, removed; and what
//! becomes of findings, with who or what set it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, trivy};

fn scan(client: &Client, asset: &str, day: u8, findings: &[(&str, &str)]) -> Value {
    let mut report = trivy(asset, findings);
    report["CreatedAt"] = json!(format!("2026-01-{day:02}T00:00:00Z"));
    client.import("", report.to_string().as_bytes()).ok(201)
}

/// Waits until all findings follow what was changed.
fn settled(client: &Client) {
    let begun = Instant::now();
    while client.get("/jobs?kind=evaluate&status=queued,running").ok(200)["total_count"] != 0 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn finding(client: &Client, asset: &str, cve: &str) -> Value {
    client.all(&format!("/findings?asset={asset}&cve_id={cve}"))[0].clone()
}

fn due(finding: &Value) -> (&str, &str) {
    let day = finding["due_at"].as_str().map_or("", |text| &text[..10]);
    (day, finding["due_by"]["kind"].as_str().unwrap_or(""))
}

fn clean(server: &Server) {
    let check = server.admin().post("/admin/check", &json!({})).ok(200);
    assert_eq!(check["faults"], json!([]), "{check}");
}

#[test]
fn a_new_installation_has_policies_that_can_be_changed_and_removed() {
    let server = Server::start();
    let client = server.token("operator");
    let all = client.all("/sla-policies");
    let days: Vec<_> = all.iter().map(|p| (p["name"].as_str().unwrap(), &p["days"])).collect();
    let wanted =
        [("Known exploited", 14), ("Critical", 15), ("High", 30), ("Medium", 90), ("Low", 180)];
    assert_eq!(days.len(), wanted.len());
    for ((name, days), (wanted, number)) in days.into_iter().zip(wanted) {
        assert_eq!((name, days), (wanted, &json!(number)));
    }
    scan(&client, "web", 1, &[("CVE-2026-1", "a")]);
    let first = finding(&client, "web", "CVE-2026-1");
    assert_eq!(due(&first), ("2026-01-31", "sla"));
    assert_eq!((&first["due_by"]["name"], &first["overdue"]), (&json!("High"), &json!(true)));
    assert_eq!(first["trace"][0]["thing"], "due_at");

    let high = client.get("/sla-policies/High").ok(200);
    let path = format!("/sla-policies/{}", high["id"]);
    let patched = client.send(
        "PATCH",
        &path,
        &[("content-type", "application/merge-patch+json"), ("if-match", "\"77\"")],
        Some(b"{\"days\": 10000}"),
    );
    assert_eq!(patched.status, 422);
    let stale = client.send(
        "PATCH",
        &path,
        &[("content-type", "application/merge-patch+json"), ("if-match", "\"77\"")],
        Some(b"{\"days\": 3650}"),
    );
    stale.problem(412, "version-mismatch");
    client.patch(&path, &json!({"days": 3650})).ok(200);
    settled(&client);
    let later = finding(&client, "web", "CVE-2026-1");
    assert_eq!((due(&later), &later["overdue"]), (("2035-12-30", "sla"), &json!(false)));
    assert_eq!(later["trace"].as_array().unwrap().len(), 2);
    client.delete(&path).ok(204);
    settled(&client);
    let none = finding(&client, "web", "CVE-2026-1");
    assert_eq!(due(&none), ("", ""));
    assert_eq!(none["trace"][2].get("value"), None, "taken back");
    // Removed ones do not come back with the next start.
    assert_eq!(client.get("/sla-policies").ok(200)["total_count"], 4);
    clean(&server);
}

/// The preview of a rule that means one finding and changes it.
fn foresee_one(client: &Client, rule: &Value) {
    let preview = client.post("/rules/preview", rule).ok(200);
    assert_eq!((&preview["matched"], &preview["changed"]), (&json!(1), &json!(1)));
    assert_eq!((&preview["by_severity"]["high"], &preview["complete"]), (&json!(1), &json!(true)));
    assert_eq!((&preview["due_changed"], &preview["examined"]), (&json!(1), &json!(1)));
    let sample = &preview["sample"][0];
    assert_eq!((&sample["cve_id"], &sample["matched"]), (&json!("CVE-2026-1"), &json!(true)));
    assert_eq!(
        (&sample["before"]["status"], &sample["after"]["status"]),
        (&json!("open"), &json!("triaged"))
    );
    assert_eq!(client.get("/rules").ok(200)["total_count"], 0, "a preview stores nothing");
}

#[test]
fn rules_assign_and_date_what_comes_and_what_is_there() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", 1, &[("CVE-2026-1", "openssl"), ("CVE-2026-2", "zlib")]);
    client.patch("/assets/web", &json!({"tags": {"team": "web"}})).ok(200);
    let of_web = json!({"package": ["OpenSSL*"], "tag": ["team=web"]});
    let rule = json!({"name": "openssl on web", "matcher": of_web,
        "actions": {"assign_to": "zoe", "due_days": 7, "triage": true, "note": "restart it"}});
    foresee_one(&client, &rule);
    let made = client.post("/rules", &rule).ok(201);
    assert_eq!((&made["order"], &made["enabled"]), (&json!(1), &json!(true)));
    settled(&client);
    let again = client.post(&format!("/rules/preview?id={}", made["id"]), &rule).ok(200);
    assert_eq!((&again["matched"], &again["changed"]), (&json!(1), &json!(0)));
    scan(&client, "db", 1, &[("CVE-2026-1", "openssl")]);
    scan(
        &client,
        "web",
        2,
        &[("CVE-2026-1", "openssl"), ("CVE-2026-2", "zlib"), ("CVE-2026-3", "openssl-libs")],
    );
    for (asset, cve, who, day) in [
        ("web", "CVE-2026-1", Some("zoe"), "2026-01-08"),
        ("web", "CVE-2026-3", Some("zoe"), "2026-01-09"),
        ("web", "CVE-2026-2", None, "2026-01-31"),
        ("db", "CVE-2026-1", None, "2026-01-31"),
    ] {
        let f = finding(&client, asset, cve);
        assert_eq!((f["assigned_to"].as_str(), due(&f).0), (who, day), "{asset} {cve}");
        let by = if who.is_some() { "rule" } else { "sla" };
        assert_eq!(due(&f).1, by);
        assert_eq!(f["status"], if who.is_some() { "triaged" } else { "open" });
    }
    let id = &made["id"];
    assert_eq!(
        client.get(&format!("/findings?rule_id={id}&overdue=true")).ok(200)["total_count"],
        2
    );
    let facets = client.get("/findings/facets?fields=due_by,overdue,rule_id").ok(200);
    assert_eq!(facets["facets"]["overdue"], json!([{"value": "true", "count": 4}]));

    // Where the tag goes, the rule goes; what a person says stays.
    let mine = finding(&client, "web", "CVE-2026-3")["id"].clone();
    client.patch(&format!("/findings/{mine}"), &json!({"assigned_to": "eve"})).ok(200);
    client.patch("/assets/web", &json!({"tags": {}})).ok(200);
    client.patch("/assets/db", &json!({"tags": {"team": "web"}})).ok(200);
    let (gone, come) =
        (finding(&client, "web", "CVE-2026-1"), finding(&client, "db", "CVE-2026-1"));
    assert_eq!((gone.get("assigned_to"), &gone["status"]), (None, &json!("open")));
    assert_eq!((&come["assigned_to"], &come["notes"]), (&json!("zoe"), &json!("restart it")));
    let kept = finding(&client, "web", "CVE-2026-3");
    assert_eq!(
        (&kept["assigned_to"], &kept["assigned_by"]["kind"]),
        (&json!("eve"), &json!("person"))
    );
    // Removed, it takes back what it did, and only that.
    client.delete(&format!("/rules/{id}")).ok(204);
    settled(&client);
    let after = finding(&client, "db", "CVE-2026-1");
    assert_eq!((after.get("assigned_to"), due(&after)), (None, ("2026-01-31", "sla")));
    assert_eq!(finding(&client, "web", "CVE-2026-3")["assigned_to"], "eve");
    let audit = server.admin().all("/audit-logs?action=rules.create,rules.delete");
    assert_eq!(audit.len(), 2);
    clean(&server);
}

#[test]
fn the_order_decides_and_decisions_are_stronger() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", 1, &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")]);
    let make = |name: &str, who: &str, days: u64| {
        let rule = json!({"name": name, "matcher": {"all": true},
            "actions": {"assign_to": who, "due_days": days}});
        client.post("/rules", &rule).ok(201)["id"].clone()
    };
    let (one, two) = (make("one", "adam", 1), make("two", "bea", 2));
    settled(&client);
    let who = || finding(&client, "web", "CVE-2026-1")["assigned_to"].clone();
    assert_eq!(who(), "adam");
    let refused = client.post("/rules/order", &json!({"ids": [one]}));
    refused.problem(409, "conflict");
    client.post("/rules/order", &json!({"ids": [two, one]})).ok(200);
    settled(&client);
    assert_eq!(who(), "bea");
    client.patch(&format!("/rules/{two}"), &json!({"enabled": false})).ok(200);
    settled(&client);
    assert_eq!(who(), "adam");

    let decided = json!({"kind": "due_date", "vulnerability": "CVE-2026-1", "due_at": "2030-01-01T00:00:00Z"});
    let decision = client.post("/decisions", &decided).ok(201);
    assert_eq!(due(&finding(&client, "web", "CVE-2026-1")), ("2030-01-01", "decision"));
    let id = finding(&client, "web", "CVE-2026-1")["id"].clone();
    let said = json!({"due_at": "2031-01-01T00:00:00Z"});
    client.patch(&format!("/findings/{id}"), &said).ok(200);
    assert_eq!(due(&finding(&client, "web", "CVE-2026-1")), ("2031-01-01", "person"));
    // Layer by layer, what is taken away leaves what is below.
    let left = client.patch(&format!("/findings/{id}"), &json!({"due_at": null})).ok(200);
    assert_eq!(due(&left), ("2030-01-01", "decision"));
    client.post(&format!("/decisions/{}/revoke", decision["id"]), &json!({})).ok(200);
    assert_eq!(due(&finding(&client, "web", "CVE-2026-1")), ("2026-01-02", "rule"));
    client.delete("/rules/one").ok(204);
    settled(&client);
    assert_eq!(due(&finding(&client, "web", "CVE-2026-1")), ("2026-01-31", "sla"));
    clean(&server);
}

#[test]
fn what_comes_back_begins_anew_unless_its_policy_says_otherwise() {
    let server = Server::start();
    let client = server.token("operator");
    let policy = client.get("/sla-policies/High").ok(200)["id"].clone();
    scan(&client, "web", 1, &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")]);
    scan(&client, "web", 5, &[("CVE-2026-2", "a")]);
    let fixed = finding(&client, "web", "CVE-2026-1");
    assert_eq!((&fixed["status"], &fixed["overdue"]), (&json!("fixed"), &json!(false)));
    assert_eq!(due(&fixed), ("2026-01-31", "sla"), "what held when it was fixed");
    scan(&client, "web", 20, &[("CVE-2026-1", "a"), ("CVE-2026-2", "a")]);
    let back = finding(&client, "web", "CVE-2026-1");
    assert_eq!((&back["status"], due(&back).0), (&json!("open"), "2026-02-19"));
    assert_eq!(due(&finding(&client, "web", "CVE-2026-2")).0, "2026-01-31");
    let goes_on = json!({"on_reopen": "continue"});
    client.patch(&format!("/sla-policies/{policy}"), &goes_on).ok(200);
    settled(&client);
    assert_eq!(due(&finding(&client, "web", "CVE-2026-1")).0, "2026-01-31");
    let order = client.all("/findings?overdue=true&sort=due_at");
    assert_eq!(order.len(), 2);
    assert_eq!(client.get("/stats").ok(200)["findings"]["overdue"], 2);
    clean(&server);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let server = Server::start();
    let client = server.token("operator");
    let act = json!({"assign_to": "eve"});
    for (body, pointer) in [
        (json!({"name": "x", "matcher": {}, "actions": act}), "/matcher"),
        (
            json!({"name": "x", "matcher": {"all": true, "kev": true}, "actions": act}),
            "/matcher/all",
        ),
        (json!({"name": "x", "matcher": {"tag": ["a"]}, "actions": act}), "/matcher/tag/0"),
        (json!({"name": "x", "matcher": {"all": true}, "actions": {}}), "/actions"),
        (json!({"name": "x", "matcher": {"all": true}, "actions": {"note": " "}}), "/actions/note"),
        (json!({"name": "7", "matcher": {"all": true}, "actions": act}), "/name"),
        (
            json!({"name": "x", "matcher": {"all": true, "size": 1}, "actions": act}),
            "/matcher/size",
        ),
    ] {
        assert_eq!(client.post("/rules", &body).pointers(422), [pointer], "{body}");
    }
    let rule = json!({"name": "x", "matcher": {"all": true}, "actions": act});
    client.post("/rules", &rule).ok(201);
    client.post("/rules", &rule).problem(409, "duplicate");
    assert_eq!(client.post("/rules/preview?id=77", &rule).pointers(422), ["id"]);
    let wrong = json!({"name": "x", "matcher": {"tag": ["a"]}, "actions": act});
    assert_eq!(client.post("/rules/preview", &wrong).pointers(422), ["/matcher/tag/0"]);
    let viewer = server.token("viewer");
    viewer.post("/rules", &rule).problem(403, "forbidden");
    assert_eq!(viewer.get("/rules/x").ok(200)["actions"]["assign_to"], "eve");
}
