//! Moving data out in other formats: `export`.

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::{answer, split_filter};
use crate::base::{Code, Error, Result};
use crate::cli::args::Export;
use crate::cli::client::Client;
use crate::cli::exit;

/// Writes an export to standard output, or to a file that is there only once it is whole.
pub async fn export(client: &Client, args: &Export, as_json: bool) -> Result<u8> {
    let path = path(args)?;
    if args.output == Path::new("-") {
        let mut out = tokio::io::stdout();
        client.download(&path, &mut out).await?;
        flush(&mut out).await?;
        return Ok(exit::OK);
    }
    let part = part(&args.output);
    let bytes = match into_file(client, &path, &part).await {
        Ok(bytes) => bytes,
        Err(e) => {
            // What has come is not whole; without a file there is nothing to remove.
            drop(tokio::fs::remove_file(&part).await);
            return Err(e);
        }
    };
    let named = tokio::fs::rename(&part, &args.output).await;
    named.map_err(|e| failed(&args.output, &e))?;
    let done = json!({"path": args.output, "bytes": bytes});
    answer(&done, as_json, || format!("{} ({bytes} bytes)", args.output.display()));
    Ok(exit::OK)
}

fn path(args: &Export) -> Result<String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("format", &args.format);
    if let Some(sort) = &args.sort {
        query.append_pair("sort", sort);
    }
    for filter in args.filters.iter().chain(&args.more) {
        let (name, value) = split_filter(filter)?;
        query.append_pair(name, value);
    }
    Ok(format!("{}/export?{}", args.resource.path(), query.finish()))
}

/// Where a file is written until it is whole: beside it, so that renaming cannot fail half way.
fn part(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.part"))
}

async fn into_file(client: &Client, path: &str, part: &Path) -> Result<u64> {
    let mut file = tokio::fs::File::create(part).await.map_err(|e| failed(part, &e))?;
    let bytes = client.download(path, &mut file).await?;
    flush(&mut file).await?;
    file.sync_all().await.map_err(|e| failed(part, &e))?;
    Ok(bytes)
}

async fn flush(out: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
    out.flush().await.map_err(|e| failed(Path::new("the output"), &e))
}

fn failed(path: &Path, e: &std::io::Error) -> Error {
    Error::new(Code::Invalid, format!("{}: it cannot be written: {e}", path.display()))
}
