//! The accept loop: caps, exhaustion, the end.

use std::time::{Duration, Instant};

use vulnzero::http::EdgeOptions;
use vulnzero::http::server::Options;

use super::api::Server;
use super::client::Client;

#[tokio::test]
async fn beyond_the_cap_clients_wait_in_the_kernels_queue() {
    let options = Options { max_connections: 2, ..Options::default() };
    let server = Server::start(EdgeOptions::default(), options).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    assert_eq!(first.get("/page", "").await.status, 200);
    assert_eq!(second.get("/page", "").await.status, 200);
    let mut third = server.connect().await;
    third.send("GET /page HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), third.answer(false)).await;
    assert!(early.is_err(), "the third is served although two are open");
    drop(first);
    assert_eq!(third.answer(false).await.unwrap().status, 200);
}

#[tokio::test]
async fn shutdown_finishes_requests_and_takes_no_more() {
    let server = Server::plain().await;
    let mut busy = server.connect().await;
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/page", "").await.status, 200);
    busy.send("GET /api/v1/slow?millis=400 HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    server.wait_for_metric("vulnzero_http_requests_in_progress 1").await;
    server.stop.send(true).unwrap();
    assert!(idle.closed_within(Duration::from_millis(300)).await, "idle ones are closed at once");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
    let answer = busy.answer(false).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "400"));
    assert_eq!(answer.header("connection"), "close");
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_finish_is_cut_at_the_drain_time() {
    let options = Options { drain_timeout: Duration::from_millis(200), ..Options::default() };
    let server = Server::start(EdgeOptions::default(), options).await;
    let mut busy = server.connect().await;
    busy.send("GET /api/v1/slow?millis=60000 HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    server.wait_for_metric("vulnzero_http_requests_in_progress 1").await;
    let start = Instant::now();
    server.stop.send(true).unwrap();
    server.task.await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(busy.answer(false).await.is_err());
}

#[tokio::test]
async fn a_panic_is_a_500_and_harms_nobody() {
    let server = Server::plain().await;
    let mut other = server.connect().await;
    other.send("GET /api/v1/slow?millis=150 HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut client = server.connect().await;
    let answer = client.get("/panic", "").await;
    let problem = answer.problem(500, "internal");
    assert!(problem.get("detail").is_none() && !answer.text().contains("a handler panics"));
    assert_eq!(client.get("/page", "").await.status, 200, "the same connection goes on");
    assert_eq!(other.answer(false).await.unwrap().text(), "150");
    server
        .wait_for_metric(
            "vulnzero_http_requests_total{method=\"GET\",endpoint=\"unmatched\",status=\"500\"} 1",
        )
        .await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::plain().await;
    let mut client = server.connect().await;
    let one = |n| format!("GET /api/v1/text?bytes={n} HTTP/1.1\r\nhost: a\r\n\r\n");
    client.send(one(1) + &one(2) + &one(3)).await.unwrap();
    for n in 1..=3 {
        assert_eq!(client.answer(false).await.unwrap().body.len(), n + 2);
    }
}

/// Set for the process that runs out of descriptors: the limit is the process's, so the
/// other tests must not share it.
const CHILD: &str = "VULNZERO_TEST_OUT_OF_FILES";

#[test]
fn out_of_descriptors_the_loop_rests_and_recovers() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "edge::server::out_of_descriptors_child", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[tokio::test]
async fn out_of_descriptors_child() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let server = Server::plain().await;
    assert_eq!(server.get("/page", "").await.status, 200);
    server.wait_for_metric("vulnzero_http_connections_active 0").await;
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
    // The client's socket exists before the descriptors are gone; accepting needs one more.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    let mut hoard = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hoard.push(file);
    }
    let mut client = Client::from(socket.connect(server.address).await.unwrap());
    client.send("GET /page HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let before = cpu_ticks(&mut hoard);
    let waiting = tokio::time::timeout(Duration::from_millis(600), client.answer(false)).await;
    assert!(waiting.is_err(), "there was a descriptor left");
    let spent = cpu_ticks(&mut hoard) - before;
    assert!(spent <= 5, "{spent} ticks of CPU in 600 ms of doing nothing");
    hoard.clear();
    assert_eq!(client.answer(false).await.unwrap().status, 200);
}

/// CPU time of this process in ticks of 10 ms. Reading it takes a descriptor of the hoard.
fn cpu_ticks(hoard: &mut Vec<std::fs::File>) -> u64 {
    drop(hoard.pop());
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    hoard.push(std::fs::File::open("/dev/null").unwrap());
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
