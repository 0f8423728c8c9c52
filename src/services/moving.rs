//! Findings on their way to another vulnerability or another asset. What turns out to be
//! the same there becomes one; what turns out to be two is parted by its sources.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::findings::{BY_ASSET, scored};
use super::policies::Policies;
use super::tally::Tally;
use crate::base::{Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::finding::{Finding, Source};
use crate::domain::merge;
use crate::domain::status::Cause;
use crate::domain::vulnerability::Vulnerability;
use crate::store::{Read, Tx};

/// A movement of findings, within one transaction.
pub struct Movement<'a> {
    now: Timestamp,
    by: &'a str,
    tally: Tally,
    assets: HashMap<u64, Asset>,
    policies: Option<Policies>,
    vulnerabilities: HashMap<u64, Vulnerability>,
}

impl<'a> Movement<'a> {
    /// A movement at `now`, on behalf of `by`.
    #[must_use]
    pub fn new(now: Timestamp, by: &'a str) -> Self {
        Self {
            now,
            by,
            tally: Tally::default(),
            assets: HashMap::new(),
            policies: None,
            vulnerabilities: HashMap::new(),
        }
    }

    /// Stores a finding whose vulnerability or asset has changed; if the same is there
    /// already, they become one.
    pub fn take_in(&mut self, tx: &mut Tx<'_>, mut finding: Finding) -> Result<()> {
        merge::leave_own_names(&mut finding);
        let before: Finding = tx.require(finding.id)?;
        let identity = [
            finding.asset_id.into(),
            finding.vulnerability_id.into(),
            finding.identity().as_str().into(),
        ];
        let Some(known) = tx.find_by::<Finding>(BY_ASSET, &identity)? else {
            let moved = self.scored(tx, finding)?;
            let moved = tx.update(moved)?;
            self.tally.moved(Some(&before), Some(&moved));
            return Ok(());
        };
        let mut joined = known.clone();
        merge::findings(&mut joined, &finding, self.cause());
        tx.delete::<Finding>(finding.id)?;
        let joined = self.scored(tx, joined)?;
        let joined = tx.update(joined)?;
        self.tally.moved(Some(&before), None);
        self.tally.moved(Some(&known), Some(&joined));
        Ok(())
    }

    /// Takes the sources out of a finding that are `theirs`; `there` says to which
    /// vulnerability and asset they belong.
    pub fn part(
        &mut self,
        tx: &mut Tx<'_>,
        finding: Finding,
        theirs: &dyn Fn(&Source) -> bool,
        there: &dyn Fn(Finding) -> Finding,
    ) -> Result<()> {
        let (going, staying): (Vec<Source>, Vec<Source>) =
            finding.sources.iter().cloned().partition(theirs);
        if going.is_empty() {
            return Ok(());
        }
        if staying.is_empty() {
            return self.take_in(tx, there(finding));
        }
        let other = self.with_sources(tx, there(finding.clone()), going)?;
        let other = tx.insert(other)?;
        self.tally.moved(None, Some(&other));
        let rest = self.with_sources(tx, finding.clone(), staying)?;
        let rest = tx.update(rest)?;
        self.tally.moved(Some(&finding), Some(&rest));
        Ok(())
    }

    /// Writes the counts of assets and vulnerabilities.
    pub fn finish(self, tx: &mut Tx<'_>) -> Result<()> {
        self.tally.flush(tx)
    }

    fn cause(&self) -> Cause<'a> {
        Cause { at: self.now, actor: self.by, ..Cause::default() }
    }

    fn with_sources(
        &mut self,
        tx: &Tx<'_>,
        finding: Finding,
        sources: Vec<Source>,
    ) -> Result<Finding> {
        let mut finding = Finding { sources, ..finding };
        merge::leave_own_names(&mut finding);
        merge::rated_by_sources(&mut finding);
        finding.settle(self.cause());
        self.scored(tx, finding)
    }

    fn scored(&mut self, tx: &Tx<'_>, finding: Finding) -> Result<Finding> {
        let (asset, vulnerability) = (finding.asset_id, finding.vulnerability_id);
        let asset = match self.assets.entry(asset) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(tx.require(asset)?),
        };
        let vulnerability = match self.vulnerabilities.entry(vulnerability) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(tx.require(vulnerability)?),
        };
        let mut finding = scored(finding, vulnerability, asset.criticality);
        let policies = match &mut self.policies {
            Some(policies) => policies,
            none => none.insert(Policies::of(tx)?),
        };
        policies.apply_with(tx, &mut finding, asset, vulnerability);
        Ok(finding)
    }
}
