//! Several transactions in one commit: none can spoil another, and nobody is answered
//! before all of it is durable.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::TryRecvError;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::sample::{Sample, distinct, sample};
use super::{Body, Make, findings, memory, on_every_engine, one, open, queued, together};
use crate::base::{Code, Error, Result};
use crate::store::commit::Done;
use crate::store::engine::{Batch, Engine, EngineStats, Snapshot, Table};
use crate::store::{Commit, Observer, Read as _, Store, Touched, Tx};

on_every_engine!(neighbours_are_not_hurt, generations_count_commits, a_closed_store_answers);

fn insert(n: u64) -> Body<u64> {
    let s = distinct(n, one(&sample()));
    Box::new(move |tx| tx.insert(s.clone()).map(|s| s.id))
}

fn neighbours_are_not_hurt(make: &Make) {
    let store = open(make());
    let panics: Body<u64> = Box::new(|tx| {
        tx.insert(distinct(7, one(&sample())))?;
        std::panic::resume_unwind(Box::new("as wanted"))
    });
    let fails: Body<u64> = Box::new(|tx| {
        tx.insert(distinct(8, one(&sample())))?;
        Err(Error::new(Code::Forbidden, "as wanted"))
    });
    let stale: Body<u64> = Box::new(|tx| {
        let first = tx.require::<Sample>(1)?;
        tx.update(first.clone())?;
        tx.update(first).map(|s| s.id)
    });
    let bodies = vec![insert(1), panics, insert(1), fails, insert(7), stale, insert(8)];
    let answers: Vec<_> =
        together(&store, bodies).into_iter().map(|a| a.map_err(|e| e.code())).collect();
    let wanted = [
        Ok(1),
        Err(Code::Internal),
        Err(Code::Duplicate),
        Err(Code::Forbidden),
        Ok(2),
        Err(Code::VersionMismatch),
        Ok(3),
    ];
    assert_eq!(answers, wanted);
    assert_eq!(findings(&store), []);
    let first = store.read().expect("reads work").require::<Sample>(1).expect("is there");
    assert_eq!(first.version, 1, "the first of two updates was taken back with the second");
}

fn generations_count_commits(make: &Make) {
    let store = open(make());
    assert_eq!(store.generation::<Sample>(), 0);
    let answers = together(&store, (1..=5).map(insert).collect());
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(store.generation::<Sample>(), 1, "one commit");
    store
        .write_blocking("test", |tx| {
            tx.set_meta("x", vec![1]);
            Ok(())
        })
        .expect("is allowed");
    assert_eq!(store.generation::<Sample>(), 1, "of other tables nothing is told");
    store.write_blocking("test", |tx| tx.delete::<Sample>(1)).expect("is there");
    assert_eq!(store.generation::<Sample>(), 2);
    store.write_blocking("test", |tx| tx.delete::<Sample>(1)).expect_err("is gone");
    assert_eq!(store.generation::<Sample>(), 2);
}

fn a_closed_store_answers(make: &Make) {
    let store = open(make());
    let answers = queued(&store, (1..=3).map(insert).collect());
    store.close().expect("closes");
    for answer in answers {
        answer.recv().expect("is answered").expect("was queued before the end");
    }
    let e = store.write_blocking("test", |tx| tx.delete::<Sample>(1)).expect_err("is too late");
    assert_eq!((e.code(), e.detail()), (Code::Unavailable, "the store is closed"));
    store.close().expect("twice is no harm");
}

/// An engine whose commits wait for a signal and may fail.
struct Gate {
    inner: Box<dyn Engine>,
    shut: Mutex<bool>,
    opened: Condvar,
    fails: AtomicBool,
    waiting: AtomicBool,
}

impl Gate {
    fn new(shut: bool) -> Arc<Self> {
        Arc::new(Self {
            inner: memory(),
            shut: Mutex::new(shut),
            opened: Condvar::new(),
            fails: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
        })
    }

    fn open(&self) {
        *self.shut.lock().expect("no panic") = false;
        self.opened.notify_all();
    }
}

struct Shared(Arc<Gate>);

impl Engine for Shared {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.0.inner.snapshot()
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut shut = self.0.shut.lock().expect("no panic");
        self.0.waiting.store(true, Ordering::SeqCst);
        while *shut {
            shut = self.0.opened.wait(shut).expect("no panic");
        }
        if self.0.fails.load(Ordering::SeqCst) {
            return Err(Error::new(Code::StorageUnavailable, "as wanted"));
        }
        self.0.inner.commit(batch)
    }

    fn clear(&self, table: Table) -> Result<()> {
        self.0.inner.clear(table)
    }

    fn is_failed(&self) -> bool {
        false
    }

    fn recover(&self) -> Result<()> {
        Ok(())
    }

    fn stats(&self) -> Result<EngineStats> {
        self.0.inner.stats()
    }

    fn table_stats(&self, table: Table) -> Result<(u64, u64)> {
        self.0.inner.table_stats(table)
    }

    fn copy_to(&self, path: &Path) -> Result<u64> {
        self.0.inner.copy_to(path)
    }

    fn compact(&self) -> Result<()> {
        self.0.inner.compact()
    }

    fn close(&self) -> Result<()> {
        self.0.inner.close()
    }
}

#[derive(Default)]
struct Ears {
    touched: Mutex<Vec<Touched>>,
    done: Mutex<Vec<(bool, usize)>>,
    panics: AtomicBool,
    heard: AtomicUsize,
}

impl Observer for Ears {
    fn committed(&self, commit: &Commit) {
        self.heard.fetch_add(1, Ordering::SeqCst);
        self.touched.lock().expect("no panic").extend(&commit.touched);
        if self.panics.load(Ordering::SeqCst) {
            std::panic::resume_unwind(Box::new("as wanted"));
        }
    }

    fn done(&self, done: &Done) {
        self.done.lock().expect("no panic").push((done.ok, done.group));
    }
}

fn gated() -> (Store, Arc<Gate>, Arc<Ears>) {
    let gate = Gate::new(false);
    let store = open(Box::new(Shared(gate.clone())));
    let ears = Arc::new(Ears::default());
    store.observe(vec![ears.clone()]).expect("is the first time");
    (store, gate, ears)
}

#[test]
fn answers_come_after_durability_and_after_observers() {
    let (store, gate, ears) = gated();
    *gate.shut.lock().unwrap() = true;
    gate.waiting.store(false, Ordering::SeqCst);
    let answers = queued(&store, vec![insert(1), insert(2)]);
    while !gate.waiting.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(answers.iter().all(|a| a.try_recv().err() == Some(TryRecvError::Empty)));
    assert_eq!(ears.heard.load(Ordering::SeqCst), 0);
    assert_eq!(store.generation::<Sample>(), 0);
    gate.open();
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.recv().unwrap().unwrap(), n as u64 + 1);
    }
    assert_eq!(ears.heard.load(Ordering::SeqCst), 1);
    let touched = ears.touched.lock().unwrap().clone();
    let wanted = [1, 2].map(|id| Touched { table: "samples", id, deleted: false });
    assert_eq!(touched, wanted);
    assert_eq!(ears.done.lock().unwrap()[1..], [(true, 2), (true, 2)]);
}

#[test]
fn a_failed_commit_fails_everybody_even_who_was_refused_because_of_it() {
    let (store, gate, ears) = gated();
    gate.fails.store(true, Ordering::SeqCst);
    for answer in together(&store, vec![insert(1), insert(1), insert(2)]) {
        assert_eq!(answer.unwrap_err().code(), Code::StorageUnavailable);
    }
    assert_eq!(ears.heard.load(Ordering::SeqCst), 0);
    assert_eq!(store.generation::<Sample>(), 0);
    gate.fails.store(false, Ordering::SeqCst);
    assert_eq!(together(&store, vec![insert(1)]).remove(0).unwrap(), 1);
}

#[test]
fn an_observer_that_panics_does_not_end_the_writer() {
    let (store, _, ears) = gated();
    ears.panics.store(true, Ordering::SeqCst);
    assert_eq!(together(&store, vec![insert(1)]).remove(0).unwrap(), 1);
    assert_eq!(together(&store, vec![insert(2)]).remove(0).unwrap(), 2);
    assert_eq!(ears.heard.load(Ordering::SeqCst), 2);
}

#[test]
fn a_full_queue_refuses_instead_of_waiting() {
    let (store, gate, _) = gated();
    *gate.shut.lock().unwrap() = true;
    let bodies = (0..crate::base::limits::WRITE_QUEUE as u64 + 10)
        .map(|_| -> Body<()> { Box::new(|_: &mut Tx<'_>| Ok(())) });
    let answers = queued(&store, bodies.collect());
    gate.open();
    let answers: Vec<_> = answers.iter().map(|a| a.recv().unwrap()).collect();
    let refused: Vec<_> = answers.iter().filter_map(|a| a.as_ref().err()).collect();
    assert_eq!(refused.len(), 10);
    assert!(refused.iter().all(|e| e.code() == Code::Unavailable && e.retry_after_s() == Some(1)));
}

#[test]
fn an_awaited_write_stands_even_if_nobody_waits_any_more() {
    let (store, _, _) = gated();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let id = runtime.block_on(store.write("test", insert(1))).unwrap();
    assert_eq!(id, 1);
    let write = store.write("test", insert(2));
    // Polled once, then dropped.
    runtime.block_on(async {
        tokio::select! { biased; _ = write => {}, () = async {} => {} }
    });
    assert_eq!(store.write_blocking("test", insert(3)).unwrap(), 3);
}
