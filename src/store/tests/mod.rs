//! Tests of the store as a whole, over a record with every kind of field, on every engine.
//! What one file does alone is tested in that file.

mod backups;
mod changes;
mod engines;
mod groups;
mod migrations;
mod plans;
mod queries;
mod sample;
mod scans;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::sample::Sample;
use super::check::Finding;
use super::engine::memory::Memory;
use super::engine::redb::Redb;
use super::{Catalog, Engine, Options, Store, Tx};
use crate::base::time::ManualClock;
use crate::base::{Result, Timestamp};

/// Makes an engine without content.
type Make = dyn Fn() -> Box<dyn Engine>;

fn memory() -> Box<dyn Engine> {
    Box::new(Memory::default())
}

fn redb() -> Box<dyn Engine> {
    Box::new(Redb::in_memory().expect("memory does not fail"))
}

/// Declares each test function, which takes a [`Make`], once per engine.
macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod memory { $(#[test] fn $test() { super::$test(&crate::store::tests::memory); })* }
        mod redb { $(#[test] fn $test() { super::$test(&crate::store::tests::redb); })* }
    };
}
use on_every_engine;

fn catalog() -> Catalog {
    Catalog::new().with::<Sample>()
}

fn open(engine: Box<dyn Engine>) -> Store {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000)));
    Store::open(engine, catalog(), clock, Options::default()).expect("a new engine opens")
}

/// What `check` finds in all tables.
fn findings(store: &Store) -> Vec<Finding> {
    let snapshot = store.read().expect("reads work");
    let mut found = Vec::new();
    for table in store.catalog().tables() {
        table.check(&*snapshot, &mut |f| found.push(f)).expect("reads work");
    }
    found
}

/// Runs a property on random cases; prints the smallest failing one.
fn property<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> std::result::Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    if let Err(e) = TestRunner::new(config).run(strategy, test) {
        panic!("{e}");
    }
}

/// One value of a strategy, always the same.
fn one<S: Strategy>(strategy: &S) -> S::Value {
    let mut runner = TestRunner::deterministic();
    strategy.new_tree(&mut runner).expect("the strategies reject nothing").current()
}

type Body<T> = Box<dyn FnMut(&mut Tx<'_>) -> Result<T> + Send>;

/// Runs transactions so that one commit has them all; their answers, in order. The writer
/// is kept busy with another one until all are queued.
fn together<T: Send + 'static>(store: &Store, bodies: Vec<Body<T>>) -> Vec<Result<T>> {
    let answers = queued(store, bodies);
    answers.iter().map(|answer| answer.recv().expect("every transaction is answered")).collect()
}

/// [`together`], without waiting for the answers.
fn queued<T: Send + 'static>(store: &Store, bodies: Vec<Body<T>>) -> Vec<Receiver<Result<T>>> {
    let (started, has_started) = channel();
    let (release, released) = channel::<()>();
    let hold = move |_: &mut Tx<'_>| {
        started.send(()).expect("the test waits");
        // An error means that the test is over.
        let _over = released.recv();
        Ok(())
    };
    store.submit("test.hold", hold, |answer| answer.expect("it does nothing"));
    has_started.recv().expect("the writer runs");
    let answers = bodies
        .into_iter()
        .map(|body| {
            let (sender, receiver) = channel();
            store.submit("test.body", body, move |answer| {
                // A test need not look at every answer.
                let _unread = sender.send(answer);
            });
            receiver
        })
        .collect();
    drop(release);
    answers
}
