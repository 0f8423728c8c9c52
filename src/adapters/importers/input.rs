//! A report as an importer gets it: a file that can be read several times, decompressed
//! on the way, with limits on what comes out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs_io::DecodeReaderBytesBuilder;

use super::guard::Refused;
use crate::base::{Code, Error, Result, limits};

const BUFFER: usize = 64 << 10;

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

/// Counts findings against [`Limits::findings`]; every importer asks it before it emits one.
#[derive(Debug)]
pub struct Allowance {
    left: u64,
    limit: u64,
}

impl Allowance {
    /// Takes one; an error if there is none left.
    pub fn take(&mut self) -> Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            let limit = self.limit;
            let detail = format!("the report has over {limit} findings (import.max_findings)");
            Error::new(Code::TooLarge, detail)
        })?;
        Ok(())
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

    /// A fresh count of the findings that may come out of it.
    #[must_use]
    pub fn allowance(&self) -> Allowance {
        Allowance { left: self.limits.findings, limit: self.limits.findings }
    }

    /// Bytes of the file (as it lies on disk) that the newest reader of [`Report::open`]
    /// has taken: progress. Clones share it.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// A reader of the decompressed content from the beginning: UTF-16 as UTF-8, and without
    /// a byte order mark. Reading past the limit is an error ([`is_too_large`]).
    pub fn open(&self) -> Result<Box<dyn BufRead + Send>> {
        self.read.store(0, Ordering::Relaxed);
        self.reader(self.read.clone())
    }

    /// The same as [`Report::open`], for looking ahead: it does not count as progress.
    pub fn peek(&self) -> Result<Box<dyn BufRead + Send>> {
        self.reader(Arc::default())
    }

    /// The first bytes of the decompressed content, at most `n`.
    pub fn head(&self, n: usize) -> Result<Vec<u8>> {
        let mut head = Vec::with_capacity(n);
        self.peek()?.take(n as u64).read_to_end(&mut head).map_err(|e| io_error(&e))?;
        Ok(head)
    }

    fn reader(&self, read: Arc<AtomicU64>) -> Result<Box<dyn BufRead + Send>> {
        let inner = File::open(&self.path)
            .map_err(|e| Error::internal("cannot open the spooled report").with_source(e))?;
        let raw = BufReader::with_capacity(BUFFER, Counted { inner, read: read.clone() });
        let limit = self.limits.report_bytes;
        let (inner, packing) = decompress(raw).map_err(|e| io_error(&e))?;
        let limited = Limited { inner, left: limit, limit, packing, read };
        decode(BufReader::with_capacity(BUFFER, limited)).map_err(|e| io_error(&e))
    }
}

/// Decompresses gzip (all members) and zstd (all frames) by their magic numbers.
fn decompress(mut raw: BufReader<Counted>) -> io::Result<(Box<dyn Read + Send>, Packing)> {
    Ok(match raw.fill_buf()? {
        [0x1f, 0x8b, ..] => (Box::new(flate2::bufread::MultiGzDecoder::new(raw)), Some("gzip")),
        // RFC 8878 §3.1: a frame, or one of the sixteen kinds of skippable frames.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            let mut decoder = zstd::Decoder::with_buffer(raw)?;
            decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
            (Box::new(decoder), Some("zstd"))
        }
        _ => (Box::new(raw), None),
    })
}

/// How a report is compressed, if it is.
type Packing = Option<&'static str>;

/// The same text without a byte order mark at its beginning, and from UTF-16 (which
/// `PowerShell` writes when it redirects) to UTF-8.
fn decode<R: BufRead + Send + 'static>(mut reader: R) -> io::Result<Box<dyn BufRead + Send>> {
    let mut first = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut first)?;
    let wide = match first[..] {
        [0xff, 0xfe, ..] | [b'{' | b'[' | b'<', 0, ..] => Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] | [0, b'{' | b'[' | b'<', ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    };
    if wide.is_none() && first.starts_with(b"\xef\xbb\xbf") {
        first.drain(..3);
    }
    let whole = io::Cursor::new(first).chain(reader);
    if wide.is_none() {
        return Ok(Box::new(whole));
    }
    let mut decoder = DecodeReaderBytesBuilder::new();
    let decoder = decoder.encoding(wide).strip_bom(true).build(whole);
    Ok(Box::new(BufReader::with_capacity(BUFFER, decoder)))
}

/// The error for a report that cannot be read to its end.
#[must_use]
pub fn io_error(e: &io::Error) -> Error {
    if is_too_large(e) {
        return Error::new(Code::TooLarge, e.to_string());
    }
    if let Some(inner) = e.get_ref()
        && inner.is::<Refused>()
    {
        return Error::new(Code::BadReport, e.to_string());
    }
    let text = e.to_string();
    let detail = if text.contains("too much memory") {
        let mib = (1_u64 << limits::ZSTD_WINDOW_LOG) >> 20;
        format!("the report needs a zstd window of more than {mib} MiB; compress it with less")
    } else {
        format!("the report cannot be decompressed: {text}")
    };
    Error::new(Code::BadReport, detail)
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
    packing: Packing,
    /// Bytes of the file that were taken.
    read: Arc<AtomicU64>,
}

impl<R> Limited<R> {
    /// What is wrong with compressed data, and where.
    fn broken(&self, e: io::Error) -> io::Error {
        let text = e.to_string();
        let Some(packing) = self.packing.filter(|_| !text.contains("too much memory")) else {
            return e;
        };
        let (content, at) = (self.limit - self.left, self.read.load(Ordering::Relaxed));
        let why = if e.kind() == io::ErrorKind::UnexpectedEof || text.contains("incomplete frame") {
            format!(
                "the report ends in the middle: its {packing} data breaks off after {content} \
                 bytes of content, at byte {at} of the file"
            )
        } else {
            format!(
                "the report cannot be decompressed: its {packing} data is damaged after {content} \
                 bytes of content, before byte {at} of the file: {text}"
            )
        };
        io::Error::new(io::ErrorKind::InvalidData, Refused::new(why))
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf).map_err(|e| self.broken(e))?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the report is larger than {} bytes after decompression", self.limit),
            )
        })?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn error(bytes: &[u8]) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let report = Report::new(file.path(), Limits::default());
        let read = report.open().and_then(|mut reader| {
            io::copy(&mut reader, &mut io::sink()).map_err(|e| io_error(&e))
        });
        read.unwrap_err().to_string()
    }

    #[test]
    fn broken_compression_names_its_place() {
        let plain: Vec<u8> =
            (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
        zstd.include_checksum(true).unwrap();
        zstd.write_all(&plain).unwrap();
        let zstd = zstd.finish().unwrap();
        for (name, packed) in [("gzip", gzip), ("zstd", zstd)] {
            let half = packed.len() / 2;
            let cut = error(&packed[..half]);
            assert!(cut.contains("ends in the middle") && cut.contains(name), "{cut}");
            assert!(cut.ends_with(&format!("at byte {half} of the file")), "{cut}");
            let mut damaged = packed.clone();
            damaged[half..half + 40].fill(0xff);
            let damaged = error(&damaged);
            assert!(damaged.contains(&format!("its {name} data is damaged after ")), "{damaged}");
        }
    }
}
