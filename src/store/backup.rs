//! Backup to one file while serving, and restore from it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::Store;
use super::engine::Engine;
use super::engine::redb::{Redb, sync_directory};
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
    if path.exists() {
        return Err(Error::new(Code::Duplicate, format!("{} exists already", path.display())));
    }
    let temporary = partial(path);
    if temporary.exists() {
        fs::remove_file(&temporary).map_err(|e| file_error("cannot remove", &temporary, e))?;
    }
    let copied = store.engine().copy_to(&temporary).and_then(|rows| {
        verify(&temporary)?;
        let bytes =
            fs::metadata(&temporary).map_err(|e| file_error("cannot read", &temporary, e))?.len();
        fs::rename(&temporary, path).map_err(|e| file_error("cannot rename to", path, e))?;
        sync_directory(path).map_err(|e| file_error("cannot sync", path, e))?;
        Ok(Summary { rows, bytes })
    });
    if copied.is_err() && temporary.exists() {
        // The first error is what matters; the rest of the copy is only litter.
        let _litter = fs::remove_file(&temporary);
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
    fs::copy(file, &temporary).map_err(|e| file_error("cannot copy to", &temporary, e))?;
    // The copy is verified, not the backup: opening writes, and a backup may be read-only.
    if let Err(e) = verify(&temporary) {
        let _litter = fs::remove_file(&temporary);
        return Err(
            Error::new(e.code(), format!("{}: {}", file.display(), e.detail())).with_source(e)
        );
    }
    File::open(&temporary)
        .and_then(|f| f.sync_all())
        .map_err(|e| file_error("cannot sync", &temporary, e))?;
    let kept = if target.exists() {
        let kept = free_name(&target);
        fs::rename(&target, &kept).map_err(|e| file_error("cannot keep", &target, e))?;
        Some(kept)
    } else {
        None
    };
    fs::rename(&temporary, &target).map_err(|e| file_error("cannot rename to", &target, e))?;
    sync_directory(&target).map_err(|e| file_error("cannot sync", &target, e))?;
    Ok(kept)
}

/// Opens a backup and reads its format.
fn verify(file: &Path) -> Result<()> {
    let not_one = || Error::new(Code::BadReport, "not a vulnzero backup");
    let engine = Redb::open(file, 16 << 20).map_err(|e| not_one().with_source(e))?;
    let format = migrate::format(&engine)?;
    let rows = engine.snapshot()?.len(super::META)?;
    engine.close()?;
    match format {
        Some(format) if format <= migrate::FORMAT && rows > 0 => Ok(()),
        Some(format) if format > migrate::FORMAT => Err(Error::new(
            Code::Conflict,
            format!("it has format {format}, made by a newer version of vulnzero"),
        )),
        Some(_) | None => Err(not_one()),
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

fn free_name(path: &Path) -> PathBuf {
    (1..)
        .map(|n| path.with_extension(format!("before-restore-{n}")))
        .find(|p| !p.exists())
        .expect("some number is free")
}

fn file_error(what: &str, path: &Path, e: std::io::Error) -> Error {
    Error::new(Code::StorageUnavailable, format!("{what} {}: {e}", path.display())).with_source(e)
}
