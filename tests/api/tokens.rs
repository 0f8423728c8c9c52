//! API tokens: shown once, limited to their role and their owner's, revocable.

use serde_json::json;

use super::client::Auth;
use super::harness::Server;

#[test]
fn the_secret_is_shown_once_and_known_by_its_prefix() {
    let server = Server::start();
    let admin = server.account();
    let made =
        admin.post("/tokens", &json!({"name": "ci", "role": "operator", "expires_in_days": 30}));
    assert_eq!(made.header("location"), "/api/v1/tokens/1");
    let made = made.ok(201);
    let secret = server.keep_secret(made["token"].as_str().unwrap());
    let token = &made["api_token"];
    assert!(secret.starts_with("vz_") && secret.len() > 40);
    assert!(secret.starts_with(token["prefix"].as_str().unwrap()));
    assert_eq!((&token["role"], &token["username"]), (&json!("operator"), &json!("ada")));
    assert!(token["expires_at"].as_str().unwrap() > token["created_at"].as_str().unwrap());

    let by_token = server.nobody().with(Auth::Token(secret.clone()));
    assert_eq!(by_token.get("/auth/me").ok(200)["via"], "token");
    // No answer of any list has it, nor any hash.
    for path in ["/tokens", "/tokens/1", "/users", "/audit-logs", "/jobs", "/stats", "/auth/me"] {
        let text = admin.get(path).text();
        let hidden = [secret.as_str(), "$argon2", "password_hash", "\"hash\":\"$"];
        assert!(hidden.iter().all(|h| !text.contains(h)), "{path}: {text}");
    }
}

#[test]
fn a_token_may_what_its_role_and_its_owner_may() {
    let server = Server::start();
    server.account();
    let bob = server.user("bob", "operator");
    bob.post("/tokens", &json!({"name": "x", "role": "admin"})).problem(403, "forbidden");
    let make = |role: &str| {
        let made = bob.post("/tokens", &json!({"name": role, "role": role})).ok(201);
        bob.with(Auth::Token(made["token"].as_str().unwrap().to_owned()))
    };
    let (reads, writes) = (make("viewer"), make("operator"));
    reads.post("/assets", &json!({"asset_id": "a"})).problem(403, "forbidden");
    writes.post("/assets", &json!({"asset_id": "a"})).ok(201);

    let admin = server.admin();
    admin.patch("/users/bob", &json!({"role": "viewer"})).ok(200);
    assert_eq!(writes.get("/auth/me").ok(200)["role"], "viewer");
    writes.post("/assets", &json!({"asset_id": "b"})).problem(403, "forbidden");
    admin.patch("/users/bob", &json!({"is_active": false})).ok(200);
    writes.get("/auth/me").problem(401, "unauthenticated");
    bob.get("/auth/me").problem(401, "unauthenticated");
}

#[test]
fn a_revoked_token_stays_in_the_list_and_works_no_more() {
    let server = Server::start();
    let admin = server.account();
    let bob = server.user("bob", "viewer");
    let made = bob.post("/tokens", &json!({"name": "mine", "role": "viewer"})).ok(201);
    let (secret, id) = (made["token"].as_str().unwrap(), &made["api_token"]["id"]);
    let by_token = bob.with(Auth::Token(secret.to_owned()));
    let theirs = admin.post("/tokens", &json!({"name": "theirs", "role": "admin"})).ok(201);

    // One's own only, unless one is an administrator.
    let theirs = format!("/tokens/{}", theirs["api_token"]["id"]);
    bob.get(&theirs).problem(404, "not-found");
    bob.delete(&theirs).problem(404, "not-found");
    assert_eq!(bob.get("/tokens").ok(200)["total_count"], 1);
    let batch = bob.post("/tokens/batch-get", &json!({"ids": [1, 2]})).ok(200);
    assert_eq!((batch["items"].as_array().unwrap().len(), &batch["missing"]), (1, &json!(["2"])));
    assert_eq!(bob.get("/tokens/facets?fields=role").ok(200)["total_count"], 1);

    by_token.get("/findings").ok(200);
    let path = format!("/tokens/{id}");
    assert_eq!(bob.delete(&path).status, 204);
    by_token.get("/findings").problem(401, "unauthenticated");
    assert!(bob.get(&path).ok(200)["revoked_at"].is_string());
    bob.delete(&path).problem(409, "conflict");
    server
        .nobody()
        .with(Auth::Token("vz_nonsense".into()))
        .get("/findings")
        .problem(401, "unauthenticated");
    let basic = [("authorization", "Basic YTpi")];
    server.nobody().send("GET", "/findings", &basic, None).problem(401, "unauthenticated");
}
