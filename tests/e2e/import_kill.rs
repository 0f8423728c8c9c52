//! Imports that are cut off, by `kill -9` or by a stop in good order, go on by themselves
//! after a start and end as if nothing had happened.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use vulnzero::app::App;
use vulnzero::config::{self, Flag, Sources};
use vulnzero::domain::job::{Job, JobStatus};
use vulnzero::store::Read as _;

use super::harness::{Server, copy, run};
use super::report::Plan;
use super::{Random, state, switch};

const ASSET: &str = "registry.example.org/shop:1.4";

/// Three scans of one asset: a first one, one where a third has gone and something is new,
/// and one where what had gone is back.
fn scans(dated: bool) -> [Vec<u8>; 3] {
    let at = |time| if dated { Some(time) } else { None };
    let first = Plan { created_at: at("2026-01-01T10:00:00Z"), ..Plan::new(ASSET, 0..2400) };
    let second = Plan {
        created_at: at("2026-01-02T10:00:00Z"),
        without: |n| n % 3 == 0,
        ..Plan::new(ASSET, 0..3000)
    };
    let third = Plan { created_at: at("2026-01-03T10:00:00Z"), ..Plan::new(ASSET, 0..2700) };
    [first.bytes(), second.bytes(), third.bytes()]
}

fn import(server: &Server, report: &[u8]) -> u64 {
    let answer = server.upload("?wait=false&filename=scan.json", report);
    assert_eq!(answer.status, 202, "{}", answer.json());
    answer.json()["id"].as_u64().unwrap()
}

/// Waits until an import is done.
fn done(server: &Server, id: u64) -> Value {
    let started = Instant::now();
    loop {
        let import = server.get(&format!("/api/v1/imports/{id}"));
        match import["status"].as_str().unwrap() {
            "completed" => return import,
            "failed" => panic!("{import}: {}", server.log()),
            _ => {}
        }
        assert!(started.elapsed() < Duration::from_mins(2), "{import}: {}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until something of it has been applied, or it is done.
fn begun(server: &Server, id: u64) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_mins(1) {
        // Neither is there while the upload is still going on.
        let import = server.send("GET", &format!("/api/v1/imports/{id}"), "").json();
        let job = server.send("GET", &format!("/api/v1/jobs/{}", import["job_id"]), "").json();
        let begun = job["progress"].as_f64().is_some_and(|progress| progress > 0.0);
        if begun || import["status"] == "completed" {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("it never began: {}", server.log());
}

/// What an import found; the same for a disturbed one.
fn totals(import: &Value) -> Value {
    let names = ["assets", "vulnerabilities", "findings", "new", "seen", "reopened", "closed"];
    let count = |name: &str| import[name].as_u64().unwrap();
    assert_eq!(count("new") + count("seen") + count("reopened"), count("findings"), "{import}");
    names.iter().map(|name| ((*name).to_owned(), import[*name].clone())).collect()
}

/// Every record without what depends on when and how often it was written.
fn stable(server: &Server, dated: bool) -> Value {
    let mut volatile = vec!["version", "created_at", "updated_at", "import_id", "last_import_id"];
    volatile.extend(["remediated_at", "discovered_at"]);
    // When policies did something is when it was written.
    volatile.push("trace");
    if !dated {
        volatile.extend(["first_seen", "last_seen", "last_scanned", "resolved_at", "reopened_at"]);
        volatile.extend(["at", "gone_at", "verified_at", "due_at", "returned_at"]);
    }
    state::of(server, &volatile)
}

/// Imports all scans one after the other; `disturb` may end the server and start another.
fn story(
    data: &Path,
    scans: &[Vec<u8>],
    dated: bool,
    mut disturb: impl FnMut(Server, u64) -> Server,
) -> (Vec<Value>, Value, Duration) {
    let mut server = Server::start(data);
    let (mut results, mut longest) = (Vec::new(), Duration::ZERO);
    for scan in scans {
        let started = Instant::now();
        let id = import(&server, scan);
        server = disturb(server, id);
        results.push(totals(&done(&server, id)));
        longest = longest.max(started.elapsed());
    }
    let state = stable(&server, dated);
    server.stop();
    run(data, &["check"]).with_code(0);
    (results, state, longest)
}

/// Imports the scans undisturbed and disturbed, and compares.
fn compare(dated: bool, mut disturb: impl FnMut(Server, u64, &Path, u64) -> Server) {
    let dir = tempfile::tempdir().unwrap();
    let scans = scans(dated);
    let (want, calm, longest) = story(&dir.path().join("calm"), &scans, dated, |server, _| server);
    println!("undisturbed: at most {longest:?} each, {want:?}");
    for round in 0..switch("E2E_IMPORT_ROUNDS", 2) {
        let data = dir.path().join(format!("wild{round}"));
        let millis = longest.as_millis() as u64;
        let (have, wild, _) =
            story(&data, &scans, dated, |server, id| disturb(server, id, &data, millis));
        assert_eq!(have, want);
        state::same(&wild, &calm);
    }
}

fn kill_at_random_moments(dated: bool) {
    let mut random = Random::new();
    compare(dated, |mut server, id, data, millis| {
        for _ in 0..3 {
            random.sleep(0..millis.max(20) / 2);
            server.kill();
            server = Server::start(data);
        }
        println!("import {id} went on in {:?} after the last kill", server.took);
        server
    });
}

#[test]
fn an_import_survives_kill_9_at_random_moments() {
    kill_at_random_moments(true);
}

#[test]
fn an_import_without_a_date_survives_kill_9_too() {
    kill_at_random_moments(false);
}

#[test]
fn a_stop_does_not_wait_for_an_import_and_a_start_takes_it_up() {
    let mut cut = 0;
    compare(true, |server, id, data, _| {
        begun(&server, id);
        let asked = Instant::now();
        server.stop();
        println!("stopped in {:?}", asked.elapsed());
        let server = Server::start(data);
        let job = &server.dump("jobs")[id as usize - 1];
        cut += u64::from(job["finished_at"].is_null());
        server
    });
    println!("{cut} imports were cut");
    assert!(cut > 0, "every import was done before it could be cut");
}

#[test]
fn a_stop_while_the_uploader_waits_lets_it_finish_or_tells_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let scan = &scans(true)[0];
    let mut connection = server.connect();
    connection.begin("POST", "/api/v1/imports", scan.len() as u64, "").unwrap();
    connection.more(scan).unwrap();
    begun(&server, 1);
    server.signal(Signal::TERM);
    let answer = connection.answer().unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());
    let (status, log) = server.wait(Duration::from_secs(20));
    assert!(status.success(), "{log}");
    let other = dir.path().join("copy");
    copy(&data, &other);
    run(&other, &["check"]).with_code(0);
}

/// Makes it look as if the process had died before it could say that a job was done.
fn forget_the_end(data: &Path, job: u64) {
    let data_dir = data.display().to_string();
    let flag = Flag { name: "storage.data_dir".into(), value: data_dir, shown: "--data".into() };
    let sources = Sources { flags: vec![flag], ..Sources::default() };
    let loaded = config::load(&sources, &config::read_file).unwrap();
    let store = App::open(loaded.config, "test").unwrap().core.store.clone();
    let changed = store.write_blocking("test", move |tx| {
        let job: Job = tx.require(job)?;
        tx.update(Job { status: JobStatus::Running, finished_at: None, ..job })
    });
    changed.unwrap();
    store.close().unwrap();
}

#[test]
fn a_kill_after_the_last_step_leaves_the_result() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    server.upload("", &Plan::new(ASSET, 0..30).bytes());
    assert_eq!(server.upload("", b"junk").status, 422);
    let before = server.dump("imports");
    server.stop();
    forget_the_end(&data, 1);
    forget_the_end(&data, 2);
    let server = Server::start(&data);
    let started = Instant::now();
    while server.dump("jobs").iter().any(|job| job["status"] != "succeeded") {
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", server.dump("jobs"));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.dump("imports"), before);
    server.stop();
}

#[test]
fn a_cancelled_import_says_so_and_can_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let one_worker = ["--set", "jobs.workers=1"];
    let server = Server::start_with(&dir.path().join("data"), &one_worker, |c| c);
    let first = import(&server, &scans(true)[0]);
    let second = import(&server, &scans(true)[1]);
    begun(&server, first);
    for id in [first, second] {
        let cancelled = server.send("POST", &format!("/api/v1/jobs/{id}/cancel"), "");
        assert_eq!(cancelled.status, 200, "{}", cancelled.json());
        let import = server.get(&format!("/api/v1/imports/{id}"));
        assert_eq!(
            (&import["status"], &import["error"]["code"]),
            (&"failed".into(), &"conflict".into())
        );
    }
    for id in [first, second] {
        assert!(server.send("POST", &format!("/api/v1/jobs/{id}/retry"), "").ok());
        let import = done(&server, id);
        totals(&import);
        assert!(import.get("error").is_none(), "{import}");
    }
    let check = server.send("POST", "/api/v1/admin/check", "").json();
    assert_eq!(check["ok"], true, "{check}");
    server.stop();
}

/// Waits until an import is in one of these states.
fn until(server: &Server, id: u64, states: &[&str]) -> Value {
    let started = Instant::now();
    loop {
        let import = server.get(&format!("/api/v1/imports/{id}"));
        if states.contains(&import["status"].as_str().unwrap()) {
            return import;
        }
        assert!(started.elapsed() < Duration::from_mins(2), "{import}: {}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asks for something that goes on for a while, and kills the server a few times meanwhile
/// (a job during which it ends twenty times is given up).
fn ask_and_kill(mut server: Server, data: &Path, path: &str, random: &mut Random) -> Server {
    let is_asked = |server: &Server| {
        let status = server.get("/api/v1/imports/2")["status"].clone();
        println!("{path}: {status}");
        if path.ends_with("revert") { status != "completed" } else { status != "quarantined" }
    };
    for round in 0..8 {
        let mut connection = server.connect();
        // What nobody acknowledged may have to be asked for again.
        if !is_asked(&server) {
            connection.begin("POST", path, 0, "").unwrap();
        }
        random.sleep(20..150 * (round + 1));
        server.kill();
        server = Server::start(data);
    }
    if !is_asked(&server) {
        let asked = server.send("POST", path, "");
        assert!(asked.ok(), "{}", asked.json());
    }
    server
}

#[test]
fn accepting_and_reverting_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut random = Random::new();
    let server = Server::start(&data);
    let all = Plan { created_at: Some("2026-01-01T10:00:00Z"), ..Plan::new(ASSET, 0..9_000) };
    let few = Plan {
        created_at: Some("2026-01-02T10:00:00Z"),
        without: |n| n % 9 != 0,
        ..Plan::new(ASSET, 0..9_000)
    };
    done(&server, import(&server, &all.bytes()));
    let before = stable(&server, true);
    let second = import(&server, &few.bytes());
    let held = until(&server, second, &["quarantined"]);
    assert_eq!((&held["held"], &held["closed"]), (&8_000.into(), &0.into()), "{held}");

    let server = ask_and_kill(server, &data, "/api/v1/imports/2/accept", &mut random);
    let accepted = done(&server, second);
    assert_eq!((&accepted["held"], &accepted["closed"]), (&0.into(), &8_000.into()), "{accepted}");
    let open = server.get("/api/v1/findings?status=open&page_size=1");
    assert_eq!(open["total_count"], 1_000, "{open}");

    let server = ask_and_kill(server, &data, "/api/v1/imports/2/revert", &mut random);
    until(&server, second, &["reverted"]);
    state::same(&stable(&server, true), &before);
    server.stop();
    run(&data, &["check"]).with_code(0);
}
