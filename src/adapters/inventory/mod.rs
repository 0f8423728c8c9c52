//! The inventory of a host, read from its files: packages of dpkg, rpm and apk, what pip, npm
//! and cargo have installed, the operating system, the running kernel, and libraries that
//! processes still use although they were replaced. Nothing is run and nothing is written, so
//! it works on a mounted image as it does on the host itself.
//!
//! [`read`] gathers, [`cyclonedx`] writes it down; the importer of `CycloneDX` reads it back.
//! Python packages that the distribution itself has installed are left out: its own package
//! manager speaks for them, with its own versions.

mod cargo;
pub mod cyclonedx;
mod npm;
mod processes;
mod python;
mod root;
mod rpm;
mod system;
#[cfg(test)]
mod tests;
mod tree;

use std::path::PathBuf;

use self::root::Root;
use crate::adapters::importers::packages;
use crate::base::Result;
use crate::domain::component::Component;

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Where the root of the host is mounted: `/` is this one.
    pub root: PathBuf,
    /// Further directories of it that applications lie in.
    pub paths: Vec<PathBuf>,
    /// What to call it, if that is not its own name.
    pub name: Option<String>,
}

/// What is on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: Option<String>,
    /// `debian`.
    pub os_id: Option<String>,
    /// `12`.
    pub os_version: Option<String>,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub os_name: Option<String>,
    /// Release of the running kernel.
    pub kernel: Option<String>,
    /// What is installed.
    pub components: Vec<Component>,
    /// Libraries in use that are no longer on disk, and by whom.
    pub deleted: Vec<String>,
    /// What could not be read: then the list is not complete.
    pub missed: Vec<String>,
}

impl Host {
    /// Adds a library of an application, unless it is there already.
    fn library(&mut self, kind: &'static str, name: &str, version: &str, path: &str) {
        let name =
            if kind == "pypi" { name.to_lowercase().replace('_', "-") } else { name.to_owned() };
        let (namespace, last) = match name.rsplit_once('/') {
            Some((namespace, last)) => (Some(namespace), last),
            None => (None, name.as_str()),
        };
        let purl = packages::build(kind, namespace, last, Some(version), &[]);
        let component = Component {
            name: name.clone(),
            version: Some(version.to_owned()),
            purl: Some(purl),
            ecosystem: Some(kind.to_owned()),
            path: Some(path.trim_start_matches('/').to_owned()),
            ..Component::default()
        };
        if !self.components.contains(&component) {
            self.components.push(component);
        }
    }

    fn missed(&mut self, what: impl Into<String>) {
        self.missed.push(what.into());
    }
}

/// Reads what is on a host. What cannot be read is told in [`Host::missed`]; an error is one
/// of the root itself.
pub fn read(wish: &Wish) -> Result<Host> {
    let root = Root::open(&wish.root)?;
    let mut host = Host::default();
    let release = system::read(&root, &mut host);
    host.name = wish.name.clone().or(host.name);
    system::packages(&root, &release, &mut host);
    rpm::packages(&root, &release, &mut host);
    python::installed(&root, &mut host);
    npm::installed(&root, &mut host);
    cargo::installed(&root, &mut host);
    for path in &wish.paths {
        tree::walk(&root, &path.to_string_lossy(), &mut host);
    }
    if root.is_own() {
        processes::deleted_libraries(&root, &mut host);
    }
    let key =
        |c: &Component| (c.ecosystem.clone(), c.name.clone(), c.version.clone(), c.path.clone());
    host.components.sort_by_key(key);
    Ok(host)
}
