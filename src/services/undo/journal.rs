//! How a record was before a change: the fields that the change replaced, and what it left,
//! so that it can be seen whether that still stands.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::with_undoable;
use crate::base::page::stable_hash;
use crate::base::record::Record;
use crate::base::{Error, Result};
use crate::domain::change::Undoable;
use crate::domain::vulnerability::Vulnerability;
use crate::store::{Watched, row};

/// A record's fields as they are written.
type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;

/// What a change did to one record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its table.
    pub table: String,
    /// Its number.
    pub id: u64,
    /// What its own fields were, as a fingerprint; absent: it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// What the change made of them; absent: it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Schema of the record's kind at that time.
    pub schema: u8,
    /// The fields that were replaced; `null` for one that was absent. All of them, if the
    /// record was deleted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Option<Box<RawValue>>>,
}

fn fields(json: &[u8]) -> Result<Fields<'_>> {
    serde_json::from_slice(json)
        .map_err(|e| Error::internal("a stored row is no JSON object").with_source(e))
}

fn fingerprint<R: Undoable>(fields: &Fields<'_>) -> u64 {
    let mut own = Vec::with_capacity(1024);
    for (name, value) in fields.iter().filter(|(name, _)| !R::DERIVED.contains(name)) {
        own.extend_from_slice(name.as_bytes());
        own.extend_from_slice(value.get().as_bytes());
    }
    stable_hash(&own)
}

/// The fingerprint of a stored row's own fields.
pub(super) fn fingerprint_of<R: Undoable>(stored: &[u8]) -> Result<u64> {
    Ok(fingerprint::<R>(&fields(&row::json::<R>(stored)?)?))
}

impl Entry {
    /// What happened to a watched record; `None` if nothing of its own changed.
    pub fn of(watched: &Watched) -> Result<Option<Self>> {
        with_undoable!(watched.table, |R| Self::typed::<R>(watched))
    }

    fn typed<R: Undoable>(watched: &Watched) -> Result<Option<Self>> {
        let json = |stored: &Option<Vec<u8>>| {
            let json = stored.as_ref().map(|stored| row::json::<R>(stored)).transpose()?;
            Ok::<_, Error>(json.map(std::borrow::Cow::into_owned))
        };
        let (before, after) = (json(&watched.before)?, json(&watched.after)?);
        let before = before.as_deref().map(fields).transpose()?;
        let after = after.as_deref().map(fields).transpose()?;
        let replaced = match (&before, &after) {
            (None, None) => return Ok(None),
            (None, Some(_)) => BTreeMap::new(),
            (Some(was), None) => {
                was.iter().map(|(k, v)| ((*k).to_owned(), Some((*v).to_owned()))).collect()
            }
            (Some(was), Some(is)) => differing::<R>(was, is),
        };
        // Counting may change a vulnerability's status, so it is listed in any case.
        let is_same = before.is_some() && after.is_some() && replaced.is_empty();
        if is_same && R::TABLE != Vulnerability::TABLE {
            return Ok(None);
        }
        Ok(Some(Self {
            table: watched.table.to_owned(),
            id: watched.id,
            before: before.as_ref().map(fingerprint::<R>),
            after: after.as_ref().map(fingerprint::<R>),
            schema: R::SCHEMA,
            fields: replaced,
        }))
    }

    /// The record as it was, with what follows from others as it is in `now`.
    pub fn restored<R: Undoable>(&self, now: Option<&R>) -> Result<R> {
        if self.schema != R::SCHEMA {
            return Err(Error::new(
                crate::base::Code::Conflict,
                "this change was made by another version of the program, and cannot be undone",
            ));
        }
        let failed = |e| Error::internal(format!("cannot restore a {}", R::NOUN)).with_source(e);
        let json = now.map_or_else(|| Ok(b"{}".to_vec()), serde_json::to_vec).map_err(failed)?;
        let mut all = fields(&json)?;
        for (name, value) in &self.fields {
            match value {
                Some(value) => drop(all.insert(name, value)),
                None => drop(all.remove(name.as_str())),
            }
        }
        serde_json::from_slice(&serde_json::to_vec(&all).map_err(failed)?).map_err(failed)
    }
}

/// The own fields of `was` that are not so in `is`.
fn differing<R: Undoable>(
    was: &Fields<'_>,
    is: &Fields<'_>,
) -> BTreeMap<String, Option<Box<RawValue>>> {
    let mut replaced = BTreeMap::new();
    for name in was.keys().chain(is.keys()).filter(|name| !R::DERIVED.contains(name)) {
        let (was, is) = (was.get(name).copied(), is.get(name).copied());
        if was.map(RawValue::get) != is.map(RawValue::get) {
            replaced.insert((*name).to_owned(), was.map(ToOwned::to_owned));
        }
    }
    replaced
}

/// Compression that costs little beside the commit.
const LEVEL: i32 = 1;

/// Packs the entries of a step.
pub(super) fn pack(entries: &[Entry]) -> Result<String> {
    let failed = |e| Error::internal("cannot keep what a change replaced").with_source(e);
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), LEVEL).map_err(failed)?;
    for entry in entries {
        serde_json::to_writer(&mut encoder, entry)
            .map_err(|e| Error::internal("cannot keep what a change replaced").with_source(e))?;
        encoder.write_all(b"\n").map_err(failed)?;
    }
    Ok(STANDARD_NO_PAD.encode(encoder.finish().map_err(failed)?))
}

/// The entries of a step, in the order in which they were packed.
pub(super) fn unpack(packed: &str) -> Result<Vec<Entry>> {
    const DAMAGED: &str = "what a change replaced is damaged";
    let bytes =
        STANDARD_NO_PAD.decode(packed).map_err(|e| Error::internal(DAMAGED).with_source(e))?;
    let json = zstd::stream::decode_all(&bytes[..])
        .map_err(|e| Error::internal(DAMAGED).with_source(e))?;
    serde_json::Deserializer::from_slice(&json)
        .into_iter::<Entry>()
        .map(|entry| entry.map_err(|e| Error::internal(DAMAGED).with_source(e)))
        .collect()
}
