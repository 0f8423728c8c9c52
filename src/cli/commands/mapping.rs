//! Mappings of columns on the command line.

use std::path::Path;

use poem::http::Method;
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;

use super::{answer, plain, segment};
use crate::base::{Code, Error, Result};
use crate::cli::args::mapping::{Columns, MappingCommand};
use crate::cli::client::{Client, Content};
use crate::cli::{exit, output};

/// How much of a file a preview looks at, bytes.
const SAMPLE: u64 = 512 << 10;

/// Runs `mapping`.
pub async fn run(client: &Client, command: &MappingCommand, as_json: bool) -> Result<u8> {
    match command {
        MappingCommand::Set { name, columns, description } => {
            let saved = set(client, name, columns, description.as_deref()).await?;
            answer(&saved, as_json, || {
                let count = saved["columns"].as_object().map_or(0, Map::len);
                format!("{}: {count} columns; use it with import --mapping", plain(&saved["name"]))
            });
        }
        MappingCommand::Preview { file, columns } => {
            let body = json!({"columns": pairs(columns)?, "sample": sample(file).await?});
            let found = client.send(Method::POST, "/mappings/preview", Content::Json(body)).await?;
            show(&found, as_json);
        }
        MappingCommand::Delete { name } => {
            let path = format!("/mappings/{}", segment(name));
            let done = client.send(Method::DELETE, &path, Content::None).await?;
            answer(&done, as_json, || "removed".to_owned());
        }
    }
    Ok(exit::OK)
}

async fn set(
    client: &Client,
    name: &str,
    columns: &Columns,
    description: Option<&str>,
) -> Result<Value> {
    let mut body = json!({"columns": pairs(columns)?});
    if let Some(description) = description {
        body["description"] = json!(description);
    }
    let path = format!("/mappings/{}", segment(name));
    let changed = client.send(Method::PATCH, &path, Content::Json(body.clone())).await;
    match changed {
        Err(e) if e.code() == Code::NotFound => {
            body["name"] = json!(name);
            client.send(Method::POST, "/mappings", Content::Json(body)).await
        }
        changed => changed,
    }
}

fn pairs(columns: &Columns) -> Result<Value> {
    let mut pairs = Map::new();
    for column in &columns.columns {
        // The last sign counts: the name is somebody else's.
        let (name, field) = column.rsplit_once('=').ok_or_else(|| {
            Error::new(Code::Invalid, format!("--column {column}: write it as NAME=FIELD"))
        })?;
        pairs.insert(name.to_owned(), json!(field));
    }
    Ok(Value::Object(pairs))
}

/// The beginning of a file, as text.
async fn sample(file: &Path) -> Result<String> {
    let failed = |e: std::io::Error| {
        Error::new(Code::Invalid, format!("{}: it cannot be read: {e}", file.display()))
    };
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        tokio::io::stdin().take(SAMPLE).read_to_end(&mut bytes).await.map_err(failed)?;
    } else {
        let opened = tokio::fs::File::open(file).await.map_err(failed)?;
        opened.take(SAMPLE).read_to_end(&mut bytes).await.map_err(failed)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn show(found: &Value, as_json: bool) {
    if as_json {
        return output::json(found);
    }
    let empty = Vec::new();
    let list = |name: &str| found[name].as_array().unwrap_or(&empty).clone();
    output::table(&[("COLUMN", "name"), ("BY ITS NAME", "guess")], &list("columns"));
    let columns = [
        ("ASSET", "asset"),
        ("VULNERABILITY", "vulnerability"),
        ("SEVERITY", "severity"),
        ("COMPONENT", "component.name"),
        ("VERSION", "component.version"),
        ("TITLE", "title"),
        ("SKIPPED", "skipped"),
        ("AT", "at"),
    ];
    output::table(&columns, &list("rows"));
    if let Some(problem) = found["problem"].as_str() {
        output::line(problem);
    }
}
