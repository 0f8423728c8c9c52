//! Requests that are refused: too large, malformed, in the wrong place, too many.

use std::sync::atomic::Ordering;
use std::time::Duration;

use vulnzero::http::EdgeOptions;
use vulnzero::http::layers::limits::LimitOptions;
use vulnzero::http::layers::rate_limit::{Rate, RateLimits};
use vulnzero::http::server::Options;

use super::api::Server;
use super::client::Client;

const JSON: &str = "content-type: application/json\r\n";

fn small() -> EdgeOptions {
    let limits =
        LimitOptions { body_bytes: 10_000, upload_bytes: 100_000, ..LimitOptions::default() };
    EdgeOptions { limits, ..EdgeOptions::default() }
}

/// Sends chunks for ever; gives the bytes that were taken before the server answered.
async fn send_endlessly(client: &mut Client, line: &str, content_type: &str) -> (u64, u16) {
    let head = format!(
        "{line} HTTP/1.1\r\nhost: a\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    client.send(head).await.unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 8192, " ".repeat(8192));
    let (mut read, mut write) = client.stream.split();
    let mut sent = 0;
    let sending = async {
        loop {
            if tokio::io::AsyncWriteExt::write_all(&mut write, chunk.as_bytes()).await.is_err() {
                std::future::pending::<()>().await;
            }
            sent += 8192;
            assert!(sent < 256 << 20, "the server takes everything");
        }
    };
    let mut status = [0; 12];
    tokio::select! {
        () = sending => unreachable!("it sends for ever"),
        read = tokio::io::AsyncReadExt::read_exact(&mut read, &mut status) => { read.unwrap(); }
    }
    (sent, std::str::from_utf8(&status[9..]).unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_chunked_body_is_stopped_at_its_limit() {
    let server = Server::start(small(), Options::default()).await;
    let mut client = server.connect().await;
    let (sent, status) =
        send_endlessly(&mut client, "POST /api/v1/things", "application/json").await;
    assert_eq!(status, 413);
    assert!(sent < 32 << 20, "{sent} bytes were read of a body limited to 10 kB");
    assert!(client.closed_within(Duration::from_secs(4)).await);
    let mut client = server.connect().await;
    let line = "POST /api/v1/imports";
    let (_, status) = send_endlessly(&mut client, line, "application/octet-stream").await;
    assert_eq!(status, 413);
    let taken = server.uploaded.load(Ordering::Relaxed);
    assert!((10_000..=100_000).contains(&taken), "{taken}: uploads have their own limit");
}

#[tokio::test]
async fn a_content_length_over_the_limit_is_refused_before_reading() {
    let server = Server::start(small(), Options::default()).await;
    let mut client = server.connect().await;
    let head = format!(
        "POST /api/v1/things HTTP/1.1\r\nhost: a\r\n{JSON}content-length: 10001\r\nexpect: 100-continue\r\n\r\n"
    );
    client.send(head).await.unwrap();
    let answer = client.answer(false).await.unwrap();
    let problem = answer.problem(413, "too-large");
    assert_eq!(problem["detail"], "the body may have at most 10000 bytes");
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn a_client_that_sends_all_first_still_gets_the_answer() {
    let server = Server::start(small(), Options::default()).await;
    for _ in 0..5 {
        let mut client = server.connect().await;
        let body = " ".repeat(4 << 20);
        let head = format!(
            "POST /api/v1/things HTTP/1.1\r\nhost: a\r\n{JSON}content-length: {}\r\n\r\n",
            body.len()
        );
        client.send(head).await.unwrap();
        client.send(body).await.expect("the server reads on after its refusal");
        client.answer(false).await.unwrap().problem(413, "too-large");
    }
}

#[tokio::test]
async fn long_addresses_and_large_heads_are_refused_as_problems() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    let path = format!("/page?{}", "a".repeat(9000));
    client.get(&path, "").await.problem(414, "uri-too-long");
    let large = format!("x: {}\r\n", "y".repeat(20_000));
    client.get("/page", &large).await.problem(431, "headers-too-large");
    client.get("/page", &"x: y\r\n".repeat(90)).await.problem(431, "headers-too-large");
    assert_eq!(client.get("/page", "").await.status, 200, "the connection goes on");
}

#[tokio::test]
async fn heads_beyond_all_measure_end_the_connection_with_431() {
    let server = Server::plain().await;
    for headers in [format!("x: {}\r\n", "y".repeat(200_000)), "x: y\r\n".repeat(200)] {
        let mut client = server.connect().await;
        let answer = client.get("/page", &headers).await;
        assert_eq!(answer.status, 431);
        assert!(client.closed_within(Duration::from_secs(4)).await);
    }
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    for path in ["/nowhere", "/api/v1/nowhere", "/api/v1/things/", "/api/v1"] {
        client.get(path, "").await.problem(404, "not-found");
    }
    let answer = client.request("PUT /api/v1/things/1", "", "").await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "DELETE, GET, HEAD, PATCH");
    let answer = client.request("POST /page", "", "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
    let count =
        "vulnzero_http_requests_total{method=\"GET\",endpoint=\"unmatched\",status=\"404\"} 4";
    server.wait_for_metric(count).await;
}

#[tokio::test]
async fn parameters_bodies_and_types_are_refused_with_their_place() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    let problem = client.get("/api/v1/things/abc", "").await.problem(400, "bad-request");
    assert_eq!(problem["errors"][0]["pointer"], "id");
    let problem = client.get("/api/v1/text", "").await.problem(400, "bad-request");
    assert_eq!(problem["errors"][0]["pointer"], "bytes");

    let things = "POST /api/v1/things";
    let problem =
        client.request(things, JSON, "{\n\"name\": }").await.problem(400, "malformed-json");
    assert_eq!(problem["detail"], "line 2, column 9: expected value");
    client.request(things, JSON, "").await.problem(400, "malformed-json");
    let wrong = r#"{"name":"a","count":"many"}"#;
    let problem = client.request(things, JSON, wrong).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/count");
    for headers in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
    ] {
        let answer = client.request(things, headers, r#"{"name":"a","count":1}"#).await;
        answer.problem(415, "unsupported-media-type");
    }
    let merge = "content-type: application/merge-patch+json; charset=utf-8\r\n";
    let answer = client.request("PATCH /api/v1/things/1", merge, r#"{"count":3}"#).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"name":"x","count":3}"#));
}

#[tokio::test]
async fn internal_errors_show_a_code_and_an_id_and_nothing_else() {
    let server = Server::plain().await;
    let answer = server.get("/api/v1/broken", "x-request-id: my-own.id_1\r\n").await;
    let problem = answer.problem(500, "internal");
    assert_eq!(problem["request_id"], "my-own.id_1");
    assert!(!answer.text().contains("hunter2") && !answer.text().contains("disk"));
    let answer = server.get("/api/v1/broken", "x-request-id: a b\r\n").await;
    assert_eq!(answer.header("x-request-id").len(), 32, "a bad id is replaced");
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_return() {
    let rates =
        RateLimits { read: Some(Rate { per_second: 0.5, burst: 3 }), ..RateLimits::default() };
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let options = EdgeOptions { rates, trusted_proxies, ..EdgeOptions::default() };
    let server = Server::start(options, Options::default()).await;
    let mut client = server.connect().await;
    for left in ["2", "1", "0"] {
        let answer = client.get("/api/v1/text?bytes=1", "").await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, left));
    }
    let refused = client.get("/api/v1/text?bytes=1", "").await;
    refused.problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(refused.header("x-ratelimit-limit"), "3");
    assert_eq!(client.get("/page", "").await.status, 200, "pages are not limited");
    let other = client.get("/api/v1/whoami", "x-forwarded-for: 192.0.2.7\r\n").await;
    assert_eq!((other.status, other.text().as_str()), (200, "\"192.0.2.7\""));
}
