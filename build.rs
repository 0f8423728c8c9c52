//! Build script: makes the dashboard in `web/` part of the executable.
//!
//! What comes out, in `OUT_DIR`: `web/` with every file beside its precompressed variants,
//! and `ui_manifest.rs` with a line for each. Node.js and npm do the building; without them
//! a release build is an error, because an executable without its dashboard must not be
//! shipped by accident, and a debug build gets a page that says so and sets the cfg
//! `ui_placeholder`. Nothing is written into the source tree.

#![expect(clippy::disallowed_methods, reason = "a build script lives on its environment")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "build/npm.rs"]
mod npm;
#[path = "build/pack.rs"]
mod pack;
#[path = "build/tree.rs"]
mod tree;

/// What a person can do who has no Node.js.
const INSTALL: &str = "Install Node.js 20.19 or newer, with npm,";

/// What a person can do in any case.
const REMEDY: &str = "or point VULNZERO_WEB_DIST at a dashboard that is built already, or \
     build without the dashboard: --no-default-features.";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(ui_placeholder)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=VULNZERO_WEB_DIST");
    if std::env::var_os("CARGO_FEATURE_UI").is_none() {
        return;
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    let source = Path::new(&variable("CARGO_MANIFEST_DIR")).join("web");
    let cache = cache_directory(&out);
    let dist = out.join("web");
    let made = if let Some(ready) = std::env::var_os("VULNZERO_WEB_DIST") {
        npm::forget(&dist).and_then(|()| take_ready(Path::new(&ready), &dist))
    } else if let Err(reason) = npm::available(&source) {
        npm::forget(&dist).and_then(|()| placeholder(&reason, &dist))
    } else {
        npm::build(&source, &cache, &dist)
            .map_err(|reason| format!("{reason}\n\nCorrect the error in web/, {REMEDY}"))
    };
    let packed = made.and_then(|()| {
        pack::pack(&dist, &cache.join("packed"), &out.join("ui_manifest.rs"))
            .map_err(|e| format!("cannot pack the dashboard: {e}"))
    });
    if let Err(message) = packed {
        // A message without a stack trace, which would hide it.
        eprintln!("\n{message}\n");
        std::process::exit(1);
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// A folder that all profiles of one target directory share, so that `npm ci` and the slow
/// compression happen once and not once a profile.
fn cache_directory(out: &Path) -> PathBuf {
    let target = out.ancestors().filter(|dir| dir.join("CACHEDIR.TAG").is_file()).last();
    target.unwrap_or(out).join("vulnzero-web")
}

/// Copies a dashboard that somebody built before.
fn take_ready(ready: &Path, dist: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-changed={}", ready.display());
    for needed in ["index.html", "docs/index.html"] {
        if !ready.join(needed).is_file() {
            return Err(format!("VULNZERO_WEB_DIST is {}: no {needed}", ready.display()));
        }
    }
    tree::replace(ready, dist, |path| !pack::is_variant(path))
        .map_err(|e| format!("cannot copy {}: {e}", ready.display()))
}

/// A page that says what is missing, for debug builds only.
fn placeholder(reason: &str, dist: &Path) -> Result<(), String> {
    if variable("PROFILE") != "debug" {
        return Err(format!("The dashboard cannot be built: {reason}.\n{INSTALL} {REMEDY}"));
    }
    println!("cargo::warning=no dashboard in this debug build: {reason}. {INSTALL} {REMEDY}");
    println!("cargo::rustc-cfg=ui_placeholder");
    // A file that is never there: look again at the next build.
    println!("cargo::rerun-if-changed=web/.no-dashboard-yet");
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>No dashboard</title>\
         <h1>This debug build has no dashboard</h1><p>{reason}.</p><p>{INSTALL} {REMEDY}</p></html>\n"
    );
    tree::clear(dist)
        .and_then(|()| fs::write(dist.join("index.html"), page))
        .map_err(|e| format!("cannot write {}: {e}", dist.display()))
}
