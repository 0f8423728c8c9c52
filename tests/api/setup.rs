//! The first account: by the printed token, once; or by a configured password.

use serde_json::json;

use super::harness::{ADMIN, Server, run};

fn request(token: &str, password: &str) -> serde_json::Value {
    json!({"token": token, "username": "Ada", "password": password})
}

#[test]
fn the_printed_token_makes_one_account_and_only_one() {
    let server = Server::start();
    let token = server.setup_token.clone().unwrap();
    let nobody = server.nobody();
    let wrong = "x".repeat(token.len());
    nobody.post("/setup", &request(&wrong, ADMIN.1)).problem(403, "forbidden");
    let weak = nobody.post("/setup", &request(&token, "short"));
    assert_eq!(weak.pointers(422), ["/password"]);
    assert_eq!(nobody.get("/setup").ok(200)["needed"], true);

    let made = nobody.post("/setup", &request(&token, ADMIN.1));
    let (_, attributes) = made.cookie();
    for attribute in ["Path=/", "HttpOnly", "SameSite=Strict"] {
        assert!(attributes.iter().any(|a| a == attribute), "{attributes:?}");
    }
    let admin = server.session(&made, 201);
    let me = admin.get("/auth/me").ok(200);
    assert_eq!(
        (&me["name"], &me["role"], &me["via"]),
        (&json!("ada"), &json!("admin"), &json!("session"))
    );
    assert_eq!(me["csrf_token"], made.ok(201)["csrf_token"]);

    assert_eq!(nobody.get("/setup").ok(200)["needed"], false);
    nobody.post("/setup", &request(&token, ADMIN.1)).problem(409, "conflict");
    let audit = admin.get("/audit-logs?action=users.set_up").ok(200);
    assert_eq!(audit["total_count"], 1);
    assert_eq!(audit["items"][0]["actor_type"], "anonymous");

    let again = Server::on(server.stop(), &[], &[]);
    assert_eq!(again.setup_token, None, "nothing is printed once there is an account");
    again.log_in(ADMIN.0, ADMIN.1);
}

#[test]
fn a_token_of_an_earlier_start_is_worth_nothing() {
    let server = Server::start();
    let old = server.setup_token.clone().unwrap();
    let again = Server::on(server.stop(), &[], &[]);
    assert_ne!(again.setup_token.as_ref(), Some(&old));
    again.nobody().post("/setup", &request(&old, ADMIN.1)).problem(403, "forbidden");
}

#[test]
fn a_configured_password_makes_the_account_admin() {
    let directory = tempfile::tempdir().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "set by the operator\n").unwrap();
    let path = file.path().to_str().unwrap();
    let variables = [("VULNZERO_ADMIN_PASSWORD_FILE", path)];
    let server = Server::on(directory, &[], &variables);
    server.keep_secret("set by the operator");
    assert_eq!(server.setup_token, None);
    let admin = server.log_in("admin", "set by the operator");
    assert_eq!(admin.get("/auth/me").ok(200)["role"], "admin");
    let change = json!({"current": "set by the operator", "new": "another password"});
    assert_eq!(admin.post("/auth/password", &change).status, 204);

    // The configuration makes the account, it does not keep its password.
    let server = Server::on(server.stop(), &[], &variables);
    server.log_in("admin", "another password");
    let shown = run(server.data(), &["config", "--set", "auth.admin_password=hidden away"]);
    assert!(!String::from_utf8_lossy(&shown.stdout).contains("hidden away"));
}
