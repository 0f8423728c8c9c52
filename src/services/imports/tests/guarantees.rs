//! What every import of every format keeps to (guarantees G1, G2, G3 and G6), over all
//! fixtures and, if `VULNZERO_REPORTS` names a folder, all reports in it.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::adapters::importers::ALL;
use crate::adapters::importers::testing::all_reports;
use crate::base::record::Record;
use crate::domain::asset::Asset;
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::package::Package;
use crate::domain::vulnerability::Vulnerability;
use crate::services::{jobs, maintenance};
use crate::store::engine::Span;
use crate::store::{Direction, row};

/// Imports a report to its end.
pub(in crate::services) fn import(core: &Core, bytes: &[u8], new: NewImport) -> Import {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ctx = Ctx::cli();
        let mut upload = begin(core, &ctx).unwrap();
        upload.write(bytes).unwrap();
        let import = enqueue(core, &ctx, new, upload, None).await.unwrap().import;
        let job = jobs::claim(core).await.unwrap().unwrap();
        let (of_job, shared) = (job.clone(), core.clone());
        let ran = tokio::task::spawn_blocking(move || run(&shared, &of_job, &|| false));
        ran.await.unwrap().unwrap();
        jobs::finish(core, job.id, Ok(())).await.unwrap();
        core.store.read().unwrap().require(import.id).unwrap()
    })
}

pub(super) fn named(path: &std::path::Path, format: &str) -> NewImport {
    let filename = path.file_name().map(|name| name.to_string_lossy().into_owned());
    NewImport { filename, format: Some(format.to_owned()), ..NewImport::default() }
}

/// When and by which import something was seen last.
const SIGHTINGS: &[&str] =
    &["last_seen", "import_id", "last_scanned", "last_import_id", "at", "scanner_version"];

pub(super) fn rows<R: Record>(core: &Core, but: &[&str]) -> Vec<Value> {
    let snapshot = core.store.read().unwrap();
    let mut all = Vec::new();
    let mut take = |_: &[u8], bytes: &[u8]| {
        let mut row = serde_json::from_slice(&row::json::<R>(bytes)?).unwrap();
        without(&mut row, but);
        all.push(row);
        Ok(true)
    };
    snapshot.scan(R::TABLE, &Span::all(), Direction::Forward, &mut take).unwrap();
    all
}

fn without(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !names.contains(&name.as_str()));
            map.values_mut().for_each(|v| without(v, names));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| without(v, names)),
        _ => {}
    }
}

/// Compares two states; on a difference names the first record, not all of them.
pub(super) fn same(have: &[Value], want: &[Value], what: &str) {
    assert_eq!(have.len(), want.len(), "{what}");
    for (have, want) in have.iter().zip(want) {
        let Some(fields) = want.as_object() else { continue };
        for (name, value) in fields.iter().rev() {
            let whose = (&have["id"], &have["cve_id"], &have["asset_id"]);
            assert_eq!(have.get(name), Some(value), "{what}: {name} of {whose:?}");
        }
        assert_eq!(have, want, "{what}");
    }
}

/// All that is known, without when it was seen last.
pub(super) fn state(core: &Core) -> Vec<Value> {
    let mut all = rows::<Finding>(core, SIGHTINGS);
    // A report that contradicts itself writes the same in two steps each time.
    let steps = [SIGHTINGS, &["version", "updated_at"]].concat();
    all.extend(rows::<Vulnerability>(core, &steps));
    all.extend(rows::<Asset>(core, &steps));
    all.extend(rows::<Package>(core, SIGHTINGS));
    all.extend(rows::<Decision>(core, SIGHTINGS));
    all
}

pub(super) fn clean(core: &Core, what: &str) {
    let report = maintenance::check(&core.store).unwrap();
    assert!(report.faults.is_empty(), "{what}: {:?}", report.faults);
}

/// Every report of every format.
pub(super) fn reports() -> impl Iterator<Item = (&'static str, PathBuf)> {
    ALL.iter().flat_map(|importer| {
        all_reports(importer.name()).into_iter().map(|path| (importer.name(), path))
    })
}

/// The same document with its records in another order: the lists near its top. Lists deep
/// inside of a record may mean something by their order.
fn shuffled(bytes: &[u8], seed: u64) -> Option<Vec<u8>> {
    fn shuffle(value: &mut Value, keys: usize, seed: &mut u64) {
        match value {
            Value::Object(map) if keys < 2 => {
                for value in map.values_mut() {
                    shuffle(value, keys + 1, seed);
                }
            }
            Value::Array(list) => {
                for value in &mut *list {
                    shuffle(value, keys, seed);
                }
                for n in (1..list.len()).rev() {
                    // Marsaglia, "Xorshift RNGs", 2003.
                    *seed ^= *seed << 13;
                    *seed ^= *seed >> 7;
                    *seed ^= *seed << 17;
                    list.swap(n, (*seed % (n as u64 + 1)) as usize);
                }
            }
            _ => {}
        }
    }
    let mut document: Value = serde_json::from_slice(bytes).ok()?;
    shuffle(&mut document, 0, &mut (seed | 1));
    serde_json::to_vec(&document).ok()
}

#[test]
fn the_same_report_again_changes_nothing_but_when_things_were_seen() {
    let mut imported = 0;
    for (format, path) in reports() {
        let name = path.display().to_string();
        let directory = tempfile::tempdir().unwrap();
        let core = core(directory.path());
        let bytes = std::fs::read(&path).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let first = import(&core, &bytes, named(&path, format));
        if first.status == ImportStatus::Failed {
            assert_eq!(state(&core), [Value::Null; 0], "{name}: refused, and yet");
            continue;
        }
        imported += 1;
        let findings = rows::<Finding>(&core, &[]);
        assert_eq!(first.findings, findings.len() as u64, "{name}: the answer means done");
        assert_eq!((first.new, first.closed, first.held), (first.findings, 0, 0), "{name}");
        let before = state(&core);
        for again in 0..3 {
            let replay = import(&core, &bytes, named(&path, format));
            let counts = (replay.new, replay.seen, replay.reopened, replay.closed, replay.held);
            assert_eq!(counts, (0, first.findings, 0, 0, 0), "{name}, replay {again}");
            same(&state(&core), &before, &format!("{name}, replay {again}"));
        }
        clean(&core, &name);
    }
    assert!(imported > 20, "{imported}");
}

#[test]
fn a_report_in_another_order_is_the_same_report() {
    for (format, path) in reports() {
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).unwrap();
        // What has the order of its entries in its format, and large files, are left out.
        if bytes.len() > 300_000 || shuffled(&bytes, 1).is_none() {
            continue;
        }
        let directory = tempfile::tempdir().unwrap();
        let core = core(directory.path());
        let first = import(&core, &bytes, named(&path, format));
        if first.status == ImportStatus::Failed {
            continue;
        }
        for seed in [7, 77] {
            let other = shuffled(&bytes, seed).unwrap();
            let replay = import(&core, &other, named(&path, format));
            let counts = (replay.status, replay.new, replay.reopened, replay.closed);
            assert_eq!(counts, (ImportStatus::Completed, 0, 0, 0), "{name}, {seed}");
            assert_eq!(replay.seen, first.findings, "{name}, {seed}");
        }
        clean(&core, &name);
    }
}

/// A report of one asset: findings by number, made on a day.
pub(super) fn scan(asset: &str, day: u8, ids: &[u8]) -> Vec<u8> {
    let findings: Vec<Value> = ids
        .iter()
        .map(|n| {
            json!({"VulnerabilityID": format!("CVE-2026-{n}"), "PkgName": format!("p{n}"),
                "InstalledVersion": "1", "Severity": "HIGH"})
        })
        .collect();
    let report = json!({"SchemaVersion": 2, "ArtifactName": asset, "ArtifactType": "container_image",
        "CreatedAt": format!("2026-01-{day:02}T00:00:00Z"),
        "Results": [{"Target": format!("{asset} (alpine 3)"), "Class": "os-pkgs", "Type": "alpine",
            "Vulnerabilities": findings}]});
    serde_json::to_vec(&report).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the order in which scans of two assets come in: what is open in the end is
    /// what the newest scan of each asset names (G3, G6), and the counts agree.
    #[test]
    fn the_newest_complete_scan_decides(
        scans in proptest::collection::vec((0..2_u8, 1..28_u8, proptest::collection::btree_set(0..9_u8, 0..9)), 1..9),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let core = core(directory.path());
        let mut newest = std::collections::BTreeMap::new();
        for (asset, day, ids) in &scans {
            let ids: Vec<u8> = ids.iter().copied().collect();
            let name = format!("host{asset}");
            let done = import(&core, &scan(&name, *day, &ids), NewImport::default());
            prop_assert_eq!(done.status, ImportStatus::Completed);
            let known = newest.entry(name).or_insert((*day, ids.clone()));
            if *day > known.0 {
                *known = (*day, ids);
            }
        }
        // Two scans of the same time: neither is newer, so what either names stays.
        let twice = |asset: &str, day: u8| {
            scans.iter().filter(|(a, d, _)| format!("host{a}") == asset && *d == day).count() > 1
        };
        for (asset, (day, ids)) in newest.iter().filter(|(a, (day, _))| !twice(a, *day)) {
            let mut open: Vec<String> = rows::<Finding>(&core, &[])
                .iter()
                .filter(|f| f["asset"] == asset.as_str() && f["status"] == "open")
                .map(|f| f["cve_id"].as_str().unwrap().to_owned())
                .collect();
            open.sort();
            let mut expected: Vec<String> = ids.iter().map(|n| format!("CVE-2026-{n}")).collect();
            expected.sort();
            prop_assert_eq!(&open, &expected, "{} on day {}", asset, day);
        }
        clean(&core, "scans");
    }
}
