//! Moving data in and out: `import` and `backup`.

use std::path::{Path, PathBuf};

use poem::http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_util::io::InspectWriter;

use super::{answer, plain};
use crate::base::{Code, Error, Result};
use crate::cli::args::Import;
use crate::cli::client::{Client, Content};
use crate::cli::{exit, output};
use crate::domain::user::Role;
use crate::services::passwords::hex;
use crate::services::{Ctx, maintenance};

/// Imports files one after the other; stops at the first that is refused.
pub async fn import(client: &Client, args: &Import, as_json: bool) -> Result<u8> {
    for file in &expand(&args.files)? {
        let done = import_one(client, args, file).await.map_err(|e| name_file(e, file))?;
        answer(&done, as_json, || sentence(file, &done));
    }
    Ok(exit::OK)
}

/// The files that are meant: of a directory those in it, by name, without hidden ones.
fn expand(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = |e: std::io::Error| {
            Error::new(Code::Invalid, format!("{}: it cannot be read: {e}", path.display()))
        };
        let mut within = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.path().is_file() && !hidden {
                within.push(entry.path());
            }
        }
        within.sort();
        files.extend(within);
    }
    Ok(files)
}

/// Puts the file's name in front of what is wrong with it.
pub(super) fn name_file(e: Error, file: &Path) -> Error {
    let named = Error::new(e.code(), format!("{}: {}", file.display(), e.detail()));
    e.fields().iter().fold(named, |named, f| named.with_field(f.pointer.clone(), f.detail.clone()))
}

async fn import_one(client: &Client, args: &Import, file: &Path) -> Result<Value> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("format", &args.format);
    if let Some(name) = file.file_name().and_then(|n| n.to_str()).filter(|n| *n != "-") {
        query.append_pair("filename", name);
    }
    if let Some(asset) = &args.asset {
        query.append_pair("asset", asset);
    }
    if let Some(mapping) = &args.mapping {
        query.append_pair("mapping", mapping);
    }
    // Without a server nobody would go on with it after us.
    if args.no_wait && !client.is_local() {
        query.append_pair("wait", "false");
    }
    let content = open(file).await?;
    client.send(Method::POST, &format!("/imports?{}", query.finish()), content).await
}

async fn open(file: &Path) -> Result<Content> {
    if file == Path::new("-") {
        return Ok(Content::Stream(Box::new(tokio::io::stdin()), None));
    }
    let failed = |e: std::io::Error| {
        let code =
            if e.kind() == std::io::ErrorKind::NotFound { Code::NotFound } else { Code::Invalid };
        Error::new(code, format!("it cannot be read: {e}"))
    };
    let opened = tokio::fs::File::open(file).await.map_err(failed)?;
    let metadata = opened.metadata().await.map_err(failed)?;
    let bar = output::progress(metadata.len(), &file.display().to_string());
    let reader: Box<dyn AsyncRead + Send + Unpin> = Box::new(bar.wrap_async_read(opened));
    // The size of a pipe is not known.
    Ok(Content::Stream(reader, metadata.is_file().then_some(metadata.len())))
}

pub(super) fn sentence(file: &Path, import: &Value) -> String {
    let id = &import["id"];
    if import["status"] == "quarantined" {
        return format!(
            "{}: import {id} is quarantined: it would close {} findings and take {} packages for \
             removed, and has done nothing of that; vulnzero quarantine accept {id}, or discard {id}",
            file.display(),
            import["held"],
            import["held_packages"]
        );
    }
    if import["status"] != "completed" {
        return format!(
            "{}: import {} is {}",
            file.display(),
            import["id"],
            plain(&import["status"])
        );
    }
    let mut text = format!(
        "{}: {} findings of {} vulnerabilities on {} assets: {} new, {} seen, {} reopened, {} closed",
        file.display(),
        import["findings"],
        import["vulnerabilities"],
        import["assets"],
        import["new"],
        import["seen"],
        import["reopened"],
        import["closed"]
    );
    for name in ["components", "services", "advisories", "statements"] {
        if import[name].as_u64().is_some_and(|n| n > 0) {
            text.extend([", ", &import[name].to_string(), " ", name]);
        }
    }
    let reasons: Vec<String> = import["skipped_reasons"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(why, n)| format!("{n} {why}"))
        .collect();
    if !reasons.is_empty() {
        text.push_str("; skipped: ");
        text.push_str(&reasons.join(", "));
    }
    for note in import["notes"].as_array().into_iter().flatten() {
        text.push_str("\n  ");
        text.push_str(plain(note));
    }
    text
}

/// Saves the report of an import, and holds it to the SHA-256 that it had.
pub async fn original(client: &Client, id: u64, output: &Path, as_json: bool) -> Result<u8> {
    let import = client.send(Method::GET, &format!("/imports/{id}"), Content::None).await?;
    let failed = |e: std::io::Error| {
        Error::new(Code::Invalid, format!("{}: it cannot be written: {e}", output.display()))
    };
    let to_stdout = output == Path::new("-");
    let writer: Box<dyn AsyncWrite + Send + Unpin> = if to_stdout {
        Box::new(tokio::io::stdout())
    } else {
        Box::new(tokio::fs::File::create(output).await.map_err(failed)?)
    };
    let mut digest = Sha256::new();
    let mut writer = InspectWriter::new(writer, |piece| digest.update(piece));
    let bytes = client.download(&format!("/imports/{id}/original"), &mut writer).await?;
    writer.flush().await.map_err(failed)?;
    drop(writer);
    let sha256 = hex(&digest.finalize());
    if import["sha256"] != sha256.as_str() {
        let what = format!("what came is not what was sent: {bytes} bytes, SHA-256 {sha256}");
        return Err(Error::new(Code::BadReport, what));
    }
    if !to_stdout {
        let done = json!({"file": output, "bytes": bytes, "sha256": sha256});
        answer(&done, as_json, || format!("{}: {bytes} bytes", output.display()));
    }
    Ok(exit::OK)
}

/// Writes a backup: to a file of the caller's choice if the database is ours, else where
/// the server keeps them.
pub async fn backup(client: &Client, file: Option<&Path>, as_json: bool) -> Result<u8> {
    let done = match (client.app(), file) {
        (Some(app), Some(file)) => {
            let ctx = Ctx::cli();
            ctx.require(Role::Admin)?;
            let (path, summary) =
                maintenance::back_up(&app.core, &ctx, Some(file.to_owned())).await?;
            json!({"path": path, "rows": summary.rows, "bytes": summary.bytes})
        }
        (None, Some(_)) => {
            return Err(Error::new(
                Code::Invalid,
                "a running server keeps its backups in its data directory; leave FILE out",
            ));
        }
        (_, None) => client.send(Method::POST, "/admin/backup", Content::None).await?,
    };
    answer(&done, as_json, || {
        format!("{} ({} rows, {} bytes)", plain(&done["path"]), done["rows"], done["bytes"])
    });
    Ok(exit::OK)
}
