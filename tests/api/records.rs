//! Creating, changing and removing records, alone and many at once.

use serde_json::{Value, json};

use super::harness::{Server, report};

#[test]
fn assets_are_made_merged_and_removed() {
    let server = Server::start();
    let client = server.token("operator");
    let new = json!({"asset_id": "web-1", "type": "server", "owner": "ops", "tags": {"site": "b"}});
    let made = client.post("/assets", &new);
    assert_eq!(made.header("location"), "/api/v1/assets/1");
    let made = made.ok(201);
    assert_eq!((&made["name"], &made["criticality"]), (&json!("web-1"), &json!(5)));
    client.post("/assets", &new).problem(409, "duplicate");
    // The number or the natural key, also escaped.
    client.post("/assets", &json!({"asset_id": "reg/istry:5000/a b"})).ok(201);
    for path in ["/assets/1", "/assets/web-1", "/assets/reg%2Fistry:5000%2Fa%20b"] {
        client.get(path).ok(200);
    }

    let change = json!({"owner": null, "hostname": "web-1.example", "criticality": 9});
    let changed = client.patch("/assets/web-1", &change).ok(200);
    assert_eq!(changed.get("owner"), None, "null clears");
    assert_eq!(changed["hostname"], "web-1.example");
    assert_eq!(
        (&changed["type"], &changed["tags"]),
        (&json!("server"), &json!({"site": "b"})),
        "absent leaves"
    );
    assert_eq!(changed["version"], 2);
    for (body, pointer) in [
        (json!({"name": null}), "/name"),
        (json!({"criticality": 11}), "/criticality"),
        (json!({"criticality": "9"}), "/criticality"),
        (json!({"owner": 7}), "/owner"),
        (json!({"type": "toaster"}), "/type"),
        (json!({"tags": {"a": 1}}), "/tags/a"),
        (json!({"tags": {"k".repeat(256): "v"}}), "/tags"),
        (json!({"asset_id": "other"}), "/asset_id"),
    ] {
        assert_eq!(client.patch("/assets/web-1", &body).pointers(422), [pointer], "{body}");
    }
    client.patch("/assets/none", &json!({"owner": "x"})).problem(404, "not-found");
    assert_eq!(client.delete("/assets/web-1").status, 204);
    client.get("/assets/1").problem(404, "not-found");
}

#[test]
fn vulnerabilities_follow_their_life_cycle() {
    let server = Server::start();
    let client = server.token("operator");
    let new = json!({"cve_id": "CVE-2026-0001", "cvss_score": 9.8, "tags": ["a"]});
    let made = client.post("/vulnerabilities", &new).ok(201);
    assert_eq!((&made["severity"], &made["source"]), (&json!("critical"), &json!("manual")));
    client.post("/vulnerabilities", &new).problem(409, "duplicate");
    let path = "/vulnerabilities/CVE-2026-0001";
    let status = |word: &str| client.patch(path, &json!({"status": word}));
    status("analyzing").ok(200);
    let refused = status("remediated").problem(409, "conflict");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("analyzing") && detail.contains("remediated"), "{detail}");
    let scored = client.patch(path, &json!({"epss_score": 0.9, "kev": true})).ok(200);
    assert!(scored["priority_score"].as_f64() > made["priority_score"].as_f64());
    let cleared = client.patch(path, &json!({"epss_score": null})).ok(200);
    assert_eq!(cleared.get("epss_score"), None);
    assert_eq!(client.patch(path, &json!({"epss_score": 1.5})).pointers(422), ["/epss_score"]);
    client.delete(path).problem(403, "forbidden");
    assert_eq!(server.admin().delete(path).status, 204);
}

#[test]
fn patches_belong_to_a_vulnerability() {
    let server = Server::start();
    let client = server.token("operator");
    let orphan = client.post("/patches", &json!({"title": "t", "vulnerability_id": 7}));
    orphan.problem(409, "conflict");
    assert_eq!(orphan.pointers(409), ["/vulnerability_id"]);
    client.post("/vulnerabilities", &json!({"cve_id": "CVE-2026-0001"})).ok(201);
    let made = client
        .post("/patches", &json!({"title": "t", "vulnerability_id": 1, "content": "x"}))
        .ok(201);
    assert_eq!((&made["patch_id"], &made["status"]), (&json!("PATCH-1"), &json!("draft")));
    client.patch("/patches/PATCH-1", &json!({"content": null, "title": "u"})).ok(200);
    client.patch("/patches/PATCH-1", &json!({"status": "approved"})).problem(409, "conflict");
    client.patch("/patches/PATCH-1", &json!({"status": "rejected"})).ok(200);
    client.patch("/patches/PATCH-1", &json!({"content": "y"})).problem(409, "conflict");
    let listed = client.get("/vulnerabilities?include=patches").ok(200);
    assert_eq!(listed["included"]["patches"][0]["patch_id"], "PATCH-1");
    server.admin().delete("/vulnerabilities/1").problem(409, "conflict");
    assert_eq!(client.delete("/patches/1").status, 204);
    assert_eq!(server.admin().delete("/vulnerabilities/1").status, 204);
}

#[test]
fn findings_are_decided_upon_with_a_reason() {
    let server = Server::start();
    let client = server.token("operator");
    client.import("", &report("trivy-alpine-39.json")).ok(201);
    let before = client.get("/assets/1").ok(200)["open_findings"]["total"].as_u64().unwrap();
    let decide = |body: Value| client.patch("/findings/1", &body);
    assert_eq!(decide(json!({"status": "risk_accepted"})).pointers(422), ["/status_reason"]);
    decide(json!({"status": "fixed"})).problem(409, "conflict");
    let due = json!({"status": "risk_accepted", "status_reason": "behind a wall", "due_at": "2030-01-01T00:00:00+01:00"});
    let decided = decide(due).ok(200);
    assert_eq!(decided["due_at"], "2029-12-31T23:00:00Z");
    assert!(decided["resolved_at"].is_string());
    let after = client.get("/assets/1").ok(200)["open_findings"]["total"].as_u64().unwrap();
    assert_eq!(after, before - 1);
    let reopened = decide(json!({"status": "open", "due_at": null})).ok(200);
    // What no person says any more, the policies of a new installation say.
    assert_eq!((&reopened["due_by"]["kind"], reopened.get("resolved_at")), (&json!("sla"), None));
    assert_eq!(decide(json!({"due_at": "2030-01-01"})).pointers(422), ["/due_at"]);
    client.delete("/findings/1").problem(403, "forbidden");
    assert_eq!(server.admin().delete("/findings/1").status, 204);
    let left = client.get("/assets/1").ok(200)["open_findings"]["total"].as_u64().unwrap();
    assert_eq!(left, before - 1);
}

#[test]
fn what_has_open_findings_goes_only_by_force() {
    let server = Server::start();
    let (client, admin) = (server.token("operator"), server.admin());
    client.import("", &report("trivy-alpine-39.json")).ok(201);
    client.delete("/assets/1").problem(409, "conflict");
    admin.delete("/vulnerabilities/1").problem(409, "conflict");
    let total = client.get("/findings").ok(200)["total_count"].as_u64().unwrap();
    let of_first =
        client.get("/findings?vulnerability_id=1").ok(200)["total_count"].as_u64().unwrap();
    assert_eq!(admin.delete("/vulnerabilities/1?force=true").status, 204);
    assert_eq!(client.get("/findings").ok(200)["total_count"], total - of_first);
    assert_eq!(client.delete("/assets/1?force=true").status, 204);
    assert_eq!(client.get("/findings").ok(200)["total_count"], 0);
    assert_eq!(client.get("/vulnerabilities?open_findings=1..").ok(200)["total_count"], 0);
}

#[test]
fn many_are_read_at_once() {
    let server = Server::start();
    let client = server.token("operator");
    for name in ["a", "b", "c"] {
        client.post("/assets", &json!({"asset_id": name})).ok(201);
    }
    let batch = client.post("/assets/batch-get", &json!({"ids": ["c", 1, "none", 99]})).ok(200);
    let names: Vec<_> = batch["items"].as_array().unwrap().iter().map(|a| &a["asset_id"]).collect();
    assert_eq!(names, ["c", "a"]);
    assert_eq!(batch["missing"], json!(["none", "99"]));
    let many: Vec<u64> = (1..=10_001).collect();
    assert_eq!(client.post("/assets/batch-get", &json!({"ids": many})).pointers(422), ["/ids"]);
    assert_eq!(client.post("/assets/batch-get", &json!({"ids": []})).pointers(422), ["/ids"]);
    assert_eq!(
        client.post("/assets/batch-get", &json!({"ids": [1, true, -1]})).pointers(422),
        ["/ids/1", "/ids/2"]
    );
}

#[test]
fn many_are_changed_at_once_each_with_its_outcome() {
    let server = Server::start();
    let client = server.token("operator");
    client.import("", &report("trivy-alpine-39.json")).ok(201);
    let medium = client.get("/findings?severity=medium").ok(200)["total_count"].as_u64().unwrap();
    let bulk = |body: &Value| client.post("/findings/bulk", body).ok(200);
    let counts = |r: &Value| {
        [&r["matched"], &r["changed"], &r["unchanged"], &r["failed"]].map(|n| n.as_u64().unwrap())
    };

    let request =
        json!({"filter": {"severity": "medium"}, "patch": {"assigned_to": "bob"}, "dry_run": true});
    let rehearsed = bulk(&request);
    assert_eq!((counts(&rehearsed), &rehearsed["dry_run"]), ([medium, medium, 0, 0], &json!(true)));
    assert_eq!(
        client.get("/findings?assigned_to=bob").ok(200)["total_count"],
        0,
        "nothing was written"
    );
    let request = json!({"filter": {"severity": "medium"}, "patch": {"assigned_to": "bob"}});
    assert_eq!(counts(&bulk(&request)), [medium, medium, 0, 0]);
    assert_eq!(client.get("/findings?assigned_to=bob").ok(200)["total_count"], medium);
    assert_eq!(counts(&bulk(&request)), [medium, 0, medium, 0], "it is so already");

    let mixed = bulk(
        &json!({"ids": [1, "none", 2, 9999], "patch": {"status": "false_positive", "status_reason": "checked"}, "atomic": false}),
    );
    assert_eq!(counts(&mixed), [4, 2, 0, 2]);
    let outcomes: Vec<_> =
        mixed["results"].as_array().unwrap().iter().map(|r| (&r["id"], &r["outcome"])).collect();
    let expected = [("1", "changed"), ("none", "failed"), ("2", "changed"), ("9999", "failed")];
    assert_eq!(
        outcomes,
        expected.map(|(a, b)| (json!(a), json!(b))).each_ref().map(|(a, b)| (a, b))
    );
    assert!(mixed["results"][1]["detail"].as_str().unwrap().contains("none"));

    let patch = json!({"notes": "n"});
    for (body, pointer) in [
        (json!({"patch": patch}), ""),
        (json!({"ids": [1], "filter": {}, "patch": patch}), ""),
        (json!({"filter": {"colour": "red"}, "patch": patch}), "/filter/colour"),
        (json!({"filter": {"severity": "terrible"}, "patch": patch}), "/filter/severity"),
        (json!({"ids": [1], "patch": {"status": "broken"}}), "/patch/status"),
        (json!({"ids": [1]}), "/patch"),
    ] {
        assert_eq!(client.post("/findings/bulk", &body).pointers(422), [pointer], "{body}");
    }
    server.token("viewer").post("/findings/bulk", &request).problem(403, "forbidden");

    let assets = json!({"filter": {}, "patch": {"owner": "ops"}});
    assert_eq!(client.post("/assets/bulk", &assets).ok(200)["changed"], 1);
    let ignored = json!({"filter": {"severity": "low"}, "patch": {"status": "ignored"}});
    let ignored = client.post("/vulnerabilities/bulk", &ignored).ok(200);
    assert_eq!(ignored["failed"], 0);
    let listed = client.get("/vulnerabilities?status=ignored").ok(200);
    assert_eq!(listed["total_count"], ignored["changed"]);
}
