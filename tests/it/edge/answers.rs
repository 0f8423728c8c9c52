//! Answers: their compression, their headers, HEAD.

use std::io::Read as _;

use vulnzero::http::EdgeOptions;
use vulnzero::http::layers::security_headers::SecurityOptions;
use vulnzero::http::server::Options;

use super::api::Server;
use super::client::Answer;

const LARGE: &str = "/api/v1/text?bytes=20000";

/// The body as the client reads it after decoding.
fn decoded(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.header("content-encoding") {
        "" => return answer.body.clone(),
        "gzip" => {
            flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut plain).unwrap();
        }
        "zstd" => return zstd::decode_all(&answer.body[..]).unwrap(),
        "br" => brotli::BrotliDecompress(&mut &answer.body[..], &mut plain).unwrap(),
        other => panic!("what is {other}?"),
    }
    plain
}

#[tokio::test]
async fn the_encoding_is_what_the_client_prefers() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    for (accept, encoding) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd", "zstd"),
        ("*", "zstd"),
        ("br, gzip", "br"),
        ("gzip", "gzip"),
        ("gzip;q=0", ""),
        ("gzip;q=0, br;q=0.1", "br"),
        ("identity", ""),
        ("deflate", ""),
    ] {
        let answer = client.get(LARGE, &format!("accept-encoding: {accept}\r\n")).await;
        assert_eq!(answer.header("content-encoding"), encoding, "{accept}");
        assert_eq!(answer.header("vary"), "Accept-Encoding", "{accept}");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{accept}");
        assert_eq!(decoded(&answer).len(), 20_002, "{accept}");
        assert_eq!(answer.body.len() < 2000, !encoding.is_empty(), "{accept}");
    }
    let plain = client.get(LARGE, "").await;
    assert_eq!((plain.header("content-encoding"), plain.body.len()), ("", 20_002));
    let zstd_saved = server.metrics.encode();
    assert!(zstd_saved.contains("vulnzero_http_compression_saved_bytes_total{encoding=\"zstd\"}"));
}

#[tokio::test]
async fn large_bodies_are_compressed_too() {
    let server = Server::plain().await;
    for bytes in [500_000, 3_000_000] {
        let path = format!("/api/v1/text?bytes={bytes}");
        let answer = server.get(&path, "accept-encoding: gzip\r\n").await;
        assert_eq!(answer.header("content-encoding"), "gzip");
        assert_eq!(decoded(&answer).len(), bytes + 2);
    }
    let answer = server.get("/streamed", "accept-encoding: zstd\r\n").await;
    assert_eq!(answer.header("content-encoding"), "zstd");
    assert_eq!(decoded(&answer).len(), 200 * 66);
}

#[tokio::test]
async fn what_gains_nothing_stays_as_it_is() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    let all = "accept-encoding: gzip, br, zstd\r\n";
    let small = client.get("/api/v1/text?bytes=20", all).await;
    assert_eq!((small.header("content-encoding"), small.body.len()), ("", 22));
    assert_eq!(small.header("vary"), "Accept-Encoding");
    assert_eq!(small.header("content-length"), "22");
    let image = client.get("/image", all).await;
    assert_eq!((image.header("content-encoding"), image.body.len()), ("", 5000));
    assert_eq!(image.header("vary"), "");
    let deleted = client.request("DELETE /api/v1/things/1", all, "").await;
    assert_eq!(deleted.status, 204);
    for name in ["content-length", "content-type", "content-encoding", "transfer-encoding"] {
        assert_eq!(deleted.header(name), "", "{name}");
    }
}

#[tokio::test]
async fn events_leave_when_they_happen() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    client.send("GET /events HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    let reading = async {
        while !seen.contains("data: now") {
            let mut piece = [0; 4096];
            let n = tokio::io::AsyncReadExt::read(&mut client.stream, &mut piece).await.unwrap();
            seen.push_str(&String::from_utf8_lossy(&piece[..n]));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(3), reading).await.unwrap();
    assert!(!seen.to_lowercase().contains("content-encoding"));
}

#[tokio::test]
async fn refusing_every_encoding_is_not_acceptable() {
    let server = Server::plain().await;
    let answer = server.get(LARGE, "accept-encoding: identity;q=0, deflate\r\n").await;
    answer.problem(406, "not-acceptable");
    let forced = server.get("/api/v1/text?bytes=20", "accept-encoding: *;q=0, gzip\r\n").await;
    assert_eq!((forced.status, forced.header("content-encoding")), (200, "gzip"));
    assert_eq!(decoded(&forced).len(), 22);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    for (path, accept) in [(LARGE, ""), (LARGE, "accept-encoding: zstd\r\n"), ("/page", "")] {
        let get = client.get(path, accept).await;
        let head = client.request(&format!("HEAD {path}"), accept, "").await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        for name in ["etag", "content-type", "content-encoding", "vary", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
    let missing = client.request("HEAD /nowhere", "", "").await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let security = SecurityOptions { hsts_seconds: Some(600), ..SecurityOptions::default() };
    let options = EdgeOptions { security, ..EdgeOptions::default() };
    let server = Server::start(options, Options::default()).await;
    let mut client = server.connect().await;
    for path in ["/page", LARGE, "/nowhere", "/panic"] {
        let answer = client.get(path, "").await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "max-age=600", "{path}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        let csp = answer.header("content-security-policy");
        assert!(csp.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(csp.contains("script-src 'self'"), path == "/page", "{path}");
    }
    assert_eq!(client.get(LARGE, "").await.header("cache-control"), "no-store");
    assert_eq!(client.get("/page", "").await.header("cache-control"), "");
    let default = Server::plain().await.get("/page", "").await;
    assert_eq!(default.header("strict-transport-security"), "");
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    for id in 1..=3 {
        assert_eq!(client.get(&format!("/api/v1/things/{id}"), "").await.status, 200);
    }
    client.request("BREW /page", "", "").await.problem(405, "method-not-allowed");
    for line in [
        "vulnzero_http_requests_total{method=\"GET\",endpoint=\"/api/v1/things/{id}\",status=\"200\"} 3",
        "vulnzero_request_duration_seconds_count{method=\"GET\",endpoint=\"/api/v1/things/{id}\"} 3",
        "vulnzero_http_requests_total{method=\"OTHER\",endpoint=\"/page\",status=\"405\"} 1",
        "vulnzero_http_requests_in_progress 0",
        "vulnzero_http_connections_active 1",
    ] {
        server.wait_for_metric(line).await;
    }
}
