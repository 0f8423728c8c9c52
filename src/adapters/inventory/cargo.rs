//! What cargo has installed (`.crates2.json`), and what a lock file says that a program was
//! built from.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Host;
use super::root::Root;

/// Where cargo notes what it has installed.
const PLACES: &[&str] = &[
    "/root/.cargo/.crates2.json",
    "/home/*/.cargo/.crates2.json",
    "/usr/local/cargo/.crates2.json",
];
/// Longest of these files, bytes.
const FILE: u64 = 64 << 20;

/// Programs that `cargo install` has made.
pub fn installed(root: &Root, host: &mut Host) {
    for path in PLACES.iter().flat_map(|pattern| root.matching(pattern)) {
        notes(root, &path, host);
    }
}

#[derive(Deserialize)]
struct Notes {
    #[serde(default)]
    installs: Map<String, Value>,
}

/// A `.crates2.json`: its keys are `name version (source)`.
pub fn notes(root: &Root, path: &str, host: &mut Host) {
    let text = match root.text(path, FILE) {
        Ok(Some(text)) => text,
        Ok(None) => return,
        Err(e) => return host.missed(format!("{path}: {e}")),
    };
    match serde_json::from_str::<Notes>(&text) {
        Ok(notes) => {
            for key in notes.installs.keys() {
                let mut words = key.split(' ');
                let (name, version) = (words.next(), words.next());
                let source = words.next().unwrap_or_default();
                if let (Some(name), Some(version), true) = (name, version, is_registry(source)) {
                    host.library("cargo", name, version, path);
                }
            }
        }
        Err(e) => host.missed(format!("{path}: {e}")),
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

/// A `Cargo.lock`: crates of a registry; what has no source is the program itself.
pub fn lock(root: &Root, path: &str, host: &mut Host) {
    let text = match root.text(path, FILE) {
        Ok(Some(text)) => text,
        Ok(None) => return,
        Err(e) => return host.missed(format!("{path}: {e}")),
    };
    match toml::from_str::<Lock>(&text) {
        Ok(lock) => {
            for locked in lock.package {
                if locked.source.as_deref().is_some_and(is_registry) {
                    host.library("cargo", &locked.name, &locked.version, path);
                }
            }
        }
        Err(e) => host.missed(format!("{path}: {}", e.message())),
    }
}

fn is_registry(source: &str) -> bool {
    let source = source.trim_start_matches('(');
    source.starts_with("registry+") || source.starts_with("sparse+")
}
