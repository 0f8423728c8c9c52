//! Transactions: a snapshot with staged changes on top. `put` moves a record in every
//! index and facet whose key changed; nobody else writes to those tables.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::iter::Peekable;

use roaring::RoaringBitmap;

use super::engine::{Direction, Snapshot, Source, Span, Table, Visit};
use super::keys::Projection;
use super::read::Read;
use super::{META, facet, keys, row};
use crate::base::id::Id;
use crate::base::record::{Head, Record};
use crate::base::{Code, Error, Result, Timestamp};

type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;
type Staged = HashMap<Table, Rows>;

/// One bit of a facet to be changed.
struct Bit {
    table: Table,
    key: Vec<u8>,
    id: u32,
    set: bool,
}

/// What several transactions of one commit have staged so far.
pub(super) struct Group {
    snapshot: Box<dyn Snapshot>,
    staged: Staged,
    bitmaps: HashMap<Table, HashMap<Vec<u8>, RoaringBitmap>>,
}

impl Group {
    pub(super) fn new(snapshot: Box<dyn Snapshot>) -> Self {
        Self { snapshot, staged: HashMap::new(), bitmaps: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Takes over what a transaction has staged: all of it, or after an error nothing.
    pub(super) fn absorb(&mut self, staged: TxResult) -> Result<()> {
        for bit in &staged.bits {
            self.load(bit)?;
        }
        for bit in staged.bits {
            let bitmap = self
                .bitmaps
                .get_mut(bit.table)
                .and_then(|t| t.get_mut(&bit.key))
                .expect("loaded above");
            if bit.set {
                bitmap.insert(bit.id);
            } else {
                bitmap.remove(bit.id);
            }
        }
        for (table, rows) in staged.rows {
            match self.staged.entry(table) {
                Entry::Vacant(slot) => drop(slot.insert(rows)),
                Entry::Occupied(mut slot) => slot.get_mut().extend(rows),
            }
        }
        Ok(())
    }

    fn load(&mut self, bit: &Bit) -> Result<()> {
        let table = self.bitmaps.entry(bit.table).or_default();
        if !table.contains_key(&bit.key) {
            let stored = self.snapshot.get(bit.table, &bit.key)?;
            let bitmap = stored.map_or_else(|| Ok(RoaringBitmap::new()), |b| facet::decode(&b))?;
            table.insert(bit.key.clone(), bitmap);
        }
        Ok(())
    }

    /// Everything as one batch for the engine.
    pub(super) fn into_batch(self) -> Result<super::engine::Batch> {
        let mut batch: super::engine::Batch = self.staged.into_iter().collect();
        for (table, bitmaps) in self.bitmaps {
            let rows = batch.entry(table).or_default();
            for (key, bitmap) in bitmaps {
                let value = if bitmap.is_empty() { None } else { Some(facet::encode(bitmap)?) };
                rows.insert(key, value);
            }
        }
        Ok(batch)
    }
}

/// What a finished transaction leaves.
pub(super) struct TxResult {
    rows: Staged,
    bits: Vec<Bit>,
    /// Tables of records that were changed.
    pub(super) touched: Vec<Touched>,
}

/// A record that was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    /// Its table.
    pub table: Table,
    /// Its number.
    pub id: Id,
    /// True if it is gone.
    pub deleted: bool,
}

/// A transaction. Its body may touch nothing but it, and may run again.
pub struct Tx<'a> {
    group: &'a Group,
    now: Timestamp,
    rows: Staged,
    bits: Vec<Bit>,
    touched: Vec<Touched>,
    watch: Option<Watch>,
}

/// What a transaction is to remember of the records that it changes.
struct Watch {
    tables: &'static [Table],
    rows: BTreeMap<(Table, Id), Option<Vec<u8>>>,
}

/// A record that a watched transaction changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its table.
    pub table: Table,
    /// Its number.
    pub id: Id,
    /// Its row before the transaction, if there was one.
    pub before: Option<Vec<u8>>,
    /// Its row now, if there is one.
    pub after: Option<Vec<u8>>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(group: &'a Group, now: Timestamp) -> Self {
        let rows = HashMap::new();
        Self { group, now, rows, bits: Vec::new(), touched: Vec::new(), watch: None }
    }

    /// From now on, remembers how records of these tables were before they are changed.
    pub fn watch(&mut self, tables: &'static [Table]) {
        self.watch = Some(Watch { tables, rows: BTreeMap::new() });
    }

    /// The records that were changed since [`Tx::watch`], by table and number; ends watching.
    pub fn watched(&mut self) -> Result<Vec<Watched>> {
        let rows = self.watch.take().map(|watch| watch.rows).unwrap_or_default();
        let with_after = |((table, id), before)| {
            let after = self.get(table, &keys::record_key(id))?;
            Ok(Watched { table, id, before, after })
        };
        rows.into_iter().map(with_after).collect()
    }

    /// Remembers a record that is about to change.
    fn remember(&mut self, table: Table, id: Id) -> Result<()> {
        let wanted = self.watch.as_ref().is_some_and(|watch| {
            watch.tables.contains(&table) && !watch.rows.contains_key(&(table, id))
        });
        if wanted {
            let row = self.get(table, &keys::record_key(id))?;
            if let Some(watch) = &mut self.watch {
                watch.rows.insert((table, id), row);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> TxResult {
        TxResult { rows: self.rows, bits: self.bits, touched: self.touched }
    }

    /// The time of this transaction.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Stores a new record: gives it the next number and version 1.
    pub fn insert<R: Record>(&mut self, record: R) -> Result<R> {
        self.insert_with(record, |_| {})
    }

    /// [`Tx::insert`] for a record that depends on its own number: `finish` is called once
    /// the head is set.
    pub fn insert_with<R: Record>(
        &mut self,
        mut record: R,
        finish: impl FnOnce(&mut R),
    ) -> Result<R> {
        let id = self.next_id(R::TABLE)?;
        record.set_head(Head { id, version: 1, created_at: self.now, updated_at: self.now });
        finish(&mut record);
        self.write(None, &record)?;
        Ok(record)
    }

    /// Stores a record that was deleted, under the number that it had.
    pub fn revive<R: Record>(&mut self, mut record: R) -> Result<R> {
        let head = record.head();
        if self.get(R::TABLE, &keys::record_key(head.id))?.is_some() {
            let detail = format!("there is a {} {}, so it cannot come back", R::NOUN, head.id);
            return Err(Error::new(Code::Conflict, detail));
        }
        record.set_head(Head { version: head.version + 1, updated_at: self.now, ..head });
        self.write(None, &record)?;
        Ok(record)
    }

    /// Stores a record of which only bookkeeping changed (when it was seen last): version
    /// and time of change stay, so that nothing looks edited.
    pub fn touch<R: Record>(&mut self, record: &R) -> Result<()> {
        let old = self.require::<R>(record.head().id)?;
        debug_assert_eq!(old.head(), record.head(), "only the body may differ");
        self.write(Some(&old), record)
    }

    /// Stores a changed record: its version goes up by one. The version it carries must be
    /// the stored one.
    pub fn update<R: Record>(&mut self, mut record: R) -> Result<R> {
        let head = record.head();
        let old = self.require::<R>(head.id)?;
        let stored = old.head();
        if stored.version != head.version {
            return Err(Error::new(
                Code::VersionMismatch,
                format!(
                    "{} {} has version {}, not {}",
                    R::NOUN,
                    head.id,
                    stored.version,
                    head.version
                ),
            ));
        }
        let updated_at = self.now.max(stored.updated_at);
        record.set_head(Head {
            version: stored.version + 1,
            updated_at,
            created_at: stored.created_at,
            id: stored.id,
        });
        self.write(Some(&old), &record)?;
        Ok(record)
    }

    /// Removes a record from its table, indexes and facets.
    pub fn delete<R: Record>(&mut self, id: Id) -> Result<R> {
        let old = self.require::<R>(id)?;
        self.remember(R::TABLE, id)?;
        let short = short_id(id)?;
        let was = Projection::of(&old);
        for index in R::indexes() {
            for key in was.keys(index, id) {
                self.stage(index.name, key, None);
            }
        }
        self.flip::<R>(keys::facet_keys(&was, None, short), short, false);
        self.stage(R::TABLE, keys::record_key(id).to_vec(), None);
        self.touched.push(Touched { table: R::TABLE, id, deleted: true });
        Ok(old)
    }

    /// Whether a record of this kind was ever stored; costs nothing, where most installations
    /// have none.
    pub fn has_had_any<R: Record>(&self) -> Result<bool> {
        Ok(self.meta(&super::sequence_key(R::TABLE))?.is_some())
    }

    /// Reads one value of the table of odds and ends.
    pub fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.get(META, key.as_bytes())
    }

    /// Writes one value there.
    pub fn set_meta(&mut self, key: &str, value: Vec<u8>) {
        self.stage(META, key.as_bytes().to_vec(), Some(value));
    }

    pub(super) fn bump_generation(&mut self, table: Table) -> Result<u64> {
        self.count_up(&super::generation_key(table))
    }

    /// Writes the index rows and facet bits of a record whose table row is there; for
    /// rebuilds, which begin with empty indexes.
    pub(super) fn restage<R: Record>(&mut self, record: &R) -> Result<()> {
        let id = record.head().id;
        let short = short_id(id)?;
        let now = Projection::of(record);
        for index in R::indexes() {
            for key in now.keys(index, id) {
                if index.unique && self.get(index.name, &key)?.is_some() {
                    return Err(duplicate::<R>(index, record));
                }
                self.stage(index.name, key, Some(keys::index_value(index, id)));
            }
        }
        self.flip::<R>(keys::facet_keys(&now, None, short), short, true);
        Ok(())
    }

    /// Removes one raw row; for rebuilds.
    pub(super) fn remove_raw(&mut self, table: Table, key: Vec<u8>) {
        self.stage(table, key, None);
    }

    fn next_id(&mut self, table: Table) -> Result<Id> {
        let id = self.count_up(&super::sequence_key(table))?;
        if id > u64::from(u32::MAX) {
            return Err(Error::internal(format!("{table} has run out of numbers")));
        }
        Ok(id)
    }

    fn count_up(&mut self, key: &str) -> Result<u64> {
        let next = self.meta(key)?.and_then(|b| keys::id_of(&b)).unwrap_or(0) + 1;
        self.set_meta(key, next.to_be_bytes().to_vec());
        Ok(next)
    }

    fn stage(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.rows.entry(table).or_default().insert(key, value);
    }

    /// Stages a record with all that is derived from it. Everything that can fail comes
    /// before the first row is staged, so that a body may go on after an error.
    fn write<R: Record>(&mut self, old: Option<&R>, new: &R) -> Result<()> {
        let id = new.head().id;
        let short = short_id(id)?;
        let (was, now) = (old.map(Projection::of), Projection::of(new));
        if let Some(field) = now.unwritable() {
            return Err(Error::internal(format!("{} of a {} is no number", field, R::NOUN)));
        }
        let row = row::encode(new)?;
        let mut moves = Vec::with_capacity(R::indexes().len());
        for index in R::indexes().iter().filter(|i| now.differs(was.as_ref(), i)) {
            let mut gone = was.as_ref().map(|was| was.keys(index, id)).unwrap_or_default();
            let mut come = now.keys(index, id);
            if !gone.is_empty() {
                let kept: Vec<_> = come.extract_if(.., |key| gone.contains(key)).collect();
                gone.retain(|key| !kept.contains(key));
            }
            for key in come.iter().filter(|_| index.unique) {
                if self.get(index.name, key)?.is_some() {
                    return Err(duplicate::<R>(index, new));
                }
            }
            moves.push((index, gone, come));
        }
        self.remember(R::TABLE, id)?;
        for (index, gone, come) in moves {
            for key in gone {
                self.stage(index.name, key, None);
            }
            for key in come {
                self.stage(index.name, key, Some(keys::index_value(index, id)));
            }
        }
        if let Some(was) = &was {
            self.flip::<R>(keys::facet_keys(was, Some(&now), short), short, false);
        }
        self.flip::<R>(keys::facet_keys(&now, was.as_ref(), short), short, true);
        self.stage(R::TABLE, keys::record_key(id).to_vec(), Some(row));
        self.touched.push(Touched { table: R::TABLE, id, deleted: false });
        Ok(())
    }

    fn flip<R: Record>(&mut self, keys: Vec<Vec<u8>>, id: u32, set: bool) {
        self.bits.extend(keys.into_iter().map(|key| Bit { table: R::FACETS, key, id, set }));
    }
}

/// Facets hold numbers of 32 bits; sequences end there.
fn short_id(id: Id) -> Result<u32> {
    u32::try_from(id).map_err(|_| Error::internal("an id is over 32 bits"))
}

fn duplicate<R: Record>(index: &crate::base::record::Index, record: &R) -> Error {
    let name = index.parts.iter().map(|p| p.field).collect::<Vec<_>>().join(", ");
    let values: Vec<String> = index
        .parts
        .iter()
        .flat_map(|p| {
            let field = keys::field::<R>(p.field);
            field.values(record).into_iter().filter_map(|v| field.kind.text(&v))
        })
        .collect();
    Error::new(
        Code::Duplicate,
        format!("there is already a {} with {name} '{}'", R::NOUN, values.join(", ")),
    )
    .with_field(format!("/{}", index.parts.first().map_or("", |p| p.field)), "is taken")
}

impl Source for Tx<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        for layer in [&self.rows, &self.group.staged] {
            if let Some(value) = layer.get(table).and_then(|rows| rows.get(key)) {
                return Ok(value.clone());
            }
        }
        self.group.snapshot.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        span: &Span,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let overlay = Overlay::new(
            [&self.rows, &self.group.staged].map(|layer| layer.get(table)),
            span,
            direction,
        );
        match overlay {
            Some(overlay) => {
                merge_scan(&*self.group.snapshot, overlay, table, span, direction, visit)
            }
            None => self.group.snapshot.scan(table, span, direction, visit),
        }
    }

    fn len(&self, table: Table) -> Result<u64> {
        // Used for statistics only; staged rows are not worth counting.
        self.group.snapshot.len(table)
    }
}

type StagedRow<'a> = (&'a [u8], Option<&'a [u8]>);
type StagedRows<'a> = Peekable<Box<dyn Iterator<Item = StagedRow<'a>> + 'a>>;

/// The staged rows of a span in order, read lazily: a scan that stops after one row must
/// not pay for all that a large transaction has staged.
struct Overlay<'a> {
    /// What this transaction has staged; hides the same keys below.
    upper: StagedRows<'a>,
    /// What earlier transactions of the group have staged.
    lower: StagedRows<'a>,
    direction: Direction,
}

impl<'a> Overlay<'a> {
    /// `None` if nothing is staged there.
    fn new(layers: [Option<&'a Rows>; 2], span: &Span, direction: Direction) -> Option<Self> {
        let [mut upper, mut lower] = layers.map(|rows| -> StagedRows<'a> {
            let Some(rows) = rows else {
                return (Box::new(std::iter::empty()) as Box<dyn Iterator<Item = _>>).peekable();
            };
            let range = rows
                .range::<Vec<u8>, _>((span.start.as_ref(), span.end.as_ref()))
                .map(|(k, v)| (k.as_slice(), v.as_deref()));
            let range: Box<dyn Iterator<Item = StagedRow<'a>> + 'a> = match direction {
                Direction::Forward => Box::new(range),
                Direction::Reverse => Box::new(range.rev()),
            };
            range.peekable()
        });
        let any = upper.peek().is_some() || lower.peek().is_some();
        any.then_some(Self { upper, lower, direction })
    }

    fn comes_first(&self, a: &[u8], b: &[u8]) -> bool {
        match self.direction {
            Direction::Forward => a < b,
            Direction::Reverse => a > b,
        }
    }

    /// The next row if its key does not come after `limit`.
    fn next_up_to(&mut self, limit: Option<&[u8]>) -> Option<StagedRow<'a>> {
        let (upper, lower) = (self.upper.peek().map(|r| r.0), self.lower.peek().map(|r| r.0));
        let first = match (upper, lower) {
            (Some(u), Some(l)) if self.comes_first(l, u) => l,
            (Some(u), _) => u,
            (None, Some(l)) => l,
            (None, None) => return None,
        };
        if limit.is_some_and(|limit| self.comes_first(limit, first)) {
            return None;
        }
        let hidden = self.lower.next_if(|r| r.0 == first);
        self.upper.next_if(|r| r.0 == first).or(hidden)
    }
}

/// Visits the rows of `base` with those of `overlay` in their places.
fn merge_scan(
    base: &dyn Source,
    mut overlay: Overlay<'_>,
    table: Table,
    span: &Span,
    direction: Direction,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut going = true;
    base.scan(table, span, direction, &mut |key, value| {
        while let Some((k, v)) = overlay.next_up_to(Some(key)) {
            if let Some(v) = v {
                going = visit(k, v)?;
            }
            if !going || k == key {
                return Ok(going);
            }
        }
        going = visit(key, value)?;
        Ok(going)
    })?;
    while going && let Some((k, v)) = overlay.next_up_to(None) {
        if let Some(v) = v {
            going = visit(k, v)?;
        }
    }
    Ok(())
}
