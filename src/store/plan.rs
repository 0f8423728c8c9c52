//! The planner: finds the rows of a query from facets and indexes, never by reading a
//! table. What it cannot serve it refuses, naming the combination.
//!
//! The set of matching ids comes from `select.rs` and is exact, so the total is exact. The
//! page then comes from the cheapest of: walking the index that has the order (skipping
//! what is not in the set), walking the facet that has the order, walking an index that
//! begins with it, or sorting the set itself if it is small. Here it is chosen; the walks
//! themselves are in `walk.rs`.

use std::ops::ControlFlow;

use roaring::RoaringBitmap;

use super::engine::{Direction, Snapshot, Span};
use super::query::{Filter, Order, Query, Test, Window};
use super::select::{self, matching};
use super::{Store, facet, keys, row};
use crate::base::id::Id;
use crate::base::page::Cursor;
use crate::base::record::{Index, Record};
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

/// What decides between ways that all give the same result. Tests set their own, to force
/// each way.
#[derive(Debug, Clone)]
pub(super) struct Tuning {
    /// Cost of stepping over one index entry, in the unit of `fetch` (nanoseconds,
    /// measured; only the ratio matters).
    pub(super) step: u64,
    /// Cost of reading and decoding one row.
    pub(super) fetch: u64,
    /// Index entries walked before another way is tried.
    pub(super) patience: u64,
    /// A set so small that its rows are read rather than another index.
    pub(super) few: u64,
    /// Most records that are sorted in memory.
    pub(super) sort_rows: u64,
}

impl Tuning {
    /// What ships.
    pub(super) const MEASURED: Self =
        Self { step: 60, fetch: 4_000, patience: 20_000, few: 500, sort_rows: limits::SORT_ROWS };
}

/// Runs a query.
pub fn run<R: Record>(store: &Store, snapshot: &dyn Snapshot, query: &Query) -> Result<Page> {
    run_tuned::<R>(store, snapshot, query, &Tuning::MEASURED)
}

pub(super) fn run_tuned<R: Record>(
    store: &Store,
    snapshot: &dyn Snapshot,
    query: &Query,
    tuning: &Tuning,
) -> Result<Page> {
    Run::<R>::new(store, snapshot, query, tuning)?.page()
}

/// Counts the rows of a query's filters.
pub fn count<R: Record>(store: &Store, snapshot: &dyn Snapshot, filters: &[Filter]) -> Result<u64> {
    let mut plan = Plan::default();
    match matching::<R>(store, snapshot, filters, &Tuning::MEASURED, &mut plan)? {
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
    if let Some(set) = matching::<R>(store, snapshot, filters, &Tuning::MEASURED, &mut plan)? {
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
    let mut plan = Plan::default();
    let set = matching::<R>(store, snapshot, filters, &Tuning::MEASURED, &mut plan)?;
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

/// One run of a query.
pub(super) struct Run<'a, R> {
    pub(super) store: &'a Store,
    pub(super) source: &'a dyn Snapshot,
    query: &'a Query,
    tuning: &'a Tuning,
    pub(super) order: Order,
    pub(super) set: Option<RoaringBitmap>,
    pub(super) total: u64,
    /// Order key of the row before the page.
    pub(super) after: Option<Vec<u8>>,
    pub(super) skip: u64,
    pub(super) plan: Plan,
    record: std::marker::PhantomData<R>,
}

impl<'a, R: Record> Run<'a, R> {
    pub(super) fn new(
        store: &'a Store,
        source: &'a dyn Snapshot,
        query: &'a Query,
        tuning: &'a Tuning,
    ) -> Result<Self> {
        let (after, skip) = match &query.window {
            Window::Offset(skip) => (None, *skip),
            Window::After(text) => (Some(Cursor::decode(text, query.hash())?.after), 0),
        };
        let mut plan = Plan::default();
        let set = matching::<R>(store, source, &query.filters, tuning, &mut plan)?;
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
            tuning,
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

    pub(super) fn find(&mut self, want: u64) -> Result<Vec<Id>> {
        if self.order.parts.is_empty() {
            return self.walk_ids(want);
        }
        let universe = self.source.len(R::TABLE)?;
        let steps = (self.skip + want).saturating_mul(universe) / self.total.max(1);
        let sortable = self.total <= self.tuning.sort_rows;
        let sorting = self.total.saturating_mul(self.tuning.fetch) / self.tuning.step.max(1);
        let cheaper = self.set.is_some() && sortable && sorting < steps;
        let ordering = self.ordering_index()?;
        // How long the walk below the values that filters fix will be, nobody knows; so it
        // may take as long as sorting would.
        let led = ordering.as_ref().is_some_and(|(_, prefix, _)| !prefix.is_empty());
        if cheaper && !led {
            return self.sort_set(want);
        }
        if let Some((index, prefix, exact)) = ordering {
            self.store.hit(index.name);
            let patience = if exact {
                u64::MAX
            } else if cheaper {
                self.tuning.patience.min(sorting)
            } else {
                self.tuning.patience
            };
            if let Some(ids) = self.walk_index(index, &prefix, want, patience)? {
                return Ok(ids);
            }
            if cheaper {
                return self.sort_set(want);
            }
            if let Some(field) = self.ordering_facet() {
                return self.walk_facet(field, want);
            }
            if sortable {
                return self.sort_set(want);
            }
            return Ok(self.walk_index(index, &prefix, want, u64::MAX)?.unwrap_or_default());
        }
        if cheaper {
            return self.sort_set(want);
        }
        if let Some(field) = self.ordering_facet() {
            return self.walk_facet(field, want);
        }
        if let Some(index) = self.grouping_index()? {
            self.store.hit(index.name);
            let patience = if sortable { self.tuning.patience } else { u64::MAX };
            if let Some(ids) = self.walk_groups(index, want, patience)? {
                return Ok(ids);
            }
        }
        if sortable {
            return self.sort_set(want);
        }
        Err(self.unsorted())
    }

    /// Why there is no answer.
    fn unsorted(&self) -> Error {
        let sort: Vec<_> = self.query.sort.iter().map(|s| s.field).collect();
        let filters: Vec<_> = self.query.filters.iter().map(|f| f.field).collect();
        Error::new(
            Code::UnsupportedQuery,
            format!(
                "no index of {} has the order {} for the filters [{}], and {} rows are too many to sort",
                R::TABLE,
                sort.join(","),
                filters.join(", "),
                self.total
            ),
        )
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
    fn ordering_index(&self) -> Result<Option<(&'static Index, Vec<u8>, bool)>> {
        let mut best: Option<(usize, &'static Index, Vec<u8>)> = None;
        for index in R::indexes().iter().filter(|i| !i.unique) {
            let Some((lead, prefix)) = self.serves_order(index) else { continue };
            if best.as_ref().is_none_or(|(n, ..)| *n < lead) {
                best = Some((lead, index, prefix));
            }
        }
        if let Some((lead, index, prefix)) = best {
            return Ok(Some((index, prefix, lead == self.query.filters.len())));
        }
        // A unique index over the order alone will do too, unless it leaves records out.
        for index in R::indexes().iter().filter(|i| i.unique) {
            if let Some((0, prefix)) = self.serves_order(index)
                && select::is_complete::<R>(self.source, index)?
            {
                return Ok(Some((index, prefix, self.query.filters.is_empty())));
            }
        }
        Ok(None)
    }

    /// The index that begins with the order and goes on with something else.
    fn grouping_index(&self) -> Result<Option<&'static Index>> {
        let wanted = &self.order.parts;
        for index in R::indexes().iter().filter(|i| i.parts.len() > wanted.len()) {
            let (head, rest) = index.parts.split_at(wanted.len());
            let in_order = head.iter().zip(wanted).all(|(p, w)| (p.field, p.descending) == *w);
            // A part with several values would leave records out, or name them twice.
            let single = rest.iter().all(|p| !keys::field::<R>(p.field).multi);
            if in_order && single && select::is_complete::<R>(self.source, index)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// If the last parts of an index are the order and filters fix those before: how many
    /// they fix, and the key that their values make.
    fn serves_order(&self, index: &Index) -> Option<(usize, Vec<u8>)> {
        let lead = index.parts.len().checked_sub(self.order.parts.len())?;
        let (head, tail) = index.parts.split_at(lead);
        let in_order = tail
            .iter()
            .zip(&self.order.parts)
            .all(|(p, (f, d))| p.field == *f && p.descending == *d);
        if !in_order {
            return None;
        }
        let mut prefix = Vec::new();
        for part in head {
            let value = self.query.filters.iter().find_map(|f| match &f.test {
                Test::In(values) if f.field == part.field && values.len() == 1 => values.first(),
                _ => None,
            })?;
            key::push(&mut prefix, value, part.descending);
        }
        Some((lead, prefix))
    }

    pub(super) fn direction(&self) -> Direction {
        if self.order.reverse { Direction::Reverse } else { Direction::Forward }
    }
}
