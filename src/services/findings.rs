//! Findings: triage, alone and in bulk. They come into being by imports only.

use super::policies::Policies;
use super::tally::Tally;
use super::{Core, Ctx, decisions, edit};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::asset::Asset;
use crate::domain::decision::{self, Decision, DecisionScope, DecisionState};
use crate::domain::finding::{Finding, FindingPatch};
use crate::domain::status::{Cause, Verdict};
use crate::domain::user::Role;
use crate::domain::vulnerability::Vulnerability;
use crate::store::{Direction, Read, Tx};

/// Changes a finding.
pub async fn update(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: FindingPatch,
) -> Result<Finding> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("findings.update", move |tx| {
            let old: Finding = edit::current(tx, &reference, expected)?;
            change(tx, &ctx, &mut Policies::of(tx)?, &old, &patch)
        })
        .await
}

/// Changes a finding within a transaction; for bulk edits too. A status that is a verdict
/// is a decision about this finding, which outlives it. The rules are read once for many.
pub fn change(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    policies: &mut Policies,
    old: &Finding,
    patch: &FindingPatch,
) -> Result<Finding> {
    let mut new = patch.apply(old.clone(), &ctx.actor.name)?;
    let wanted = patch.status.unwrap_or(old.status);
    let reason = new.status_reason.clone().filter(|reason| !reason.trim().is_empty());
    new.status_reason.clone_from(if old.verdict.is_some() { &old.status_reason } else { &reason });
    new.settle(Cause {
        at: tx.now(),
        actor: &ctx.actor.name,
        reason: reason.as_deref(),
        import_id: None,
    });
    let asset: Asset = tx.require(old.asset_id)?;
    // What a person no longer says, decisions and rules may.
    decision::fill(&decisions::candidates(tx, &new, &asset)?, &mut new, &asset.tags);
    policies.apply(tx, &mut new, &asset)?;
    let new = edit::save(tx, ctx, "findings.update", old, new)?;
    let mut tally = Tally::default();
    tally.moved(Some(old), Some(&new));
    tally.flush(tx)?;
    match wanted.verdict() {
        Some(verdict) => decide(tx, ctx, &new, verdict, reason, patch)?,
        None if old.verdict.is_some() && wanted != old.status => take_back(tx, ctx, old)?,
        None => {}
    }
    tx.require(old.id)
}

/// Decides about one finding, unless that is what holds already.
fn decide(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    finding: &Finding,
    verdict: Verdict,
    reason: Option<String>,
    patch: &FindingPatch,
) -> Result<()> {
    let Some(reason) = reason else {
        return Err(Error::field("/status_reason", format!("{verdict} needs a reason")));
    };
    let mut decision = Decision {
        kind: verdict.into(),
        reason: Some(reason),
        author: ctx.actor.name.clone(),
        expires_at: patch.expires_at,
        compensating_control: patch.compensating_control.clone(),
        justification: patch.justification,
        ..Decision::default()
    };
    decisions::about(&mut decision, finding);
    let holding = finding.decision_id.map_or(Ok(None), |id| tx.find::<Decision>(id))?;
    if let Some(holding) = holding.filter(|d| d.scope == DecisionScope::Finding) {
        let same = (holding.kind, &holding.reason) == (decision.kind, &decision.reason)
            && patch.expires_at.is_none_or(|at| holding.expires_at == Some(at));
        if same {
            return Ok(());
        }
        decisions::end(tx, ctx, holding, DecisionState::Revoked)?;
    }
    if patch.expires_at.is_some_and(|at| at <= tx.now()) {
        return Err(Error::field("/expires_at", "it lies in the past"));
    }
    decisions::make(tx, ctx, decision).map(drop)
}

/// Takes back what was decided about one finding; what was decided about many is taken
/// back for all of them, elsewhere.
fn take_back(tx: &mut Tx<'_>, ctx: &Ctx, finding: &Finding) -> Result<()> {
    let Some(id) = finding.decision_id else { return Ok(()) };
    let decision: Decision = tx.require(id)?;
    if decision.scope != DecisionScope::Finding {
        let detail = format!(
            "the finding is {} by decision {id}, which reaches further ({}); revoke or change that",
            finding.status, decision.scope
        );
        return Err(Error::new(Code::Conflict, detail));
    }
    decisions::end(tx, ctx, decision, DecisionState::Revoked).map(drop)
}

/// Removes a finding for good; an administrator's last resort, since the next import may
/// bring it back as a new one.
pub async fn delete(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<()> {
    ctx.require(Role::Admin)?;
    edit::delete(core, ctx, "findings.delete", reference, expected, |tx, old: &Finding| {
        let mut tally = Tally::default();
        tally.moved(Some(old), None);
        tally.flush(tx)
    })
    .await
}

/// Removes up to `limit` findings under an index prefix, without an entry for each (the
/// caller audits the whole). Returns how many.
pub fn delete_some(tx: &mut Tx<'_>, index: &str, id: u64, limit: usize) -> Result<usize> {
    let ids = tx.ids_under::<Finding>(index, &[id.into()], Direction::Forward, limit)?;
    let mut tally = Tally::default();
    for id in &ids {
        let old = tx.delete::<Finding>(*id)?;
        tally.moved(Some(&old), None);
    }
    tally.flush(tx)?;
    Ok(ids.len())
}

/// Rescores up to `limit` findings under an index prefix after `after`; for changes of an
/// asset's criticality or a vulnerability's scores. Returns the last number, or `None`.
pub fn rescore_some(
    tx: &mut Tx<'_>,
    policies: &mut Policies,
    index: &str,
    of: u64,
    after: u64,
    limit: usize,
) -> Result<Option<u64>> {
    // The indexes order by more than the number, so the whole prefix is listed; it is as
    // long as the asset or vulnerability has findings.
    let mut ids = tx.ids_under::<Finding>(index, &[of.into()], Direction::Forward, usize::MAX)?;
    ids.sort_unstable();
    let next = ids.partition_point(|id| *id <= after);
    let page = &ids[next..ids.len().min(next.saturating_add(limit))];
    let mut tally = Tally::default();
    for id in page {
        let finding: Finding = tx.require(*id)?;
        let scored = score(tx, finding.clone(), policies)?;
        if scored != finding {
            let scored = tx.update(scored)?;
            tally.moved(Some(&finding), Some(&scored));
        }
    }
    tally.flush(tx)?;
    Ok(page.last().copied())
}

/// Rescores all findings of a vulnerability within a transaction.
pub fn rescore_all_of(tx: &mut Tx<'_>, policies: &mut Policies, vulnerability: u64) -> Result<()> {
    rescore_some(tx, policies, BY_VULNERABILITY, vulnerability, 0, usize::MAX).map(drop)
}

/// Takes over what the vulnerability and the asset say, scores it, and lets rules follow.
fn score(tx: &Tx<'_>, finding: Finding, policies: &mut Policies) -> Result<Finding> {
    let vulnerability: Vulnerability = tx.require(finding.vulnerability_id)?;
    let asset: Asset = tx.require(finding.asset_id)?;
    let mut finding = scored(finding, &vulnerability, asset.criticality);
    policies.apply_with(tx, &mut finding, &asset, &vulnerability);
    Ok(finding)
}

/// The finding with the scores that follow from its vulnerability and its asset.
#[must_use]
pub fn scored(mut finding: Finding, vulnerability: &Vulnerability, criticality: u8) -> Finding {
    finding.cvss_score = vulnerability.cvss_score;
    finding.epss_score = vulnerability.epss_score;
    finding.kev = vulnerability.kev;
    finding.title.clone_from(&vulnerability.title);
    finding.priority_score =
        crate::domain::priority::score(&vulnerability.factors(finding.severity, criticality));
    finding
}

/// What findings take over from their vulnerability: if it changes, they are scored anew.
#[must_use]
pub fn show(v: &Vulnerability) -> impl PartialEq + use<'_> {
    (&v.title, v.cvss_score, v.epss_score, v.kev, v.exploit_available)
}

/// Findings of assets by number.
pub const BY_ASSET: &str = "idx_asset_vulnerabilities_identity";
/// Findings of vulnerabilities by number.
pub const BY_VULNERABILITY: &str = "idx_asset_vulnerabilities_vulnerability_id";

/// Removes in steps what hangs on an asset or vulnerability.
pub async fn delete_all(core: &Core, index: &'static str, id: u64) -> Result<()> {
    loop {
        let n = core
            .store
            .write("findings.delete_all", move |tx| delete_some(tx, index, id, CHUNK))
            .await?;
        if n < CHUNK {
            return Ok(());
        }
    }
}

/// Rescores in steps what hangs on an asset or vulnerability.
pub async fn rescore_all(core: &Core, index: &'static str, id: u64) -> Result<()> {
    let mut after = 0;
    while let Some(last) = core
        .store
        .write("findings.rescore", move |tx| {
            rescore_some(tx, &mut Policies::of(tx)?, index, id, after, CHUNK)
        })
        .await?
    {
        after = last;
    }
    Ok(())
}

const CHUNK: usize = 500;

/// Refuses to remove something that has open findings unless it is forced.
pub fn refuse_open(noun: &str, open: u64, force: bool) -> Result<()> {
    if open > 0 && !force {
        return Err(Error::new(
            Code::Conflict,
            format!("the {noun} has {open} open findings; pass force=true to remove them with it"),
        ));
    }
    Ok(())
}
