//! Reading records, the same over a snapshot and within a transaction.

use super::engine::{Direction, Source, Span};
use super::{keys, row};
use crate::base::id::{Id, Reference};
use crate::base::key;
use crate::base::record::{Index, Record, Value};
use crate::base::{Error, Result};

/// Typed reads over a [`Source`].
pub trait Read: Source {
    /// A record by number.
    fn find<R: Record>(&self, id: Id) -> Result<Option<R>> {
        self.get(R::TABLE, &keys::record_key(id))?.map(|bytes| row::decode(&bytes)).transpose()
    }

    /// A record by number; `404` if there is none.
    fn require<R: Record>(&self, id: Id) -> Result<R> {
        self.find(id)?.ok_or_else(|| Error::not_found(R::NOUN, id))
    }

    /// The id that a unique index holds for these values.
    fn unique<R: Record>(&self, index: &str, values: &[Value]) -> Result<Option<Id>> {
        let index = index_of::<R>(index);
        debug_assert!(
            index.unique && index.parts.len() == values.len(),
            "{} is looked up whole",
            index.name
        );
        Ok(self.get(index.name, &prefix(index, values))?.and_then(|b| keys::id_of(&b)))
    }

    /// The record that a unique index holds for these values.
    fn find_by<R: Record>(&self, index: &str, values: &[Value]) -> Result<Option<R>> {
        match self.unique::<R>(index, values)? {
            Some(id) => self.find(id),
            None => Ok(None),
        }
    }

    /// The number behind a path's reference; `404` if there is no such record.
    fn resolve<R: Record>(&self, reference: &Reference) -> Result<Id> {
        let missing = || Error::not_found(R::NOUN, reference);
        match (reference, R::NATURAL_KEY) {
            (Reference::Id(id), _) => {
                self.get(R::TABLE, &keys::record_key(*id))?.map(|_| *id).ok_or_else(missing)
            }
            (Reference::Key(text), Some(index)) => {
                self.unique::<R>(index, &[Value::Text(text.clone())])?.ok_or_else(missing)
            }
            (Reference::Key(_), None) => Err(missing()),
        }
    }

    /// Numbers in an index under these leading values, in its order; at most `limit`.
    fn ids_under<R: Record>(
        &self,
        index: &str,
        values: &[Value],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Id>> {
        let index = index_of::<R>(index);
        let mut ids = Vec::new();
        if limit == 0 {
            return Ok(ids);
        }
        self.scan(
            index.name,
            &Span::prefix(&prefix(index, values)),
            direction,
            &mut |key, value| {
                let id = if index.unique { keys::id_of(value) } else { key::trailing_id(key) };
                ids.push(id.ok_or_else(|| {
                    Error::internal(format!("{} holds a damaged row", index.name))
                })?);
                Ok(ids.len() < limit)
            },
        )?;
        Ok(ids)
    }
}

impl<S: Source + ?Sized> Read for S {}

/// The text of a record's natural key, if its kind has one.
pub fn natural_key<R: Record>(record: &R) -> Option<String> {
    let field = keys::field::<R>(index_of::<R>(R::NATURAL_KEY?).parts.first()?.field);
    field.values(record).first().and_then(|v| field.kind.text(v))
}

/// The declaration of an index; a name that is not declared is a defect.
pub(super) fn index_of<R: Record>(name: &str) -> &'static Index {
    R::indexes()
        .iter()
        .find(|i| i.name == name)
        .unwrap_or_else(|| panic!("{} has no index '{name}'", R::TABLE))
}

/// The key that begins with these values.
pub(super) fn prefix(index: &Index, values: &[Value]) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(32);
    for (part, value) in index.parts.iter().zip(values) {
        key::push(&mut prefix, value, part.descending);
    }
    prefix
}
