//! Lines of text, of bounded length, and what `/etc/os-release` says in front of them.

use std::io::{BufRead, Read};

use crate::adapters::importers::input::io_error;
use crate::adapters::importers::meter::Meter;
use crate::adapters::importers::text;
use crate::base::Result;

/// A text line by line.
pub struct Lines {
    reader: Meter<Box<dyn BufRead + Send>>,
    number: u64,
    /// A line that was read too far.
    pending: Option<(u64, String)>,
}

impl Lines {
    /// The lines of what comes out of `reader`.
    pub fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self { reader: Meter::new(reader, "line"), number: 0, pending: None }
    }

    /// The number of the line that was read last.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line with its number; one of white space only is empty. Bytes that are not
    /// UTF-8 become U+FFFD.
    pub fn next(&mut self) -> Result<Option<(u64, String)>> {
        if self.pending.is_some() {
            return Ok(self.pending.take());
        }
        let mut line = Vec::new();
        self.reader.next_piece();
        // In parts, so that the meter sees a line without end before it is whole.
        loop {
            let mut part = (&mut self.reader).take(64 << 10);
            let read = part.read_until(b'\n', &mut line).map_err(|e| io_error(&e))?;
            if read == 0 || line.last() == Some(&b'\n') {
                break;
            }
        }
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some((self.number, content(&String::from_utf8_lossy(&line)).to_owned())))
    }

    /// Takes what is of os-release at the beginning.
    pub fn release(&mut self) -> Result<Release> {
        let mut release = Release::default();
        while let Some((number, line)) = self.next()? {
            if !Release::is_part(&line) {
                self.pending = Some((number, line));
                break;
            }
            release.take(&line);
        }
        Ok(release)
    }
}

/// A line without its end; a tab before that may separate a field that is empty.
pub fn content(line: &str) -> &str {
    let line = line.trim_end_matches(['\r', '\n', ' ']);
    if line.trim().is_empty() { "" } else { line }
}

/// What os-release says (`os-release(5)`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// `debian`.
    pub id: Option<String>,
    /// `12`.
    pub version_id: Option<String>,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub pretty_name: Option<String>,
}

impl Release {
    /// What the text of an os-release says.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut release = Self::default();
        text.lines().for_each(|line| release.take(line));
        release
    }

    /// Whether a line may stand in it: an assignment, a comment, nothing.
    pub fn is_part(line: &str) -> bool {
        let key = line.split_once('=').map_or("", |(key, _)| key);
        let is_key = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let is_assignment = !key.is_empty() && key.bytes().all(is_key);
        is_assignment || line.trim().is_empty() || line.starts_with('#')
    }

    fn take(&mut self, line: &str) {
        let Some((key, value)) = line.split_once('=') else { return };
        let value = value.trim().trim_matches(['"', '\'']);
        let value = text::to_line(value).filter(|v| v.len() <= 200);
        match key {
            "ID" => self.id = value.map(|v| v.to_lowercase()),
            "VERSION_ID" => self.version_id = value,
            "PRETTY_NAME" => self.pretty_name = value,
            _ => {}
        }
    }

    /// The qualifier of package URLs: `debian-12`.
    pub fn distro(&self) -> Option<String> {
        let id = self.id.as_deref()?;
        Some(self.version_id.as_ref().map_or(id.to_owned(), |version| format!("{id}-{version}")))
    }
}
