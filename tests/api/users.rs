//! Accounts: made, changed and removed by administrators, of whom one always stays.

use serde_json::json;

use super::harness::{ADMIN, Server};

#[test]
fn accounts_live_and_die() {
    let server = Server::start();
    let admin = server.account();
    let new = json!({"username": "Bob", "password": "password of bob", "role": "viewer",
        "full_name": "Bob B.", "email": "bob@example.org"});
    let made = admin.post("/users", &new);
    assert_eq!(made.header("location"), "/api/v1/users/2");
    assert_eq!(made.ok(201)["username"], "bob");
    admin.post("/users", &new).problem(409, "duplicate");
    let same_mail = json!({"username": "rob", "password": "password of rob", "role": "viewer", "email": "bob@example.org"});
    admin.post("/users", &same_mail).problem(409, "duplicate");
    let wrong = json!({"username": "1", "password": "short", "role": "king", "extra": true});
    let mut pointers = admin.post("/users", &wrong).pointers(422);
    pointers.sort();
    assert_eq!(pointers, ["/extra", "/password", "/role", "/username"], "all faults at once");

    let bob = server.log_in("bob", "password of bob");
    bob.get("/users").problem(403, "forbidden");
    let changed =
        admin.patch("/users/bob", &json!({"role": "operator", "full_name": null})).ok(200);
    assert_eq!((&changed["role"], changed.get("full_name")), (&json!("operator"), None));
    assert_eq!(changed["email"], "bob@example.org");
    bob.get("/auth/me").ok(200);
    admin.patch("/users/bob", &json!({"password": "bob's new password"})).ok(200);
    bob.get("/auth/me").problem(401, "unauthenticated");
    let bob = server.log_in("bob", "bob's new password");

    assert_eq!(admin.delete("/users/bob").status, 204);
    bob.get("/auth/me").problem(401, "unauthenticated");
    admin.get("/users/bob").problem(404, "not-found");
    admin.delete("/users/bob").problem(404, "not-found");
}

#[test]
fn the_last_administrator_stays() {
    let server = Server::start();
    let (ada, cli) = (server.account(), server.admin());
    ada.delete("/users/ada").problem(409, "conflict");
    cli.delete("/users/ada").problem(409, "conflict");
    for change in [json!({"role": "operator"}), json!({"is_active": false})] {
        ada.patch("/users/ada", &change).problem(409, "conflict");
    }
    let eve = server.user("eve", "admin");
    eve.delete("/users/eve").problem(409, "conflict");
    eve.patch("/users/ada", &json!({"is_active": false})).ok(200);
    ada.get("/auth/me").problem(401, "unauthenticated");
    // An administrator who cannot log in does not count.
    eve.patch("/users/eve", &json!({"role": "viewer"})).problem(409, "conflict");
    eve.patch("/users/ada", &json!({"is_active": true})).ok(200);
    server.log_in(ADMIN.0, ADMIN.1).patch("/users/eve", &json!({"role": "viewer"})).ok(200);
    eve.get("/users").problem(403, "forbidden");
}
