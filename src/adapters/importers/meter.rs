//! A reader that knows its line and refuses single pieces without end: what stands between
//! a report and parsers that hold a piece (an XML text, a CSV record) whole.

use std::io::{self, BufRead, Read};

use super::guard::Refused;
use crate::base::limits;

/// Counts lines, and bytes since the last [`Meter::next_piece`].
pub struct Meter<R> {
    inner: R,
    line: u64,
    piece: usize,
    what: &'static str,
}

impl<R> Meter<R> {
    /// Meters `inner`, whose pieces are called `what` in errors.
    pub fn new(inner: R, what: &'static str) -> Self {
        Self { inner, line: 1, piece: 0, what }
    }

    /// The line that the reader is in, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Counts lines that were taken before.
    pub fn skip_lines(&mut self, lines: u64) {
        self.line += lines;
    }

    /// A new piece begins.
    pub fn next_piece(&mut self) {
        self.piece = 0;
    }

    fn check(&self) -> io::Result<()> {
        if self.piece <= limits::REPORT_STRING_BYTES {
            return Ok(());
        }
        let (what, max) = (self.what, limits::REPORT_STRING_BYTES >> 20);
        let why = format!("a single {what} is longer than {max} MiB at line {}", self.line);
        Err(io::Error::new(io::ErrorKind::InvalidData, Refused::new(why)))
    }

    fn passed(&mut self, bytes: usize, lines: usize) {
        self.piece += bytes;
        self.line += lines as u64;
    }
}

fn lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        let n = self.inner.read(buf)?;
        self.passed(n, lines(&buf[..n]));
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What was filled is still there: asking again reads nothing.
        let lines =
            self.inner.fill_buf().map_or(0, |filled| lines(&filled[..amount.min(filled.len())]));
        self.passed(amount, lines);
        self.inner.consume(amount);
    }
}
