//! Clients that are slow, on purpose or not.

use std::time::{Duration, Instant};

use vulnzero::http::EdgeOptions;
use vulnzero::http::server::{Options, Pace};

use super::api::Server;
use super::client::Client;

const TICK: Duration = Duration::from_millis(40);

fn pace(stall_ms: u64, bytes_per_second: u64) -> Pace {
    Pace { stall: Duration::from_millis(stall_ms), bytes_per_second }
}

async fn server(options: Options) -> Server {
    Server::start(EdgeOptions::default(), options).await
}

/// Sends a byte of `text` each tick until the server closes; gives the time that took.
async fn drip(client: &mut Client, text: &str) -> Duration {
    let start = Instant::now();
    for byte in text.bytes() {
        if client.send([byte]).await.is_err() || client.closed_within(TICK).await {
            break;
        }
    }
    start.elapsed()
}

#[tokio::test]
async fn a_head_that_drips_is_cut_at_the_timeout() {
    let header_timeout = Duration::from_millis(300);
    let server = server(Options { header_timeout, ..Options::default() }).await;
    let head = format!("GET /page HTTP/1.1\r\nx: {}", "y".repeat(200));
    let took = drip(&mut server.connect().await, &head).await;
    assert!((300..1500).contains(&took.as_millis()), "{took:?}");
    // The same for a client that connects and says nothing.
    let start = Instant::now();
    assert!(server.connect().await.closed_within(Duration::from_secs(5)).await);
    assert!(start.elapsed() >= header_timeout);
    server.wait_for_metric("vulnzero_http_connections_active 0").await;
}

#[tokio::test]
async fn an_idle_connection_has_its_own_longer_time() {
    let server = server(Options {
        header_timeout: Duration::from_millis(150),
        idle_timeout: Duration::from_millis(600),
        ..Options::default()
    })
    .await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/page", "").await.status, 200);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(client.get("/page", "").await.status, 200, "idle for less than its time");
    // A head that begins after idling has the time of a head.
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.send("GET /pa").await.unwrap();
    let start = Instant::now();
    assert!(client.closed_within(Duration::from_secs(3)).await);
    assert!(start.elapsed() < Duration::from_millis(450), "{:?}", start.elapsed());
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/page", "").await.status, 200);
    let start = Instant::now();
    assert!(idle.closed_within(Duration::from_secs(3)).await);
    assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
}

const POST: &str = "POST /api/v1/things HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn a_body_that_stalls_ends_with_408() {
    let server = server(Options { request_pace: pace(300, 0), ..Options::default() }).await;
    let mut client = server.connect().await;
    client.send(format!("{POST}content-length: 100\r\n\r\n{{\"na")).await.unwrap();
    let answer = client.answer(false).await.unwrap();
    answer.problem(408, "request-timeout");
    assert_eq!(answer.header("connection"), "close");
    assert!(client.closed_within(Duration::from_secs(3)).await);
}

#[tokio::test]
async fn a_body_that_drips_below_the_rate_ends_with_408() {
    let server = server(Options { request_pace: pace(400, 1000), ..Options::default() }).await;
    let mut client = server.connect().await;
    client.send(format!("{POST}transfer-encoding: chunked\r\n\r\n")).await.unwrap();
    let start = Instant::now();
    let (mut read, mut write) = client.stream.split();
    let dripping = async {
        loop {
            let sent = tokio::io::AsyncWriteExt::write_all(&mut write, b"1\r\n \r\n").await;
            tokio::time::sleep(TICK).await;
            if sent.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut status = [0; 12];
    tokio::select! {
        () = dripping => unreachable!("it drips for ever"),
        read = tokio::io::AsyncReadExt::read_exact(&mut read, &mut status) => {
            read.unwrap();
        }
    }
    assert_eq!(&status, b"HTTP/1.1 408");
    // No wait was longer than a tick: the rate ended it, not a stall.
    assert!(start.elapsed() > Duration::from_millis(350));
}

#[tokio::test]
async fn a_steady_body_and_a_slow_handler_are_left_alone() {
    let server = server(Options { request_pace: pace(200, 10), ..Options::default() }).await;
    let mut client = server.connect().await;
    client.send(format!("{POST}content-length: 22\r\n\r\n")).await.unwrap();
    for byte in br#"{"name":"a","count":1}"# {
        client.send([*byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(client.answer(false).await.unwrap().status, 201);
    assert_eq!(client.get("/api/v1/slow?millis=500", "").await.text(), "500");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let server = server(Options { response_pace: pace(300, 0), ..Options::default() }).await;
    let mut client = server.connect().await;
    client.send("GET /huge HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    server.wait_for_metric("vulnzero_http_connections_active 1").await;
    server.wait_for_metric("vulnzero_http_connections_active 0").await;
    server.wait_for_metric("vulnzero_http_requests_in_progress 0").await;
}
