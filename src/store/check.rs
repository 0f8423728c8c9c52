//! `check`: every index row against its record and back, every facet bit, every row's
//! JSON. Reads everything once.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;

use super::engine::{Direction, Source, Span};
use super::keys::Projection;
use super::{META, facet, keys, row};
use crate::base::Result;
use crate::base::id::Id;
use crate::base::record::Record;

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: a table.
    pub table: String,
    /// What.
    pub detail: String,
}

impl Finding {
    /// A finding in `table`.
    pub fn new(table: &str, detail: impl Into<String>) -> Self {
        Self { table: table.to_owned(), detail: detail.into() }
    }
}

/// Checks one record type; returns the number of records.
///
/// Index rows are compared by count and look-up, so that memory does not depend on the
/// number of rows: every row that the records declare must be there, and there must be no
/// more rows than that.
pub(super) fn table<R: Record>(
    source: &dyn Source,
    report: &mut dyn FnMut(Finding),
) -> Result<u64> {
    let (mut records, mut last) = (0, 0);
    let mut expected: HashMap<&str, u64> = HashMap::new();
    let mut bitmaps: BTreeMap<Vec<u8>, RoaringBitmap> = BTreeMap::new();
    source.scan(R::TABLE, &Span::all(), Direction::Forward, &mut |key, bytes| {
        records += 1;
        let Some(id) = keys::id_of(key) else {
            report(Finding::new(R::TABLE, "a row has a key that is no number"));
            return Ok(true);
        };
        last = last.max(id);
        let record: R = match row::decode(bytes) {
            Ok(record) => record,
            Err(e) => {
                report(Finding::new(R::TABLE, format!("row {id}: {}", e.chain())));
                return Ok(true);
            }
        };
        if record.head().id != id {
            report(Finding::new(
                R::TABLE,
                format!("row {id} says that it is {}", record.head().id),
            ));
        }
        let values = Projection::of(&record);
        check_indexes(source, &values, id, &mut expected, report)?;
        for key in keys::facet_keys(&values, None, id as u32) {
            bitmaps.entry(key).or_default().insert(id as u32);
        }
        Ok(true)
    })?;
    for index in R::indexes() {
        let (want, have) =
            (expected.get(index.name).copied().unwrap_or(0), source.len(index.name)?);
        if want != have {
            report(Finding::new(
                index.name,
                format!("has {have} rows, the records declare {want}"),
            ));
        }
    }
    check_facets::<R>(source, bitmaps, report)?;
    check_sequence::<R>(source, last, report)?;
    Ok(records)
}

/// The next number must be one that no record has.
fn check_sequence<R: Record>(
    source: &dyn Source,
    last: Id,
    report: &mut dyn FnMut(Finding),
) -> Result<()> {
    let stored = source.get(META, super::sequence_key(R::TABLE).as_bytes())?;
    let given = stored.as_deref().and_then(keys::id_of).unwrap_or(0);
    if given < last {
        report(Finding::new(
            META,
            format!("{}: {last} exists, but {given} was given last", R::TABLE),
        ));
    }
    Ok(())
}

fn check_indexes<R: Record>(
    source: &dyn Source,
    values: &Projection<R>,
    id: Id,
    expected: &mut HashMap<&str, u64>,
    report: &mut dyn FnMut(Finding),
) -> Result<()> {
    for index in R::indexes() {
        let keys = values.keys(index, id);
        *expected.entry(index.name).or_default() += keys.len() as u64;
        let value = keys::index_value(index, id);
        for key in keys {
            if source.get(index.name, &key)?.as_ref() != Some(&value) {
                report(Finding::new(index.name, format!("lacks the row of {} {id}", R::NOUN)));
            }
        }
    }
    Ok(())
}

fn check_facets<R: Record>(
    source: &dyn Source,
    mut expected: BTreeMap<Vec<u8>, RoaringBitmap>,
    report: &mut dyn FnMut(Finding),
) -> Result<()> {
    source.scan(R::FACETS, &Span::all(), Direction::Forward, &mut |key, bytes| {
        let name = || {
            String::from_utf8_lossy(key.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
        };
        match (expected.remove(key), facet::decode(bytes)) {
            (Some(want), Ok(have)) if want == have => {}
            (Some(want), Ok(have)) => {
                let wrong = (&want ^ &have).len();
                report(Finding::new(R::FACETS, format!("{}: {wrong} bits are wrong", name())));
            }
            (None, Ok(_)) => {
                report(Finding::new(R::FACETS, format!("{}: a value that no record has", name())));
            }
            (_, Err(e)) => report(Finding::new(R::FACETS, format!("{}: {}", name(), e.chain()))),
        }
        Ok(true)
    })?;
    for key in expected.keys() {
        let name = String::from_utf8_lossy(key.split(|b| *b == 0).next().unwrap_or_default());
        report(Finding::new(R::FACETS, format!("{name}: a value is missing")));
    }
    Ok(())
}
