//! One process per data directory, and how the command line finds the one that runs.

use std::os::unix::fs::PermissionsExt as _;

use super::harness::{Server, run, run_with};
use super::report::Plan;

#[test]
fn a_second_server_is_refused_and_told_who_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let second = run(&data, &["serve", "--listen", "127.0.0.1:0"]).with_code(7);
    let (pid, address) = (server.pid().to_string(), server.address.to_string());
    assert!(second.stderr.contains(&pid) && second.stderr.contains(&address), "{second:?}");
    assert_eq!(second.stdout, "");
    let restore = run(&data, &["restore", "whatever"]).with_code(7);
    assert!(restore.stderr.contains(&pid), "{restore:?}");
    server.stop();
}

#[test]
fn commands_go_through_the_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let token = data.join("local.token");
    assert_eq!(token.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let report = Plan::new("a", 0..20).bytes();
    let ran = run_with(&data, &["import", "-", "--json"], &report, |c| c).with_code(0);
    assert_eq!(ran.json()["new"], 20);
    assert_eq!(server.dump("findings").len(), 20);
    let listed = run(&data, &["list", "findings", "--json"]).with_code(0).json();
    assert_eq!(listed["total_count"], 20);
    run(&data, &["check"]).with_code(0);
    let backup = run(&data, &["backup", "--json"]).with_code(0).json();
    let file = std::path::PathBuf::from(backup["path"].as_str().unwrap());
    assert!(file.starts_with(data.join("backups")) && file.exists(), "{backup}");
    server.stop();
}

#[test]
fn a_server_elsewhere_wants_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let (data, nowhere) = (dir.path().join("data"), dir.path().join("nowhere"));
    let server = Server::start(&data);
    let url = format!("http://{}", server.address);
    let made = run(&data, &["token", "create", "--name", "ci", "--role", "operator", "--json"]);
    let token = made.with_code(0).json()["token"].as_str().unwrap().to_owned();
    let report = Plan::new("a", 0..5).bytes();
    let import = ["import", "-", "--json", "--server", &url];
    let with = |value: &str| {
        let value = value.to_owned();
        run_with(&nowhere, &import, &report, move |c| c.env("VULNZERO_TOKEN", value))
    };
    assert_eq!(with(&token).with_code(0).json()["new"], 5);
    let wrong = with("vz_0000000000000000000000000000000000000000000").with_code(4);
    assert_eq!(wrong.problem()["status"], 401);
    run(&nowhere, &import).with_code(4);
    let file = dir.path().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let listed = ["list", "findings", "--json", "--server", &url, "--token-file"];
    let mut listed: Vec<&str> = listed.to_vec();
    listed.push(file.to_str().unwrap());
    assert_eq!(run(&nowhere, &listed).with_code(0).json()["total_count"], 5);
    let by_variable = run_with(&nowhere, &["list", "assets", "--json"], b"", |c| {
        c.env("VULNZERO_SERVER", &url).env("VULNZERO_TOKEN", &token)
    });
    assert_eq!(by_variable.with_code(0).json()["total_count"], 1);
    run(&nowhere, &["list", "users", "--server", &url, "--token-file", file.to_str().unwrap()])
        .with_code(4);
    run(&nowhere, &["list", "users", "--server", &url, "--token-file", "/nonexistent"])
        .with_code(4);
    assert!(!nowhere.exists(), "a data directory was made for nothing");
    server.stop();
    run(&nowhere, &["list", "assets", "--server", &url]).with_code(7);
}

#[test]
fn a_token_of_a_dead_server_does_not_confuse_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    Server::start(&data).kill();
    assert!(data.join("local.token").exists(), "killed servers cannot remove it");
    assert_eq!(run(&data, &["list", "assets", "--json"]).with_code(0).json()["total_count"], 0);
    let server = Server::start(&data);
    run(&data, &["list", "assets"]).with_code(0);
    server.stop();
}

#[test]
fn a_start_and_commands_at_once_do_not_hinder_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for _ in 0..5 {
        let asking = {
            let data = data.clone();
            std::thread::spawn(move || {
                for _ in 0..6 {
                    run(&data, &["list", "assets"]).with_code(0);
                }
            })
        };
        let server = Server::start(&data);
        asking.join().unwrap();
        server.kill();
    }
}

#[test]
fn a_signal_right_after_the_start_ends_it_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..5 {
        Server::start(&dir.path().join(n.to_string())).stop();
    }
}
