//! Backup while others write, restore, compaction: over real files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tempfile::TempDir;

use super::sample::{Sample, distinct, sample};
use super::{catalog, findings, one};
use crate::base::time::ManualClock;
use crate::base::{Code, limits};
use crate::store::backup::{DATABASE, backup, restore};
use crate::store::engine::redb::Redb;
use crate::store::{Options, Store};

fn open(dir: &Path) -> Store {
    let engine = Redb::open(&dir.join(DATABASE), 8 << 20).expect("opens");
    Store::open(Box::new(engine), catalog(), Arc::new(ManualClock::default()), Options::default())
        .expect("opens")
}

fn insert(store: &Store, n: u64) -> u64 {
    let s = distinct(n, one(&sample()));
    store.write_blocking("test", move |tx| tx.insert(s.clone())).expect("is new").id
}

fn count(store: &Store) -> u64 {
    store.read().expect("reads work").len("samples").expect("reads work")
}

/// A directory with a store of `n` records, closed.
fn directory(n: u64) -> TempDir {
    let dir = tempfile::tempdir().expect("there is space");
    let store = open(dir.path());
    (1..=n).for_each(|n| assert_eq!(insert(&store, n), n));
    store.close().expect("closes");
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("is a directory");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("reads").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_while_others_write_has_a_prefix_of_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let files: Vec<(PathBuf, u64, u64)> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1.. {
                assert_eq!(insert(&store, n), n);
                acknowledged.store(n, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let made = (0..3).map(|n| {
            while acknowledged.load(Ordering::SeqCst) < 20 * (n + 1) {
                std::thread::yield_now();
            }
            let file = dir.path().join(format!("backup-{n}"));
            let before = acknowledged.load(Ordering::SeqCst);
            let summary = backup(&store, &file).unwrap();
            assert_eq!(summary.bytes, fs::metadata(&file).unwrap().len());
            assert!(summary.rows > before);
            (file, before, acknowledged.load(Ordering::SeqCst) + 1)
        });
        let made = made.collect();
        stop.store(true, Ordering::SeqCst);
        made
    });
    store.close().unwrap();
    for (file, before, after) in files {
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(restore(&file, elsewhere.path()).unwrap(), None);
        let restored = open(elsewhere.path());
        assert_eq!(findings(&restored), []);
        let n = count(&restored);
        assert!((before..=after).contains(&n), "{before} <= {n} <= {after}");
        assert_eq!(insert(&restored, n + 1), n + 1, "numbers go on where they were");
    }
}

#[test]
fn an_existing_target_is_refused_and_left_alone() {
    let dir = directory(2);
    let store = open(dir.path());
    let file = dir.path().join("backup");
    fs::write(&file, "mine").unwrap();
    let e = backup(&store, &file).unwrap_err();
    assert_eq!(e.code(), Code::Duplicate);
    assert_eq!(e.detail(), format!("{} exists already", file.display()));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let e = backup(&store, &dir.path().join("missing/backup")).unwrap_err();
    assert_eq!(e.code(), Code::StorageUnavailable);
}

#[test]
fn litter_of_a_backup_that_was_cut_off_does_not_matter() {
    let dir = directory(2);
    let store = open(dir.path());
    let file = dir.path().join("backup");
    fs::write(dir.path().join("backup.partial"), "half").unwrap();
    backup(&store, &file).unwrap();
    store.close().unwrap();
    fs::write(dir.path().join(format!("{DATABASE}.partial")), "half").unwrap();
    let kept = restore(&file, dir.path()).unwrap().unwrap();
    let kept = kept.file_name().unwrap().to_str().unwrap();
    assert_eq!(names(dir.path()), ["backup", kept, DATABASE]);
}

#[test]
fn restoring_keeps_the_old_database() {
    let (old, new) = (directory(2), directory(5));
    let store = open(new.path());
    let file = new.path().join("backup");
    backup(&store, &file).unwrap();
    let mut readonly = fs::metadata(&file).unwrap().permissions();
    readonly.set_readonly(true);
    fs::set_permissions(&file, readonly).unwrap();
    for n in 1..=2 {
        let kept = restore(&file, old.path()).unwrap().unwrap();
        assert_eq!(kept, old.path().join(format!("vulnzero.before-restore-{n}")));
    }
    let store = open(old.path());
    assert_eq!((count(&store), findings(&store)), (5, vec![]));
    store.close().unwrap();
    let kept = old.path().join("vulnzero.before-restore-1");
    restore(&kept, old.path()).unwrap();
    let store = open(old.path());
    assert_eq!((count(&store), findings(&store)), (2, vec![]));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_database_and_backups() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = directory(1);
    let store = open(dir.path());
    let file = dir.path().join("backup");
    backup(&store, &file).unwrap();
    store.close().unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    for path in [dir.path().join(DATABASE), restored(&file)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// The database of a directory into which the file was restored.
fn restored(file: &Path) -> PathBuf {
    let dir = tempfile::tempdir().expect("there is space").keep();
    restore(file, &dir).expect("is a backup");
    dir.join(DATABASE)
}

#[test]
fn junk_is_refused_and_nothing_is_changed() {
    let dir = directory(40);
    let store = open(dir.path());
    let good = dir.path().join("good");
    backup(&store, &good).unwrap();
    store.close().unwrap();
    let whole = fs::read(&good).unwrap();
    let before = (names(dir.path()), fs::read(dir.path().join(DATABASE)).unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    let mut flipped = whole.clone();
    for byte in flipped.iter_mut().skip(whole.len() / 4).take(whole.len() / 2) {
        *byte ^= 0x55;
    }
    let foreign = foreign_database(elsewhere.path());
    let junk = [
        ("empty", vec![]),
        ("text", b"this is no database".to_vec()),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("header", whole[..100].to_vec()),
        ("flipped", flipped),
        ("foreign", foreign),
    ];
    for (name, bytes) in junk {
        let file = elsewhere.path().join(name);
        fs::write(&file, bytes).unwrap();
        let e = restore(&file, dir.path()).unwrap_err();
        assert_eq!(e.code(), Code::BadReport, "{name}: {e:?}");
        let wanted = format!("{}: not a vulnzero backup, or a damaged one", file.display());
        assert_eq!(e.detail(), wanted);
        assert_eq!(before, (names(dir.path()), fs::read(dir.path().join(DATABASE)).unwrap()));
    }
    let missing = restore(&elsewhere.path().join("missing"), dir.path()).unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

/// One byte anywhere: either it is seen, or nothing depends on it.
#[test]
fn no_flipped_byte_passes_for_another_content() {
    let dir = directory(40);
    let whole = fs::read(dir.path().join(DATABASE)).unwrap();
    let (mut refused, mut restored) = (0, 0);
    let file = dir.path().join("flipped");
    for at in (0..whole.len()).step_by(whole.len() / 97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&file, bytes).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        if restore(&file, elsewhere.path()).is_ok() {
            let store = open(elsewhere.path());
            assert_eq!((count(&store), findings(&store)), (40, vec![]), "byte {at}");
            restored += 1;
        } else {
            refused += 1;
        }
    }
    println!("flipped bytes: {refused} refused, {restored} of no consequence");
    assert!(refused > 0);
}

/// A database of the same kind that is not ours.
fn foreign_database(dir: &Path) -> Vec<u8> {
    let path = dir.join("foreign-source");
    let engine = Redb::open(&path, 1 << 20).expect("opens");
    let rows = [(b"key".to_vec(), Some(b"value".to_vec()))].into();
    let batch = crate::store::engine::Batch::from([("foreign", rows)]);
    crate::store::Engine::commit(&engine, &batch).expect("writes");
    crate::store::Engine::close(&engine).expect("closes");
    fs::read(path).expect("was written")
}

#[test]
fn a_backup_of_a_newer_program_is_refused() {
    let dir = directory(1);
    let store = open(dir.path());
    store
        .write_blocking("test", |tx| {
            tx.set_meta("format", 9u64.to_be_bytes().to_vec());
            Ok(())
        })
        .unwrap();
    store.close().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let e = restore(&dir.path().join(DATABASE), elsewhere.path()).unwrap_err();
    assert_eq!(e.code(), Code::Conflict);
    assert!(e.detail().contains("it has format 9, made by a newer version"), "{e}");
    assert_eq!(names(elsewhere.path()), Vec::<String>::new());
}

#[test]
fn compaction_waits_for_readers_and_gives_space_back() {
    let dir = directory(0);
    let store = open(dir.path());
    for n in 0..10 {
        let base = one(&sample());
        store
            .write_blocking("test", move |tx| {
                for m in 0..200 {
                    let words = vec!["x".repeat(60); 20];
                    tx.insert(distinct(n * 200 + m, Sample { words, ..base.clone() }))?;
                }
                Ok(())
            })
            .unwrap();
    }
    for chunk in 0..19 {
        store
            .write_blocking("test", move |tx| {
                (1..=100).try_for_each(|n| tx.delete::<Sample>(chunk * 100 + n).map(drop))
            })
            .unwrap();
    }
    let reader = store.read().unwrap();
    let e = store.engine().compact().unwrap_err();
    assert_eq!((e.code(), e.retry_after_s()), (Code::Conflict, Some(1)));
    drop(reader);
    let before = store.engine().stats().unwrap().file_bytes;
    store.engine().compact().unwrap();
    let after = store.engine().stats().unwrap().file_bytes;
    assert!(after * 2 < before, "{after} of {before} bytes are left");
    assert_eq!((count(&store), findings(&store)), (100, vec![]));
    insert(&store, 1_000_000);
}

#[test]
fn a_second_handle_on_the_same_file_is_told() {
    let dir = directory(1);
    let store = open(dir.path());
    let e = Redb::open(&dir.path().join(DATABASE), limits::NAME_BYTES).err().unwrap();
    assert_eq!((e.code(), e.detail()), (Code::Locked, "the database is open in another process"));
    drop(store);
}
