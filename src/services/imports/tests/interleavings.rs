//! Imports, decisions, and what is one or not, in any order: nothing is ever lost, and
//! everything fits at every step.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::guarantees::{clean, import, rows, scan};
use super::reverting::reverted;
use super::*;
use crate::base::id::Reference;
use crate::domain::asset::Asset;
use crate::domain::decision::{Decision, DecisionKind, NewDecision};
use crate::domain::finding::Finding;
use crate::services::{aliases, decisions, identity};

/// One thing that somebody does. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    /// A scan by the first scanner: the asset, and CVE ids.
    Scan(u8, Vec<u8>),
    /// A scan by the second: the asset, and its own ids, each with its CVE id or without.
    Other(u8, Vec<(u8, bool)>),
    JoinIds(u8, u8),
    PartId(u8),
    JoinAssets(u8, u8),
    PartAsset(u8),
    Decide(u8, Option<u8>),
    Revoke(u8),
    RevertLast,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ids = || proptest::collection::btree_set(0..5_u8, 0..5).prop_map(Vec::from_iter);
    let own = proptest::collection::btree_map(0..4_u8, any::<bool>(), 0..4);
    let step = prop_oneof![
        3 => (0..3_u8, ids()).prop_map(|(a, ids)| Step::Scan(a, ids)),
        3 => (0..3_u8, own).prop_map(|(a, ids)| Step::Other(a, Vec::from_iter(ids))),
        2 => (0..9_u8, 0..9_u8).prop_map(|(a, b)| Step::JoinIds(a, b)),
        2 => (0..9_u8).prop_map(Step::PartId),
        1 => (0..3_u8, 0..3_u8).prop_map(|(a, b)| Step::JoinAssets(a, b)),
        1 => (0..3_u8).prop_map(Step::PartAsset),
        2 => (0..9_u8, proptest::option::of(0..3_u8)).prop_map(|(v, a)| Step::Decide(v, a)),
        1 => (0..9_u8).prop_map(Step::Revoke),
        1 => Just(Step::RevertLast),
    ];
    proptest::collection::vec(step, 1..16)
}

fn host(n: u8) -> String {
    format!("host{n}")
}

fn cve(n: u8) -> String {
    format!("CVE-2026-{n}")
}

fn own(n: u8) -> String {
    format!("GHSA-2222-3333-444{}", n + 5)
}

/// The first five are CVE ids, the others the second scanner's own.
fn id(n: u8) -> String {
    if n < 5 { cve(n) } else { own(n - 5) }
}

fn other(asset: &str, day: u8, ids: &[(u8, bool)]) -> Vec<u8> {
    let matches: Vec<Value> = ids
        .iter()
        .map(|(n, known)| {
            let related = known.then(|| json!({"id": cve(*n), "namespace": "nvd"}));
            json!({"vulnerability": {"id": own(*n), "severity": "Medium", "namespace": "github:language:go",
                    "fix": {"versions": [], "state": "unknown"}},
                "relatedVulnerabilities": related.into_iter().collect::<Vec<_>>(),
                "matchDetails": [], "artifact": {"name": format!("q{n}"), "version": "1", "type": "go-module",
                    "purl": format!("pkg:golang/q{n}@1"), "locations": []}})
        })
        .collect();
    let report = json!({"matches": matches, "source": {"type": "image", "target": {"userInput": asset}},
        "descriptor": {"name": "grype", "version": "0.100.0",
            "timestamp": format!("2026-01-{day:02}T00:00:00Z")}});
    serde_json::to_vec(&report).unwrap()
}

/// What a scanner has said once: itself, its names of asset and vulnerability, the package.
type Said = (String, String, String, String);

/// All of it, and whether the scanner still says so.
fn said(core: &Core) -> Vec<(Said, bool)> {
    let mut all = Vec::new();
    for f in rows::<Finding>(core, &[]) {
        for s in f["sources"].as_array().unwrap() {
            let name =
                |of: &str, else_: &str| s.get(of).unwrap_or(&f[else_]).as_str().unwrap().to_owned();
            let package = f["component"]["name"].as_str().unwrap().to_owned();
            let scanner = s["scanner"].as_str().unwrap().to_owned();
            let said = (scanner, name("asset", "asset"), name("vulnerability", "cve_id"), package);
            all.push((said, s["present"] == true));
        }
    }
    all.sort();
    all
}

/// The story so far.
struct World {
    core: Core,
    runtime: tokio::runtime::Runtime,
    /// What has been said, and must not be lost.
    said: BTreeSet<Said>,
    last: Option<(u64, BTreeSet<Said>)>,
    decisions: usize,
    day: u8,
}

impl World {
    /// Imports a report of the next day.
    fn scanned(&mut self, report: impl Fn(u8) -> Vec<u8>, findings: usize) {
        let before = self.said.clone();
        self.day += 1;
        let done = import(&self.core, &report(self.day), NewImport::default());
        assert_eq!(done.status, ImportStatus::Completed);
        assert_eq!((done.findings, done.skipped), (findings as u64, 0));
        self.said.extend(said(&self.core).into_iter().map(|(said, _)| said));
        self.last = Some((done.id, before));
    }

    /// Does a step; what is refused changes nothing.
    fn take(&mut self, step: &Step) {
        match step {
            Step::Scan(on, ids) => {
                self.scanned(|day| scan(&host(*on), day, ids), ids.len());
            }
            Step::Other(on, ids) => {
                self.scanned(|day| other(&host(*on), day, ids), ids.len());
            }
            Step::RevertLast => {
                if let Some((id, before)) = self.last.take()
                    && reverted(&self.core, id).is_ok()
                {
                    self.said = before;
                }
            }
            decided => {
                let made = self.runtime.block_on(decide(&self.core, decided));
                self.decisions += usize::from(made);
            }
        }
    }

    fn holds(&self, after: &Step) {
        clean(&self.core, &format!("{after:?}"));
        let now = said(&self.core);
        let distinct: BTreeSet<Said> = now.iter().map(|(said, _)| said.clone()).collect();
        assert_eq!(distinct, self.said, "what was said, after {after:?}");
        // An id that was joined to one CVE and is then reported with another stands in two
        // findings, of which the scanner sees the second.
        let present = now.into_iter().filter(|(_, present)| *present).map(|(said, _)| said);
        let present: Vec<Said> = present.collect();
        let once: BTreeSet<Said> = present.iter().cloned().collect();
        assert_eq!(present, Vec::from_iter(once), "once each, after {after:?}");
        let decisions = rows::<Decision>(&self.core, &[]);
        assert_eq!(decisions.len(), self.decisions, "decisions, after {after:?}");
        let snapshot = self.core.store.read().unwrap();
        for decision in &decisions {
            let of = decision["vulnerability"].as_str().unwrap();
            let v = aliases::find(&*snapshot, of).unwrap().map(|v| v.id);
            assert_eq!(v, decision["vulnerability_id"].as_u64(), "{of}, after {after:?}");
        }
    }
}

/// Does what a person decides; says whether that made a decision.
async fn decide(core: &Core, step: &Step) -> bool {
    let ctx = Ctx::cli();
    let key = |name: String| Reference::Key(name);
    match step {
        Step::JoinIds(a, b) => {
            let _refused = aliases::join(core, &ctx, key(id(*a)), None, vec![id(*b)]).await;
        }
        Step::PartId(n) => {
            let found = aliases::find(&*core.store.read().unwrap(), &id(*n)).unwrap();
            let Some(v) = found else { return false };
            let of = Reference::Id(v.id);
            let _refused = aliases::part(core, &ctx, of, None, vec![id(*n)]).await;
        }
        Step::JoinAssets(a, b) => {
            let _refused = identity::join(core, &ctx, key(host(*a)), None, key(host(*b))).await;
        }
        Step::PartAsset(n) => {
            let name = host(*n);
            let holder = rows::<Asset>(core, &[]).into_iter().find(|a| {
                a["asset_id"] != name.as_str() && a["identifiers"].to_string().contains(&name)
            });
            let Some(holder) = holder else { return false };
            let holder = Reference::Id(holder["id"].as_u64().unwrap());
            let _refused = identity::part(core, &ctx, holder, None, vec![name]).await;
        }
        Step::Decide(v, on) => {
            let new = NewDecision {
                kind: DecisionKind::RiskAccepted,
                vulnerability: Some(id(*v)),
                asset: on.map(host),
                reason: Some("property".into()),
                ..NewDecision::default()
            };
            return decisions::create(core, &ctx, new).await.is_ok();
        }
        Step::Revoke(n) => {
            let of = Reference::Id(u64::from(*n) + 1);
            let _refused = decisions::revoke(core, &ctx, of, None).await;
        }
        Step::Scan(..) | Step::Other(..) | Step::RevertLast => {}
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_in_whatever_order_nothing_is_lost(steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World {
            core: core(directory.path()),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            said: BTreeSet::new(),
            last: None,
            decisions: 0,
            day: 0,
        };
        for step in &steps {
            world.take(step);
            world.holds(step);
        }
    }
}
