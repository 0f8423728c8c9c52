//! Imports over a store in memory: tidying, and what every import must keep to.

pub(in crate::services) mod guarantees;
mod interleavings;
mod policies;
mod reverting;
mod turns;

use std::sync::Arc;

use super::*;
use crate::adapters::importers::input;
use crate::base::time::ManualClock;
use crate::services::core;
use crate::store::engine::memory::Memory;
use crate::store::{Catalog, Options, Store};
use crate::telemetry::Metrics;

macro_rules! catalog {
    ($($record:ty),*) => { Catalog::new()$(.with::<$record>())* };
}

pub(in crate::services) fn core(directory: &std::path::Path) -> Core {
    core_with_clock(directory).0
}

fn core_with_clock(directory: &std::path::Path) -> (Core, Arc<ManualClock>) {
    let catalog = crate::for_each_record!(catalog);
    let clock = Arc::new(ManualClock::at("2026-11-24T00:00:00Z".parse().unwrap()));
    let engine = Box::new(Memory::default());
    let store = Store::open(engine, catalog, clock.clone(), Options::default()).unwrap();
    let options = core::Options {
        data_dir: directory.to_owned(),
        namespace: "https://vulnzero.test".into(),
        report: input::Limits::default(),
        max_upload_bytes: 64 << 20,
        keep_originals: true,
        original_max_bytes: 32 << 20,
        originals_total_bytes: 64 << 20,
        quarantine_percent: 50,
        quarantine_above: 10,
        undo_keep_s: 86_400,
        session_s: 1,
        session_idle_s: 1,
        lockout_failures: 1,
        lockout_s: 1,
    };
    (Core::new(store, options, Metrics::new("test")).0, clock)
}

fn all(core: &Core) -> Vec<Import> {
    let snapshot = core.store.read().unwrap();
    (1..).map_while(|id| snapshot.find(id).unwrap()).collect()
}

#[tokio::test]
async fn tidying_reaches_every_import_that_waits() {
    const WAITING: u64 = 10_200;
    let directory = tempfile::tempdir().unwrap();
    let core = core(directory.path());
    // Every third upload came to its end and has a job; the last one is done.
    let fill = |tx: &mut Tx<'_>| {
        for n in 1..=WAITING {
            tx.insert(Import { job_id: (n % 3 == 0).then_some(n), ..Import::default() })?;
        }
        tx.insert(Import { status: ImportStatus::Completed, ..Import::default() })
    };
    let done = core.store.write("test", fill).await.unwrap();
    std::fs::create_dir(core.spool()).unwrap();
    for id in [1, 3, WAITING - 1, WAITING, done.id] {
        std::fs::write(spool::path(&core, id), "report").unwrap();
    }
    std::fs::write(core.spool().join("upload-half"), "rep").unwrap();

    tidy(&core).await.unwrap();

    for import in all(&core) {
        let id = import.id;
        let wanted = match import.job_id {
            Some(_) => ImportStatus::Pending,
            None if id == done.id => ImportStatus::Completed,
            None => ImportStatus::Failed,
        };
        assert_eq!(import.status, wanted, "{id}");
        assert_eq!(import.error.is_some(), wanted == ImportStatus::Failed, "{id}");
    }
    let left = std::fs::read_dir(core.spool()).unwrap();
    let mut left: Vec<_> = left.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, [WAITING.to_string(), "3".to_owned()]);
}

/// What an upload with this key makes, or has made.
async fn upload(core: &Core, key: &str, content: &[u8]) -> Result<Enqueued> {
    let ctx = Ctx::cli();
    let once = Once::begin(core, &ctx, key)?;
    let mut upload = begin(core, &ctx)?;
    upload.write(content)?;
    enqueue(core, &ctx, NewImport::default(), upload, Some(once)).await
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let directory = tempfile::tempdir().unwrap();
    let (core, clock) = core_with_clock(directory.path());
    let first = upload(&core, "key", b"one").await.unwrap();
    clock.advance_seconds(23 * 3600);
    assert!(upload(&core, "key", b"one").await.unwrap().repeated);
    assert_eq!(forget(&core).await.unwrap(), 0);
    assert_eq!(upload(&core, "key", b"two").await.unwrap_err().code(), Code::Invalid);
    clock.advance_seconds(3600);
    let second = upload(&core, "key", b"two").await.unwrap();
    assert!(!second.repeated && second.import.id > first.import.id);
    clock.advance_seconds(25 * 3600);
    assert_eq!(forget(&core).await.unwrap(), 1);
    assert_eq!(forget(&core).await.unwrap(), 0);
}

#[tokio::test]
async fn a_key_whose_upload_was_cut_off_is_free() {
    let directory = tempfile::tempdir().unwrap();
    let core = core(directory.path());
    let first = upload(&core, "key", b"one").await.unwrap().import;
    // As if the process had ended before the job was made.
    let without = Import { job_id: None, ..first.clone() };
    core.store.write("test", move |tx| tx.update(without.clone())).await.unwrap();
    let second = upload(&core, "key", b"one").await.unwrap();
    assert!(!second.repeated && second.import.id != first.id);
}
