//! ETags and conditional requests, with and without compression.

use super::api::Server;

const THING: &str = "/api/v1/things/1";
const HASHED: &str = "/api/v1/text?bytes=2000";

#[tokio::test]
async fn the_same_bytes_are_not_sent_twice() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    let first = client.get(HASHED, "").await;
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.len() == 34, "{etag}");
    for condition in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let again = client.get(HASHED, &format!("if-none-match: {condition}\r\n")).await;
        assert_eq!(again.status, 304, "{condition}");
        // Browsers would put it over the policy of the page that they keep.
        assert_eq!(again.header("content-security-policy"), "", "{condition}");
        assert_eq!(again.header("etag"), etag);
        assert_eq!(again.header("vary"), "Accept-Encoding");
        assert_eq!(again.header("cache-control"), "no-store");
        for name in ["content-type", "content-length", "content-encoding"] {
            assert_eq!(again.header(name), "", "{name}");
        }
    }
    let other = client.get(HASHED, "if-none-match: \"x\"\r\n").await;
    assert_eq!((other.status, other.body.len()), (200, 2002));
    let changed = client.get("/api/v1/text?bytes=2001", "").await;
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn each_encoding_has_its_own_tag_and_all_are_recognised() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    for (accept, tag) in [("gzip", "\"7-gzip\""), ("br", "\"7-br\""), ("zstd", "\"7-zstd\"")] {
        let accept = format!("accept-encoding: {accept}\r\n");
        let first = client.get(THING, &accept).await;
        assert_eq!((first.status, first.header("etag")), (200, tag));
        let again = client.get(THING, &format!("{accept}if-none-match: {tag}\r\n")).await;
        assert_eq!((again.status, again.header("etag")), (304, tag));
        let patch = format!("content-type: application/json\r\nif-match: {tag}\r\n");
        let changed = client.request(&format!("PATCH {THING}"), &patch, "{}").await;
        assert_eq!(changed.status, 200, "If-Match with the tag of a variant");
    }
    assert_eq!(client.get(THING, "").await.header("etag"), "\"7\"");
    let again = client.get(THING, "if-none-match: \"7\"\r\n").await;
    assert_eq!((again.status, again.header("etag")), (304, "\"7\""));
}

#[tokio::test]
async fn a_change_of_an_old_version_is_refused() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    let json = "content-type: application/json\r\n";
    for (tag, status) in [("\"6\"", 412), ("\"7\"", 200), ("*", 200), ("W/\"7\"", 412)] {
        let headers = format!("{json}if-match: {tag}\r\n");
        let answer = client.request(&format!("PATCH {THING}"), &headers, "{}").await;
        assert_eq!(answer.status, status, "{tag}");
    }
}

#[tokio::test]
async fn only_successful_gets_get_a_tag() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/api/v1/things/404", "").await.header("etag"), "");
    let json = "content-type: application/json\r\n";
    let created = client.request("POST /api/v1/things", json, r#"{"name":"a","count":1}"#).await;
    assert_eq!((created.status, created.header("etag")), (201, "\"1\""));
    assert_eq!(created.header("location"), "/api/v1/things/1");
    let star = format!("{json}if-none-match: *\r\n");
    let created = client.request("POST /api/v1/things", &star, r#"{"name":"a","count":1}"#).await;
    assert_eq!(created.status, 201, "a POST is never 'not modified'");
}
