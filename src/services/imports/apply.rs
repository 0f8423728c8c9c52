//! Applying observations: gathered into steps, each step one transaction. Running the same
//! report again changes nothing but when things were last seen.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::run::{Attempt, progressed};
use crate::base::{Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::finding::{Finding, FindingStatus, component_key};
use crate::domain::import::{Import, ImportStatus};
use crate::domain::merge::{self, Effect, Sighting};
use crate::domain::observation::{
    AssetObservation, FindingObservation, Observation, ReportInfo, SkipReason,
};
use crate::domain::vulnerability::Vulnerability;
use crate::services::Ctx;
use crate::services::audit::{self, Entry};
use crate::services::findings::{BY_ASSET, scored};
use crate::services::tally::Tally;
use crate::store::{Direction, Read, Tx};

/// Observations per transaction. What a commit writes of shared pages and facets costs the
/// same for few as for many: 8,000 at once take a quarter less CPU time than 500. No more
/// than this, because a stop and everybody else who writes wait for the step going on.
const STEP: usize = 2_000;
/// Bytes of long texts per transaction: a step is held in memory, as observations, as
/// records and as what the commit writes.
const STEP_TEXT: usize = 4 << 20;

/// Takes observations and applies them in steps.
pub(super) struct Applier<'a> {
    attempt: &'a Attempt<'a>,
    import_id: u64,
    renamed: Option<String>,
    format: &'static str,
    by: Arc<Source>,
    current: Option<Arc<AssetObservation>>,
    step: Vec<Item>,
    /// Bytes of long texts in the step.
    text: usize,
    seen: Arc<RoaringBitmap>,
    vulnerabilities: RoaringBitmap,
    assets: RoaringBitmap,
    complete: RoaringBitmap,
    counts: Counts,
}

/// Who reports, when the scan was made, and when the import was begun: an attempt that was
/// cut off has left records newer than that, whose effects count as this import's.
struct Source {
    report: ReportInfo,
    at: Timestamp,
    begun: Timestamp,
}

#[derive(Clone)]
enum Item {
    Asset(Arc<AssetObservation>),
    Finding(Arc<AssetObservation>, Arc<FindingObservation>),
}

#[derive(Default, Clone)]
struct Counts {
    new: u64,
    seen: u64,
    reopened: u64,
    closed: u64,
    skipped: BTreeMap<&'static str, u64>,
}

impl<'a> Applier<'a> {
    pub(super) fn new(
        attempt: &'a Attempt<'a>,
        import: &Import,
        format: &'static str,
        report: ReportInfo,
    ) -> Self {
        // The same at every attempt, so that each finds what an earlier one has done. A scan
        // cannot have been made in the future: then the other clock is wrong.
        let begun = import.started_at.unwrap_or_else(|| attempt.core.now());
        let at = report.created_at.map_or(begun, |t| t.min(begun));
        Self {
            attempt,
            import_id: import.id,
            renamed: import.asset.clone(),
            format,
            by: Arc::new(Source { report, at, begun }),
            current: None,
            step: Vec::with_capacity(STEP),
            text: 0,
            seen: Arc::default(),
            vulnerabilities: RoaringBitmap::new(),
            assets: RoaringBitmap::new(),
            complete: RoaringBitmap::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn take(&mut self, observation: Observation, progress: f64) -> Result<()> {
        match observation {
            Observation::Report(_) => {}
            Observation::Asset(mut asset) => {
                if let Some(name) = &self.renamed {
                    asset.asset_id.clone_from(name);
                }
                let asset = Arc::new(*asset);
                self.current = Some(asset.clone());
                self.step.push(Item::Asset(asset));
            }
            Observation::Finding(finding) => {
                let asset = self.current.clone().ok_or_else(|| {
                    crate::base::Error::internal(format!(
                        "the {} importer gives a finding before an asset",
                        self.format
                    ))
                })?;
                self.text += text_bytes(&finding);
                self.step.push(Item::Finding(asset, Arc::new(*finding)));
            }
            Observation::Skipped(reason) => self.skip(reason),
        }
        let full = self.step.len() >= STEP || self.text >= STEP_TEXT;
        if full { self.flush(progress) } else { Ok(()) }
    }

    fn skip(&mut self, reason: SkipReason) {
        *self.counts.skipped.entry(reason.word()).or_default() += 1;
    }

    fn flush(&mut self, progress: f64) -> Result<()> {
        self.attempt.go_on()?;
        let items = std::mem::take(&mut self.step);
        self.text = 0;
        let (by, seen, import_id, job_id) =
            (self.by.clone(), self.seen.clone(), self.import_id, self.attempt.job.id);
        let done = self.attempt.core.store.write_blocking("imports.apply", move |tx| {
            let mut step = Step::new(&by, import_id, &seen);
            for item in &items {
                match item {
                    Item::Asset(asset) => drop(step.asset(tx, asset)?),
                    Item::Finding(asset, finding) => step.finding(tx, asset, finding)?,
                }
            }
            progressed(tx, job_id, import_id, progress, "applying")?;
            step.finish(tx)
        })?;
        let seen = Arc::make_mut(&mut self.seen);
        for (id, effect) in done.findings {
            seen.insert(id as u32);
            match effect {
                Effect::New => self.counts.new += 1,
                Effect::Seen => self.counts.seen += 1,
                Effect::Reopened => self.counts.reopened += 1,
            }
        }
        (0..done.duplicates).for_each(|_| self.skip(SkipReason::Duplicate));
        self.vulnerabilities.extend(done.vulnerabilities);
        self.assets.extend(done.assets);
        self.complete.extend(done.complete);
        Ok(())
    }

    /// Applies the rest, closes what has gone, and writes the result.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush(1.0)?;
        for asset in self.complete.clone() {
            self.close_absent(asset.into())?;
        }
        let (import_id, format, by) = (self.import_id, self.format, self.by.clone());
        let (counts, findings) = (self.counts, self.seen.len());
        let (assets, vulnerabilities) = (self.assets.len(), self.vulnerabilities.len());
        self.attempt.core.store.write_blocking("imports.complete", move |tx| {
            let import: Import = tx.require(import_id)?;
            let done = tx.update(Import {
                status: ImportStatus::Completed,
                format: format.to_owned(),
                scanner: Some(by.report.scanner.clone()),
                scanner_version: by.report.scanner_version.clone(),
                report_created_at: by.report.created_at,
                progress: 1.0,
                assets,
                vulnerabilities,
                findings,
                new: counts.new,
                seen: counts.seen,
                reopened: counts.reopened,
                closed: counts.closed,
                skipped: counts.skipped.values().sum(),
                skipped_reasons: counts.skipped.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect(),
                finished_at: Some(tx.now()),
                ..import
            })?;
            let detail = format!(
                "{findings} findings on {assets} assets: {} new, {} seen, {} reopened, {} closed, {} skipped",
                done.new, done.seen, done.reopened, done.closed, done.skipped
            );
            let name = done.filename.clone().unwrap_or_else(|| format!("import {import_id}"));
            audit::record(tx, &Ctx::system(), Entry::new("imports.complete").on::<Import>(import_id, name).detail(detail))?;
            Ok(())
        })
    }

    /// Closes the findings of an asset that this scanner no longer sees.
    fn close_absent(&mut self, asset: u64) -> Result<()> {
        let snapshot = self.attempt.core.store.read()?;
        let mut ids = snapshot.ids_under::<Finding>(
            BY_ASSET,
            &[asset.into()],
            Direction::Forward,
            usize::MAX,
        )?;
        drop(snapshot);
        ids.retain(|id| !self.seen.contains(*id as u32));
        for chunk in ids.chunks(STEP) {
            self.attempt.go_on()?;
            let (chunk, by) = (chunk.to_vec(), self.by.clone());
            let (job_id, import_id) = (self.attempt.job.id, self.import_id);
            self.counts.closed +=
                self.attempt.core.store.write_blocking("imports.close", move |tx| {
                    let (mut tally, mut closed) = (Tally::default(), 0);
                    for id in &chunk {
                        let Some(before) = tx.find::<Finding>(*id)? else { continue };
                        let mut after = before.clone();
                        let earlier =
                            before.resolved_at == Some(by.at) && before.updated_at >= by.begun;
                        let now = merge::absent(&mut after, &by.report.scanner, by.at);
                        closed +=
                            u64::from(now || (earlier && before.status == FindingStatus::Fixed));
                        if after != before {
                            let after = tx.update(after)?;
                            tally.moved(Some(&before), Some(&after));
                        }
                    }
                    tally.flush(tx)?;
                    progressed(tx, job_id, import_id, 1.0, "closing what has gone")?;
                    Ok(closed)
                })?;
        }
        Ok(())
    }
}

/// Bytes of what may be long in an observation.
fn text_bytes(finding: &FindingObservation) -> usize {
    let v = &finding.vulnerability;
    let references = v.references.iter().map(String::len).sum::<usize>();
    v.description.as_ref().map_or(0, String::len) + references
}

/// What a step did.
#[derive(Default)]
struct StepDone {
    findings: Vec<(u64, Effect)>,
    duplicates: u64,
    vulnerabilities: Vec<u32>,
    assets: Vec<u32>,
    complete: Vec<u32>,
}

/// One transaction's work: assets and vulnerabilities are read and written once each.
struct Step<'a> {
    by: &'a Source,
    import_id: u64,
    seen: &'a RoaringBitmap,
    assets: HashMap<String, Asset>,
    vulnerabilities: HashMap<String, Vulnerability>,
    here: RoaringBitmap,
    tally: Tally,
    done: StepDone,
}

impl<'a> Step<'a> {
    fn new(by: &'a Source, import_id: u64, seen: &'a RoaringBitmap) -> Self {
        Self {
            by,
            import_id,
            seen,
            assets: HashMap::new(),
            vulnerabilities: HashMap::new(),
            here: RoaringBitmap::new(),
            tally: Tally::default(),
            done: StepDone::default(),
        }
    }

    fn finish(self, tx: &mut Tx<'_>) -> Result<StepDone> {
        self.tally.flush(tx)?;
        Ok(self.done)
    }

    /// The asset as it is known now; made or brought up to date if need be.
    fn asset(&mut self, tx: &mut Tx<'_>, seen: &AssetObservation) -> Result<Asset> {
        let known = match self.assets.get(&seen.asset_id) {
            Some(asset) => Some(asset.clone()),
            None => tx.find_by::<Asset>("idx_assets_asset_id", &[(&seen.asset_id).into()])?,
        };
        let asset = match known {
            None => {
                let mut asset = Asset::new(seen.asset_id.clone());
                asset.asset_type = seen.asset_type;
                merge::asset(&mut asset, seen, self.by.at);
                tx.insert(asset)?
            }
            Some(before) => {
                let mut after = before.clone();
                merge::asset(&mut after, seen, self.by.at);
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
        if seen.complete {
            self.done.complete.push(asset.id as u32);
        }
        self.assets.insert(seen.asset_id.clone(), asset.clone());
        Ok(asset)
    }

    fn vulnerability(
        &mut self,
        tx: &mut Tx<'_>,
        seen: &FindingObservation,
    ) -> Result<Vulnerability> {
        let id = &seen.vulnerability.id;
        let known = match self.vulnerabilities.get(id) {
            Some(v) => Some(v.clone()),
            None => tx.find_by::<Vulnerability>("idx_vulnerabilities_cve_id", &[id.into()])?,
        };
        let is_new = known.is_none();
        let before = known.unwrap_or_else(|| {
            Vulnerability::new(id.clone(), self.by.report.scanner.clone(), self.by.at)
        });
        let mut after = before.clone();
        merge::vulnerability(&mut after, &seen.vulnerability, seen.severity, &seen.component);
        let after = if is_new {
            tx.insert(after)?
        } else if after == before {
            after
        } else {
            tx.update(after)?
        };
        self.done.vulnerabilities.push(after.id as u32);
        self.vulnerabilities.insert(id.clone(), after.clone());
        Ok(after)
    }

    fn finding(
        &mut self,
        tx: &mut Tx<'_>,
        on: &AssetObservation,
        seen: &FindingObservation,
    ) -> Result<()> {
        let asset = match self.assets.get(&on.asset_id) {
            Some(asset) => asset.clone(),
            None => self.asset(tx, on)?,
        };
        let vulnerability = self.vulnerability(tx, seen)?;
        let by = Sighting { report: &self.by.report, import_id: self.import_id, at: self.by.at };
        let identity = [
            asset.id.into(),
            vulnerability.id.into(),
            component_key(&seen.component).as_str().into(),
        ];
        let Some(before) = tx.find_by::<Finding>(BY_ASSET, &identity)? else {
            let new = merge::new_finding(&asset, &vulnerability, seen, by);
            let new = tx.insert(scored(new, &vulnerability, asset.criticality))?;
            self.tally.moved(None, Some(&new));
            self.note(new.id, Effect::New);
            return Ok(());
        };
        if self.seen.contains(before.id as u32) || self.here.contains(before.id as u32) {
            self.done.duplicates += 1;
            return Ok(());
        }
        let mut after = before.clone();
        let effect = match merge::finding(&mut after, seen, by) {
            Effect::Seen if before.last_import_id == self.import_id => {
                earlier_effect(&before, self.by)
            }
            effect => effect,
        };
        let after = scored(after, &vulnerability, asset.criticality);
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

    fn note(&mut self, id: u64, effect: Effect) {
        self.here.insert(id as u32);
        self.done.findings.push((id, effect));
    }
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

/// Whether two states differ only in when and by which import it was seen last.
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
