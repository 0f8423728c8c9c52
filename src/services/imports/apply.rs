//! Applying observations: gathered into steps, each step one transaction. Running the same
//! report again changes nothing but when things were last seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::attempt::{Attempt, Source, applied};
use super::closing::{self, Closings, Seen};
use super::step::{Item, Step, StepDone};
use crate::base::Result;
use crate::domain::import::{ClosingScope, Import, ImportStatus, SKIPPED_PLACES, SkippedPlace};
use crate::domain::merge::Effect;
use crate::domain::observation::{
    AssetObservation, Observation, ReportInfo, Skip, VulnerabilityObservation,
};
use crate::services::Ctx;
use crate::services::audit::{self, Entry};
use crate::store::{Read, Tx};

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
    naming: Naming,
    format: &'static str,
    by: Arc<Source>,
    current: Option<Arc<AssetObservation>>,
    step: Vec<Item>,
    /// Items of all steps, without assets.
    applied: u64,
    /// Bytes of long texts in the step.
    text: usize,
    seen: Seen,
    vulnerabilities: RoaringBitmap,
    assets: RoaringBitmap,
    closings: Closings,
    inventories: Closings,
    counts: Counts,
}

/// What assets are called that the report does not name.
pub(super) struct Naming {
    /// The name that the uploader gives to the only asset.
    given: Option<String>,
    /// Else this, which is a guess.
    guess: String,
    guessed: bool,
}

impl Naming {
    pub(super) fn of(import: &Import, format: &str) -> Self {
        let stem = import.filename.as_deref().and_then(|name| {
            let name = name.rsplit(['/', '\\']).next()?;
            let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).trim();
            // A natural key of digits only would be taken for a number.
            (!stem.bytes().all(|b| b.is_ascii_digit())).then(|| stem.to_owned())
        });
        let guess = stem.unwrap_or_else(|| format.to_owned());
        Self { given: import.asset.clone(), guess, guessed: false }
    }

    /// Names the asset. A guessed name may be another project's, so nothing is closed.
    pub(super) fn apply(&mut self, asset: &mut AssetObservation) {
        if let Some(name) = &self.given {
            asset.asset_id.clone_from(name);
        } else if asset.asset_id.is_empty() {
            self.guessed = true;
            asset.asset_id.clone_from(&self.guess);
            asset.complete.clear();
            asset.inventory.clear();
        }
    }

    fn note(&self) -> Option<String> {
        self.guessed.then(|| {
            format!(
                "The report does not say which asset it is about; it was called '{}' after the \
                 file, and nothing was closed. Name the asset to let complete reports close what \
                 has gone.",
                self.guess
            )
        })
    }
}

#[derive(Default, Clone)]
struct Counts {
    new: u64,
    seen: u64,
    reopened: u64,
    advisories: u64,
    statements: u64,
    skipped: BTreeMap<&'static str, u64>,
    places: Vec<SkippedPlace>,
}

impl Counts {
    fn skip(&mut self, skip: Skip) {
        let count = self.skipped.entry(skip.reason.word()).or_default();
        *count += 1;
        if *count <= SKIPPED_PLACES as u64 {
            let reason = skip.reason.word().to_owned();
            self.places.push(SkippedPlace { reason, place: skip.place });
        }
    }

    fn found(&mut self, effect: Effect) {
        match effect {
            Effect::New => self.new += 1,
            Effect::Seen => self.seen += 1,
            Effect::Reopened => self.reopened += 1,
        }
    }
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
            naming: Naming::of(import, format),
            format,
            by: Arc::new(Source { report, at, begun, import_id: import.id, format }),
            current: None,
            step: Vec::with_capacity(STEP),
            applied: 0,
            text: 0,
            seen: Seen::default(),
            vulnerabilities: RoaringBitmap::new(),
            assets: RoaringBitmap::new(),
            closings: Closings::default(),
            inventories: Closings::default(),
            counts: Counts::default(),
        }
    }

    pub(super) fn take(&mut self, observation: Observation, progress: f64) -> Result<()> {
        match observation {
            Observation::Report(_) => {}
            Observation::Asset(mut asset) => {
                self.naming.apply(&mut asset);
                let asset = Arc::new(*asset);
                self.current = Some(asset.clone());
                self.step.push(Item::Asset(asset));
            }
            Observation::Finding(finding) => {
                let asset = self.asset()?;
                self.text += text_bytes(&finding.vulnerability)
                    + finding.evidence.as_ref().map_or(0, String::len);
                self.step.push(Item::Finding(asset, Arc::new(*finding)));
            }
            Observation::Component(component) => {
                let asset = self.asset()?;
                self.step.push(Item::Component(asset, Arc::new(*component)));
            }
            Observation::Service(service) => {
                let asset = self.asset()?;
                self.step.push(Item::Service(asset, Arc::new(*service)));
            }
            Observation::Advisory(advisory) => {
                self.counts.advisories += 1;
                self.text += text_bytes(&advisory);
                self.step.push(Item::Advisory(Arc::new(*advisory)));
            }
            Observation::Statement(statement) => {
                self.counts.statements += 1;
                self.text += text_bytes(&statement.vulnerability);
                self.step.push(Item::Statement(Arc::new(*statement)));
            }
            Observation::Skipped(skip) => self.counts.skip(skip),
        }
        let full = self.step.len() >= STEP || self.text >= STEP_TEXT;
        if full { self.flush(progress) } else { Ok(()) }
    }

    /// The asset observed last.
    fn asset(&self) -> Result<Arc<AssetObservation>> {
        self.current.clone().ok_or_else(|| {
            let format = self.format;
            let what = format!("the {format} importer gives something on an asset before it");
            crate::base::Error::internal(what)
        })
    }

    fn flush(&mut self, progress: f64) -> Result<()> {
        let items = std::mem::take(&mut self.step);
        self.applied += items.iter().filter(|i| !matches!(i, Item::Asset(_))).count() as u64;
        let total = self.applied;
        self.text = 0;
        let (by, seen) = (self.by.clone(), self.seen.findings.clone());
        let import_id = by.import_id;
        let done = self.attempt.write("imports.apply", (progress, "applying"), move |tx| {
            let mut step = Step::new(&by, &seen);
            for item in &items {
                step.take(tx, item)?;
            }
            applied(tx, import_id, total)?;
            step.finish(tx)
        })?;
        self.note(done);
        Ok(())
    }

    fn note(&mut self, done: StepDone) {
        let seen = Arc::make_mut(&mut self.seen.findings);
        for (id, effect) in done.findings {
            seen.insert(id as u32);
            self.counts.found(effect);
        }
        for place in done.skipped {
            self.counts.skip(place);
        }
        self.vulnerabilities.extend(done.vulnerabilities);
        self.assets.extend(done.assets);
        Arc::make_mut(&mut self.seen.packages).extend(done.packages);
        Arc::make_mut(&mut self.seen.services).extend(done.services);
        for (asset, kinds) in done.complete {
            self.closings.add(asset, &kinds);
        }
        for (asset, kinds) in done.inventories {
            self.inventories.add(asset, &kinds);
        }
    }

    /// Applies the rest, closes what has gone, and writes the result.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush(1.0)?;
        let scopes: Vec<ClosingScope> =
            self.closings.scopes(false).chain(self.inventories.scopes(true)).collect();
        let closed = closing::run(self.attempt, &self.by, &scopes, &self.seen)?;
        let result = Outcome {
            counts: self.counts,
            notes: self.naming.note().into_iter().collect(),
            findings: self.seen.findings.len(),
            assets: self.assets.len(),
            vulnerabilities: self.vulnerabilities.len(),
            components: self.seen.packages.len(),
            services: self.seen.services.len(),
            held_scopes: if closed.is_held { scopes } else { Vec::new() },
            closed,
        };
        let by = self.by.clone();
        self.attempt
            .core
            .store
            .write_blocking("imports.complete", move |tx| complete(tx, &by, &result))
    }
}

struct Outcome {
    counts: Counts,
    notes: Vec<String>,
    findings: u64,
    assets: u64,
    vulnerabilities: u64,
    components: u64,
    services: u64,
    closed: closing::Outcome,
    held_scopes: Vec<ClosingScope>,
}

fn complete(tx: &mut Tx<'_>, by: &Source, outcome: &Outcome) -> Result<()> {
    let import: Import = tx.require(by.import_id)?;
    let (counts, closed) = (&outcome.counts, &outcome.closed);
    let done = tx.update(Import {
        status: if closed.is_held { ImportStatus::Quarantined } else { ImportStatus::Completed },
        format: by.format.to_owned(),
        scanner: Some(by.report.scanner.clone()),
        scanner_version: by.report.scanner_version.clone(),
        report_created_at: by.report.created_at,
        progress: 1.0,
        phase: None,
        assets: outcome.assets,
        vulnerabilities: outcome.vulnerabilities,
        findings: outcome.findings,
        new: counts.new,
        seen: counts.seen,
        reopened: counts.reopened,
        closed: closed.closed,
        held: closed.held,
        held_packages: closed.held_packages,
        held_scopes: outcome.held_scopes.clone(),
        components: outcome.components,
        services: outcome.services,
        advisories: counts.advisories,
        statements: counts.statements,
        skipped: counts.skipped.values().sum(),
        skipped_reasons: counts.skipped.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect(),
        skipped_places: counts.places.clone(),
        notes: outcome.notes.clone(),
        finished_at: Some(tx.now()),
        ..import
    })?;
    let detail = format!(
        "{} findings on {} assets: {} new, {} seen, {} reopened, {} closed, {} held, {} skipped",
        done.findings,
        done.assets,
        done.new,
        done.seen,
        done.reopened,
        done.closed,
        done.held,
        done.skipped
    );
    let name = super::name(&done);
    let entry = Entry::new("imports.complete").on::<Import>(done.id, name).detail(detail);
    audit::record(tx, &Ctx::system(), entry)?;
    Ok(())
}

/// Bytes of the long texts about a vulnerability.
fn text_bytes(v: &VulnerabilityObservation) -> usize {
    let texts = [&v.title, &v.description, &v.solution];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    texts + v.references.iter().map(String::len).sum::<usize>()
}
