//! What npm has installed: the packages in `node_modules`, and those inside of them.

use serde::Deserialize;

use super::Host;
use super::root::Root;

/// Where global packages lie. Those of Debian (`/usr/share/nodejs`) are dpkg's.
const PLACES: &[&str] = &[
    "/usr/lib/node_modules",
    "/usr/local/lib/node_modules",
    "/opt/*/lib/node_modules",
    "/root/.nvm/versions/node/*/lib/node_modules",
    "/home/*/.nvm/versions/node/*/lib/node_modules",
    "/root/.npm-global/lib/node_modules",
    "/home/*/.npm-global/lib/node_modules",
];
/// Deepest nesting of packages in packages.
const DEPTH: usize = 24;
/// Longest `package.json`, bytes.
const MANIFEST: u64 = 4 << 20;

#[derive(Deserialize)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
}

/// Packages in the places of global packages.
pub fn installed(root: &Root, host: &mut Host) {
    for place in PLACES.iter().flat_map(|pattern| root.matching(pattern)) {
        directory(root, &place, host, DEPTH);
    }
}

/// Packages in one `node_modules`.
pub fn modules(root: &Root, place: &str, host: &mut Host) {
    directory(root, place, host, DEPTH);
}

fn directory(root: &Root, place: &str, host: &mut Host, depth: usize) {
    let entries = match root.list(place) {
        Ok(entries) => entries,
        Err(e) => return host.missed(format!("{place}: {e}")),
    };
    for entry in entries.iter().filter(|e| !e.name.starts_with('.')) {
        let path = format!("{place}/{}", entry.name);
        if entry.name.starts_with('@') {
            directory(root, &path, host, depth);
            continue;
        }
        package(root, &path, host);
        // A link leads to what is elsewhere.
        if entry.is_directory && depth > 0 {
            directory(root, &format!("{path}/node_modules"), host, depth - 1);
        }
    }
}

fn package(root: &Root, path: &str, host: &mut Host) {
    let file = format!("{path}/package.json");
    match root.text(&file, MANIFEST) {
        Ok(Some(text)) => match serde_json::from_str(&text) {
            Ok(Manifest { name: Some(name), version: Some(version) }) => {
                host.library("npm", &name, &version, &file);
            }
            // Without a name and version it is a part of another package.
            Ok(_) => {}
            Err(e) => host.missed(format!("{file}: {e}")),
        },
        Ok(None) => {}
        Err(e) => host.missed(format!("{file}: {e}")),
    }
}
