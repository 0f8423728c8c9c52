//! One vulnerability under many ids, one asset under many names: what joins, what parts,
//! and that nothing is lost on the way.

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, trivy};

fn scan(client: &Client, asset: &str, id: &str, aliases: &[&str]) -> Value {
    let mut report = trivy(asset, &[(id, "a")]);
    report["Results"][0]["Vulnerabilities"][0]["VendorIDs"] = json!(aliases);
    client.import("", report.to_string().as_bytes()).ok(201)
}

fn clean(server: &Server) {
    let check = server.admin().post("/admin/check", &json!({})).ok(200);
    assert_eq!(check["faults"], json!([]), "{check}");
}

#[test]
fn ids_join_when_a_report_says_that_they_are_the_same() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", "GHSA-aaaa-bbbb-cccc", &[]);
    let decided =
        json!({"kind": "false_positive", "vulnerability": "ghsa-aaaa-bbbb-cccc", "reason": "no"});
    client.post("/decisions", &decided).ok(201);
    scan(&client, "web", "CVE-2026-1", &[]);
    scan(&client, "db", "CVE-2026-1", &["DSA-1-1"]);
    assert_eq!(client.get("/vulnerabilities").ok(200)["total_count"], 2);
    // Only now anything says that the two are one.
    let joined = scan(&client, "mail", "GHSA-aaaa-bbbb-cccc", &["CVE-2026-1"]);
    assert_eq!(joined["new"], 1);
    let all = client.all("/vulnerabilities");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["cve_id"], "CVE-2026-1");
    assert_eq!(all[0]["aliases"], json!(["GHSA-aaaa-bbbb-cccc".to_uppercase()]));
    assert_eq!(all[0]["advisories"], json!(["DSA-1-1"]));
    let findings = client.all("/findings?sort=id");
    assert_eq!(findings.len(), 3, "the two on web became one");
    assert!(findings.iter().all(|f| f["status"] == "false_positive"), "{findings:?}");
    assert_eq!(all[0]["total_findings"], 3);
    clean(&server);
}

#[test]
fn joining_from_the_side_of_another_id_renames_the_findings_too() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", "GHSA-1", &[]);
    scan(&client, "db", "CVE-2026-1", &[]);
    let joined =
        client.post("/vulnerabilities/GHSA-1/join", &json!({"ids": ["CVE-2026-1"]})).ok(200);
    assert_eq!((&joined["cve_id"], &joined["aliases"]), (&json!("CVE-2026-1"), &json!(["GHSA-1"])));
    assert_eq!(client.all("/findings?cve_id=CVE-2026-1").len(), 2);
    client.post("/vulnerabilities/CVE-2026-1/part", &json!({"ids": ["GHSA-1"]})).ok(201);
    assert_eq!(client.all("/findings?cve_id=GHSA-1")[0]["asset"], "web");
    clean(&server);
}

#[test]
fn two_cves_never_join_and_what_a_person_parts_stays_apart() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", "CVE-2026-1", &["GHSA-1"]);
    scan(&client, "web", "CVE-2026-2", &["GHSA-1"]);
    let names = |client: &Client| -> Vec<(String, Value)> {
        let all = client.all("/vulnerabilities?sort=cve_id");
        all.iter()
            .map(|v| (v["cve_id"].as_str().unwrap().to_owned(), v["aliases"].clone()))
            .collect()
    };
    let both =
        vec![("CVE-2026-1".to_owned(), json!(["GHSA-1"])), ("CVE-2026-2".to_owned(), json!([]))];
    assert_eq!(names(&client), both);
    client
        .post("/vulnerabilities/CVE-2026-1/join", &json!({"ids": ["CVE-2026-2"]}))
        .problem(409, "conflict");

    scan(&client, "db", "GHSA-1", &[]);
    assert_eq!(client.all("/findings?cve_id=CVE-2026-1").len(), 2);
    let parted =
        client.post("/vulnerabilities/CVE-2026-1/part", &json!({"ids": ["GHSA-1"]})).ok(201);
    assert_eq!((&parted["cve_id"], &parted["total_findings"]), (&json!("GHSA-1"), &json!(1)));
    assert_eq!(client.all("/findings?cve_id=GHSA-1")[0]["asset"], "db");
    scan(&client, "web", "CVE-2026-1", &["GHSA-1"]);
    assert_eq!(client.all("/vulnerabilities").len(), 3, "reports do not undo it");
    let joined =
        client.post("/vulnerabilities/CVE-2026-1/join", &json!({"ids": ["GHSA-1"]})).ok(200);
    assert_eq!((&joined["aliases"], &joined["total_findings"]), (&json!(["GHSA-1"]), &json!(2)));
    clean(&server);
}

#[test]
fn assets_join_and_part_with_findings_and_decisions() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", "CVE-2026-1", &[]);
    scan(&client, "web.example.org", "CVE-2026-1", &[]);
    scan(&client, "web.example.org", "CVE-2026-2", &[]);
    let decided = json!({"kind": "risk_accepted", "vulnerability": "CVE-2026-2",
        "asset": "web.example.org", "reason": "old"});
    client.post("/decisions", &decided).ok(201);
    let joined = client.post("/assets/web/join", &json!({"asset": "web.example.org"})).ok(200);
    assert_eq!(joined["open_findings"]["total"], 1);
    let names = joined["identifiers"].as_array().unwrap();
    assert_eq!(
        (&names[0]["value"], &names[0]["matched_by"]),
        (&json!("web.example.org"), &json!("joined"))
    );
    assert_eq!(client.get("/assets").ok(200)["total_count"], 1);
    assert_eq!(client.all("/findings?asset=web").len(), 2);
    // Reports under the other name find it.
    let again = scan(&client, "web.example.org", "CVE-2026-2", &[]);
    assert_eq!((&again["new"], &again["seen"]), (&json!(0), &json!(1)));
    assert_eq!(client.get("/assets").ok(200)["total_count"], 1);
    clean(&server);

    let parted = client.post("/assets/web/part", &json!({"names": ["web.example.org"]})).ok(201);
    assert_eq!(parted["asset_id"], "web.example.org");
    let accepted = client.all("/findings?asset=web.example.org&cve_id=CVE-2026-2");
    assert_eq!(accepted[0]["status"], "risk_accepted");
    assert_eq!(client.get("/assets").ok(200)["total_count"], 2);
    client.post("/assets/web/part", &json!({"names": ["nobody"]})).pointers(422);
    clean(&server);
}

#[test]
fn joining_and_parting_assets_is_previewed_and_changes_nothing() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, "web", "CVE-2026-1", &[]);
    scan(&client, "old", "CVE-2026-1", &[]);
    scan(&client, "old", "CVE-2026-2", &[]);
    let both = client.all("/assets?sort=id");

    let join = json!({"asset": "old"});
    let seen = client.post("/assets/web/join/preview", &join).ok(200);
    assert_eq!((&seen["findings"], seen.get("parted")), (&json!(2), None));
    assert_eq!(client.all("/assets?sort=id"), both);
    let joined = client.post("/assets/web/join", &join).ok(200);
    for what in ["/asset_id", "/identifiers/0/value", "/open_findings"] {
        assert_eq!(seen["asset"].pointer(what), joined.pointer(what), "{what}");
    }

    let part = json!({"names": ["old"]});
    let seen = client.post("/assets/web/part/preview", &part).ok(200);
    assert_eq!((&seen["findings"], &seen["parted"]["id"]), (&json!(2), &json!(0)));
    assert_eq!(client.get("/assets").ok(200)["total_count"], 1);
    let parted = client.post("/assets/web/part", &part).ok(201);
    assert_eq!(seen["parted"]["open_findings"], parted["open_findings"]);
    let rest = client.get("/assets/web").ok(200);
    assert_eq!(seen["asset"]["open_findings"], rest["open_findings"]);
    client.post("/assets/web/part/preview", &part).pointers(422);
    server.token("viewer").post("/assets/web/join/preview", &join).problem(403, "forbidden");
    clean(&server);
}

#[test]
fn identity_rules_are_ordered_editable_and_rehearsed() {
    let server = Server::start();
    let client = server.token("operator");
    let rules = client.get("/identity-rules").ok(200);
    assert_eq!(rules["rules"][0], json!({"kind": "instance_id", "enabled": true}));
    let wanted =
        json!({"rules": [{"kind": "ip", "enabled": true}, {"kind": "fqdn", "enabled": false}]});
    let put = client.send(
        "PUT",
        "/identity-rules",
        &[("content-type", "application/json")],
        Some(wanted.to_string().as_bytes()),
    );
    assert_eq!(put.ok(200), wanted);
    assert_eq!(client.get("/identity-rules").ok(200), wanted);
    let twice =
        json!({"rules": [{"kind": "ip", "enabled": true}, {"kind": "ip", "enabled": true}]});
    assert_eq!(client.post("/identity-rules/rehearse", &twice).pointers(422), ["/rules/1"]);
    assert_eq!(client.post("/identity-rules/rehearse", &wanted).ok(200), json!({"twins": []}));
}
