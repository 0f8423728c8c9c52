//! Request and answer bodies as they pass between hyper and poem: the first watches the
//! client's pace, the second says when an answer is over.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::io::Shared;
use super::pace::{Pace, Stopwatch};

/// The client stopped sending in the middle of its body, or sends too slowly.
#[derive(Debug)]
pub struct SlowBody;

impl fmt::Display for SlowBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body stalled or came too slowly")
    }
}

impl StdError for SlowBody {}

/// A request body that fails with [`SlowBody`] when its sender is too slow.
pub(super) struct Watched {
    inner: Incoming,
    watch: Stopwatch,
    shared: Arc<Shared>,
    done: bool,
}

impl Watched {
    pub(super) fn new(inner: Incoming, pace: Pace, shared: Arc<Shared>) -> Self {
        Self { inner, watch: Stopwatch::new(pace), shared, done: false }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.watch.progress(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(e))) => Poll::Ready(Some(Err(io::Error::other(e)))),
            Poll::Ready(None) => {
                this.done = true;
                Poll::Ready(None)
            }
            Poll::Pending => this
                .watch
                .poll_late(cx)
                .map(|()| Some(Err(io::Error::new(io::ErrorKind::TimedOut, SlowBody)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.done && !self.inner.is_end_stream() {
            self.shared.left_unread();
        }
    }
}

/// An answer's body that tells the connection when it is over.
pub(super) struct Answer<B> {
    inner: B,
    shared: Arc<Shared>,
}

impl<B> Answer<B> {
    pub(super) fn new(inner: B, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.get_mut().inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for Answer<B> {
    fn drop(&mut self) {
        self.shared.end();
    }
}
