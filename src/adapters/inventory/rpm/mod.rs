//! The databases of rpm: SQLite (since 4.16), `ndb` (SUSE), and Berkeley DB (before). All of
//! them hold package headers, from which name, version and the like are taken.

mod bdb;
mod header;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Cursor};
use std::os::unix::fs::FileExt as _;

use super::root::Root;
use super::{Host, system};
use crate::adapters::importers::inventory::{PackageList, Release};

/// Where a database may lie; links between these are usual, so the first one counts.
const PLACES: &[&str] = &["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];
/// Longest header of a package, bytes; rpm itself allows 256 MiB.
const HEADER: u64 = 64 << 20;

/// Called with each package's header.
type Each<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// What rpm has installed.
pub fn packages(root: &Root, release: &Release, host: &mut Host) {
    for place in PLACES {
        let found = [
            ("rpmdb.sqlite", Kind::Sqlite),
            ("Packages.db", Kind::Ndb),
            ("Packages", Kind::BerkeleyDb),
        ]
        .into_iter()
        .find_map(|(name, kind)| {
            let path = format!("{place}/{name}");
            match root.file(&path) {
                Ok(file) => Some((path, kind, file?)),
                Err(e) => {
                    host.missed(format!("{path}: {e}"));
                    None
                }
            }
        });
        let Some((path, kind, file)) = found else { continue };
        match list(root, &path, kind, file) {
            Ok(list) => {
                let reader = Box::new(Cursor::new(list));
                system::add(host, &path, PackageList::Rpm, reader, release);
            }
            Err(e) => host.missed(format!(
                "{path}: this rpm database cannot be read ({e}); pipe `rpm -qa` into `vulnzero \
                 inventory import` instead"
            )),
        }
        return;
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Sqlite,
    Ndb,
    BerkeleyDb,
}

/// The packages as `rpm -qa` prints them with fields.
fn list(root: &Root, path: &str, kind: Kind, file: File) -> io::Result<String> {
    let mut lines = String::new();
    let mut each = |blob: &[u8]| {
        lines.push_str(&header::line(blob)?);
        lines.push('\n');
        Ok(())
    };
    match kind {
        Kind::Sqlite => {
            let log = root.file(&format!("{path}-wal"))?;
            sqlite::rows(&file, log.as_ref(), "Packages", &mut each)?;
        }
        Kind::Ndb => ndb::blobs(&file, &mut each)?,
        Kind::BerkeleyDb => bdb::values(&file, &mut each)?,
    }
    Ok(lines)
}

/// Something in a file is not as it must be.
fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it is damaged: {what}"))
}

/// Bytes of a file.
fn read_at(file: &File, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    file.read_exact_at(&mut buffer, at)?;
    Ok(buffer)
}

/// A number in a byte slice, big-endian.
fn be32(bytes: &[u8], at: usize) -> io::Result<u32> {
    let bytes = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
    bytes.map(u32::from_be_bytes).ok_or_else(|| damaged("a number is cut off"))
}

/// A number in a byte slice, little-endian.
fn le32(bytes: &[u8], at: usize) -> io::Result<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}
