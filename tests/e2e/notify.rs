//! What the service manager hears (`sd_notify(3)`).

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::harness::Server;

fn hear(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let n = socket.recv(&mut buffer).expect("the server says something in time");
    String::from_utf8(buffer[..n].to_vec()).unwrap()
}

#[test]
fn systemd_hears_ready_alive_and_stopping() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let server = Server::start_with(&dir.path().join("data"), &[], |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000")
    });
    assert_eq!(hear(&socket), "READY=1");
    assert_eq!(server.get("/health")["status"], "ok");
    let started = Instant::now();
    for _ in 0..5 {
        assert_eq!(hear(&socket), "WATCHDOG=1");
    }
    let pause = started.elapsed() / 5;
    assert!(pause < Duration::from_millis(400), "it must be told in time: {pause:?}");
    server.signal(Signal::TERM);
    let last = std::iter::repeat_with(|| hear(&socket)).find(|s| s != "WATCHDOG=1");
    assert_eq!(last.unwrap(), "STOPPING=1");
    let (status, log) = server.wait(Duration::from_secs(10));
    assert!(status.success(), "{log}");
}

#[test]
fn a_server_that_cannot_listen_never_says_that_it_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = super::harness::run_with(
        &dir.path().join("data"),
        &["serve", "--listen", &address],
        b"",
        |command| command.env("NOTIFY_SOCKET", &path),
    );
    ran.with_code(7);
    assert!(socket.recv(&mut [0; 64]).is_err());
}
