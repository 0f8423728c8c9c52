//! What the findings refer to: packages by name, libraries by lock file and name. Bounded,
//! because it is kept for the whole import.

use std::collections::{BTreeMap, HashMap};

use super::model::{Head, Library, Lockfile, Package, SourcePackage};
use crate::adapters::importers::{Report, ecosystem, entries, text, trivy};
use crate::base::{Code, Error, Result, limits};
use crate::domain::component::Component;

/// The facts.
#[derive(Debug, Default)]
pub struct Facts {
    /// Packages of the operating system by name.
    pub packages: BTreeMap<String, Component>,
    /// Libraries by lock file and name.
    pub libraries: BTreeMap<(String, String), Component>,
    /// The version to which a package can be updated, by name.
    pub updates: HashMap<String, String>,
    /// Whether CVEs name CPEs.
    pub has_cpes: bool,
    bytes: usize,
}

impl Facts {
    /// Reads the lists of packages.
    pub fn read(report: &Report, head: &Head) -> Result<Self> {
        let mut facts = Self::default();
        let family = head.family.as_deref().unwrap_or_default();
        let ecosystem = of_family(family);
        let packages: &[&str] =
            if head.cves { &["packages", entries::ANY] } else { &["Packages", entries::ANY] };
        entries::look(report, packages, &mut |place, package: Package| {
            facts.package(package, place.key(), ecosystem.as_deref())
        })?;
        let sources = &["SrcPackages", entries::ANY];
        entries::look(report, sources, &mut |place, package: SourcePackage| {
            facts.source(&package, place.key());
            Ok(())
        })?;
        entries::look(report, &["libraries"], &mut |_, lockfile: Lockfile| {
            lockfile.libs.into_iter().try_for_each(|library| {
                let kind = lockfile.kind.as_deref();
                facts.library(library, lockfile.path.as_deref(), kind)
            })
        })?;
        Ok(facts)
    }

    fn grow(&mut self, component: &Component) -> Result<()> {
        let texts = [&component.version, &component.purl, &component.path];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        self.bytes += size_of::<Component>() + 2 * (component.name.len() + texts);
        if self.bytes <= limits::REPORT_FACTS_BYTES {
            return Ok(());
        }
        let max = limits::REPORT_FACTS_BYTES >> 20;
        Err(Error::new(Code::TooLarge, format!("the packages take more than {max} MiB")))
    }

    fn package(&mut self, package: Package, key: &str, ecosystem: Option<&str>) -> Result<()> {
        let Some(name) = package.name.or_else(|| text::to_name(key).ok().flatten()) else {
            return Ok(());
        };
        let version = full_version(package.version, package.release);
        let update = full_version(package.new_version, package.new_release);
        if let Some(update) = update.filter(|update| Some(update) != version.as_ref()) {
            self.updates.insert(name.clone(), update);
        }
        let component = Component {
            name: name.clone(),
            version,
            architecture: package.arch,
            ecosystem: ecosystem.map(str::to_owned),
            ..Component::default()
        };
        self.grow(&component)?;
        self.packages.insert(name, component);
        Ok(())
    }

    /// Notes from which source package binary packages were built.
    fn source(&mut self, package: &SourcePackage, key: &str) {
        let Some(name) = package.name.clone().or_else(|| text::to_name(key).ok().flatten()) else {
            return;
        };
        for binary in &package.binary_names {
            if let Some(component) = self.packages.get_mut(binary) {
                component.source_package = Some(name.clone());
                component.source_version.clone_from(&package.version);
            }
        }
    }

    fn library(&mut self, library: Library, path: Option<&str>, kind: Option<&str>) -> Result<()> {
        let Some(name) = library.name else { return Ok(()) };
        let path = path.map(str::to_owned).or(library.file_path).unwrap_or_default();
        let component = Component {
            name: name.clone(),
            version: library.version,
            purl: library.purl.map(text::without_subpath),
            ecosystem: kind.map(trivy::words::ecosystem),
            path: Some(path.clone()).filter(|path| !path.is_empty()),
            ..Component::default()
        };
        self.grow(&component)?;
        self.libraries.insert((path, name), component);
        Ok(())
    }
}

/// The purl type of the packages of a family.
fn of_family(family: &str) -> Option<String> {
    let word = family.split('.').next().unwrap_or_default();
    ecosystem::known(family).map(str::to_owned).or_else(|| ecosystem::purl_type(word))
}

fn full_version(version: Option<String>, release: Option<String>) -> Option<String> {
    let version = version?;
    Some(release.map_or(version.clone(), |release| format!("{version}-{release}")))
}
