//! The socket as hyper sees it: with time limits for heads, idleness and slow readers, and
//! with a close that lets the last answer arrive.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::pace::{Pace, Stopwatch};

/// Longest time that a close waits for the client to stop sending. Without the wait, a
/// kernel that still receives answers with a reset, and the client loses our last words.
const LINGER: Duration = Duration::from_secs(2);
/// Most bytes thrown away during [`LINGER`].
const LINGER_BYTES: usize = 64 << 20;

/// Where a connection stands between requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing has come yet.
    Fresh,
    /// The head of a request is coming.
    Head,
    /// A request is being answered.
    Busy,
    /// An answer was sent; nothing of the next request has come.
    Idle,
}

/// What socket and service tell each other.
#[derive(Debug)]
pub(super) struct Shared {
    phase: AtomicU8,
    requests: AtomicU32,
    unread: AtomicBool,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(Phase::Fresh as u8),
            requests: AtomicU32::new(0),
            unread: AtomicBool::new(false),
        })
    }

    /// A head is complete and goes to the service.
    pub(super) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.unread.store(false, Ordering::Relaxed);
        self.set(Phase::Busy);
    }

    /// The answer is written or given up.
    pub(super) fn end(&self) {
        self.set(Phase::Idle);
    }

    /// A body was dropped before its end.
    pub(super) fn left_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Something was read: between requests that is the next head.
    fn bytes_came(&self) {
        if matches!(self.phase(), Phase::Fresh | Phase::Idle) {
            self.set(Phase::Head);
        }
    }

    fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Fresh,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Idle,
        }
    }
}

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) write: Pace,
}

/// A socket that ends itself when its client is too slow.
pub(super) struct Timed<S> {
    inner: S,
    shared: Arc<Shared>,
    times: Times,
    /// Which wait `timer` is set for: the phase and the count of requests before it.
    armed: Option<(Phase, u32)>,
    timer: Pin<Box<Sleep>>,
    writes: Stopwatch,
    writes_of: u32,
    closing: Option<Instant>,
    drained: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Timed<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>, times: Times) -> Self {
        Self {
            inner,
            shared,
            times,
            armed: None,
            timer: Box::pin(tokio::time::sleep(times.head)),
            writes: Stopwatch::new(times.write),
            writes_of: 0,
            closing: None,
            drained: 0,
        }
    }

    /// Pending, until the time for this phase is over.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let phase = self.shared.phase();
        let limit = match phase {
            // The body and the handler have their own limits.
            Phase::Busy => return Poll::Pending,
            Phase::Fresh | Phase::Head => self.times.head,
            Phase::Idle => self.times.idle,
        };
        // The time for the first head runs from the accept, whenever its bytes come.
        let same = if phase == Phase::Fresh { Phase::Head } else { phase };
        let wait = (same, self.shared.requests.load(Ordering::Relaxed));
        if self.armed != Some(wait) {
            self.armed = Some(wait);
            self.timer.as_mut().reset(Instant::now() + limit);
        }
        self.timer.as_mut().poll(cx).map(|()| timed_out("no request within the time limit"))
    }

    fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let request = self.shared.requests.load(Ordering::Relaxed);
        if self.writes_of != request {
            self.writes_of = request;
            self.writes.restart();
        }
        match result {
            Poll::Ready(Ok(n)) => {
                self.writes.progress(n);
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Pending => {
                self.writes.poll_late(cx).map(|()| Err(timed_out("the client reads too slowly")))
            }
        }
    }

    /// Reads and throws away what the client still sends, within limits.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 8192];
        while self.drained < LINGER_BYTES {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    self.drained += buf.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.timer.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

fn timed_out(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Ready(result) => {
                if buf.filled().len() > before {
                    this.shared.bytes_came();
                }
                Poll::Ready(result)
            }
            Poll::Pending => this.poll_silence(cx).map(Err),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.watch_write(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.watch_write(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            let until = Instant::now() + LINGER;
            this.closing = Some(until);
            this.timer.as_mut().reset(until);
        }
        let more = this.shared.phase() == Phase::Head || this.shared.unread.load(Ordering::Relaxed);
        if more {
            ready!(this.poll_drain(cx));
        }
        Poll::Ready(Ok(()))
    }
}
