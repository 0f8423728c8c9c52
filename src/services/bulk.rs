//! Many records at once: batch look-up in steps of [`limits::BATCH_CHUNK`], and bulk edits,
//! whole or each record for itself.

use super::audit::{self, Entry};
use super::listing::Related;
use super::policies::Policies;
use super::undo::{self, Author};
use super::{Core, Ctx, assets, edit, findings, vulnerabilities};
use crate::base::id::{Id, Reference};
use crate::base::record::Record;
use crate::base::{Error, Result, limits};
use crate::domain::asset::{Asset, AssetPatch};
use crate::domain::change::ChangeKind;
use crate::domain::finding::{Finding, FindingPatch};
use crate::domain::user::Role;
use crate::domain::vulnerability::{Vulnerability, VulnerabilityPatch};
use crate::store::query::Filter;
use crate::store::{Read, Tx, keys, plan, row};

/// Which records.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These.
    References(Vec<Reference>),
    /// Those that pass the filters.
    Filters(Vec<Filter>),
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The record as it was named.
    pub reference: Reference,
    /// Its number, if there is such a record.
    pub id: Option<Id>,
    /// `Ok(true)`: changed (or would be); `Ok(false)`: it is so already; else why not.
    pub result: Result<bool, String>,
}

/// Records that can be edited in bulk.
pub trait BulkEdit: Record + PartialEq {
    /// The change.
    type Patch: Clone + Send + Sync + 'static;
    /// Applies it within a transaction, for which the rules have been read once.
    fn change(
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        policies: &mut Policies,
        old: &Self,
        patch: &Self::Patch,
    ) -> Result<Self>;
}

impl BulkEdit for Finding {
    type Patch = FindingPatch;
    fn change(
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        policies: &mut Policies,
        old: &Self,
        patch: &FindingPatch,
    ) -> Result<Self> {
        findings::change(tx, ctx, policies, old, patch)
    }
}

impl BulkEdit for Asset {
    type Patch = AssetPatch;
    fn change(
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        policies: &mut Policies,
        old: &Self,
        patch: &AssetPatch,
    ) -> Result<Self> {
        assets::change(tx, ctx, policies, old, patch)
    }
}

impl BulkEdit for Vulnerability {
    type Patch = VulnerabilityPatch;
    fn change(
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        _: &mut Policies,
        old: &Self,
        patch: &VulnerabilityPatch,
    ) -> Result<Self> {
        vulnerabilities::change(tx, ctx, old, patch)
    }
}

/// The rows of these records, and the references that name none.
pub fn get<R: Related>(
    core: &Core,
    ctx: &Ctx,
    references: &[Reference],
) -> Result<(Vec<Vec<u8>>, Vec<Reference>)> {
    ctx.require(Role::Viewer)?;
    check_size(references.len())?;
    let (mut rows, mut missing) = (Vec::with_capacity(references.len()), Vec::new());
    for chunk in references.chunks(limits::BATCH_CHUNK) {
        // A snapshot per step: none is held for long.
        let snapshot = core.store.read()?;
        for reference in chunk {
            let row = match snapshot.resolve::<R>(reference) {
                Ok(id) => snapshot.get(R::TABLE, &keys::record_key(id))?,
                Err(e) if e.code() == crate::base::Code::NotFound => None,
                Err(e) => return Err(e),
            };
            match row {
                Some(row) if row::decode::<R>(&row)?.visible(ctx).is_ok() => {
                    rows.push(row::json::<R>(&row)?.into_owned());
                }
                Some(_) | None => missing.push(reference.clone()),
            }
        }
    }
    Ok((rows, missing))
}

/// How a bulk edit is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only say what would happen.
    Rehearse,
    /// All of it in one transaction, with one audit entry, to be undone as one; or nothing.
    Whole,
    /// Each record for itself: what fails leaves the others alone.
    Each,
}

/// What a bulk edit did.
#[derive(Debug)]
pub struct Done {
    /// Each record's outcome.
    pub outcomes: Vec<Outcome>,
    /// By what it can be undone.
    pub change_id: Option<Id>,
}

/// Edits many records.
pub async fn edit<R: BulkEdit>(
    core: &Core,
    ctx: &Ctx,
    verb: edit::Verb,
    selection: Selection,
    patch: R::Patch,
    mode: Mode,
) -> Result<Done> {
    ctx.require(Role::Operator)?;
    let references = select::<R>(core, selection)?;
    if mode == Mode::Whole {
        return edit_whole::<R>(core, ctx, verb, references, patch).await;
    }
    let mut outcomes = Vec::with_capacity(references.len());
    for chunk in references.chunks(limits::BATCH_CHUNK) {
        let (chunk, ctx, patch) = (chunk.to_vec(), ctx.clone(), patch.clone());
        if mode == Mode::Rehearse {
            outcomes.extend(rehearse_edits::<R>(core, chunk, ctx, patch).await?);
            continue;
        }
        let edits =
            chunk.into_iter().map(|r| edit_one::<R>(core, verb, r, ctx.clone(), patch.clone()));
        for outcome in futures_util::future::join_all(edits).await {
            outcomes.push(outcome?);
        }
    }
    Ok(Done { outcomes, change_id: None })
}

async fn edit_whole<R: BulkEdit>(
    core: &Core,
    ctx: &Ctx,
    verb: edit::Verb,
    references: Vec<Reference>,
    patch: R::Patch,
) -> Result<Done> {
    let author = Author {
        kind: ChangeKind::BulkEdit,
        action: verb,
        name: ctx.actor.name.clone(),
        import_id: None,
    };
    let (ctx, author) = (ctx.clone(), author.if_kept(core));
    core.store
        .write(verb, move |tx| {
            let all = |tx: &mut Tx<'_>| edit_all::<R>(tx, &ctx, &references, &patch);
            let (pairs, change) = undo::keep(tx, author.as_ref(), all)?;
            let outcomes = references.iter().zip(&pairs).map(|(reference, (old, new))| Outcome {
                reference: reference.clone(),
                id: Some(old.head().id),
                result: Ok(old != new),
            });
            let outcomes = outcomes.collect();
            let changed: Vec<(R, R)> = pairs.into_iter().filter(|(old, new)| old != new).collect();
            if !changed.is_empty() {
                audit::record(tx, &ctx, Entry::new(verb).on_all(&changed)?)?;
            }
            Ok(Done { outcomes, change_id: change.map(|change| change.id) })
        })
        .await
}

/// Most records that are named when a bulk edit is refused.
const NAMED: usize = 20;

/// Every record before and after; or an error that names those that cannot be changed.
fn edit_all<R: BulkEdit>(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    references: &[Reference],
    patch: &R::Patch,
) -> Result<Vec<(R, R)>> {
    let (part, mut policies) = (ctx.part(), Policies::of(tx)?);
    let mut pairs = Vec::with_capacity(references.len());
    let mut refused = Vec::new();
    for (n, reference) in references.iter().enumerate() {
        let done = edit::current::<R>(tx, reference, None)
            .and_then(|old| Ok((R::change(tx, &part, &mut policies, &old, patch)?, old)));
        match done {
            Ok((new, old)) => pairs.push((old, new)),
            Err(e) if e.code().status() < 500 => refused.push((n, e)),
            Err(e) => return Err(e),
        }
    }
    if refused.is_empty() {
        return Ok(pairs);
    }
    let all = references.len();
    let detail = format!("nothing was changed, because {} of {all} cannot be", refused.len());
    let code = refused[0].1.code();
    let error = refused.into_iter().take(NAMED).fold(Error::new(code, detail), |error, (n, e)| {
        error.with_field(format!("/ids/{n}"), format!("{}: {e}", references[n]))
    });
    Err(error)
}

/// One record, one transaction: what fails leaves the others alone. They wait for the
/// writer together and share its commits.
async fn edit_one<R: BulkEdit>(
    core: &Core,
    verb: edit::Verb,
    reference: Reference,
    ctx: Ctx,
    patch: R::Patch,
) -> Result<Outcome> {
    let named = reference.clone();
    let done = core
        .store
        .write(verb, move |tx| {
            let old: R = edit::current(tx, &named, None)?;
            let new = R::change(tx, &ctx, &mut Policies::of(tx)?, &old, &patch)?;
            Ok((old.head().id, old != new))
        })
        .await;
    outcome(reference, done)
}

fn outcome(reference: Reference, done: Result<(Id, bool)>) -> Result<Outcome> {
    match done {
        Ok((id, changed)) => Ok(Outcome { reference, id: Some(id), result: Ok(changed) }),
        // What is wrong with one record is its outcome; what is wrong with the server ends it.
        Err(e) if e.code().status() < 500 => {
            Ok(Outcome { reference, id: None, result: Err(e.to_string()) })
        }
        Err(e) => Err(e),
    }
}

/// Says what would become of these records.
async fn rehearse_edits<R: BulkEdit>(
    core: &Core,
    chunk: Vec<Reference>,
    ctx: Ctx,
    patch: R::Patch,
) -> Result<Vec<Outcome>> {
    rehearse(core, move |tx| {
        let mut policies = Policies::of(tx)?;
        let mut outcomes = Vec::with_capacity(chunk.len());
        for reference in &chunk {
            let done = edit::current::<R>(tx, reference, None).and_then(|old| {
                Ok((old.head().id, old != R::change(tx, &ctx, &mut policies, &old, &patch)?))
            });
            outcomes.push(outcome(reference.clone(), done)?);
        }
        Ok(outcomes)
    })
    .await
}

/// Runs `body` in a transaction that is then given up, and returns what it returned.
pub async fn rehearse<T: Send + 'static>(
    core: &Core,
    body: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let shared = std::sync::Arc::new(std::sync::Mutex::new(None));
    let seen = shared.clone();
    let given_up = core
        .store
        .write::<(), _>("bulk.rehearse", move |tx| {
            let result = body(tx)?;
            *seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(result);
            Err(Error::new(crate::base::Code::Conflict, REHEARSED))
        })
        .await;
    let result = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    match (given_up, result) {
        (Err(e), Some(result)) if e.detail() == REHEARSED => Ok(result),
        (Err(e), _) => Err(e),
        (Ok(()), _) => Err(Error::internal("a rehearsal was not given up")),
    }
}

const REHEARSED: &str = "a rehearsal, not to be kept";

fn select<R: Record>(core: &Core, selection: Selection) -> Result<Vec<Reference>> {
    let references = match selection {
        Selection::References(references) => references,
        Selection::Filters(filters) => {
            let snapshot = core.store.read()?;
            let ids = plan::ids::<R>(&core.store, &*snapshot, &filters)?;
            check_size(ids.len() as usize)?;
            ids.iter().map(|id| Reference::Id(id.into())).collect()
        }
    };
    check_size(references.len())?;
    Ok(references)
}

fn check_size(n: usize) -> Result<()> {
    if n > limits::BATCH_IDS {
        return Err(Error::field(
            "/ids",
            format!("{n} records are more than the {} of one request", limits::BATCH_IDS),
        ));
    }
    Ok(())
}
