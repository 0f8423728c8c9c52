//! One process per data directory. The lock file says who holds it, so that the message
//! can, and so that the command line finds a running server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::base::{Code, Error, Result};

const NAME: &str = "vulnzero.lock";

/// Longest time for which asking who holds it may take.
const ASKING: Duration = Duration::from_millis(50);
/// How long a holder that is not a server is waited for: most commands take no longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Who holds a data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process number.
    pub pid: u32,
    /// What it is doing: `serve`, `import`, …
    pub command: String,
    /// Address of its HTTP server, if it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A held lock; the directory is free again when it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of `directory`, which must exist, or says who holds it: at once if it
    /// is a server, else after a while.
    pub fn take(directory: &Path, command: &str) -> Result<Self> {
        let mut file = open(directory)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(io_error(directory, e)),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = read(&mut file);
            // Somebody who only asks, see `holder`, has it for a moment.
            let serves = holder.address.is_some() && started.elapsed() > ASKING;
            if serves || started.elapsed() > PATIENCE {
                return Err(held(holder, directory));
            }
            std::thread::sleep(PAUSE);
        }
        let mut lock = Self { file };
        let holder = Holder { pid: std::process::id(), command: command.to_owned(), address: None };
        // The lock is ours without it; on a full disk the server must still start to read.
        if let Err(e) = lock.tell(&holder) {
            tracing::warn!(error = %e.chain(), "the lock does not say who holds it");
        }
        Ok(lock)
    }

    /// Writes who holds it.
    pub fn tell(&mut self, holder: &Holder) -> Result<()> {
        let text = serde_json::to_vec(holder)
            .map_err(|e| Error::internal("cannot describe the lock").with_source(e))?;
        let file = &mut self.file;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(&text))
            .map_err(|e| Error::internal("cannot write the lock file").with_source(e))
    }
}

/// Who holds the lock of `directory` right now, if anybody does.
#[must_use]
pub fn holder(directory: &Path) -> Option<Holder> {
    let mut file = OpenOptions::new().read(true).open(directory.join(NAME)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read(&mut file)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn open(directory: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(NAME))
        .map_err(|e| io_error(directory, e))
}

fn read(file: &mut File) -> Holder {
    let mut text = String::new();
    let whole = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let parsed = whole.ok().and_then(|_| serde_json::from_str(&text).ok());
    parsed.unwrap_or_default()
}

fn held(holder: Holder, directory: &Path) -> Error {
    let who = match (holder.pid, holder.address) {
        (0, _) => "another process".to_owned(),
        (pid, Some(address)) => format!("process {pid} (vulnzero {} on {address})", holder.command),
        (pid, None) => format!("process {pid} (vulnzero {})", holder.command),
    };
    Error::new(Code::Locked, format!("{} is in use by {who}", directory.display()))
}

fn io_error(directory: &Path, e: std::io::Error) -> Error {
    Error::new(Code::StorageUnavailable, format!("cannot lock {}: {e}", directory.display()))
        .with_source(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut lock = Lock::take(dir.path(), "serve").unwrap();
        lock.tell(&Holder {
            pid: 7,
            command: "serve".into(),
            address: Some("127.0.0.1:8000".into()),
        })
        .unwrap();
        let e = Lock::take(dir.path(), "import").unwrap_err();
        assert_eq!(e.code(), Code::Locked);
        assert!(
            e.detail().ends_with("is in use by process 7 (vulnzero serve on 127.0.0.1:8000)"),
            "{e}"
        );
        assert_eq!(holder(dir.path()).unwrap().pid, 7);
        drop(lock);
        assert_eq!(holder(dir.path()), None);
        Lock::take(dir.path(), "import").unwrap();
    }
}
