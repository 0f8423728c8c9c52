//! Tables of findings that no scanner of a known format wrote: CSV with any delimiter, and
//! JSON of the same content (an array of flat objects, an object with such an array in
//! `findings`, `vulnerabilities`, `results`, `issues`, `items` or `data`, or JSON Lines).
//!
//! What the columns mean is known by their names ([`columns`]; `DefectDojo`'s generic CSV is
//! among them), or said by a [`Mapping`]: then every column that it names must be there, and
//! in JSON it may reach into entries ([`nested`]). Recognised last: only what no other format takes,
//! with a column that names a vulnerability and one that says how bad it is or where.
//!
//! What things become:
//!
//! - **Asset**: the asset's column, else host name, address, host in the web address. If
//!   there is none, it has no name, and the person who imports gives it one. Server if it
//!   has a host name, address or port; application if it is known by a web address.
//! - **Complete**: nothing.
//! - **Finding**: a row above severity "info", or with a CVE; one for each CVE, else by the
//!   first other id, else by the CVEs in the title, else `GENERIC-<title>`. Severity by the
//!   word, else by the highest score.
//! - **Component**: as its columns say, a package URL first; else the service, `http`, `host`
//!   or `application`.
//! - **Skipped**: rows without id and title (unidentified) or without anything (empty),
//!   information (informational), false positives (suppressed), duplicates, what is
//!   mitigated or fixed (resolved).

pub mod columns;
mod entry;
mod flat;
mod nested;
mod preview;
#[cfg(test)]
mod tests;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::emit::Emitter;
use super::peek::Keys;
use super::table::Header;
use super::{ALL, Importer, Report, Sink, Syntax, entries, json, table, text};
use crate::base::{Code, Error, Result};
use crate::domain::mapping::{MappedField, Mapping};
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};

use columns::Columns;
use entry::Entry;
use nested::Picked;
pub use preview::{Preview, preview};

/// The generic table.
#[derive(Debug, Default)]
pub struct Generic {
    /// What the columns mean, if their names do not say.
    pub mapping: Option<Mapping>,
}

/// Paths to the entries of a JSON document that is an object.
const LISTS: &[&[&str; 1]] =
    &[&["findings"], &["vulnerabilities"], &["results"], &["issues"], &["items"], &["data"]];

impl Importer for Generic {
    fn name(&self) -> &'static str {
        "generic-csv"
    }

    fn title(&self) -> &'static str {
        "Generic table (CSV, JSON) with known or mapped columns"
    }

    fn syntax(&self) -> Syntax {
        Syntax::Table
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let is_mine = self.shape(head).is_some();
        let others = || ALL.iter().filter(|other| other.name() != self.name());
        is_mine && others().all(|other| !other.recognises(head))
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head = report.head(HEAD_BYTES)?;
        let shape = self.shape(&head).or_else(|| empty_list(&head));
        if shape.is_none() {
            self.refuse(report, &head)?;
        }
        let info = ReportInfo { scanner: "generic".into(), ..ReportInfo::default() };
        let mut rows = Rows { out: Emitter::begin(report, sink, info)?, asset: None };
        match (shape, &self.mapping) {
            (None | Some(Shape::Table), _) => self.read_table(report, &mut rows),
            (Some(shape), Some(mapping)) => read_mapped(report, shape, mapping, &mut rows),
            (Some(shape), None) => each_entry(report, shape, &mut |place, flat: flat::Flat| {
                rows.take(&flat.with_columns().entry(), &place.to_string())
            }),
        }
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/generic-csv/dd-generic_report1.csv")
    }
}

/// How much of a file is looked at to find out what it is.
const HEAD_BYTES: usize = 64 << 10;

/// How the entries stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Table,
    Documents,
    List(&'static [&'static str]),
}

fn is_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    matches!(head.first(), Some(b'{' | b'['))
}

/// A list that is there but holds nothing.
fn empty_list(head: &[u8]) -> Option<Shape> {
    let keys = Keys::of(head);
    let is_empty = |key: &str| keys.has(1, key) && keys.under(key, 3).next().is_none();
    let list = LISTS.iter().find(|list| keys.is_object() && is_empty(list[0]));
    list.map(|path| Shape::List(path.as_slice()))
}

/// Calls `each` with every entry of a JSON document.
fn each_entry<T: DeserializeOwned>(
    report: &Report,
    shape: Shape,
    each: &mut entries::Each<'_, T>,
) -> Result<()> {
    match shape {
        Shape::List(path) => entries::each(report, path, each),
        Shape::Documents | Shape::Table => entries::documents(report, each),
    }
}

/// Reads entries by a mapping. Members may be absent from some, but not from all: then the
/// mapping is not for this document.
fn read_mapped(
    report: &Report,
    shape: Shape,
    mapping: &Mapping,
    rows: &mut Rows<'_>,
) -> Result<()> {
    let (mut entries, mut named) = (0_u64, 0_u64);
    each_entry(report, shape, &mut |place, entry: Value| {
        let picked = Picked::of(&entry, mapping);
        let entry = picked.entry();
        entries += 1;
        named += u64::from(entry.is_named());
        rows.take(&entry, &place.to_string())
    })?;
    if entries == 0 || named > 0 {
        return Ok(());
    }
    let names =
        mapping.columns.iter().filter(|(_, f)| matches!(f, MappedField::Id | MappedField::Title));
    let names: Vec<_> = names.map(|(name, _)| format!("'{name}'")).collect();
    let detail = format!(
        "none of the {entries} entries has a text at {}, which the mapping takes for id or title",
        names.join(" or ")
    );
    Err(Error::new(Code::BadReport, detail))
}

impl Generic {
    fn shape(&self, head: &[u8]) -> Option<Shape> {
        let keys = Keys::of(head);
        let fits = |names: Vec<&str>| match &self.mapping {
            None => Columns::of(&names, None).suffice(),
            Some(mapping) => nested::is_of(mapping, &names),
        };
        if keys.is_array() {
            return fits(keys.at(2).collect()).then_some(Shape::Documents);
        }
        if keys.is_object() {
            let list = LISTS.iter().find(|list| fits(keys.under(list[0], 3).collect()));
            let list = list.map(|path| Shape::List(path.as_slice()));
            return list.or_else(|| fits(keys.at(1).collect()).then_some(Shape::Documents));
        }
        table::recognises(head, &|header| self.is_header(header)).then_some(Shape::Table)
    }

    /// Says why a document is of no use; an error, unless it may be an empty table.
    fn refuse(&self, report: &Report, head: &[u8]) -> Result<()> {
        if is_json(head) {
            // What is wrong with it may be more than its keys.
            json::head::<IgnoredAny>(report)?;
        }
        let detail = match &self.mapping {
            Some(mapping) if is_json(head) => nested::absent(mapping),
            Some(mapping) => match missing(mapping, head) {
                Some(detail) => detail,
                None => return Ok(()),
            },
            None if is_json(head) => "no list of findings was found: it needs a key for the \
                 vulnerability (id, cve, title) and one for the severity, component or asset"
                .to_owned(),
            None => return Ok(()),
        };
        Err(Error::new(Code::BadReport, detail))
    }

    fn is_header(&self, header: &Header) -> bool {
        Columns::of(header.names(), self.mapping.as_ref()).suffice()
    }

    fn read_table(&self, report: &Report, rows: &mut Rows<'_>) -> Result<()> {
        let mut columns = None;
        table::read(report, &|header| self.is_header(header), &mut |row| {
            if row.is_empty() {
                return rows.out.skip(SkipReason::Empty, row.place());
            }
            let columns = columns
                .get_or_insert_with(|| Columns::of(row.header().names(), self.mapping.as_ref()));
            let cells = (0..row.header().names().len()).map(|at| row.cell(at).unwrap_or_default());
            let entry = Entry::new(columns, cells.collect());
            rows.take(&entry, &row.place())
        })
    }
}

/// The columns that a mapping wants, and those that the table has instead.
fn missing(mapping: &Mapping, head: &[u8]) -> Option<String> {
    let wanted = mapping.columns.len();
    let score = |h: &Header| wanted - Columns::of(h.names(), Some(mapping)).missing().len();
    let header = table::best_header(head, &score).or_else(|| {
        table::best_header(head, &|h| h.names().iter().filter(|n| !n.is_empty()).count())
    })?;
    let columns = Columns::of(header.names(), Some(mapping));
    let list = |names: &[String]| {
        let shown = names
            .iter()
            .filter(|n| !n.is_empty())
            .take(SHOWN)
            .map(|n| format!("'{}'", text::clip(n, 60)));
        shown.collect::<Vec<_>>().join(", ")
    };
    let missing = columns.missing();
    let (noun, them) = if missing.len() == 1 { ("column", "is") } else { ("columns", "are") };
    Some(format!(
        "the {noun} {} that the mapping names {them} not in the table; it has: {}",
        list(missing),
        list(header.names())
    ))
}

/// Most names of columns in an error.
const SHOWN: usize = 30;

/// Hands over what entries say.
struct Rows<'s> {
    out: Emitter<'s>,
    asset: Option<AssetObservation>,
}

impl Rows<'_> {
    fn take(&mut self, entry: &Entry<'_>, place: &str) -> Result<()> {
        if entry.is_empty() {
            return self.out.skip(SkipReason::Empty, place);
        }
        let bad = |what: String| Error::new(Code::BadReport, format!("{what}, at {place}"));
        let asset = entry.asset().map_err(bad)?;
        let hit = entry.hit().map_err(bad)?;
        if self.asset.as_ref() != Some(&asset) {
            self.out.asset(asset.clone())?;
            self.asset = Some(asset);
        }
        match hit {
            Ok(hit) => hit.emit(&mut self.out),
            Err(reason) => self.out.skip(reason, place),
        }
    }
}
