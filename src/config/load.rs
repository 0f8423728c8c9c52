//! Puts the layers together: defaults, then the file, the environment and the flags, and
//! reads every value into its type. Everything comes in as arguments; only
//! [`Sources::from_process`] looks at the process.

use std::io;
use std::path::{Path, PathBuf};

use super::layers::{Layers, Origin, Problem, ReadFile};
use super::table::{Config, OPTIONS, Spec};
use super::toml_file;
use super::types::Setting;
use crate::base::error::{Code, Error, Result};

/// The file that is read if none is named and this one exists.
pub const DEFAULT_FILE: &str = "/etc/vulnzero/vulnzero.toml";

/// Largest configuration file that is read, bytes.
const FILE_BYTES: u64 = 1 << 20;

/// An option set on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// Name of the option, `section.key`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The flag as it was typed, for messages.
    pub shown: String,
}

/// Everything that a configuration is made from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The value of `--config`.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Options from the command line, later ones after earlier ones.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The environment of this process, and what the command line said.
    pub fn from_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Result<Self> {
        let mut environment = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => environment.push((name, value)),
                Err(_) if name.starts_with("VULNZERO_") => {
                    let text = format!("environment {name}: the value is not valid UTF-8");
                    return Err(Error::new(Code::Invalid, text));
                }
                Err(_) => {}
            }
        }
        environment.sort();
        Ok(Self { file, environment, flags })
    }
}

/// Reads a small text file from the disk.
pub fn read_file(path: &Path) -> io::Result<String> {
    let file = std::fs::File::open(path)?;
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(file, FILE_BYTES + 1), &mut text)?;
    if text.len() as u64 > FILE_BYTES {
        return Err(io::Error::other(format!("larger than {FILE_BYTES} bytes")));
    }
    Ok(text)
}

/// One option with the value that holds.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The option.
    pub spec: &'static Spec,
    /// The value as text, `***` for a secret, empty if it is not set.
    pub value: String,
    /// Who set it.
    pub origin: Origin,
}

/// A configuration and where it comes from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Every option in the order of the table.
    pub effective: Vec<Effective>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Builds the configuration. The error lists everything that is wrong, one a line, each
/// with its place; it has code [`Code::Invalid`] and a field for each problem.
pub fn load(sources: &Sources, read: ReadFile<'_>) -> Result<Loaded> {
    let mut layers = Layers::new(read);
    let file = configuration_file(&mut layers, sources, read);
    layers.environment(&sources.environment);
    layers.flags(&sources.flags);
    let mut reader = Reader { layers, effective: Vec::with_capacity(OPTIONS.len()) };
    let config = Config::read(&mut reader);
    let Reader { mut layers, effective } = reader;
    if config.storage.warn_free_bytes < config.storage.min_free_bytes {
        let least = config.storage.min_free_bytes.show();
        let text = format!("less than storage.min_free_bytes ({least}): warn before writing stops");
        let origin = origin_of(&effective, "storage.warn_free_bytes");
        layers.problem(origin, "storage.warn_free_bytes", text);
    }
    if layers.problems.is_empty() {
        Ok(Loaded { config, effective, file })
    } else {
        Err(error(&layers.problems))
    }
}

fn origin_of(effective: &[Effective], name: &str) -> Origin {
    effective.iter().find(|e| e.spec.name == name).map_or(Origin::Default, |e| e.origin.clone())
}

fn configuration_file(
    layers: &mut Layers<'_>,
    sources: &Sources,
    read: ReadFile<'_>,
) -> Option<PathBuf> {
    let variable = sources.environment.iter().find(|(name, _)| name == "VULNZERO_CONFIG");
    let (path, named_by) = match (&sources.file, variable) {
        (Some(path), _) => (path.clone(), Some("flag --config")),
        (None, Some((_, path))) => (PathBuf::from(path), Some("environment VULNZERO_CONFIG")),
        (None, None) => (PathBuf::from(DEFAULT_FILE), None),
    };
    match read(&path) {
        Ok(text) => {
            toml_file::collect(layers, &path, &text);
            Some(path)
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound && named_by.is_none() => None,
        Err(e) => {
            let place = named_by.map_or_else(|| path.display().to_string(), str::to_owned);
            layers.problem(place, "", format!("cannot read {}: {e}", path.display()));
            None
        }
    }
}

fn error(problems: &[Problem]) -> Error {
    let lines: Vec<String> =
        problems.iter().map(|p| format!("{}: {}", p.place, describe(p))).collect();
    let mut error = Error::new(Code::Invalid, lines.join("\n"));
    for problem in problems {
        error = error.with_field(&problem.name, &problem.text);
    }
    error
}

fn describe(problem: &Problem) -> String {
    // A key or variable that nobody knows is named by its text already.
    match OPTIONS.iter().find(|spec| spec.name == problem.name) {
        Some(spec) => format!("{}: {}", spec.name, problem.text),
        None => problem.text.clone(),
    }
}

/// Hands every option its value and notes what is wrong with it.
pub struct Reader<'a> {
    layers: Layers<'a>,
    effective: Vec<Effective>,
}

impl Reader<'_> {
    /// The value of the option called `name`, or `default` if nobody set it or it is wrong.
    pub fn take<T: Setting>(&mut self, name: &str, default: T, range: Option<(T, T)>) -> T {
        let spec = OPTIONS
            .iter()
            .find(|spec| spec.name == name)
            .expect("the macro that declares the options also calls this");
        let entry = self.layers.entries.get(name).cloned();
        let (value, origin) = match entry {
            None => (default, Origin::Default),
            Some(entry) => {
                let read = T::parse(entry.text.trim()).and_then(|value| match &range {
                    Some((low, high)) if !value.within(low, high) => {
                        Err(format!("{} is out of range", value.show()))
                    }
                    _ => Ok(value),
                });
                match read {
                    Ok(value) => (value, entry.origin),
                    Err(text) => {
                        let text = format!("{text}; expected {}", spec.allowed());
                        self.layers.problem(&entry.origin, name, text);
                        (default, entry.origin)
                    }
                }
            }
        };
        self.effective.push(Effective { spec, value: value.show(), origin });
        value
    }
}
