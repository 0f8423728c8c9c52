//! What time does to sessions, tokens and due dates, and what becomes of a log that was tampered with:
//! the services over a store in memory and a clock that the test sets.

use std::collections::BTreeMap;
use std::sync::Arc;

use poem_openapi::types::MaybeUndefined;
use vulnzero::adapters::importers::input::Limits;
use vulnzero::base::id::Reference;
use vulnzero::base::record::Record as _;
use vulnzero::base::secret::Secret;
use vulnzero::base::time::ManualClock;
use vulnzero::domain::asset::Asset;
use vulnzero::domain::audit::AuditLog;
use vulnzero::domain::finding::{Finding, FindingPatch};
use vulnzero::domain::matcher::Matcher;
use vulnzero::domain::sla::{NewSlaPolicy, SlaPolicy};
use vulnzero::domain::status::FindingStatus;
use vulnzero::domain::user::{NewToken, Role, User};
use vulnzero::domain::vulnerability::Vulnerability;
use vulnzero::services::auth::NewSession;
use vulnzero::services::tally::Tally;
use vulnzero::services::{
    Core, Ctx, Options, auth, maintenance, policies, rules, stats, tokens, users,
};
use vulnzero::store::engine::memory::Memory;
use vulnzero::store::{Read as _, Store, Tx, keys};
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
        namespace: "https://vulnzero.test".into(),
        report: Limits { report_bytes: 1 << 20, findings: 100 },
        max_upload_bytes: 1 << 20,
        keep_originals: false,
        original_max_bytes: 0,
        originals_total_bytes: 0,
        quarantine_percent: 50,
        quarantine_above: 10,
        undo_keep_s: 0,
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

/// Findings on one asset, with due dates so many days ahead.
async fn findings(core: &Core, due_in_days: &'static [i64]) -> Vec<Finding> {
    let fill = |tx: &mut Tx<'_>| {
        let asset = tx.insert(Asset::new("web".into()))?;
        let v = Vulnerability::new("CVE-2026-1".into(), "test".into(), tx.now());
        let v = tx.insert(v)?;
        let (mut tally, mut made) = (Tally::default(), Vec::new());
        for (n, days) in due_in_days.iter().enumerate() {
            let mut finding = Finding {
                asset_id: asset.id,
                asset: asset.asset_id.clone(),
                vulnerability_id: v.id,
                cve_id: v.cve_id.clone(),
                first_seen: tx.now(),
                due_at: Some(tx.now().plus_seconds(days * 24 * HOUR)),
                ..Finding::default()
            };
            finding.component.name = format!("p{n}");
            let finding = tx.insert(finding)?;
            tally.moved(None, Some(&finding));
            made.push(finding);
        }
        tally.flush(tx).map(|()| made)
    };
    core.store.write("test", fill).await.unwrap()
}

fn get(core: &Core, id: u64) -> Finding {
    core.store.read().unwrap().require(id).unwrap()
}

#[tokio::test]
async fn findings_become_overdue_when_their_time_is_over_and_only_if_open() {
    let world = world();
    let core = &world.core;
    let made = findings(core, &[1, 2, 2, 9]).await;
    assert_eq!(policies::mark_overdue(core).await.unwrap(), 0);
    let accept = FindingPatch {
        status: Some(FindingStatus::RiskAccepted),
        status_reason: MaybeUndefined::Value("old".into()),
        ..FindingPatch::default()
    };
    let third = || Reference::Id(made[2].id);
    vulnzero::services::findings::update(core, &Ctx::cli(), third(), None, accept).await.unwrap();
    world.clock.advance_seconds(24 * HOUR - 1);
    assert_eq!(policies::mark_overdue(core).await.unwrap(), 0);
    world.clock.advance_seconds(1);
    assert_eq!(policies::mark_overdue(core).await.unwrap(), 1);
    assert_eq!(policies::mark_overdue(core).await.unwrap(), 0, "once");
    world.clock.advance_seconds(24 * HOUR);
    assert_eq!(policies::mark_overdue(core).await.unwrap(), 1, "the accepted one is left alone");
    let overdue = |core: &Core| made.iter().map(|f| get(core, f.id).overdue).collect::<Vec<_>>();
    assert_eq!(overdue(core), [true, true, false, false]);
    assert_eq!(get(core, made[0].id).version, made[0].version, "nobody has edited it");
    let count = |core: &Core| stats::overview(core, &Ctx::cli()).unwrap().findings.overdue;
    assert_eq!(count(core), 2);
    // Whatever is written meanwhile says so itself.
    let open = FindingPatch { status: Some(FindingStatus::Open), ..FindingPatch::default() };
    vulnzero::services::findings::update(core, &Ctx::cli(), third(), None, open).await.unwrap();
    assert_eq!(overdue(core), [true, true, true, false]);
    let later = FindingPatch {
        due_at: MaybeUndefined::Value(core.now().plus_seconds(HOUR)),
        ..FindingPatch::default()
    };
    let first = Reference::Id(made[0].id);
    vulnzero::services::findings::update(core, &Ctx::cli(), first, None, later).await.unwrap();
    assert_eq!(overdue(core), [false, true, true, false]);
    assert_eq!(count(core), 2);
    let report = maintenance::check(&core.store).unwrap();
    assert!(report.ok, "{report:?}");
}

#[tokio::test]
async fn the_clock_stands_still_while_a_risk_is_accepted() {
    let world = world();
    let core = &world.core;
    let made = findings(core, &[]).await;
    assert!(made.is_empty());
    let of_all = NewSlaPolicy {
        name: "all".into(),
        matcher: Matcher::everything(),
        days: 10,
        ..NewSlaPolicy::default()
    };
    rules::create::<SlaPolicy>(core, &Ctx::cli(), of_all).await.unwrap();
    let seen = core.now();
    let fill = move |tx: &mut Tx<'_>| {
        let finding =
            Finding { asset_id: 1, vulnerability_id: 1, first_seen: seen, ..Finding::default() };
        let finding = tx.insert(finding)?;
        let mut tally = Tally::default();
        tally.moved(None, Some(&finding));
        tally.flush(tx)?;
        policies::reapply(tx, &mut policies::Policies::of(tx)?, &[finding.id])?;
        Ok(finding.id)
    };
    let id = core.store.write("test", fill).await.unwrap();
    let days = |finding: &Finding| finding.due_at.unwrap().seconds_since(seen) / (24 * HOUR);
    assert_eq!(days(&get(core, id)), 10);
    world.clock.advance_seconds(4 * 24 * HOUR);
    let status = async |status| {
        let status_reason = MaybeUndefined::Value("for now".into());
        let patch = FindingPatch { status: Some(status), status_reason, ..FindingPatch::default() };
        let id = Reference::Id(id);
        vulnzero::services::findings::update(core, &Ctx::cli(), id, None, patch).await
    };
    status(FindingStatus::RiskAccepted).await.unwrap();
    world.clock.advance_seconds(7 * 24 * HOUR);
    assert_eq!(policies::mark_overdue(core).await.unwrap(), 0);
    let open = status(FindingStatus::Open).await.unwrap();
    assert_eq!((days(&open), open.overdue), (17, false));
    world.clock.advance_seconds(6 * 24 * HOUR);
    assert_eq!(policies::mark_overdue(core).await.unwrap(), 1);
}
