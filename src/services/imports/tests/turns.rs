//! Two imports of one asset at once come out as if one had been done after the other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use super::guarantees::{clean, import, rows, same};
use super::*;
use crate::domain::finding::Finding;
use crate::services::jobs;

/// A complete scan of one host, made on a day.
fn scan(day: u8, ids: impl Iterator<Item = usize>) -> Vec<u8> {
    let findings: Vec<Value> = ids
        .map(|n| {
            json!({"VulnerabilityID": format!("CVE-2026-{n}"), "PkgName": "p",
                "InstalledVersion": "1", "Severity": "HIGH"})
        })
        .collect();
    let report = json!({"SchemaVersion": 2, "ArtifactName": "web", "ArtifactType": "container_image",
        "CreatedAt": format!("2026-01-{day:02}T00:00:00Z"),
        "Results": [{"Target": "web (alpine 3)", "Class": "os-pkgs", "Type": "alpine",
            "Vulnerabilities": findings}]});
    serde_json::to_vec(&report).unwrap()
}

/// What is open and what is closed, whichever numbers it has.
fn state(core: &Core) -> Vec<Value> {
    const BUT: &[&str] =
        &["id", "version", "created_at", "updated_at", "import_id", "last_import_id"];
    let mut all = rows::<Finding>(core, BUT);
    all.sort_by_key(|f| f["cve_id"].as_str().unwrap().to_owned());
    all
}

/// Enqueues an import; gives its job.
fn enqueued(core: &Core, runtime: &tokio::runtime::Runtime, bytes: &[u8]) -> Job {
    runtime.block_on(async {
        let ctx = Ctx::cli();
        let mut upload = begin(core, &ctx).unwrap();
        upload.write(bytes).unwrap();
        enqueue(core, &ctx, NewImport::default(), upload, None).await.unwrap();
        jobs::claim(core).await.unwrap().unwrap()
    })
}

/// Runs the first; lets the second begin when the first has asked `at` times whether to go
/// on, and waits until it is done or has been waiting. Returns how often the first asked.
fn together(core: &Core, jobs: [Job; 2], at: usize) -> usize {
    let asked = Arc::new(AtomicUsize::new(0));
    let [first, second] = jobs;
    std::thread::scope(|threads| {
        let (done, end) = mpsc::channel();
        let begin = || {
            let (core, second) = (core.clone(), second.clone());
            threads.spawn(move || {
                run(&core, &second, &|| false).unwrap();
                // The first may have ended without waiting.
                done.send(()).unwrap_or_default();
            });
            // An error: it waits for its turn.
            end.recv_timeout(Duration::from_millis(400)).unwrap_or_default();
        };
        let begin = std::cell::RefCell::new(Some(begin));
        let asked_now = asked.clone();
        let go_on = || {
            if asked_now.fetch_add(1, Ordering::Relaxed) == at
                && let Some(begin) = begin.borrow_mut().take()
            {
                begin();
            }
            false
        };
        run(core, &first, &go_on).unwrap();
        if let Some(begin) = begin.borrow_mut().take() {
            begin();
        }
    });
    asked.load(Ordering::Relaxed)
}

/// What is there after a scan of all, and then `first` and `second`, each as a whole.
fn in_order(base: &[u8], reports: [&[u8]; 2]) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let core = core(directory.path());
    import(&core, base, NewImport::default());
    for report in reports {
        import(&core, report, NewImport::default());
    }
    state(&core)
}

/// The newer one closes more than a step holds, and meanwhile the older one brings something
/// that the newer one does not name.
#[test]
fn imports_of_one_asset_come_out_as_if_one_after_the_other() {
    let base = scan(1, 0..4_100);
    let newer = scan(3, 0..2_080);
    let older = scan(2, (0..2_080).chain([9_999]));
    let wanted = [in_order(&base, [&newer, &older]), in_order(&base, [&older, &newer])];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run_at = |at| {
        let directory = tempfile::tempdir().unwrap();
        let core = core(directory.path());
        import(&core, &base, NewImport::default());
        let jobs = [&newer, &older].map(|bytes| enqueued(&core, &runtime, bytes));
        let asked = together(&core, jobs, at);
        let have = state(&core);
        if !wanted.contains(&have) {
            same(&have, &wanted[1], &format!("the other began at {at} of {asked}"));
        }
        clean(&core, &format!("at {at}"));
        asked
    };
    // Before anything is read; then before each step that closes.
    let asked = run_at(0);
    for at in asked - 3..asked {
        run_at(at);
    }
}

/// Who waits shows signs of life, so that its lease does not run out meanwhile.
#[test]
fn a_job_that_waits_for_its_turn_keeps_its_lease() {
    let directory = tempfile::tempdir().unwrap();
    let (core, clock) = core_with_clock(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = import(&core, &scan(1, 0..3), NewImport::default());
    let of = crate::base::id::Reference::Id(done.id);
    runtime.block_on(revert(&core, &Ctx::cli(), of, None)).unwrap();
    let job = runtime.block_on(jobs::claim(&core)).unwrap().unwrap();
    let stored = || core.store.read().unwrap().require::<Job>(job.id).unwrap();
    let turn =
        core.turns.take(crate::services::imports::turns::Scope::Everything, || Ok(())).unwrap();
    std::thread::scope(|threads| {
        let reverting = threads.spawn(|| run_revert(&core, &job, &|| false));
        clock.advance_seconds(100);
        let started = std::time::Instant::now();
        while stored().lease_until == job.lease_until {
            assert!(started.elapsed() < Duration::from_mins(1), "no sign of life");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(stored().lease_until > job.lease_until);
        drop(turn);
        reverting.join().unwrap().unwrap();
    });
    assert_eq!(all(&core)[0].status, ImportStatus::Reverted);
    clean(&core, "reverted");
}
