//! Lists of installed packages as the package managers themselves print them, so that a host
//! is inventoried without any scanner: `ssh web1 'cat /etc/os-release; dpkg-query -W'`. One
//! importer for each package manager; the content of `/etc/os-release` may stand before the
//! list.
//!
//! What is read:
//!
//! - **dpkg**: `dpkg-query -W` (name and version), the same with
//!   `-f '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n'`,
//!   `dpkg -l`, and `/var/lib/dpkg/status` itself.
//! - **rpm**: `rpm -qa`, and with
//!   `--qf '%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\n'` (also with the
//!   epoch last, or `%{EVR}`).
//! - **apk**: `apk list -I`, `apk info -v`, and `/lib/apk/db/installed` itself.
//!
//! What things become:
//!
//! - **Asset**: one, a server without a name: the person who imports names it. Operating
//!   system by os-release, architecture by the packages.
//! - **Component**: each package that is installed, with its source package where the list
//!   tells it. Package URLs need to know the distribution, so they come with os-release only.
//! - **Inventory**: packages of the operating system, if every line was understood: a line
//!   that was not may be a package, which must not be thought to be gone.
//! - **Skipped**: packages of which only the configuration is left, keys (informational),
//!   lines that are none of a list (unidentified). A list without any package is an error.

mod apk;
mod dpkg;
mod lines;
mod rpm;
#[cfg(test)]
mod tests;

use self::lines::Lines;
use std::io::BufRead;

use super::emit::Emitter;
use super::{Importer, Report, Sink, Syntax, text};
use crate::base::{Code, Error, Result};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};
use crate::domain::scan::ScanKind;

pub use self::apk::Apk;
pub use self::dpkg::Dpkg;
pub use self::lines::Release;
pub use self::rpm::Rpm;

/// How much of a file must look like a list for it to be one, lines.
const LOOKED_AT: usize = 200;

/// An installed package as a list says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    architecture: Option<String>,
    source: Option<String>,
    source_version: Option<String>,
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// It ends the description of a package that is installed.
    Package(Package),
    /// It ends that of one that is not, or of what is no package.
    Other,
    /// It belongs to the list but to no package, or its package goes on.
    Part,
    /// It belongs to no such list.
    Unknown,
}

/// Reads the list of one package manager, line by line.
trait List {
    /// The next line; an empty one after the last.
    fn line(&mut self, line: &str) -> Line;
}

/// What the importers differ in.
trait Manager: Sync {
    fn list(&self) -> Box<dyn List>;
    /// The package URL of a package.
    fn purl(&self, package: &Package, release: &Release) -> Option<String>;
    const NAME: &'static str;
    const ECOSYSTEM: &'static str;
}

/// Whether the head of a file is such a list.
fn recognises<M: Manager>(manager: &M, head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    // The last line may end in the middle.
    let whole = text.rfind('\n').map_or("", |at| &text[..at]);
    let mut list = manager.list();
    let (mut packages, mut unknown) = (0, 0);
    let lines = whole.lines().map(lines::content).skip_while(|line| Release::is_part(line));
    for line in lines.chain([""]).take(LOOKED_AT) {
        match list.line(line) {
            Line::Package(_) => packages += 1,
            Line::Unknown => unknown += 1,
            Line::Other | Line::Part => {}
        }
    }
    packages > 0 && unknown * 10 <= packages
}

/// Calls `each` with every line's number and what it is.
fn for_each<M: Manager>(
    manager: &M,
    lines: &mut Lines,
    each: &mut dyn FnMut(u64, Line) -> Result<()>,
) -> Result<()> {
    let mut list = manager.list();
    while let Some((number, line)) = lines.next()? {
        each(number, list.line(&line))?;
    }
    each(lines.number(), list.line(""))
}

fn import<M: Manager>(manager: &M, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let mut lines = Lines::new(report.peek()?);
    let release = lines.release()?;
    let (mut packages, mut unknown, mut architecture) = (0_u64, 0_u64, None);
    for_each(manager, &mut lines, &mut |_, line| {
        match line {
            Line::Package(package) => {
                packages += 1;
                let own = package.architecture;
                let own = own.filter(|a| !matches!(a.as_str(), "all" | "noarch" | "any"));
                architecture = architecture.take().or(own);
            }
            Line::Unknown => unknown += 1,
            Line::Other | Line::Part => {}
        }
        Ok(())
    })?;
    if packages == 0 {
        let name = M::NAME;
        let detail = format!("this is no list of {name}: none of {unknown} lines is a package");
        return Err(Error::new(Code::BadReport, detail));
    }

    let info = ReportInfo { scanner: M::NAME.to_owned(), ..ReportInfo::default() };
    let mut emitter = Emitter::begin(report, sink, info)?;
    let os_name = release.pretty_name.clone();
    emitter.asset(AssetObservation {
        asset_type: AssetType::Server,
        os_type: release.id.clone(),
        os_version: release.version_id.clone(),
        os_architecture: architecture,
        tags: os_name.into_iter().map(|name| ("os_name".to_owned(), name)).collect(),
        inventory: if unknown == 0 { vec![ScanKind::OsPackages] } else { Vec::new() },
        ..AssetObservation::default()
    })?;
    let mut lines = Lines::new(report.open()?);
    lines.release()?;
    for_each(manager, &mut lines, &mut |number, line| match line {
        Line::Package(package) => {
            let component = component(manager, package, &release);
            let component = component
                .map_err(|what| Error::new(Code::BadReport, format!("{what} at line {number}")))?;
            emitter.component(component)
        }
        Line::Other => emitter.skip(SkipReason::Informational, format!("line {number}")),
        Line::Unknown => emitter.skip(SkipReason::Unidentified, format!("line {number}")),
        Line::Part => Ok(()),
    })
}

fn component<M: Manager>(
    manager: &M,
    package: Package,
    release: &Release,
) -> Result<Component, String> {
    let purl = manager.purl(&package, release);
    let name = |text: Option<String>| text.map_or(Ok(None), |text| text::to_name(&text));
    Ok(Component {
        name: text::to_name(&package.name)?.unwrap_or_default(),
        version: text::to_name(&package.version)?,
        purl: name(purl)?,
        ecosystem: Some(M::ECOSYSTEM.to_owned()),
        source_package: name(package.source)?,
        source_version: name(package.source_version)?,
        architecture: name(package.architecture)?,
        ..Component::default()
    })
}

/// The list of a package manager outside of a report: for reading a host's own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageList {
    /// dpkg's.
    Dpkg,
    /// rpm's.
    Rpm,
    /// apk's.
    Apk,
}

impl PackageList {
    /// The packages of a list, and how many lines are none of such a list.
    pub fn read(
        self,
        reader: Box<dyn BufRead + Send>,
        release: &Release,
    ) -> Result<(Vec<Component>, u64)> {
        match self {
            Self::Dpkg => listed(&Dpkg, reader, release),
            Self::Rpm => listed(&Rpm, reader, release),
            Self::Apk => listed(&Apk, reader, release),
        }
    }
}

fn listed<M: Manager>(
    manager: &M,
    reader: Box<dyn BufRead + Send>,
    release: &Release,
) -> Result<(Vec<Component>, u64)> {
    let (mut components, mut unknown) = (Vec::new(), 0);
    for_each(manager, &mut Lines::new(reader), &mut |number, line| {
        match line {
            Line::Package(package) => {
                let bad = |what| Error::new(Code::BadReport, format!("{what} at line {number}"));
                components.push(component(manager, package, release).map_err(bad)?);
            }
            Line::Unknown => unknown += 1,
            Line::Other | Line::Part => {}
        }
        Ok(())
    })?;
    Ok((components, unknown))
}

/// The importer of a package manager: they differ in nothing else.
macro_rules! importer {
    ($manager:ident, $title:literal, $example:literal) => {
        impl Importer for $manager {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn title(&self) -> &'static str {
                $title
            }

            fn syntax(&self) -> Syntax {
                Syntax::Lines
            }

            fn recognises(&self, head: &[u8]) -> bool {
                recognises(self, head)
            }

            fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
                import(self, report, sink)
            }

            fn example(&self) -> &'static [u8] {
                include_bytes!(concat!("../../../../tests/fixtures/reports/", $example))
            }
        }
    };
}

importer!(Dpkg, "dpkg (dpkg-query -W, dpkg -l, status)", "dpkg/dpkg-query-fields.txt");
importer!(Rpm, "rpm (rpm -qa, also with fields)", "rpm/rpm-qa.txt");
importer!(Apk, "apk (apk list -I, apk info -v, installed)", "apk/apk-list.txt");
