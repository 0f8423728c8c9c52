//! Files of every released version: this one must open them, and leave them as they are
//! when it opens them again.
//!
//! `cargo test --test crash -- --ignored write_the_golden_file` writes the file of the
//! version at hand; it is committed once, with the release, and never changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vulnzero::base::record::Record;
use vulnzero::base::{Result, Timestamp};
use vulnzero::domain::audit::AuditLog;
use vulnzero::domain::change::{Change, ChangeStep};
use vulnzero::domain::decision::Decision;
use vulnzero::domain::idempotency::IdempotencyKey;
use vulnzero::domain::import::Import;
use vulnzero::domain::job::{Job, JobKind};
use vulnzero::domain::mapping::{MappedField, SavedMapping};
use vulnzero::domain::matcher::Matcher;
use vulnzero::domain::package::Package;
use vulnzero::domain::patch::Patch;
use vulnzero::domain::rule::Rule;
use vulnzero::domain::service::Service;
use vulnzero::domain::sla;
use vulnzero::domain::user::{ApiToken, Credential, Session, TokenSecret, User};
use vulnzero::services::decisions;
use vulnzero::store::backup::DATABASE;
use vulnzero::store::engine::redb::Redb;
use vulnzero::store::engine::{Direction, Span};
use vulnzero::store::{META, Options, Store, Tx, row};

use super::records;
use super::workload::{catalog, open};

/// Assets, vulnerabilities and findings in a golden file.
const RECORDS: u64 = 40;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden")
}

fn store(dir: &Path) -> Result<Store> {
    open(Redb::open(&dir.join(DATABASE), 1 << 20)?, Options::default())
}

/// A record of which only what has no default is given.
fn from_json<R: Record>(json: serde_json::Value) -> R {
    serde_json::from_value(json).unwrap()
}

fn fill(tx: &mut Tx<'_>) -> Result<()> {
    for n in 0..RECORDS {
        let asset = tx.insert(records::asset(n))?;
        let v = tx.insert(records::vulnerability(n))?;
        let finding = tx.insert(records::finding(n, &asset, &v))?;
        let of = Change { import_id: Some(n), ..Change::default() };
        let change_id = tx.insert(of)?.id;
        tx.insert(ChangeStep { change_id, ..ChangeStep::default() })?;
        tx.insert(Package {
            asset_id: asset.id,
            component: finding.component.clone(),
            ..Package::default()
        })?;
        let reason = Some("synthetic".to_owned());
        let mut decision = Decision { author: "synthetic".into(), reason, ..Decision::default() };
        tx.insert(Service { asset_id: asset.id, port: 22, ..Service::default() })?;
        decisions::about(&mut decision, &finding);
        tx.insert(decision)?;
        tx.insert(records::audit("assets.create", &asset.asset_id))?;
    }
    let matcher = Matcher { kev: Some(true), ..Matcher::default() };
    tx.insert(Rule { name: "kev".into(), matcher, ..Rule::default() })?;
    for policy in sla::defaults() {
        tx.insert(policy)?;
    }
    let time = Timestamp::from_micros(1_750_000_000_000_000);
    tx.insert::<Patch>(from_json(serde_json::json!({
        "id": 0, "version": 0, "created_at": time, "updated_at": time, "patch_id": "patch-1",
        "title": "Update openssl", "vulnerability_id": 1, "patch_type": "package_update",
        "status": "draft", "validation_passed": false, "created_by": "synthetic",
    })))?;
    let user =
        tx.insert(User { username: "synthetic".into(), is_active: true, ..User::default() })?;
    let of_user = user.id;
    tx.insert(Credential {
        user_id: of_user,
        password_hash: "$argon2id$none".into(),
        ..Credential::default()
    })?;
    tx.insert(Session {
        user_id: of_user,
        hash: "a".repeat(64),
        expires_at: time,
        ..Session::default()
    })?;
    let token =
        tx.insert(ApiToken { user_id: of_user, name: "ci".into(), ..ApiToken::default() })?;
    tx.insert(TokenSecret { token_id: token.id, hash: "b".repeat(64), ..TokenSecret::default() })?;
    let import = tx.insert(Import {
        format: "trivy".into(),
        created_by: "synthetic".into(),
        ..Import::default()
    })?;
    let columns = [("Bug".to_owned(), MappedField::Id)].into();
    tx.insert(SavedMapping { name: "synthetic".into(), columns, ..SavedMapping::default() })?;
    tx.insert(IdempotencyKey {
        owner: "synthetic".into(),
        key: "a".into(),
        import_id: import.id,
        expires_at: time,
        ..IdempotencyKey::default()
    })?;
    tx.insert(Job { import_id: Some(import.id), ..Job::new(JobKind::Import, "synthetic", time) })?;
    Ok(())
}

#[test]
#[ignore = "writes the golden file of this version; run it once per release"]
fn write_the_golden_file() {
    let dir = tempfile::tempdir().unwrap();
    let made = store(dir.path()).unwrap();
    made.write_blocking("test.golden", fill).unwrap();
    made.engine().compact().unwrap();
    made.close().unwrap();
    let bytes = fs::read(dir.path().join(DATABASE)).unwrap();
    let packed = zstd::encode_all(bytes.as_slice(), 19).unwrap();
    let file = directory().join(concat!("v", env!("CARGO_PKG_VERSION"), ".redb.zst"));
    assert!(!file.exists(), "{} is there already and must not change", file.display());
    fs::create_dir_all(directory()).unwrap();
    fs::write(&file, &packed).unwrap();
    println!("{}: {} bytes of {}", file.display(), packed.len(), bytes.len());
}

/// All rows of the records, as they are served, and all numbers in the meta table.
fn content(store: &Store) -> BTreeMap<String, Vec<Vec<u8>>> {
    let snapshot = store.read().unwrap();
    let mut all = BTreeMap::new();
    for table in catalog().tables().iter().map(|t| t.table()).chain([META]) {
        let rows: &mut Vec<Vec<u8>> = all.entry(table.to_owned()).or_default();
        snapshot
            .scan(table, &Span::all(), Direction::Forward, &mut |key, value| {
                rows.push([key, value].concat());
                Ok(true)
            })
            .unwrap();
    }
    all
}

fn decode_all<R: Record>(store: &Store) -> usize {
    let mut count = 0;
    let mut decode = |_: &[u8], bytes: &[u8]| {
        row::decode::<R>(bytes).map(|_| {
            count += 1;
            true
        })
    };
    let snapshot = store.read().unwrap();
    snapshot.scan(R::TABLE, &Span::all(), Direction::Forward, &mut decode).unwrap();
    count
}

macro_rules! decode_each {
    ($($record:ty),*) => { |store: &Store| -> Vec<(&'static str, usize)> {
        vec![$((<$record>::TABLE, decode_all::<$record>(store))),*]
    }};
}

/// Opens a file of some version; it has one record of each kind at least.
fn opens(dir: &Path) {
    let first = store(dir).unwrap();
    let decode = vulnzero::for_each_record!(decode_each);
    for (table, count) in decode(&first) {
        assert!(count > 0, "there is nothing in {table}");
    }
    for table in first.catalog().tables() {
        let mut found = Vec::new();
        table.check(&*first.read().unwrap(), &mut |f| found.push(f)).unwrap();
        assert_eq!(found, [], "{}", table.table());
    }
    let before = content(&first);
    first.close().unwrap();
    let second = store(dir).unwrap();
    assert_eq!(content(&second), before, "opening it again changes nothing");
    let entry = records::audit("test", "golden");
    let entry = second.write_blocking("test", move |tx| tx.insert(entry.clone())).unwrap();
    assert_eq!(entry.id as usize, before[AuditLog::TABLE].len() + 1);
    second.close().unwrap();
}

#[test]
fn files_of_every_version_open() {
    let mut files: Vec<PathBuf> = fs::read_dir(directory())
        .map(|entries| entries.map(|e| e.unwrap().path()).collect())
        .unwrap_or_default();
    files.retain(|f| f.extension().is_some_and(|e| e == "zst"));
    files.sort();
    println!("golden files: {}", files.len());
    for file in files {
        println!("{}", file.display());
        let dir = tempfile::tempdir().unwrap();
        let packed = fs::read(&file).unwrap();
        fs::write(dir.path().join(DATABASE), zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
        opens(dir.path());
    }
}

/// The same for a file of this very version, so that the way is tested before the first
/// release.
#[test]
fn a_file_of_this_version_opens() {
    let dir = tempfile::tempdir().unwrap();
    let made = store(dir.path()).unwrap();
    made.write_blocking("test.golden", fill).unwrap();
    made.close().unwrap();
    opens(dir.path());
}
