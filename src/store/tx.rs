//! Transactions: a snapshot with staged changes on top. `put` moves a record in every
//! index and facet whose key changed; nobody else writes to those tables.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;

use super::engine::{Direction, Snapshot, Source, Span, Table, Visit};
use super::read::Read;
use super::{META, keys, row};
use crate::base::id::Id;
use crate::base::record::{Head, Record, Value};
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
    bitmaps: HashMap<(Table, Vec<u8>), RoaringBitmap>,
}

impl Group {
    pub(super) fn new(snapshot: Box<dyn Snapshot>) -> Self {
        Self { snapshot, staged: HashMap::new(), bitmaps: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Takes over what a transaction has staged.
    pub(super) fn absorb(&mut self, staged: TxResult) -> Result<()> {
        for bit in staged.bits {
            self.apply(bit)?;
        }
        for (table, rows) in staged.rows {
            self.staged.entry(table).or_default().extend(rows);
        }
        Ok(())
    }

    fn apply(&mut self, bit: Bit) -> Result<()> {
        let slot = (bit.table, bit.key);
        let bitmap = match self.bitmaps.entry(slot) {
            std::collections::hash_map::Entry::Occupied(e) => e.into_mut(),
            std::collections::hash_map::Entry::Vacant(e) => {
                let (table, key) = e.key();
                let stored = self.snapshot.get(table, key)?;
                e.insert(
                    stored
                        .map_or_else(|| Ok(RoaringBitmap::new()), |b| super::facet::decode(&b))?,
                )
            }
        };
        if bit.set {
            bitmap.insert(bit.id);
        } else {
            bitmap.remove(bit.id);
        }
        Ok(())
    }

    /// Everything as one batch for the engine.
    pub(super) fn into_batch(self) -> Result<super::engine::Batch> {
        let mut batch: super::engine::Batch = self.staged.into_iter().collect();
        for ((table, key), bitmap) in self.bitmaps {
            let value = if bitmap.is_empty() { None } else { Some(super::facet::encode(&bitmap)?) };
            batch.entry(table).or_default().insert(key, value);
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
}

impl<'a> Tx<'a> {
    pub(super) fn new(group: &'a Group, now: Timestamp) -> Self {
        Self { group, now, rows: HashMap::new(), bits: Vec::new(), touched: Vec::new() }
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
        for index in R::indexes() {
            for (key, _) in keys::index_rows(index, &old) {
                self.stage(index.name, key, None);
            }
        }
        for (field, value) in keys::facet_cells(&old) {
            self.flip::<R>(field, &value, id, false)?;
        }
        self.stage(R::TABLE, keys::record_key(id).to_vec(), None);
        self.touched.push(Touched { table: R::TABLE, id, deleted: true });
        Ok(old)
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

    /// Rewrites index rows of a record whose table row is already there; for rebuilds.
    pub(super) fn restage<R: Record>(&mut self, record: &R) -> Result<()> {
        let id = record.head().id;
        for index in R::indexes() {
            for (key, value) in keys::index_rows(index, record) {
                self.stage(index.name, key, Some(value));
            }
        }
        for (field, value) in keys::facet_cells(record) {
            self.flip::<R>(field, &value, id, true)?;
        }
        Ok(())
    }

    /// Removes one raw row; for rebuilds.
    pub(super) fn remove_raw(&mut self, table: Table, key: Vec<u8>) {
        self.stage(table, key, None);
    }

    fn next_id(&mut self, table: Table) -> Result<Id> {
        let id = self.count_up(&format!("seq/{table}"))?;
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

    fn write<R: Record>(&mut self, old: Option<&R>, new: &R) -> Result<()> {
        let id = new.head().id;
        for index in R::indexes() {
            let was = old.map(|old| keys::index_rows(index, old)).unwrap_or_default();
            let now = keys::index_rows(index, new);
            for (key, _) in was.iter().filter(|row| !now.contains(row)) {
                self.stage(index.name, key.clone(), None);
            }
            for (key, value) in now.into_iter().filter(|row| !was.contains(row)) {
                if index.unique && self.get(index.name, &key)?.is_some() {
                    return Err(duplicate::<R>(index, new));
                }
                self.stage(index.name, key, Some(value));
            }
        }
        let was = old.map(keys::facet_cells).unwrap_or_default();
        let now = keys::facet_cells(new);
        for (field, value) in was.iter().filter(|cell| !now.contains(cell)) {
            self.flip::<R>(field, value, id, false)?;
        }
        for (field, value) in now.iter().filter(|cell| !was.contains(cell)) {
            self.flip::<R>(field, value, id, true)?;
        }
        self.stage(R::TABLE, keys::record_key(id).to_vec(), Some(row::encode(new)?));
        self.touched.push(Touched { table: R::TABLE, id, deleted: false });
        Ok(())
    }

    fn flip<R: Record>(&mut self, field: &str, value: &Value, id: Id, set: bool) -> Result<()> {
        let id = u32::try_from(id).map_err(|_| Error::internal("an id is over 32 bits"))?;
        self.bits.push(Bit { table: R::FACETS, key: keys::facet_key(field, value, id), id, set });
        Ok(())
    }
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
        let mut overlay: Rows = BTreeMap::new();
        for layer in [&self.group.staged, &self.rows] {
            if let Some(rows) = layer.get(table) {
                let range = rows.range::<Vec<u8>, _>((span.start.as_ref(), span.end.as_ref()));
                overlay.extend(range.map(|(k, v)| (k.clone(), v.clone())));
            }
        }
        merge_scan(&*self.group.snapshot, overlay, table, span, direction, visit)
    }

    fn len(&self, table: Table) -> Result<u64> {
        // Used for statistics only; staged rows are not worth counting.
        self.group.snapshot.len(table)
    }
}

/// Visits the rows of `base` with those of `overlay` in their places.
fn merge_scan(
    base: &dyn Source,
    overlay: Rows,
    table: Table,
    span: &Span,
    direction: Direction,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut pending: Vec<(Vec<u8>, Option<Vec<u8>>)> = overlay.into_iter().collect();
    // The next one is at the end.
    if direction == Direction::Forward {
        pending.reverse();
    }
    let comes_first = |a: &[u8], b: &[u8]| match direction {
        Direction::Forward => a < b,
        Direction::Reverse => a > b,
    };
    let mut going = true;
    base.scan(table, span, direction, &mut |key, value| {
        while let Some((k, v)) = pending.pop_if(|(k, _)| comes_first(k, key)) {
            if let Some(v) = v {
                going = visit(&k, &v)?;
                if !going {
                    return Ok(false);
                }
            }
        }
        going = match pending.pop_if(|(k, _)| k == key) {
            Some((_, None)) => true,
            Some((_, Some(v))) => visit(key, &v)?,
            None => visit(key, value)?,
        };
        Ok(going)
    })?;
    while let Some((k, v)) = pending.pop().filter(|_| going) {
        if let Some(v) = v {
            going = visit(&k, &v)?;
        }
    }
    Ok(())
}
