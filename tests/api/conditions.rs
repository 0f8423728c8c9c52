//! ETags: what the client has is not sent again, and what changed meanwhile is not
//! overwritten.

use serde_json::json;

use super::client::Client;
use super::harness::Server;

fn conditional(client: &Client, path: &str, etag: &str) -> u16 {
    let answer = client.send("GET", path, &[("if-none-match", etag)], None);
    assert!(answer.status != 304 || answer.body.is_empty());
    answer.status
}

#[test]
fn an_old_version_is_not_overwritten() {
    let server = Server::start();
    let client = server.token("operator");
    let made = client.post("/assets", &json!({"asset_id": "a"}));
    let first = made.header("etag").to_owned();
    assert!(first.starts_with("\"1"), "{first}");
    assert_eq!(client.get("/assets/a").header("etag"), first);
    let change = |etag: &str, owner: &str| {
        let headers = [("if-match", etag), ("content-type", "application/json")];
        let body = json!({"owner": owner}).to_string();
        client.send("PATCH", "/assets/a", &headers, Some(body.as_bytes()))
    };
    let second = change(&first, "bob").header("etag").to_owned();
    assert!(second.starts_with("\"2"), "{second}");
    let refused = change(&first, "eve").problem(412, "version-mismatch");
    assert!(refused["detail"].as_str().unwrap().contains("version 2, not 1"), "{refused}");
    change("W/\"2\"", "eve").problem(412, "version-mismatch");
    change("nonsense", "eve").problem(412, "version-mismatch");
    assert_eq!(client.get("/assets/a").ok(200)["owner"], "bob");
    assert_eq!(change("*", "any").status, 200);

    let delete = |etag: &str| client.send("DELETE", "/assets/a", &[("if-match", etag)], None);
    delete(&second).problem(412, "version-mismatch");
    client.get("/assets/a").ok(200);
    let current = client.get("/assets/a").header("etag").to_owned();
    assert_eq!(delete(&current).status, 204);
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let server = Server::start();
    let client = server.token("operator");
    for name in ["a", "b"] {
        client.post("/assets", &json!({"asset_id": name})).ok(201);
    }
    let one = client.get("/assets/a").header("etag").to_owned();
    let list = client.get("/assets").header("etag").to_owned();
    let sorted = client.get("/assets?sort=name").header("etag").to_owned();
    assert_ne!(list, sorted);
    for (path, etag) in [("/assets/a", &one), ("/assets", &list), ("/assets?sort=name", &sorted)] {
        assert_eq!(conditional(&client, path, etag), 304, "{path}");
        assert_eq!(conditional(&client, path, &format!("\"x\", {etag}")), 304, "{path}");
        assert_eq!(conditional(&client, path, "\"x\""), 200, "{path}");
    }
    // Somebody else's list is another, however equal it looks.
    assert_eq!(conditional(&server.user("bob", "viewer"), "/assets", &list), 200);

    client.patch("/assets/b", &json!({"owner": "ops"})).ok(200);
    assert_eq!(conditional(&client, "/assets/a", &one), 304, "another record changed");
    assert_eq!(conditional(&client, "/assets", &list), 200, "the list shows it");
    let list = client.get("/assets").header("etag").to_owned();
    let included = client.get("/assets?include=asset_vulnerabilities").header("etag").to_owned();
    client.post("/vulnerabilities", &json!({"cve_id": "CVE-2026-1"})).ok(201);
    assert_eq!(conditional(&client, "/assets", &list), 304, "another table changed");
    assert_eq!(conditional(&client, "/assets?include=asset_vulnerabilities", &included), 200);
}
