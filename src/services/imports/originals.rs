//! The reports as they were sent, kept beside the database: compressed, up to a size each
//! and a size together, the oldest dropped first. A file is named by its import and the
//! beginning of its SHA-256, so that one can never be taken for another's.
//!
//! They are a convenience: an import does not fail because its original cannot be kept, and
//! a backup of the database does not have them.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::spool;
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::import::Import;
use crate::domain::user::Role;
use crate::services::{Core, Ctx};
use crate::store::Read;

/// How hard they are compressed; higher takes longer than importing.
const LEVEL: i32 = 3;
/// Imports written per transaction.
const STEP: usize = 500;

/// A kept file.
struct Kept {
    import_id: u64,
    path: PathBuf,
    bytes: u64,
}

fn directory(core: &Core) -> PathBuf {
    core.options.data_dir.join("originals")
}

fn path(core: &Core, import: &Import) -> PathBuf {
    let digest = import.sha256.get(..16).unwrap_or_default();
    directory(core).join(format!("{}-{digest}.zst", import.id))
}

/// Keeps the report of an import that waits in the spool, if originals are kept; blocks.
/// Returns the import as it is stored then.
pub(super) fn keep(core: &Core, import: Import) -> Result<Import> {
    if !core.options.keep_originals || import.bytes > core.options.original_max_bytes {
        return Ok(import);
    }
    let bytes = match store(core, &import) {
        Ok(bytes) => bytes,
        Err(e) => {
            tracing::warn!(import = import.id, error = %e, "the original cannot be kept");
            return Ok(import);
        }
    };
    let id = import.id;
    let import = core.store.write_blocking("imports.keep_original", move |tx| {
        let import = Import { original_bytes: Some(bytes), ..tx.require(id)? };
        tx.touch(&import)?;
        Ok(import)
    })?;
    drop_oldest(core, import.id)?;
    Ok(import)
}

/// Writes the file under another name, makes it durable, and gives it its own.
fn store(core: &Core, import: &Import) -> io::Result<u64> {
    let target = path(core, import);
    if let Ok(known) = fs::metadata(&target) {
        // An earlier attempt of the same import has kept it.
        return Ok(known.len());
    }
    let directory = directory(core);
    fs::create_dir_all(&directory)?;
    let partial = directory.join(format!("{}.partial", import.id));
    let written = write(&spool::path(core, import.id), &partial)
        .and_then(|bytes| fs::rename(&partial, &target).map(|()| bytes));
    match written {
        Ok(bytes) => {
            File::open(&directory)?.sync_all()?;
            core.add_originals(bytes);
            Ok(bytes)
        }
        Err(e) => {
            discard(&partial);
            Err(e)
        }
    }
}

fn write(from: &std::path::Path, to: &std::path::Path) -> io::Result<u64> {
    let mut encoder = zstd::Encoder::new(File::create(to)?, LEVEL)?;
    encoder.include_checksum(true)?;
    io::copy(&mut File::open(from)?, &mut encoder)?;
    let file = encoder.finish()?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn discard(path: &std::path::Path) {
    if let Err(e) = fs::remove_file(path)
        && e.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), error = %e, "cannot remove an original");
    }
}

/// What is there, oldest first; files that are nobody's are removed.
fn all(core: &Core) -> Result<Vec<Kept>> {
    let directory = directory(core);
    let failed = |e: io::Error| {
        Error::internal(format!("{} cannot be read", directory.display())).with_source(e)
    };
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let id =
            name.to_str().and_then(|n| n.strip_suffix(".zst")?.split_once('-')?.0.parse().ok());
        if let Some(import_id) = id {
            let bytes = entry.metadata().map_err(failed)?.len();
            found.push(Kept { import_id, path: entry.path(), bytes });
        }
    }
    found.sort_by_key(|kept| kept.import_id);
    Ok(found)
}

/// Drops the oldest if all together are too large; `newest` stays.
fn drop_oldest(core: &Core, newest: u64) -> Result<()> {
    let limit = core.options.originals_total_bytes;
    if core.originals_bytes().is_some_and(|bytes| bytes <= limit) {
        return Ok(());
    }
    let all = all(core)?;
    let mut total: u64 = all.iter().map(|kept| kept.bytes).sum();
    let mut old = Vec::new();
    // A little more than need be, so that not every import has to look.
    let wanted = if total > limit { limit - limit / 20 } else { limit };
    for kept in all.into_iter().filter(|kept| kept.import_id != newest) {
        if total <= wanted {
            break;
        }
        total -= kept.bytes;
        old.push(kept);
    }
    forget(core, &old)?;
    core.set_originals(total);
    Ok(())
}

/// Removes files after their imports no longer name them.
fn forget(core: &Core, files: &[Kept]) -> Result<()> {
    for chunk in files.chunks(STEP) {
        let ids: Vec<u64> = chunk.iter().map(|kept| kept.import_id).collect();
        core.store.write_blocking("imports.drop_originals", move |tx| {
            for id in &ids {
                if let Some(import) = tx.find::<Import>(*id)?
                    && import.original_bytes.is_some()
                {
                    tx.touch(&Import { original_bytes: None, ..import })?;
                }
            }
            Ok(())
        })?;
        for kept in chunk {
            discard(&kept.path);
        }
    }
    Ok(())
}

/// Removes what no import names, because it was removed, or a start or a restored backup lies
/// between; blocks. A periodic task.
pub(super) fn sweep(core: &Core) -> Result<()> {
    let mut total = 0;
    for kept in all(core)? {
        let import = core.store.read()?.find::<Import>(kept.import_id)?;
        let is_named = import.is_some_and(|import| {
            let waits = !import.status.is_final();
            path(core, &import) == kept.path && (import.original_bytes.is_some() || waits)
        });
        if is_named {
            total += kept.bytes;
        } else {
            discard(&kept.path);
        }
    }
    core.set_originals(total);
    drop_oldest(core, 0)
}

/// An original to be read: zstd, of [`Import::bytes`] bytes when it is decompressed.
pub struct Original {
    /// The import.
    pub import: Import,
    /// The compressed file.
    pub file: File,
}

/// The original of an import, for whom it may concern: reports say more than the findings.
pub fn original(core: &Core, ctx: &Ctx, reference: &Reference) -> Result<Original> {
    ctx.require(Role::Operator)?;
    let snapshot = core.store.read()?;
    let import: Import = snapshot.require(snapshot.resolve::<Import>(reference)?)?;
    let missing = |why: &str| {
        Error::new(Code::NotFound, format!("the original of import {} {why}", import.id))
    };
    if import.original_bytes.is_none() {
        return Err(missing("is not kept (import.keep_originals, import.original_max_bytes)"));
    }
    match File::open(path(core, &import)) {
        Ok(file) => Ok(Original { import, file }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(missing("is not here: a backup holds the database only"))
        }
        Err(e) => Err(Error::internal("an original cannot be opened").with_source(e)),
    }
}
