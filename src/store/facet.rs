//! Facets: per value of a field, which records have it, as roaring bitmaps in chunks of
//! 65,536 ids. They give exact counts and any combination of filters without scanning
//! rows, and an order by value for fields with few values.

use std::ops::ControlFlow;

use roaring::RoaringBitmap;

use super::engine::{Direction, Source, Span, Table};
use super::keys;
use crate::base::record::Value;
use crate::base::{Error, Result, key};

/// Encodes a chunk. Few long runs of numbers (nobody is exploited, everything is active)
/// take some bytes instead of 8 KiB. Many runs stay as they are: taking them apart would
/// cost every reader more than the bytes.
pub(super) fn encode(mut bitmap: RoaringBitmap) -> Result<Vec<u8>> {
    let plain = bitmap.serialized_size();
    if bitmap.optimize() && bitmap.serialized_size() > plain / 8 {
        bitmap.remove_run_compression();
    }
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    bitmap
        .serialize_into(&mut bytes)
        .map_err(|e| Error::internal("cannot encode a bitmap").with_source(e))?;
    Ok(bytes)
}

/// Decodes a chunk.
pub(super) fn decode(bytes: &[u8]) -> Result<RoaringBitmap> {
    let mut bitmap = RoaringBitmap::deserialize_from(bytes)
        .map_err(|e| Error::internal("a stored bitmap is damaged").with_source(e))?;
    // Sets are many times slower to combine while they are runs.
    bitmap.remove_run_compression();
    Ok(bitmap)
}

/// The ids that have one value.
pub fn of_value(
    source: &dyn Source,
    table: Table,
    field: &str,
    value: &Value,
) -> Result<RoaringBitmap> {
    union(source, table, &Span::prefix(&keys::facet_value(field, value)))
}

/// The ids whose value lies between `from` and `to`, both included; `None` is open.
pub fn of_range(
    source: &dyn Source,
    table: Table,
    field: &str,
    from: Option<&Value>,
    to: Option<&Value>,
) -> Result<RoaringBitmap> {
    union(source, table, &value_span(&keys::facet_field(field), from, to))
}

/// The ids whose text starts like this.
pub fn of_prefix(
    source: &dyn Source,
    table: Table,
    field: &str,
    text: &str,
) -> Result<RoaringBitmap> {
    let mut prefix = keys::facet_field(field);
    key::push_text_prefix(&mut prefix, text);
    union(source, table, &Span::prefix(&prefix))
}

/// The span of keys that start with `prefix` and whose next part lies between two values.
/// Records without a value are outside of every range.
#[must_use]
pub(super) fn value_span(prefix: &[u8], from: Option<&Value>, to: Option<&Value>) -> Span {
    let mut start = prefix.to_vec();
    match from {
        Some(value) => key::push(&mut start, value, false),
        None => start.push(1),
    }
    let mut end = prefix.to_vec();
    match to {
        Some(value) => key::push(&mut end, value, false),
        None => end.push(1),
    }
    Span { start: std::ops::Bound::Included(start), end: Span::prefix(&end).end }
}

fn union(source: &dyn Source, table: Table, span: &Span) -> Result<RoaringBitmap> {
    let mut all = RoaringBitmap::new();
    source.scan(table, span, Direction::Forward, &mut |_, chunk| {
        all |= decode(chunk)?;
        Ok(true)
    })?;
    Ok(all)
}

/// Visits a value: the bytes of its key part, and the ids that have it.
pub type VisitValue<'a> = dyn FnMut(&[u8], &RoaringBitmap) -> Result<ControlFlow<()>> + 'a;

/// Visits the values of a field in order, each with the ids that have it: the bytes of the
/// value's key part, and its bitmap. `from` (a value's key part) is where to begin.
pub fn for_each_value(
    source: &dyn Source,
    table: Table,
    field: &str,
    direction: Direction,
    from: Option<&[u8]>,
    visit: &mut VisitValue<'_>,
) -> Result<()> {
    let prefix = keys::facet_field(field);
    let mut span = Span::prefix(&prefix);
    if let Some(from) = from {
        let mut at = prefix.clone();
        at.extend_from_slice(from);
        match direction {
            Direction::Forward => span.start = std::ops::Bound::Included(at),
            Direction::Reverse => span.end = Span::prefix(&at).end,
        }
    }
    let mut current: Option<(Vec<u8>, RoaringBitmap)> = None;
    let mut stopped = false;
    source.scan(table, &span, direction, &mut |key, chunk| {
        let (value, _) = keys::split_facet(&key[prefix.len()..])
            .ok_or_else(|| Error::internal("a stored facet key is damaged"))?;
        match &mut current {
            Some((v, bitmap)) if v == value => *bitmap |= decode(chunk)?,
            _ => {
                if let Some((v, bitmap)) = current.take()
                    && visit(&v, &bitmap)?.is_break()
                {
                    stopped = true;
                    return Ok(false);
                }
                current = Some((value.to_vec(), decode(chunk)?));
            }
        }
        Ok(true)
    })?;
    if let Some((v, bitmap)) = current.filter(|_| !stopped) {
        let _last = visit(&v, &bitmap)?;
    }
    Ok(())
}
