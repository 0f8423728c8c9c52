//! Uploads: every way in, what is refused, and that a refusal changes nothing.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, report, trivy};

/// Everything that a report can change, without what every upload leaves behind.
fn dump(client: &Client) -> Vec<Vec<Value>> {
    ["/findings", "/vulnerabilities", "/assets"]
        .iter()
        .map(|path| client.all(&format!("{path}?sort=id")))
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Method, headers, body.
type Way<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8]);

#[test]
fn every_way_in_gives_the_same() {
    let plain = report("trivy-alpine-39.json");
    let (gzipped, zstd) = (gzip(&plain), zstd::encode_all(&plain[..], 3).unwrap());
    let json = ("content-type", "application/json");
    let ways: [Way<'_>; 7] = [
        ("POST", &[], &plain),
        ("PUT", &[], &plain),
        ("POST", &[json], &plain),
        ("POST", &[("content-type", "application/octet-stream")], &gzipped),
        ("PUT", &[("content-encoding", "gzip")], &gzipped),
        ("POST", &[("content-encoding", "zstd"), json], &zstd),
        ("PUT", &[], &zstd),
    ];
    let server = Server::start();
    let client = server.token("operator");
    let mut first = None;
    for (n, (method, headers, body)) in ways.into_iter().enumerate() {
        let answer = client.send(method, "/imports?filename=a.json", headers, Some(body));
        let import = answer.ok(201);
        assert_eq!(answer.header("location"), format!("/api/v1/imports/{}", import["id"]));
        assert_eq!((&import["status"], &import["format"]), (&json!("completed"), &json!("trivy")));
        let counts = json!([import["findings"], import["assets"], import["vulnerabilities"]]);
        assert_eq!(first.get_or_insert(counts.clone()), &counts, "way {n}");
        let new = if n == 0 { import["findings"].clone() } else { json!(0) };
        assert_eq!(import["new"], new, "way {n}");
    }
    let brotli = [("content-encoding", "br")];
    client.send("POST", "/imports", &brotli, Some(&plain)).problem(415, "unsupported-media-type");
}

#[test]
fn counts_are_what_lists_show_right_after() {
    let server = Server::start();
    let client = server.token("operator");
    let import = client.import("?filename=many.json", &report("dd-legacy_many_vulns.json")).ok(201);
    let total = |path: &str| client.get(path).ok(200)["total_count"].clone();
    assert_eq!(import["findings"], total("/findings"));
    assert_eq!(import["findings"], total("/findings?status=open"));
    assert_eq!(import["assets"], total("/assets"));
    assert_eq!(import["vulnerabilities"], total("/vulnerabilities"));
    let open: u64 =
        client.all("/assets").iter().map(|a| a["open_findings"]["total"].as_u64().unwrap()).sum();
    assert_eq!(import["findings"], open);
    let of_each = client.all("/vulnerabilities");
    let open: u64 = of_each.iter().map(|v| v["open_findings"].as_u64().unwrap()).sum();
    assert_eq!(import["findings"], open);
    let stats = client.get("/stats").ok(200);
    assert_eq!(stats["findings"]["open"]["total"], import["findings"]);
    assert_eq!(stats["imports"]["latest"]["id"], import["id"]);
    assert_eq!(client.get("/imports").ok(200)["items"], json!([import]));
}

#[test]
fn who_does_not_wait_looks_later() {
    let server = Server::start();
    let client = server.token("operator");
    let begun = client.import("?wait=false&filename=later.json", &report("trivy-npm.json"));
    let path = begun.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    assert_eq!(begun.ok(202)["filename"], "later.json");
    let start = Instant::now();
    let done = loop {
        let import = client.get(&path).ok(200);
        if import["status"] == "completed" {
            break import;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{import}");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(done["findings"].as_u64().unwrap() > 0);
}

#[test]
fn a_report_that_ends_early_changes_nothing() {
    let server = Server::start();
    let client = server.token("operator");
    client.import("", &report("trivy-npm.json")).ok(201);
    let before = dump(&client);
    let whole = report("trivy-alpine-39.json");
    for cut in [whole.len() - 2, whole.len() / 2, 700] {
        let refused = client.import("?format=trivy", &whole[..cut]).problem(422, "bad-report");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("line ") && detail.contains("column "), "{detail}");
        assert_eq!(dump(&client), before, "cut at {cut}");
    }
    let squeezed = gzip(&whole);
    client.import("?format=trivy", &squeezed[..squeezed.len() / 2]).problem(422, "bad-report");
    for (body, query) in [(&b"hello"[..], ""), (b"{}", ""), (b"", ""), (b"[1]", "?format=trivy")] {
        client.import(query, body).problem(422, "bad-report");
    }
    assert_eq!(dump(&client), before);
    let failed = client.get("/imports?status=failed").ok(200);
    assert!(failed["total_count"].as_u64().unwrap() >= 6);
    assert!(failed["items"].as_array().unwrap().iter().all(|i| i["error"]["code"] == "bad-report"));
    assert_eq!(client.import("?format=no-such", &whole).pointers(400), ["format"]);
    assert_eq!(client.import("?filename=a%00b", &whole).pointers(400), ["filename"]);
}

#[test]
fn large_uploads_and_bombs_are_stopped() {
    let server = Server::with(&[
        "import.max_upload_bytes=100000",
        "import.max_report_bytes=200000",
        "import.max_findings=50",
    ]);
    let client = server.token("operator");
    let large = vec![b' '; 100_001];
    client.import("", &large).problem(413, "too-large");
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 100_000);
    client.import("?format=trivy", &bomb).problem(413, "too-large");
    let zstd = zstd::encode_all(&vec![b' '; 50_000_000][..], 3).unwrap();
    client.import("?format=trivy", &zstd).problem(413, "too-large");
    let many: Vec<String> = (0..51).map(|n| format!("CVE-2026-{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|id| (id.as_str(), "p")).collect();
    let refused =
        client.import("", trivy("a", &many).to_string().as_bytes()).problem(413, "too-large");
    assert!(refused["detail"].as_str().unwrap().contains("import.max_findings"), "{refused}");
    assert!(dump(&client).iter().all(Vec::is_empty));
    let spool = server.data().join("spool");
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0, "no upload is left behind");
}

#[test]
fn an_asset_can_be_given_another_name() {
    let server = Server::start();
    let client = server.token("operator");
    let one = report("trivy-alpine-39.json");
    client.import("?asset=golden%20image", &one).ok(201);
    let assets = client.all("/assets");
    assert_eq!((assets.len(), &assets[0]["asset_id"]), (1, &json!("golden image")));
    client.get("/assets/golden%20image").ok(200);
    let several = client.import("?asset=one", &report("dd-kubernetes.json"));
    let detail = several.problem(422, "invalid")["detail"].to_string();
    assert!(detail.contains("asset: the report holds several"), "{detail}");
    assert_eq!(client.all("/assets").len(), 1);
}

#[test]
fn a_file_of_another_kind_is_told_what_it_is() {
    let server = Server::start();
    let client = server.token("operator");
    let json = report("trivy-npm.json");
    let cut = &gzip(&json)[..1000];
    for (query, body, parts) in [
        ("?format=nessus", &json[..], &["read as Nessus", "looks like Trivy", "format=trivy"][..]),
        ("?format=trivy", b"<a><b/></a>", &["line 1", "XML with the root element <a>"]),
        ("", b"<html><body>", &["a web page (HTML)"]),
        ("", b"{\"colour\": 1}", &["JSON, an object with the keys 'colour'"]),
        ("", b"PK\x03\x04\x14\x00", &["a zip archive", "unzip -p"]),
        ("?format=trivy", b"PK\x03\x04\x14\x00", &["a zip archive"]),
        ("", &gzip(&gzip(&json)), &["compressed twice"]),
        ("?format=trivy", cut, &["ends in the middle", "gzip", "at byte 1000 of the file"]),
    ] {
        let problem = client.import(query, body).problem(422, "bad-report");
        let detail = problem["detail"].as_str().unwrap();
        assert!(parts.iter().all(|part| detail.contains(part)), "{detail}");
    }
}
