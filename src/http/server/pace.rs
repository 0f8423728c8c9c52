//! How fast the other side has to be. Only the time that we spend waiting for it counts,
//! so a slow handler never makes a fast client look slow.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The least that is asked of a peer while it sends a body or reads an answer.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Longest wait for the next byte; also the start credit before the rate counts.
    pub stall: Duration,
    /// Bytes a second, averaged over all waiting; 0 asks only for no stall.
    pub bytes_per_second: u64,
}

impl Pace {
    /// All the time that the peer may let us wait for `bytes`.
    fn allowance(&self, bytes: u64) -> Duration {
        match bytes.saturating_mul(1000).checked_div(self.bytes_per_second) {
            Some(millis) => self.stall.saturating_add(Duration::from_millis(millis)),
            None => Duration::MAX,
        }
    }
}

/// Measures one transfer against a [`Pace`].
#[derive(Debug)]
pub(super) struct Stopwatch {
    pace: Pace,
    bytes: u64,
    waited: Duration,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stopwatch {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, bytes: 0, waited: Duration::ZERO, waiting_since: None, timer: None }
    }

    /// Begins another transfer.
    pub(super) fn restart(&mut self) {
        self.bytes = 0;
        self.waited = Duration::ZERO;
        self.waiting_since = None;
    }

    /// The peer moved: `bytes` came or went.
    pub(super) fn progress(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes as u64;
    }

    /// To be called whenever the transfer is pending; ready when the peer is too slow.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting_since.is_none() {
            let now = Instant::now();
            let left = self.pace.allowance(self.bytes).saturating_sub(self.waited);
            let deadline = now + left.min(self.pace.stall);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
            }
            self.waiting_since = Some(now);
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that a peer gets through who sends `bytes` every `every`, before it is late.
    async fn run(pace: Pace, bytes: usize, every: Duration, rounds: usize) -> usize {
        let mut watch = Stopwatch::new(pace);
        for round in 0..rounds {
            let late = std::future::poll_fn(|cx| watch.poll_late(cx));
            if tokio::time::timeout(every, late).await.is_ok() {
                return round * bytes;
            }
            watch.progress(bytes);
        }
        rounds * bytes
    }

    #[tokio::test(start_paused = true)]
    async fn stalls_and_drips_are_late_and_steady_peers_are_not() {
        let pace = Pace { stall: Duration::from_secs(30), bytes_per_second: 100 };
        let second = Duration::from_secs(1);
        assert_eq!(run(pace, 1_000_000, second * 31, 3).await, 0, "a stall");
        // 1 byte a second uses up the credit of 30 s and 0.01 s a byte.
        assert_eq!(run(pace, 1, second, 1000).await, 30, "a drip");
        assert_eq!(run(pace, 150, second, 1000).await, 150_000, "slow but steady");
        let patient = Pace { bytes_per_second: 0, ..pace };
        assert_eq!(run(patient, 1, second * 29, 100).await, 100, "no rate asked");
    }
}
