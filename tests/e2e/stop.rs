//! Ending in good order: what is being asked is answered, the database is closed, and the
//! next start is instant.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::harness::{Server, run};
use super::report::Plan;

/// Whether the database says that it was not closed: a bit of redb's header, behind its
/// magic number.
fn is_open(data: &Path) -> bool {
    let mut header = [0; 10];
    File::open(data.join("vulnzero.redb")).unwrap().read_exact(&mut header).unwrap();
    assert_eq!(&header[..4], b"redb");
    header[9] & 2 != 0
}

/// Half an upload is on its way when the signal comes; the rest is sent afterwards.
fn finishes_a_slow_upload(signal: Signal) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    assert!(is_open(&data));
    let idle = server.connect();
    let report = Plan::new("slow", 0..50).bytes();
    let (one, two) = report.split_at(report.len() / 2);
    let mut upload = server.connect();
    upload.begin("POST", "/api/v1/imports", report.len() as u64, "").unwrap();
    upload.more(one).unwrap();
    // So that the server has begun with it; what it has not begun, it may drop.
    std::thread::sleep(Duration::from_millis(200));
    server.signal(signal);
    std::thread::sleep(Duration::from_millis(500));
    let refused = TcpStream::connect(server.address).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "nobody new is let in");
    upload.more(two).unwrap();
    let answer = upload.answer().unwrap();
    assert_eq!((answer.status, answer.json()["new"].as_u64()), (201, Some(50)));
    let (status, log) = server.wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!is_open(&data), "the database was not closed");
    drop(idle);
    let again = Server::start(&data);
    println!("started again in {:?}", again.took);
    assert_eq!(again.dump("findings").len(), 50);
    again.stop();
    run(&data, &["check"]).with_code(0);
}

#[test]
fn sigterm_lets_a_slow_upload_finish() {
    finishes_a_slow_upload(Signal::TERM);
}

#[test]
fn sigint_lets_a_slow_upload_finish() {
    finishes_a_slow_upload(Signal::INT);
}

#[test]
fn an_upload_that_never_ends_is_cut_after_the_drain_time() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start_with(&data, &["--set", "server.drain_timeout_s=1"], |c| c);
    let mut upload = server.connect();
    upload.begin("POST", "/api/v1/imports", 1 << 20, "").unwrap();
    upload.more(b"{\"SchemaVersion\":2,").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let asked = Instant::now();
    server.signal(Signal::TERM);
    let (status, log) = server.wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(asked.elapsed() >= Duration::from_secs(1), "it had no time to finish");
    assert!(!is_open(&data));
    assert!(upload.answer().is_err());
    let spooled = std::fs::read_dir(data.join("spool")).unwrap().count();
    assert_eq!(spooled, 0, "the half upload is still there");
}

#[test]
fn an_idle_server_ends_at_once_and_removes_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let _idle = server.connect();
    let asked = Instant::now();
    server.stop();
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(!data.join("local.token").exists());
}

#[test]
fn the_sign_in_the_database_is_real() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    Server::start(&data).kill();
    assert!(is_open(&data), "after kill -9 the database must say so");
}
