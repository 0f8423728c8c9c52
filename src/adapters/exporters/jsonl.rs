//! JSON Lines: each record as the API answers it, one a line. Nothing is left out and
//! nothing is added.

use std::io::Write;

use super::columns::Column;
use super::{Info, RowFormat, json};
use crate::base::Result;

/// JSON Lines.
pub struct JsonLines;

impl RowFormat for JsonLines {
    fn info(&self) -> &'static Info {
        &Info {
            name: "jsonl",
            title: "JSON Lines: the records as the API answers them",
            media_type: "application/x-ndjson",
            extension: "jsonl",
        }
    }

    fn begin(&self, _columns: &[Column], _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    fn row(&self, _columns: &[Column], row: &[u8], out: &mut dyn Write) -> Result<()> {
        // serde_json writes line breaks within texts as escapes only.
        out.write_all(row).and_then(|()| out.write_all(b"\n")).map_err(json::cut)
    }
}
