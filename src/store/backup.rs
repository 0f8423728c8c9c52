//! Backup to one file while serving, and restore from it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::Store;
use super::engine::Engine as _;
use super::engine::redb::{Redb, private_file, sync_directory};
use super::migrate;
use crate::base::{Code, Error, Result};

/// Name of the database in the data directory.
pub const DATABASE: &str = "vulnzero.redb";

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes a consistent copy of the store to `path`, which must not exist. It is written
/// beside its place and renamed, so that there is never half a backup under that name.
pub fn backup(store: &Store, path: &Path) -> Result<Summary> {
    if path.try_exists().map_err(|e| file_error("cannot look for", path, e))? {
        return Err(Error::new(Code::Duplicate, format!("{} exists already", path.display())));
    }
    let temporary = partial(path);
    let copied = store.engine().copy_to(&temporary).and_then(|rows| {
        verify(&temporary)?;
        let bytes =
            fs::metadata(&temporary).map_err(|e| file_error("cannot read", &temporary, e))?.len();
        fs::rename(&temporary, path).map_err(|e| file_error("cannot rename to", path, e))?;
        sync_directory(path).map_err(|e| file_error("cannot sync", path, e))?;
        Ok(Summary { rows, bytes })
    });
    if copied.is_err() {
        discard(&temporary);
    }
    copied
}

/// Puts a backup in the place of the database in `data_dir` (which no process may hold).
/// The database that was there is kept beside it; its path is returned.
pub fn restore(file: &Path, data_dir: &Path) -> Result<Option<PathBuf>> {
    if !file.exists() {
        return Err(Error::new(Code::NotFound, format!("there is no file {}", file.display())));
    }
    let target = data_dir.join(DATABASE);
    let temporary = partial(&target);
    // The copy is verified, not the backup: opening writes, and a backup may be read-only.
    let ready = copy(file, &temporary)
        .map_err(|e| file_error("cannot copy to", &temporary, e))
        .and_then(|()| {
            verify(&temporary).map_err(|e| {
                let text = format!("{}: {}", file.display(), e.detail());
                Error::new(e.code(), text).with_source(e)
            })
        })
        .and_then(|()| put(&temporary, &target));
    if ready.is_err() {
        discard(&temporary);
    }
    ready
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut to = private_file(to)?;
    std::io::copy(&mut File::open(from)?, &mut to)?;
    to.sync_all()
}

/// Puts a verified copy in its place. The old database gets a second name first, then the
/// new one takes over its first name: at no time is there none, which the next start would
/// take for a new installation.
fn put(temporary: &Path, target: &Path) -> Result<Option<PathBuf>> {
    File::open(temporary)
        .and_then(|f| f.sync_all())
        .map_err(|e| file_error("cannot sync", temporary, e))?;
    let exists = target.try_exists().map_err(|e| file_error("cannot look for", target, e))?;
    let kept = exists.then(|| free_name(target));
    if let Some(kept) = &kept {
        fs::hard_link(target, kept)
            .map_err(|e| file_error("cannot keep the old one as", kept, e))?;
    }
    fs::rename(temporary, target).map_err(|e| file_error("cannot rename to", target, e))?;
    sync_directory(target).map_err(|e| file_error("cannot sync", target, e))?;
    Ok(kept)
}

/// Removes a half-made file. The error that brought us here is what matters.
fn discard(temporary: &Path) {
    if let Err(e) = fs::remove_file(temporary)
        && e.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(file = %temporary.display(), error = %e, "cannot remove a half-made file");
    }
}

/// Reads all of a backup, and its format.
fn verify(file: &Path) -> Result<()> {
    let not_one = || Error::new(Code::BadReport, "not a vulnzero backup, or a damaged one");
    Redb::verify(file).map_err(|e| not_one().with_source(e))?;
    let engine = Redb::open(file, 16 << 20).map_err(|e| not_one().with_source(e))?;
    let format = migrate::format(&engine);
    engine.close()?;
    match format? {
        Some(format) if format > migrate::FORMAT => Err(Error::new(
            Code::Conflict,
            format!(
                "it has format {format}, made by a newer version of vulnzero; this one reads up to {}",
                migrate::FORMAT
            ),
        )),
        Some(_) => Ok(()),
        None => Err(not_one()),
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

fn free_name(path: &Path) -> PathBuf {
    let named = |n: u32| path.with_extension(format!("before-restore-{n}"));
    (1..u32::MAX).map(named).find(|p| !p.exists()).expect("no directory is that full")
}

fn file_error(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Code::StorageUnavailable, format!("{what} {}: {e}", path.display())).with_source(e)
}
