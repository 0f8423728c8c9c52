//! A watched directory: files that are put there are imported, then moved to `done/`, or to
//! `failed/` with the reason beside them.
//!
//! A file is taken once it looks the same at two looks in a row. Hidden files, those that are
//! named as unfinished, links and directories are left alone. What tells whether a file was
//! imported already is its content with its name and time, kept in the same transaction as
//! the import: a file that a kill has left in its place is moved, not imported again.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::once::Once;
use super::spool::Upload;
use super::{NewImport, enqueue, wait};
use crate::base::{Code, Error, Result};
use crate::domain::import::ImportStatus;
use crate::services::passwords::sha256_hex;
use crate::services::{Core, Ctx};

/// How long it is remembered that a file was imported, seconds.
const KEPT_S: i64 = 30 * 24 * 3600;
/// Endings of files that somebody still writes.
const UNFINISHED: &[&str] = &[".part", ".partial", ".tmp", ".crdownload", ".filepart", "~"];
/// Most files that one look takes up.
const AT_ONCE: usize = 1000;

/// What a look sees of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sight {
    inode: u64,
    bytes: u64,
    modified_ns: i128,
}

impl Sight {
    fn of(metadata: &fs::Metadata) -> Self {
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000;
        Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified_ns: modified_ns + i128::from(metadata.mtime_nsec()),
        }
    }
}

/// What became of a file.
enum Fate {
    /// It was imported, by the import of this number.
    Done(u64),
    /// It was refused, for this reason.
    Failed(Error),
    /// It changed while it was read.
    Changed,
}

/// The watched directory.
pub struct Watch {
    directory: PathBuf,
    /// What the last look saw.
    seen: HashMap<OsString, Sight>,
    /// What could not be moved away: it is not read again.
    stuck: HashMap<OsString, Sight>,
}

impl Watch {
    /// Of this directory.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, seen: HashMap::new(), stuck: HashMap::new() }
    }

    /// Looks once, and takes up what is complete. An error is one of the directory; what is
    /// wrong with a file is told beside it.
    pub async fn look(&mut self, core: &Core, stopped: &(dyn Fn() -> bool + Sync)) -> Result<()> {
        let found = scan(&self.directory)?;
        let complete: Vec<(OsString, Sight)> = found
            .iter()
            .filter(|(name, sight)| self.seen.get(name) == Some(sight))
            .filter(|(name, sight)| self.stuck.get(name) != Some(sight))
            .cloned()
            .collect();
        core.metrics.set_watch_waiting(found.len() as i64 - self.stuck.len() as i64);
        self.seen = found.into_iter().collect();
        self.stuck.retain(|name, _| self.seen.contains_key(name));
        for (name, sight) in complete {
            if stopped() {
                break;
            }
            self.take(core, &name, sight).await?;
        }
        Ok(())
    }

    async fn take(&mut self, core: &Core, name: &OsString, sight: Sight) -> Result<()> {
        let path = self.directory.join(name);
        let fate = match import(core, &path, sight).await {
            Ok(fate) => fate,
            Err(e) if is_fault_of_file(&e) => Fate::Failed(e),
            // The server cannot take it now: the next look tries again.
            Err(e) => return Err(e),
        };
        let moved = match &fate {
            Fate::Changed => return Ok(()),
            Fate::Done(import) => {
                core.metrics.watch_done("imported");
                tracing::info!(file = %path.display(), import, "a watched file is imported");
                put_away(&self.directory, "done", name, None)
            }
            Fate::Failed(why) => {
                core.metrics.watch_done("failed");
                tracing::warn!(file = %path.display(), why = %why, "a watched file is refused");
                put_away(&self.directory, "failed", name, Some(&why.to_string()))
            }
        };
        if let Err(e) = moved {
            core.metrics.watch_done("stuck");
            tracing::warn!(file = %path.display(), error = %e, "a watched file cannot be moved away");
            self.stuck.insert(name.clone(), sight);
        }
        Ok(())
    }
}

/// Files that may be reports, oldest first.
fn scan(directory: &Path) -> Result<Vec<(OsString, Sight)>> {
    let failed = |e: io::Error| {
        let detail = format!("the watched directory {} cannot be read: {e}", directory.display());
        Error::new(Code::StorageUnavailable, detail)
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !may_be_report(&entry.file_name().to_string_lossy()) {
            continue;
        }
        match entry.path().symlink_metadata() {
            Ok(metadata) if metadata.is_file() => {
                found.push((entry.file_name(), Sight::of(&metadata)));
            }
            Ok(_) => {}
            // Somebody has taken it away again.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed(e)),
        }
    }
    found.sort_by(|(a, x), (b, y)| (x.modified_ns, a).cmp(&(y.modified_ns, b)));
    found.truncate(AT_ONCE);
    Ok(found)
}

fn may_be_report(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.') && !UNFINISHED.iter().any(|ending| lower.ends_with(ending))
}

fn is_fault_of_file(e: &Error) -> bool {
    matches!(e.code(), Code::BadReport | Code::TooLarge | Code::Invalid | Code::BadRequest)
}

async fn import(core: &Core, path: &Path, sight: Sight) -> Result<Fate> {
    let upload = Upload::begin(core)?;
    let from = path.to_owned();
    let read = tokio::task::spawn_blocking(move || copy(&from, sight, upload)).await;
    let read = read.map_err(|e| Error::internal("reading was cut off").with_source(e))??;
    let Some(upload) = read else { return Ok(Fate::Changed) };
    let name = file_name(path);
    let identity = format!("{name}\n{}\n{}", sight.modified_ns, upload.digest());
    let key = sha256_hex(identity.as_bytes());
    let once = Once::of(core, "watch".to_owned(), key, KEPT_S)?;
    let mut ctx = Ctx::system();
    "watched directory".clone_into(&mut ctx.actor.name);
    let new = NewImport { filename: Some(name), ..NewImport::default() };
    let import = enqueue(core, &ctx, new, upload, Some(once)).await?.import;
    let import = wait(core, import.id).await?;
    if import.status == ImportStatus::Failed {
        let why = import.error.map_or_else(String::new, |e| e.detail);
        let detail = format!("{why} (import {})", import.id);
        return Ok(Fate::Failed(Error::new(Code::BadReport, detail)));
    }
    Ok(Fate::Done(import.id))
}

/// Copies a file to the spool; `None` if it is not, or no longer, what a look saw.
fn copy(path: &Path, sight: Sight, mut upload: Upload) -> Result<Option<Upload>> {
    let failed =
        |e: io::Error| Error::new(Code::BadReport, format!("the file cannot be read: {e}"));
    // Not even a link that has just taken its place is followed, and no pipe is waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::LOOP) => return Ok(None),
        Err(e) => return Err(failed(e.into())),
    };
    let is_same = |file: &File| {
        let metadata = file.metadata().map_err(failed)?;
        Ok::<_, Error>(metadata.is_file() && Sight::of(&metadata) == sight)
    };
    if !is_same(&file)? {
        return Ok(None);
    }
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            break;
        }
        upload.write(&buffer[..n])?;
    }
    Ok(is_same(&file)?.then_some(upload))
}

/// The name for the list of imports, without what it may not have.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.chars().map(|c| if c.is_control() { '_' } else { c }).take(255).collect()
}

/// Moves a file into a directory beside it, and tells why, if there is something to tell.
fn put_away(directory: &Path, to: &str, name: &OsString, why: Option<&str>) -> io::Result<()> {
    let folder = directory.join(to);
    match fs::create_dir(&folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        Ok(()) | Err(_) => {}
    }
    // A link would lead out of the directory.
    if !folder.symlink_metadata()?.is_dir() {
        return Err(io::Error::other(format!("{} is no directory", folder.display())));
    }
    let target = free_name(&folder, name);
    if let Some(why) = why {
        let mut beside = target.clone().into_os_string();
        beside.push(".error.txt");
        fs::write(beside, format!("{why}\n"))?;
    }
    fs::rename(directory.join(name), target)
}

/// A name that is not taken: `report.json`, `report.json.2`, …
fn free_name(folder: &Path, name: &OsString) -> PathBuf {
    let numbered = |n: u32| {
        let mut other = name.clone();
        other.push(format!(".{n}"));
        folder.join(other)
    };
    let plain = folder.join(name);
    std::iter::once(plain)
        .chain((2..u32::MAX).map(numbered))
        .find(|path| path.symlink_metadata().is_err())
        .expect("no directory is that full")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_and_hidden_files_are_left_alone() {
        for (name, may) in [
            ("a.json", true),
            ("a.part", false),
            ("a.json.TMP", false),
            (".a.json", false),
            ("a.json~", false),
            ("a.partial.json", true),
        ] {
            assert_eq!(may_be_report(name), may, "{name}");
        }
    }
}
