//! Where uploads wait for their job: files named by the import's number.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use roaring::RoaringBitmap;
use sha2::{Digest as _, Sha256};

use crate::adapters::importers::Report;
use crate::adapters::importers::input::Limits;
use crate::base::{Code, Error, Result};
use crate::services::Core;
use crate::services::passwords::{hex, random_secret};

/// An upload on its way in. Dropped before it is placed, it leaves nothing.
pub struct Upload {
    path: PathBuf,
    file: Option<File>,
    digest: Sha256,
    limit: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// SHA-256 once it is finished, hexadecimal.
    pub sha256: String,
}

impl Upload {
    pub(in crate::services) fn begin(core: &Core) -> Result<Self> {
        fs::create_dir_all(core.spool()).map_err(|e| spool_error(&e))?;
        let path = core.spool().join(format!("upload-{}", random_secret()?.expose()));
        let file = File::create_new(&path).map_err(|e| spool_error(&e))?;
        let limit = core.options.max_upload_bytes;
        Ok(Self {
            path,
            file: Some(file),
            digest: Sha256::new(),
            limit,
            bytes: 0,
            sha256: String::new(),
        })
    }

    /// Takes in the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limit {
            return Err(Error::new(
                Code::TooLarge,
                format!("the upload is larger than {} bytes (import.max_upload_bytes)", self.limit),
            ));
        }
        self.digest.update(bytes);
        let file = self
            .file
            .as_mut()
            .ok_or_else(|| Error::internal("an upload is written after its end"))?;
        file.write_all(bytes).map_err(|e| spool_error(&e))
    }

    /// SHA-256 of what has been written so far, hexadecimal.
    pub(super) fn digest(&self) -> String {
        hex(&self.digest.clone().finalize())
    }

    /// What has been written so far, as a report.
    pub(in crate::services) fn report(&self, limits: Limits) -> Report {
        Report::new(&self.path, limits)
    }

    /// Makes it durable.
    pub(super) async fn finish(mut self) -> Result<Self> {
        if self.bytes == 0 {
            return Err(Error::new(Code::BadReport, "the upload is empty"));
        }
        let file =
            self.file.take().ok_or_else(|| Error::internal("an upload is finished twice"))?;
        let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
        synced
            .map_err(|e| Error::internal("syncing an upload failed").with_source(e))?
            .map_err(|e| spool_error(&e))?;
        self.sha256 = hex(&std::mem::take(&mut self.digest).finalize());
        Ok(self)
    }

    /// Puts it where the job of this import looks.
    pub(super) fn place(mut self, core: &Core, import_id: u64) -> Result<()> {
        let target = path(core, import_id);
        fs::rename(&self.path, &target).map_err(|e| spool_error(&e))?;
        self.path = PathBuf::new();
        File::open(core.spool()).and_then(|d| d.sync_all()).map_err(|e| spool_error(&e))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty()
            && let Err(e) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), error = %e, "cannot remove an upload");
        }
    }
}

/// Where the report of an import lies.
pub(super) fn path(core: &Core, import_id: u64) -> PathBuf {
    core.spool().join(import_id.to_string())
}

/// Removes the report of an import that is done.
pub(super) fn remove(core: &Core, import_id: u64) {
    let path = path(core, import_id);
    if let Err(e) = fs::remove_file(&path)
        && e.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), error = %e, "cannot remove a report");
    }
}

/// Removes every file but those of these imports.
pub(super) fn sweep(core: &Core, keep: &RoaringBitmap) -> Result<()> {
    let directory = core.spool();
    if !directory.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&directory).map_err(|e| spool_error(&e))? {
        let entry = entry.map_err(|e| spool_error(&e))?;
        let name = entry.file_name();
        let wanted = name.to_str().and_then(|n| n.parse().ok()).is_some_and(|id| keep.contains(id));
        if !wanted {
            fs::remove_file(entry.path()).map_err(|e| spool_error(&e))?;
        }
    }
    Ok(())
}

fn spool_error(e: &std::io::Error) -> Error {
    if e.kind() == std::io::ErrorKind::StorageFull {
        return Error::new(Code::ReadOnly, "the disk is full").with_retry_after(30);
    }
    Error::internal(format!("the upload cannot be kept: {e}"))
}
