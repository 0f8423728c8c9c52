//! Writing JSON documents piece by piece: punctuation by hand, values by serde.

use std::io::Write;

use serde::Serialize;

use crate::base::{Error, Result};

/// Writes text as it is.
pub fn put(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(cut)
}

/// Writes a value.
pub fn value(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(out, value)
        .map_err(|e| Error::internal("an export cannot be written").with_source(e))
}

/// The reader has gone, or something like that; whoever gave us `out` knows more.
pub fn cut(e: std::io::Error) -> Error {
    Error::internal("an export cannot be written").with_source(e)
}

/// A list that is written item by item.
#[derive(Debug, Default)]
pub struct List {
    items: u64,
}

impl List {
    /// An item of the list.
    pub fn item(&mut self, out: &mut dyn Write, item: &impl Serialize) -> Result<()> {
        self.next(out)?;
        value(out, item)
    }

    /// What stands before the next item, which the caller writes.
    pub fn next(&mut self, out: &mut dyn Write) -> Result<()> {
        if self.items > 0 {
            put(out, ",\n")?;
        }
        self.items += 1;
        Ok(())
    }
}
