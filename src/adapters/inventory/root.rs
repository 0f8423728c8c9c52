//! Files below a root that may be mounted anywhere: links in it, absolute ones too, lead to
//! places in it and never out of it (`openat2`, `RESOLVE_IN_ROOT`).

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};

use crate::base::{Code, Error, Result};

/// Most entries of one directory.
const ENTRIES: usize = 200_000;

/// A root directory.
pub struct Root {
    directory: OwnedFd,
    is_own: bool,
}

/// An entry of a directory.
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Whether it is a directory, not a link to one.
    pub is_directory: bool,
}

impl Root {
    /// The directory at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| {
            Error::new(Code::NotFound, format!("{} cannot be opened: {e}", path.display()))
        })?;
        let root = Self { directory, is_own: path == Path::new("/") };
        match root.open_as("/", OFlags::PATH) {
            Err(e) if e.kind() == io::ErrorKind::Unsupported => Err(Error::new(
                Code::Unavailable,
                "this kernel cannot look below a root (openat2); Linux 5.6 or newer can",
            )),
            Ok(_) | Err(_) => Ok(root),
        }
    }

    /// Whether it is that of this host.
    pub fn is_own(&self) -> bool {
        self.is_own
    }

    fn open_as(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let inside = match path.trim_start_matches('/') {
            "" => ".",
            inside => inside,
        };
        let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(rustix::fs::openat2(&self.directory, inside, flags, Mode::empty(), resolve)?)
    }

    /// A regular file to be read; `None` if there is none.
    pub fn file(&self, path: &str) -> io::Result<Option<File>> {
        let file = match self.open_as(path, OFlags::RDONLY) {
            Ok(file) => File::from(file),
            Err(e) if is_absent(&e) => return Ok(None),
            Err(e) => return Err(e),
        };
        Ok(file.metadata()?.is_file().then_some(file))
    }

    /// The first `limit` bytes of a file as text.
    pub fn text(&self, path: &str, limit: u64) -> io::Result<Option<String>> {
        let Some(file) = self.file(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// What is in a directory, by name; nothing if there is none. Names that are no text are
    /// left out.
    pub fn list(&self, path: &str) -> io::Result<Vec<Listed>> {
        let directory = match self.open_as(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(directory) => directory,
            Err(e) if is_absent(&e) => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut found = Vec::new();
        for entry in Dir::new(directory)?.take(ENTRIES) {
            let entry = entry?;
            let Ok(name) = CStr::to_str(entry.file_name()) else { continue };
            if name != "." && name != ".." {
                let is_directory = entry.file_type() == FileType::Directory;
                found.push(Listed { name: name.to_owned(), is_directory });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Paths that fit a pattern in which `*` stands for any part of one name.
    pub fn matching(&self, pattern: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        for part in pattern.trim_matches('/').split('/') {
            let Some((before, after)) = part.split_once('*') else {
                for path in &mut found {
                    path.push('/');
                    path.push_str(part);
                }
                continue;
            };
            let mut next = Vec::new();
            for path in found {
                // What cannot be listed has nothing for us; its readers tell what they miss.
                for entry in self.list(&path).unwrap_or_default() {
                    let fits = entry.name.len() >= before.len() + after.len()
                        && entry.name.starts_with(before)
                        && entry.name.ends_with(after);
                    if fits {
                        next.push(format!("{path}/{}", entry.name));
                    }
                }
            }
            found = next;
        }
        found
    }
}

/// Whether there is no such thing, or nothing that could be it.
fn is_absent(e: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(e.kind(), K::NotFound | K::NotADirectory)
        || e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
