//! The single writer: a thread that runs transactions in turn, commits several at once and
//! answers each only after the commit is durable. It also brings the engine back after an
//! I/O error, and refuses writes while the disk is nearly full.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::commit::{Commit, Done};
use super::engine::Table;
use super::tx::{Group, Touched, Tx};
use super::{Inner, META};
use crate::base::{Code, Error, Result, limits};

/// A transaction on its way to the writer.
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) run: Box<dyn FnMut(&mut Tx<'_>) -> Result<()> + Send>,
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
            // A full queue only makes this wait; a gone thread is what is wanted.
            let _gone = self.queue.send(Message::Stop);
            if thread.join().is_err() {
                tracing::error!("the writer's thread panicked");
            }
        }
    }
}

/// Pause between two attempts to open a failed engine.
const RECOVERY_PAUSE: Duration = Duration::from_millis(250);

fn run(inner: &Inner, jobs: &Receiver<Message>) {
    let mut space = SpaceGuard::default();
    loop {
        let first = match jobs.recv_timeout(RECOVERY_PAUSE) {
            Ok(Message::Job(job)) => job,
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                recover(inner);
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
        recover(inner);
        match space.check(inner) {
            Ok(()) => commit(inner, batch),
            Err(why) => batch.into_iter().for_each(|job| (job.reply)(Err(copy(&why)))),
        }
        if stop {
            return;
        }
    }
}

/// Opens a failed engine anew; once per call, so that callers are answered meanwhile.
fn recover(inner: &Inner) {
    if !inner.engine.is_failed() {
        return;
    }
    match inner.engine.recover().and_then(|()| inner.load_generations()) {
        Ok(()) => {
            inner.set_trouble(None);
            tracing::warn!("the storage was opened anew after an I/O error");
        }
        Err(e) => {
            inner.set_trouble(Some(e.chain()));
            tracing::error!(error = %e.chain(), "the storage cannot be opened anew yet");
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
    let written = finish(inner, group, &mut touched);
    let elapsed = started.elapsed();
    if let Err(e) = &written {
        inner.set_trouble(Some(e.chain()));
        tracing::error!(error = %e.chain(), "a commit failed");
    } else if !touched.is_empty() {
        let commit = Commit { touched };
        for observer in inner.observers() {
            observer.committed(&commit);
        }
    }
    let size = outcomes.len();
    for (job, outcome) in outcomes {
        let outcome = match (&written, outcome) {
            (Err(e), Ok(())) => Err(copy(e)),
            (_, outcome) => outcome,
        };
        for observer in inner.observers() {
            observer.done(&Done { name: job.name, ok: outcome.is_ok(), elapsed, group: size });
        }
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
            let result = tx.finish();
            touched.extend_from_slice(&result.touched);
            group.absorb(result)
        }
        Ok(Err(e)) => Err(e),
        Err(_) => Err(Error::internal(format!("the transaction {} panicked", job.name))),
    }
}

/// Bumps the generations of what was touched and makes everything durable.
fn finish(inner: &Inner, mut group: Group, touched: &mut Vec<Touched>) -> Result<()> {
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
fn copy(e: &Error) -> Error {
    let copy = Error::new(e.code(), e.detail().to_owned());
    match e.retry_after_s() {
        Some(s) => copy.with_retry_after(s),
        None => copy,
    }
}

/// Watches the free space of the data directory's file system.
#[derive(Default)]
struct SpaceGuard {
    checked: Option<Instant>,
    refused: bool,
}

impl SpaceGuard {
    fn check(&mut self, inner: &Inner) -> Result<()> {
        let fresh = self.checked.is_some_and(|t| t.elapsed() < Duration::from_secs(1));
        if !fresh || self.refused {
            self.refresh(inner);
        }
        if self.refused {
            return Err(Error::new(
                Code::ReadOnly,
                "the disk is nearly full, so only reading works",
            )
            .with_retry_after(30));
        }
        Ok(())
    }

    fn refresh(&mut self, inner: &Inner) {
        self.checked = Some(Instant::now());
        let Some(free) = inner.free_bytes() else { return };
        let refused = free < inner.options.min_free_bytes;
        if refused != self.refused {
            if refused {
                tracing::error!(free_bytes = free, "the disk is nearly full: writing is suspended");
            } else {
                tracing::info!(free_bytes = free, "there is space again: writing resumes");
            }
        }
        self.refused = refused;
        inner.set_read_only(refused);
    }
}
