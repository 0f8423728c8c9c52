//! The commands: each makes its requests and prints the answers.

mod exporting;
mod importing;
mod inventory;
mod mapping;
mod offline;
mod rules;
mod serving;
mod triage;

use std::io::Read as _;
use std::path::Path;

use poem::http::Method;
use serde_json::{Value, json};

use super::args::inventory::{Inventory, InventoryCommand};
use super::args::{Args, Command, Imports, List, Resource, Show, TokenCommand, UserCommand};
use super::client::{Client, Content, Wish, read_token};
use super::{demo, exit, output};
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result};
use crate::config::{self, Loaded, Sources};

/// Runs a command; its exit code if it did what it could.
pub async fn run(args: Args) -> Result<u8> {
    let flags = args.flags().map_err(|e| Error::new(Code::Invalid, e))?;
    let sources = Sources::from_process(args.config.clone(), flags)?;
    match &args.command {
        Command::Completions { shell } => return Ok(offline::completions(*shell)),
        Command::Man => return offline::man(),
        Command::Openapi => return Ok(offline::openapi()),
        Command::Inventory(wish) if wish.command.is_none() => return inventory::print(wish),
        Command::Config(what) if what.what == super::args::ConfigWhat::Reference => {
            return Ok(offline::reference());
        }
        _ => {}
    }
    let loaded = config::load(&sources, &config::read_file)?;
    match &args.command {
        Command::Config(_) => Ok(offline::config(&loaded, args.json)),
        Command::Serve(serve) => serving::serve(loaded.config, serve).await,
        Command::Health(health) => serving::health(&loaded.config, health.url.as_deref()).await,
        Command::Restore(restore) => offline::restore(&loaded.config, &restore.file, args.json),
        _ => with_client(&args, &sources, loaded).await,
    }
}

async fn with_client(args: &Args, sources: &Sources, loaded: Loaded) -> Result<u8> {
    let variable =
        |name: &str| sources.environment.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let token = match (&args.token_file, variable("VULNZERO_TOKEN")) {
        (Some(file), _) => Some(read_token(file)?),
        (None, token) => token.map(Secret::new),
    };
    let server = args.server.clone().or_else(|| variable("VULNZERO_SERVER"));
    serving::log_warnings(&loaded.config);
    let client = Client::connect(Wish {
        server,
        token,
        config: loaded.config,
        command: name(&args.command),
    })
    .await?;
    let outcome = online(&client, &args.command, args.json).await;
    let closed = client.close().await;
    let code = outcome?;
    closed.map(|()| code)
}

/// What the lock says we are doing.
const fn name(command: &Command) -> &'static str {
    match command {
        Command::Serve(_) => "serve",
        Command::Import(_) => "import",
        Command::Inventory(_) => "inventory",
        Command::Imports(_) => "imports",
        Command::List(_) => "list",
        Command::Export(_) => "export",
        Command::Show(_) => "show",
        Command::Decide(_) => "decide",
        Command::Revoke { .. } => "revoke",
        Command::Quarantine(_) => "quarantine",
        Command::Revert { .. } => "revert",
        Command::Undo { .. } => "undo",
        Command::Join(_) => "join",
        Command::Part(_) => "part",
        Command::Rules(_) => "rules",
        Command::Sla(_) => "sla",
        Command::Mapping(_) => "mapping",
        Command::User(_) => "user",
        Command::Token(_) => "token",
        Command::Backup(_) => "backup",
        Command::Restore(_) => "restore",
        Command::Check => "check",
        Command::Compact => "compact",
        Command::Indexes => "indexes",
        Command::Config(_) => "config",
        Command::Openapi => "openapi",
        Command::Demo => "demo",
        Command::Health(_) => "health",
        Command::Completions { .. } => "completions",
        Command::Man => "man",
    }
}

async fn online(client: &Client, command: &Command, as_json: bool) -> Result<u8> {
    match command {
        Command::Import(import) => importing::import(client, import, as_json).await,
        Command::Inventory(Inventory { command: Some(InventoryCommand::Import(list)), .. }) => {
            inventory::import(client, list, as_json).await
        }
        Command::Imports(Imports::Original { id, output }) => {
            importing::original(client, *id, output, as_json).await
        }
        Command::List(list) => show_list(client, list, as_json).await,
        Command::Export(export) => exporting::export(client, export, as_json).await,
        Command::Show(show) => show_one(client, show, as_json).await,
        Command::Decide(decide) => triage::decide(client, decide, as_json).await,
        Command::Revoke { id } => triage::revoke(client, *id, as_json).await,
        Command::Quarantine(what) => triage::quarantine(client, what, as_json).await,
        Command::Revert { id } => triage::revert(client, *id, as_json).await,
        Command::Undo { id } => triage::undo(client, *id, as_json).await,
        Command::Join(names) => triage::join(client, names, as_json).await,
        Command::Part(names) => triage::part(client, names, as_json).await,
        Command::Rules(what) => rules::rules(client, what, as_json).await,
        Command::Sla(what) => rules::sla(client, what, as_json).await,
        Command::Mapping(what) => mapping::run(client, what, as_json).await,
        Command::User(user) => run_user(client, user, as_json).await,
        Command::Token(token) => run_token(client, token, as_json).await,
        Command::Backup(backup) => importing::backup(client, backup.file.as_deref(), as_json).await,
        Command::Check => check(client, as_json).await,
        Command::Compact => {
            let done = client.send(Method::POST, "/admin/compact", Content::None).await?;
            answer(&done, as_json, || {
                format!("{} bytes before, {} after", done["bytes_before"], done["bytes_after"])
            });
            Ok(exit::OK)
        }
        Command::Indexes => indexes(client, as_json).await,
        Command::Demo => {
            let findings = demo::fill(client).await?;
            answer(&json!({"findings": findings}), as_json, || {
                format!("{findings} findings from real scanner reports")
            });
            Ok(exit::OK)
        }
        Command::Serve(_)
        | Command::Restore(_)
        | Command::Inventory(_)
        | Command::Config(_)
        | Command::Openapi
        | Command::Health(_)
        | Command::Completions { .. }
        | Command::Man => Err(Error::internal("this command needs no client")),
    }
}

/// Prints an answer as JSON, or the sentence.
fn answer(value: &Value, as_json: bool, sentence: impl FnOnce() -> String) {
    if as_json {
        output::json(value);
    } else {
        output::line(&sentence());
    }
}

async fn show_list(client: &Client, list: &List, as_json: bool) -> Result<u8> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("page", &list.page.to_string())
        .append_pair("page_size", &list.page_size.to_string());
    if let Some(sort) = &list.sort {
        query.append_pair("sort", sort);
    }
    if let Some(fields) = &list.fields {
        query.append_pair("fields", fields);
    }
    for filter in &list.filters {
        let (name, value) = split_filter(filter)?;
        query.append_pair(name, value);
    }
    let page = client
        .send(Method::GET, &format!("{}?{}", list.resource.path(), query.finish()), Content::None)
        .await?;
    if as_json {
        output::json(&page);
        return Ok(exit::OK);
    }
    print_page(list.resource, &page);
    Ok(exit::OK)
}

/// Name and value of a filter.
fn split_filter(filter: &str) -> Result<(&str, &str)> {
    filter.split_once('=').ok_or_else(|| {
        Error::new(Code::Invalid, format!("'{filter}': write a filter as field=value"))
    })
}

fn print_page(resource: Resource, page: &Value) {
    let rows = page["items"].as_array().cloned().unwrap_or_default();
    output::table(resource.columns(), &rows);
    let (total, pages) = (&page["total_count"], &page["total_pages"]);
    output::line(&format!("{} of {total}, page {} of {pages}", rows.len(), page["page"]));
}

async fn show_one(client: &Client, show: &Show, as_json: bool) -> Result<u8> {
    let path = format!("{}/{}", show.resource.path(), segment(&show.id));
    let record = client.send(Method::GET, &path, Content::None).await?;
    if as_json {
        output::json(&record);
    } else {
        output::record(&record);
    }
    Ok(exit::OK)
}

/// One segment of a path.
fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

async fn run_user(client: &Client, command: &UserCommand, as_json: bool) -> Result<u8> {
    let patch = |user: &str| format!("/users/{}", segment(user));
    let (method, path, content) = match command {
        UserCommand::List => {
            let page = client.send(Method::GET, "/users?page_size=1000", Content::None).await?;
            if as_json {
                output::json(&page);
            } else {
                print_page(Resource::Users, &page);
            }
            return Ok(exit::OK);
        }
        UserCommand::Create { username, role, password_file } => {
            let password = password(password_file.as_deref())?;
            let body = json!({"username": username, "role": role, "password": password.expose()});
            (Method::POST, "/users".to_owned(), Content::Json(body))
        }
        UserCommand::Password { user, password_file } => {
            let password = password(password_file.as_deref())?;
            (Method::PATCH, patch(user), Content::Json(json!({"password": password.expose()})))
        }
        UserCommand::Role { user, role } => {
            (Method::PATCH, patch(user), Content::Json(json!({"role": role})))
        }
        UserCommand::Disable { user } => {
            (Method::PATCH, patch(user), Content::Json(json!({"is_active": false})))
        }
        UserCommand::Enable { user } => {
            (Method::PATCH, patch(user), Content::Json(json!({"is_active": true})))
        }
        UserCommand::Delete { user } => (Method::DELETE, patch(user), Content::None),
    };
    let done = client.send(method, &path, content).await?;
    answer(&done, as_json, || match done["username"].as_str() {
        Some(name) => format!(
            "{name}: {}, {}",
            plain(&done["role"]),
            if done["is_active"] == true { "active" } else { "locked out" }
        ),
        None => "removed".to_owned(),
    });
    Ok(exit::OK)
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A password from a file or standard input; asked for on a terminal.
fn password(file: Option<&Path>) -> Result<Secret> {
    let mut text = String::new();
    let failed =
        |e: std::io::Error| Error::new(Code::Invalid, format!("the password cannot be read: {e}"));
    match file {
        Some(path) if path != Path::new("-") => {
            text = std::fs::read_to_string(path).map_err(failed)?;
        }
        Some(_) => drop(std::io::stdin().read_to_string(&mut text).map_err(failed)?),
        None => return ask(),
    }
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Asks on the terminal, without showing what is typed.
fn ask() -> Result<Secret> {
    use std::io::IsTerminal as _;
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::new(
            Code::Invalid,
            "there is no terminal to ask on; give --password-file",
        ));
    }
    let failed =
        |e: std::io::Error| Error::new(Code::Invalid, format!("the password cannot be read: {e}"));
    let before = rustix::termios::tcgetattr(&stdin).map_err(|e| failed(e.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(rustix::termios::LocalModes::ECHO);
    eprint!("Password: ");
    rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Flush, &silent)
        .map_err(|e| failed(e.into()))?;
    let mut text = String::new();
    let read = stdin.read_line(&mut text);
    let restored =
        rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Flush, &before);
    eprintln!();
    read.map_err(failed)?;
    restored.map_err(|e| failed(e.into()))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn run_token(client: &Client, command: &TokenCommand, as_json: bool) -> Result<u8> {
    match command {
        TokenCommand::List => {
            let page = client.send(Method::GET, "/tokens?page_size=1000", Content::None).await?;
            if as_json { output::json(&page) } else { print_page(Resource::Tokens, &page) }
        }
        TokenCommand::Create { name, role, expires_in_days } => {
            let mut body = json!({"name": name, "role": role});
            if let Some(days) = expires_in_days {
                body["expires_in_days"] = json!(days);
            }
            let made = client.send(Method::POST, "/tokens", Content::Json(body)).await?;
            answer(&made, as_json, || plain(&made["token"]).to_owned());
        }
        TokenCommand::Revoke { id } => {
            let done = client.send(Method::DELETE, &format!("/tokens/{id}"), Content::None).await?;
            answer(&done, as_json, || "revoked".to_owned());
        }
    }
    Ok(exit::OK)
}

async fn check(client: &Client, as_json: bool) -> Result<u8> {
    let report = client.send(Method::POST, "/admin/check", Content::None).await?;
    let ok = report["ok"] == true;
    answer(&report, as_json, || {
        let mut text =
            format!("{} records, {} audit entries: ", report["records"], report["audit_entries"]);
        text.push_str(if ok { "everything holds" } else { "NOT everything holds" });
        for fault in report["faults"].as_array().into_iter().flatten() {
            text.extend(["\n  ", plain(&fault["table"]), ": ", plain(&fault["detail"])]);
        }
        text
    });
    Ok(if ok { exit::OK } else { exit::FAULTS })
}

async fn indexes(client: &Client, as_json: bool) -> Result<u8> {
    let list = client.send(Method::GET, "/admin/indexes", Content::None).await?;
    if as_json {
        output::json(&list);
    } else {
        let rows = list.as_array().cloned().unwrap_or_default();
        output::table(
            &[
                ("INDEX", "name"),
                ("COLUMNS", "columns"),
                ("ENTRIES", "entries"),
                ("HITS", "hits"),
                ("WHAT FOR", "description"),
            ],
            &rows,
        );
    }
    Ok(exit::OK)
}
