//! The single writer: a thread that runs transactions in turn, commits several at once and
//! answers each only after the commit is durable. What it does when the disk fails or fills
//! is in `care.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::care::{Recovery, SpaceGuard};
use super::commit::{Commit, Done, Observer};
use super::engine::Table;
use super::tx::{Group, Touched, Tx};
use super::{Inner, META};
use crate::base::{Code, Error, Result, limits};

type Run = dyn FnMut(&mut Tx<'_>) -> Result<()> + Send;

/// A transaction on its way to the writer.
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) run: Box<Run>,
    pub(super) reply: Box<dyn FnOnce(Result<()>) + Send>,
}

enum Message {
    Job(Job),
    Stop,
}

/// The handle to the writer's thread.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(inner: Arc<Inner>) -> Result<Self> {
        let (queue, jobs) = sync_channel(limits::WRITE_QUEUE);
        let thread = std::thread::Builder::new()
            .name("vulnzero-writer".into())
            .spawn(move || run(&inner, &jobs))
            .map_err(|e| Error::internal("cannot start the writer").with_source(e))?;
        Ok(Self { queue, thread: std::sync::Mutex::new(Some(thread)) })
    }

    pub(super) fn submit(&self, job: Job) {
        let refused = match self.queue.try_send(Message::Job(job)) {
            Ok(()) => return,
            Err(TrySendError::Full(m)) => (m, "too many writes are waiting"),
            Err(TrySendError::Disconnected(m)) => (m, "the store is closed"),
        };
        if let (Message::Job(job), why) = refused {
            (job.reply)(Err(Error::new(Code::Unavailable, why).with_retry_after(1)));
        }
    }

    /// Ends the thread after what is queued.
    pub(super) fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A full queue only makes this wait; a thread that has gone is what is wanted.
            let _gone = self.queue.send(Message::Stop);
            if thread.join().is_err() {
                tracing::error!("the writer's thread panicked");
            }
        }
    }
}

/// How long the writer waits for work before it looks after engine and free space.
const IDLE: Duration = Duration::from_millis(250);

fn run(inner: &Inner, jobs: &Receiver<Message>) {
    work(inner, jobs);
    // What came in behind the stop is answered too.
    while let Ok(message) = jobs.try_recv() {
        if let Message::Job(job) = message {
            (job.reply)(Err(closed()));
        }
    }
}

/// The answer to a write that came too late.
pub(super) fn closed() -> Error {
    Error::new(Code::Unavailable, "the store is closed")
}

fn work(inner: &Inner, jobs: &Receiver<Message>) {
    let mut space = SpaceGuard::default();
    let mut recovery = Recovery::default();
    loop {
        let first = match jobs.recv_timeout(IDLE) {
            Ok(Message::Job(job)) => job,
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                // Nobody waits for an answer here; `health` has it.
                let _reason = recovery.attempt(inner);
                space.refresh(inner);
                continue;
            }
        };
        let mut batch = vec![first];
        let mut stop = false;
        while batch.len() < limits::GROUP_COMMIT {
            match jobs.try_recv() {
                Ok(Message::Job(job)) => batch.push(job),
                Ok(Message::Stop) => {
                    stop = true;
                    break;
                }
                Err(_) => break,
            }
        }
        match recovery.attempt(inner).and_then(|()| space.check(inner)) {
            Ok(()) => commit(inner, batch),
            Err(why) => batch.into_iter().for_each(|job| (job.reply)(Err(copy(&why)))),
        }
        if stop {
            return;
        }
    }
}

/// Tells every observer. One that panics must not end the writer, and with it all writing.
pub(super) fn tell(inner: &Inner, what: &dyn Fn(&dyn Observer)) {
    for observer in inner.observers() {
        if catch_unwind(AssertUnwindSafe(|| what(&**observer))).is_err() {
            tracing::error!("an observer of commits panicked");
        }
    }
}

fn commit(inner: &Inner, jobs: Vec<Job>) {
    let started = Instant::now();
    let snapshot = match inner.engine.snapshot() {
        Ok(snapshot) => snapshot,
        Err(e) => return jobs.into_iter().for_each(|job| (job.reply)(Err(copy(&e)))),
    };
    let mut group = Group::new(snapshot);
    let mut outcomes = Vec::with_capacity(jobs.len());
    let mut touched: Vec<Touched> = Vec::new();
    for mut job in jobs {
        let outcome = attempt(inner, &mut group, &mut job, &mut touched);
        outcomes.push((job, outcome));
    }
    let written = finish(inner, group, &touched);
    let elapsed = started.elapsed();
    if let Err(e) = &written {
        if inner.engine.is_failed() {
            inner.set_trouble(Some(e.chain()));
        }
        tracing::error!(error = %e.chain(), "a commit failed");
    } else if !touched.is_empty() {
        let commit = Commit { touched };
        tell(inner, &|observer| observer.committed(&commit));
    }
    let size = outcomes.len();
    for (job, outcome) in outcomes {
        // A refusal too may rest on what another transaction had staged in vain.
        let outcome = written.as_ref().map_err(copy).copied().and(outcome);
        let done = Done { name: job.name, ok: outcome.is_ok(), elapsed, group: size };
        tell(inner, &|observer| observer.done(&done));
        (job.reply)(outcome);
    }
}

/// Runs one transaction; what it staged joins the group only if it succeeds.
fn attempt(
    inner: &Inner,
    group: &mut Group,
    job: &mut Job,
    touched: &mut Vec<Touched>,
) -> Result<()> {
    let mut tx = Tx::new(group, inner.clock.now());
    let ran = catch_unwind(AssertUnwindSafe(|| (job.run)(&mut tx)));
    match ran {
        Ok(Ok(())) => {
            let mut result = tx.finish();
            let of_this = std::mem::take(&mut result.touched);
            group.absorb(result)?;
            touched.extend(of_this);
            Ok(())
        }
        Ok(Err(e)) => Err(e),
        Err(_) => Err(Error::internal(format!("the transaction {} panicked", job.name))),
    }
}

/// Bumps the generations of what was touched and makes everything durable.
fn finish(inner: &Inner, mut group: Group, touched: &[Touched]) -> Result<()> {
    if group.is_empty() {
        return Ok(());
    }
    let mut tables: Vec<Table> = touched.iter().map(|t| t.table).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut tx = Tx::new(&group, inner.clock.now());
    let mut generations = Vec::with_capacity(tables.len());
    for table in tables {
        generations.push((table, tx.bump_generation(table)?));
    }
    let result = tx.finish();
    group.absorb(result)?;
    let batch = group.into_batch()?;
    debug_assert!(
        batch.contains_key(META) || touched.is_empty(),
        "generations are part of the commit"
    );
    inner.engine.commit(&batch)?;
    for (table, generation) in generations {
        inner.set_generation(table, generation);
    }
    Ok(())
}

/// Several callers get the same answer.
pub(super) fn copy(e: &Error) -> Error {
    let copy = Error::new(e.code(), e.detail().to_owned());
    match e.retry_after_s() {
        Some(s) => copy.with_retry_after(s),
        None => copy,
    }
}
