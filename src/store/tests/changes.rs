//! Whatever is done, indexes and facets are what the records declare; and `check` finds
//! whatever is not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index as Pick;

use super::sample::{Sample, sample};
use super::{Body, Make, catalog, findings, on_every_engine, one, open, property, together};
use crate::base::record::{Record, Value};
use crate::base::{Code, Error, Result, key};
use crate::store::engine::{Batch, Direction, Snapshot, Span};
use crate::store::{META, Read, Store, Tx, facet, keys, row};

on_every_engine!(random_changes_keep_indexes_and_facets, check_finds_every_corruption);

#[derive(Debug, Clone)]
enum Op {
    Insert(Sample),
    /// Replaces the body of an existing record.
    Update(Pick, Sample),
    /// The same with a version that is not the stored one.
    Stale(Pick, Sample),
    Delete(Pick),
}

#[derive(Debug, Clone)]
enum End {
    /// An operation that fails ends the transaction.
    Strict,
    /// Failures are ignored, as a service does that tries first.
    Tolerant,
    /// Everything is done, then the transaction fails.
    Fails,
    /// Everything is done, then the body panics.
    Panics,
}

type Script = (Vec<Op>, End);

fn scripts() -> impl Strategy<Value = Vec<Vec<Script>>> {
    let op = prop_oneof![
        4 => sample().prop_map(Op::Insert),
        4 => (any::<Pick>(), sample()).prop_map(|(p, s)| Op::Update(p, s)),
        1 => (any::<Pick>(), sample()).prop_map(|(p, s)| Op::Stale(p, s)),
        2 => any::<Pick>().prop_map(Op::Delete),
    ];
    let end = prop_oneof![
        4 => Just(End::Strict),
        4 => Just(End::Tolerant),
        1 => Just(End::Fails),
        1 => Just(End::Panics),
    ];
    vec(vec((vec(op, 1..6), end), 1..6), 1..8)
}

/// What should be there.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    records: BTreeMap<u64, Sample>,
    given: u64,
}

impl Model {
    fn pick(&self, pick: Pick) -> Option<&Sample> {
        let n = self.records.len();
        (n > 0).then(|| self.records.values().nth(pick.index(n)).expect("within the length"))
    }

    fn is_taken(&self, s: &Sample) -> bool {
        self.records.values().filter(|o| o.id != s.id).any(|o| {
            o.code == s.code
                || (s.serial.is_some() && o.serial == s.serial)
                || (s.slot.is_some() && (&o.site, o.slot) == (&s.site, s.slot))
        })
    }

    fn store(&mut self, s: Sample) -> std::result::Result<(), Code> {
        if self.is_taken(&s) {
            return Err(Code::Duplicate);
        }
        self.records.insert(s.id, s);
        Ok(())
    }

    fn op(&mut self, op: &Op) -> std::result::Result<(), Code> {
        match op {
            Op::Insert(s) => {
                self.given += 1;
                self.store(Sample { id: self.given, version: 1, ..s.clone() })
            }
            Op::Update(pick, s) => match self.pick(*pick).map(|o| (o.id, o.version)) {
                Some((id, version)) => self.store(Sample { id, version: version + 1, ..s.clone() }),
                None => Err(Code::NotFound),
            },
            Op::Stale(pick, _) => {
                Err(self.pick(*pick).map_or(Code::NotFound, |_| Code::VersionMismatch))
            }
            Op::Delete(pick) => {
                let id = self.pick(*pick).map(|o| o.id).ok_or(Code::NotFound)?;
                self.records.remove(&id);
                Ok(())
            }
        }
    }

    fn run(&mut self, (ops, end): &Script) -> std::result::Result<(), Code> {
        let mut next = self.clone();
        for op in ops {
            let done = next.op(op);
            if matches!(end, End::Strict) {
                done?;
            }
        }
        match end {
            End::Strict | End::Tolerant => {}
            End::Fails => return Err(Code::Conflict),
            End::Panics => return Err(Code::Internal),
        }
        *self = next;
        Ok(())
    }
}

/// The numbers of all records as the transaction sees them.
fn ids(tx: &Tx<'_>) -> Result<Vec<u64>> {
    use crate::store::Source as _;
    let mut ids = Vec::new();
    tx.scan(Sample::TABLE, &Span::all(), Direction::Forward, &mut |key, _| {
        ids.extend(keys::id_of(key));
        Ok(true)
    })?;
    Ok(ids)
}

fn picked(tx: &Tx<'_>, pick: Pick) -> Result<Sample> {
    let ids = ids(tx)?;
    if ids.is_empty() {
        return Err(Error::not_found("sample", "any"));
    }
    tx.require(ids[pick.index(ids.len())])
}

fn apply(tx: &mut Tx<'_>, op: &Op) -> Result<()> {
    match op {
        Op::Insert(s) => tx.insert(s.clone()).map(drop),
        Op::Update(pick, s) | Op::Stale(pick, s) => {
            let head = picked(tx, *pick)?.head();
            let mut s = s.clone();
            s.set_head(head);
            s.version += u64::from(matches!(op, Op::Stale(..)));
            tx.update(s).map(drop)
        }
        Op::Delete(pick) => {
            let id = picked(tx, *pick)?.id;
            tx.delete::<Sample>(id).map(drop)
        }
    }
}

fn body((ops, end): Script) -> Body<()> {
    Box::new(move |tx| {
        for op in &ops {
            let done = apply(tx, op);
            if matches!(end, End::Strict) {
                done?;
            }
        }
        match end {
            End::Strict | End::Tolerant => Ok(()),
            End::Fails => Err(Error::new(Code::Conflict, "as wanted")),
            // Without the message that a panic prints.
            End::Panics => std::panic::resume_unwind(Box::new("as wanted")),
        }
    })
}

fn random_changes_keep_indexes_and_facets(make: &Make) {
    property(60, &scripts(), |groups| {
        let store = open(make());
        let mut model = Model::default();
        for group in groups {
            let expected: Vec<_> = group.iter().map(|script| model.run(script)).collect();
            let answers = together(&store, group.into_iter().map(body).collect());
            let answers: Vec<_> = answers.into_iter().map(|a| a.map_err(|e| e.code())).collect();
            prop_assert_eq!(&answers, &expected);
            prop_assert_eq!(findings(&store), vec![]);
            compare(&store, &model)?;
        }
        Ok(())
    });
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn rows(snapshot: &dyn Snapshot, table: &'static str) -> Rows {
    let mut rows = Rows::new();
    snapshot
        .scan(table, &Span::all(), Direction::Forward, &mut |k, v| {
            rows.insert(k.to_vec(), v.to_vec());
            Ok(true)
        })
        .expect("reads work");
    rows
}

/// Compares everything that is stored with what the model makes of the declarations, in
/// the simplest way and without the code that `check` shares with the writer.
fn compare(store: &Store, model: &Model) -> std::result::Result<(), TestCaseError> {
    let snapshot = store.read().expect("reads work");
    let stored: Vec<Sample> = rows(&*snapshot, Sample::TABLE)
        .values()
        .map(|bytes| row::decode(bytes).expect("was encoded"))
        .collect();
    prop_assert_eq!(stored.len(), model.records.len());
    for (stored, wanted) in stored.iter().zip(model.records.values()) {
        let mut wanted = wanted.clone();
        wanted.set_head(stored.head());
        prop_assert_eq!(stored, &wanted);
        prop_assert_eq!(stored.version, model.records[&stored.id].version);
    }
    for index in Sample::indexes() {
        let mut wanted = Rows::new();
        for s in model.records.values() {
            let columns: Vec<Vec<Value>> =
                index.parts.iter().map(|p| keys::field::<Sample>(p.field).values(s)).collect();
            let mut tuples: Vec<Vec<Value>> = vec![vec![]];
            for column in &columns {
                let longer = |t: &Vec<Value>| {
                    let t = t.clone();
                    column.iter().map(move |v| [t.clone(), vec![v.clone()]].concat())
                };
                tuples = tuples.iter().flat_map(longer).collect();
            }
            for tuple in tuples.iter().filter(|t| !index.unique || !t.contains(&Value::Null)) {
                let mut row = Vec::new();
                tuple
                    .iter()
                    .zip(index.parts)
                    .for_each(|(v, p)| key::push(&mut row, v, p.descending));
                let id = s.id.to_be_bytes();
                if index.unique {
                    wanted.insert(row, id.to_vec());
                } else {
                    wanted.insert([&row[..], &id].concat(), Vec::new());
                }
            }
        }
        prop_assert_eq!(rows(&*snapshot, index.name), wanted, "{}", index.name);
    }
    compare_facets(&*snapshot, model)
}

fn compare_facets(
    snapshot: &dyn Snapshot,
    model: &Model,
) -> std::result::Result<(), TestCaseError> {
    for field in Sample::fields().iter().filter(|f| f.facet) {
        let mut wanted: BTreeMap<Vec<u8>, BTreeSet<u64>> = BTreeMap::new();
        for s in model.records.values() {
            for value in field.values(s) {
                let mut part = Vec::new();
                key::push(&mut part, &value, false);
                wanted.entry(part).or_default().insert(s.id);
            }
        }
        let mut found = BTreeMap::new();
        let direction = Direction::Forward;
        facet::for_each_value(
            snapshot,
            Sample::FACETS,
            field.name,
            direction,
            None,
            &mut |v, b| {
                found.insert(v.to_vec(), b.iter().map(u64::from).collect::<BTreeSet<u64>>());
                Ok(ControlFlow::Continue(()))
            },
        )
        .expect("reads work");
        prop_assert_eq!(found, wanted, "{}", field.name);
    }
    Ok(())
}

/// Changes one row behind the store's back.
fn corrupt(store: &Store, table: &'static str, key: &[u8], value: Option<Vec<u8>>) {
    let batch = Batch::from([(table, BTreeMap::from([(key.to_vec(), value)]))]);
    store.engine().commit(&batch).expect("writes work");
}

/// Does it, expects that `check` names `table`, and undoes it.
fn is_found(store: &Store, table: &'static str, key: &[u8], value: Option<Vec<u8>>, named: &str) {
    let before = store.read().expect("reads work").get(table, key).expect("reads work");
    assert_ne!(before, value, "this changes nothing in {table}");
    corrupt(store, table, key, value);
    let found = findings(store);
    assert!(found.iter().any(|f| f.table == named), "{table} {key:?}: {found:?}");
    corrupt(store, table, key, before);
    assert_eq!(findings(store), []);
}

fn check_finds_every_corruption(make: &Make) {
    let store = open(make());
    for n in 1..=3 {
        let s = Sample { labels: vec!["a".into()], aliases: vec!["b".into()], ..one(&sample()) };
        let mut s = super::sample::distinct(n, s);
        (s.serial, s.slot, s.words) = (Some(n), Some(n), vec!["core".into()]);
        store.write_blocking("test", move |tx| tx.insert(s.clone())).expect("is new");
    }
    assert_eq!(findings(&store), []);
    let snapshot = store.read().expect("reads work");
    for index in Sample::indexes() {
        for (key, value) in rows(&*snapshot, index.name) {
            is_found(&store, index.name, &key, None, index.name);
            is_found(&store, index.name, &key, Some([&value[..], b"x"].concat()), index.name);
        }
        is_found(&store, index.name, b"surplus", Some(Vec::new()), index.name);
    }
    let facets = Sample::FACETS;
    for (key, value) in rows(&*snapshot, facets) {
        is_found(&store, facets, &key, None, facets);
        is_found(&store, facets, &key, Some(b"junk".to_vec()), facets);
        for id in [1, 4] {
            let mut bits = facet::decode(&value).expect("was encoded");
            bits ^= [id].into_iter().collect::<roaring::RoaringBitmap>();
            is_found(&store, facets, &key, Some(facet::encode(bits).expect("encodes")), facets);
        }
    }
    is_found(&store, facets, b"flag\0\x01\x07\0\0\0\0", Some(vec![]), facets);
    for (key, value) in rows(&*snapshot, Sample::TABLE) {
        is_found(&store, Sample::TABLE, &key, None, "idx_samples_code");
        is_found(&store, Sample::TABLE, &key, Some(value[..9].to_vec()), Sample::TABLE);
        let mut s: Sample = row::decode(&value).expect("was encoded");
        s.code = "another".into();
        let other = row::encode(&s).expect("encodes");
        is_found(&store, Sample::TABLE, &key, Some(other), "idx_samples_code");
        s.id = 77;
        let other = row::encode(&s).expect("encodes");
        is_found(&store, Sample::TABLE, &key, Some(other), Sample::TABLE);
    }
    is_found(&store, Sample::TABLE, b"short", Some(vec![1]), Sample::TABLE);
    is_found(&store, META, b"seq/samples", Some(2u64.to_be_bytes().to_vec()), META);
    assert_eq!(catalog().tables().len(), 1, "and there is no other table");
}
