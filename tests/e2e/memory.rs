//! Memory stays small, whatever is sent.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::harness::{Server, run};
use super::report::Plan;

const MIB: u64 = 1 << 20;
const SMALL_CACHE: &[&str] = &["--set", "storage.cache_bytes=16MiB"];

/// Imports a report from a file through a server; how much memory that took at its peak.
fn growth(dir: &Path, plan: &Plan, findings: u64, least: u64) -> u64 {
    let file = dir.join("report.json");
    let mut out = BufWriter::new(File::create(&file).unwrap());
    plan.write(&mut out).unwrap();
    out.flush().unwrap();
    drop(out);
    let size = file.metadata().unwrap().len();
    let data = dir.join("data");
    let server = Server::start_with(&data, SMALL_CACHE, |c| c);
    server.upload("", &Plan::new("warm", 0..600).bytes());
    let idle = server.memory("VmRSS");
    let started = std::time::Instant::now();
    let ran = run(&data, &["import", file.to_str().unwrap(), "--json"]).with_code(0);
    assert_eq!(ran.json()["findings"], findings);
    let grown = server.memory("VmHWM").saturating_sub(idle);
    println!(
        "{} MiB, {findings} findings in {:?}: {} MiB over the idle {} MiB",
        size / MIB,
        started.elapsed(),
        grown / MIB,
        idle / MIB
    );
    assert!(size >= least, "{size}");
    server.stop();
    grown
}

#[test]
fn a_report_of_24_mib_needs_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let plan = Plan { text: 60_000, ..Plan::new("big", 0..420) };
    let grown = growth(dir.path(), &plan, 420, 24 * MIB);
    assert!(grown < 20 * MIB, "{} MiB", grown / MIB);
}

#[test]
#[ignore = "takes minutes without optimisation"]
fn a_report_of_100_mib_with_many_findings_needs_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let plan = Plan { text: 700, ..Plan::new("big", 0..105_000) };
    let grown = growth(dir.path(), &plan, 105_000, 100 * MIB);
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
}

#[test]
#[ignore = "takes a minute without optimisation"]
fn a_report_of_100_mib_with_long_texts_needs_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let plan = Plan { text: 60_000, ..Plan::new("big", 0..1750) };
    let grown = growth(dir.path(), &plan, 1750, 100 * MIB);
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
}

/// What a server that has just started needs to export everything, in each format.
#[test]
fn exports_need_little_memory_however_much_they_write() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let report = dir.path().join("report.json");
    std::fs::write(&report, Plan { text: 2000, ..Plan::new("big", 0..12_000) }.bytes()).unwrap();
    run(&data, &["import", report.to_str().unwrap(), "--json"]).with_code(0);
    let server = Server::start_with(&data, SMALL_CACHE, |c| c);
    let file = dir.path().join("export");
    run(&data, &["export", "assets", "-o", file.to_str().unwrap()]).with_code(0);
    let idle = server.memory("VmRSS");
    let mut written = 0;
    for format in ["csv", "jsonl", "sarif", "cyclonedx-vdr", "cyclonedx-vex", "openvex", "csaf-vex"]
    {
        let arguments = ["export", "findings", "--format", format, "-o", file.to_str().unwrap()];
        run(&data, &arguments).with_code(0);
        written += file.metadata().unwrap().len();
    }
    let grown = server.memory("VmHWM").saturating_sub(idle);
    println!("{} MiB written with {} MiB", written / MIB, grown / MIB);
    assert!(written > 50 * MIB, "{} MiB", written / MIB);
    assert!(grown < 40 * MIB, "{} MiB", grown / MIB);
    server.stop();
}

/// Spaces in the middle of a document, as gzip: a thousand times what it seems.
fn bomb(bytes: u64) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(b"{\"SchemaVersion\":2,\"ArtifactName\":\"x\",").unwrap();
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..bytes >> 20 {
        out.write_all(&spaces).unwrap();
    }
    out.write_all(b"\"Results\":[]}").unwrap();
    out.finish().unwrap()
}

#[test]
fn a_decompression_bomb_is_refused_without_memory() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let limit = ["--set", "import.max_report_bytes=100MiB", SMALL_CACHE[0], SMALL_CACHE[1]];
    let server = Server::start_with(&data, &limit, |c| c);
    server.upload("", &Plan::new("warm", 0..600).bytes());
    let (bomb, idle) = (bomb(128 * MIB), server.memory("VmRSS"));
    assert!((bomb.len() as u64) < MIB);
    let file = dir.path().join("bomb.json.gz");
    std::fs::write(&file, bomb).unwrap();
    let ran = run(&data, &["import", file.to_str().unwrap(), "--json"]).with_code(6);
    assert_eq!(ran.problem()["code"], "too-large", "{ran:?}");
    let grown = server.memory("VmHWM").saturating_sub(idle);
    assert!(grown < 16 * MIB, "{} MiB", grown / MIB);
    server.stop();
}
