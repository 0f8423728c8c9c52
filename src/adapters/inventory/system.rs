//! The operating system: its name and release, its host name, the running kernel, and the
//! packages of dpkg and apk.

use std::io::{BufRead, BufReader, Cursor};

use super::Host;
use super::root::Root;
use crate::adapters::importers::inventory::{PackageList, Release};

/// Where os-release lies.
const RELEASES: &[&str] = &["/etc/os-release", "/usr/lib/os-release"];
/// Where apk keeps what is installed.
const APK: &[&str] = &["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];
/// Longest of the small files, bytes.
const SMALL: u64 = 64 << 10;

/// Names of the system; returns its release.
pub fn read(root: &Root, host: &mut Host) -> Release {
    let found = RELEASES.iter().find_map(|path| root.text(path, SMALL).ok().flatten());
    let release = found.map(|text| Release::of(&text)).unwrap_or_default();
    host.os_id.clone_from(&release.id);
    host.os_version.clone_from(&release.version_id);
    host.os_name.clone_from(&release.pretty_name);
    let line = |path: &str| {
        let text = root.text(path, SMALL).ok().flatten()?;
        let line = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'))?;
        Some(line.to_owned())
    };
    host.name = line("/etc/hostname");
    if root.is_own() {
        host.name = line("/proc/sys/kernel/hostname").or(host.name.take());
        host.kernel = line("/proc/sys/kernel/osrelease");
    }
    release
}

/// What dpkg and apk have installed.
pub fn packages(root: &Root, release: &Release, host: &mut Host) {
    match root.file("/var/lib/dpkg/status") {
        Ok(Some(file)) => {
            add(host, "dpkg's status", PackageList::Dpkg, Box::new(BufReader::new(file)), release);
        }
        Ok(None) => {}
        Err(e) => host.missed(format!("/var/lib/dpkg/status: {e}")),
    }
    // Images without a package manager have a file for each package.
    for entry in root.list("/var/lib/dpkg/status.d").unwrap_or_default() {
        let path = format!("/var/lib/dpkg/status.d/{}", entry.name);
        if entry.is_directory || entry.name.ends_with(".md5sums") {
            continue;
        }
        match root.text(&path, SMALL) {
            Ok(Some(text)) => {
                add(host, &path, PackageList::Dpkg, Box::new(Cursor::new(text)), release);
            }
            Ok(None) => {}
            Err(e) => host.missed(format!("{path}: {e}")),
        }
    }
    for path in APK {
        match root.file(path) {
            Ok(Some(file)) => {
                add(host, path, PackageList::Apk, Box::new(BufReader::new(file)), release);
                break;
            }
            Ok(None) => {}
            Err(e) => host.missed(format!("{path}: {e}")),
        }
    }
}

/// Adds what a list says; what is none of it is missed.
pub fn add(
    host: &mut Host,
    what: &str,
    list: PackageList,
    reader: Box<dyn BufRead + Send>,
    release: &Release,
) {
    match list.read(reader, release) {
        Ok((components, unknown)) => {
            host.components.extend(components);
            if unknown > 0 {
                host.missed(format!("{what}: {unknown} lines were not understood"));
            }
        }
        Err(e) => host.missed(format!("{what}: {e}")),
    }
}
