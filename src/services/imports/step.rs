//! One step of an import, in one transaction: assets and vulnerabilities are read and
//! written once each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::attempt::Source;
use super::{inventory, ports};
use crate::base::Result;
use crate::domain::asset::Asset;
use crate::domain::component::Component;
use crate::domain::decision::{self, Decision};
use crate::domain::finding::{self, Finding};
use crate::domain::identity::Rule;
use crate::domain::matcher::same_asset;
use crate::domain::merge::{self, Effect, Sighting};
use crate::domain::observation::{
    AssetObservation, FindingObservation, ServiceObservation, Skip, SkipReason,
    VulnerabilityObservation,
};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;
use crate::domain::vex::Statement;
use crate::domain::vulnerability::Vulnerability;
use crate::services::findings::{self, BY_ASSET, scored};
use crate::services::policies::{self, Policies};
use crate::services::tally::Tally;
use crate::services::{aliases, decisions, identity};
use crate::store::{Direction, Read, Tx};

/// What a step is made of.
#[derive(Clone)]
pub(super) enum Item {
    Asset(Arc<AssetObservation>),
    Finding(Arc<AssetObservation>, Arc<FindingObservation>),
    Component(Arc<AssetObservation>, Arc<Component>),
    Service(Arc<AssetObservation>, Arc<ServiceObservation>),
    Advisory(Arc<VulnerabilityObservation>),
    Statement(Arc<Statement>),
}

/// What a step did.
#[derive(Default)]
pub(super) struct StepDone {
    pub findings: Vec<(u64, Effect)>,
    pub skipped: Vec<Skip>,
    pub vulnerabilities: HashSet<u32>,
    pub assets: Vec<u32>,
    pub packages: Vec<u32>,
    pub services: Vec<u32>,
    pub complete: Vec<(u64, Vec<ScanKind>)>,
    pub inventories: Vec<(u64, Vec<ScanKind>)>,
}

/// One transaction's work.
pub(super) struct Step<'a> {
    by: &'a Source,
    seen: &'a RoaringBitmap,
    assets: HashMap<String, Asset>,
    vulnerabilities: HashMap<String, Vulnerability>,
    here: RoaringBitmap,
    tally: Tally,
    rules: Option<Vec<Rule>>,
    policies: Option<Policies>,
    /// Vulnerabilities whose findings must be scored anew.
    changed: HashSet<u64>,
    /// Assets of which something changed that conditions of rules can see.
    altered: HashSet<u64>,
    done: StepDone,
}

impl<'a> Step<'a> {
    pub(super) fn new(by: &'a Source, seen: &'a RoaringBitmap) -> Self {
        Self {
            by,
            seen,
            assets: HashMap::new(),
            vulnerabilities: HashMap::new(),
            here: RoaringBitmap::new(),
            tally: Tally::default(),
            rules: None,
            policies: None,
            changed: HashSet::new(),
            altered: HashSet::new(),
            done: StepDone::default(),
        }
    }

    pub(super) fn take(&mut self, tx: &mut Tx<'_>, item: &Item) -> Result<()> {
        match item {
            Item::Asset(asset) => self.asset(tx, asset).map(drop),
            Item::Finding(asset, finding) => self.finding(tx, asset, finding),
            Item::Component(asset, component) => {
                let asset = self.known(tx, asset)?;
                self.done.packages.push(inventory::note(tx, &asset, component, self.by)? as u32);
                Ok(())
            }
            Item::Service(asset, service) => {
                let asset = self.known(tx, asset)?;
                self.done.services.push(ports::note(tx, &asset, service, self.by)? as u32);
                Ok(())
            }
            Item::Advisory(advisory) => {
                self.vulnerability(tx, advisory, Severity::Unknown, None).map(drop)
            }
            Item::Statement(statement) => self.statement(tx, statement),
        }
    }

    pub(super) fn finish(mut self, tx: &mut Tx<'_>) -> Result<StepDone> {
        self.settle(tx)?;
        if self.changed.is_empty() && self.altered.is_empty() {
            return Ok(self.done);
        }
        let mut policies = self.policies.take().map_or_else(|| Policies::of(tx), Ok)?;
        // What the report has changed about vulnerabilities concerns all of their findings.
        for id in &self.changed {
            findings::rescore_all_of(tx, &mut policies, *id)?;
        }
        for id in &self.altered {
            policies::follow_asset(tx, &mut policies, &self.by.report.scanner, *id)?;
        }
        Ok(self.done)
    }

    /// Writes the counts so far, and forgets what was read: it may be about to change.
    fn settle(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        std::mem::take(&mut self.tally).flush(tx)?;
        self.assets.clear();
        self.vulnerabilities.clear();
        Ok(())
    }

    fn sighting<'s>(&'s self, asset: &'s str) -> Sighting<'s> {
        Sighting {
            report: &self.by.report,
            asset: Some(asset),
            import_id: self.by.import_id,
            at: self.by.at,
        }
    }

    /// The asset that has been observed already, in this step or before.
    fn known(&mut self, tx: &mut Tx<'_>, seen: &AssetObservation) -> Result<Asset> {
        match self.assets.get(&seen.asset_id) {
            Some(asset) => Ok(asset.clone()),
            None => self.asset(tx, seen),
        }
    }

    fn rules(&mut self, tx: &Tx<'_>) -> Result<Vec<Rule>> {
        if self.rules.is_none() {
            self.rules = Some(identity::current_rules(tx)?);
        }
        Ok(self.rules.clone().unwrap_or_default())
    }

    /// The rules and SLA policies, read once.
    fn policies(&mut self, tx: &Tx<'_>) -> Result<&Policies> {
        match self.policies {
            Some(ref policies) => Ok(policies),
            None => Ok(self.policies.insert(Policies::of(tx)?)),
        }
    }

    /// The asset as it is known now; made or brought up to date if need be.
    fn asset(&mut self, tx: &mut Tx<'_>, seen: &AssetObservation) -> Result<Asset> {
        let (source, at) = (self.by.report.scanner.as_str(), self.by.at);
        let known = match self.assets.get(&seen.asset_id) {
            Some(asset) => Some((asset.clone(), None)),
            None => identity::find(tx, &self.rules(tx)?, seen)?,
        };
        let asset = match known {
            None => {
                let mut asset = Asset::new(seen.asset_id.clone());
                asset.asset_type = seen.asset_type;
                merge::asset(&mut asset, seen, at);
                identity::note_names(&mut asset, seen, source, None, at);
                tx.insert(asset)?
            }
            Some((before, by)) => {
                let mut after = before.clone();
                merge::asset(&mut after, seen, at);
                identity::note_names(&mut after, seen, source, by, at);
                if !same_asset(&before, &after) {
                    self.altered.insert(after.id);
                }
                let same = Asset {
                    last_seen: before.last_seen,
                    last_scanned: before.last_scanned,
                    ..after.clone()
                };
                if after == before {
                    after
                } else if same == before {
                    tx.touch(&after)?;
                    after
                } else {
                    tx.update(after)?
                }
            }
        };
        self.done.assets.push(asset.id as u32);
        if !seen.complete.is_empty() {
            self.done.complete.push((asset.id, seen.complete.clone()));
        }
        if !seen.inventory.is_empty() {
            self.done.inventories.push((asset.id, seen.inventory.clone()));
        }
        self.assets.insert(seen.asset_id.clone(), asset.clone());
        Ok(asset)
    }

    /// The vulnerability that any of the observation's ids means; made or brought up to date
    /// if need be.
    fn vulnerability(
        &mut self,
        tx: &mut Tx<'_>,
        seen: &VulnerabilityObservation,
        severity: Severity,
        on: Option<&FindingObservation>,
    ) -> Result<Vulnerability> {
        let known = match self.vulnerabilities.get(&seen.id) {
            Some(v) if aliases::has_all(v, seen) => Ok(v.clone()),
            _ => {
                let mut found = aliases::look_up(tx, seen)?;
                if found.moves() {
                    // Findings, counts and names change under what was read.
                    self.settle(tx)?;
                    found = aliases::look_up(tx, seen)?;
                }
                aliases::agree(tx, found, &self.by.report.scanner)?
            }
        };
        let is_new = known.is_err();
        let before = known.unwrap_or_else(|ids| {
            aliases::new(&ids, seen, self.by.report.scanner.clone(), self.by.at)
        });
        let mut after = before.clone();
        merge::vulnerability(&mut after, seen, severity, on.map(|f| &f.component));
        let after = if is_new {
            tx.insert(after)?
        } else if after == before {
            after
        } else {
            if findings::show(&before) != findings::show(&after) {
                self.changed.insert(after.id);
            }
            tx.update(after)?
        };
        self.done.vulnerabilities.insert(after.id as u32);
        self.vulnerabilities.insert(seen.id.clone(), after.clone());
        Ok(after)
    }

    fn finding(
        &mut self,
        tx: &mut Tx<'_>,
        on: &AssetObservation,
        seen: &FindingObservation,
    ) -> Result<()> {
        let vulnerability =
            self.vulnerability(tx, &seen.vulnerability, seen.severity, Some(seen))?;
        let asset = self.known(tx, on)?;
        let identity = [
            asset.id.into(),
            vulnerability.id.into(),
            finding::identity(&seen.component, &seen.place).as_str().into(),
        ];
        let known = tx.find_by::<Finding>(BY_ASSET, &identity)?;
        let siblings = match known {
            Some(_) => Vec::new(),
            None => siblings(tx, &asset, &vulnerability)?,
        };
        let unplaced = || {
            siblings
                .iter()
                .find(|f| !self.is_seen(f.id) && finding::is_less_placed(f, seen))
                .cloned()
        };
        let Some(before) = known.or_else(unplaced) else {
            return self.new_finding(tx, &asset, &vulnerability, seen, on, &siblings);
        };
        if self.is_seen(before.id) {
            let place = format!("{} in {}", seen.vulnerability.id, seen.component.name);
            self.done.skipped.push(Skip { reason: SkipReason::Duplicate, place });
            return Ok(());
        }
        let mut after = before.clone();
        let effect = match merge::finding(&mut after, &asset, seen, self.sighting(&on.asset_id)) {
            Effect::Seen if before.last_import_id == self.by.import_id => {
                earlier_effect(&before, self.by)
            }
            effect => effect,
        };
        let mut after = scored(after, &vulnerability, asset.criticality);
        self.policies(tx)?.apply_with(tx, &mut after, &asset, &vulnerability);
        if is_bookkeeping(&before, &after) {
            if after.last_seen != before.last_seen {
                tx.touch(&after)?;
            }
        } else {
            let after = tx.update(after)?;
            self.tally.moved(Some(&before), Some(&after));
        }
        self.note(before.id, effect);
        Ok(())
    }

    /// A finding that was not known: it takes over what was decided, and what was said
    /// about the same package in another version.
    fn new_finding(
        &mut self,
        tx: &mut Tx<'_>,
        asset: &Asset,
        vulnerability: &Vulnerability,
        seen: &FindingObservation,
        on: &AssetObservation,
        siblings: &[Finding],
    ) -> Result<()> {
        let by = self.sighting(&on.asset_id);
        let mut new = merge::new_finding(asset, vulnerability, seen, by);
        if let Some(before) = predecessor(siblings, &new) {
            merge::follow(&mut new, before, self.by.at);
        }
        let candidates: Vec<Decision> = decisions::candidates(tx, &new, asset)?;
        decision::apply(&candidates, &mut new, &asset.tags);
        new.settle(by.cause());
        let mut new = scored(new, vulnerability, asset.criticality);
        self.policies(tx)?.apply_with(tx, &mut new, asset, vulnerability);
        let new = tx.insert(new)?;
        self.tally.moved(None, Some(&new));
        self.note(new.id, Effect::New);
        Ok(())
    }

    /// A VEX statement becomes decisions, which apply at once to what is known.
    fn statement(&mut self, tx: &mut Tx<'_>, statement: &Statement) -> Result<()> {
        let said = &statement.vulnerability;
        let vulnerability = self.vulnerability(tx, said, Severity::Unknown, None)?;
        self.settle(tx)?;
        let told = decisions::Told {
            report: &self.by.report,
            format: self.by.format,
            import_id: self.by.import_id,
            at: self.by.at,
        };
        for skip in decisions::state(tx, &vulnerability, statement, told)? {
            self.done.skipped.push(skip);
        }
        Ok(())
    }

    /// Whether the report has named this finding before.
    fn is_seen(&self, id: u64) -> bool {
        self.seen.contains(id as u32) || self.here.contains(id as u32)
    }

    fn note(&mut self, id: u64, effect: Effect) {
        self.here.insert(id as u32);
        self.done.findings.push((id, effect));
    }
}

/// The findings of a vulnerability on an asset, in whatever package and place.
fn siblings(tx: &Tx<'_>, asset: &Asset, v: &Vulnerability) -> Result<Vec<Finding>> {
    let under = [asset.id.into(), v.id.into()];
    let ids = tx.ids_under::<Finding>(BY_ASSET, &under, Direction::Forward, SIBLINGS)?;
    ids.into_iter().map(|id| tx.require(id)).collect()
}

/// Most findings of one vulnerability on one asset that are looked at.
const SIBLINGS: usize = 200;

/// The newest finding in the same package in the same place, but in another version.
fn predecessor<'f>(siblings: &'f [Finding], new: &Finding) -> Option<&'f Finding> {
    let same = |f: &&Finding| {
        f.component.package() == new.component.package() && f.location() == new.location()
    };
    siblings.iter().filter(same).max_by_key(|f| f.last_seen)
}

/// What an earlier attempt of the same import did to a finding.
fn earlier_effect(finding: &Finding, by: &Source) -> Effect {
    if finding.created_at >= by.begun {
        Effect::New
    } else if finding.reopened_at == Some(by.at) {
        Effect::Reopened
    } else {
        Effect::Seen
    }
}

/// Whether nothing changed but when it was seen last, and by which import.
fn is_bookkeeping(before: &Finding, after: &Finding) -> bool {
    let mut same = after.clone();
    same.last_seen = before.last_seen;
    same.last_import_id = before.last_import_id;
    for (mine, theirs) in same.sources.iter_mut().zip(&before.sources) {
        mine.last_seen = theirs.last_seen;
        mine.import_id = theirs.import_id;
        mine.scanner_version.clone_from(&theirs.scanner_version);
    }
    same == *before
}
