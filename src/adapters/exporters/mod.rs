//! Records out, in the formats that others read.
//!
//! There are two kinds of formats. Those for **rows** (CSV, JSON Lines) write any list, row
//! by row, in the list's own order. Those for **findings** (SARIF, CycloneDX, OpenVEX, CSAF)
//! are documents of their own shape and order: they pull what they need from a [`Findings`],
//! as often as they need it. No format holds more than what belongs to one asset and one
//! vulnerability, and sets of numbers; where one must, its header says why.
//!
//! The same records, the same moment and the same question give the same bytes.
//!
//! To add a format: one file here, one line in [`ALL`]; the tests iterate over it.

mod columns;
mod csaf;
mod csv;
mod cyclonedx;
mod json;
mod jsonl;
mod openvex;
mod sarif;
mod source;
mod subject;
mod verdict;

use std::io::Write;

use sha2::{Digest as _, Sha256};

use crate::base::{Code, Error, Result, Timestamp};

pub use columns::{Column, Exported};
pub use source::{Findings, Item, Order};

/// A format's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// The name for `format=`: `sarif`.
    pub name: &'static str,
    /// The format's name for people, and its version.
    pub title: &'static str,
    /// What `Content-Type` says.
    pub media_type: &'static str,
    /// How file names end, without a dot before.
    pub extension: &'static str,
}

/// A format for the rows of any list.
pub trait RowFormat: Sync {
    /// Its names.
    fn info(&self) -> &'static Info;

    /// What stands before the rows.
    fn begin(&self, columns: &[Column], out: &mut dyn Write) -> Result<()>;

    /// A row, which is the JSON of a record.
    fn row(&self, columns: &[Column], json: &[u8], out: &mut dyn Write) -> Result<()>;
}

/// A format for findings.
pub trait FindingFormat: Sync {
    /// Its names.
    fn info(&self) -> &'static Info;

    /// Whether a document without any finding would be none.
    fn needs_findings(&self) -> bool {
        false
    }

    /// Writes the whole document.
    fn write(&self, about: &About, findings: &dyn Findings, out: &mut dyn Write) -> Result<()>;
}

/// A format.
#[derive(Clone, Copy)]
pub enum Format {
    /// For rows of any list.
    Rows(&'static dyn RowFormat),
    /// For findings.
    Findings(&'static dyn FindingFormat),
}

impl Format {
    /// Its names.
    #[must_use]
    pub fn info(self) -> &'static Info {
        match self {
            Self::Rows(format) => format.info(),
            Self::Findings(format) => format.info(),
        }
    }

    /// Whether it is for findings only.
    #[must_use]
    pub fn is_for_findings(self) -> bool {
        matches!(self, Self::Findings(_))
    }
}

/// Every format.
pub const ALL: &[Format] = &[
    Format::Rows(&csv::Csv),
    Format::Rows(&jsonl::JsonLines),
    Format::Findings(&sarif::Sarif),
    Format::Findings(&cyclonedx::Vdr),
    Format::Findings(&cyclonedx::Vex),
    Format::Findings(&openvex::OpenVex),
    Format::Findings(&csaf::Csaf),
];

/// The formats for lists of `R`.
pub fn formats<R: Exported>() -> impl Iterator<Item = Format> {
    ALL.iter().copied().filter(|format| R::HAS_DOCUMENTS || !format.is_for_findings())
}

/// The format of that name for lists of `R`.
pub fn choose<R: Exported>(name: &str) -> Result<Format> {
    formats::<R>().find(|format| format.info().name == name).ok_or_else(|| {
        let known: Vec<_> = formats::<R>().map(|format| format.info().name).collect();
        let detail = format!("'{name}' is none of: {}", known.join(", "));
        Error::new(Code::BadRequest, format!("format: {detail}")).with_field("format", detail)
    })
}

/// What a document says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// When the records were read.
    pub at: Timestamp,
    /// Who publishes it: the address of this server, without a slash at its end.
    pub namespace: String,
    /// The same for people.
    pub author: String,
    /// What was asked for.
    pub query: String,
}

impl About {
    /// This program, as a tool.
    const TOOL: &'static str = "VulnZero";
    /// Its version.
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// The time as formats write it, in whole seconds.
    fn time(&self) -> String {
        Timestamp::from_micros(self.at.as_seconds() * 1_000_000).to_string()
    }

    /// 32 hexadecimal digits that no document of another format, moment, server or question
    /// has.
    fn id(&self, format: &Info) -> String {
        let parts = [format.name, &self.namespace, &self.query, &self.at.to_string()];
        let digest = Sha256::digest(parts.join("\u{1f}").as_bytes());
        digest.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            text
        })
    }

    /// The same as a UUID of version 8 (RFC 9562 §5.8: made of whatever its maker likes).
    fn uuid(&self, format: &Info) -> String {
        let id = self.id(format);
        format!("{}-{}-8{}-a{}-{}", &id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..])
    }
}
