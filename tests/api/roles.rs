//! Who may do what: every operation of the API description against every role. The lists
//! only change when the API does.

use std::collections::BTreeSet;

use super::client::Client;
use super::document::operations;
use super::harness::Server;

/// Without logging in.
const OPEN: &[&str] = &["get_setup", "set_up", "log_in"];

/// Everybody who is logged in, beside reading the resources in [`READABLE`].
const VIEWER: &[&str] = &[
    "get_me",
    "log_out",
    "change_password",
    "create_token",
    "revoke_token",
    "get_stats",
    "get_identity_rules",
    "rehearse_identity_rules",
];

const READABLE: &[&str] = &[
    "findings",
    "vulnerabilities",
    "assets",
    "packages",
    "services",
    "mappings",
    "decisions",
    "rules",
    "sla-policies",
    "patches",
    "imports",
    "changes",
    "jobs",
    "tokens",
];

const OPERATOR: &[&str] = &[
    "update_finding",
    "bulk_update_findings",
    "create_vulnerability",
    "update_vulnerability",
    "bulk_update_vulnerabilities",
    "create_asset",
    "update_asset",
    "delete_asset",
    "bulk_update_assets",
    "create_patch",
    "update_patch",
    "delete_patch",
    "create_decision",
    "preview_decision",
    "update_decision",
    "revoke_decision",
    "create_rule",
    "update_rule",
    "delete_rule",
    "order_rules",
    "preview_rule",
    "create_sla_policy",
    "update_sla_policy",
    "delete_sla_policy",
    "order_sla_policies",
    "preview_sla_policy",
    "join_vulnerability",
    "part_vulnerability",
    "join_asset",
    "part_asset",
    "preview_join_asset",
    "preview_part_asset",
    "set_identity_rules",
    "accept_import",
    "discard_import",
    "revert_import",
    "undo_change",
    "create_import",
    "put_import",
    "get_import_original",
    "create_mapping",
    "update_mapping",
    "delete_mapping",
    "preview_mapping",
    "retry_job",
    "cancel_job",
];

/// Administrators, beside reading the resources in [`CONFIDENTIAL`].
const ADMIN: &[&str] = &[
    "delete_finding",
    "delete_vulnerability",
    "create_user",
    "update_user",
    "delete_user",
    "create_backup",
    "run_check",
    "compact",
    "list_indexes",
];

const CONFIDENTIAL: &[&str] = &["users", "audit-logs"];

/// The least of anonymous (0), viewer, operator and admin (3).
fn least(id: &str, path: &str) -> Option<usize> {
    let of_list = |lists: &[(&[&str], usize)]| {
        lists.iter().find(|(ids, _)| ids.contains(&id)).map(|(_, level)| *level)
    };
    let named = of_list(&[(OPEN, 0), (VIEWER, 1), (OPERATOR, 2), (ADMIN, 3)]);
    let reads =
        ["list_", "get_", "count_", "batch_get_", "export_"].iter().any(|p| id.starts_with(p));
    let resource = path.split('/').nth(3)?;
    named.or_else(|| {
        let level = if READABLE.contains(&resource) {
            1
        } else if CONFIDENTIAL.contains(&resource) {
            3
        } else {
            return None;
        };
        reads.then_some(level)
    })
}

#[test]
fn every_operation_is_open_to_its_roles_and_to_no_other() {
    let server = Server::start();
    let clients: Vec<(&str, Client)> = vec![
        ("anonymous", server.nobody()),
        ("viewer", server.token("viewer")),
        ("operator", server.token("operator")),
        ("admin", server.token("admin")),
    ];
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for operation in operations() {
        let (id, path) = (operation.id.as_str(), operation.path.replace("{id}", "999999"));
        let Some(least) = least(id, &path) else {
            problems.push(format!("{id} is in no list"));
            continue;
        };
        let documented = operation.value["x-role"].as_str().unwrap_or("anonymous");
        if documented != clients[least].0 {
            problems.push(format!("{id} is documented for {documented}"));
        }
        seen.insert(operation.id.clone());
        for (level, (name, client)) in clients.iter().enumerate() {
            let path = path.strip_prefix("/api/v1").unwrap();
            let status = client.send(&operation.method, path, &[], None).status;
            let right = match level {
                _ if level >= least => status != 401 && status != 403,
                0 => status == 401,
                _ => status == 403,
            };
            if !right {
                problems.push(format!("{id} answers {status} to {name}"));
            }
        }
    }
    let listed = [OPEN, VIEWER, OPERATOR, ADMIN].concat();
    problems.extend(
        listed.iter().filter(|id| !seen.contains(**id)).map(|id| format!("{id} is no operation")),
    );
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    assert!(seen.len() > 60, "{}", seen.len());
}

#[test]
fn system_pages_need_a_login_unless_opened() {
    let guarded = ["./metrics", "./openapi.json", "./docs"];
    let server = Server::start();
    for path in guarded {
        server.nobody().get(path).problem(401, "unauthenticated");
        assert_eq!(server.token("viewer").get(path).status, 200, "{path}");
    }
    for path in ["./health", "./health/live", "./health/ready"] {
        assert_eq!(server.nobody().get(path).ok(200)["status"], "ok");
    }
    // A person in a browser is led to the page for logging in.
    let page = server.nobody().send("GET", "./docs", &[("accept", "text/html")], None);
    assert_eq!((page.status, page.header("location")), (303, "/login?next=/docs"));

    let open = Server::with(&["server.public_docs=true", "server.public_metrics=true"]);
    for path in guarded {
        assert_eq!(open.nobody().get(path).status, 200, "{path}");
    }
}
