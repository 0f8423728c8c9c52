//! Putting records back, and seeing beforehand whether something has built on them.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;

use super::journal::{self, Entry};
use super::{steps, with_undoable};
use crate::base::record::Record;
use crate::base::{Code, Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::change::{ChangeStep, Undoable};
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::package::Package;
use crate::domain::service::Service;
use crate::domain::vulnerability::{Vulnerability, VulnerabilityStatus};
use crate::services::edit;
use crate::services::findings::{BY_ASSET, BY_VULNERABILITY, rescore_some, scored, show};
use crate::services::policies::Policies;
use crate::services::tally::Tally;
use crate::store::{Direction, Read, Tx, keys};

/// A record that has changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict(String);

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Conflicts that are told by name.
const NAMED: usize = 5;

/// What stands in the way of undoing a change: the first records that have changed since,
/// and how many more. A vulnerability that has changed, or that others use, is none: it
/// stays.
pub fn conflicts<S: Read + ?Sized>(source: &S, change: u64) -> Result<(Vec<Conflict>, u64)> {
    // What a record must be now, by what the later steps have done to it.
    let mut expected: HashMap<(String, u64), Option<u64>> = HashMap::new();
    let (mut named, mut more) = (Vec::new(), 0);
    for id in steps(source, change, usize::MAX)? {
        let step: ChangeStep = source.require(id)?;
        for entry in journal::unpack(&step.replaced)? {
            if entry.table == Vulnerability::TABLE {
                continue;
            }
            let stands = match expected.entry((entry.table.clone(), entry.id)) {
                Slot::Occupied(mut known) => known.insert(entry.before) == entry.after,
                Slot::Vacant(new) => {
                    new.insert(entry.before);
                    current(source, &entry)? == entry.after
                }
            };
            if stands {
                continue;
            }
            if named.len() < NAMED {
                named.push(Conflict(name(source, &entry)?));
            } else {
                more += 1;
            }
        }
    }
    Ok((named, more))
}

/// The fingerprint of a record as it is now.
fn current<S: Read + ?Sized>(source: &S, entry: &Entry) -> Result<Option<u64>> {
    with_undoable!(entry.table.as_str(), |R| current_of::<S, R>(source, entry.id))
}

fn current_of<S: Read + ?Sized, R: Undoable>(source: &S, id: u64) -> Result<Option<u64>> {
    let stored = source.get(R::TABLE, &keys::record_key(id))?;
    stored.map(|stored| journal::fingerprint_of::<R>(&stored)).transpose()
}

fn name<S: Read + ?Sized>(source: &S, entry: &Entry) -> Result<String> {
    if entry.table == Finding::TABLE
        && let Some(f) = source.find::<Finding>(entry.id)?
    {
        let by = f.last_import_id;
        return Ok(format!(
            "finding {} ({} on {}, last seen by import {by})",
            f.id, f.cve_id, f.asset
        ));
    }
    with_undoable!(entry.table.as_str(), |R| {
        let label = source.find::<R>(entry.id)?.map(|r| edit::label(&r));
        Ok(format!("{} {}", R::NOUN, label.unwrap_or_else(|| format!("{} is gone", entry.id))))
    })
}

/// Puts back what one step replaced. Returns how many records stay as they are, because
/// they have changed since, or because others use them.
pub(super) fn put_back(tx: &mut Tx<'_>, entries: &[Entry]) -> Result<u64> {
    let (policies, tally) = (Policies::of(tx)?, Tally::default());
    let mut work = Restoring { entries, policies, tally, left: 0 };
    let created = (work.created::<Vulnerability>(tx)?, work.created::<Asset>(tx)?);
    let stood = work.vulnerabilities(tx)?;
    let rated = work.assets(tx)?;
    work.uncounted::<Decision>(tx)?;
    work.uncounted::<Package>(tx)?;
    work.uncounted::<Service>(tx)?;
    work.findings(tx)?;
    std::mem::take(&mut work.tally).flush(tx)?;
    for (id, stood) in stood {
        let v: Vulnerability = tx.require(id)?;
        if (v.status, v.remediated_at) != stood.status {
            let (status, remediated_at) = stood.status;
            tx.update(Vulnerability { status, remediated_at, ..v })?;
        }
        if stood.is_shown_otherwise {
            rescore_some(tx, &mut work.policies, BY_VULNERABILITY, id, 0, usize::MAX)?;
        }
    }
    for id in rated {
        rescore_some(tx, &mut work.policies, BY_ASSET, id, 0, usize::MAX)?;
    }
    work.remove_created(tx, created)?;
    Ok(work.left)
}

struct Restoring<'a> {
    entries: &'a [Entry],
    policies: Policies,
    tally: Tally,
    left: u64,
}

/// A vulnerability that was put back.
struct Stood {
    /// What counting findings must not change.
    status: (VulnerabilityStatus, Option<Timestamp>),
    /// Its findings show it otherwise than before.
    is_shown_otherwise: bool,
}

impl<'a> Restoring<'a> {
    fn of<R: Record>(&self) -> impl Iterator<Item = &'a Entry> + use<'a, R> {
        self.entries.iter().filter(|e| e.table == R::TABLE)
    }

    /// The records of a kind that the step made, and that still are what it made.
    fn created<R: Undoable>(&mut self, tx: &Tx<'_>) -> Result<Vec<u64>> {
        let mut created = Vec::new();
        for entry in self.of::<R>().filter(|e| e.before.is_none()) {
            if current_of::<_, R>(tx, entry.id)? == entry.after {
                created.push(entry.id);
            } else {
                self.left += 1;
            }
        }
        Ok(created)
    }

    /// Puts the records of a kind back that the step changed, then those that it deleted.
    fn changed<R: Undoable>(&mut self, tx: &mut Tx<'_>, revived: impl Fn(R) -> R) -> Result<()> {
        for entry in self.of::<R>().filter(|e| e.before.is_some() && e.after.is_some()) {
            if let Some(now) = self.standing::<R>(tx, entry)?
                && !entry.fields.is_empty()
            {
                let restored = tx.update(entry.restored(Some(&now))?);
                self.unless_taken(restored)?;
            }
        }
        for entry in self.of::<R>().filter(|e| e.before.is_some() && e.after.is_none()) {
            let restored = tx.revive(revived(entry.restored(None)?));
            self.unless_taken(restored)?;
        }
        Ok(())
    }

    /// Puts all records of a kind back of which nobody keeps counts.
    fn uncounted<R: Undoable>(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        for id in self.created::<R>(tx)? {
            tx.delete::<R>(id)?;
        }
        self.changed::<R>(tx, |record| record)
    }

    /// The record as it is now, if it is what the step made of it.
    fn standing<R: Undoable>(&mut self, tx: &Tx<'_>, entry: &Entry) -> Result<Option<R>> {
        if current_of::<_, R>(tx, entry.id)? == entry.after {
            return tx.find(entry.id);
        }
        self.left += 1;
        Ok(None)
    }

    /// A place that another record has taken since stays with that.
    fn unless_taken<R>(&mut self, restored: Result<R>) -> Result<Option<R>> {
        match restored {
            Ok(record) => Ok(Some(record)),
            Err(e) if matches!(e.code(), Code::Duplicate | Code::Conflict | Code::NotFound) => {
                self.left += 1;
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    fn vulnerabilities(&mut self, tx: &mut Tx<'_>) -> Result<HashMap<u64, Stood>> {
        let mut before = HashMap::new();
        for entry in self.of::<Vulnerability>().filter(|e| e.before.is_some()) {
            if current_of::<_, Vulnerability>(tx, entry.id)? == entry.after {
                before.insert(entry.id, tx.find::<Vulnerability>(entry.id)?);
            }
        }
        self.changed::<Vulnerability>(tx, |v| Vulnerability {
            open_findings: 0,
            total_findings: 0,
            ..v
        })?;
        let mut stood = HashMap::new();
        for (id, before) in before {
            let Some(v) = tx.find::<Vulnerability>(id)? else { continue };
            let is_shown_otherwise = before.as_ref().is_some_and(|before| show(before) != show(&v));
            let status = (v.status, v.remediated_at);
            stood.insert(id, Stood { status, is_shown_otherwise });
        }
        Ok(stood)
    }

    /// Returns the assets of which another criticality was put back.
    fn assets(&mut self, tx: &mut Tx<'_>) -> Result<Vec<u64>> {
        let mut rated = Vec::new();
        for entry in self.of::<Asset>().filter(|e| e.fields.contains_key("criticality")) {
            if entry.after.is_some() && current_of::<_, Asset>(tx, entry.id)? == entry.after {
                rated.push(entry.id);
            }
        }
        let uncounted = Asset::new(String::new()).open_findings;
        self.changed::<Asset>(tx, |asset| Asset { open_findings: uncounted, ..asset })?;
        Ok(rated)
    }

    fn findings(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        for id in self.created::<Finding>(tx)? {
            let gone = tx.delete::<Finding>(id)?;
            self.tally.moved(Some(&gone), None);
        }
        for entry in self.of::<Finding>().filter(|e| e.before.is_some()) {
            let now = match entry.after {
                Some(_) => match self.standing::<Finding>(tx, entry)? {
                    Some(now) => Some(now),
                    None => continue,
                },
                None => None,
            };
            let restored = put_back_finding(tx, entry, now.as_ref(), &self.policies);
            if let Some(restored) = self.unless_taken(restored)? {
                self.tally.moved(now.as_ref(), Some(&restored));
            }
        }
        Ok(())
    }

    /// Removes what the step made, unless others use it by now.
    fn remove_created(
        &mut self,
        tx: &mut Tx<'_>,
        (vulnerabilities, assets): (Vec<u64>, Vec<u64>),
    ) -> Result<()> {
        for id in vulnerabilities {
            let used = tx.require::<Vulnerability>(id)?.total_findings > 0
                || is_used::<Decision>(tx, DECISIONS, id)?;
            if used {
                self.left += 1;
            } else {
                tx.delete::<Vulnerability>(id)?;
            }
        }
        for id in assets {
            let used = is_used::<Finding>(tx, BY_ASSET, id)?
                || is_used::<Package>(tx, crate::domain::package::BY_IDENTITY, id)?
                || is_used::<Service>(tx, crate::services::ports::BY_ASSET, id)?;
            if used {
                self.left += 1;
            } else {
                tx.delete::<Asset>(id)?;
            }
        }
        Ok(())
    }
}

/// Decisions by the number of their vulnerability.
const DECISIONS: &str = "idx_decisions_vulnerability_id";

fn is_used<R: Record>(tx: &Tx<'_>, index: &str, id: u64) -> Result<bool> {
    Ok(!tx.ids_under::<R>(index, &[id.into()], Direction::Forward, 1)?.is_empty())
}

/// Puts a finding back, with what follows from its vulnerability, its asset and the rules
/// as they are now.
fn put_back_finding(
    tx: &mut Tx<'_>,
    entry: &Entry,
    now: Option<&Finding>,
    policies: &Policies,
) -> Result<Finding> {
    let finding: Finding = entry.restored(now)?;
    let vulnerability: Vulnerability = tx.require(finding.vulnerability_id)?;
    let asset: Asset = tx.require(finding.asset_id)?;
    let mut finding = scored(finding, &vulnerability, asset.criticality);
    policies.apply_with(tx, &mut finding, &asset, &vulnerability);
    if now.is_some() { tx.update(finding) } else { tx.revive(finding) }
}
