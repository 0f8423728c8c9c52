//! The writer's care for the disk: brings the engine back after an I/O error, and refuses
//! writes while they would fail or the disk is nearly full. Reading goes on meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::engine::Batch;
use super::write::{copy, tell};
use super::{Inner, META};
use crate::base::{Code, Error, Result};

/// Pause between two attempts to write again. Each that fails costs the readers a reopening.
const PAUSE: Duration = Duration::from_millis(500);

/// Brings a failed engine back: opens it at once, so that reading works, and takes writes
/// again only after a write of its own has succeeded. On a full disk that takes a while.
#[derive(Default)]
pub(super) struct Recovery {
    /// When the last attempt failed, and why.
    suspended: Option<(Instant, Error)>,
}

impl Recovery {
    /// `Ok` if the engine takes writes; otherwise why not.
    pub(super) fn attempt(&mut self, inner: &Inner) -> Result<()> {
        if !inner.engine.is_failed() && self.suspended.is_none() {
            return Ok(());
        }
        if let Some((at, why)) = &self.suspended
            && at.elapsed() < PAUSE
        {
            return Err(copy(why));
        }
        let outcome = reopen(inner).and_then(|()| probe(inner)).inspect_err(|_| {
            // The failed probe has spoilt the handle; readers need one that works.
            if let Err(e) = reopen(inner) {
                tracing::debug!(error = %e.chain(), "not even reading works");
            }
        });
        match outcome {
            Ok(()) => {
                self.suspended = None;
                inner.set_trouble(None);
                tracing::warn!("the storage was opened anew and takes writes again");
                Ok(())
            }
            Err(e) => {
                let text = format!("writing is suspended: {}", e.detail());
                let why = Error::new(Code::StorageUnavailable, text).with_retry_after(1);
                if self.suspended.as_ref().is_none_or(|(_, old)| old.detail() != why.detail()) {
                    tracing::error!(error = %e.chain(), "the storage takes no writes");
                }
                inner.set_trouble(Some(e.chain()));
                self.suspended = Some((Instant::now(), copy(&why)));
                Err(why)
            }
        }
    }
}

fn reopen(inner: &Inner) -> Result<()> {
    if inner.engine.is_failed() {
        inner.engine.recover()?;
        inner.load_generations()?;
        tell(inner, &|observer| observer.reopened());
    }
    Ok(())
}

/// Writes something that nobody reads.
fn probe(inner: &Inner) -> Result<()> {
    let now = inner.clock.now().as_micros().to_be_bytes().to_vec();
    let rows = BTreeMap::from([(b"probe".to_vec(), Some(now))]);
    inner.engine.commit(&Batch::from([(META, rows)]))
}

/// Watches the free space of the data directory's file system.
#[derive(Default)]
pub(super) struct SpaceGuard {
    checked: Option<Instant>,
    refused: bool,
}

impl SpaceGuard {
    pub(super) fn check(&mut self, inner: &Inner) -> Result<()> {
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

    pub(super) fn refresh(&mut self, inner: &Inner) {
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
