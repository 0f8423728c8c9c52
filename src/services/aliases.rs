//! Ids that mean the same vulnerability: records join and part, and findings, decisions
//! and patches go along.

use super::findings::BY_VULNERABILITY;
use super::moving::Movement;
use super::policies::Policies;
use super::{Core, Ctx, audit, decisions, edit, findings};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::alias::{self, Ids, Join};
use crate::domain::decision::Decision;
use crate::domain::finding::{Finding, Source};
use crate::domain::merge;
use crate::domain::observation::VulnerabilityObservation;
use crate::domain::patch::Patch;
use crate::domain::user::Role;
use crate::domain::vulnerability::Vulnerability;
use crate::store::{Direction, Read, Tx};

/// What is known under the ids of an observation.
pub struct Found {
    known: Vec<Vulnerability>,
    join: Join,
}

impl Found {
    /// Whether agreeing on it moves findings or changes their names; the caller must have
    /// written what it holds of assets and vulnerabilities by then.
    #[must_use]
    pub fn moves(&self) -> bool {
        let Some(keep) = self.join.keep else { return false };
        let name = &self.known[keep].cve_id;
        let renames = !alias::is_cve(name) && self.join.ids.iter().any(|id| alias::is_cve(id));
        renames || !self.join.absorb.is_empty()
    }
}

/// Whether a record has every id that an observation gives it.
#[must_use]
pub fn has_all(v: &Vulnerability, seen: &VulnerabilityObservation) -> bool {
    if seen.aliases.is_empty() {
        return v.has_id(&seen.id);
    }
    let ids = Ids::of(seen);
    ids.all().all(|id| v.has_id(id)) && ids.advisories.iter().all(|id| v.advisories.contains(id))
}

/// Looks up what an observation means by any of its ids.
pub fn look_up(tx: &Tx<'_>, seen: &VulnerabilityObservation) -> Result<Found> {
    let ids = Ids::of(seen);
    let mut known: Vec<Vulnerability> = Vec::new();
    for id in ids.all() {
        if let Some(v) = find(tx, id)?.filter(|v| known.iter().all(|k| k.id != v.id)) {
            known.push(v);
        }
    }
    let join = alias::join(&known.iter().collect::<Vec<_>>(), &ids);
    Ok(Found { known, join })
}

/// Joins records that turn out to be the same, and gives the record that is meant the ids
/// it lacks. `Err(ids)` in the result: there is none yet, and a new one has these.
pub fn agree(
    tx: &mut Tx<'_>,
    found: Found,
    by: &str,
) -> Result<std::result::Result<Vulnerability, Vec<String>>> {
    let Found { known, join: Join { keep, absorb, ids } } = found;
    let Some(keep) = keep else { return Ok(Err(ids)) };
    let mut v = known[keep].clone();
    for position in absorb {
        v = absorb_one(tx, &v, &known[position], by)?;
    }
    add_ids(tx, v, &ids).map(Ok)
}

/// The record that has this id, as its name or as an alias.
pub fn find(source: &(impl Read + ?Sized), id: &str) -> Result<Option<Vulnerability>> {
    if let Some(v) = source.find_by("idx_vulnerabilities_cve_id", &[id.into()])? {
        return Ok(Some(v));
    }
    let under = source.ids_under::<Vulnerability>(
        "idx_vulnerabilities_alias",
        &[id.into()],
        Direction::Forward,
        1,
    )?;
    under.first().map_or(Ok(None), |id| source.find(*id))
}

/// A new record with these ids.
#[must_use]
pub fn new(
    ids: &[String],
    seen: &VulnerabilityObservation,
    by: String,
    at: Timestamp,
) -> Vulnerability {
    let name = ids.first().unwrap_or(&seen.id);
    let mut v = Vulnerability::new(name.clone(), by, at);
    for id in ids.iter().skip(1) {
        v.add_id(id);
    }
    v
}

/// Gives a record further ids; its findings follow if it is known by another name then.
fn add_ids(tx: &mut Tx<'_>, v: Vulnerability, ids: &[String]) -> Result<Vulnerability> {
    let before = v.cve_id.clone();
    let mut after = v.clone();
    for id in ids {
        after.add_id(id);
    }
    if after == v {
        return Ok(v);
    }
    let after = tx.update(after)?;
    if after.cve_id == before {
        let mut policies = Policies::of(tx)?;
        if policies.names_ids() {
            findings::rescore_all_of(tx, &mut policies, after.id)?;
        }
        return tx.require(after.id);
    }
    for id in findings_of(tx, after.id)? {
        let mut finding: Finding = tx.require(id)?;
        remember(&mut finding, &before);
        finding.cve_id.clone_from(&after.cve_id);
        merge::leave_own_names(&mut finding);
        tx.update(finding)?;
    }
    findings::rescore_all_of(tx, &mut Policies::of(tx)?, after.id)?;
    tx.require(after.id)
}

fn findings_of(tx: &Tx<'_>, vulnerability: u64) -> Result<Vec<u64>> {
    tx.ids_under::<Finding>(
        BY_VULNERABILITY,
        &[vulnerability.into()],
        Direction::Forward,
        usize::MAX,
    )
}

/// Notes on the sources under which id they reported, now that it is no longer the
/// finding's own.
fn remember(finding: &mut Finding, id: &str) {
    for source in &mut finding.sources {
        source.vulnerability.get_or_insert_with(|| id.to_owned());
    }
}

/// A finding of another vulnerability; its sources remember under which id they saw it.
fn moved(mut finding: Finding, to: &Vulnerability) -> Finding {
    let own = finding.cve_id.clone();
    remember(&mut finding, &own);
    Finding { vulnerability_id: to.id, cve_id: to.cve_id.clone(), ..finding }
}

/// Makes `other` a part of `v`.
fn absorb_one(
    tx: &mut Tx<'_>,
    v: &Vulnerability,
    other: &Vulnerability,
    by: &str,
) -> Result<Vulnerability> {
    let mut movement = Movement::new(tx.now(), by);
    for id in findings_of(tx, other.id)? {
        movement.take_in(tx, moved(tx.require(id)?, v))?;
    }
    movement.finish(tx)?;
    for id in decisions_of(tx, other.id)? {
        let decision: Decision = tx.require(id)?;
        tx.update(Decision { vulnerability_id: v.id, ..decision })?;
    }
    let patches = tx.ids_under::<Patch>(
        "idx_patches_vulnerability_id",
        &[other.id.into()],
        Direction::Forward,
        usize::MAX,
    )?;
    for id in patches {
        let patch: Patch = tx.require(id)?;
        tx.update(Patch { vulnerability_id: v.id, ..patch })?;
    }
    let all = findings_of(tx, v.id)?;
    decisions::refresh_all(tx, all, by)?;
    tx.delete::<Vulnerability>(other.id)?;
    let mut joined: Vulnerability = tx.require(v.id)?;
    merge::vulnerabilities(&mut joined, other);
    let joined = tx.update(joined)?;
    findings::rescore_all_of(tx, &mut Policies::of(tx)?, joined.id)?;
    let joined: Vulnerability = tx.require(joined.id)?;
    let ids: Vec<String> = std::iter::once(&other.cve_id).chain(&other.aliases).cloned().collect();
    let joined = add_ids(tx, joined, &ids)?;
    let detail = format!("{} is the same as {}, says {by}", other.cve_id, joined.cve_id);
    let entry = audit::Entry::new("vulnerabilities.join")
        .on::<Vulnerability>(joined.id, &joined.cve_id)
        .detail(detail);
    audit::record(tx, &Ctx::system(), entry)?;
    Ok(joined)
}

fn decisions_of(tx: &Tx<'_>, vulnerability: u64) -> Result<Vec<u64>> {
    tx.ids_under::<Decision>(
        "idx_decisions_vulnerability_id",
        &[vulnerability.into()],
        Direction::Forward,
        usize::MAX,
    )
}

/// Joins the vulnerabilities that have these ids: a person says that they are the same.
pub async fn join(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    ids: Vec<String>,
) -> Result<Vulnerability> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("vulnerabilities.join", move |tx| {
            let before: Vulnerability = edit::current(tx, &reference, expected)?;
            let mut v = before.clone();
            v.distinct_from.retain(|id| !ids.contains(id));
            for id in &ids {
                let other = find(tx, id)?.filter(|other| other.id != v.id);
                if let Some(other) = &other
                    && alias::is_cve(&other.cve_id)
                    && alias::is_cve(&v.cve_id)
                {
                    let detail = format!("{} and {} are different CVEs", v.cve_id, other.cve_id);
                    return Err(Error::new(Code::Conflict, detail));
                }
                if v != tx.require::<Vulnerability>(v.id)? {
                    v = tx.update(v)?;
                }
                if let Some(mut other) = other {
                    other.distinct_from.retain(|id| !before.has_id(id));
                    v = absorb_one(tx, &v, &other, &ctx.actor.name)?;
                }
                v = add_ids(tx, v, std::slice::from_ref(id))?;
            }
            edit::note(tx, &ctx, "vulnerabilities.join", &before, &v)?;
            Ok(v)
        })
        .await
}

/// Parts a vulnerability: `ids` become one of their own, with the findings that scanners
/// reported under them. Returns the new one.
pub async fn part(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    ids: Vec<String>,
) -> Result<Vulnerability> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("vulnerabilities.part", move |tx| {
            let before: Vulnerability = edit::current(tx, &reference, expected)?;
            let (rest, new) = parted(&before, &ids)?;
            let rest = tx.update(rest)?;
            let new = tx.insert(new)?;
            let by = ctx.actor.name.clone();
            let mut movement = Movement::new(tx.now(), &by);
            for id in findings_of(tx, rest.id)? {
                let finding: Finding = tx.require(id)?;
                let theirs =
                    |s: &Source| s.vulnerability.as_ref().is_some_and(|id| ids.contains(id));
                movement.part(tx, finding, &theirs, &|f| moved(f, &new))?;
            }
            movement.finish(tx)?;
            for id in decisions_of(tx, rest.id)? {
                let decision: Decision = tx.require(id)?;
                if ids.contains(&decision.vulnerability) {
                    tx.update(Decision { vulnerability_id: new.id, ..decision })?;
                }
            }
            for vulnerability in [rest.id, new.id] {
                let all = findings_of(tx, vulnerability)?;
                decisions::refresh_all(tx, all, &by)?;
            }
            edit::note(tx, &ctx, "vulnerabilities.part", &before, &rest)?;
            tx.require(new.id)
        })
        .await
}

/// What is left of a vulnerability without `ids`, and what they make.
fn parted(v: &Vulnerability, ids: &[String]) -> Result<(Vulnerability, Vulnerability)> {
    if let Some(foreign) = ids.iter().find(|id| !v.has_id(id)) {
        return Err(Error::field("/ids", format!("'{foreign}' is no id of {}", v.cve_id)));
    }
    let mut stay: Vec<&String> =
        std::iter::once(&v.cve_id).chain(&v.aliases).filter(|id| !ids.contains(id)).collect();
    stay.sort_by_key(|id| !alias::is_cve(id));
    let (Some((first, others)), false) = (stay.split_first(), ids.is_empty()) else {
        return Err(Error::field("/ids", "at least one id goes, and one stays"));
    };
    if **first != v.cve_id {
        // The name goes with the findings; it must not change under those that stay.
        let detail = format!("{} names the vulnerability; part the others", v.cve_id);
        return Err(Error::field("/ids", detail));
    }
    let mut rest = v.clone();
    rest.aliases = others.iter().map(|id| (*id).clone()).collect();
    rest.distinct_from.extend(ids.iter().cloned());
    let mut new = v.clone();
    (new.cve_id, new.aliases) = (ids[0].clone(), ids[1..].to_vec());
    // The text was about both; the next report says what this one is.
    new.title.clone_from(&new.cve_id);
    new.distinct_from =
        std::iter::once(rest.cve_id.clone()).chain(rest.aliases.iter().cloned()).collect();
    (new.open_findings, new.total_findings) = (0, 0);
    Ok((rest, new))
}
