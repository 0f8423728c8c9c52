//! A reader that refuses JSON which no parser should be fed: nesting without end, single
//! texts without end, single entries without end. It looks at bytes only; whether the
//! document is JSON at all is for the parser to say.
//!
//! Why: `serde_json` skips unwanted values without recursion but with one byte of memory
//! per level, and it holds a string whole before anybody can cut it. With this in front,
//! a parser's memory has a bound that does not depend on the document.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::base::limits;

/// Counts levels and lengths while the bytes pass.
pub struct Guard<R> {
    inner: R,
    depth: usize,
    /// Bytes of the string that is open, if one is.
    string: Option<usize>,
    /// The byte before was a backslash that escapes the next.
    escaped: bool,
    line: u64,
    column: u64,
    entry: Entry,
}

/// Bytes that have passed since an entry began; whoever reads entries whole resets it.
/// Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Entry(Arc<AtomicI64>);

impl Entry {
    /// The next entry begins.
    pub fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// What follows is no entry and is passed over, which takes no memory: it may be long.
    pub fn pass_over(&self) {
        self.0.store(i64::MIN, Ordering::Relaxed);
    }
}

/// Why a document is refused; the text is for the client.
#[derive(Debug)]
pub struct Refused(String);

impl Refused {
    /// For this reason.
    pub fn new(why: String) -> Self {
        Self(why)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl<R> Guard<R> {
    /// Guards `inner`.
    pub fn new(inner: R) -> Self {
        let entry = Entry::default();
        Self { inner, depth: 0, string: None, escaped: false, line: 1, column: 0, entry }
    }

    /// Refuses also entries that are longer than [`limits::REPORT_ENTRY_BYTES`].
    pub fn with_entries(inner: R, entry: Entry) -> Self {
        Self { entry, ..Self::new(inner) }
    }

    fn refuse(&self, why: String) -> io::Error {
        let place = format!("{why} at line {} column {}", self.line, self.column);
        io::Error::new(io::ErrorKind::InvalidData, Refused(place))
    }

    fn check(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            bytes = match self.string {
                Some(length) => self.inside_string(bytes, length)?,
                None => self.between_strings(bytes)?,
            };
        }
        Ok(())
    }

    /// Takes the rest of a string, or all of `bytes`; returns what is left.
    fn inside_string<'b>(&mut self, bytes: &'b [u8], length: usize) -> io::Result<&'b [u8]> {
        let taken = if std::mem::take(&mut self.escaped) {
            self.string = Some(length + 1);
            1
        } else {
            match memchr::memchr2(b'"', b'\\', bytes) {
                Some(at) if bytes[at] == b'"' => {
                    self.string = None;
                    at + 1
                }
                Some(at) => {
                    self.escaped = true;
                    self.string = Some(length + at + 1);
                    at + 1
                }
                None => {
                    self.string = Some(length + bytes.len());
                    bytes.len()
                }
            }
        };
        self.column += taken as u64;
        if self.string.is_some_and(|n| n > limits::REPORT_STRING_BYTES) {
            let max = limits::REPORT_STRING_BYTES >> 20;
            return Err(self.refuse(format!("a single text is longer than {max} MiB")));
        }
        Ok(&bytes[taken..])
    }

    /// Takes everything up to and including the next quote; returns what is left.
    fn between_strings<'b>(&mut self, bytes: &'b [u8]) -> io::Result<&'b [u8]> {
        let end = memchr::memchr(b'"', bytes);
        for &byte in &bytes[..end.unwrap_or(bytes.len())] {
            self.column += 1;
            match byte {
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth > limits::REPORT_DEPTH {
                        let max = limits::REPORT_DEPTH;
                        return Err(self.refuse(format!("nested deeper than {max} levels")));
                    }
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'\n' => {
                    self.line += 1;
                    self.column = 0;
                }
                _ => {}
            }
        }
        let Some(end) = end else { return Ok(&[]) };
        self.column += 1;
        self.string = Some(0);
        Ok(&bytes[end + 1..])
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.check(&buf[..n])?;
        // Without anybody who resets it, the limit is none.
        if Arc::strong_count(&self.entry.0) > 1 {
            let taken = i64::try_from(n).unwrap_or(i64::MAX);
            let before = self.entry.0.fetch_add(taken, Ordering::Relaxed);
            // Below zero is what is passed over.
            if usize::try_from(before).is_ok_and(|bytes| bytes > limits::REPORT_ENTRY_BYTES) {
                let max = limits::REPORT_ENTRY_BYTES >> 20;
                return Err(self.refuse(format!("a single entry is longer than {max} MiB")));
            }
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> io::Result<usize> {
        // Three bytes at a time, so that every state crosses a border of reads.
        let mut guard = Guard::new(text);
        let mut total = 0;
        loop {
            match guard.read(&mut [0; 3])? {
                0 => return Ok(total),
                n => total += n,
            }
        }
    }

    #[test]
    fn brackets_in_strings_are_not_levels() {
        let text = format!("\"{}\\\"{}\"", "[".repeat(500), "{".repeat(500));
        assert_eq!(read(text.as_bytes()).unwrap(), text.len());
        let flat = "[],".repeat(1000);
        assert_eq!(read(flat.as_bytes()).unwrap(), flat.len());
    }

    #[test]
    fn deep_nesting_is_refused_with_its_place() {
        let error = read(format!("{{\n\"a\\\\\":{}", "[".repeat(200)).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "nested deeper than 128 levels at line 2 column 134");
        assert!(error.get_ref().unwrap().is::<Refused>());
    }

    #[test]
    fn endless_strings_are_refused() {
        let mut guard = Guard::new(io::repeat(b'"').take(1).chain(io::repeat(b'x')));
        let error = io::copy(&mut guard, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("longer than 16 MiB at line 1"), "{error}");
    }
}
