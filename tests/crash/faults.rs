//! The disk fails once at every operation, and for a while; the store says so, loses
//! nothing that it acknowledged, and comes back by itself.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vulnzero::base::{Code, Error};
use vulnzero::domain::asset::Asset;
use vulnzero::store::{Engine as _, Options, Read as _, Store};

use super::disk::{Disk, EIO, ENOSPC, Fault, Hit};
use super::workload::{open, together, verify};

const GROUPS: [u64; 4] = [1, 3, 1, 2];
/// Nearly nothing is cached, so that reads reach the disk.
const CACHE: usize = 0;
/// Longest wait for the store to come back.
const PATIENCE: Duration = Duration::from_secs(10);

fn is_storage_trouble(e: &Error) -> bool {
    matches!(e.code(), Code::StorageUnavailable | Code::ReadOnly) && !e.detail().is_empty()
}

/// A disk with an empty database, made without any fault: on a real one it is made beside
/// its place and renamed, so a half-made one is never found.
fn created() -> Disk {
    let disk = Disk::default();
    disk.open(CACHE).unwrap().close().unwrap();
    disk
}

/// Opens; a fault may hit here already. One that stays is taken away, as somebody would
/// who is told that the server does not start.
fn open_at_last(disk: &Disk) -> Store {
    for _ in 0..3 {
        match disk.open(CACHE).and_then(|engine| open(engine, Options::default())) {
            Ok(store) => return store,
            Err(e) => {
                assert!(is_storage_trouble(&e), "{e:?}");
                if disk.failures() > 1 {
                    disk.set_fault(None);
                }
            }
        }
    }
    panic!("it does not open although the disk works")
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One run with one fault. Returns how many transactions were refused.
fn run(fault: Fault) -> u64 {
    let disk = created();
    let fault = Fault { at: disk.writes() + fault.at, ..fault };
    disk.set_fault(Some(fault));
    let store = open_at_last(&disk);
    let (mut acknowledged, mut submitted, mut refused) = (BTreeSet::new(), 0, 0);
    let mut reasons: Vec<String> = Vec::new();
    for size in GROUPS {
        let answers = together(&store, submitted + 1..=submitted + size);
        submitted += size;
        for (n, answer) in answers {
            match answer {
                Ok(()) => drop(acknowledged.insert(n)),
                Err(e) => {
                    assert!(is_storage_trouble(&e), "{fault:?}: {e:?}");
                    refused += 1;
                    reasons.push(e.detail().to_owned());
                }
            }
        }
        if refused > 0 && fault.count > 1 && disk.failures() > 0 {
            // Writing does not work while it lasts, and the store says why. On a full disk
            // reading does; one that takes no write at all cannot even be opened.
            if fault.what == Hit::Growth {
                wait_until("reading meanwhile", || {
                    verify(&store).is_ok_and(|done| done.is_superset(&acknowledged))
                });
            } else {
                let e = together(&store, [submitted + 90]).remove(0).1.unwrap_err();
                assert!(is_storage_trouble(&e), "{fault:?}: {e:?}");
                let trouble = store.health().trouble.unwrap_or_default();
                assert!(
                    trouble.contains("the storage failed") || trouble.contains("cannot be opened"),
                    "{fault:?}: {trouble}"
                );
            }
            disk.set_fault(None);
        }
    }
    let wanted = if fault.errno == ENOSPC { "the disk is full" } else { "the storage failed" };
    assert!(refused == 0 || reasons.iter().any(|r| r.contains(wanted)), "{fault:?}: {reasons:?}");
    disk.set_fault(None);
    wait_until("health", || store.health().trouble.is_none());
    let done = verify(&store).unwrap();
    assert!(done.is_superset(&acknowledged), "{fault:?}: {acknowledged:?} of {done:?}");
    for (n, answer) in together(&store, [submitted + 1, submitted + 2]) {
        answer.unwrap_or_else(|e| panic!("{fault:?}: step {n} after recovery: {e:?}"));
        acknowledged.insert(n);
    }
    store.close().unwrap();
    let done = verify(&open(disk.open(CACHE).unwrap(), Options::default()).unwrap()).unwrap();
    assert!(
        done.is_superset(&acknowledged),
        "{fault:?}, after a restart: {acknowledged:?} of {done:?}"
    );
    refused
}

/// Runs all cases, many at once: most of the time they wait.
fn all(cases: &[Fault]) -> (u64, u64) {
    let (next, refused, hit) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                    let n = run(*case);
                    refused.fetch_add(n, Ordering::SeqCst);
                    hit.fetch_add(u64::from(n > 0), Ordering::SeqCst);
                }
            });
        }
    });
    (hit.into_inner(), refused.into_inner())
}

/// Changes that a run without any fault makes.
fn operations() -> u64 {
    let disk = created();
    let before = disk.writes();
    let store = open_at_last(&disk);
    let mut last = 0;
    for size in GROUPS {
        assert!(together(&store, last + 1..=last + size).iter().all(|(_, a)| a.is_ok()));
        last += size;
    }
    disk.writes() - before
}

fn faults(errno: i32, count: u64, what: Hit, step: usize) -> Vec<Fault> {
    let fault = |at| Fault { at, count, errno, what };
    (1..=operations()).step_by(step).map(fault).collect()
}

#[test]
fn one_failure_at_every_operation_loses_nothing() {
    for (name, errno) in [("ENOSPC", ENOSPC), ("EIO", EIO)] {
        let cases = faults(errno, 1, Hit::Changes, 1);
        let (hit, refused) = all(&cases);
        println!(
            "{name} once at each of {} operations: {hit} runs noticed, {refused} transactions refused",
            cases.len()
        );
        assert!(hit * 4 > cases.len() as u64, "most operations belong to a commit");
    }
}

#[test]
fn a_disk_that_fails_for_a_while_comes_back_without_a_restart() {
    for (name, errno, what) in [("ENOSPC", ENOSPC, Hit::Growth), ("EIO", EIO, Hit::Changes)] {
        let cases = faults(errno, u64::MAX, what, 3);
        let (hit, refused) = all(&cases);
        println!(
            "{name} from each of {} operations on: {hit} runs noticed, {refused} transactions refused",
            cases.len()
        );
        assert!(hit * 4 > cases.len() as u64);
    }
}

#[test]
fn a_read_that_fails_is_told_and_the_next_ones_work() {
    let disk = Disk::default();
    let store = open_at_last(&disk);
    assert!(together(&store, 1..=12).iter().all(|(_, a)| a.is_ok()));
    let before = disk.reads();
    assert_eq!(verify(&store).unwrap().len(), 12);
    let reads = disk.reads() - before;
    let mut told = 0;
    for n in (1..=reads).step_by((reads as usize / 24).max(1)) {
        let fault = Fault { at: disk.reads() + n, count: 1, errno: EIO, what: Hit::Reads };
        disk.set_fault(Some(fault));
        match verify(&store) {
            Ok(done) => assert_eq!(done.len(), 12),
            Err(e) => {
                assert_eq!(e.code(), Code::StorageUnavailable, "{e:?}");
                assert_eq!(e.detail(), "the storage failed");
                told += 1;
                // No write comes to the rescue.
                wait_until("reading", || {
                    verify(&store).is_ok_and(|done| done.len() == 12)
                        && store.health().trouble.is_none()
                });
            }
        }
    }
    println!("EIO at {reads} reads: {told} times told");
    disk.set_fault(None);
    assert!(told > 10, "{told} of {reads}");
    // Within a transaction.
    disk.set_fault(Some(Fault { at: disk.reads() + 2, count: 1, errno: EIO, what: Hit::Reads }));
    let answers = together(&store, [13]);
    let e = answers[0].1.as_ref().unwrap_err();
    assert_eq!(e.code(), Code::StorageUnavailable);
    assert!(together(&store, [13]).iter().all(|(_, a)| a.is_ok()));
    assert_eq!(verify(&store).unwrap().len(), 13);
    // A snapshot of before says that it is of no more use, whatever it still has in memory.
    disk.set_fault(None);
    let old = store.read().unwrap();
    store.engine().recover().unwrap();
    if let Err(e) = old.require::<Asset>(1) {
        assert_eq!(e.code(), Code::StorageUnavailable, "{e:?}");
    }
    assert!(
        !store.engine().is_failed(),
        "an error of an old snapshot says nothing of the new handle"
    );
}
