//! Collects what flags, environment and file say, each value with its origin. A later
//! layer replaces an earlier one. Values stay text here; `load` reads them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::table::{OPTIONS, OTHER_VARIABLES, Spec};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A configuration file and the line in it.
    File(PathBuf, usize),
    /// An environment variable.
    Env(String),
    /// A flag, as it was typed.
    Flag(String),
    /// The content of a file that another setting names.
    SecretFile(PathBuf, Box<Origin>),
    /// A credential that systemd handed over.
    Credential(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::SecretFile(path, by) => write!(f, "file {} named by {by}", path.display()),
            Self::Credential(path) => write!(f, "credential {}", path.display()),
        }
    }
}

/// Something that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File, line and column, variable or flag.
    pub place: String,
    /// The option or what was taken for one.
    pub name: String,
    /// What is wrong and what would be right.
    pub text: String,
}

/// One value and where it comes from.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The value as it was written.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
    layer: Layer,
}

/// The layers, the strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What systemd hands over: the state directory and credentials.
    Systemd,
    /// The configuration file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Flags,
}

/// Reads a text file; a parameter so that tests need no disk.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// All values that somebody set, and all that is wrong.
pub struct Layers<'a> {
    /// By option name.
    pub entries: BTreeMap<&'static str, Entry>,
    /// In the order in which they were found.
    pub problems: Vec<Problem>,
    read: ReadFile<'a>,
}

impl<'a> Layers<'a> {
    /// Nothing set yet.
    pub fn new(read: ReadFile<'a>) -> Self {
        Self { entries: BTreeMap::new(), problems: Vec::new(), read }
    }

    /// Notes that something is wrong.
    pub fn problem(&mut self, place: impl fmt::Display, name: &str, text: String) {
        self.problems.push(Problem { place: place.to_string(), name: name.to_owned(), text });
    }

    /// Sets an option, or the file that holds it if `by_file`.
    pub fn set(&mut self, found: Found, text: String, layer: Layer, origin: Origin) {
        let name = found.spec.name;
        if let Some(before) = self.entries.get(name) {
            match before.layer.cmp(&layer) {
                Ordering::Less => {}
                Ordering::Equal => {
                    let text = format!("set twice; {} sets it already", before.origin);
                    return self.problem(origin, name, text);
                }
                // What systemd hands over is seen with the environment, after the file.
                Ordering::Greater => return,
            }
        }
        let entry = if found.by_file {
            let path = PathBuf::from(text);
            match (self.read)(&path) {
                Ok(text) => {
                    let text = text.trim_end_matches(['\r', '\n']).to_owned();
                    Entry { text, origin: Origin::SecretFile(path, Box::new(origin)), layer }
                }
                Err(e) => {
                    let text = format!("cannot read {}: {e}", path.display());
                    return self.problem(origin, name, text);
                }
            }
        } else {
            Entry { text, origin, layer }
        };
        self.entries.insert(name, entry);
    }

    /// Takes the environment: our own variables, and the two of systemd.
    pub fn environment(&mut self, variables: &[(String, String)]) {
        for (name, value) in variables {
            match name.as_str() {
                "STATE_DIRECTORY" => self.state_directory(name, value),
                "CREDENTIALS_DIRECTORY" => self.credentials(Path::new(value)),
                _ => self.variable(name, value),
            }
        }
    }

    fn state_directory(&mut self, name: &str, value: &str) {
        // systemd separates several directories by colons; the first is ours.
        let first = value.split(':').next().unwrap_or(value).to_owned();
        if let Some(found) = find("storage.data_dir") {
            self.set(found, first, Layer::Systemd, Origin::Env(name.to_owned()));
        }
    }

    fn credentials(&mut self, directory: &Path) {
        for spec in OPTIONS.iter().filter(|spec| spec.secret) {
            let path = directory.join(spec.name);
            match (self.read)(&path) {
                Ok(text) => {
                    let text = text.trim_end_matches(['\r', '\n']).to_owned();
                    let found = Found { spec, by_file: false };
                    self.set(found, text, Layer::Systemd, Origin::Credential(path));
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => self.problem(path.display(), spec.name, format!("cannot read it: {e}")),
            }
        }
    }

    fn variable(&mut self, name: &str, value: &str) {
        if !name.starts_with("VULNZERO_") || is_service_link(name) {
            return;
        }
        let long = match name {
            "VULNZERO_ADMIN_PASSWORD_FILE" => "VULNZERO_AUTH_ADMIN_PASSWORD_FILE",
            _ => name,
        };
        let found = OPTIONS.iter().find_map(|spec| {
            let env = spec.env();
            match long.strip_prefix(&env) {
                Some("") => Some(Found { spec, by_file: false }),
                Some("_FILE") if spec.secret => Some(Found { spec, by_file: true }),
                _ => None,
            }
        });
        match found {
            Some(found) => {
                let origin = Origin::Env(name.to_owned());
                self.set(found, value.to_owned(), Layer::Environment, origin);
            }
            None if OTHER_VARIABLES.iter().any(|(other, _)| *other == name) => {}
            None => {
                let names: Vec<String> = OPTIONS.iter().map(Spec::env).collect();
                let hint = did_you_mean(name, names.iter().map(String::as_str));
                let text = format!("there is no option of this name{hint}");
                self.problem(format_args!("environment {name}"), name, text);
            }
        }
    }

    /// Takes the flags.
    pub fn flags(&mut self, flags: &[super::Flag]) {
        for flag in flags {
            let origin = Origin::Flag(flag.shown.clone());
            if let Some(found) = find(&flag.name) {
                self.set(found, flag.value.clone(), Layer::Flags, origin);
            } else {
                let hint = did_you_mean(&flag.name, OPTIONS.iter().map(|spec| spec.name));
                self.problem(origin, &flag.name, format!("there is no option of this name{hint}"));
            }
        }
    }
}

/// An option that was found by a name.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The option.
    pub spec: &'static Spec,
    /// Whether the name was its `…_file` form.
    pub by_file: bool,
}

/// Finds the option with this full name, or the secret with this name and `_file`.
pub fn find(name: &str) -> Option<Found> {
    OPTIONS.iter().find_map(|spec| match name.strip_prefix(spec.name) {
        Some("") => Some(Found { spec, by_file: false }),
        Some("_file") if spec.secret => Some(Found { spec, by_file: true }),
        _ => None,
    })
}

/// `; did you mean '…'?` for the closest candidate, or nothing if none is close.
pub fn did_you_mean<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    candidates
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("; did you mean '{candidate}'?"))
        .unwrap_or_default()
}

/// Kubernetes gives every container variables for each service of its namespace; those of
/// a service called `vulnzero` have our prefix and mean nothing to us.
fn is_service_link(name: &str) -> bool {
    let rest = name.strip_prefix("VULNZERO_").unwrap_or(name);
    rest == "PORT"
        || rest == "SERVICE_HOST"
        || rest.starts_with("SERVICE_PORT")
        || (rest.starts_with("PORT_")
            && rest[5..].starts_with(|c: char| c.is_ascii_digit())
            && (rest.contains("_TCP") || rest.contains("_UDP")))
}
