//! How a record lies in its table: one header byte (the record's schema version), then its
//! JSON. Self-describing, so that a new field never breaks old rows; and the very bytes
//! that the API answers with, so that reading needs no decoding.

use std::borrow::Cow;

use crate::base::record::Record;
use crate::base::{Error, Result};

/// Encodes a record.
pub fn encode<R: Record>(record: &R) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    bytes.push(R::SCHEMA);
    serde_json::to_writer(&mut bytes, record)
        .map_err(|e| Error::internal(format!("cannot encode {}", R::NOUN)).with_source(e))?;
    Ok(bytes)
}

/// Decodes a record, of an older schema too.
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R> {
    let json = json::<R>(bytes)?;
    serde_json::from_slice(&json).map_err(|e| damaged::<R>("its JSON does not fit").with_source(e))
}

/// The record's JSON in the current schema; without a copy if it was written in it.
pub fn json<R: Record>(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    match bytes.split_first() {
        Some((&schema, json)) if schema == R::SCHEMA => Ok(Cow::Borrowed(json)),
        Some((&schema, json)) if schema < R::SCHEMA => upgrade::<R>(schema, json).map(Cow::Owned),
        Some((&schema, _)) => Err(damaged::<R>(&format!(
            "it has schema {schema}, newer than this program's {}",
            R::SCHEMA
        ))),
        None => Err(damaged::<R>("it is empty")),
    }
}

/// The entity tag of a row: the version, and a hash of the bytes, because bookkeeping may
/// change without a new version. `If-Match` compares the version only.
#[must_use]
pub fn entity_tag(version: u64, json: &[u8]) -> String {
    format!("\"{version}-{:016x}\"", crate::base::page::stable_hash(json))
}

fn upgrade<R: Record>(from: u8, json: &[u8]) -> Result<Vec<u8>> {
    let mut value = serde_json::from_slice(json)
        .map_err(|e| damaged::<R>("its JSON does not fit").with_source(e))?;
    R::upgrade(from, &mut value)?;
    // Through the type, so that defaults of new fields are filled in.
    let record: R = serde_json::from_value(value)
        .map_err(|e| damaged::<R>("it cannot be upgraded").with_source(e))?;
    serde_json::to_vec(&record).map_err(|e| damaged::<R>("it cannot be upgraded").with_source(e))
}

fn damaged<R: Record>(why: &str) -> Error {
    Error::internal(format!("a stored {} is damaged: {why}", R::NOUN))
}
