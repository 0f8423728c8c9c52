//! Sweeps: every row of a query or of a set, however many, over one snapshot. For exports:
//! what a list answers in pages goes by in one piece, and no more than a stride of numbers
//! is held. What is done with the rows is the caller's business.

use roaring::RoaringBitmap;

use super::engine::{Direction, Snapshot, Span};
use super::plan::{Run, Tuning};
use super::query::{Query, Window};
use super::read::index_of;
use super::{Store, keys, row, select};
use crate::base::id::Id;
use crate::base::record::Record;
use crate::base::{Error, Result, limits};

/// Numbers found at a time. A result that can only be sorted in memory is found at once.
const STRIDE: u64 = limits::SORT_ROWS;

/// Called with a row as it is stored.
pub type Each<'a> = dyn FnMut(Vec<u8>) -> Result<()> + 'a;

/// Hands every row that passes the filters of `query` to `each`, in its order; its window
/// and limit do not count. Returns how many there were: the total of the list.
pub fn in_order<R: Record>(
    store: &Store,
    snapshot: &dyn Snapshot,
    query: &Query,
    each: &mut Each<'_>,
) -> Result<u64> {
    in_strides::<R>(store, snapshot, query, STRIDE, each)
}

pub(super) fn in_strides<R: Record>(
    store: &Store,
    snapshot: &dyn Snapshot,
    query: &Query,
    stride: u64,
    each: &mut Each<'_>,
) -> Result<u64> {
    let whole = Query { window: Window::Offset(0), ..query.clone() };
    let mut run = Run::<R>::new(store, snapshot, &whole, &Tuning::MEASURED)?;
    let mut seen = 0;
    while seen < run.total {
        let ids = run.find(stride)?;
        let Some(last) = ids.last() else { break };
        let after = run.order.key::<R>(&row::decode(&stored::<R>(snapshot, *last)?)?);
        for id in &ids {
            each(stored::<R>(snapshot, *id)?)?;
        }
        seen += ids.len() as u64;
        run.after = Some(after);
    }
    Ok(seen)
}

fn stored<R: Record>(snapshot: &dyn Snapshot, id: Id) -> Result<Vec<u8>> {
    snapshot.get(R::TABLE, &keys::record_key(id))?.ok_or_else(|| {
        Error::internal(format!("an index of {} names a row that is not there", R::TABLE))
    })
}

/// Hands the numbers of `set` to `each`, in the order of an index that has every record
/// once. Costs a step for each entry of the index, whether it is in the set or not.
/// `each` says whether to go on.
pub fn by_index<R: Record>(
    snapshot: &dyn Snapshot,
    index: &str,
    direction: Direction,
    set: &RoaringBitmap,
    each: &mut dyn FnMut(Id) -> Result<bool>,
) -> Result<()> {
    let index = index_of::<R>(index);
    snapshot.scan(index.name, &Span::all(), direction, &mut |key, value| {
        let id = select::entry_id(index, key, value)
            .ok_or_else(|| Error::internal(format!("{} holds a damaged row", index.name)))?;
        if set.contains(id as u32) { each(id) } else { Ok(true) }
    })
}
