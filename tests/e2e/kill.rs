//! `kill -9` under 64 writers, many times on one directory: what was acknowledged is there.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{Server, run};
use super::http::Connection;
use super::report::Plan;
use super::{Random, switch};

const WRITERS: u64 = 64;

/// What one writer was told, and what it had asked when the server died.
#[derive(Default)]
struct Writer {
    /// New assets and their owners: every one acknowledged.
    assets: BTreeMap<String, String>,
    /// Version and notes of its finding, as acknowledged last.
    finding: Option<(u64, String)>,
    /// Notes that were sent but not answered: they may have been written, or not.
    asked: Option<String>,
    next: u64,
}

impl Writer {
    /// Writes until the server is gone.
    fn write(&mut self, number: u64, address: SocketAddr, token: &str) {
        let Ok(mut connection) = Connection::open(address, token) else { return };
        loop {
            self.next += 1;
            let outcome = if self.next.is_multiple_of(2) {
                self.create(number, &mut connection)
            } else {
                self.patch(number, &mut connection)
            };
            if outcome.is_err() {
                return;
            }
        }
    }

    fn create(&mut self, number: u64, connection: &mut Connection) -> std::io::Result<()> {
        let (key, owner) = (format!("w{number}-{}", self.next), format!("owner {}", self.next));
        let body = json!({"asset_id": key, "owner": owner}).to_string();
        let answer = connection.send("POST", "/api/v1/assets", &body)?;
        assert_eq!(answer.status, 201, "{}", answer.json());
        self.assets.insert(key, owner);
        Ok(())
    }

    fn patch(&mut self, number: u64, connection: &mut Connection) -> std::io::Result<()> {
        let notes = format!("note {} of {number}", self.next);
        self.asked = Some(notes.clone());
        let body = json!({"notes": notes}).to_string();
        let answer = connection.send("PATCH", &format!("/api/v1/findings/{number}"), &body)?;
        assert_eq!(answer.status, 200, "{}", answer.json());
        self.finding = Some((answer.json()["version"].as_u64().unwrap(), notes));
        self.asked = None;
        Ok(())
    }

    /// Compares with what the server knows after a restart; returns the writes compared.
    fn verify(&mut self, number: u64, server: &Server) -> usize {
        let compared = self.verify_assets(server);
        compared + usize::from(self.verify_finding(number, server))
    }

    fn verify_assets(&mut self, server: &Server) -> usize {
        let ids: Vec<&String> = self.assets.keys().collect();
        if ids.is_empty() {
            return 0;
        }
        let body = json!({"ids": ids}).to_string();
        let batch = server.send("POST", "/api/v1/assets/batch-get", &body).json();
        assert_eq!(batch["missing"], json!([]), "acknowledged assets are gone");
        for asset in batch["items"].as_array().unwrap() {
            let key = asset["asset_id"].as_str().unwrap();
            assert_eq!(asset["owner"], json!(self.assets[key]), "{key}");
        }
        let compared = self.assets.len();
        // Verified once; the table of all of them is checked at the end.
        self.assets.clear();
        compared
    }

    fn verify_finding(&mut self, number: u64, server: &Server) -> bool {
        let Some((version, notes)) = self.finding.clone() else { return false };
        let found = server.get(&format!("/api/v1/findings/{number}"));
        let now = (found["version"].as_u64().unwrap(), found["notes"].as_str().unwrap());
        if self.asked.as_deref() == Some(now.1) {
            assert_eq!(now.0, version + 1);
        } else {
            assert_eq!(now, (version, notes.as_str()), "an acknowledged change is gone");
        }
        self.finding = Some((now.0, now.1.to_owned()));
        self.asked = None;
        true
    }
}

/// One life of the server: everybody writes, then it dies.
fn round(server: Server, writers: &mut [Writer], random: &mut Random) {
    let (address, token) = (server.address, server.token.clone());
    std::thread::scope(|scope| {
        for (n, writer) in writers.iter_mut().enumerate() {
            let token = token.as_str();
            scope.spawn(move || writer.write(n as u64 + 1, address, token));
        }
        random.sleep(30..400);
        server.kill();
    });
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How long a start takes after an end in good order.
fn clean_start(data: &Path) -> Duration {
    let times = (0..3).map(|_| {
        let server = Server::start(data);
        let took = server.took;
        server.stop();
        took
    });
    median(times.collect())
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let (data, mut random) = (dir.path().join("data"), Random::new());
    let mut server = Server::start(&data);
    let report = Plan::new("base", 0..WRITERS).bytes();
    assert_eq!(server.upload("", &report).status, 201);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    let (rounds, mut compared, mut starts) = (switch("E2E_ROUNDS", 50), 0, Vec::new());
    for number in 0..rounds {
        round(server, &mut writers, &mut random);
        server = Server::start(&data);
        starts.push(server.took);
        for (n, writer) in writers.iter_mut().enumerate() {
            compared += writer.verify(n as u64 + 1, &server);
        }
        if number % 10 == 9 {
            let check: Value = server.send("POST", "/api/v1/admin/check", "").json();
            assert_eq!(check["ok"], json!(true), "{check}");
        }
    }
    server.kill();
    let check = run(&data, &["check", "--json"]).with_code(0).json();
    let (clean, killed) = (clean_start(&data), median(starts));
    println!(
        "{rounds} kills, {compared} acknowledged writes compared, {} records; \
         start {clean:?}, after a kill {killed:?}",
        check["records"]
    );
    assert!(compared > rounds as usize * 10, "hardly anything was written");
    assert!(killed < clean * 5 + Duration::from_millis(200), "a start after a kill is slow");
}
