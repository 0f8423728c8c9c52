//! Applications in directories that somebody names: what lies in them is found by its usual
//! names. Links are not followed.

use super::root::Root;
use super::{Host, cargo, npm, python};

/// Deepest level that is looked at.
const DEPTH: usize = 16;
/// Most directories.
const DIRECTORIES: usize = 200_000;
/// Directories that hold no applications, but very much else.
const PASSED_OVER: &[&str] = &["/proc", "/sys", "/dev", "/run"];

/// Looks at a directory and all below it.
pub fn walk(root: &Root, start: &str, host: &mut Host) {
    let mut waiting = vec![(start.trim_end_matches('/').to_owned(), DEPTH)];
    let mut seen = 0;
    while let Some((path, depth)) = waiting.pop() {
        seen += 1;
        if seen > DIRECTORIES {
            return host.missed(format!("{start}: it has more than {DIRECTORIES} directories"));
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        if name == "node_modules" {
            npm::modules(root, &path, host);
            continue;
        }
        if name == "site-packages" || name == "dist-packages" {
            python::directory(root, &path, host);
            continue;
        }
        let entries = match root.list(&path) {
            Ok(entries) => entries,
            Err(e) => {
                host.missed(format!("{path}: {e}"));
                continue;
            }
        };
        for entry in entries {
            let inside = format!("{path}/{}", entry.name);
            match entry.name.as_str() {
                "Cargo.lock" => cargo::lock(root, &inside, host),
                ".crates2.json" => cargo::notes(root, &inside, host),
                _ if entry.is_directory && depth > 0 && !PASSED_OVER.contains(&inside.as_str()) => {
                    waiting.push((inside, depth - 1));
                }
                _ => {}
            }
        }
    }
}
