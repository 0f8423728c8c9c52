//! The executable as its users have it: it is started, killed, stopped, asked and fed from
//! outside. What its parts do is tested elsewhere.

#![allow(clippy::disallowed_methods, reason = "tests start programs and have switches")]

mod cli;
mod commands;
mod configuration;
mod counts;
mod edges;
mod harness;
mod http;
mod import_kill;
mod inventory;
mod kill;
mod lock;
mod memory;
mod notify;
mod report;
mod state;
mod stop;

use std::path::PathBuf;

/// The program that all of this is about: the one just built, or what `VULNZERO_BIN` names.
fn executable() -> PathBuf {
    std::env::var_os("VULNZERO_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_vulnzero").into()).into()
}

/// A switch of the tests from the environment.
fn switch(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Numbers that differ from run to run; the seed is printed so that a run can be repeated
/// with `E2E_SEED`.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = switch("E2E_SEED", u64::from(now.subsec_nanos()) | 1);
        println!("E2E_SEED={seed}");
        Self(seed)
    }

    /// A number in the range.
    fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        range.start + self.0 % (range.end - range.start)
    }

    /// Sleeps for some milliseconds.
    fn sleep(&mut self, range: std::ops::Range<u64>) {
        std::thread::sleep(std::time::Duration::from_millis(self.within(range)));
    }
}
