//! A real file system that is full. Needs the right to mount one; without it the test says
//! so and passes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use vulnzero::base::{Code, Result};
use vulnzero::store::backup::{DATABASE, backup};
use vulnzero::store::engine::redb::Redb;
use vulnzero::store::lock::Lock;
use vulnzero::store::{Options, Store};

use super::workload::{open, together, verify};

/// A small file system of its own, unmounted at the end.
struct Mount(tempfile::TempDir);

impl Mount {
    /// `None`, and a printed reason, if that is not allowed here.
    fn new(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .output();
        match mounted {
            Ok(out) if out.status.success() => Some(Self(dir)),
            Ok(out) => {
                println!("skipped: {}", String::from_utf8_lossy(&out.stderr).trim());
                None
            }
            Err(e) => {
                println!("skipped: there is no mount: {e}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("-l").arg(self.0.path()).status();
        if !gone.is_ok_and(|s| s.success()) {
            println!("{} stays mounted", self.0.path().display());
        }
    }
}

/// Takes all free space but `left` bytes.
fn fill(dir: &Path, left: u64) {
    let stat = rustix::fs::statvfs(dir).unwrap();
    let free = stat.f_bavail * stat.f_frsize;
    fs::write(dir.join("ballast"), vec![0; free.saturating_sub(left) as usize]).unwrap();
}

fn store(dir: &Path, min_free_bytes: u64) -> Result<Store> {
    let engine = Redb::open(&dir.join(DATABASE), 1 << 20)?;
    let data_dir = Some(dir.to_owned());
    open(engine, Options { data_dir, min_free_bytes, ..Options::default() })
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn little_space_means_read_only_until_there_is_more() {
    let Some(mount) = Mount::new("24m") else { return };
    let store = store(mount.path(), 6 << 20).unwrap();
    assert!(together(&store, 1..=5).iter().all(|(_, a)| a.is_ok()));
    assert!(!store.health().read_only);
    fill(mount.path(), 3 << 20);
    wait_until("read-only", || store.health().read_only);
    for (_, answer) in together(&store, 6..=7) {
        let e = answer.unwrap_err();
        assert_eq!((e.code(), e.retry_after_s()), (Code::ReadOnly, Some(30)));
        assert_eq!(e.detail(), "the disk is nearly full, so only reading works");
    }
    assert_eq!(verify(&store).unwrap().len(), 5, "reading works");
    let health = store.health();
    assert_eq!(health.trouble, None);
    assert!(health.free_bytes.is_some_and(|free| free <= 3 << 20), "{health:?}");
    fs::remove_file(mount.path().join("ballast")).unwrap();
    wait_until("writing", || !store.health().read_only);
    assert!(together(&store, 6..=7).iter().all(|(_, a)| a.is_ok()));
    assert_eq!(verify(&store).unwrap().len(), 7);
    store.close().unwrap();
}

#[test]
fn no_space_at_all_loses_nothing_and_the_store_comes_back() {
    let Some(mount) = Mount::new("16m") else { return };
    let running = store(mount.path(), 0).unwrap();
    assert!(together(&running, 1..=5).iter().all(|(_, a)| a.is_ok()));
    fill(mount.path(), 64 << 10);
    let (mut last, mut refused) = (5, None);
    while refused.is_none() && last < 2_000 {
        last += 1;
        refused = together(&running, [last]).remove(0).1.err();
    }
    let e = refused.expect("the space ends");
    assert_eq!(e.code(), Code::StorageUnavailable, "{e:?}");
    assert_eq!(e.detail(), "the disk is full", "{e:?}");
    wait_until("reading on a full disk", || {
        verify(&running).is_ok_and(|d| d.len() as u64 >= last - 1)
    });
    let partial = backup(&running, &mount.path().join("copy")).unwrap_err();
    assert_eq!(partial.code(), Code::StorageUnavailable, "{partial:?}");
    assert!(!mount.path().join("copy").exists() && !mount.path().join("copy.partial").exists());
    // A start on a full disk works too, for reading.
    if let Err(e) = running.close() {
        assert!(e.detail().starts_with("the database cannot be closed cleanly"), "{e:?}");
    }
    let lock = Lock::take(mount.path(), "serve").unwrap();
    let running = store(mount.path(), 0).unwrap();
    let done = verify(&running).unwrap().len() as u64;
    assert!((last - 1..=last).contains(&done), "{done} of {last}");
    fs::remove_file(mount.path().join("ballast")).unwrap();
    wait_until("writing", || together(&running, [5_000]).remove(0).1.is_ok());
    assert_eq!(verify(&running).unwrap().len() as u64, done + 1);
    println!(
        "a full disk after {last} steps; {} bytes free again",
        running.health().free_bytes.unwrap()
    );
    running.close().unwrap();
    drop(lock);
}
