//! What pip and the like have installed: `*.dist-info` and `*.egg-info` in the directories
//! that Python looks for packages in.

use super::Host;
use super::root::Root;

/// Where they lie.
const PLACES: &[&str] = &[
    "/usr/lib/python3*/site-packages",
    "/usr/lib64/python3*/site-packages",
    "/usr/local/lib/python3*/site-packages",
    "/usr/local/lib/python3*/dist-packages",
    "/opt/*/lib/python3*/site-packages",
    "/opt/*/*/lib/python3*/site-packages",
    "/root/.local/lib/python3*/site-packages",
    "/home/*/.local/lib/python3*/site-packages",
    "/usr/lib/python2*/site-packages",
];
/// Who has installed what is the distribution's.
const DISTRIBUTORS: &[&str] = &["rpm", "debian", "dpkg", "apk", "pacman"];
/// How much of a file is read: names stand at its beginning, bytes.
const HEAD: u64 = 64 << 10;

/// Packages in the places that Python knows.
pub fn installed(root: &Root, host: &mut Host) {
    for place in PLACES.iter().flat_map(|pattern| root.matching(pattern)) {
        directory(root, &place, host);
    }
}

/// Packages in one directory.
pub fn directory(root: &Root, place: &str, host: &mut Host) {
    let entries = match root.list(place) {
        Ok(entries) => entries,
        Err(e) => return host.missed(format!("{place}: {e}")),
    };
    for entry in entries {
        let path = format!("{place}/{}", entry.name);
        let file = if entry.name.ends_with(".dist-info") {
            let installer = root.text(&format!("{path}/INSTALLER"), 64).ok().flatten();
            if installer.is_some_and(|by| DISTRIBUTORS.contains(&by.trim())) {
                continue;
            }
            format!("{path}/METADATA")
        } else if entry.name.ends_with(".egg-info") {
            if entry.is_directory { format!("{path}/PKG-INFO") } else { path }
        } else {
            continue;
        };
        match root.text(&file, HEAD) {
            Ok(Some(text)) => {
                if let Some((name, version)) = metadata(&text) {
                    host.library("pypi", &name, &version, &file);
                }
            }
            // A directory that pip has left empty when it removed the package.
            Ok(None) => {}
            Err(e) => host.missed(format!("{file}: {e}")),
        }
    }
}

/// Name and version, from the head of core metadata (PEP 566).
fn metadata(text: &str) -> Option<(String, String)> {
    let head = || text.lines().take_while(|line| !line.trim().is_empty());
    let field = |name: &str| {
        let value = head().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(value.trim()).filter(|v| !v.is_empty()).map(str::to_owned)
    };
    Some((field("Name")?, field("Version")?))
}
