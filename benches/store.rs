//! The store at work over assets, vulnerabilities and findings with synthetic content.
//!
//! `cargo bench --bench store` measures at 10,000 and at `VULNZERO_BENCH_ROWS` findings
//! (default 100,000; a million takes minutes to fill) and prints what must hold between
//! numbers of the same run: how much group commit gives, and what more rows cost.

#![allow(clippy::disallowed_methods, reason = "benchmarks have switches")]

#[path = "../tests/crash/records.rs"]
#[allow(dead_code)] // The tests use all of it.
mod records;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use vulnzero::base::record::{Record, Value};
use vulnzero::base::time::SystemClock;
use vulnzero::domain::asset::Asset;
use vulnzero::domain::finding::Finding;
use vulnzero::domain::vulnerability::Vulnerability;
use vulnzero::store::engine::redb::Redb;
use vulnzero::store::query::{Query, Window, parse_sort};
use vulnzero::store::{Catalog, Options, Read as _, Store, Tx, plan};

macro_rules! catalog_of {
    ($($record:ty),*) => { Catalog::new()$(.with::<$record>())* };
}

fn open(dir: &Path) -> Store {
    let options = Options::default();
    let engine = Redb::open(&dir.join("bench.redb"), options.cache_bytes).unwrap();
    let catalog = vulnzero::for_each_record!(catalog_of);
    Store::open(Box::new(engine), catalog, Arc::new(SystemClock), options).unwrap()
}

/// The allocator that ships.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Findings per transaction of an import.
const CHUNK: u64 = 2_000;
/// Findings per asset, and times that a vulnerability is found.
const PER_ASSET: u64 = 100;
const PER_VULNERABILITY: u64 = 10;

fn fill_chunk(tx: &mut Tx<'_>, from: u64, to: u64) -> vulnzero::base::Result<()> {
    for n in from..to {
        if n.is_multiple_of(PER_ASSET) {
            tx.insert(records::asset(n / PER_ASSET))?;
        }
        if n.is_multiple_of(PER_VULNERABILITY) {
            tx.insert(records::vulnerability(n / PER_VULNERABILITY))?;
        }
        let asset = Asset { id: n / PER_ASSET + 1, ..records::asset(n / PER_ASSET) };
        let v = n / PER_VULNERABILITY;
        let v = Vulnerability { id: v + 1, ..records::vulnerability(v) };
        tx.insert(records::finding(n, &asset, &v))?;
    }
    Ok(())
}

/// CPU time of this process, which neighbours on the same machine do not change much.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<f64>().unwrap();
    // User and system time, in hundredths of a second (proc_pid_stat(5)).
    (ticks(11) + ticks(12)) / 100.0
}

/// A store with `rows` findings; how many were stored per second.
fn filled(dir: &Path, rows: u64, chunk: u64) -> (Store, f64) {
    let store = open(dir);
    let (started, spent) = (Instant::now(), cpu_seconds());
    for from in (0..rows).step_by(chunk as usize) {
        let to = rows.min(from + chunk);
        store.write_blocking("bench.fill", move |tx| fill_chunk(tx, from, to)).unwrap();
    }
    let rate = rows as f64 / started.elapsed().as_secs_f64();
    let cpu = (cpu_seconds() - spent) / rows as f64 * 1e6;
    println!("fill {rows} findings, {chunk} at once: {rate:.0}/s, {cpu:.1} µs of CPU each");
    (store, rate)
}

fn query(filters: &[(&str, &str)], sort: &str) -> Query {
    let mut query = Query::all::<Finding>().unwrap();
    for (field, text) in filters {
        query = query.filter::<Finding>(field, &[text]).unwrap();
    }
    Query { sort: parse_sort::<Finding>(sort).unwrap(), window: Window::Offset(0), ..query }
}

/// Lists of 50 with an exact total, one per way of the planner.
fn lists() -> Vec<(&'static str, Query)> {
    vec![
        ("default list: index walk, all", query(&[], "-priority_score")),
        ("work list: index walk, exact", query(&[("is_open", "true")], "-priority_score")),
        (
            "two filters: index walk, exact",
            query(&[("severity", "high"), ("status", "open")], "-priority_score"),
        ),
        (
            "three facets: index walk with set",
            query(&[("ecosystem", "deb,rpm"), ("is_open", "true"), ("kev", "false")], "-last_seen"),
        ),
        ("facet order: facet walk", query(&[("ecosystem", "apk")], "severity")),
        (
            "one asset: sorted in memory",
            query(&[("asset", "host-000007.example.org")], "-last_seen"),
        ),
        ("numbers: id walk", query(&[("severity", "low,medium")], "-id")),
        ("search: words", query(&[("search", "openssl host-000007")], "-priority_score")),
    ]
}

fn page(store: &Store, query: &Query) -> plan::Page {
    plan::run::<Finding>(store, &*store.read().unwrap(), query).unwrap()
}

fn get(store: &Store, id: u64) -> Finding {
    store.read().unwrap().require::<Finding>(id).unwrap()
}

/// Shortest time of `runs`, which is what the code costs without its neighbours.
fn shortest(runs: u32, mut run: impl FnMut()) -> Duration {
    (0..runs)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn reads(criterion: &mut Criterion, store: &Store, rows: u64) {
    let mut group = criterion.benchmark_group(format!("{rows} findings"));
    let next = AtomicU64::new(0);
    group.throughput(Throughput::Elements(1));
    group.bench_function("point get and decode", |b| {
        b.iter(|| get(store, next.fetch_add(7919, Ordering::Relaxed) % rows + 1));
    });
    group.bench_function("look-up by unique index", |b| {
        b.iter(|| {
            let n = next.fetch_add(7919, Ordering::Relaxed) % (rows / PER_ASSET);
            let key = [Value::Text(records::asset(n).asset_id)];
            let snapshot = store.read().unwrap();
            black_box(snapshot.find_by::<Asset>("idx_assets_asset_id", &key).unwrap()).is_some()
        });
    });
    for (name, query) in lists() {
        let found = page(store, &query);
        println!("{name}: total {}, {:?}", found.total, found.plan);
        group.bench_function(name, |b| b.iter(|| page(store, &query)));
    }
    group.bench_function("facet counts of severity", |b| {
        b.iter(|| {
            let snapshot = store.read().unwrap();
            plan::facet_counts::<Finding>(store, &*snapshot, "severity", &[]).unwrap()
        });
    });
    group.finish();
}

/// One small transaction: the number of the writer, and how many it has done.
type Small = fn(&mut Tx<'_>, u64, u64) -> vulnzero::base::Result<()>;

/// Notes on any finding: every transaction changes another page of the largest table.
fn update(tx: &mut Tx<'_>, writer: u64, n: u64) -> vulnzero::base::Result<()> {
    let mut finding = tx.require::<Finding>((writer * 7919 + n * 104_729) % 10_000 + 1)?;
    finding.notes = Some(format!("looked at, {n}"));
    tx.update(finding).map(drop)
}

/// An audit entry: all transactions change the same pages.
fn append(tx: &mut Tx<'_>, writer: u64, n: u64) -> vulnzero::base::Result<()> {
    tx.insert(records::audit("findings.update", &format!("{writer}-{n}"))).map(drop)
}

/// Durable transactions per second by so many writers at once.
fn durable_writes(store: &Store, writers: u64, small: Small) -> f64 {
    let done = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let done = &done;
            scope.spawn(move || {
                for n in 0.. {
                    if started.elapsed() > Duration::from_secs(2) {
                        break;
                    }
                    store.write_blocking("bench.small", move |tx| small(tx, writer, n)).unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.into_inner() as f64 / started.elapsed().as_secs_f64()
}

/// How much group commit gives. On a disk whose flushes are honest it is more: here they
/// may cost less than the work on the pages.
fn grouping(store: &Store) {
    for (name, small, least) in [("append", append as Small, 10.0), ("update", update, 3.0)] {
        let one = durable_writes(store, 1, small);
        let many = durable_writes(store, 64, small);
        let ratio = many / one;
        println!("durable {name}s: 1 writer {one:.0}/s, 64 writers {many:.0}/s, ratio {ratio:.1}");
        assert!(ratio >= least, "{name}s: grouping must give {least} times as many");
    }
}

/// Opening after a kill: the file as it lies on the disk while the store runs.
fn start_after_kill(store: &Store, dir: &Path) {
    let killed = tempfile::tempdir().unwrap();
    std::fs::copy(dir.join("bench.redb"), killed.path().join("bench.redb")).unwrap();
    let started = Instant::now();
    let again = open(killed.path());
    let took = started.elapsed();
    let bytes = store.engine().stats().unwrap().file_bytes;
    println!("start after a kill: {took:.1?} with a file of {} MB", bytes >> 20);
    assert_eq!(again.generation::<Finding>(), store.generation::<Finding>());
}

fn compare(small: &Store, large: &Store, rows: u64) {
    let ratio = |name: &str, small: Duration, large: Duration| {
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        println!("{name}: 10000 rows {small:.1?}, {rows} rows {large:.1?}, ratio {ratio:.2}");
    };
    let point = |store: &Store, rows: u64| {
        let mut n = 0;
        shortest(2_000, || {
            n += 7919;
            black_box(get(store, n % rows + 1));
        })
    };
    ratio("point get", point(small, 10_000), point(large, rows));
    for (name, query) in lists() {
        let list = |store: &Store| shortest(200, || drop(black_box(page(store, &query))));
        ratio(name, list(small), list(large));
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn main() {
    let rows = variable("VULNZERO_BENCH_ROWS").and_then(|n| n.parse().ok());
    let rows: u64 = rows.unwrap_or(100_000);
    assert!(Finding::fields().len() > 10, "the findings are the program's own");
    let (small_dir, large_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for chunk in [CHUNK / 4, CHUNK * 4] {
        drop(filled(tempfile::tempdir().unwrap().path(), 100_000, chunk));
    }
    let (small, _) = filled(small_dir.path(), 10_000, CHUNK);
    let (large, rate) = filled(large_dir.path(), rows, CHUNK);
    println!("import: {rate:.0} findings/s into {rows}");
    compare(&small, &large, rows);
    start_after_kill(&large, large_dir.path());
    grouping(&large);
    if variable("VULNZERO_BENCH_QUICK").is_none() {
        let mut criterion = Criterion::default().configure_from_args();
        reads(&mut criterion, &large, rows);
        criterion.final_summary();
    }
}
