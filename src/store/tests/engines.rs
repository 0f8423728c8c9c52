//! The seam: whatever is committed, an engine has what a sorted map has.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;

use super::{Make, on_every_engine, property};
use crate::store::engine::{Batch, Direction, Span, Table};

on_every_engine!(engines_are_sorted_maps);

const TABLES: [Table; 2] = ["one", "two"];

/// Few rows anywhere, or many whose keys go up from batch to batch as records' do.
fn rows() -> impl Strategy<Value = BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
    let value = || of(vec(any::<u8>(), 0..4));
    let anywhere = btree_map(vec(any::<u8>(), 0..3), value(), 0..40);
    let upward = (any::<u8>(), vec(value(), 0..60)).prop_map(|(from, values)| {
        let key = |n: usize| vec![from, n as u8];
        values.into_iter().enumerate().map(|(n, value)| (key(n), value)).collect()
    });
    prop_oneof![anywhere, upward]
}

fn engines_are_sorted_maps(make: &Make) {
    let batches = vec((any::<bool>(), rows(), any::<prop::sample::Index>()), 1..12);
    property(60, &batches, |batches| {
        let engine = make();
        let mut model: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>> = BTreeMap::new();
        for (second, rows, clear) in batches {
            let table = TABLES[usize::from(second)];
            let held = engine.snapshot().expect("reads work");
            let before = held.len(table).expect("reads work");
            engine.commit(&Batch::from([(table, rows.clone())])).expect("writes work");
            prop_assert_eq!(
                held.len(table).expect("reads work"),
                before,
                "a snapshot stands still"
            );
            let target = model.entry(table).or_default();
            for (key, value) in rows {
                match value {
                    Some(value) => drop(target.insert(key, value)),
                    None => drop(target.remove(&key)),
                }
            }
            if clear.index(10) == 0 {
                engine.clear(table).expect("writes work");
                target.clear();
            }
            for table in TABLES {
                let wanted = model.entry(table).or_default();
                let snapshot = engine.snapshot().expect("reads work");
                prop_assert_eq!(snapshot.len(table).expect("reads work"), wanted.len() as u64);
                for direction in [Direction::Forward, Direction::Reverse] {
                    let mut found = Vec::new();
                    snapshot
                        .scan(table, &Span::all(), direction, &mut |k, v| {
                            found.push((k.to_vec(), v.to_vec()));
                            Ok(true)
                        })
                        .expect("reads work");
                    if direction == Direction::Reverse {
                        found.reverse();
                    }
                    prop_assert!(found.iter().map(|(k, v)| (k, v)).eq(wanted.iter()));
                }
                for key in wanted.keys() {
                    let value = snapshot.get(table, key).expect("reads work");
                    prop_assert_eq!(value.as_ref(), wanted.get(key));
                }
            }
        }
        Ok(())
    });
}
