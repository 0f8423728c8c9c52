//! Uploads that are sent again, and uploads as forms.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use super::client::{Answer, Auth, Client};
use super::harness::{Server, report, trivy};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

fn send(client: &Client, key: &str, query: &str, body: &[u8]) -> Answer {
    client.send("POST", &format!("/imports{query}"), &[("idempotency-key", key)], Some(body))
}

#[test]
fn the_same_key_imports_once() {
    let server = Server::start();
    let client = server.token("operator");
    let (one, two) = (trivy("a", &[("CVE-2026-1", "p")]), trivy("a", &[("CVE-2026-2", "p")]));
    let (one, two) = (one.to_string().into_bytes(), two.to_string().into_bytes());
    let first = send(&client, KEY, "?filename=a.json", &one);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = send(&client, KEY, "?filename=a.json", &one);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok(201), first.ok(201));
    assert_eq!(again.header("location"), first.header("location"));
    let looked = send(&client, KEY, "?filename=a.json&wait=false", &one);
    assert_eq!(
        (looked.ok(202)["id"].clone(), looked.header("idempotency-replayed")),
        (json!(1), "true")
    );

    for (query, body) in [("?filename=a.json", &two), ("?filename=b.json", &one), ("", &one)] {
        let refused = send(&client, KEY, query, body);
        refused.problem(422, "invalid");
        assert_eq!(refused.pointers(422), ["Idempotency-Key"]);
    }
    // A refusal is an answer, too, and is given again.
    let bad = send(&client, "bad", "", b"hello").problem(422, "bad-report");
    let again = send(&client, "bad", "", b"hello").problem(422, "bad-report");
    assert_eq!(bad["detail"], again["detail"]);
    // Whoever else uses the same key, uses another.
    assert_eq!(send(&server.token("operator"), KEY, "?filename=a.json", &one).ok(201)["id"], 3);
    assert_eq!(client.get("/imports").ok(200)["total_count"], 3);
    for key in ["", &"x".repeat(256), "schl\u{fc}ssel"] {
        let refused = send(&client, key, "", &one);
        assert_eq!(refused.pointers(400), ["Idempotency-Key"], "{key}");
    }
    assert_eq!(std::fs::read_dir(server.data().join("spool")).unwrap().count(), 0);
}

#[test]
fn a_key_is_taken_while_its_request_comes_in() {
    let server = Server::start();
    let client = server.token("operator");
    let Auth::Token(token) = client.auth.clone() else { unreachable!("it is a token") };
    let body = report("trivy-npm.json");
    let address = server.url.strip_prefix("http://").unwrap();
    let mut slow = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/imports HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Idempotency-Key: {KEY}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(&body[..100]).unwrap();
    let taken = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        // Its own request may be the first to arrive: then the slow one is refused, later.
        let answer = send(&client, KEY, "", b"{}");
        (answer.status == 409).then_some(answer)
    });
    let taken = taken.expect("the key is taken");
    taken.problem(409, "conflict");
    drop(slow);
    // The one that was cut off holds nothing.
    let free = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        send(&client, "another", "", &body).status == 201 && {
            let answer = send(&client, KEY, "?filename=x", &body);
            answer.status != 409
        }
    });
    assert!(free);
    let mut whole = TcpStream::connect(address).unwrap();
    let head = head.replace(KEY, "third");
    whole.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    let mut answer = String::new();
    whole.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

/// A form: name, file name, content of each part.
fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, content) in parts {
        let filename = filename.map(|f| format!("; filename=\"{f}\"")).unwrap_or_default();
        let head =
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(b"--cut--\r\n");
    body
}

fn send_form(client: &Client, query: &str, body: &[u8]) -> Answer {
    let kind = [("content-type", "multipart/form-data; boundary=cut")];
    client.send("POST", &format!("/imports{query}"), &kind, Some(body))
}

#[test]
fn a_form_brings_file_and_parameters() {
    let server = Server::start();
    let client = server.token("operator");
    let file = report("trivy-npm.json");
    let one = form(&[
        ("asset", None, b"shop"),
        ("file", Some("npm.json"), &file),
        ("format", None, b"trivy"),
    ]);
    let import = send_form(&client, "", &one).ok(201);
    assert_eq!((&import["filename"], &import["asset"]), (&json!("npm.json"), &json!("shop")));
    assert_eq!(import["bytes"].as_u64().unwrap() as usize, file.len());
    let named =
        form(&[("file", Some("npm.json"), &file), ("filename", None, "\u{e4}.json".as_bytes())]);
    assert_eq!(send_form(&client, "", &named).ok(201)["filename"], "\u{e4}.json");
    let plain = form(&[("file", Some("npm.json"), &file)]);
    assert_eq!(
        send_form(&client, "?filename=other.json", &plain).ok(201)["filename"],
        "other.json"
    );
    let later = form(&[("wait", None, b"false"), ("file", None, &file)]);
    assert!(send_form(&client, "", &later).ok(202)["filename"].is_null());
    // With a key, the form is the same request as the plain body.
    let key = [("idempotency-key", KEY), ("content-type", "multipart/form-data; boundary=cut")];
    let first = client.send("POST", "/imports", &key, Some(&plain)).ok(201);
    assert_eq!(send(&client, KEY, "?filename=npm.json", &file).ok(201)["id"], first["id"]);
}

#[test]
fn a_form_that_is_wrong_is_refused_by_name() {
    let server = Server::with(&["import.max_upload_bytes=600000"]);
    let client = server.token("operator");
    let file: (&str, Option<&str>, &[u8]) = ("file", Some("a"), b"{}");
    let refused = |parts: &[(&str, Option<&str>, &[u8])], status, query| {
        send_form(&client, query, &form(parts)).pointers(status)
    };
    assert_eq!(refused(&[("asset", None, b"x")], 422, ""), ["file"]);
    assert_eq!(refused(&[file, file], 422, ""), ["file"]);
    assert_eq!(refused(&[file, ("colour", None, b"red")], 400, ""), ["colour"]);
    assert_eq!(refused(&[file, ("format", None, b"no-such")], 400, ""), ["format"]);
    assert_eq!(refused(&[file, ("asset", None, b"x")], 422, "?asset=y"), ["asset"]);
    assert_eq!(refused(&[file, ("asset", None, &[b'x'; 2000])], 422, ""), ["asset"]);
    for (body, code) in [(&b"--cut\r\nbroken"[..], "bad-request"), (b"", "bad-request")] {
        send_form(&client, "", body).problem(400, code);
    }
    // A head that never ends is not waited for.
    let endless = [b"--cut\r\nX: ".as_slice(), &vec![b'x'; 550_000]].concat();
    send_form(&client, "", &endless).problem(400, "bad-request");
    let large = vec![b' '; 590_000];
    let large = form(&[
        ("file", None, &large),
        ("asset", None, &[b'x'; 100]),
        ("filename", None, &[b'y'; 100]),
    ]);
    assert!(large.len() < 600_000);
    send_form(&client, "", &large).problem(422, "bad-report");
    let larger = form(&[("file", None, &vec![b' '; 600_000])]);
    send_form(&client, "", &larger).problem(413, "too-large");
    let nothing = [("content-type", "multipart/form-data")];
    client.send("POST", "/imports", &nothing, Some(b"x")).problem(400, "bad-request");
    let packed =
        [("content-type", "multipart/form-data; boundary=cut"), ("content-encoding", "gzip")];
    client.send("POST", "/imports", &packed, Some(b"x")).problem(415, "unsupported-media-type");
    assert_eq!(std::fs::read_dir(server.data().join("spool")).unwrap().count(), 0);
}
