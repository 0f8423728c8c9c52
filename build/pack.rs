//! Compresses the files of the dashboard and writes the table of them that the program
//! includes. Knows nothing of how they were made.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{fs, thread};

use crate::tree;

/// Smaller files gain nothing from compression.
const MIN_BYTES: usize = 1000;

/// Media type and whether compression helps, by extension.
const TYPES: &[(&str, &str, bool)] = &[
    ("html", "text/html; charset=utf-8", true),
    ("js", "text/javascript; charset=utf-8", true),
    ("css", "text/css; charset=utf-8", true),
    ("svg", "image/svg+xml", true),
    ("json", "application/json", true),
    ("webmanifest", "application/manifest+json", true),
    ("txt", "text/plain; charset=utf-8", true),
    ("png", "image/png", false),
    ("ico", "image/vnd.microsoft.icon", true),
    ("woff2", "font/woff2", false),
];

/// Whether this file is a compressed variant of another.
pub fn is_variant(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "br" || e == "zst")
}

/// Writes the variants beside the files of `dist`, and the table to `manifest`.
pub fn pack(dist: &Path, cache: &Path, manifest: &Path) -> io::Result<()> {
    fs::create_dir_all(cache)?;
    for path in tree::files(dist, |_| true)? {
        if is_variant(&path) {
            fs::remove_file(dist.join(path))?;
        }
    }
    let files = tree::files(dist, |_| true)?;
    let workers = thread::available_parallelism().map_or(1, usize::from).min(files.len().max(1));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut rows = thread::scope(|scope| {
        let work = || {
            let mut rows = Vec::new();
            loop {
                let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(path) = files.get(at) else { return Ok::<_, io::Error>(rows) };
                rows.push((path.clone(), row(dist, path, cache)?));
            }
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().expect("a worker has no reason to panic")?);
        }
        Ok::<_, io::Error>(all)
    })?;
    rows.sort();
    let mut text = String::from("&[\n");
    for (_, row) in rows {
        text.push_str(&row);
    }
    text.push_str("]\n");
    fs::write(manifest, text)
}

fn row(dist: &Path, path: &PathBuf, cache: &Path) -> io::Result<String> {
    let name = path.to_string_lossy().replace('\\', "/");
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let unknown = || io::Error::other(format!("{name}: add its media type to build/pack.rs"));
    let (_, mime, compressible) =
        TYPES.iter().find(|(known, ..)| *known == extension).ok_or_else(unknown)?;
    let bytes = tree::read(&dist.join(path))?;
    let hash = tree::sha256(&bytes);
    let (mut br, mut zst) = (false, false);
    if *compressible && bytes.len() > MIN_BYTES {
        br = variant(dist, path, &bytes, &cache.join(format!("{hash}.br")), brotli)?;
        zst = variant(dist, path, &bytes, &cache.join(format!("{hash}.zst")), zstd)?;
    }
    let immutable = name.starts_with("static/");
    let mut row = String::new();
    writeln!(
        row,
        "Asset {{ path: {name:?}, mime: {mime:?}, sha256: {hash:?}, bytes: {}, br: {br}, \
         zst: {zst}, immutable: {immutable} }},",
        bytes.len(),
    )
    .expect("writing to a String cannot fail");
    Ok(row)
}

/// Writes one variant if it is worth having; says whether it did. `cached` holds the result
/// of an earlier build of the same content.
fn variant(
    dist: &Path,
    path: &Path,
    bytes: &[u8],
    cached: &Path,
    compress: fn(&[u8]) -> io::Result<Vec<u8>>,
) -> io::Result<bool> {
    let packed = if cached.is_file() {
        tree::read(cached)?
    } else {
        let packed = compress(bytes)?;
        // Another build may write the same file: give it its name only when it is whole.
        let worker = thread::current().id();
        let mut part = cached.as_os_str().to_owned();
        part.push(format!(".part-{}-{worker:?}", std::process::id()));
        fs::write(&part, &packed)?;
        fs::rename(part, cached)?;
        packed
    };
    if packed.len() * 10 > bytes.len() * 9 {
        return Ok(false);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(cached.extension().unwrap_or_default());
    fs::write(dist.join(name), packed)?;
    Ok(true)
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 24);
    writer.write_all(bytes)?;
    Ok(writer.into_inner())
}

fn zstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, 19)
}
