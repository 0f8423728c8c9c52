//! Reading within a transaction: what is staged, by it and by others of its group, hides
//! what is stored.

use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::sample::{Sample, distinct, sample};
use super::{Make, on_every_engine, one, open, property};
use crate::base::Timestamp;
use crate::base::record::Value;
use crate::store::engine::{Batch, Direction, Source as _, Span};
use crate::store::tx::{Group, Tx};
use crate::store::{META, Read as _};

on_every_engine!(scans_see_all_layers_in_order, reads_see_what_was_written_before);

type Layer = BTreeMap<String, Option<Vec<u8>>>;

fn layer() -> impl Strategy<Value = Layer> {
    btree_map("[abc]{0,3}", proptest::option::of(vec(any::<u8>(), 0..2)), 0..12)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    let key = || "[abc]{0,3}".prop_map(String::into_bytes);
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded)
    ]
}

fn stage(tx: &mut Tx<'_>, layer: &Layer) {
    for (key, value) in layer {
        match value {
            Some(value) => tx.set_meta(key, value.clone()),
            None => tx.remove_raw(META, key.clone().into_bytes()),
        }
    }
}

fn scans_see_all_layers_in_order(make: &Make) {
    let spans = vec((bound(), bound(), any::<bool>(), 1..20usize), 1..8);
    property(200, &(layer(), layer(), layer(), spans), |(stored, group_rows, own, spans)| {
        let engine = make();
        let rows = stored.iter().map(|(k, v)| (k.clone().into_bytes(), v.clone())).collect();
        engine.commit(&Batch::from([(META, rows)])).expect("writes work");
        let mut group = Group::new(engine.snapshot().expect("reads work"));
        let mut first = Tx::new(&group, Timestamp::default());
        stage(&mut first, &group_rows);
        let first = first.finish();
        group.absorb(first).expect("nothing can fail");
        let mut tx = Tx::new(&group, Timestamp::default());
        stage(&mut tx, &own);

        let mut all = stored.clone();
        all.extend(group_rows.clone());
        all.extend(own.clone());
        for key in all.keys() {
            prop_assert_eq!(&tx.get(META, key.as_bytes()).expect("reads work"), &all[key]);
        }
        for (start, end, reverse, most) in spans {
            let span = Span { start, end };
            let inside = |k: &str| {
                let k = k.as_bytes();
                (match &span.start {
                    Bound::Unbounded => true,
                    Bound::Included(s) => k >= s.as_slice(),
                    Bound::Excluded(s) => k > s.as_slice(),
                }) && match &span.end {
                    Bound::Unbounded => true,
                    Bound::Included(e) => k <= e.as_slice(),
                    Bound::Excluded(e) => k < e.as_slice(),
                }
            };
            let mut wanted: Vec<(Vec<u8>, Vec<u8>)> = all
                .iter()
                .filter(|(k, _)| inside(k))
                .filter_map(|(k, v)| v.clone().map(|v| (k.clone().into_bytes(), v)))
                .collect();
            let direction = if reverse { Direction::Reverse } else { Direction::Forward };
            if reverse {
                wanted.reverse();
            }
            wanted.truncate(most);
            let mut found = Vec::new();
            tx.scan(META, &span, direction, &mut |k, v| {
                found.push((k.to_vec(), v.to_vec()));
                Ok(found.len() < most)
            })
            .expect("reads work");
            prop_assert_eq!(found, wanted);
        }
        Ok(())
    });
}

fn reads_see_what_was_written_before(make: &Make) {
    let store = open(make());
    store
        .write_blocking("test", |tx| {
            let first = tx.insert(distinct(1, Sample { score: 0.1, ..one(&sample()) }))?;
            let second = tx.insert(distinct(2, Sample { score: 7.5, ..one(&sample()) }))?;
            let by_score = |tx: &Tx<'_>, d| tx.ids_under::<Sample>("idx_samples_score", &[], d, 9);
            assert_eq!(by_score(tx, Direction::Forward)?, [first.id, second.id]);
            let first = tx.update(Sample { score: 99.9, ..first })?;
            assert_eq!(first.version, 2);
            assert_eq!(by_score(tx, Direction::Forward)?, [second.id, first.id]);
            assert_eq!(by_score(tx, Direction::Reverse)?, [first.id, second.id]);
            let code = [Value::Text("code-000002".into())];
            assert_eq!(tx.find_by::<Sample>("idx_samples_code", &code)?, Some(second.clone()));
            tx.delete::<Sample>(second.id)?;
            assert_eq!(tx.find_by::<Sample>("idx_samples_code", &code)?, None);
            assert_eq!(tx.find::<Sample>(second.id)?, None);
            // What was deleted does not block its keys.
            let third = tx.insert(Sample { id: 0, version: 0, ..second })?;
            assert_eq!((third.id, third.version), (3, 1));
            Ok(())
        })
        .expect("all of it is allowed");
    assert_eq!(super::findings(&store), []);
}
