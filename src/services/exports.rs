//! Exports: everything that a list shows, however much, as a stream in a format of others.
//!
//! An export reads one snapshot, on a thread that may block, and hands its pieces to a
//! channel that holds a few. So memory does not grow with rows; a client that goes away
//! ends the work with the next piece; and what is sent is all of one moment. A snapshot
//! keeps freed pages of the database from being used again, so an export ends with an error
//! after [`limits::EXPORT_SECONDS`], and only [`limits::EXPORTS`] run at once.
//!
//! Whatever goes wrong after the first piece must not look like the end: the stream says
//! whether it is whole ([`Piece::End`]), and whoever passes it on must break off otherwise.

mod selected;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::listing::Related;
use super::{Core, Ctx};
use crate::adapters::exporters::{self, About, Format};
pub use crate::adapters::exporters::{Exported, Info};
use crate::base::{Code, Error, Result, limits};
use crate::domain::finding::Finding;
use crate::domain::user::Role;
use crate::store::query::Query;
use crate::store::{plan, row, sweep};

/// A part of an export.
#[derive(Debug)]
pub enum Piece {
    /// Bytes.
    Bytes(Bytes),
    /// It is whole. A stream that ends without this is not.
    End,
    /// It cannot go on.
    Broken(Error),
}

/// An export that has begun.
#[derive(Debug)]
pub struct Export {
    /// Its format.
    pub info: &'static Info,
    /// A name for the file: letters, digits, dots and hyphens.
    pub file: String,
    /// The first part; never [`Piece::Broken`].
    pub first: Piece,
    /// The rest.
    pub rest: mpsc::Receiver<Piece>,
}

/// What a client wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Name of the format.
    pub format: String,
    /// Filters and order; the window does not count. Formats for findings have an order of
    /// their own.
    pub query: Query,
    /// The same as it was asked.
    pub text: String,
}

/// The names of the formats for lists of `R`.
#[must_use]
pub fn formats<R: Exported>() -> Vec<&'static str> {
    exporters::formats::<R>().map(|format| format.info().name).collect()
}

/// Name and title of every format, and whether it is for findings only.
pub fn all() -> impl Iterator<Item = (&'static Info, bool)> {
    exporters::ALL.iter().map(|format| (format.info(), format.is_for_findings()))
}

/// Begins an export; what can be refused is refused here. `role` is the least that may see
/// the records.
pub async fn begin<R: Exported + Related>(
    core: &Core,
    ctx: &Ctx,
    role: Role,
    mut wanted: Wanted,
) -> Result<Export> {
    ctx.require(role)?;
    let format = exporters::choose::<R>(&wanted.format)?;
    wanted.query.filters.extend(R::narrow(ctx)?);
    let permit = core.exports.clone().try_acquire_owned().map_err(|_| {
        let why = format!("{} exports are running; only so many can at once", limits::EXPORTS);
        Error::new(Code::Unavailable, why).with_retry_after(5)
    })?;
    let info = format.info();
    let about = About {
        at: core.now(),
        namespace: core.options.namespace.clone(),
        author: author(&core.options.namespace),
        query: format!("{}?{}", R::TABLE, wanted.text),
    };
    let day = about.at.to_string();
    let file = format!("vulnzero-{}-{}.{}", R::FILE, day.get(..10).unwrap_or("0"), info.extension);
    let (sender, mut rest) = mpsc::channel(limits::EXPORT_PIECES);
    let core = core.clone();
    let deadline = Instant::now() + Duration::from_secs(limits::EXPORT_SECONDS);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut pipe = Pipe::new(sender, deadline);
        let outcome = write::<R>(&core, format, &wanted.query, &about, &mut pipe);
        pipe.end(outcome);
    });
    match rest.recv().await {
        Some(Piece::Broken(e)) => Err(e),
        Some(first) => Ok(Export { info, file, first, rest }),
        None => Err(Error::internal("the thread of an export died")),
    }
}

/// Who publishes documents, for people.
fn author(namespace: &str) -> String {
    let host = namespace.split_once("://").map_or(namespace, |(_, host)| host);
    format!("VulnZero at {host}")
}

fn write<R: Exported>(
    core: &Core,
    format: Format,
    query: &Query,
    about: &About,
    out: &mut Pipe,
) -> Result<()> {
    let snapshot = core.store.read()?;
    match format {
        Format::Rows(format) => {
            format.begin(R::COLUMNS, out)?;
            sweep::in_order::<R>(&core.store, &*snapshot, query, &mut |bytes| {
                format.row(R::COLUMNS, &row::json::<R>(&bytes)?, out)
            })
            .map(drop)
        }
        Format::Findings(format) => {
            let set = plan::ids::<Finding>(&core.store, &*snapshot, &query.filters)?;
            if set.is_empty() && format.needs_findings() {
                let title = format.info().title;
                let why = format!("no finding passes the filters, and {title} needs one at least");
                return Err(Error::new(Code::Conflict, why));
            }
            format.write(about, &selected::Selected::new(&*snapshot, set), out)
        }
    }
}

/// Takes what a format writes and hands it on in pieces.
struct Pipe {
    sender: mpsc::Sender<Piece>,
    deadline: Instant,
    runtime: tokio::runtime::Handle,
    buffer: Vec<u8>,
    failure: Option<Error>,
}

impl Pipe {
    fn new(sender: mpsc::Sender<Piece>, deadline: Instant) -> Self {
        let buffer = Vec::with_capacity(limits::EXPORT_PIECE_BYTES);
        let runtime = tokio::runtime::Handle::current();
        Self { sender, deadline, runtime, buffer, failure: None }
    }

    fn send(&mut self, piece: Piece) -> io::Result<()> {
        let sending = tokio::time::timeout_at(self.deadline, self.sender.send(piece));
        let failure = match self.runtime.block_on(sending) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(_)) => Error::new(Code::RequestTimeout, "the client has gone"),
            Err(_) => {
                let limit = limits::EXPORT_SECONDS;
                Error::new(Code::Unavailable, format!("it took longer than {limit} seconds"))
            }
        };
        self.failure = Some(failure);
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush_buffer(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let empty = Vec::with_capacity(limits::EXPORT_PIECE_BYTES);
        let full = std::mem::replace(&mut self.buffer, empty);
        self.send(Piece::Bytes(full.into()))
    }

    /// The last word: that it is whole, or why not.
    fn end(mut self, outcome: Result<()>) {
        let whole = outcome.and_then(|()| {
            let sent = self.flush_buffer().and_then(|()| self.send(Piece::End));
            sent.map_err(|e| Error::internal("an export cannot be written").with_source(e))
        });
        let Err(e) = whole else { return };
        // What the format saw is only that it could not write; why, the pipe knows.
        let e = self.failure.take().unwrap_or(e);
        match e.code() {
            Code::RequestTimeout => tracing::debug!("an export ends because its client has gone"),
            Code::Internal => tracing::error!(error = %e.chain(), "an export is broken off"),
            _ => tracing::info!(error = %e.chain(), "an export is broken off"),
        }
        // Without room for it nobody waits for it; the missing end says the same.
        if let Err(e) = self.sender.try_send(Piece::Broken(e)) {
            tracing::debug!(error = %e, "nobody waits for the end of an export");
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= limits::EXPORT_PIECE_BYTES {
            self.flush_buffer()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_buffer()
    }
}
