//! Keys of index and facet tables, derived from a record's declarations. The only place
//! that knows their layout.
//!
//! Record table: id → row. Index table: parts ++ id → nothing; unique index: parts → id.
//! Facet table: field name, `00`, value, chunk number (ids / 65,536, u32) → roaring bitmap
//! of the ids in that chunk.

use std::marker::PhantomData;

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

/// The values of all fields of a record, taken once: every index key and facet cell is
/// made from these.
pub struct Projection<R: Record> {
    values: Vec<Value>,
    /// Per field, in the order of [`Record::fields`], where its values end.
    ends: Vec<usize>,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Projection<R> {
    /// The values of `record`.
    #[must_use]
    pub fn of(record: &R) -> Self {
        let fields = R::fields();
        let mut values = Vec::with_capacity(fields.len() + 8);
        let mut ends = Vec::with_capacity(fields.len());
        for field in fields {
            (field.get)(record, &mut |value| values.push(value));
            ends.push(values.len());
        }
        Self { values, ends, record: PhantomData }
    }

    /// The values of the field at a position of [`Record::fields`].
    #[must_use]
    pub fn at(&self, position: usize) -> &[Value] {
        let start = position.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[start..self.ends[position]]
    }

    /// The name of a field whose number cannot be written as JSON, if there is one.
    #[must_use]
    pub fn unwritable(&self) -> Option<&'static str> {
        let bad = |v: &Value| matches!(v, Value::F64(x) if !x.is_finite());
        (0..self.ends.len()).find(|n| self.at(*n).iter().any(bad)).map(|n| R::fields()[n].name)
    }

    /// Whether the record has other rows in `index` than `other` has, or none to compare.
    #[must_use]
    pub fn differs(&self, other: Option<&Self>, index: &Index) -> bool {
        other.is_none_or(|other| {
            index.parts.iter().map(|p| position::<R>(p.field)).any(|n| self.at(n) != other.at(n))
        })
    }

    /// The keys of the record `id` in `index`, each once. A unique index leaves out records
    /// without a value; a field with several values makes several keys.
    #[must_use]
    pub fn keys(&self, index: &Index, id: Id) -> Vec<Vec<u8>> {
        let mut keys = Vec::with_capacity(1);
        let parts: Vec<(&[Value], bool)> =
            index.parts.iter().map(|p| (self.at(position::<R>(p.field)), p.descending)).collect();
        push_keys(&parts, index.unique, &mut Vec::with_capacity(64), &mut |key| {
            let mut row = Vec::with_capacity(key.len() + size_of::<Id>());
            row.extend_from_slice(key);
            if !index.unique {
                row.extend_from_slice(&id.to_be_bytes());
            }
            keys.push(row);
        });
        if keys.len() > 1 {
            keys.sort_unstable();
            keys.dedup();
        }
        keys
    }
}

fn push_keys(
    parts: &[(&[Value], bool)],
    unique: bool,
    key: &mut Vec<u8>,
    emit: &mut dyn FnMut(&Vec<u8>),
) {
    let Some(((values, descending), rest)) = parts.split_first() else { return emit(key) };
    for value in *values {
        if unique && *value == Value::Null {
            continue;
        }
        let before = key.len();
        key::push(key, value, *descending);
        push_keys(rest, unique, key, emit);
        key.truncate(before);
    }
}

/// What the rows of the record `id` hold in `index`: nothing, as the number is in the key,
/// or the number, as it is not.
#[must_use]
pub fn index_value(index: &Index, id: Id) -> Vec<u8> {
    if index.unique { id.to_be_bytes().to_vec() } else { Vec::new() }
}

/// The place of a declared field among [`Record::fields`].
fn position<R: Record>(name: &str) -> usize {
    R::fields().iter().position(|f| f.name == name).unwrap_or_else(|| undeclared::<R>(name))
}

fn undeclared<R: Record>(name: &str) -> ! {
    panic!("{} declares an index over '{name}', which is no field", R::TABLE)
}

/// A declared field; declarations are checked by a test, so a missing one is a defect.
#[must_use]
pub fn field<R: Record>(name: &str) -> &'static Field<R> {
    R::field(name).unwrap_or_else(|| undeclared::<R>(name))
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

/// The facet keys of the record `id`, each once. A missing single value has a key too, so
/// that a facet knows every record. With `other`, only those of fields that differ.
#[must_use]
pub fn facet_keys<R: Record>(
    values: &Projection<R>,
    other: Option<&Projection<R>>,
    id: u32,
) -> Vec<Vec<u8>> {
    let mut keys = Vec::with_capacity(16);
    for (n, field) in R::fields().iter().enumerate().filter(|(_, f)| f.facet) {
        if other.is_some_and(|other| other.at(n) == values.at(n)) {
            continue;
        }
        keys.extend(values.at(n).iter().map(|value| facet_key(field.name, value, id)));
    }
    // Only fields with several values can repeat one; then the order does not matter.
    keys.sort_unstable();
    keys.dedup();
    keys
}
