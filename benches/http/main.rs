//! How fast the executable answers over HTTP, and whether that depends on how much it holds:
//! the same questions with 10,000 and 100,000 findings, and with 1,000,000 if
//! `BENCH_MILLION=1`. `make bench` builds what `VULNZERO_BIN` names and runs this.
//!
//! Client and server share the cores of one machine, so the numbers are a lower bound.
//! What is asserted are ratios within one run.

#![allow(clippy::disallowed_methods, reason = "benchmarks start programs and have switches")]
#![allow(dead_code, reason = "the tests use more of what is shared with them")]

#[path = "../../tests/e2e/harness.rs"]
mod harness;
#[path = "../../tests/e2e/http.rs"]
mod http;
mod load;
mod questions;
#[path = "../../tests/e2e/report.rs"]
mod report;
mod table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::Server;
use report::Plan;
use table::Table;

/// Findings of one asset.
const ASSET: u64 = 2000;

/// The program that is measured.
fn executable() -> PathBuf {
    std::env::var_os("VULNZERO_BIN").expect("checked at the start").into()
}

fn main() {
    // `cargo test --benches` runs it without the flag, and wants to know only that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if std::env::var_os("VULNZERO_BIN").is_none() {
        println!("VULNZERO_BIN must name a release build of vulnzero; see `make bench`");
        return;
    }
    let mut sizes = vec![10_000, 100_000];
    if std::env::var_os("BENCH_MILLION").is_some() {
        sizes.push(1_000_000);
    }
    let mut table = Table::default();
    for size in sizes {
        measure(size, &mut table);
    }
    println!("Client and server share {} cores.\n", std::thread::available_parallelism().unwrap());
    table.print();
}

/// Fills a server with this many findings and asks it everything.
fn measure(size: u64, table: &mut Table) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    table.column(&format!("{size}"));
    table.size("memory, idle and empty", server.memory("VmRSS"));
    let took = fill(&server, size);
    table.rate("findings imported a second", size as f64 / took.as_secs_f64());
    table.size("memory after the import", server.memory("VmRSS"));
    table.size("most memory during the import", server.memory("VmHWM"));
    let server = starts(server, &data, table);
    table.size("database", data.join("vulnzero.redb").metadata().unwrap().len());
    for question in questions::all(size) {
        let times = load::one(&server, &question);
        table.time(question.name, times);
    }
    for question in questions::all(size).into_iter().take(3) {
        table.rate(
            &format!("{}: a second, 16 at once", question.name),
            load::many(&server, &question),
        );
    }
    writes(&server, table);
    table.size("memory at the end", server.memory("VmRSS"));
    server.stop();
}

/// Imports assets until there are `size` findings, two reports at a time.
fn fill(server: &Server, size: u64) -> Duration {
    let started = Instant::now();
    let next = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if n * ASSET >= size {
                        return;
                    }
                    // Neighbours share two thirds of their vulnerabilities.
                    let first = n * ASSET / 3;
                    let report = Plan::new(&format!("asset-{n}"), first..first + ASSET).bytes();
                    let answer = server.upload("", &report);
                    assert_eq!(answer.status, 201, "{}", answer.json());
                }
            });
        }
    });
    let took = started.elapsed();
    let total = server.get("/api/v1/findings?page_size=1")["total_count"].clone();
    assert_eq!(total, size);
    took
}

/// How long a start takes after an end in good order, and after `kill -9`.
fn starts(server: Server, data: &Path, table: &mut Table) -> Server {
    server.stop();
    let server = Server::start(data);
    let clean = server.took;
    // Something is being written when it dies.
    server.send("POST", "/api/v1/assets", "{\"asset_id\":\"before-the-kill\"}");
    server.kill();
    let server = Server::start(data);
    table.time("start after an end in good order", vec![clean]);
    table.time("start after kill -9", vec![server.took]);
    server
}

/// Durable writes: group commit must make many at once worth it.
fn writes(server: &Server, table: &mut Table) {
    let alone = load::creates(server, 1);
    let together = load::creates(server, 64);
    table.rate("durable creates a second, 1 at once", alone);
    table.rate("durable creates a second, 64 at once", together);
    table.rate("ratio of these", together / alone);
    assert!(together / alone >= 10.0, "64 writers are only {:.1} times one", together / alone);
}
