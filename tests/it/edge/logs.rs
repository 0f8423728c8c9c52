//! What the edge writes to the log.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use vulnzero::telemetry::log;

use super::api::Server;

/// Collects what is logged.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    /// The lines of one request.
    fn of(&self, request_id: &str) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let lines = String::from_utf8(bytes).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|l: &Value| {
                l["span"]["request_id"] == request_id || l["request_id"] == request_id
            })
            .collect()
    }
}

// One thread for server and client, so that the log of this test is all theirs.
#[tokio::test]
async fn each_request_is_one_line_and_each_failure_one_chain() {
    let sink = Sink::default();
    let writer = sink.clone();
    let log = log::json_lines("info", move || writer.clone()).unwrap();
    let _guard = tracing::subscriber::set_default(log);
    let server = Server::plain().await;
    server.get("/api/v1/things/1?note=secret", "x-request-id: fine\r\n").await;
    server.get("/api/v1/broken", "x-request-id: broken\r\n").await;
    server.get("/panic", "x-request-id: panic\r\n").await;
    server.get("/nowhere", "x-request-id: nowhere\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;

    let fine = sink.of("fine");
    assert_eq!(fine.len(), 1, "{fine:#?}");
    let line = &fine[0];
    assert_eq!(line["target"], "vulnzero::access");
    assert_eq!((&line["method"], &line["path"]), (&"GET".into(), &"/api/v1/things/1".into()));
    assert_eq!((&line["status"], &line["client"]), (&200.into(), &"127.0.0.1".into()));
    assert!(line["bytes"].as_u64().unwrap() > 2000 && line["micros"].is_u64());
    assert!(!line.to_string().contains("secret"), "a query may hold what must not be kept");

    let broken = sink.of("broken");
    assert_eq!(broken.len(), 2, "{broken:#?}");
    assert_eq!((&broken[0]["level"], &broken[0]["code"]), (&"ERROR".into(), &"internal".into()));
    assert_eq!(broken[0]["error"], "the password is hunter2: the disk");
    assert_eq!((&broken[1]["status"], &broken[1]["code"]), (&500.into(), &"internal".into()));
    assert_eq!(sink.of("panic")[0]["error"], "panic: a handler panics");
    assert_eq!(sink.of("nowhere").len(), 1, "what clients do wrong is no error of ours");
}

#[test]
fn text_lines_have_the_message_and_no_colour_codes_unless_asked() {
    let sink = Sink::default();
    let writer = sink.clone();
    let log = log::text_lines("warn", move || writer.clone(), false).unwrap();
    tracing::subscriber::with_default(log, || {
        tracing::info!("below the level");
        tracing::warn!(disk = "full", "careful");
    });
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("WARN") && text.contains("careful disk=\"full\""), "{text}");
    assert!(!text.contains("below") && !text.contains('\u{1b}'), "{text}");
}
