//! Opening what another version of the program has left.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::queries::filled;
use super::sample::{Sample, sample};
use super::{Make, findings, on_every_engine, one};
use crate::base::record::{Field, Index, Kind, Record, Value, asc};
use crate::base::time::ManualClock;
use crate::base::{Code, Result, Timestamp};
use crate::store::engine::{Batch, Engine, EngineStats, Snapshot, Table};
use crate::store::{Catalog, META, Options, Read as _, Store, migrate};

on_every_engine!(
    a_newer_format_is_refused,
    a_newer_schema_is_refused,
    a_damaged_format_is_no_new_file,
    changed_indexes_are_built_anew,
    old_rows_are_upgraded_when_read,
    a_rebuild_that_is_cut_off_starts_over,
    what_cannot_be_unique_is_refused,
);

/// Samples as a later program declares them: another name for one index, other parts for
/// another, a facet more and one less, and a newer shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Later {
    id: u64,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    flag: bool,
    rank: Option<u64>,
    code: String,
    #[serde(default)]
    added: String,
    shade: String,
}

impl Record for Later {
    const TABLE: &'static str = "samples";
    const FACETS: &'static str = "fct_samples";
    const NOUN: &'static str = "sample";
    const SCHEMA: u8 = 2;

    fn fields() -> &'static [Field<Self>] {
        const FIELDS: &[Field<Later>] = &[
            Field::<Later>::new("flag", Kind::Bool, |s, f| f(s.flag.into()), ""),
            Field::<Later>::new("rank", Kind::U64, |s, f| f((&s.rank).into()), "").facet(),
            Field::<Later>::new("code", Kind::Text, |s, f| f((&s.code).into()), ""),
            Field::<Later>::new("shade", Kind::Text, |s, f| f((&s.shade).into()), ""),
        ];
        FIELDS
    }

    fn indexes() -> &'static [Index] {
        const INDEXES: &[Index] = &[
            Index::on("idx_samples_code", &[asc("code"), asc("flag")], "Other parts.").unique(),
            Index::on("idx_samples_flag_rank", &[asc("flag"), asc("rank")], "New."),
            Index::on("idx_samples_shade", &[asc("shade")], "Of a new field."),
        ];
        INDEXES
    }

    fn upgrade(from: u8, json: &mut serde_json::Value) -> Result<()> {
        assert_eq!(from, 1);
        let color = json["color"].as_u64().expect("had one");
        json["shade"] = format!("shade-{color}").into();
        Ok(())
    }

    crate::record_head!();
}

fn reopen<R: Record>(store: &Store) -> Result<Store> {
    let engine = Box::new(Borrowed::of(store));
    let clock = std::sync::Arc::new(ManualClock::default());
    Store::open(engine, Catalog::new().with::<R>(), clock, Options::default())
}

/// The engine of another store, which is not used any more; may fail at a certain commit.
struct Borrowed {
    store: Store,
    commits_left: Option<std::sync::atomic::AtomicUsize>,
    broken: AtomicBool,
}

impl Borrowed {
    fn of(store: &Store) -> Self {
        Self { store: store.clone(), commits_left: None, broken: AtomicBool::new(false) }
    }

    fn spend(&self) -> Result<()> {
        let Some(left) = &self.commits_left else { return Ok(()) };
        let spent = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if spent.is_ok() {
            return Ok(());
        }
        self.broken.store(true, Ordering::SeqCst);
        Err(crate::base::Error::new(Code::StorageUnavailable, "cut off"))
    }
}

impl Engine for Borrowed {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.store.engine().snapshot()
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        self.spend()?;
        self.store.engine().commit(batch)
    }

    fn clear(&self, table: Table) -> Result<()> {
        self.spend()?;
        self.store.engine().clear(table)
    }

    fn is_failed(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    fn recover(&self) -> Result<()> {
        self.store.engine().recover()
    }

    fn stats(&self) -> Result<EngineStats> {
        self.store.engine().stats()
    }

    fn table_stats(&self, table: Table) -> Result<(u64, u64)> {
        self.store.engine().table_stats(table)
    }

    fn copy_to(&self, path: &std::path::Path) -> Result<u64> {
        self.store.engine().copy_to(path)
    }

    fn compact(&self) -> Result<()> {
        self.store.engine().compact()
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn samples(make: &Make, n: usize) -> Store {
    filled(
        make,
        (0..n).map(|n| Sample { rank: Some(n as u64), color: 2, ..one(&sample()) }).collect(),
    )
    .0
}

fn set_meta(store: &Store, key: &'static str, value: Vec<u8>) {
    store
        .write_blocking("test", move |tx| {
            tx.set_meta(key, value.clone());
            Ok(())
        })
        .expect("writes work");
}

fn number(n: u64) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

fn a_newer_format_is_refused(make: &Make) {
    let store = samples(make, 3);
    set_meta(&store, "format", number(migrate::FORMAT + 6));
    let e = reopen::<Sample>(&store).err().expect("is refused");
    assert_eq!(e.code(), Code::Conflict);
    let wanted = format!(
        "the database has format 7, made by a newer version of vulnzero; this one ({}) reads up to 1. Install the newer version, or restore the backup made before the upgrade",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(e.detail(), wanted);
}

fn a_newer_schema_is_refused(make: &Make) {
    let store = samples(make, 3);
    drop(reopen::<Later>(&store).expect("goes up"));
    let e = reopen::<Sample>(&store).err().expect("does not go down");
    assert_eq!(e.code(), Code::Conflict);
    assert!(e.detail().starts_with("the database's samples have schema 2, made by a newer"), "{e}");
    // And nothing was changed on the way: the newer program does not build anything anew.
    let later = reopen::<Later>(&store).expect("still opens");
    assert_eq!(findings(&later), []);
}

fn a_damaged_format_is_no_new_file(make: &Make) {
    let store = samples(make, 3);
    set_meta(&store, "format", vec![1, 2, 3]);
    let e = reopen::<Sample>(&store).err().expect("is refused");
    assert_eq!((e.code(), e.detail()), (Code::Internal, "the database's format is damaged"));
    store
        .write_blocking("test", |tx| {
            tx.remove_raw(META, b"format".to_vec());
            Ok(())
        })
        .expect("writes work");
    let e = reopen::<Sample>(&store).err().expect("is refused");
    assert_eq!(e.detail(), "the database does not say which format it has");
}

fn changed_indexes_are_built_anew(make: &Make) {
    let store = samples(make, 57);
    let before = store.read().expect("reads work").len("idx_samples_code").expect("reads work");
    let later = reopen::<Later>(&store).expect("opens");
    assert_eq!(findings(&later), []);
    let snapshot = later.read().expect("reads work");
    assert_eq!(snapshot.len("idx_samples_code").expect("reads work"), before);
    assert_eq!(snapshot.len("idx_samples_flag_rank").expect("reads work"), 57);
    let values = [Value::Text("code-000005".into()), Value::Bool(one(&sample()).flag)];
    let found = snapshot.find_by::<Later>("idx_samples_code", &values).expect("reads work");
    assert_eq!(found.map(|s| s.rank), Some(Some(5)));
}

fn old_rows_are_upgraded_when_read(make: &Make) {
    let store = samples(make, 2);
    let later = reopen::<Later>(&store).expect("opens");
    let s: Later = later.read().expect("reads work").require(1).expect("is there");
    assert_eq!((s.shade.as_str(), s.added.as_str()), ("shade-2", ""));
    let s = later.write_blocking("test", move |tx| tx.update(s.clone())).expect("is allowed");
    assert_eq!(s.version, 2);
    assert_eq!(findings(&later), []);
}

fn a_rebuild_that_is_cut_off_starts_over(make: &Make) {
    for commits in 0.. {
        let store = samples(make, 20);
        let mut engine = Borrowed::of(&store);
        engine.commits_left = Some(commits.into());
        let clock = std::sync::Arc::new(ManualClock::default());
        let catalog = Catalog::new().with::<Later>();
        let opened = Store::open(Box::new(engine), catalog, clock, Options::default());
        if let Err(e) = &opened {
            assert_eq!(e.detail(), "cut off");
        }
        let later = reopen::<Later>(&store).expect("opens the second time");
        assert_eq!(findings(&later), [], "cut off at commit {commits}");
        if opened.is_ok() {
            assert!(commits >= 5, "only {commits} commits");
            return;
        }
    }
}

/// Samples with a unique index over what is not unique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrong {
    id: u64,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    color: u8,
}

impl Record for Wrong {
    const TABLE: &'static str = "samples";
    const FACETS: &'static str = "fct_samples";
    const NOUN: &'static str = "sample";

    fn fields() -> &'static [Field<Self>] {
        const FIELDS: &[Field<Wrong>] =
            &[Field::<Wrong>::new("color", Kind::U64, |s, f| f(u64::from(s.color).into()), "")];
        FIELDS
    }

    fn indexes() -> &'static [Index] {
        const INDEXES: &[Index] = &[Index::on("idx_samples_color", &[asc("color")], "").unique()];
        INDEXES
    }

    crate::record_head!();
}

fn what_cannot_be_unique_is_refused(make: &Make) {
    let store = samples(make, 2);
    let e = reopen::<Wrong>(&store).err().expect("is refused");
    assert_eq!(
        (e.code(), e.detail()),
        (Code::Duplicate, "there is already a sample with color '2'")
    );
    assert!(store.engine().snapshot().expect("reads work").len(META).expect("reads work") > 0);
}
