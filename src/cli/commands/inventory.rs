//! Inventories on the command line: of this host, and lists that are piped in.

use std::path::Path;

use poem::http::Method;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::answer;
use super::importing::{name_file, sentence};
use crate::adapters::{importers, inventory};
use crate::base::time::{Clock as _, SystemClock};
use crate::base::{Code, Error, Result};
use crate::cli::args::inventory::{Inventory, InventoryImport};
use crate::cli::client::{Client, Content};
use crate::cli::{exit, output};

/// Formats that list what is installed.
const LISTS: &[&str] = &["dpkg", "rpm", "apk", "cyclonedx-json", "cyclonedx-xml", "spdx-json"];
/// How much of a list decides its format, bytes.
const HEAD: u64 = 64 << 10;

/// Prints what is on this host, as `CycloneDX`.
pub fn print(wish: &Inventory) -> Result<u8> {
    let host = inventory::read(&inventory::Wish {
        root: wish.root.clone(),
        paths: wish.path.clone(),
        name: wish.asset.clone(),
    })?;
    for what in &host.missed {
        eprintln!("warning: {what}");
    }
    if host.components.is_empty() && host.missed.is_empty() {
        let root = wish.root.display();
        return Err(Error::new(
            Code::NotFound,
            format!("there is no package manager's database below {root}, and no libraries"),
        ));
    }
    let now = SystemClock.now();
    output::json(&inventory::cyclonedx::document(&host, now, env!("CARGO_PKG_VERSION")));
    Ok(exit::OK)
}

/// Imports a list as all that is installed on an asset.
pub async fn import(client: &Client, args: &InventoryImport, as_json: bool) -> Result<u8> {
    let done = send(client, args).await.map_err(|e| name_file(e, &args.file))?;
    answer(&done, as_json, || sentence(&args.file, &done));
    Ok(exit::OK)
}

async fn send(client: &Client, args: &InventoryImport) -> Result<Value> {
    let failed = |e: std::io::Error| Error::new(Code::Invalid, format!("it cannot be read: {e}"));
    let mut reader: Box<dyn AsyncRead + Send + Unpin> = if args.file == Path::new("-") {
        Box::new(tokio::io::stdin())
    } else {
        Box::new(tokio::fs::File::open(&args.file).await.map_err(failed)?)
    };
    let mut head = Vec::new();
    (&mut reader).take(HEAD).read_to_end(&mut head).await.map_err(failed)?;
    let format = format(&head)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("format", format).append_pair("asset", &args.asset);
    let name = args.file.file_name().and_then(|n| n.to_str()).filter(|n| *n != "-");
    query.append_pair("filename", name.unwrap_or("inventory"));
    let whole = std::io::Cursor::new(head).chain(reader);
    let content = Content::Stream(Box::new(whole), None);
    client.send(Method::POST, &format!("/imports?{}", query.finish()), content).await
}

/// The format of a list; an error if it is none, which would tell nothing about what is
/// installed.
fn format(head: &[u8]) -> Result<&'static str> {
    if head.trim_ascii().is_empty() {
        let what = "nothing came in: did the command that should print the list fail?";
        return Err(Error::new(Code::BadReport, what));
    }
    // What is compressed is looked at by the server.
    if head.starts_with(b"\x1f\x8b") || head.starts_with(b"\x28\xb5\x2f\xfd") {
        return Ok("auto");
    }
    let importer = importers::choose("auto", head)?;
    if LISTS.contains(&importer.name()) {
        return Ok(importer.name());
    }
    let detail = format!(
        "this is a report of {}, not a list of what is installed; use `vulnzero import`, or pipe \
         in dpkg-query -W, rpm -qa, apk list -I, an SBOM, or `vulnzero inventory`",
        importer.title()
    );
    Err(Error::new(Code::BadReport, detail))
}
