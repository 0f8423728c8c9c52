//! Exports over HTTP: the files, their names and types, what is refused, and that nothing
//! that is broken off looks whole.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use vulnzero::adapters::exporters::Exported;
use vulnzero::domain::asset::Asset;
use vulnzero::domain::decision::Decision;
use vulnzero::domain::finding::Finding;
use vulnzero::domain::package::Package;
use vulnzero::domain::vulnerability::Vulnerability;

use super::client::Client;
use super::document::DOCUMENT;
use super::harness::{Server, report, run};

fn imported() -> (Server, Client) {
    let server = Server::start();
    let client = server.token("operator");
    for name in ["trivy-alpine-39.json", "trivy-npm.json", "dd-legacy_many_vulns.json"] {
        client.import(&format!("?filename={name}"), &report(name)).ok(201);
    }
    (server, client)
}

#[test]
fn every_list_and_format_is_a_file_with_a_name_and_a_type() {
    let (server, client) = imported();
    client
        .post("/decisions", &json!({"kind": "note", "vulnerability": "CVE-2019-1549", "note": "x"}))
        .ok(201);
    let viewer = server.token("viewer");
    for (list, format, media, end) in [
        ("findings", "csv", "text/csv; charset=utf-8", ".csv"),
        ("findings", "jsonl", "application/x-ndjson", ".jsonl"),
        ("findings", "sarif", "application/sarif+json", ".sarif"),
        ("findings", "cyclonedx-vdr", "application/vnd.cyclonedx+json", ".cdx.json"),
        ("findings", "cyclonedx-vex", "application/vnd.cyclonedx+json", ".vex.cdx.json"),
        ("findings", "openvex", "application/json", ".openvex.json"),
        ("findings", "csaf-vex", "application/json", ".csaf.json"),
        ("vulnerabilities", "csv", "text/csv; charset=utf-8", ".csv"),
        ("assets", "csv", "text/csv; charset=utf-8", ".csv"),
        ("packages", "jsonl", "application/x-ndjson", ".jsonl"),
        ("decisions", "jsonl", "application/x-ndjson", ".jsonl"),
    ] {
        let answer = viewer.get(&format!("/{list}/export?format={format}"));
        assert_eq!(answer.status, 200, "{list} {format}: {}", answer.text());
        assert_eq!(answer.header("content-type"), media, "{list} {format}");
        let name = answer.header("content-disposition");
        let begin = format!("attachment; filename=\"vulnzero-{list}-20");
        assert!(name.starts_with(&begin) && name.ends_with(&format!("{end}\"")), "{name}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let total = client.get(&format!("/{list}")).ok(200)["total_count"].as_u64().unwrap();
        if end == ".jsonl" {
            assert_eq!(answer.text().lines().count() as u64, total, "{list}");
        }
    }
}

#[test]
fn an_export_is_what_the_list_shows() {
    let (_server, client) = imported();
    for query in ["severity=high", "search=libcrypto&sort=id", "status=open&sort=-severity"] {
        let listed = client.all(&format!("/findings?{query}"));
        let lines = client.get(&format!("/findings/export?format=jsonl&{query}")).text();
        let lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!listed.is_empty());
        assert_eq!(lines, listed, "{query}");
    }
}

/// Every column is a member of the record.
fn columns_are_described<R: Exported>(schema: &str) {
    assert!(!R::COLUMNS.is_empty());
    for column in R::COLUMNS {
        let mut schema = &DOCUMENT["components"]["schemas"][schema];
        for part in column.path.split('.') {
            schema = &schema["properties"][part];
            let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
            if let Some(target) = reference.and_then(|r| r.rsplit('/').next()) {
                schema = &DOCUMENT["components"]["schemas"][target];
            }
        }
        assert!(schema.is_object(), "{}: {} at {}", R::TABLE, column.name, column.path);
    }
}

#[test]
fn columns_of_tables_are_members_of_records() {
    columns_are_described::<Finding>("Finding");
    columns_are_described::<Vulnerability>("Vulnerability");
    columns_are_described::<Asset>("Asset");
    columns_are_described::<Package>("Package");
    columns_are_described::<Decision>("Decision");
}

#[test]
fn mistakes_are_named() {
    let (_server, client) = imported();
    let unknown = client.get("/findings/export?format=pdf");
    unknown.problem(400, "bad-request");
    assert!(unknown.text().contains("csaf-vex"), "{}", unknown.text());
    for (path, name) in [
        ("/findings/export", "format"),
        ("/assets/export?format=sarif", "format"),
        ("/findings/export?format=csv&colour=red", "colour"),
        ("/findings/export?format=csv&sort=nothing", "sort"),
        ("/findings/export?format=csv&page=2", "page"),
    ] {
        assert_eq!(client.get(path).pointers(400), [name], "{path}");
    }
    let nothing = client.get("/findings/export?format=openvex&search=nothinglikeit");
    nothing.problem(409, "conflict");
    let empty = client.get("/findings/export?format=csv&search=nothinglikeit");
    assert_eq!((empty.status, empty.text().lines().count()), (200, 1));
}

#[test]
fn compressed_answers_are_the_same_files() {
    let (_server, client) = imported();
    let path = "/findings/export?format=jsonl";
    let plain = client.get(path);
    let packed = client.send("GET", path, &[("accept-encoding", "zstd")], None);
    assert_eq!(packed.header("content-encoding"), "zstd");
    assert!(packed.body.len() < plain.body.len() / 4);
    assert_eq!(zstd::decode_all(&packed.body[..]).unwrap(), plain.body);
}

/// Whoever goes away in the middle leaves nothing behind: the server ends cleanly (see
/// `harness.rs`), and takes as many exports again.
#[test]
fn clients_may_go_away() {
    let (server, client) = imported();
    let token = std::fs::read_to_string(server.data().join("local.token")).unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).unwrap();
        let path = "/api/v1/findings/export?format=csaf-vex";
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut some = [0; 16];
        stream.read_exact(&mut some).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(client.get("/findings/export?format=csv").status, 200);
}

#[test]
fn the_command_line_writes_whole_files_or_none() {
    let (server, client) = imported();
    let total = client.get("/findings?severity=high").ok(200)["total_count"].as_u64().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.jsonl");
    let path = file.to_str().unwrap();
    let with_server = |data: &std::path::Path| {
        let arguments =
            ["export", "findings", "--format", "jsonl", "--filter", "severity=high", "-o", path];
        let ran = run(data, &arguments);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count() as u64, total);
        let printed =
            run(data, &["export", "findings", "severity=high", "--format", "jsonl"]).stdout;
        assert_eq!(String::from_utf8(printed).unwrap(), text);
        text
    };
    let over_http = with_server(server.data());
    let refused = run(server.data(), &["export", "findings", "--format", "pdf", "-o", path]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("csaf-vex"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), over_http, "the old file stays");
    let data = server.stop();
    assert_eq!(with_server(data.path()), over_http);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing half is left");
}
