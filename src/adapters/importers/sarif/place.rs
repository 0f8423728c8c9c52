//! Where a result is: the path within the repository, and what makes it the same place in the
//! next log.

use std::collections::HashMap;

use twox_hash::XxHash3_128;

use super::head::Run;
use super::model::{ArtifactLocation, Entry};
use crate::adapters::importers::kept::Kept;
use crate::adapters::importers::text;
use crate::base::Result;
use crate::domain::purl::decoded;

/// Longest chain of base addresses.
const BASES: usize = 8;

/// Where a result was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// In a file, by its path.
    File(String),
    /// At a web address.
    Web(String),
}

/// What a location means in its run.
pub fn resolve(location: &ArtifactLocation, run: &Run) -> Option<Found> {
    let by_index = || run.artifacts.get(location.index.filter(|i| *i >= 0.0)? as usize);
    let location = if location.uri.is_some() { location } else { by_index()? };
    let uri = location.uri.as_deref()?.trim();
    if let Some(link) = text::to_link(uri) {
        return Some(Found::Web(link));
    }
    let path = if is_absolute(uri) { within(uri, run) } else { below(uri, location, run) };
    let path = decoded(&path).replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    text::to_name(path).unwrap_or_default().map(Found::File)
}

fn is_absolute(uri: &str) -> bool {
    let is_drive = uri.as_bytes().get(1) == Some(&b':');
    uri.starts_with(['/', '\\']) || uri.contains("://") || uri.starts_with("file:") || is_drive
}

/// The path of a relative address, with the relative bases before it.
fn below(uri: &str, location: &ArtifactLocation, run: &Run) -> String {
    let mut path = uri.to_owned();
    let mut base = location.uri_base_id.clone();
    for _ in 0..BASES {
        let Some(found) = base.as_ref().and_then(|id| run.bases.get(id)) else { break };
        let uri = found.uri.as_deref().unwrap_or_default().trim();
        if is_absolute(uri) {
            break;
        }
        if !uri.is_empty() {
            path = format!("{}/{path}", uri.trim_end_matches('/'));
        }
        base.clone_from(&found.uri_base_id);
    }
    path
}

/// The path of an absolute address without what depends on the machine: the working
/// directory, or an absolute base.
fn within(uri: &str, run: &Run) -> String {
    let directories = run.invocations.iter().filter_map(|i| i.working_directory.as_ref());
    let roots = directories.chain(run.bases.values()).filter_map(|l| l.uri.as_deref());
    let inside = |root: &str| {
        let root = root.trim().trim_end_matches('/');
        let rest = uri.strip_prefix(root)?.strip_prefix('/')?;
        (root.len() > "file://".len()).then(|| rest.to_owned())
    };
    if let Some(path) = roots.filter_map(inside).min_by_key(String::len) {
        return path;
    }
    let path = uri.strip_prefix("file:").unwrap_or(uri);
    let path = match path.strip_prefix("//") {
        // What stands before the next slash is a host.
        Some(rest) => rest.find('/').map_or(rest, |at| &rest[at..]),
        None => path,
    };
    // `/C:/code` is `C:/code`.
    let is_drive = path.as_bytes().get(2) == Some(&b':');
    if is_drive { path.trim_start_matches('/').to_owned() } else { path.to_owned() }
}

/// The fingerprint that stands for the line, if there is one.
pub fn fingerprint(entry: &Entry) -> Option<String> {
    let mut whole: Vec<_> = entry.fingerprints.iter().filter(|(_, v)| is_hash(v)).collect();
    let mut part: Vec<_> = entry
        .partial_fingerprints
        .iter()
        .filter(|(name, value)| is_of_text(name) && is_hash(value))
        .collect();
    whole.sort();
    part.sort();
    whole.into_iter().chain(part).next().map(|(_, value)| value.clone())
}

/// Whether a value can tell one place from another: some tools write a sentence here.
fn is_hash(value: &str) -> bool {
    (8..=256).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether a partial fingerprint is made of the text at the place, so that it stays when
/// lines are shifted or another part of the file is changed.
fn is_of_text(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let made_of = ["line", "location", "context", "match", "snippet"];
    let changes = ["file", "column", "linenumber", "startline"];
    made_of.iter().any(|w| name.contains(w)) && !changes.iter().any(|w| name.contains(w))
}

/// Numbers places whose fingerprints are equal.
#[derive(Debug)]
pub struct Fingerprints {
    /// How many lines have been seen, by fingerprint.
    lines: HashMap<u128, u32>,
    /// The number of each line.
    numbers: HashMap<u128, u32>,
    kept: Kept,
}

impl Fingerprints {
    /// Nothing yet.
    pub fn new() -> Self {
        let kept = Kept::new("fingerprints");
        Self { lines: HashMap::new(), numbers: HashMap::new(), kept }
    }

    /// The fingerprint of a place, made unique: the second line with the same rule, file and
    /// fingerprint gets `#2`. The same line again is the same place.
    pub fn unique(
        &mut self,
        whose: &[&str],
        fingerprint: String,
        line: Option<u64>,
    ) -> Result<String> {
        let place = format!("{}\u{1f}{fingerprint}", whose.join("\u{1f}"));
        let of_line = hash(&format!("{place}\u{1f}{}", line.unwrap_or_default()));
        let number = match self.numbers.get(&of_line) {
            Some(number) => *number,
            None => {
                self.kept.add(0)?;
                let count = self.lines.entry(hash(&place)).or_default();
                *count += 1;
                self.numbers.insert(of_line, *count);
                *count
            }
        };
        Ok(if number == 1 { fingerprint } else { format!("{fingerprint}#{number}") })
    }
}

fn hash(text: &str) -> u128 {
    XxHash3_128::oneshot(text.as_bytes())
}
