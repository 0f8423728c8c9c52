//! A report as an importer gets it: a file that can be read several times, decompressed
//! on the way, with limits on what comes out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::{Code, Error, Result, limits};

/// What limits a report.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes after decompression.
    pub report_bytes: u64,
    /// Findings.
    pub findings: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { report_bytes: limits::REPORT_BYTES, findings: limits::REPORT_FINDINGS }
    }
}

/// A report on disk.
#[derive(Debug, Clone)]
pub struct Report {
    path: PathBuf,
    limits: Limits,
    read: Arc<AtomicU64>,
}

impl Report {
    /// The report in the file at `path`.
    #[must_use]
    pub fn new(path: impl AsRef<Path>, limits: Limits) -> Self {
        Self { path: path.as_ref().to_owned(), limits, read: Arc::default() }
    }

    /// Its limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Bytes of the file (as it lies on disk) that the newest reader has taken: progress.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// A reader of the decompressed content from the beginning. Reading past the limit is
    /// an error ([`is_too_large`]).
    pub fn open(&self) -> Result<Box<dyn BufRead + Send>> {
        let file = File::open(&self.path)
            .map_err(|e| Error::internal("cannot open the spooled report").with_source(e))?;
        self.read.store(0, Ordering::Relaxed);
        let mut raw =
            BufReader::with_capacity(64 << 10, Counted { inner: file, read: self.read.clone() });
        let magic = raw.fill_buf().map_err(|e| io_error(&e))?;
        let plain: Box<dyn Read + Send> = match magic {
            [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                Box::new(zstd::Decoder::with_buffer(raw).map_err(|e| io_error(&e))?)
            }
            _ => Box::new(raw),
        };
        let limited = Limited {
            inner: plain,
            left: self.limits.report_bytes,
            limit: self.limits.report_bytes,
        };
        Ok(Box::new(BufReader::with_capacity(64 << 10, limited)))
    }

    /// The first bytes of the decompressed content, at most `n`.
    pub fn head(&self, n: usize) -> Result<Vec<u8>> {
        let mut head = Vec::with_capacity(n);
        self.open()?.take(n as u64).read_to_end(&mut head).map_err(|e| io_error(&e))?;
        Ok(head)
    }
}

/// The error for a report that cannot be read to its end.
#[must_use]
pub fn io_error(e: &io::Error) -> Error {
    if is_too_large(e) {
        return Error::new(Code::TooLarge, e.to_string());
    }
    match e.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::new(Code::BadReport, "the report ends in the middle")
        }
        _ => Error::new(Code::BadReport, format!("the report cannot be decompressed: {e}")),
    }
}

/// Whether reading failed because the content is larger than allowed.
#[must_use]
pub fn is_too_large(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::FileTooLarge
}

struct Counted {
    inner: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the report is larger than {} bytes after decompression", self.limit),
            )
        })?;
        Ok(n)
    }
}
