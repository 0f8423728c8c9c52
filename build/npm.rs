//! Runs npm and Vite on a copy of `web/`. Packages are installed once for each lock file;
//! the dashboard is built once for each content of the sources.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::tree;

/// What of `web/` has no part in the dashboard.
const NOT_SOURCES: &[&str] = &["node_modules", "dist", "e2e", ".vite", "coverage"];

/// Files of the package `swagger-ui-dist` that the API documentation page uses.
const SWAGGER: &[&str] = &["swagger-ui.css", "swagger-ui-bundle.js"];

/// Whether the dashboard can be built at all; the error is the reason why not.
pub fn available(source: &Path) -> Result<(), String> {
    if !source.join("package.json").is_file() {
        return Err(String::from("web/package.json is missing"));
    }
    for program in ["node", "npm"] {
        if let Err(e) = Command::new(program).arg("--version").output() {
            return Err(format!("{program} does not start ({e})"));
        }
    }
    Ok(())
}

/// Builds `source` into `dist`, unless what is there was built from the same sources.
pub fn build(source: &Path, cache: &Path, dist: &Path) -> Result<(), String> {
    let inputs = inputs(source).map_err(|e| format!("cannot read {}: {e}", source.display()))?;
    let fingerprint = tree::fingerprint(source, &inputs).map_err(|e| e.to_string())?;
    // A dist build and a debug build may run at the same time in one target directory.
    let lock = lock(cache).map_err(|e| format!("cannot lock {}: {e}", cache.display()))?;
    let stamp = stamp(dist);
    if dist.join("index.html").is_file()
        && fs::read_to_string(&stamp).is_ok_and(|before| before == fingerprint)
    {
        return Ok(());
    }
    forget(dist)?;
    let stage = install(source, cache)?;
    fill(&stage, source, &inputs).map_err(|e| format!("cannot copy the sources of web/: {e}"))?;
    let arguments: [&OsStr; 6] = [
        "run".as_ref(),
        "build".as_ref(),
        "--".as_ref(),
        "--outDir".as_ref(),
        dist.as_ref(),
        "--emptyOutDir".as_ref(),
    ];
    npm(&stage, &arguments)?;
    add_docs(&stage, dist)?;
    fs::write(&stamp, fingerprint).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    drop(lock);
    Ok(())
}

/// Makes the next [`build`] build, whatever is in `dist`.
pub fn forget(dist: &Path) -> Result<(), String> {
    match fs::remove_file(stamp(dist)) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(format!("{}: {e}", dist.display())),
        _ => Ok(()),
    }
}

/// Holds the fingerprint of the sources that the content of `dist` was built from.
fn stamp(dist: &Path) -> PathBuf {
    dist.with_extension("built-from")
}

/// The sources of the dashboard; tells cargo to watch them.
fn inputs(source: &Path) -> std::io::Result<Vec<PathBuf>> {
    let keep = |path: &Path| {
        let name = path.to_string_lossy();
        !NOT_SOURCES.contains(&name.as_ref()) && !name.ends_with(".test.ts")
    };
    for entry in fs::read_dir(source)? {
        let name = entry?.file_name();
        if keep(Path::new(&name)) {
            println!("cargo::rerun-if-changed=web/{}", name.to_string_lossy());
        }
    }
    tree::files(source, keep)
}

fn lock(cache: &Path) -> std::io::Result<File> {
    fs::create_dir_all(cache)?;
    let file = File::create(cache.join("lock"))?;
    file.lock()?;
    Ok(file)
}

/// A folder with the packages of this lock file.
fn install(source: &Path, cache: &Path) -> Result<PathBuf, String> {
    let lists = [PathBuf::from("package.json"), PathBuf::from("package-lock.json")];
    let wanted = tree::fingerprint(source, &lists).map_err(|e| e.to_string())?;
    let stage = cache.join(format!("stage-{}", &wanted[..16]));
    let installed = stage.join(".installed");
    if installed.is_file() {
        return Ok(stage);
    }
    let failed = |e: std::io::Error| format!("cannot prepare {}: {e}", stage.display());
    for old in fs::read_dir(cache).map_err(failed)? {
        let old = old.map_err(failed)?;
        if old.file_name().to_string_lossy().starts_with("stage-") {
            fs::remove_dir_all(old.path()).map_err(failed)?;
        }
    }
    fs::create_dir_all(&stage).map_err(failed)?;
    for list in &lists {
        fs::copy(source.join(list), stage.join(list)).map_err(failed)?;
    }
    // No package may run code of its own while it is installed.
    npm(&stage, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"].map(OsStr::new))?;
    fs::write(&installed, wanted).map_err(failed)?;
    Ok(stage)
}

/// Makes the sources in `stage` those of now; the packages stay.
fn fill(stage: &Path, source: &Path, inputs: &[PathBuf]) -> std::io::Result<()> {
    for entry in fs::read_dir(stage)? {
        let entry = entry?;
        if entry.file_name() == "node_modules" || entry.file_name() == ".installed" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    for path in inputs {
        let target = stage.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(source.join(path), target)?;
    }
    Ok(())
}

/// Puts the page of the API documentation beside the dashboard.
fn add_docs(stage: &Path, dist: &Path) -> Result<(), String> {
    let docs = dist.join("docs");
    let failed = |e: std::io::Error| format!("cannot make the API documentation page: {e}");
    tree::copy(&stage.join("docs"), &docs, |_| true).map_err(failed)?;
    let package = stage.join("node_modules/swagger-ui-dist");
    if !package.is_dir() {
        let remedy = "run: cd web && npm install --save-dev --save-exact swagger-ui-dist";
        return Err(format!("web/package.json does not list swagger-ui-dist; {remedy}"));
    }
    for name in SWAGGER {
        let bytes = tree::read(&package.join(name)).map_err(failed)?;
        fs::write(docs.join(name), without_map(bytes)).map_err(failed)?;
    }
    Ok(())
}

/// Without the line that names a source map, which is not shipped.
fn without_map(mut bytes: Vec<u8>) -> Vec<u8> {
    let tail = bytes.len().saturating_sub(200);
    for mark in [b"//# sourceMappingURL=".as_slice(), b"/*# sourceMappingURL="] {
        if let Some(at) = bytes[tail..].windows(mark.len()).position(|part| part == mark) {
            bytes.truncate(tail + at);
            return bytes;
        }
    }
    bytes
}

fn npm(dir: &Path, arguments: &[&OsStr]) -> Result<(), String> {
    let shown = arguments.iter().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let Output { status, stdout, stderr } = Command::new("npm")
        .args(arguments)
        .current_dir(dir)
        .output()
        .map_err(|e| format!("npm does not start: {e}"))?;
    if status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Err(format!("'npm {shown}' failed ({status}):\n{out}\n{err}"))
}
