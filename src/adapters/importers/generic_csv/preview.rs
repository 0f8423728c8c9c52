//! What a mapping would make of a file, before it is saved: the columns that are there, and
//! the first things that come out.

use super::columns::Columns;
use super::{Generic, HEAD_BYTES, LISTS, is_json};
use crate::adapters::importers::peek::Keys;
use crate::adapters::importers::{Importer as _, Report, table};
use crate::base::{Code, Error, Result};
use crate::domain::mapping::{MappedField, Mapping};
use crate::domain::observation::Observation;

/// What a mapping would make of a file.
#[derive(Debug, Default)]
pub struct Preview {
    /// Names of columns or keys, and what each is taken for without a mapping.
    pub columns: Vec<(String, Option<MappedField>)>,
    /// Assets, findings and what is skipped, in their order.
    pub observations: Vec<Observation>,
    /// Why there are no more, if that is not because enough are there.
    pub problem: Option<Error>,
}

/// Ends reading when there is enough.
const ENOUGH: &str = "enough for a preview";

/// Reads the first `rows` findings and skips of a file; the file may be the beginning of a
/// longer one.
pub fn preview(report: &Report, mapping: Mapping, rows: usize) -> Result<Preview> {
    let mut preview = Preview { columns: columns(&report.head(HEAD_BYTES)?), ..Preview::default() };
    let usable = mapping.validate();
    let generic = Generic { mapping: Some(mapping) };
    let mut count = 0;
    let read = usable.and_then(|()| {
        generic.import(report, &mut |observation| {
            let is_row = matches!(observation, Observation::Finding(_) | Observation::Skipped(_));
            count += usize::from(is_row);
            if count > rows {
                return Err(Error::new(Code::Conflict, ENOUGH));
            }
            preview.observations.push(observation);
            Ok(())
        })
    });
    preview.problem = read.err().filter(|e| e.detail() != ENOUGH);
    Ok(preview)
}

fn columns(head: &[u8]) -> Vec<(String, Option<MappedField>)> {
    let mut names: Vec<String> = Vec::new();
    if is_json(head) {
        let keys = Keys::of(head);
        let list = LISTS.iter().find(|list| keys.under(list[0], 3).next().is_some());
        let found: Vec<&str> = match list {
            _ if keys.is_array() => keys.at(2).collect(),
            Some(list) => keys.under(list[0], 3).collect(),
            None => keys.at(1).collect(),
        };
        for key in found {
            if !names.iter().any(|name| name == key) {
                names.push(key.to_owned());
            }
        }
    } else {
        let filled = |h: &table::Header| h.names().iter().filter(|n| !n.is_empty()).count();
        // A single column is no table.
        let header = table::best_header(head, &|h| Some(filled(h)).filter(|n| *n > 1).unwrap_or(0));
        names = header.map(|h| h.names().to_vec()).unwrap_or_default();
    }
    let known = Columns::of(&names, None);
    names.truncate(COLUMNS);
    names.into_iter().enumerate().map(|(at, name)| (name, known.guess(at))).collect()
}

/// Most columns that are shown.
const COLUMNS: usize = 200;
