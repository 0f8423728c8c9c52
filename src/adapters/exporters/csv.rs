//! CSV (RFC 4180): a header, then a line for each record, in UTF-8, with CRLF. The columns
//! are declared in `columns.rs`; those of findings have names that our importer of tables
//! knows.
//!
//! Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a
//! formula, and what scanners found may begin so. Such a cell gets an apostrophe before it,
//! and so does one in which such a beginning follows on apostrophes: our importer takes one
//! off, and every value comes back as it was.

use std::io::Write;

use serde_json::Value;

use super::columns::Column;
use super::{Info, RowFormat, json};
use crate::base::{Error, Result};

/// CSV.
pub struct Csv;

impl RowFormat for Csv {
    fn info(&self) -> &'static Info {
        &Info { name: "csv", title: "CSV (RFC 4180)", media_type: "text/csv", extension: "csv" }
    }

    fn begin(&self, columns: &[Column], out: &mut dyn Write) -> Result<()> {
        line(columns.iter().map(|column| column.name.to_owned()), out)
    }

    fn row(&self, columns: &[Column], row: &[u8], out: &mut dyn Write) -> Result<()> {
        let record: Value = serde_json::from_slice(row)
            .map_err(|e| Error::internal("a stored row is no JSON").with_source(e))?;
        let cell = |column: &Column| {
            let value = column.path.split('.').fold(&record, |value, part| &value[part]);
            harmless(text(value))
        };
        line(columns.iter().map(cell), out)
    }
}

fn line(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> Result<()> {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            json::put(out, ",")?;
        }
        if cell.contains([',', '"', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
            json::put(out, &format!("\"{}\"", cell.replace('"', "\"\"")))?;
        } else {
            json::put(out, &cell)?;
        }
    }
    json::put(out, "\r\n")
}

/// A value as a cell: lists of texts with commas between, everything else that is not plain
/// as JSON. U+0000, which many readers take for the end, is left out.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('\0', ""),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            texts.join(", ").replace('\0', "")
        }
        Value::Array(list) if list.is_empty() => String::new(),
        Value::Object(map) if map.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// The cell with an apostrophe before it, if a spreadsheet would compute it.
fn harmless(cell: String) -> String {
    if cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        for (cell, written) in [
            ("=cmd()", "'=cmd()"),
            ("@babel/core", "'@babel/core"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("'=x", "''=x"),
            ("'s", "'s"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell.to_owned()), written);
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut out = Vec::new();
        let cells = ["plain", "a,b", "say \"x\"", "two\nlines", " x"];
        line(cells.into_iter().map(str::to_owned), &mut out).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert_eq!(written, "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\" x\"\r\n");
    }
}
