//! The lists of dpkg.

use super::lines::Release;
use super::{Line, List, Manager, Package};
use crate::adapters::importers::packages;

/// Packages of Debian and its descendants.
pub struct Dpkg;

impl Manager for Dpkg {
    const NAME: &'static str = "dpkg";
    const ECOSYSTEM: &'static str = "deb";

    fn list(&self) -> Box<dyn List> {
        Box::new(Dpkgs::default())
    }

    fn purl(&self, package: &Package, release: &Release) -> Option<String> {
        let distro = release.distro();
        let qualifiers = [("arch", package.architecture.as_deref()), ("distro", distro.as_deref())];
        let namespace = Some(release.id.as_deref()?);
        Some(packages::build("deb", namespace, &package.name, Some(&package.version), &qualifiers))
    }
}

/// The paragraph of the status file that is being read.
#[derive(Debug, Default)]
struct Dpkgs {
    paragraph: Option<Paragraph>,
}

#[derive(Debug, Default)]
struct Paragraph {
    package: Package,
    status: Option<String>,
}

impl List for Dpkgs {
    fn line(&mut self, line: &str) -> Line {
        if let Some(paragraph) = &mut self.paragraph {
            if line.is_empty() {
                return self.paragraph.take().map_or(Line::Part, Paragraph::end);
            }
            return paragraph.line(line);
        }
        if let Some(name) = line.strip_prefix("Package:") {
            let package = Package { name: name.trim().to_owned(), ..Package::default() };
            self.paragraph = Some(Paragraph { package, status: None });
            return Line::Part;
        }
        if line.is_empty() || is_heading(line) {
            return Line::Part;
        }
        if line.contains('\t') { fields(line) } else { listed(line) }
    }
}

/// The lines that `dpkg -l` puts before the list.
fn is_heading(line: &str) -> bool {
    ["Desired=", "| Status=", "|/ Err?=", "||/ Name", "+++-"].iter().any(|h| line.starts_with(h))
}

impl Paragraph {
    fn line(&mut self, line: &str) -> Line {
        if line.starts_with([' ', '\t']) {
            return Line::Part;
        }
        let Some((key, value)) = line.split_once(':') else { return Line::Unknown };
        let value = value.trim();
        match key {
            "Status" => self.status = value.rsplit(' ').next().map(str::to_owned),
            "Version" => value.clone_into(&mut self.package.version),
            "Architecture" => self.package.architecture = Some(value.to_owned()),
            "Source" => {
                // `openssl (3.0.9-1)` where its version is another.
                let (name, version) = value.split_once(' ').unwrap_or((value, ""));
                self.package.source = Some(name.to_owned());
                let version = version.trim_matches(['(', ')', ' ']);
                self.package.source_version = (!version.is_empty()).then(|| version.to_owned());
            }
            _ => {}
        }
        Line::Part
    }

    fn end(self) -> Line {
        let Self { mut package, status } = self;
        let is_there =
            !matches!(status.as_deref(), Some("not-installed" | "config-files" | "half-installed"));
        if !is_there {
            return Line::Other;
        }
        if !is_name(&package.name) || !is_version(&package.version) {
            return Line::Unknown;
        }
        package.source = package.source.or_else(|| Some(package.name.clone()));
        package.source_version = package.source_version.or_else(|| Some(package.version.clone()));
        Line::Package(package)
    }
}

/// `dpkg-query -W`: name, version, and perhaps architecture, source and its version. Without
/// a version it is a package that is not there.
fn fields(line: &str) -> Line {
    let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
    let (name, of_name) = architecture(fields[0]);
    let get = |index: usize| fields.get(index).filter(|f| !f.is_empty()).map(|f| (*f).to_owned());
    if !is_name(name) || fields.len() > 5 || fields.len() < 2 {
        return Line::Unknown;
    }
    let Some(version) = get(1) else { return Line::Other };
    let has_architecture = get(2).is_none_or(|a| is_architecture(&a));
    if !is_version(&version) || !has_architecture {
        return Line::Unknown;
    }
    Line::Package(Package {
        name: name.to_owned(),
        version,
        architecture: get(2).or_else(|| of_name.map(str::to_owned)),
        source: get(3),
        source_version: get(4),
    })
}

/// A line of `dpkg -l`: state, name, version, architecture, description.
fn listed(line: &str) -> Line {
    let mut words = line.split_whitespace();
    let (Some(state), Some(name), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Line::Unknown;
    };
    let own = words.next();
    let (name, of_name) = architecture(name);
    let state = state.as_bytes();
    let is_state = (2..=3).contains(&state.len())
        && b"uihrp".contains(&state[0])
        && b"ncHUFWti".contains(&state[1]);
    let own = own.filter(|a| is_architecture(a));
    if !is_state || !is_name(name) {
        return Line::Unknown;
    }
    if b"ncH".contains(&state[1]) {
        return Line::Other;
    }
    if !is_version(version) || own.is_none() {
        return Line::Unknown;
    }
    Line::Package(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: own.or(of_name).map(str::to_owned),
        ..Package::default()
    })
}

/// `libc6:i386`.
fn architecture(name: &str) -> (&str, Option<&str>) {
    name.split_once(':').map_or((name, None), |(name, architecture)| (name, Some(architecture)))
}

/// Debian Policy §5.6.7.
fn is_name(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    name.len() >= 2 && name.bytes().all(legal) && name.as_bytes()[0].is_ascii_alphanumeric()
}

/// Debian Policy §5.6.12.
fn is_version(version: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b".+-:~".contains(&b);
    version.bytes().all(legal) && version.starts_with(|c: char| c.is_ascii_digit())
}

fn is_architecture(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (3..=20).contains(&text.len())
        && text.bytes().all(legal)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}
