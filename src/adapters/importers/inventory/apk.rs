//! The lists of apk.

use super::lines::Release;
use super::{Line, List, Manager, Package};
use crate::adapters::importers::packages;

/// Packages of Alpine and its descendants.
pub struct Apk;

impl Manager for Apk {
    const NAME: &'static str = "apk";
    const ECOSYSTEM: &'static str = "apk";

    fn list(&self) -> Box<dyn List> {
        Box::new(Apks::default())
    }

    fn purl(&self, package: &Package, release: &Release) -> Option<String> {
        let distro = release.distro();
        let qualifiers = [("arch", package.architecture.as_deref()), ("distro", distro.as_deref())];
        let namespace = Some(release.id.as_deref()?);
        Some(packages::build("apk", namespace, &package.name, Some(&package.version), &qualifiers))
    }
}

/// The paragraph of the database that is being read.
#[derive(Debug, Default)]
struct Apks {
    paragraph: Option<Package>,
}

impl List for Apks {
    fn line(&mut self, line: &str) -> Line {
        if line.is_empty() {
            return match self.paragraph.take() {
                None => Line::Part,
                Some(package) if package.name.is_empty() || !is_version(&package.version) => {
                    Line::Unknown
                }
                Some(package) => Line::Package(package),
            };
        }
        // A line of the database: one letter, a colon, a value.
        if let Some((key, value)) = line.split_once(':').filter(|(key, _)| key.len() == 1) {
            self.field(key, value);
            return Line::Part;
        }
        if self.paragraph.is_some() { Line::Unknown } else { listed(line) }
    }
}

impl Apks {
    fn field(&mut self, key: &str, value: &str) {
        let package = self.paragraph.get_or_insert_default();
        match key {
            "P" => value.clone_into(&mut package.name),
            "V" => {
                value.clone_into(&mut package.version);
                package.source_version = Some(value.to_owned());
            }
            "A" => package.architecture = Some(value.to_owned()),
            "o" => package.source = Some(value.to_owned()),
            _ => {}
        }
    }
}

/// `musl-1.2.3-r4 x86_64 {musl} (MIT) [installed]` of `apk list`, `musl-1.2.3-r4` of
/// `apk info -v`, `musl-1.2.3-r4 - the musl c library` of `apk info -vv`.
fn listed(line: &str) -> Line {
    let (whole, rest) = line.split_once(' ').unwrap_or((line, ""));
    let Some((name, version)) = split(whole) else { return Line::Unknown };
    let mut package =
        Package { name: name.to_owned(), version: version.to_owned(), ..Package::default() };
    if rest.is_empty() || rest.starts_with("- ") {
        return Line::Package(package);
    }
    let Some((architecture, rest)) = rest.split_once(' ') else { return Line::Unknown };
    let origin = rest.strip_prefix('{').and_then(|r| r.split_once('}'));
    let Some((origin, rest)) = origin else { return Line::Unknown };
    if !rest.contains("[installed]") {
        return Line::Other;
    }
    package.architecture = Some(architecture.to_owned());
    package.source = Some(origin.to_owned());
    package.source_version = Some(version.to_owned());
    Line::Package(package)
}

/// Name and version: the version begins behind the last dash but one, with a digit.
fn split(whole: &str) -> Option<(&str, &str)> {
    let release = whole.rfind("-r")?;
    let at = whole[..release].rfind('-')?;
    let (name, version) = (&whole[..at], &whole[at + 1..]);
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
    let is_name = !name.is_empty() && name.bytes().all(legal);
    (is_name && is_version(version)).then_some((name, version))
}

/// `1.2.3_git20230424-r4`.
fn is_version(version: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
    let release = version.rsplit_once("-r").map(|(_, release)| release);
    let is_number = |r: &str| !r.is_empty() && r.bytes().all(|b| b.is_ascii_digit());
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(legal)
        && release.is_some_and(is_number)
}
