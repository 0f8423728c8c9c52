//! Logging in and out, what protects a session, what happens to those who guess.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use super::client::{Answer, Auth};
use super::harness::{ADMIN, Server};

fn log_in(server: &Server, name: &str, password: &str) -> Answer {
    server.nobody().post("/auth/login", &json!({"username": name, "password": password}))
}

#[test]
fn wrong_names_and_wrong_passwords_look_the_same() {
    let server = Server::start();
    server.account();
    let wrong_password =
        log_in(&server, ADMIN.0, "not the password").problem(401, "bad-credentials");
    let wrong_name = log_in(&server, "nobody", "not the password").problem(401, "bad-credentials");
    assert_eq!(wrong_password["detail"], wrong_name["detail"]);
    // Names are kept in lower case, spaces around them are a slip.
    assert_eq!(log_in(&server, " ADA ", ADMIN.1).status, 200);
    let audit = server.admin().get("/audit-logs?action=auth.login&success=false").ok(200);
    assert_eq!(audit["total_count"], 2);
    assert!(!audit.to_string().contains("not the password"));
}

#[test]
fn a_session_needs_its_csrf_token_to_write() {
    let server = Server::start();
    let session = server.account();
    let Auth::Session { cookie, csrf } = session.auth.clone() else { unreachable!() };
    let asset = |id: &str| json!({"asset_id": id});
    session.post("/assets", &asset("with-token")).ok(201);
    for wrong in ["", "x", &csrf[1..]] {
        let forged = session.with(Auth::Session { cookie: cookie.clone(), csrf: wrong.to_owned() });
        forged.post("/assets", &asset("forged")).problem(403, "csrf-rejected");
        forged.delete("/assets/with-token").problem(403, "csrf-rejected");
        forged.get("/assets").ok(200);
        // Logging in anew is not a write of the old session.
        let body = json!({"username": ADMIN.0, "password": ADMIN.1});
        assert_eq!(forged.post("/auth/login", &body).status, 200);
    }
    let other = server.log_in(ADMIN.0, ADMIN.1);
    let Auth::Session { csrf: foreign, .. } = other.auth else { unreachable!() };
    let mixed = session.with(Auth::Session { cookie, csrf: foreign });
    mixed.post("/assets", &asset("mixed")).problem(403, "csrf-rejected");
    server.token("operator").post("/assets", &asset("by-token")).ok(201);
    assert_eq!(session.get("/assets").ok(200)["total_count"], 2);
}

#[test]
fn logging_out_and_a_new_password_end_sessions() {
    let server = Server::start();
    let (first, second) = (server.account(), server.log_in(ADMIN.0, ADMIN.1));
    let out = first.send("POST", "/auth/logout", &[], None);
    assert_eq!(out.status, 204);
    let (value, attributes) = out.cookie();
    assert!(value.is_empty() && attributes.contains(&"Max-Age=0".to_owned()), "{attributes:?}");
    first.get("/auth/me").problem(401, "unauthenticated");
    second.get("/auth/me").ok(200);
    server.token("viewer").send("POST", "/auth/logout", &[], None).problem(409, "conflict");

    let third = server.log_in(ADMIN.0, ADMIN.1);
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    let wrong = third.post("/auth/password", &change("not the password", "a new password"));
    assert_eq!(wrong.pointers(422), ["/current"]);
    let weak = third.post("/auth/password", &change(ADMIN.1, "short"));
    assert_eq!(weak.pointers(422), ["/new"]);
    assert_eq!(third.post("/auth/password", &change(ADMIN.1, "a new password")).status, 204);
    for ended in [&second, &third] {
        ended.get("/auth/me").problem(401, "unauthenticated");
    }
    log_in(&server, ADMIN.0, ADMIN.1).problem(401, "bad-credentials");
    server.log_in(ADMIN.0, "a new password").get("/auth/me").ok(200);
}

#[test]
fn guessing_pauses_the_account_and_no_other() {
    let server = Server::with(&["auth.lockout_failures=2", "auth.lockout_seconds=1"]);
    server.account();
    server.user("bob", "viewer");
    for _ in 0..2 {
        log_in(&server, "bob", "guess").problem(401, "bad-credentials");
    }
    let paused = log_in(&server, "bob", "password of bob");
    paused.problem(429, "too-many-requests");
    let seconds: u64 = paused.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    server.log_in(ADMIN.0, ADMIN.1);
    sleep(Duration::from_millis(1_100));
    server.log_in("bob", "password of bob");
}

#[test]
fn guessing_names_pauses_the_address_and_no_other() {
    let server = Server::with(&[
        "auth.lockout_failures=1",
        "auth.lockout_seconds=2",
        "server.trusted_proxies=127.0.0.0/8",
    ]);
    server.account();
    let from = |address: &str, name: &str, password: &str| {
        let headers = [("x-forwarded-for", address), ("content-type", "application/json")];
        let body = json!({"username": name, "password": password}).to_string();
        server.nobody().send("POST", "/auth/login", &headers, Some(body.as_bytes()))
    };
    for n in 0..4 {
        from("192.0.2.1", &format!("name{n}"), "guess").problem(401, "bad-credentials");
    }
    let paused = from("192.0.2.1", ADMIN.0, ADMIN.1);
    paused.problem(429, "too-many-requests");
    assert!(!paused.header("retry-after").is_empty());
    assert_eq!(from("192.0.2.2", ADMIN.0, ADMIN.1).status, 200);
}

#[test]
fn behind_tls_the_cookie_is_secure() {
    let server = Server::with(&["server.secure_cookies=always"]);
    let token = server.setup_token.clone().unwrap();
    let body = json!({"token": token, "username": ADMIN.0, "password": ADMIN.1});
    let (_, attributes) = server.nobody().post("/setup", &body).cookie();
    assert!(attributes.contains(&"Secure".to_owned()), "{attributes:?}");
}
