//! Memory does not depend on the size of the report.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use super::fixture;
use crate::adapters::importers::input::Limits;
use crate::adapters::importers::testing::{import, peak_kib, zstd};
use crate::adapters::importers::trivy::Trivy;
use crate::adapters::importers::{Importer, Report};
use crate::domain::observation::Observation;

/// A report of `left` vulnerabilities, made while it is read.
struct Inflated {
    entry: Vec<u8>,
    pending: Vec<u8>,
    left: usize,
    ended: bool,
}

impl Inflated {
    fn new(bytes: usize) -> Self {
        let report = fixture("trivy-alpine-39");
        let entry = &report["Results"][0]["Vulnerabilities"][0];
        let entry = [b",", serde_json::to_vec_pretty(entry).unwrap().as_slice()].concat();
        let begin = br#"{"ArtifactName":"big","Results":[{"Target":"x","Class":"os-pkgs","Vulnerabilities":["#;
        let pending = [&begin[..], &entry[1..]].concat();
        Self { left: bytes / entry.len(), entry, pending, ended: false }
    }
}

impl Read for Inflated {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.pending.is_empty() && self.left > 0 {
            self.left -= 1;
            self.pending.extend_from_slice(&self.entry);
        } else if self.pending.is_empty() && !self.ended {
            self.ended = true;
            self.pending.extend_from_slice(b"]}]}");
        }
        let n = buf.len().min(self.pending.len());
        buf[..n].copy_from_slice(&self.pending[..n]);
        self.pending.drain(..n);
        Ok(n)
    }
}

const CHILD: &str = "VULNZERO_TEST_MEMORY_OF";

/// Runs itself in a process of its own, because the peak is that of a whole process.
#[test]
fn memory_does_not_grow_with_the_report() {
    if let Some(path) = std::env::var_os(CHILD) {
        return measure(Path::new(&path));
    }
    if peak_kib().is_none() {
        println!("skipped: no /proc/self/status");
        return;
    }
    let megabytes = std::env::var("VULNZERO_TEST_REPORT_MB");
    let megabytes: usize = megabytes.map_or(48, |n| n.parse().unwrap());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&zstd(Inflated::new(megabytes << 20))).unwrap();
    let this = concat!(module_path!(), "::memory_does_not_grow_with_the_report");
    let (_, test) = this.split_once("::").unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, file.path())
        .status();
    assert!(status.unwrap().success());
}

fn measure(path: &Path) {
    import(&Trivy, Trivy.example()).unwrap();
    let before = peak_kib().unwrap();
    let (mut n, mut bytes) = (0_u64, 0);
    let start = std::time::Instant::now();
    Trivy
        .import(&Report::new(path, Limits::default()), &mut |observation| {
            n += 1;
            if let Observation::Finding(f) = observation {
                bytes += f.vulnerability.description.map_or(0, |d| d.len());
            }
            Ok(())
        })
        .unwrap();
    let grown = peak_kib().unwrap() - before;
    println!("{n} observations, {bytes} bytes of text, {grown} KiB more, {:?}", start.elapsed());
    assert!(n > 1000);
    assert!(grown < 40 << 10, "{grown} KiB");
}
