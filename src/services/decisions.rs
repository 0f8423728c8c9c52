//! Decisions: made, previewed, changed and revoked by people; stated by VEX documents;
//! ended by time. What a decision means for a finding is decided in the domain.

use super::audit::{self, Entry};
use super::findings::BY_VULNERABILITY;
use super::policies::{self, Policies};
use super::tally::Tally;
use super::{Core, Ctx, aliases, edit};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::decision::{
    self, Decision, DecisionPatch, DecisionScope, DecisionState, NewDecision,
};
use crate::domain::finding::Finding;
use crate::domain::origin::{Origin, OriginKind};
use crate::domain::status::Cause;
use crate::domain::user::Role;
use crate::store::{Direction, Read, Tx};

mod vex;

pub use vex::{Told, state};

/// The decisions that may apply to a finding on an asset.
pub fn candidates(tx: &Tx<'_>, finding: &Finding, asset: &Asset) -> Result<Vec<Decision>> {
    let mut found = Vec::new();
    if !tx.has_had_any::<Decision>()? {
        return Ok(found);
    }
    for key in Decision::keys_for(finding.vulnerability_id, asset.id, &asset.tags) {
        let ids = tx.ids_under::<Decision>(
            "idx_decisions_lookup",
            &[(&key).into()],
            Direction::Forward,
            usize::MAX,
        )?;
        for id in ids {
            found.push(tx.require(id)?);
        }
    }
    Ok(found)
}

/// What a decision matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The decision as it would be stored.
    pub decision: Decision,
    /// How many findings it applies to.
    pub matched: u64,
    /// How many of them would change.
    pub changed: u64,
    /// The numbers of the first hundred.
    pub findings: Vec<u64>,
}

/// Most numbers in a preview.
const PREVIEW: usize = 100;

/// Makes a decision; findings follow in the same transaction.
pub async fn create(core: &Core, ctx: &Ctx, new: NewDecision) -> Result<Decision> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("decisions.create", move |tx| {
            let decision = build(tx, &ctx, new.clone())?;
            make(tx, &ctx, decision)
        })
        .await
}

/// Stores and applies a decision within a transaction.
pub fn make(tx: &mut Tx<'_>, ctx: &Ctx, decision: Decision) -> Result<Decision> {
    let decision = tx.insert(decision)?;
    let reach = follow(tx, &decision, &ctx.actor.name, decision.reason.as_deref())?;
    let entry = Entry::new("decisions.create")
        .on::<Decision>(decision.id, label(&decision))
        .changes(None, Some(&decision))?
        .detail(format!("applies to {} findings", reach.matched));
    audit::record(tx, ctx, entry)?;
    Ok(decision)
}

fn label(decision: &Decision) -> String {
    format!("{} {}", decision.kind, decision.vulnerability)
}

/// Says what a decision would do.
pub async fn preview(core: &Core, ctx: &Ctx, new: NewDecision) -> Result<Preview> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    super::bulk::rehearse(core, move |tx| {
        let decision = build(tx, &ctx, new.clone())?;
        let decision = tx.insert(decision)?;
        let reach = follow(tx, &decision, &ctx.actor.name, None)?;
        Ok(Preview {
            decision: Decision { id: 0, ..decision },
            matched: reach.matched,
            changed: reach.changed,
            findings: reach.ids,
        })
    })
    .await
}

/// The decision that a client describes, with what it is about looked up.
fn build(tx: &Tx<'_>, ctx: &Ctx, new: NewDecision) -> Result<Decision> {
    let (finding_id, named) = (new.finding_id, new.vulnerability.clone());
    let mut decision = new.build(ctx.actor.name.clone(), tx.now())?;
    if let Some(id) = finding_id {
        let finding: Finding = tx
            .find(id)?
            .ok_or_else(|| Error::field("/finding_id", format!("there is no finding {id}")))?;
        about(&mut decision, &finding);
        return Ok(decision);
    }
    let id = named.unwrap_or_default().trim().to_ascii_uppercase();
    let v = aliases::find(tx, &id)?.ok_or_else(|| {
        Error::field("/vulnerability", format!("no vulnerability is known as '{id}'"))
    })?;
    (decision.vulnerability_id, decision.vulnerability) = (v.id, id);
    if let Some(name) = decision.asset.take() {
        let reference = name.parse().unwrap_or(Reference::Key(name.clone()));
        let asset_id = tx
            .resolve::<Asset>(&reference)
            .map_err(|_| Error::field("/asset", format!("there is no asset '{name}'")))?;
        let asset: Asset = tx.require(asset_id)?;
        (decision.asset_id, decision.asset) = (Some(asset_id), Some(asset.asset_id));
    }
    Ok(decision)
}

/// Binds a decision of scope `finding` to what the finding is.
pub fn about(decision: &mut Decision, finding: &Finding) {
    decision.scope = DecisionScope::Finding;
    decision.vulnerability_id = finding.vulnerability_id;
    decision.vulnerability.clone_from(&finding.cve_id);
    decision.asset_id = Some(finding.asset_id);
    decision.asset = Some(finding.asset.clone());
    decision.package = Some(finding.component.package());
    decision.location = finding.location();
}

/// Changes a decision; findings follow.
pub async fn update(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: DecisionPatch,
) -> Result<Decision> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("decisions.update", move |tx| {
            let old: Decision = edit::current(tx, &reference, expected)?;
            let new = patch.apply(old.clone(), tx.now())?;
            let new = edit::save(tx, &ctx, "decisions.update", &old, new)?;
            if new != old {
                follow(tx, &new, &ctx.actor.name, new.reason.as_deref())?;
            }
            Ok(new)
        })
        .await
}

/// Takes a decision back; it is kept, as a record of what held until now.
pub async fn revoke(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<Decision> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("decisions.revoke", move |tx| {
            let old: Decision = edit::current(tx, &reference, expected)?;
            end(tx, &ctx, old, DecisionState::Revoked)
        })
        .await
}

/// Ends a decision within a transaction.
pub fn end(tx: &mut Tx<'_>, ctx: &Ctx, old: Decision, state: DecisionState) -> Result<Decision> {
    if old.state != DecisionState::Active {
        let detail = format!("the decision is {} already", old.state);
        return Err(Error::new(Code::Conflict, detail));
    }
    let (verb, why) = match state {
        DecisionState::Expired => ("decisions.expire", "has expired"),
        DecisionState::Active | DecisionState::Revoked => ("decisions.revoke", "was revoked"),
    };
    let new = Decision {
        state,
        ended_at: Some(tx.now()),
        ended_by: Some(ctx.actor.name.clone()),
        ..old.clone()
    };
    let new = edit::save(tx, ctx, verb, &old, new)?;
    let reason = format!("decision {} ({}) {why}", new.id, new.kind);
    follow(tx, &new, &ctx.actor.name, Some(&reason))?;
    Ok(new)
}

/// Ends the decisions whose time is over. Returns how many.
pub async fn expire(core: &Core) -> Result<usize> {
    let mut ended = 0;
    loop {
        // Looked for in a snapshot first: without anything to do nothing is written.
        if next_to_end(&*core.store.read()?, core.now())?.is_none() {
            return Ok(ended);
        }
        ended += core
            .store
            .write("decisions.expire", |tx| {
                let Some(decision) = next_to_end(tx, tx.now())? else { return Ok(0) };
                end(tx, &Ctx::system(), decision, DecisionState::Expired).map(|_| 1)
            })
            .await?;
    }
}

fn next_to_end<S: Read + ?Sized>(source: &S, now: Timestamp) -> Result<Option<Decision>> {
    let ids =
        source.ids_under::<Decision>("idx_decisions_ends_next", &[], Direction::Forward, 1)?;
    let decision = ids.first().map_or(Ok(None), |id| source.find::<Decision>(*id))?;
    Ok(decision.filter(|d| d.expires_at.is_some_and(|at| at <= now)))
}

/// What a decision reaches.
#[derive(Default)]
struct Reach {
    matched: u64,
    changed: u64,
    ids: Vec<u64>,
}

/// Lets the findings of its vulnerability follow a decision that was made, changed or
/// ended.
fn follow(
    tx: &mut Tx<'_>,
    decision: &Decision,
    actor: &str,
    reason: Option<&str>,
) -> Result<Reach> {
    let under = [decision.vulnerability_id.into()];
    let ids = tx.ids_under::<Finding>(BY_VULNERABILITY, &under, Direction::Forward, usize::MAX)?;
    let (mut reach, mut tally) = (Reach::default(), Tally::default());
    let mut policies = Policies::of(tx)?;
    let cause = Cause { at: tx.now(), actor, reason, import_id: None };
    for id in ids {
        let before: Finding = tx.require(id)?;
        let asset: Asset = tx.require(before.asset_id)?;
        let applies = decision.applies(&before, &asset.tags);
        if !applies && !follows(&before, decision.id) {
            continue;
        }
        if applies {
            reach.matched += 1;
            if reach.ids.len() < PREVIEW {
                reach.ids.push(id);
            }
        }
        if let Some(after) = refresh(tx, &mut policies, &before, &asset, cause)? {
            tally.moved(Some(&before), Some(&after));
            reach.changed += 1;
        }
    }
    tally.flush(tx)?;
    Ok(reach)
}

/// Whether a finding has something from a decision.
fn follows(finding: &Finding, decision: u64) -> bool {
    let from = [&finding.assigned_by, &finding.due_by, &finding.notes_by];
    let id = |by: &Option<Origin>| Origin::id_of(by.as_ref(), OriginKind::Decision);
    finding.decision_id == Some(decision) || from.into_iter().any(|by| id(by) == Some(decision))
}

/// Gives findings what decisions and rules say now: after they, or the decisions, have moved.
pub fn refresh_all(tx: &mut Tx<'_>, ids: Vec<u64>, actor: &str) -> Result<()> {
    if !tx.has_had_any::<Decision>()? {
        return policies::reapply(tx, &mut Policies::of(tx)?, &ids).map(drop);
    }
    let (mut tally, mut policies) = (Tally::default(), Policies::of(tx)?);
    let cause = Cause { at: tx.now(), actor, reason: None, import_id: None };
    for id in ids {
        let before: Finding = tx.require(id)?;
        let asset: Asset = tx.require(before.asset_id)?;
        if let Some(after) = refresh(tx, &mut policies, &before, &asset, cause)? {
            tally.moved(Some(&before), Some(&after));
        }
    }
    tally.flush(tx)
}

/// Gives a finding what decisions and rules say now. Returns it if that changed it.
pub fn refresh(
    tx: &mut Tx<'_>,
    policies: &mut Policies,
    before: &Finding,
    asset: &Asset,
    cause: Cause<'_>,
) -> Result<Option<Finding>> {
    let candidates = candidates(tx, before, asset)?;
    let mut after = before.clone();
    decision::apply(&candidates, &mut after, &asset.tags);
    after.settle(cause);
    policies.apply(tx, &mut after, asset)?;
    if after == *before {
        return Ok(None);
    }
    tx.update(after).map(Some)
}
