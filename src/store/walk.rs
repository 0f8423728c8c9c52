//! The ways to a page of a query's result: walks over indexes, facets and numbers, and
//! sorting. Which of them is taken is decided in `plan.rs`.

use std::ops::{Bound, ControlFlow};

use roaring::RoaringBitmap;

use super::engine::{Direction, Span};
use super::plan::{self, Run};
use super::read::Read;
use super::{facet, keys, select};
use crate::base::id::Id;
use crate::base::record::{Index, Kind, Record};
use crate::base::{Error, Result, key};

impl<R: Record> Run<'_, R> {
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
    pub(super) fn walk_index(
        &mut self,
        index: &Index,
        prefix: &[u8],
        want: u64,
        patience: u64,
    ) -> Result<Option<Vec<Id>>> {
        index.name.clone_into(&mut self.plan.order);
        let span = self.span_after(prefix, index.unique);
        let (mut ids, mut skip, mut steps) = (Vec::new(), self.skip, 0);
        let set = self.set.as_ref();
        self.source.scan(index.name, &span, self.direction(), &mut |key, value| {
            steps += 1;
            let id = select::entry_id(index, key, value)
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
    pub(super) fn walk_ids(&mut self, want: u64) -> Result<Vec<Id>> {
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
    pub(super) fn walk_facet(&mut self, field: &str, want: u64) -> Result<Vec<Id>> {
        self.plan.order = format!("facet {field}");
        let direction = self.direction();
        let cursor = self.after.as_ref().map(|a| a.split_at(a.len().saturating_sub(8)));
        let mut page = Filling { ids: Vec::new(), skip: self.skip, want, direction, cursor };
        let mut values = 0;
        let set = self.set.as_ref();
        facet::for_each_value(
            self.source,
            R::FACETS,
            field,
            direction,
            cursor.map(|c| c.0),
            &mut |value, bitmap| {
                values += 1;
                let full = match set {
                    Some(set) => page.take(value, &(bitmap & set)),
                    None => page.take(value, bitmap),
                };
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            },
        )?;
        let ids = page.ids;
        self.plan.examined += values;
        Ok(ids)
    }

    /// Walks an index that begins with the order and goes on with something else: the rows
    /// of each value are read whole and put in the order of their numbers. `None` if it
    /// would take more than `patience` steps.
    pub(super) fn walk_groups(
        &mut self,
        index: &Index,
        want: u64,
        patience: u64,
    ) -> Result<Option<Vec<Id>>> {
        self.plan.order = format!("{}, each value by number", index.name);
        let direction = self.direction();
        let cursor = self.after.as_ref().map(|a| a.split_at(a.len().saturating_sub(8)));
        let mut span = Span::all();
        match (cursor, direction) {
            (Some((value, _)), Direction::Forward) => span.start = Bound::Included(value.to_vec()),
            (Some((value, _)), Direction::Reverse) => span.end = Span::prefix(value).end,
            (None, _) => {}
        }
        let kind = |(name, descending): &(&str, bool)| (keys::field::<R>(name).kind, *descending);
        let kinds: Vec<(Kind, bool)> = self.order.parts.iter().map(kind).collect();
        let mut page = Filling { ids: Vec::new(), skip: self.skip, want, direction, cursor };
        let damaged = || Error::internal(format!("{} holds a damaged row", index.name));
        let (mut group, mut members) = (Vec::new(), Vec::new());
        let (mut steps, mut full) = (0, false);
        let set = self.set.as_ref();
        self.source.scan(index.name, &span, direction, &mut |key, value| {
            steps += 1;
            // No part is the beginning of another value's part.
            if group.is_empty() || !key.starts_with(&group) {
                full = page.take(&group, &sorted(&mut members));
                if full {
                    return Ok(false);
                }
                let length = key::parts_length(&kinds, key).ok_or_else(damaged)?;
                group = key[..length].to_vec();
            }
            let id = select::entry_id(index, key, value).ok_or_else(damaged)? as u32;
            if set.is_none_or(|s| s.contains(id)) {
                members.push(id);
            }
            Ok(steps < patience)
        })?;
        let ended = !full && steps < patience;
        if ended {
            page.take(&group, &sorted(&mut members));
        }
        let ids = page.ids;
        self.plan.examined += steps;
        Ok((full || ended).then_some(ids))
    }

    /// Reads the rows of a small set and sorts them.
    pub(super) fn sort_set(&mut self, want: u64) -> Result<Vec<Id>> {
        "sorted in memory".clone_into(&mut self.plan.order);
        let ids: Vec<Id> = match &self.set {
            Some(set) => set.iter().map(u64::from).collect(),
            None => plan::ids::<R>(self.store, self.source, &[])?.iter().map(u64::from).collect(),
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

/// Takes the numbers out, as a set.
fn sorted(members: &mut Vec<u32>) -> RoaringBitmap {
    members.sort_unstable();
    members.drain(..).collect()
}

/// A page that is filled value by value, within each in the order of numbers.
struct Filling<'a> {
    ids: Vec<Id>,
    /// Rows to leave out first.
    skip: u64,
    want: u64,
    direction: Direction,
    /// Value and number of the row before the page, as they are in keys.
    cursor: Option<(&'a [u8], &'a [u8])>,
}

impl Filling<'_> {
    /// Takes in what has this value; whether the page is full.
    fn take(&mut self, value: &[u8], members: &RoaringBitmap) -> bool {
        let after = self.cursor.filter(|c| c.0 == value).and_then(|c| keys::id_of(c.1));
        if after.is_none() && members.len() <= self.skip {
            self.skip -= members.len();
            return false;
        }
        for id in in_direction(members, self.direction, after) {
            if self.skip > 0 {
                self.skip -= 1;
            } else {
                self.ids.push(id);
            }
            if self.ids.len() as u64 >= self.want {
                return true;
            }
        }
        false
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
