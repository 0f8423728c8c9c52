//! Commands that need neither server nor database.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::base::{Error, Result};
use crate::cli::args::Args;
use crate::cli::{exit, output};
use crate::config::{Config, Loaded, show};
use crate::http::routes;
use crate::store::backup;
use crate::store::lock::Lock;

/// Prints completions.
pub fn completions(shell: Shell) -> u8 {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "vulnzero", &mut out);
    output::line(String::from_utf8_lossy(&out).trim_end());
    exit::OK
}

/// Prints the manual page.
pub fn man() -> Result<u8> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Args::command())
        .render(&mut out)
        .map_err(|e| Error::internal("the manual page cannot be made").with_source(e))?;
    output::line(String::from_utf8_lossy(&out).trim_end());
    Ok(exit::OK)
}

/// Prints the API description.
pub fn openapi() -> u8 {
    output::line(&format!("{:#}", routes::document()));
    exit::OK
}

/// Prints the reference of the configuration.
pub fn reference() -> u8 {
    output::line(show::reference().trim_end());
    exit::OK
}

/// Prints the effective configuration with the origin of each value.
pub fn config(loaded: &Loaded, as_json: bool) -> u8 {
    if as_json {
        let values = loaded.effective.iter().map(|e| {
            let value = if e.spec.secret && !e.value.is_empty() { "***" } else { e.value.as_str() };
            (e.spec.name.to_owned(), json!({"value": value, "origin": e.origin.to_string()}))
        });
        output::json(&serde_json::Value::Object(values.collect()));
    } else {
        output::line(show::effective(loaded).trim_end());
    }
    exit::OK
}

/// Puts a backup in the place of the database.
pub fn restore(config: &Config, file: &Path, as_json: bool) -> Result<u8> {
    let directory = &config.storage.data_dir;
    std::fs::create_dir_all(directory)
        .map_err(|e| Error::internal(format!("cannot create {}: {e}", directory.display())))?;
    let _lock = Lock::take(directory, "restore")?;
    let kept = backup::restore(file, directory)?;
    let kept = kept.map(|p| p.display().to_string());
    super::answer(&json!({"restored": file, "kept": kept}), as_json, || match &kept {
        Some(kept) => format!("restored; the database until now is kept as {kept}"),
        None => "restored".to_owned(),
    });
    Ok(exit::OK)
}
