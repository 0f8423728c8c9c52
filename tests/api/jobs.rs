//! Background work that people can see, stop and take up again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, report, trivy};

#[track_caller]
fn wait_for(client: &Client, path: &str, test: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let value = client.get(path).ok(200);
        if test(&value) {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{path} stays {value}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_finished_job_is_listed_and_stays_finished() {
    let server = Server::start();
    let client = server.token("operator");
    let import = client.import("", &report("trivy-npm.json")).ok(201);
    let job = client.get(&format!("/jobs/{}", import["job_id"])).ok(200);
    assert_eq!((&job["kind"], &job["status"]), (&json!("import"), &json!("succeeded")));
    assert_eq!((&job["progress"], &job["attempts"]), (&json!(1.0), &json!(1)));
    assert_eq!(job["import_id"], import["id"]);
    let listed = client.get(&format!("/jobs?status=succeeded&import_id={}", import["id"])).ok(200);
    assert_eq!(listed["items"], json!([job]));
    for verb in ["retry", "cancel"] {
        client
            .send("POST", &format!("/jobs/{}/{verb}", job["id"]), &[], None)
            .problem(409, "conflict");
        client.send("POST", &format!("/jobs/99/{verb}"), &[], None).problem(404, "not-found");
    }
}

#[test]
fn a_waiting_job_can_be_cancelled_and_taken_up_again() {
    let server = Server::with(&["jobs.workers=1"]);
    let client = server.token("operator");
    // The only worker is busy with a large report while a small one waits.
    let ids: Vec<String> = (0..20_000).map(|n| format!("CVE-2026-{n}")).collect();
    let findings: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "p")).collect();
    let large =
        client.import("?wait=false", trivy("large", &findings).to_string().as_bytes()).ok(202);
    let small = client.import("?wait=false", &report("trivy-npm.json")).ok(202);
    let path = format!("/jobs/{}", small["job_id"]);
    let cancelled = client.send("POST", &format!("{path}/cancel"), &[], None).ok(200);
    assert_eq!(cancelled["status"], "cancelled");
    // A running one stops at its next step; what it has done stays.
    let running = format!("/jobs/{}", large["job_id"]);
    wait_for(&client, &running, |job| job["status"] == "running");
    client.send("POST", &format!("{running}/cancel"), &[], None).ok(200);

    let queued = client.send("POST", &format!("{path}/retry"), &[], None).ok(200);
    assert_eq!((&queued["status"], &queued["attempts"]), (&json!("queued"), &json!(0)));
    wait_for(&client, &path, |job| job["status"] == "succeeded");
    let import = client.get(&format!("/imports/{}", small["id"])).ok(200);
    assert_eq!(import["status"], "completed");
    assert!(import["findings"].as_u64().unwrap() > 0);
    assert_eq!(client.get(&running).ok(200)["status"], "cancelled");
}
