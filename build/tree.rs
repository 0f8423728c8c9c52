//! Folders of files: listing, copying, fingerprinting. Knows nothing of npm.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::{fs, io::Read as _};

use sha2::{Digest as _, Sha256};

/// All files below `root` as paths relative to it, sorted; `keep` sees the relative path of
/// files and folders and can leave them out.
pub fn files(root: &Path, keep: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(root.join(&dir))? {
            let entry = entry?;
            let path = dir.join(entry.file_name());
            if !keep(&path) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                todo.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Makes `dir` an empty folder.
pub fn clear(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::create_dir_all(dir)
}

/// Makes `to` a copy of what `keep` keeps of `from`.
pub fn replace(from: &Path, to: &Path, keep: impl Fn(&Path) -> bool) -> io::Result<()> {
    clear(to)?;
    copy(from, to, keep)
}

/// Copies what `keep` keeps of `from` into `to`.
pub fn copy(from: &Path, to: &Path, keep: impl Fn(&Path) -> bool) -> io::Result<()> {
    for path in files(from, keep)? {
        let target = to.join(&path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(target, read(&from.join(path))?)?;
    }
    Ok(())
}

/// The content of a file; the error names it.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
    Ok(bytes)
}

/// SHA-256 over names and contents, in hexadecimal.
pub fn fingerprint(root: &Path, paths: &[PathBuf]) -> io::Result<String> {
    let mut all = Vec::new();
    for path in paths {
        let name = path.to_string_lossy();
        let bytes = read(&root.join(path))?;
        all.extend_from_slice(format!("{name}\0{}\0", sha256(&bytes)).as_bytes());
    }
    Ok(sha256(&all))
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}
