//! Rules and SLA policies: made, changed, put in order and removed by people. Each change
//! lets the findings follow by a job, in the same transaction.

use super::audit::{self, Entry};
use super::edit::{self, Verb};
use super::policies::{all, changed};
use super::{Core, Ctx};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::rule::{NewRule, Rule, RulePatch};
use crate::domain::ruleset::Ordered;
use crate::domain::sla::{NewSlaPolicy, SlaPolicy, SlaPolicyPatch};
use crate::domain::user::Role;
use crate::store::{Read, Tx};

/// What can be made and changed in this way.
pub trait Editable: Ordered {
    /// A new one as a client sends it.
    type New: Clone + Send + Sync + 'static;
    /// A change.
    type Patch: Clone + Send + Sync + 'static;
    /// Names of its transactions: create, update, reorder, delete.
    const VERBS: [Verb; 4];
    /// The record that a client describes.
    fn build(new: Self::New) -> Result<Self>;
    /// The record with a change.
    fn patched(self, patch: &Self::Patch) -> Result<Self>;
}

impl Editable for Rule {
    type New = NewRule;
    type Patch = RulePatch;
    const VERBS: [Verb; 4] = ["rules.create", "rules.update", "rules.reorder", "rules.delete"];

    fn build(new: NewRule) -> Result<Self> {
        new.build()
    }

    fn patched(self, patch: &RulePatch) -> Result<Self> {
        patch.apply(self)
    }
}

impl Editable for SlaPolicy {
    type New = NewSlaPolicy;
    type Patch = SlaPolicyPatch;
    const VERBS: [Verb; 4] = ["sla.create", "sla.update", "sla.reorder", "sla.delete"];

    fn build(new: NewSlaPolicy) -> Result<Self> {
        new.build()
    }

    fn patched(self, patch: &SlaPolicyPatch) -> Result<Self> {
        patch.apply(self)
    }
}

/// Stores a new one, behind the others.
pub async fn create<R: Editable>(core: &Core, ctx: &Ctx, new: R::New) -> Result<R> {
    let by = ctx.actor.name.clone();
    edit::create(core, ctx, R::VERBS[0], move |tx| {
        let known = all::<R>(tx)?;
        if known.len() >= R::MOST {
            let detail = format!("there are {} already, and no more can be", R::MOST);
            return Err(Error::new(Code::Conflict, detail));
        }
        let mut record = R::build(new.clone())?;
        record.set_order(known.last().map_or(0, Ordered::order) + 1);
        changed(tx, &by)?;
        Ok(record)
    })
    .await
}

/// Changes one.
pub async fn update<R: Editable>(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: R::Patch,
) -> Result<R> {
    let by = ctx.actor.name.clone();
    edit::update(core, ctx, R::VERBS[1], reference, expected, move |tx, old: R| {
        let new = old.clone().patched(&patch)?;
        if new != old {
            changed(tx, &by)?;
        }
        Ok(new)
    })
    .await
}

/// The record that a client describes, in the place of the stored one with this number, if
/// there is one. Nothing is stored.
pub fn draft<R: Editable>(core: &Core, ctx: &Ctx, id: Option<u64>, new: R::New) -> Result<R> {
    ctx.require(Role::Operator)?;
    let mut draft = R::build(new)?;
    if let Some(id) = id {
        let known: R = core
            .store
            .read()?
            .find(id)?
            .ok_or_else(|| Error::field("id", format!("there is no {} {id}", R::NOUN)))?;
        draft.set_head(known.head());
    }
    Ok(draft)
}

/// Removes one; what it has set is taken back.
pub async fn delete<R: Editable>(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<()> {
    let by = ctx.actor.name.clone();
    edit::delete(core, ctx, R::VERBS[3], reference, expected, move |tx, _: &R| changed(tx, &by))
        .await
}

/// Puts all of them in this order; `ids` must name each once.
pub async fn reorder<R: Editable>(core: &Core, ctx: &Ctx, ids: Vec<u64>) -> Result<Vec<u64>> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write(R::VERBS[2], move |tx| {
            let known = all::<R>(tx)?;
            let mut named = ids.clone();
            named.sort_unstable();
            named.dedup();
            let mut there: Vec<u64> = known.iter().map(|r| r.head().id).collect();
            there.sort_unstable();
            if named != there || ids.len() != there.len() {
                let detail = format!("name each {} once; there are {}", R::NOUN, list(&there));
                return Err(Error::new(Code::Conflict, detail));
            }
            if known.iter().map(|r| r.head().id).eq(ids.iter().copied()) {
                return Ok(ids.clone());
            }
            place(tx, &ctx, &known, &ids)?;
            Ok(ids.clone())
        })
        .await
}

fn place<R: Editable>(tx: &mut Tx<'_>, ctx: &Ctx, known: &[R], ids: &[u64]) -> Result<()> {
    for record in known {
        let place = ids.iter().position(|id| *id == record.head().id).unwrap_or(ids.len());
        let mut moved = record.clone();
        moved.set_order(place as u64 + 1);
        if moved != *record {
            tx.update(moved)?;
        }
    }
    let detail = format!("in this order: {}", list(ids));
    audit::record(tx, ctx, Entry::new(R::VERBS[2]).detail(detail))?;
    changed(tx, &ctx.actor.name)
}

fn list(ids: &[u64]) -> String {
    ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
