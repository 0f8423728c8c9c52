//! The set of records that pass all filters, from facets and index ranges; exact.
//! How a page of it is put in order is in `plan.rs`.

use std::ops::Bound;

use roaring::RoaringBitmap;

use super::engine::{Direction, Source, Span};
use super::plan::{Plan, Tuning};
use super::query::{Filter, Test, passes};
use super::read::Read;
use super::{Store, facet, keys};
use crate::base::id::Id;
use crate::base::record::{Index, Record, Value};
use crate::base::{Code, Error, Result, key, limits};

/// The ids that pass all filters; `None` if there are no filters.
pub(super) fn matching<R: Record>(
    store: &Store,
    source: &dyn Source,
    filters: &[Filter],
    tuning: &Tuning,
    plan: &mut Plan,
) -> Result<Option<RoaringBitmap>> {
    // Whether a filter is served must not depend on how many rows the others leave.
    for filter in filters {
        servable::<R>(source, filter)?;
    }
    let mut ordered: Vec<&Filter> = filters.iter().filter(|f| !asks_nothing(f)).collect();
    ordered.sort_by_key(|f| price::<R>(f));
    let mut set: Option<RoaringBitmap> = None;
    for filter in ordered {
        set = Some(match set {
            Some(set) if set.is_empty() => set,
            set => narrowed::<R>(store, source, filter, set, tuning, plan)?,
        });
    }
    Ok(set)
}

/// Keeps of a set (everything, if there is none) what passes a filter.
fn narrowed<R: Record>(
    store: &Store,
    source: &dyn Source,
    filter: &Filter,
    set: Option<RoaringBitmap>,
    tuning: &Tuning,
    plan: &mut Plan,
) -> Result<RoaringBitmap> {
    if filter.field == "id" {
        return match set {
            Some(set) if set.len() <= tuning.few => by_rows::<R>(source, set, filter, plan),
            set => Ok(both(set, by_id::<R>(source, filter)?)),
        };
    }
    let field = keys::field::<R>(filter.field);
    if field.facet {
        plan.filters.push(format!("{}: facet", field.name));
        return Ok(both(set, by_facet::<R>(source, filter)?));
    }
    by_index::<R>(store, source, filter, set, tuning, plan)
}

fn both(set: Option<RoaringBitmap>, found: RoaringBitmap) -> RoaringBitmap {
    match set {
        Some(set) => set & found,
        None => found,
    }
}

/// A search for no words, as an empty box of a form sends it.
fn asks_nothing(filter: &Filter) -> bool {
    matches!(&filter.test, Test::Words(words) if words.is_empty())
}

/// Cheap filters first: they make the set small before a long range is read.
fn price<R: Record>(filter: &Filter) -> u8 {
    let is_facet = R::field(filter.field).is_some_and(|f| f.facet);
    match (&filter.test, is_facet) {
        (_, true) => 0,
        (Test::In(_), false) => 1,
        (Test::Words(_) | Test::Prefix(_), false) => 2,
        (Test::Range(..), false) => 3,
    }
}

/// Keeps those whose record passes.
fn by_rows<R: Record>(
    source: &dyn Source,
    set: RoaringBitmap,
    filter: &Filter,
    plan: &mut Plan,
) -> Result<RoaringBitmap> {
    plan.examined += set.len();
    plan.filters.push(format!("{}: read {} rows", filter.field, set.len()));
    let mut kept = RoaringBitmap::new();
    for id in set {
        if source.find::<R>(id.into())?.is_some_and(|record| passes(filter, &record)) {
            kept.insert(id);
        }
    }
    Ok(kept)
}

/// Entries that are read of each of several words, to find those that are rare.
const PROBE: u64 = 1_000;

/// Reads the ranges of an index that hold the filter's values; but once a set is so small
/// that reading its rows costs less than going on, those.
fn by_index<R: Record>(
    store: &Store,
    source: &dyn Source,
    filter: &Filter,
    mut set: Option<RoaringBitmap>,
    tuning: &Tuning,
    plan: &mut Plan,
) -> Result<RoaringBitmap> {
    let index = leading::<R>(source, filter)?.ok_or_else(|| unsupported::<R>(filter))?;
    store.hit(index.name);
    let worth = |set: &Option<RoaringBitmap>| match set {
        Some(set) if set.len() <= tuning.few => {
            set.len().saturating_mul(tuning.fetch) / tuning.step.max(1)
        }
        Some(_) | None => u64::MAX,
    };
    let mut scan = Scan { source, index, budget: limits::SCAN_KEYS as u64, examined: 0 };
    let mut open = spans(filter);
    if open.len() > 1 {
        // One rare word among common ones spares most of the reading.
        let mut common = Vec::new();
        for spans in open {
            match scan.ids(&spans, worth(&set).min(PROBE))? {
                Some(found) => set = Some(both(set, found)),
                None => common.push(spans),
            }
        }
        open = common;
    }
    for spans in open {
        let most = worth(&set);
        match (scan.ids(&spans, most)?, set) {
            (Some(found), before) => set = Some(both(before, found)),
            (None, Some(few)) if most < u64::MAX => {
                plan.examined += scan.examined;
                return by_rows::<R>(source, few, filter, plan);
            }
            (None, _) => return Err(scan.too_long()),
        }
    }
    plan.examined += scan.examined;
    plan.filters.push(format!("{}: {}", filter.field, index.name));
    Ok(set.unwrap_or_default())
}

/// Reading ranges of an index, as long as the filter's budget lasts.
struct Scan<'a> {
    source: &'a dyn Source,
    index: &'static Index,
    /// Entries that may still be read.
    budget: u64,
    /// Entries that were read.
    examined: u64,
}

impl Scan<'_> {
    /// The ids in any of these ranges; `None` if they hold more than `most` entries, or more
    /// than the budget.
    fn ids(&mut self, spans: &[Span], most: u64) -> Result<Option<RoaringBitmap>> {
        let most = most.min(self.budget) as usize;
        let (mut ids, mut whole) = (Vec::new(), true);
        let index = self.index;
        for span in spans {
            self.source.scan(index.name, span, Direction::Forward, &mut |key, value| {
                whole = ids.len() < most;
                if whole {
                    let id = entry_id(index, key, value).and_then(|id| u32::try_from(id).ok());
                    let damaged = || Error::internal(format!("{} holds a damaged row", index.name));
                    ids.push(id.ok_or_else(damaged)?);
                }
                Ok(whole)
            })?;
            if !whole {
                break;
            }
        }
        self.budget -= ids.len() as u64;
        self.examined += ids.len() as u64;
        if !whole {
            return Ok(None);
        }
        // Sorted first: a bitmap that grows at its end is many times faster.
        ids.sort_unstable();
        Ok(Some(ids.into_iter().collect()))
    }

    fn too_long(&self) -> Error {
        let (most, index) = (limits::SCAN_KEYS, self.index.name);
        let detail = format!("the filter matches over {most} entries of {index}; narrow it");
        Error::new(Code::UnsupportedQuery, detail)
    }
}

fn by_id<R: Record>(source: &dyn Source, filter: &Filter) -> Result<RoaringBitmap> {
    let mut set = RoaringBitmap::new();
    let values = match &filter.test {
        Test::In(values) => values,
        Test::Range(from, to) => return ids_between::<R>(source, from.as_ref(), to.as_ref()),
        Test::Prefix(_) | Test::Words(_) => return Err(unsupported::<R>(filter)),
    };
    for value in values {
        if let Value::U64(id) = value
            && let Ok(short) = u32::try_from(*id)
            && source.get(R::TABLE, &keys::record_key(*id))?.is_some()
        {
            set.insert(short);
        }
    }
    Ok(set)
}

fn ids_between<R: Record>(
    source: &dyn Source,
    from: Option<&Value>,
    to: Option<&Value>,
) -> Result<RoaringBitmap> {
    let bound = |value: Option<&Value>| match value {
        Some(Value::U64(id)) => Bound::Included(keys::record_key(*id).to_vec()),
        _ => Bound::Unbounded,
    };
    let span = Span { start: bound(from), end: bound(to) };
    let mut set = RoaringBitmap::new();
    if !span.is_empty() {
        source.scan(R::TABLE, &span, Direction::Forward, &mut |key, _| {
            set.extend(keys::id_of(key).and_then(|id| u32::try_from(id).ok()));
            Ok(true)
        })?;
    }
    Ok(set)
}

fn by_facet<R: Record>(source: &dyn Source, filter: &Filter) -> Result<RoaringBitmap> {
    match &filter.test {
        Test::In(values) => {
            let mut set = RoaringBitmap::new();
            for value in values {
                set |= facet::of_value(source, R::FACETS, filter.field, value)?;
            }
            Ok(set)
        }
        Test::Range(from, to) => {
            facet::of_range(source, R::FACETS, filter.field, from.as_ref(), to.as_ref())
        }
        Test::Prefix(prefix) => facet::of_prefix(source, R::FACETS, filter.field, prefix),
        Test::Words(_) => Err(unsupported::<R>(filter)),
    }
}

/// An error unless some facet or index serves the filter.
fn servable<R: Record>(source: &dyn Source, filter: &Filter) -> Result<()> {
    let served = match (filter.field, &filter.test) {
        ("id", test) => matches!(test, Test::In(_) | Test::Range(..)),
        (name, test) => match (keys::field::<R>(name).facet, test) {
            (true, Test::Words(_)) => false,
            (true, _) => true,
            (false, _) => leading::<R>(source, filter)?.is_some(),
        },
    };
    if served { Ok(()) } else { Err(unsupported::<R>(filter)) }
}

/// The index that finds every record with certain values of the filter's field.
fn leading<R: Record>(source: &dyn Source, filter: &Filter) -> Result<Option<&'static Index>> {
    for index in R::indexes().iter().filter(|i| leads::<R>(i, filter.field)) {
        // A unique index leaves out records that lack a value of any part.
        let of_null = matches!(&filter.test, Test::In(values) if values.contains(&Value::Null));
        let may_lack = index.unique && (index.parts.len() > 1 || of_null);
        if !may_lack || is_complete::<R>(source, index)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Whether an index has a field first and ascending, and a row for every value of it: a
/// further part with several values would leave out records that have none.
pub(super) fn leads<R: Record>(index: &Index, field: &str) -> bool {
    let [first, rest @ ..] = index.parts else { return false };
    first.field == field
        && !first.descending
        && rest.iter().all(|p| !keys::field::<R>(p.field).multi)
}

/// Whether every record has its row in an index over fields with one value.
pub(super) fn is_complete<R: Record>(source: &dyn Source, index: &Index) -> Result<bool> {
    Ok(!index.unique || source.len(index.name)? == source.len(R::TABLE)?)
}

/// The key ranges of a filter: all of the outer, any of the inner.
fn spans(filter: &Filter) -> Vec<Vec<Span>> {
    let of = |value: &Value| {
        let mut prefix = Vec::new();
        key::push(&mut prefix, value, false);
        Span::prefix(&prefix)
    };
    let beginning = |text: &str| {
        let mut prefix = Vec::new();
        key::push_text_prefix(&mut prefix, text);
        Span::prefix(&prefix)
    };
    match &filter.test {
        Test::In(values) => vec![values.iter().map(of).collect()],
        Test::Range(from, to) => vec![vec![facet::value_span(&[], from.as_ref(), to.as_ref())]],
        Test::Prefix(text) => vec![vec![beginning(text)]],
        Test::Words(words) => words.iter().map(|w| vec![beginning(w)]).collect(),
    }
}

/// The number of the record that a row of an index belongs to.
pub(super) fn entry_id(index: &Index, key: &[u8], value: &[u8]) -> Option<Id> {
    if index.unique { keys::id_of(value) } else { key::trailing_id(key) }
}

fn unsupported<R: Record>(filter: &Filter) -> Error {
    Error::new(
        Code::UnsupportedQuery,
        format!("{} cannot be filtered by {} in this way", R::TABLE, filter.field),
    )
}
