//! The catalogue: every table and index that the records declare, without their types.
//! Rebuilds, checks, documentation and recommendations iterate over it.

use std::fmt::Write as _;
use std::marker::PhantomData;

use super::check::{self, Finding};
use super::engine::{Source, Table};
use super::migrate;
use super::tx::Tx;
use crate::base::Result;
use crate::base::page::stable_hash;
use crate::base::record::{Index, Kind, Record};

/// A record type without its type.
pub trait TableInfo: Send + Sync {
    /// Name of the record table.
    fn table(&self) -> Table;
    /// Name of the facet table.
    fn facets(&self) -> Table;
    /// The word for one record.
    fn noun(&self) -> &'static str;
    /// Version of its records' shape.
    fn schema(&self) -> u8;
    /// Its secondary indexes.
    fn indexes(&self) -> &'static [Index];
    /// Its fields: name, kind, whether it is a facet, meaning.
    fn fields(&self) -> Vec<(&'static str, Kind, bool, &'static str)>;
    /// Changes when indexes or facets must be built anew: a hash of all that their rows
    /// depend on.
    fn fingerprint(&self) -> u64;
    /// Compares every index row and facet bit with the records, both ways.
    fn check(&self, source: &dyn Source, report: &mut dyn FnMut(Finding)) -> Result<u64>;
    /// Stages index rows and facet bits of the records after `after`, at most `limit`.
    /// Returns the last number, or `None` at the end.
    fn rebuild(&self, tx: &mut Tx<'_>, after: u64, limit: usize) -> Result<Option<u64>>;
}

/// Why writing to a string is not looked at.
const ROOM: &str = "a string takes everything";

struct Info<R>(PhantomData<fn() -> R>);

impl<R: Record> TableInfo for Info<R> {
    fn table(&self) -> Table {
        R::TABLE
    }

    fn facets(&self) -> Table {
        R::FACETS
    }

    fn noun(&self) -> &'static str {
        R::NOUN
    }

    fn schema(&self) -> u8 {
        R::SCHEMA
    }

    fn indexes(&self) -> &'static [Index] {
        R::indexes()
    }

    fn fields(&self) -> Vec<(&'static str, Kind, bool, &'static str)> {
        R::fields().iter().map(|f| (f.name, f.kind, f.facet, f.about)).collect()
    }

    fn fingerprint(&self) -> u64 {
        let mut text = format!("keys 1, facets 1, schema {}\n", R::SCHEMA);
        for index in R::indexes() {
            writeln!(text, "{} {} {:?}", index.name, index.unique, index.parts).expect(ROOM);
        }
        for field in R::fields() {
            writeln!(text, "{} {:?} {}", field.name, field.kind, field.facet).expect(ROOM);
        }
        stable_hash(text.as_bytes())
    }

    fn check(&self, source: &dyn Source, report: &mut dyn FnMut(Finding)) -> Result<u64> {
        check::table::<R>(source, report)
    }

    fn rebuild(&self, tx: &mut Tx<'_>, after: u64, limit: usize) -> Result<Option<u64>> {
        migrate::rebuild::<R>(tx, after, limit)
    }
}

/// Every record type of the program.
#[derive(Default)]
pub struct Catalog {
    tables: Vec<Box<dyn TableInfo>>,
}

impl Catalog {
    /// An empty catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record type.
    #[must_use]
    pub fn with<R: Record>(mut self) -> Self {
        self.tables.push(Box::new(Info::<R>(PhantomData)));
        self
    }

    /// Every table.
    #[must_use]
    pub fn tables(&self) -> &[Box<dyn TableInfo>] {
        &self.tables
    }
}
