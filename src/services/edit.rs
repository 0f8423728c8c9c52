//! The life that every kind of record shares: create, change, delete, each in one named
//! transaction with its audit entry.

use super::audit::{self, Entry};
use super::{Core, Ctx};
use crate::base::id::Reference;
use crate::base::record::Record;
use crate::base::{Code, Error, Result};
use crate::domain::user::Role;
use crate::store::{Read, Tx, read};

/// What an operation is called: the transaction's name, the metric, the audit verb.
pub type Verb = &'static str;

/// Stores a new record that `build` makes.
pub async fn create<R: Record>(
    core: &Core,
    ctx: &Ctx,
    verb: Verb,
    build: impl Fn(&mut Tx<'_>) -> Result<R> + Send + 'static,
) -> Result<R> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write(verb, move |tx| {
            let record = build(tx)?;
            let record = tx.insert(record)?;
            let entry = Entry::new(verb)
                .on::<R>(record.head().id, label(&record))
                .changes(None, Some(&record))?;
            audit::record(tx, &ctx, entry)?;
            Ok(record)
        })
        .await
}

/// Changes a record with `change`; what stays the same is neither written nor audited.
/// `expected` is the version that `If-Match` names.
pub async fn update<R: Record + PartialEq>(
    core: &Core,
    ctx: &Ctx,
    verb: Verb,
    reference: Reference,
    expected: Option<u64>,
    change: impl Fn(&mut Tx<'_>, R) -> Result<R> + Send + 'static,
) -> Result<R> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write(verb, move |tx| {
            let old: R = current(tx, &reference, expected)?;
            let new = change(tx, old.clone())?;
            save(tx, &ctx, verb, &old, new)
        })
        .await
}

/// Writes and audits a changed record within a transaction.
pub fn save<R: Record + PartialEq>(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    verb: Verb,
    old: &R,
    new: R,
) -> Result<R> {
    if *old == new {
        return Ok(new);
    }
    let new = tx.update(new)?;
    let entry =
        Entry::new(verb).on::<R>(new.head().id, label(&new)).changes(Some(old), Some(&new))?;
    audit::record(tx, ctx, entry)?;
    Ok(new)
}

/// Removes a record, after `before` has refused it or taken away what hangs on it.
/// `expected` is the version that `If-Match` names.
pub async fn delete<R: Record>(
    core: &Core,
    ctx: &Ctx,
    verb: Verb,
    reference: Reference,
    expected: Option<u64>,
    before: impl Fn(&mut Tx<'_>, &R) -> Result<()> + Send + 'static,
) -> Result<()> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write(verb, move |tx| {
            let old: R = current(tx, &reference, expected)?;
            before(tx, &old)?;
            remove(tx, &ctx, verb, &old)
        })
        .await
}

/// Audits a change that was written in parts.
pub fn note<R: Record>(tx: &mut Tx<'_>, ctx: &Ctx, verb: Verb, old: &R, new: &R) -> Result<()> {
    let entry =
        Entry::new(verb).on::<R>(new.head().id, label(new)).changes(Some(old), Some(new))?;
    audit::record(tx, ctx, entry).map(drop)
}

/// Removes a record within a transaction, with its audit entry.
pub fn remove<R: Record>(tx: &mut Tx<'_>, ctx: &Ctx, verb: Verb, old: &R) -> Result<()> {
    tx.delete::<R>(old.head().id)?;
    let entry = Entry::new(verb).on::<R>(old.head().id, label(old)).changes(Some(old), None)?;
    audit::record(tx, ctx, entry)?;
    Ok(())
}

/// The record behind a reference, if it has the expected version.
pub fn current<R: Record>(tx: &Tx<'_>, reference: &Reference, expected: Option<u64>) -> Result<R> {
    let record: R = tx.require(tx.resolve::<R>(reference)?)?;
    match expected {
        Some(version) if version != record.head().version => Err(Error::new(
            Code::VersionMismatch,
            format!("{} {reference} has version {}, not {version}", R::NOUN, record.head().version),
        )),
        _ => Ok(record),
    }
}

/// What people call a record: its natural key, or its number.
pub fn label<R: Record>(record: &R) -> String {
    read::natural_key(record).unwrap_or_else(|| record.head().id.to_string())
}
