//! Reading a report that is a table (CSV and its cousins): finds delimiter, encoding and
//! header by itself. What the columns mean is the format's business and not here.

use std::io::{BufRead, BufReader};

use encoding_rs_io::DecodeReaderBytesBuilder;

use super::input::{Report, io_error};
use super::meter::Meter;
use super::text;
use crate::base::{Code, Error, Result, limits};

/// The delimiters that are tried, in this order.
const DELIMITERS: &[u8] = b",;\t|";
/// How many rows may stand before the header.
const PREAMBLE_ROWS: usize = 50;
/// Most columns.
const COLUMNS: usize = 1000;

/// The names of the columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header(Vec<String>);

impl Header {
    fn of(record: &csv::StringRecord) -> Self {
        Self(record.iter().take(COLUMNS).map(|name| name.trim().to_owned()).collect())
    }

    /// The names as they stand.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The position of a column; case, spaces and punctuation do not matter.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let wanted = folded(name);
        self.0.iter().position(|n| folded(n) == wanted)
    }

    /// Whether there is such a column.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Whether all of them are there.
    #[must_use]
    pub fn has_all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.has(name))
    }
}

/// A name as far as it matters: letters and digits, in lower case.
#[must_use]
pub fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// One row.
pub struct Row<'t> {
    header: &'t Header,
    record: &'t csv::StringRecord,
    line: u64,
}

impl Row<'_> {
    /// A cell by the name of its column, trimmed, if it says something.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.cell(self.header.position(name)?)
    }

    /// A cell by its position, trimmed, if it says something.
    #[must_use]
    pub fn cell(&self, position: usize) -> Option<&str> {
        self.record.get(position).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// Whether no cell says anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.record.iter().all(|cell| cell.trim().is_empty())
    }

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.header
    }

    /// Where it stands, for skips.
    #[must_use]
    pub fn place(&self) -> String {
        format!("line {}", self.line)
    }

    /// An error that names the place.
    #[must_use]
    pub fn bad(&self, column: &str, what: &str) -> Error {
        let what = text::to_line(text::clip(what, 300)).unwrap_or_default();
        Error::new(Code::BadReport, format!("{what} at line {}, in column '{column}'", self.line))
    }
}

/// Whether `head` begins with a table whose header (perhaps after some other rows) passes
/// `is_header`.
#[must_use]
pub fn recognises(head: &[u8], is_header: &dyn Fn(&Header) -> bool) -> bool {
    layout(head, is_header).is_some()
}

/// The row near the beginning that fits best as a header: the first of those with the
/// highest `score`, if that is not 0.
#[must_use]
pub fn best_header(head: &[u8], score: &dyn Fn(&Header) -> usize) -> Option<Header> {
    let text = String::from_utf8_lossy(head);
    let mut best: Option<(usize, Header)> = None;
    for &delimiter in DELIMITERS {
        let mut reader = builder(delimiter).from_reader(text.as_bytes());
        for row in reader.records().take(PREAMBLE_ROWS).map_while(Result::ok) {
            let header = Header::of(&row);
            let score = score(&header);
            if score > best.as_ref().map_or(0, |(best, _)| *best) {
                best = Some((score, header));
            }
        }
    }
    best.map(|(_, header)| header)
}

/// Delimiter, and number of rows before the header.
fn layout(head: &[u8], is_header: &dyn Fn(&Header) -> bool) -> Option<(u8, usize)> {
    let text = String::from_utf8_lossy(head);
    DELIMITERS.iter().find_map(|&delimiter| {
        let mut reader = builder(delimiter).from_reader(text.as_bytes());
        let rows = reader.records().take(PREAMBLE_ROWS).map_while(Result::ok);
        let before = rows.map(|row| Header::of(&row)).position(|h| is_header(&h))?;
        Some((delimiter, before))
    })
}

fn builder(delimiter: u8) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true);
    builder
}

/// Calls `each` with every row after the header, which is the first row that passes
/// `is_header`. Empty rows come, too: a format may want to count them.
pub fn read(
    report: &Report,
    is_header: &dyn Fn(&Header) -> bool,
    each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let head = report.head(64 << 10)?;
    let (delimiter, before) = layout(&head, is_header).ok_or_else(|| {
        Error::new(Code::BadReport, "the table has no header row with the columns of this format")
    })?;
    let source = Meter::new(utf8(report.open()?, &head), "row of a table");
    let mut reader = builder(delimiter).buffer_capacity(64 << 10).from_reader(source);
    let (mut record, mut header, mut number) = (csv::StringRecord::new(), Header::default(), 0);
    loop {
        reader.get_mut().next_piece();
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(e) => return Err(broken(e)),
        }
        if number == before {
            header = Header::of(&record);
        } else if number > before {
            let line = record.position().map_or(0, csv::Position::line);
            each(&Row { header: &header, record: &record, line })?;
        }
        number += 1;
    }
}

fn broken(e: csv::Error) -> Error {
    let line = e.position().map(|p| format!(" at line {}", p.line())).unwrap_or_default();
    match e.into_kind() {
        csv::ErrorKind::Io(e) => io_error(&e),
        csv::ErrorKind::Utf8 { err, .. } => {
            Error::new(Code::BadReport, format!("the text is not UTF-8{line}: {err}"))
        }
        kind => Error::new(Code::BadReport, format!("the table cannot be read{line}: {kind:?}")),
    }
}

/// The same text in UTF-8: what does not begin as UTF-8 is taken for windows-1252, which
/// spreadsheets write.
fn utf8(source: Box<dyn BufRead + Send>, head: &[u8]) -> Box<dyn BufRead + Send> {
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The head may end inside of a character.
        Err(e) => e.error_len().is_none(),
    };
    let encoding = if is_utf8 { encoding_rs::UTF_8 } else { encoding_rs::WINDOWS_1252 };
    let decoder =
        DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_sniffing(false).build(source);
    Box::new(BufReader::with_capacity(limits::TEXT_BYTES, decoder))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::input::Limits;
    use super::*;

    type Cells = (String, Option<String>, Option<String>);

    fn rows(bytes: &[u8]) -> Result<Vec<Cells>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut rows = Vec::new();
        let report = Report::new(file.path(), Limits::default());
        read(&report, &|h| h.has_all(&["A b", "C"]), &mut |row| {
            let get = |name| row.get(name).map(str::to_owned);
            rows.push((row.place(), get("a_B"), get("c")));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn delimiter_encoding_and_header_are_found() {
        let expected = vec![
            ("line 3".to_owned(), Some("ä".into()), Some("2\n3".into())),
            ("line 5".to_owned(), None, None),
        ];
        for delimiter in [',', ';', '\t'] {
            let text = "Report x\nA B,\"c\"\nä,\"2\n3\"\n,\n".replace(',', &delimiter.to_string());
            assert_eq!(rows(text.as_bytes()).unwrap(), expected, "{delimiter}");
            let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
            assert_eq!(rows(&latin).unwrap(), expected, "{delimiter}");
            let wide = format!("\u{feff}{text}");
            let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(rows(&wide).unwrap(), expected, "{delimiter}");
        }
        assert!(rows(b"x,y\n1,2\n").unwrap_err().to_string().contains("no header row"));
    }

    #[test]
    fn endless_rows_are_refused() {
        let text = format!("A b,c\n\"{}", "x".repeat(limits::REPORT_STRING_BYTES + (1 << 20)));
        assert!(rows(text.as_bytes()).unwrap_err().to_string().contains("longer than 16 MiB"));
    }
}
