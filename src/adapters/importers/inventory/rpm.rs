//! The lists of rpm.

use super::lines::Release;
use super::{Line, List, Manager, Package};
use crate::adapters::importers::packages;

/// Packages of Red Hat, SUSE and their descendants.
pub struct Rpm;

/// What rpm prints for "none".
const NONE: &str = "(none)";

/// The architectures that packages are built for.
const ARCHITECTURES: &[&str] = &[
    "aarch64",
    "alpha",
    "amd64",
    "armv5tel",
    "armv6hl",
    "armv6l",
    "armv7hl",
    "armv7l",
    "athlon",
    "i386",
    "i486",
    "i586",
    "i686",
    "ia64",
    "loongarch64",
    "mips64el",
    "noarch",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390",
    "s390x",
    "sparc64",
    "x86_64",
    "x86_64_v2",
    "x86_64_v3",
];

impl Manager for Rpm {
    const NAME: &'static str = "rpm";
    const ECOSYSTEM: &'static str = "rpm";

    fn list(&self) -> Box<dyn List> {
        Box::new(Rpms)
    }

    fn purl(&self, package: &Package, release: &Release) -> Option<String> {
        let id = release.id.as_deref()?;
        let namespace = match id {
            "rhel" => "redhat",
            "sles" | "sled" | "sle_hpc" | "sl-micro" => "suse",
            id if id.starts_with("opensuse") => "opensuse",
            id => id,
        };
        // The epoch is a qualifier and no part of the version.
        let (epoch, version) = match package.version.split_once(':') {
            Some((epoch, version)) => (Some(epoch), version),
            None => (None, package.version.as_str()),
        };
        let distro = release.distro();
        let qualifiers = [
            ("arch", package.architecture.as_deref()),
            ("distro", distro.as_deref()),
            ("epoch", epoch),
        ];
        Some(packages::build("rpm", Some(namespace), &package.name, Some(version), &qualifiers))
    }
}

#[derive(Debug)]
struct Rpms;

impl List for Rpms {
    fn line(&mut self, line: &str) -> Line {
        if line.is_empty() {
            return Line::Part;
        }
        let package = if line.contains('\t') { fields(line) } else { whole(line) };
        match package {
            // Keys are kept as packages without files.
            Some(package) if package.name == "gpg-pubkey" => Line::Other,
            Some(package) => Line::Package(package),
            None => Line::Unknown,
        }
    }
}

/// `bash-5.1.8-6.el9_1.x86_64`, also with an epoch before the version.
fn whole(line: &str) -> Option<Package> {
    if let Some(key) = line.strip_prefix("gpg-pubkey-") {
        let is_key = key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let key = Package { name: "gpg-pubkey".to_owned(), ..Package::default() };
        return Some(key).filter(|_| is_key || key_with_none(line));
    }
    let (rest, architecture) = line.rsplit_once('.')?;
    if !ARCHITECTURES.contains(&architecture) {
        return None;
    }
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = version.split_once(':').unwrap_or((NONE, version));
    package(name, epoch, version, release, Some(architecture), None)
}

fn key_with_none(line: &str) -> bool {
    line.ends_with(".(none)")
}

/// Name, epoch, version, release, architecture, source: by what each looks like, since people
/// choose the order.
fn fields(line: &str) -> Option<Package> {
    let mut fields = line.split('\t').map(str::trim);
    let name = fields.next()?;
    let mut rest: Vec<&str> = fields.collect();
    if rest.len() > 8 {
        return None;
    }
    let mut take = |is: &dyn Fn(&str) -> bool| {
        let at = rest.iter().rposition(|field| is(field))?;
        Some(rest.remove(at))
    };
    let source = take(&|f| f.ends_with(".src.rpm") || f.ends_with(".nosrc.rpm"));
    let architecture = take(&|f| ARCHITECTURES.contains(&f));
    let is_key = name == "gpg-pubkey";
    if architecture.is_none() && !is_key {
        return None;
    }
    // Without a source package there is one "(none)" more, in its place.
    if source.is_none() && rest.len() == 4 && rest[3] == NONE {
        rest.pop();
    }
    let is_epoch = |f: &str| f == NONE || f.bytes().all(|b| b.is_ascii_digit());
    let (epoch, version, release) = match rest[..] {
        _ if is_key => (NONE, "1", "1"),
        [evr] => {
            let (epoch, rest) = evr.split_once(':').unwrap_or((NONE, evr));
            let (version, release) = rest.rsplit_once('-')?;
            (epoch, version, release)
        }
        [version, release] | [version, release, NONE] => (NONE, version, release),
        [epoch, version, release] if is_epoch(epoch) => (epoch, version, release),
        [version, release, epoch] if is_epoch(epoch) => (epoch, version, release),
        _ => return None,
    };
    package(name, epoch, version, release, architecture, source)
}

fn package(
    name: &str,
    epoch: &str,
    version: &str,
    release: &str,
    architecture: Option<&str>,
    source: Option<&str>,
) -> Option<Package> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._+~^-".contains(&b);
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(legal);
    let is_name = is_word(name) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !is_name || !is_word(version) || !is_word(release) {
        return None;
    }
    let epoch = if matches!(epoch, NONE | "0" | "") { String::new() } else { format!("{epoch}:") };
    let source = source.and_then(packages::source_rpm);
    Some(Package {
        name: name.to_owned(),
        version: format!("{epoch}{version}-{release}"),
        architecture: architecture.map(str::to_owned),
        source: source.map(|(name, _)| name.to_owned()),
        source_version: source.map(|(_, version)| version.to_owned()),
    })
}
