//! Libraries that processes still use although their files were replaced or removed: an
//! update that has not reached them before they are restarted.

use std::collections::{BTreeMap, BTreeSet};

use super::Host;
use super::root::Root;

/// Most libraries that are told.
const LIBRARIES: usize = 200;
/// Most processes that are named for one.
const PROCESSES: usize = 5;
/// How much of a process's map is read, bytes.
const MAP: u64 = 16 << 20;

/// Reads the maps of the processes that we may see.
pub fn deleted_libraries(root: &Root, host: &mut Host) {
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in root.list("/proc").unwrap_or_default() {
        if !entry.name.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        // One that has ended meanwhile, or is not ours to see, says nothing.
        let Ok(Some(map)) = root.text(&format!("/proc/{}/maps", entry.name), MAP) else { continue };
        let libraries: BTreeSet<&str> = map.lines().filter_map(library).collect();
        if libraries.is_empty() {
            continue;
        }
        let name = root.text(&format!("/proc/{}/comm", entry.name), 64).ok().flatten();
        let user = format!("{} {}", entry.name, name.unwrap_or_default().trim());
        for library in libraries {
            users.entry(library.to_owned()).or_default().insert(user.trim().to_owned());
        }
    }
    for (library, users) in users.into_iter().take(LIBRARIES) {
        let shown: Vec<&str> = users.iter().take(PROCESSES).map(String::as_str).collect();
        let more = users.len().saturating_sub(PROCESSES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        host.deleted.push(format!("{library} ({}{more})", shown.join(", ")));
    }
}

/// The library of a line of `/proc/PID/maps` whose file is gone.
fn library(line: &str) -> Option<&str> {
    let path = line.strip_suffix(" (deleted)")?;
    let path = &path[path.find('/')?..];
    let name = path.rsplit('/').next()?;
    let is_library = name.split('.').skip(1).any(|part| part == "so");
    let is_file = !["/memfd:", "/dev/", "/SYSV", "/tmp/"].iter().any(|p| path.starts_with(p));
    (is_library && is_file).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_libraries_are_told_from_other_maps() {
        for (line, found) in [
            (
                "7f0a-7f0b r-xp 00000000 08:01 17 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)",
                Some("/usr/lib/x86_64-linux-gnu/libssl.so.3"),
            ),
            ("7f0a-7f0b r-xp 00000000 08:01 17 /usr/lib/x86_64-linux-gnu/libssl.so.3", None),
            ("7f0a-7f0b rw-s 00000000 00:01 17 /memfd:pulse.so.1 (deleted)", None),
            ("7f0a-7f0b rw-s 00000000 00:01 17 /var/log/x (deleted)", None),
            ("7f0a-7f0b rw-p 00000000 00:00 0", None),
        ] {
            assert_eq!(library(line), found, "{line}");
        }
    }
}
