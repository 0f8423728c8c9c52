//! What time does to sessions and tokens, and what becomes of a log that was tampered with:
//! the services over a store in memory and a clock that the test sets.

use std::collections::BTreeMap;
use std::sync::Arc;

use vulnzero::adapters::importers::input::Limits;
use vulnzero::base::record::Record as _;
use vulnzero::base::secret::Secret;
use vulnzero::base::time::ManualClock;
use vulnzero::domain::audit::AuditLog;
use vulnzero::domain::user::{NewToken, Role, User};
use vulnzero::services::auth::NewSession;
use vulnzero::services::{Core, Ctx, Options, auth, maintenance, tokens, users};
use vulnzero::store::engine::memory::Memory;
use vulnzero::store::{Read as _, Store, keys};
use vulnzero::telemetry::Metrics;

const HOUR: i64 = 3600;

struct World {
    core: Core,
    clock: Arc<ManualClock>,
    _directory: tempfile::TempDir,
}

fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at("2026-01-31T12:00:00Z".parse().unwrap()));
    let engine = Box::new(Memory::default());
    let store = Store::open(
        engine,
        vulnzero::app::catalog(),
        clock.clone(),
        vulnzero::store::Options::default(),
    )
    .unwrap();
    let options = Options {
        data_dir: directory.path().to_owned(),
        report: Limits { report_bytes: 1 << 20, findings: 100 },
        max_upload_bytes: 1 << 20,
        keep_originals: false,
        original_max_bytes: 0,
        originals_total_bytes: 0,
        quarantine_percent: 50,
        quarantine_above: 10,
        session_s: 12 * HOUR,
        session_idle_s: 2 * HOUR,
        lockout_failures: 5,
        lockout_s: 60,
    };
    let (core, observer) = Core::new(store.clone(), options, Metrics::new("test"));
    store.observe(vec![observer]).unwrap();
    World { core, clock, _directory: directory }
}

async fn account(core: &Core) -> User {
    let password = Secret::new("correct horse battery".into());
    users::first(core, &Ctx::system(), "ada".into(), password).await.unwrap()
}

async fn begin(core: &Core, user: User) -> NewSession {
    auth::begin(core, &Ctx::anonymous(), user, "auth.begin").await.unwrap()
}

#[tokio::test]
async fn sessions_end_when_unused_and_at_the_latest_after_their_time() {
    let world = world();
    let user = account(&world.core).await;
    let session = begin(&world.core, user).await;
    let works = || auth::by_session(&world.core, session.secret.expose()).unwrap().is_some();
    // Used every 100 minutes it lives; each use is noted in the background.
    for _ in 0..7 {
        assert!(works());
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        world.clock.advance_seconds(100 * 60);
    }
    assert!(works(), "11 hours and 40 minutes, never idle for two");
    world.clock.advance_seconds(21 * 60);
    assert!(!works(), "twelve hours are over");

    let user = world.core.store.read().unwrap().require(1).unwrap();
    let session = begin(&world.core, user).await;
    let works = || auth::by_session(&world.core, session.secret.expose()).unwrap().is_some();
    world.clock.advance_seconds(2 * HOUR - 1);
    assert!(works());
    let idle = begin(&world.core, session.user.clone()).await;
    world.clock.advance_seconds(2 * HOUR);
    assert!(auth::by_session(&world.core, idle.secret.expose()).unwrap().is_none());
    assert!(auth::sweep(&world.core).await.unwrap() >= 2, "what has ended is removed");
}

#[tokio::test]
async fn tokens_end_on_their_day() {
    let world = world();
    account(&world.core).await;
    let new = NewToken { name: "ci".into(), role: Role::Operator, expires_in_days: Some(1) };
    let (token, secret) = tokens::create(&world.core, &Ctx::cli(), new).await.unwrap();
    assert_eq!(token.expires_at.unwrap().to_string(), "2026-02-01T12:00:00Z");
    let works = || auth::by_token(&world.core, secret.expose()).unwrap().is_some();
    world.clock.advance_seconds(24 * HOUR - 1);
    assert!(works());
    world.clock.advance_seconds(1);
    assert!(!works());
}

/// Flips one bit of an audit entry, behind the back of the store.
fn tamper(store: &Store, id: u64) {
    let key = keys::record_key(id).to_vec();
    let mut row = store.read().unwrap().get(AuditLog::TABLE, &key).unwrap().unwrap();
    let at = row.windows(3).position(|w| w == b"ada").expect("the actor's name is in it");
    row[at] ^= 1;
    let rows = BTreeMap::from([(key, Some(row))]);
    store.engine().commit(&BTreeMap::from([(AuditLog::TABLE, rows)])).unwrap();
}

#[tokio::test]
async fn one_changed_byte_of_the_audit_log_is_found() {
    let world = world();
    let user = account(&world.core).await;
    for _ in 0..3 {
        begin(&world.core, user.clone()).await;
    }
    let report = maintenance::check(&world.core.store).unwrap();
    assert!(report.ok && report.audit_entries == 4, "{report:?}");
    tamper(&world.core.store, 3);
    let report = maintenance::check(&world.core.store).unwrap();
    assert!(!report.ok);
    assert!(report.faults.iter().any(|f| f.detail == "the chain breaks at entry 3"), "{report:?}");
}

#[tokio::test]
async fn a_missing_last_entry_of_the_audit_log_is_found() {
    let world = world();
    account(&world.core).await;
    let store = &world.core.store;
    let rows = BTreeMap::from([(keys::record_key(1).to_vec(), None)]);
    store.engine().commit(&BTreeMap::from([(AuditLog::TABLE, rows)])).unwrap();
    let report = maintenance::check(store).unwrap();
    let audit: Vec<_> = report.faults.iter().filter(|f| f.table == AuditLog::TABLE).collect();
    assert!(audit.iter().any(|f| f.detail.contains("entries are missing")), "{report:?}");
}
