//! The commands beside `import`: accounts, tokens, check, backup, restore, descriptions.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vulnzero::store::engine::redb::Redb;
use vulnzero::store::engine::{Batch, Direction, Engine as _, Span};

use super::harness::{Server, copy, run, run_with};
use super::http::Connection;
use super::report::Plan;

const PASSWORD: &[u8] = b"correct horse battery staple\n";

fn import(data: &Path, name: &str, findings: u64) {
    let report = Plan::new(name, 0..findings).bytes();
    run_with(data, &["import", "-"], &report, |c| c).with_code(0);
}

fn count(data: &Path, resource: &str) -> u64 {
    let list = run(data, &["list", resource, "--json", "--page-size", "1"]).with_code(0).json();
    list["total_count"].as_u64().unwrap()
}

/// Deletes the first row of a table behind the program's back.
fn damage(data: &Path, table: &'static str) {
    let engine = Redb::open(&data.join("vulnzero.redb"), 16 << 20).unwrap();
    let mut first = Vec::new();
    engine
        .snapshot()
        .unwrap()
        .scan(table, &Span::all(), Direction::Forward, &mut |key, _| {
            first = key.to_vec();
            Ok(false)
        })
        .unwrap();
    let mut batch = Batch::new();
    batch.entry(table).or_default().insert(first, None);
    engine.commit(&batch).unwrap();
    engine.close().unwrap();
}

#[test]
fn check_finds_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    import(&data, "a", 30);
    let good = run(&data, &["check", "--json"]).with_code(0).json();
    assert_eq!((&good["ok"], &good["fault_count"]), (&true.into(), &0.into()), "{good}");
    for table in [
        "idx_asset_vulnerabilities_cve_id",
        "idx_assets_asset_id",
        "fct_asset_vulnerabilities",
        "asset_vulnerabilities",
        "audit_logs",
    ] {
        let broken = dir.path().join(table);
        copy(&data, &broken);
        damage(&broken, table);
        let ran = run(&broken, &["check", "--json"]).with_code(8);
        assert_eq!(ran.json()["ok"], false, "{ran:?}");
        assert!(!ran.json()["faults"].as_array().unwrap().is_empty(), "{ran:?}");
        let plain = run(&broken, &["check"]).with_code(8);
        assert!(plain.stdout.contains("NOT everything holds"), "{plain:?}");
    }
}

#[test]
fn accounts_are_made_and_changed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let user = |args: &[&str], input: &[u8]| {
        let args: Vec<&str> = ["user"].iter().chain(args).copied().collect();
        run_with(&data, &args, input, |c| c)
    };
    user(&["create", "Ann", "--role", "admin", "--password-file", "-"], PASSWORD).with_code(0);
    user(&["create", "bob", "--password-file", "-"], b"short").with_code(6);
    let file = dir.path().join("password");
    fs::write(&file, PASSWORD).unwrap();
    let bob = ["create", "bob", "--password-file", file.to_str().unwrap(), "--json"];
    let bob = user(&bob, b"").with_code(0).json();
    assert_eq!((&bob["username"], &bob["role"]), (&"bob".into(), &"viewer".into()));
    assert!(bob.get("password").is_none(), "{bob}");
    assert_eq!(user(&["role", "bob", "operator", "--json"], b"").json()["role"], "operator");
    user(&["role", "bob", "king"], b"").with_code(6);
    user(&["role", "nobody", "viewer"], b"").with_code(3);
    user(&["password", "bob", "--password-file", "-"], b"another good password\n").with_code(0);
    let server = Server::start(&data);
    let login = |name: &str, password: &str| {
        let body = serde_json::json!({"username": name, "password": password}).to_string();
        let mut anybody = Connection::open(server.address, "").unwrap();
        anybody.anonymous();
        anybody.send("POST", "/api/v1/auth/login", &body).unwrap().status
    };
    assert_eq!(login("ann", "correct horse battery staple"), 200);
    assert_eq!(login("bob", "correct horse battery staple"), 401);
    assert_eq!(login("bob", "another good password"), 200);
    user(&["disable", "bob"], b"").with_code(0);
    assert_eq!(login("bob", "another good password"), 401);
    user(&["enable", "bob"], b"").with_code(0);
    assert_eq!(login("bob", "another good password"), 200);
    user(&["delete", "bob"], b"").with_code(0);
    assert_eq!(user(&["list", "--json"], b"").json()["total_count"], 1);
    server.stop();
    user(&["create", "eve"], b"").with_code(6);
}

#[test]
fn tokens_are_made_shown_once_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let create = ["token", "create", "--name", "ci", "--expires-in-days", "30", "--json"];
    let made = run(&data, &create).with_code(0).json();
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("vz_"), "{made}");
    let kept = &made["api_token"];
    assert_eq!((&kept["role"], &kept["name"]), (&"viewer".into(), &"ci".into()));
    assert!(kept["expires_at"].is_string(), "{made}");
    let plain = run(&data, &["token", "create"]).with_code(0).stdout;
    assert!(plain.trim().starts_with("vz_") && plain.lines().count() == 1, "{plain}");
    let server = Server::start(&data);
    let mut viewer = Connection::open(server.address, &token).unwrap();
    assert_eq!(viewer.send("GET", "/api/v1/findings", "").unwrap().status, 200);
    let refused = viewer.send("POST", "/api/v1/assets", "{\"asset_id\":\"x\"}").unwrap();
    assert_eq!(refused.status, 403);
    run(&data, &["token", "revoke", &kept["id"].to_string()]).with_code(0);
    assert_eq!(viewer.send("GET", "/api/v1/findings", "").unwrap().status, 401);
    let list = run(&data, &["token", "list", "--json"]).with_code(0);
    assert!(!list.stdout.contains(&token), "the secret is shown again");
    assert_eq!(list.json()["total_count"], 2);
    server.stop();
}

#[test]
fn backup_and_restore_offline_and_while_serving() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    import(&data, "a", 10);
    let file = dir.path().join("offline.redb");
    let made = run(&data, &["backup", file.to_str().unwrap(), "--json"]).with_code(0).json();
    assert_eq!(made["bytes"].as_u64(), Some(file.metadata().unwrap().len()));
    let again = run(&data, &["backup", file.to_str().unwrap()]).with_code(5);
    assert!(again.stderr.contains("exists already"), "{again:?}");
    let server = Server::start(&data);
    server.upload("", &Plan::new("b", 0..7).bytes());
    let online = run(&data, &["backup", "--json"]).with_code(0).json();
    let online = online["path"].as_str().unwrap();
    server.upload("", &Plan::new("c", 0..5).bytes());
    run(&data, &["restore", online]).with_code(7);
    server.stop();
    assert_eq!(count(&data, "findings"), 22);
    let restored = run(&data, &["restore", online, "--json"]).with_code(0).json();
    assert!(Path::new(restored["kept"].as_str().unwrap()).exists(), "{restored}");
    assert_eq!(count(&data, "findings"), 17);
    run(&data, &["restore", file.to_str().unwrap()]).with_code(0);
    assert_eq!(count(&data, "findings"), 10);
    run(&data, &["check"]).with_code(0);
    let fresh = dir.path().join("fresh");
    run(&fresh, &["restore", online]).with_code(0);
    assert_eq!(count(&fresh, "findings"), 17);
}

#[test]
fn junk_is_not_restored() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    import(&data, "a", 4);
    let database = data.join("vulnzero.redb");
    let before = fs::read(&database).unwrap();
    let cut = before[..before.len() / 2].to_vec();
    for junk in [b"junk".to_vec(), Vec::new(), vec![0; 1 << 20], cut] {
        let file = dir.path().join("junk");
        fs::write(&file, &junk).unwrap();
        let ran = run(&data, &["restore", file.to_str().unwrap(), "--json"]).with_code(6);
        assert!(ran.problem()["detail"].as_str().unwrap().contains("not a vulnzero backup"));
        assert_eq!(fs::read(&file).unwrap(), junk, "the file was written to");
    }
    assert_eq!(fs::read(&database).unwrap(), before, "the database was touched");
    assert!(!data.join("vulnzero.redb.partial").exists());
    run(&data, &["restore", "/nonexistent"]).with_code(3);
    assert_eq!(count(&data, "findings"), 4);
}

#[test]
fn descriptions_are_printed_without_a_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let api = run(&data, &["openapi"]).with_code(0).json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3."));
    assert!(api["paths"].as_object().unwrap().len() > 30);
    let completions = run(&data, &["completions", "bash"]).with_code(0).stdout;
    assert!(completions.contains("complete -F _vulnzero"), "{completions}");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-n", "/dev/stdin"]).stdin(std::process::Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let mut input = shell.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, completions.as_bytes()).unwrap();
    drop(input);
    assert!(shell.wait().unwrap().success(), "bash cannot read its completions");
    let man = run(&data, &["man"]).with_code(0).stdout;
    for part in [".TH", "SYNOPSIS", "import", "restore"] {
        assert!(man.contains(part), "{part}");
    }
    assert!(!data.exists());
}

#[test]
fn health_tells_how_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let url = format!("http://{}", server.address);
    let well: Value = run(&data, &["health", &url]).with_code(0).json();
    assert_eq!(well["status"], "ok");
    let listen = format!("server.listen={}", server.address);
    run(&data, &["health", "--set", &listen]).with_code(0);
    server.stop();
    let gone = run(&data, &["health", &url]).with_code(7);
    assert!(gone.stderr.contains(&url), "{gone:?}");
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", other.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")
    });
    run(&data, &["health", &elsewhere]).with_code(7);
    thread.join().unwrap().unwrap();
}

#[test]
fn rules_and_policies_are_made_tried_ordered_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    import(&data, "web", 30);
    let of = |args: &[&str]| run(&data, args).with_code(0);
    let conditions = ["--if", "package=*", "--if", "severity=critical,high,medium,low,unknown"];
    let tried =
        of(&[&["rules", "create", "all", "--assign", "eve", "--dry-run"], &conditions[..]]
            .concat());
    assert!(tried.stdout.starts_with("means 30 findings; 30 would change"), "{}", tried.stdout);
    assert_eq!(count(&data, "rules"), 0);
    of(&[&["rules", "create", "all", "--assign", "eve"], &conditions[..]].concat());
    run_with(
        &data,
        &["rules", "create", "--file", "-", "--disabled"],
        br#"{"name": "later", "matcher": {"all": true}, "actions": {"due_days": 3}}"#,
        |c| c,
    )
    .with_code(0);
    let order = of(&["rules", "order", "2", "1", "--json"]).json();
    assert_eq!(order["ids"], serde_json::json!([2, 1]));
    of(&["rules", "update", "later", "--enable"]);
    let later = of(&["rules", "show", "later", "--json"]).json();
    assert_eq!((&later["order"], &later["enabled"]), (&1.into(), &true.into()));
    assert!(of(&["rules", "list"]).stdout.contains("later"));
    of(&["sla", "create", "internet", "--if", "exposure=internet", "--days", "7"]);
    let made = of(&["sla", "show", "internet", "--json"]).json();
    assert_eq!((&made["days"], &made["on_reopen"]), (&7.into(), &"restart".into()));
    of(&["sla", "delete", "internet"]);
    run(&data, &["sla", "show", "internet"]).with_code(3);
    run(&data, &["rules", "create", "nothing", "--assign", "eve"]).with_code(6);
}
