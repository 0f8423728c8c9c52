//! Deciding from the command line: about findings, imports, and what is the same.

use poem::http::Method;
use serde_json::{Map, Value, json};

use super::{answer, plain, print_page, segment};
use crate::base::Result;
use crate::cli::args::Resource;
use crate::cli::args::triage::{Decide, Names, Quarantine, Same};
use crate::cli::client::{Client, Content};
use crate::cli::{exit, output};

/// Makes a decision, or says what it would do.
pub async fn decide(client: &Client, args: &Decide, as_json: bool) -> Result<u8> {
    let texts = [
        ("vulnerability", &args.vulnerability),
        ("asset", &args.asset),
        ("tag", &args.tag),
        ("package", &args.package),
        ("reason", &args.reason),
        ("expires_at", &args.expires),
        ("compensating_control", &args.control),
        ("justification", &args.justification),
        ("assigned_to", &args.assign),
        ("due_at", &args.due),
        ("note", &args.note),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
    let mut body: Map<String, Value> =
        texts.map(|(name, text)| (name.to_owned(), json!(text))).collect();
    body.insert("kind".to_owned(), json!(args.kind.word()));
    if let Some(finding) = args.finding {
        body.insert("finding_id".to_owned(), json!(finding));
    }
    let path = if args.dry_run { "/decisions/preview" } else { "/decisions" };
    let done = client.send(Method::POST, path, Content::Json(body.into())).await?;
    answer(&done, as_json, || {
        if args.dry_run {
            format!("matches {} findings; {} would change", done["matched"], done["changed"])
        } else {
            format!(
                "decision {}: {} {}",
                done["id"],
                args.kind.word(),
                plain(&done["vulnerability"])
            )
        }
    });
    Ok(exit::OK)
}

/// Takes a decision back.
pub async fn revoke(client: &Client, id: u64, as_json: bool) -> Result<u8> {
    let path = format!("/decisions/{id}/revoke");
    let done = client.send(Method::POST, &path, Content::None).await?;
    answer(&done, as_json, || format!("decision {id} is {}", plain(&done["state"])));
    Ok(exit::OK)
}

/// Lists, accepts or discards what quarantined imports would close.
pub async fn quarantine(client: &Client, what: &Quarantine, as_json: bool) -> Result<u8> {
    let path = match what {
        Quarantine::List => {
            let path = "/imports?status=quarantined&page_size=1000";
            let page = client.send(Method::GET, path, Content::None).await?;
            if as_json {
                output::json(&page);
            } else {
                print_page(Resource::Imports, &page);
            }
            return Ok(exit::OK);
        }
        Quarantine::Accept { id } => format!("/imports/{id}/accept"),
        Quarantine::Discard { id } => format!("/imports/{id}/discard"),
    };
    let done = client.send(Method::POST, &path, Content::None).await?;
    answer(&done, as_json, || {
        let (id, status) = (&done["id"], plain(&done["status"]));
        format!("import {id} is {status}: {} findings are closed", done["closed"])
    });
    Ok(exit::OK)
}

/// Undoes an import.
pub async fn revert(client: &Client, id: u64, as_json: bool) -> Result<u8> {
    let path = format!("/imports/{id}/revert");
    let done = client.send(Method::POST, &path, Content::None).await?;
    answer(&done, as_json, || format!("import {id} is {}", plain(&done["status"])));
    Ok(exit::OK)
}

/// Undoes a bulk edit.
pub async fn undo(client: &Client, id: u64, as_json: bool) -> Result<u8> {
    let path = format!("/changes/{id}/undo");
    let done = client.send(Method::POST, &path, Content::None).await?;
    answer(&done, as_json, || {
        format!("change {id} is {}: {} records", plain(&done["state"]), done["records"])
    });
    Ok(exit::OK)
}

/// Makes several one.
pub async fn join(client: &Client, names: &Names, as_json: bool) -> Result<u8> {
    let mut done = Value::Null;
    match names.what {
        Same::Asset => {
            for other in &names.others {
                let path = format!("/assets/{}/join", segment(&names.id));
                let body = other.parse().map_or_else(|_| json!(other), |id: u64| json!(id));
                let content = Content::Json(json!({"asset": body}));
                done = client.send(Method::POST, &path, content).await?;
            }
        }
        Same::Vulnerability => {
            let path = format!("/vulnerabilities/{}/join", segment(&names.id));
            let content = Content::Json(json!({"ids": names.others}));
            done = client.send(Method::POST, &path, content).await?;
        }
    }
    answer(&done, as_json, || format!("{} is one", names.id));
    Ok(exit::OK)
}

/// Makes some of the names of one another.
pub async fn part(client: &Client, names: &Names, as_json: bool) -> Result<u8> {
    let (path, body) = match names.what {
        Same::Asset => ("assets", json!({"names": names.others})),
        Same::Vulnerability => ("vulnerabilities", json!({"ids": names.others})),
    };
    let path = format!("/{path}/{}/part", segment(&names.id));
    let done = client.send(Method::POST, &path, Content::Json(body)).await?;
    answer(&done, as_json, || format!("{} is another", names.others[0]));
    Ok(exit::OK)
}
