//! Reports as they were sent: downloaded exactly, under a harmless name, within limits.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use vulnzero::services::passwords::hex;

use super::client::Client;
use super::harness::{Server, report, run, trivy};

fn kept(client: &Client) -> Vec<u64> {
    let rows = client.all("/imports?sort=id");
    let has = |i: &&Value| i["original_bytes"].as_u64().is_some();
    rows.iter().filter(has).map(|i| i["id"].as_u64().unwrap()).collect()
}

/// Names of the files, without the digests.
fn files(server: &Server) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(server.data().join("originals")) else { return Vec::new() };
    let name =
        |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> =
        entries.map(name).map(|n| n.split('-').next().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_original_is_what_was_sent() {
    let server = Server::start();
    let client = server.token("operator");
    let plain = report("trivy-npm.json");
    let packed = zstd::encode_all(&plain[..], 3).unwrap();
    for (n, (sent, name)) in [
        (&plain[..], "a%20%22b%22.json"),
        (&packed, "..%2F..%2Fb.zst"),
        (b"no report", "%C3%A4.txt"),
    ]
    .into_iter()
    .enumerate()
    {
        client.import(&format!("?filename={name}"), sent);
        let id = n + 1;
        let answer = client.get(&format!("/imports/{id}/original"));
        assert_eq!((answer.status, &answer.body[..]), (200, sent), "{name}");
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-length"), sent.len().to_string());
        let disposition = answer.header("content-disposition");
        assert!(disposition.starts_with("attachment; filename=\""), "{disposition}");
        assert!(
            !disposition.contains('/') && disposition.matches('"').count() == 2,
            "{disposition}"
        );
    }
    assert_eq!(kept(&client), [1, 2, 3], "also of what was refused");
    let stored = client.get("/imports/1").ok(200)["original_bytes"].as_u64().unwrap();
    assert!(stored * 2 < plain.len() as u64, "{stored} bytes are stored");
    server.token("viewer").get("/imports/1/original").problem(403, "forbidden");
    client.get("/imports/9/original").problem(404, "not-found");

    let out = server.data().join("out.json");
    let out = out.to_str().unwrap();
    let done = run(server.data(), &["imports", "original", "1", "-o", out, "--json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done["bytes"], json!(plain.len()));
    assert_eq!(done["sha256"], hex(&Sha256::digest(&plain)));
    assert_eq!(std::fs::read(out).unwrap(), plain);
    let none = run(server.data(), &["imports", "original", "9", "-o", "-"]);
    assert_eq!(none.status.code(), Some(3), "{}", String::from_utf8_lossy(&none.stderr));
    // Without a server, too.
    let directory = server.stop();
    let printed = run(directory.path(), &["imports", "original", "1", "-o", "-"]);
    assert_eq!(printed.stdout, plain);
}

#[test]
fn the_oldest_originals_make_room() {
    let server =
        Server::with(&["import.originals_total_bytes=6000", "import.original_max_bytes=9000"]);
    let client = server.token("operator");
    // Content that does not get smaller.
    let noisy = |n: u64| {
        let mut title = String::new();
        for part in 0..30 {
            let digest = Sha256::digest(format!("{n} {part}"));
            title.push_str(&hex(&digest));
        }
        let mut report = trivy("a", &[("CVE-2026-1", "p")]);
        report["Results"][0]["Vulnerabilities"][0]["Title"] = json!(title);
        report.to_string()
    };
    for n in 1..=8 {
        client.import("", noisy(n).as_bytes()).ok(201);
    }
    let left = kept(&client);
    assert!(left.len() >= 3 && left.len() < 8 && left.last() == Some(&8), "{left:?}");
    assert_eq!(files(&server), left.iter().map(u64::to_string).collect::<Vec<_>>());
    let gone = client.get("/imports/1/original").problem(404, "not-found");
    assert!(gone["detail"].as_str().unwrap().contains("import.keep_originals"), "{gone}");
    client.get("/imports/8/original").body.len();
    let large = vec![b' '; 9001];
    client.import("", &large).problem(422, "bad-report");
    assert!(client.get("/imports/9").ok(200)["original_bytes"].is_null());

    // What no import names is swept away at the next start; the rest stays.
    let directory = server.stop();
    let stray = directory.path().join("originals/77-0123456789abcdef.zst");
    std::fs::write(&stray, "x").unwrap();
    let server = Server::on(directory, &["import.keep_originals=false"], &[]);
    let client = server.token("operator");
    assert!(!stray.exists());
    assert_eq!(kept(&client), left);
    client.import("", noisy(9).as_bytes()).ok(201);
    assert_eq!(kept(&client), left);
    assert_eq!(client.get("/imports/8/original").status, 200);
}
