//! Keys of index and facet tables, derived from a record's declarations. The only place
//! that knows their layout.
//!
//! Record table: id → row. Index table: parts ++ id → nothing; unique index: parts → id.
//! Facet table: field name, `00`, value, chunk number (ids / 65,536, u32) → roaring bitmap
//! of the ids in that chunk.

use crate::base::id::Id;
use crate::base::key;
use crate::base::record::{Field, Index, Record, Value};

/// Ids per facet chunk: one container of a roaring bitmap.
pub const CHUNK: u32 = 1 << 16;

/// The key of a record.
#[must_use]
pub fn record_key(id: Id) -> [u8; 8] {
    id.to_be_bytes()
}

/// The id in a record's key or in a unique index's value.
#[must_use]
pub fn id_of(bytes: &[u8]) -> Option<Id> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// The rows that `record` has in `index`: keys and values. A unique index leaves out
/// records without a value; a field with several values makes several rows.
#[must_use]
pub fn index_rows<R: Record>(index: &Index, record: &R) -> Vec<(Vec<u8>, Vec<u8>)> {
    let id = record.head().id.to_be_bytes();
    let mut keys = vec![Vec::with_capacity(32)];
    for part in index.parts {
        let values = field::<R>(part.field).values(record);
        if index.unique && values.iter().all(|v| *v == Value::Null) {
            return Vec::new();
        }
        keys = values
            .iter()
            .flat_map(|value| {
                keys.iter().map(move |key| {
                    let mut key = key.clone();
                    key::push(&mut key, value, part.descending);
                    key
                })
            })
            .collect();
    }
    keys.into_iter()
        .map(|mut key| {
            if index.unique {
                (key, id.to_vec())
            } else {
                key.extend_from_slice(&id);
                (key, Vec::new())
            }
        })
        .collect()
}

/// A declared field; declarations are checked by a test, so a missing one is a defect.
#[must_use]
pub fn field<R: Record>(name: &str) -> &'static Field<R> {
    R::field(name).unwrap_or_else(|| {
        panic!("{} declares an index over '{name}', which is no field", R::TABLE)
    })
}

/// The beginning of all facet keys of a field.
#[must_use]
pub fn facet_field(field: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(field.len() + 24);
    key.extend_from_slice(field.as_bytes());
    key.push(0);
    key
}

/// The beginning of all facet keys of a value.
#[must_use]
pub fn facet_value(field: &str, value: &Value) -> Vec<u8> {
    let mut prefix = facet_field(field);
    key::push(&mut prefix, value, false);
    prefix
}

/// The facet key of a value's chunk in which `id` lies.
#[must_use]
pub fn facet_key(field: &str, value: &Value, id: u32) -> Vec<u8> {
    let mut key = facet_value(field, value);
    key.extend_from_slice(&(id / CHUNK).to_be_bytes());
    key
}

/// Splits a facet key (without the field's part) into the value's bytes and the chunk.
#[must_use]
pub fn split_facet(rest: &[u8]) -> Option<(&[u8], u32)> {
    let at = rest.len().checked_sub(4)?;
    let (value, chunk) = rest.split_at(at);
    Some((value, u32::from_be_bytes(chunk.try_into().ok()?)))
}

/// The facet cells of a record: field and value. A missing single value is a cell too, so
/// that a facet knows every record.
pub fn facet_cells<R: Record>(record: &R) -> Vec<(&'static str, Value)> {
    let mut cells = Vec::new();
    for field in R::fields().iter().filter(|f| f.facet) {
        cells.extend(field.values(record).into_iter().map(|value| (field.name, value)));
    }
    cells
}
