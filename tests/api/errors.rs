//! Refusals: every one is a problem with its code, its place and what to do about it.

use serde_json::json;

use super::client::Client;
use super::harness::Server;

const JSON: (&str, &str) = ("content-type", "application/json");

fn post(client: &Client, headers: &[(&str, &str)], body: &[u8]) -> super::client::Answer {
    client.send("POST", "/assets", headers, Some(body))
}

#[test]
fn paths_and_methods_that_are_not_there() {
    let server = Server::start();
    let client = server.token("admin");
    for path in ["/nothing", "/findings/1/nothing", "./api/v2/findings", "./api"] {
        client.get(path).problem(404, "not-found");
    }
    for (method, path, allow) in [
        ("DELETE", "/findings", "GET, HEAD"),
        ("PUT", "/assets", "GET, HEAD, POST"),
        ("POST", "/assets/1", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/auth/login", "POST"),
        ("PATCH", "/imports", "GET, HEAD, POST, PUT"),
        ("POST", "./health", "GET, HEAD"),
    ] {
        let answer = client.send(method, path, &[], None);
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let head = client.send("HEAD", "/findings", &[], None);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), client.get("/findings").header("etag"));
}

#[test]
fn bodies_that_cannot_be_read() {
    let server = Server::start();
    let client = server.token("operator");
    let malformed =
        post(&client, &[JSON], b"{\n  \"asset_id\": \"a\",\n}").problem(400, "malformed-json");
    assert!(malformed["detail"].as_str().unwrap().starts_with("line 3, column 1"), "{malformed}");
    post(&client, &[JSON], b"").problem(400, "malformed-json");
    post(&client, &[JSON], b"{\"asset_id\": \"\xff\"}").problem(400, "malformed-json");
    post(&client, &[("content-type", "text/plain")], b"{}").problem(415, "unsupported-media-type");
    post(&client, &[], b"{}").problem(415, "unsupported-media-type");
    post(&client, &[JSON, ("content-encoding", "gzip")], b"{}")
        .problem(415, "unsupported-media-type");
    let large = format!("{{\"asset_id\": \"{}\"}}", "x".repeat(2 << 20));
    post(&client, &[JSON], large.as_bytes()).problem(413, "too-large");
    assert_eq!(post(&client, &[JSON], b"[]").pointers(422), [""]);
    let wrong = json!({"type": 5, "criticality": 0, "hostname": null, "colour": "red", "a/b~c": 1});
    let mut pointers = client.post("/assets", &wrong).pointers(422);
    pointers.sort();
    let expected = ["/asset_id", "/a~1b~0c", "/colour", "/criticality", "/hostname", "/type"];
    assert_eq!(pointers, expected, "all faults at once");
    assert_eq!(client.post("/assets", &json!({"asset_id": "123"})).pointers(422), ["/asset_id"]);
}

#[test]
fn requests_that_are_too_long() {
    let server = Server::start();
    let client = server.token("viewer");
    client.get(&format!("/findings?search={}", "x".repeat(9000))).problem(414, "uri-too-long");
    let long = "x".repeat(17 << 10);
    client.send("GET", "/findings", &[("x-long", &long)], None).problem(431, "headers-too-large");
}

#[test]
fn too_many_requests_are_told_when_to_return() {
    let server = Server::with(&["rate_limit.write_per_minute=3"]);
    let admin = server.admin();
    let mut last = admin.post("/assets", &json!({"asset_id": "a"}));
    for _ in 0..5 {
        last = admin.post("/assets", &json!({"asset_id": "a"}));
    }
    last.problem(429, "too-many-requests");
    assert!((1..=20).contains(&last.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(last.header("x-ratelimit-remaining"), "0");
    admin.get("/assets").ok(200);
}

#[test]
fn what_a_client_accepts_is_heeded_or_refused() {
    let server = Server::start();
    let client = server.token("viewer");
    let get = |accept: &str| client.send("GET", "/stats", &[("accept", accept)], None);
    for accept in ["*/*", "application/json", "text/html, application/*;q=0.5"] {
        assert_eq!(get(accept).status, 200, "{accept}");
    }
    let answer = client.send("GET", "/stats", &[("x-request-id", "from-a-client")], None);
    assert_eq!(answer.header("x-request-id"), "from-a-client");
}
