//! The planner: finds the rows of a query from facets and indexes, never by reading a
//! table. What it cannot serve it refuses, naming the combination.
//!
//! The set of matching ids comes from facets and index ranges and is exact, so the total
//! is exact. The page then comes from the cheapest of: walking the index that has the
//! order (skipping what is not in the set), walking the facet that has the order, or
//! sorting the set itself if it is small.

use std::ops::{Bound, ControlFlow};

use roaring::RoaringBitmap;

use super::engine::{Direction, Snapshot, Source, Span};
use super::query::{Filter, Order, Query, Test, Window, passes};
use super::read::Read;
use super::{Store, facet, keys, row};
use crate::base::id::Id;
use crate::base::page::Cursor;
use crate::base::record::{Index, Record, Value};
use crate::base::{Code, Error, Result, key, limits};

/// What a query found.
#[derive(Debug)]
pub struct Page {
    /// The numbers, in order.
    pub ids: Vec<Id>,
    /// The rows as stored, in the same order.
    pub rows: Vec<Vec<u8>>,
    /// Rows that match, on all pages.
    pub total: u64,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// How it was found.
    pub plan: Plan,
}

/// How a query was run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What each filter was served by.
    pub filters: Vec<String>,
    /// What the order was served by.
    pub order: String,
    /// Index entries and rows that were looked at.
    pub examined: u64,
    /// Rows that were returned.
    pub returned: u64,
}

/// Cost of stepping over one index entry, and of reading and decoding one row, in the same
/// unit (nanoseconds, measured; only their ratio matters).
const STEP: u64 = 60;
const FETCH: u64 = 4_000;
/// Index entries walked before another way is tried.
const PATIENCE: u64 = 20_000;
/// A set so small that its rows are read rather than another index.
const FEW: u64 = 500;

/// Runs a query.
pub fn run<R: Record>(store: &Store, snapshot: &dyn Snapshot, query: &Query) -> Result<Page> {
    Run::<R>::new(store, snapshot, query)?.page()
}

/// Counts the rows of a query's filters.
pub fn count<R: Record>(store: &Store, snapshot: &dyn Snapshot, filters: &[Filter]) -> Result<u64> {
    let mut plan = Plan::default();
    match matching::<R>(store, snapshot, filters, &mut plan)? {
        Some(set) => Ok(set.len()),
        None => snapshot.len(R::TABLE),
    }
}

/// All numbers that match, ascending; for bulk work.
pub fn ids<R: Record>(
    store: &Store,
    snapshot: &dyn Snapshot,
    filters: &[Filter],
) -> Result<RoaringBitmap> {
    let mut plan = Plan::default();
    if let Some(set) = matching::<R>(store, snapshot, filters, &mut plan)? {
        return Ok(set);
    }
    let mut all = RoaringBitmap::new();
    snapshot.scan(R::TABLE, &Span::all(), Direction::Forward, &mut |key, _| {
        all.extend(keys::id_of(key).and_then(|id| u32::try_from(id).ok()));
        Ok(true)
    })?;
    Ok(all)
}

/// Counts per value of a facet field, within the filters: value text and count, in the
/// order of the values, at most [`limits::FACET_VALUES`].
pub fn facet_counts<R: Record>(
    store: &Store,
    snapshot: &dyn Snapshot,
    field: &str,
    filters: &[Filter],
) -> Result<Vec<(String, u64)>> {
    let field = R::field(field).filter(|f| f.facet).ok_or_else(|| {
        let known: Vec<_> = R::fields().iter().filter(|f| f.facet).map(|f| f.name).collect();
        let detail = format!("'{field}' is no facet; use some of: {}", known.join(", "));
        Error::new(Code::BadRequest, format!("fields: {detail}")).with_field("fields", detail)
    })?;
    let set = matching::<R>(store, snapshot, filters, &mut Plan::default())?;
    let mut counts = Vec::new();
    facet::for_each_value(
        snapshot,
        R::FACETS,
        field.name,
        Direction::Forward,
        None,
        &mut |value, bitmap| {
            let n = set.as_ref().map_or_else(|| bitmap.len(), |s| s.intersection_len(bitmap));
            if n > 0 {
                let value = key::read(field.kind, value).and_then(|v| field.kind.text(&v));
                counts.extend(value.map(|v| (v, n)));
            }
            Ok(if counts.len() < limits::FACET_VALUES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        },
    )?;
    Ok(counts)
}

/// The ids that pass all filters; `None` if there are no filters.
fn matching<R: Record>(
    store: &Store,
    source: &dyn Source,
    filters: &[Filter],
    plan: &mut Plan,
) -> Result<Option<RoaringBitmap>> {
    let mut ordered: Vec<&Filter> = filters.iter().collect();
    ordered.sort_by_key(|f| price::<R>(f));
    let mut set: Option<RoaringBitmap> = None;
    for filter in ordered {
        let narrowed = match set {
            Some(set) if set.is_empty() => set,
            Some(set) if set.len() <= FEW && price::<R>(filter) > 0 => {
                by_rows::<R>(source, set, filter, plan)?
            }
            Some(set) => set & by_filter::<R>(store, source, filter, plan)?,
            None => by_filter::<R>(store, source, filter, plan)?,
        };
        set = Some(narrowed);
    }
    Ok(set)
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

fn by_filter<R: Record>(
    store: &Store,
    source: &dyn Source,
    filter: &Filter,
    plan: &mut Plan,
) -> Result<RoaringBitmap> {
    if filter.field == "id" {
        return by_id::<R>(source, filter);
    }
    let field = keys::field::<R>(filter.field);
    if field.facet {
        plan.filters.push(format!("{}: facet", field.name));
        return by_facet::<R>(source, filter);
    }
    let index = leading::<R>(field.name).ok_or_else(|| unsupported::<R>(filter))?;
    store.hit(index.name);
    let mut set: Option<RoaringBitmap> = None;
    for spans in spans(filter) {
        let mut found = RoaringBitmap::new();
        for span in spans {
            scan_ids(source, index, &span, &mut found, plan)?;
        }
        set = Some(match set {
            Some(set) => set & found,
            None => found,
        });
    }
    plan.filters.push(format!("{}: {}", field.name, index.name));
    Ok(set.unwrap_or_default())
}

fn by_id<R: Record>(source: &dyn Source, filter: &Filter) -> Result<RoaringBitmap> {
    let mut set = RoaringBitmap::new();
    let Test::In(values) = &filter.test else { return Err(unsupported::<R>(filter)) };
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

/// The index that has a field first and ascending.
fn leading<R: Record>(field: &str) -> Option<&'static Index> {
    let mut able = R::indexes()
        .iter()
        .filter(|i| i.parts.first().is_some_and(|p| p.field == field && !p.descending));
    able.next()
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

fn scan_ids(
    source: &dyn Source,
    index: &Index,
    span: &Span,
    into: &mut RoaringBitmap,
    plan: &mut Plan,
) -> Result<()> {
    let mut seen = 0;
    source.scan(index.name, span, Direction::Forward, &mut |key, value| {
        seen += 1;
        if seen > limits::SCAN_KEYS {
            return Err(Error::new(
                Code::UnsupportedQuery,
                format!(
                    "the filter matches over {} entries of {}; narrow it",
                    limits::SCAN_KEYS,
                    index.name
                ),
            ));
        }
        into.extend(entry_id(index, key, value).and_then(|id| u32::try_from(id).ok()));
        Ok(true)
    })?;
    plan.examined += seen as u64;
    Ok(())
}

fn entry_id(index: &Index, key: &[u8], value: &[u8]) -> Option<Id> {
    if index.unique { keys::id_of(value) } else { key::trailing_id(key) }
}

fn unsupported<R: Record>(filter: &Filter) -> Error {
    Error::new(
        Code::UnsupportedQuery,
        format!("{} cannot be filtered by {} in this way", R::TABLE, filter.field),
    )
}

/// One run of a query.
struct Run<'a, R> {
    store: &'a Store,
    source: &'a dyn Snapshot,
    query: &'a Query,
    order: Order,
    set: Option<RoaringBitmap>,
    total: u64,
    /// Order key of the row before the page.
    after: Option<Vec<u8>>,
    skip: u64,
    plan: Plan,
    record: std::marker::PhantomData<R>,
}

impl<'a, R: Record> Run<'a, R> {
    fn new(store: &'a Store, source: &'a dyn Snapshot, query: &'a Query) -> Result<Self> {
        let (after, skip) = match &query.window {
            Window::Offset(skip) => (None, *skip),
            Window::After(text) => (Some(Cursor::decode(text, query.hash())?.after), 0),
        };
        let mut plan = Plan::default();
        let set = matching::<R>(store, source, &query.filters, &mut plan)?;
        let total = match &set {
            Some(set) => set.len(),
            None => source.len(R::TABLE)?,
        };
        if skip > limits::OFFSET_MAX && skip < total {
            let detail = format!(
                "page: rows beyond {} are reached with the cursor only",
                limits::OFFSET_MAX
            );
            return Err(Error::new(Code::BadRequest, detail));
        }
        let order = Order::of(&query.sort);
        Ok(Self {
            store,
            source,
            query,
            order,
            set,
            total,
            after,
            skip,
            plan,
            record: std::marker::PhantomData,
        })
    }

    fn page(mut self) -> Result<Page> {
        // One more than wanted tells whether there is a next page.
        let want = self.query.limit + 1;
        let mut ids =
            if self.total == 0 || self.skip >= self.total { Vec::new() } else { self.find(want)? };
        let more = ids.len() as u64 > self.query.limit;
        ids.truncate(self.query.limit as usize);
        let mut rows = Vec::with_capacity(ids.len());
        for id in &ids {
            let bytes = self.source.get(R::TABLE, &keys::record_key(*id))?;
            rows.push(bytes.ok_or_else(|| {
                Error::internal(format!("an index of {} names a row that is not there", R::TABLE))
            })?);
        }
        let next = match rows.last().filter(|_| more) {
            Some(last) => Some(Cursor {
                query: self.query.hash(),
                after: self.order.key::<R>(&row::decode(last)?),
            }),
            None => None,
        };
        self.plan.returned = rows.len() as u64;
        Ok(Page { ids, rows, total: self.total, next, plan: self.plan })
    }

    fn find(&mut self, want: u64) -> Result<Vec<Id>> {
        let universe = self.source.len(R::TABLE)?;
        let steps = (self.skip + want).saturating_mul(universe) / self.total.max(1);
        if self.set.is_some()
            && self.total <= limits::SORT_ROWS
            && self.total * FETCH < steps * STEP
        {
            return self.sort_set(want);
        }
        if let [] = self.order.parts.as_slice() {
            return self.walk_ids(want);
        }
        if let Some((index, prefix, exact)) = self.ordering_index() {
            self.store.hit(index.name);
            let patience = if exact { u64::MAX } else { PATIENCE };
            if let Some(ids) = self.walk_index(index, &prefix, want, patience)? {
                self.plan.order = index.name.to_owned();
                return Ok(ids);
            }
            if let Some(field) = self.ordering_facet() {
                return self.walk_facet(field, want);
            }
            if self.total <= limits::SORT_ROWS {
                return self.sort_set(want);
            }
            self.plan.order = index.name.to_owned();
            return Ok(self.walk_index(index, &prefix, want, u64::MAX)?.unwrap_or_default());
        }
        if let Some(field) = self.ordering_facet() {
            return self.walk_facet(field, want);
        }
        if self.total <= limits::SORT_ROWS {
            return self.sort_set(want);
        }
        let sort: Vec<_> = self.query.sort.iter().map(|s| s.field).collect();
        let filters: Vec<_> = self.query.filters.iter().map(|f| f.field).collect();
        Err(Error::new(
            Code::UnsupportedQuery,
            format!(
                "no index of {} has the order {} for the filters [{}], and {} rows are too many to sort",
                R::TABLE,
                sort.join(","),
                filters.join(", "),
                self.total
            ),
        ))
    }

    /// The facet whose values come in the wanted order.
    fn ordering_facet(&self) -> Option<&'static str> {
        match self.order.parts.as_slice() {
            [(field, false)] => R::field(field).filter(|f| f.facet && !f.multi).map(|f| f.name),
            _ => None,
        }
    }

    /// The index whose entries come in the wanted order, preferably after the values that
    /// filters fix; the key that those make; and whether it then has exactly the result.
    fn ordering_index(&self) -> Option<(&'static Index, Vec<u8>, bool)> {
        let fixed: Vec<(&str, &Value)> = self
            .query
            .filters
            .iter()
            .filter_map(|f| match &f.test {
                Test::In(values) if values.len() == 1 => Some((f.field, &values[0])),
                _ => None,
            })
            .collect();
        let mut best: Option<(usize, &'static Index, Vec<u8>)> = None;
        for index in R::indexes() {
            let Some(lead) = index.parts.len().checked_sub(self.order.parts.len()) else {
                continue;
            };
            let (head, tail) = index.parts.split_at(lead);
            let in_order = tail
                .iter()
                .zip(&self.order.parts)
                .all(|(p, (f, d))| p.field == *f && p.descending == *d);
            let values: Option<Vec<&Value>> = head
                .iter()
                .map(|p| fixed.iter().find(|(f, _)| *f == p.field).map(|(_, v)| *v))
                .collect();
            let Some(values) = values.filter(|_| in_order && !index.unique) else { continue };
            if best.as_ref().is_none_or(|(n, ..)| *n < lead) {
                let mut prefix = Vec::new();
                head.iter().zip(values).for_each(|(p, v)| key::push(&mut prefix, v, p.descending));
                best = Some((lead, index, prefix));
            }
        }
        // A unique index over the order alone will do too: its keys have no number at the end.
        let unique = || {
            R::indexes().iter().find(|i| {
                i.unique
                    && i.parts.len() == self.order.parts.len()
                    && i.parts
                        .iter()
                        .zip(&self.order.parts)
                        .all(|(p, (f, d))| p.field == *f && p.descending == *d)
            })
        };
        match best {
            Some((lead, index, prefix)) => Some((index, prefix, lead == self.query.filters.len())),
            None => unique().map(|index| (index, Vec::new(), self.query.filters.is_empty())),
        }
    }

    fn direction(&self) -> Direction {
        if self.order.reverse { Direction::Reverse } else { Direction::Forward }
    }

    /// The keys of an index under `prefix`, beginning after the cursor.
    fn span_after(&self, prefix: &[u8], unique: bool) -> Span {
        let mut span = Span::prefix(prefix);
        if let Some(after) = &self.after {
            let mut at = prefix.to_vec();
            let end = if unique { after.len().saturating_sub(8) } else { after.len() };
            at.extend_from_slice(&after[..end]);
            match self.direction() {
                Direction::Forward => span.start = Bound::Excluded(at),
                Direction::Reverse => span.end = Bound::Excluded(at),
            }
        }
        span
    }

    /// Walks an index in order; `None` if it would take more than `patience` steps.
    fn walk_index(
        &mut self,
        index: &Index,
        prefix: &[u8],
        want: u64,
        patience: u64,
    ) -> Result<Option<Vec<Id>>> {
        let span = self.span_after(prefix, index.unique);
        let (mut ids, mut skip, mut steps) = (Vec::new(), self.skip, 0);
        let set = self.set.as_ref();
        self.source.scan(index.name, &span, self.direction(), &mut |key, value| {
            steps += 1;
            let id = entry_id(index, key, value)
                .ok_or_else(|| Error::internal(format!("{} holds a damaged row", index.name)))?;
            if set.is_none_or(|s| s.contains(id as u32)) {
                if skip > 0 {
                    skip -= 1;
                } else {
                    ids.push(id);
                }
            }
            Ok((ids.len() as u64) < want && steps < patience)
        })?;
        self.plan.examined += steps;
        Ok((steps < patience || ids.len() as u64 >= want).then_some(ids))
    }

    /// Walks the table itself in the order of numbers, or the set if there is one.
    fn walk_ids(&mut self, want: u64) -> Result<Vec<Id>> {
        "id".clone_into(&mut self.plan.order);
        let after = self.after.as_ref().and_then(|a| key::trailing_id(a));
        if let Some(set) = &self.set {
            let ids = in_direction(set, self.direction(), after);
            let page: Vec<Id> = ids.skip(self.skip as usize).take(want as usize).collect();
            self.plan.examined += page.len() as u64;
            return Ok(page);
        }
        let span = self.span_after(&[], false);
        let (mut ids, mut skip) = (Vec::new(), self.skip);
        self.source.scan(R::TABLE, &span, self.direction(), &mut |key, _| {
            if skip > 0 {
                skip -= 1;
            } else {
                ids.extend(keys::id_of(key));
            }
            Ok((ids.len() as u64) < want)
        })?;
        self.plan.examined += ids.len() as u64 + self.skip;
        Ok(ids)
    }

    /// Walks the values of a facet in order; within a value the order is that of numbers.
    fn walk_facet(&mut self, field: &str, want: u64) -> Result<Vec<Id>> {
        self.plan.order = format!("facet {field}");
        let direction = self.direction();
        let cursor = self.after.as_ref().map(|a| a.split_at(a.len().saturating_sub(8)));
        let (mut ids, mut skip, mut values) = (Vec::new(), self.skip, 0);
        let set = self.set.as_ref();
        facet::for_each_value(
            self.source,
            R::FACETS,
            field,
            direction,
            cursor.map(|c| c.0),
            &mut |value, bitmap| {
                values += 1;
                let within = match set {
                    Some(set) => bitmap & set,
                    None => bitmap.clone(),
                };
                let after = cursor.filter(|c| c.0 == value).and_then(|c| keys::id_of(c.1));
                for id in in_direction(&within, direction, after) {
                    if skip > 0 {
                        skip -= 1;
                    } else {
                        ids.push(id);
                    }
                    if ids.len() as u64 >= want {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            },
        )?;
        self.plan.examined += values;
        Ok(ids)
    }

    /// Reads the rows of a small set and sorts them.
    fn sort_set(&mut self, want: u64) -> Result<Vec<Id>> {
        "sorted in memory".clone_into(&mut self.plan.order);
        let ids: Vec<Id> = match &self.set {
            Some(set) => set.iter().map(u64::from).collect(),
            None => ids::<R>(self.store, self.source, &[])?.iter().map(u64::from).collect(),
        };
        let mut keyed = Vec::with_capacity(ids.len());
        for id in ids {
            let record = self.source.require::<R>(id)?;
            keyed.push((self.order.key(&record), id));
        }
        self.plan.examined += keyed.len() as u64;
        keyed.sort_unstable();
        if self.order.reverse {
            keyed.reverse();
        }
        let begin = match &self.after {
            Some(after) if self.order.reverse => keyed.partition_point(|(k, _)| k >= after),
            Some(after) => keyed.partition_point(|(k, _)| k <= after),
            None => self.skip as usize,
        };
        Ok(keyed.into_iter().skip(begin).take(want as usize).map(|(_, id)| id).collect())
    }
}

/// The ids of a set in a direction, after one of them.
fn in_direction(
    set: &RoaringBitmap,
    direction: Direction,
    after: Option<Id>,
) -> Box<dyn Iterator<Item = Id> + '_> {
    let after = after.map(|id| id as u32);
    match direction {
        Direction::Forward => {
            let start = after.map_or(Some(0), |a| a.checked_add(1));
            Box::new(start.map(|s| set.range(s..)).into_iter().flatten().map(u64::from))
        }
        Direction::Reverse => {
            let end = after.unwrap_or(u32::MAX);
            let inclusive = after.is_none();
            Box::new(
                set.range(..=end).rev().filter(move |id| inclusive || *id != end).map(u64::from),
            )
        }
    }
}
