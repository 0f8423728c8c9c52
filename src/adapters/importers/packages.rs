//! What package URLs say about a component or product, and how they are built: the same for
//! all formats that carry them.

use crate::adapters::importers::{ecosystem, text};
use crate::domain::component::Component;
use crate::domain::purl::{Purl, decoded};
use crate::domain::scan::ScanKind;
use crate::domain::vex::Product;

/// Takes over what the package URL of `component` says and the component itself does not:
/// ecosystem, version, architecture, source package. What is no package URL is taken away.
pub fn complete(component: &mut Component) {
    component.purl = component.purl.take().map(corrected);
    let Some(purl) = component.purl.as_deref().and_then(Purl::parse) else {
        component.purl = None;
        return;
    };
    let name = |value: Option<&str>| value.and_then(|v| text::to_name(v).ok().flatten());
    if component.version.is_none() {
        component.version = name(purl.version.as_deref());
    }
    if component.architecture.is_none() {
        component.architecture = name(purl.qualifier("arch"));
    }
    if component.source_package.is_none() {
        let (package, version) = upstream(&purl);
        component.source_package = name(package.as_deref());
        component.source_version = component.source_version.take().or(name(version.as_deref()));
    }
    component.ecosystem = Some(purl.kind);
}

/// The package URL without its subpath, and with the type that Syft got wrong before 0.60:
/// `pkg:alpine/musl` for `pkg:apk/alpine/musl`.
fn corrected(purl: String) -> String {
    let purl = text::without_subpath(purl.trim().to_owned());
    match purl.strip_prefix("pkg:alpine/") {
        Some(rest) => format!("pkg:apk/alpine/{rest}"),
        None => purl,
    }
}

/// Source package and version in the qualifier `upstream`, which Syft writes: a name, a name
/// with a version (`openssl@1.1.1n`), or a source RPM (`openssl-1.1.1k-5.el8.src.rpm`).
#[must_use]
pub fn upstream(purl: &Purl) -> (Option<String>, Option<String>) {
    let Some(upstream) = purl.qualifier("upstream").filter(|u| !u.is_empty()) else {
        return (None, None);
    };
    if purl.kind == "rpm"
        && let Some(source) = source_rpm(upstream)
    {
        return (Some(source.0.to_owned()), Some(source.1.to_owned()));
    }
    match upstream.rsplit_once('@') {
        Some((name, version)) if !name.is_empty() => {
            (Some(name.to_owned()), Some(version.to_owned()))
        }
        _ => (Some(upstream.to_owned()), None),
    }
}

/// Name and version-release of a source RPM's file name.
#[must_use]
pub fn source_rpm(file: &str) -> Option<(&str, &str)> {
    let file = file.strip_suffix(".rpm")?;
    let file = file.strip_suffix(".src").or_else(|| file.strip_suffix(".nosrc"))?;
    let release = file.rfind('-')?;
    let version = file[..release].rfind('-').filter(|at| *at > 0)?;
    Some((&file[..version], &file[version + 1..]))
}

/// A package URL from its parts, in the form that the specification prescribes; qualifiers
/// without a value are left out and must come sorted by key.
#[must_use]
pub fn build(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    version: Option<&str>,
    qualifiers: &[(&str, Option<&str>)],
) -> String {
    let mut purl = format!("pkg:{kind}/");
    for part in namespace.into_iter().flat_map(|n| n.split('/')) {
        encode(&mut purl, part);
        purl.push('/');
    }
    encode(&mut purl, name);
    if let Some(version) = version {
        purl.push('@');
        encode(&mut purl, version);
    }
    let mut separator = '?';
    for (key, value) in qualifiers {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            purl.push(separator);
            purl.push_str(key);
            purl.push('=');
            encode(&mut purl, value);
            separator = '&';
        }
    }
    purl
}

/// Percent-encodes all but what the specification leaves as it is.
fn encode(purl: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            purl.push(char::from(byte));
        } else {
            purl.push('%');
            purl.push(char::from(HEX[usize::from(byte >> 4)]));
            purl.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// The product that `name` means where a document has one text for it: a package URL, a CPE,
/// or a name for people. A package URL gives no name beside it: alone, that would be another's
/// too.
#[must_use]
pub fn product(name: &str) -> Product {
    let mut product = Product::default();
    if let Some(purl) = Purl::parse(name) {
        product.version.clone_from(&purl.version);
        product.digests = purl.version.into_iter().filter_map(|v| digest(&v)).collect();
        product.purl = Some(corrected(name.to_owned()));
    } else if name.starts_with("cpe:") {
        product.cpe = Some(name.to_owned());
    } else if let Some(asset) = name.strip_prefix("urn:vulnzero:asset:") {
        // As our own exports name assets.
        product.name = Some(decoded(asset));
    } else {
        product.name = Some(name.to_owned());
    }
    product
}

/// `text` if it is a digest with its algorithm: `sha256:` and hexadecimal digits.
#[must_use]
pub fn digest(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let (algorithm, hex) = text.split_once(':')?;
    let known = matches!(algorithm, "sha1" | "sha256" | "sha384" | "sha512");
    let is_hex = hex.len() >= 40 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    (known && is_hex).then_some(text)
}

/// A digest from its parts, which documents write in many ways (`SHA-256`, `sha-256`,
/// `SHA256`).
#[must_use]
pub fn digest_of(algorithm: &str, hex: &str) -> Option<String> {
    let algorithm = algorithm.to_ascii_lowercase().replace(['-', '_'], "");
    digest(&format!("{algorithm}:{}", hex.trim()))
}

/// The digest of an image in a reference to it: `nginx@sha256:…`.
#[must_use]
pub fn image_digest(reference: &str) -> Option<String> {
    digest(reference.rsplit('@').next()?)
}

/// Whether `text` looks like the tag of an image: `nginx:1.25`, `host:5000/a/b:c`.
#[must_use]
pub fn is_image_tag(text: &str) -> bool {
    let last = text.rsplit('/').next().unwrap_or_default();
    let is_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let whole = |t: &str| !t.is_empty() && t.chars().all(is_word);
    last.split_once(':').is_some_and(|(name, tag)| whole(name) && whole(tag))
}

/// The type of operating system and its version in the qualifier `distro`: `debian-12`,
/// `opensuse-leap-15.5`, or with Trivy only the version.
#[must_use]
pub fn distro(purl: &Purl) -> Option<(String, Option<String>)> {
    let distro = purl.qualifier("distro").filter(|d| !d.is_empty())?;
    let namespace = purl.namespace.as_deref()?;
    let is_version = |v: &str| v.starts_with(|c: char| c.is_ascii_digit());
    match distro.rsplit_once('-') {
        Some((name, version)) if is_version(version) => {
            Some((ecosystem::os_id(name), Some(version.to_owned())))
        }
        _ if is_version(distro) => Some((ecosystem::os_id(namespace), Some(distro.to_owned()))),
        _ => Some((ecosystem::os_id(distro), None)),
    }
}

/// What all packages of an asset together say about it.
#[derive(Debug, Default)]
pub struct Census {
    /// The kinds of packages that are there, sorted.
    pub kinds: Vec<ScanKind>,
    /// Type and version of the distribution that a package URL names.
    pub distro: Option<(String, Option<String>)>,
    /// The architecture of packages of the operating system.
    pub architecture: Option<String>,
}

impl Census {
    /// Counts a package.
    pub fn add(&mut self, component: &Component) {
        let kind = ScanKind::of_ecosystem(component.ecosystem.as_deref());
        if let Err(position) = self.kinds.binary_search(&kind) {
            self.kinds.insert(position, kind);
        }
        if kind == ScanKind::OsPackages && (self.distro.is_none() || self.architecture.is_none()) {
            let purl = component.purl.as_deref().and_then(Purl::parse);
            self.distro = self.distro.take().or_else(|| distro(&purl?));
            let own = component.architecture.as_deref();
            let own = own.filter(|a| !matches!(*a, "all" | "any" | "noarch" | "src"));
            self.architecture = self.architecture.take().or(own.map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_are_built_as_prescribed() {
        let qualifiers = [("arch", Some("amd64")), ("distro", None), ("epoch", Some("1"))];
        let built = build("deb", Some("debian"), "g++-12", Some("12.2.0-14+deb12u1"), &qualifiers);
        assert_eq!(built, "pkg:deb/debian/g%2B%2B-12@12.2.0-14%2Bdeb12u1?arch=amd64&epoch=1");
        let parsed = Purl::parse(&built).unwrap();
        assert_eq!((parsed.name.as_str(), parsed.qualifier("epoch")), ("g++-12", Some("1")));
        assert_eq!(build("apk", None, "a b", None, &[]), "pkg:apk/a%20b");
    }

    #[test]
    fn source_packages_are_upstream() {
        for (purl, package, version) in [
            ("pkg:deb/debian/libssl3@3.0.7?upstream=openssl", Some("openssl"), None),
            ("pkg:deb/debian/x@1?upstream=openssl%403.0.7-1", Some("openssl"), Some("3.0.7-1")),
            (
                "pkg:rpm/rhel/x@1?upstream=java-11-openjdk-11.0.1-2.el8.src.rpm",
                Some("java-11-openjdk"),
                Some("11.0.1-2.el8"),
            ),
            ("pkg:rpm/rhel/x@1?upstream=odd.src.rpm", Some("odd.src.rpm"), None),
            ("pkg:npm/x@1", None, None),
        ] {
            let found = upstream(&Purl::parse(purl).unwrap());
            assert_eq!((found.0.as_deref(), found.1.as_deref()), (package, version), "{purl}");
        }
    }

    #[test]
    fn components_are_completed() {
        let of = |purl: &str| {
            let mut component = Component { purl: Some(purl.to_owned()), ..Component::default() };
            complete(&mut component);
            component
        };
        let musl = of("pkg:alpine/musl@1.2.3-r4?arch=x86_64&upstream=musl-src#sub");
        let purl = "pkg:apk/alpine/musl@1.2.3-r4?arch=x86_64&upstream=musl-src";
        assert_eq!((musl.purl.as_deref(), musl.ecosystem.as_deref()), (Some(purl), Some("apk")));
        assert_eq!(
            (musl.version.as_deref(), musl.architecture.as_deref()),
            (Some("1.2.3-r4"), Some("x86_64"))
        );
        assert_eq!(musl.source_package.as_deref(), Some("musl-src"));
        assert_eq!(of("no purl"), Component::default());
    }

    #[test]
    fn products_have_names() {
        let hex = "124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126";
        let image = product(&format!("pkg:oci/alpine@sha256%3A{hex}"));
        assert_eq!(image.digests, [format!("sha256:{hex}")]);
        assert_eq!(image.name, None);
        assert_eq!(product("nginx").name.as_deref(), Some("nginx"));
        assert_eq!(product("urn:vulnzero:asset:a%2Fb:1").name.as_deref(), Some("a/b:1"));
        assert_eq!(product("cpe:/a:b:c").cpe.as_deref(), Some("cpe:/a:b:c"));
        assert_eq!(digest_of("SHA-256", hex), Some(format!("sha256:{hex}")));
        assert_eq!(digest_of("MD5", hex), None);
        assert_eq!(image_digest(&format!("a/b@sha256:{hex}")), Some(format!("sha256:{hex}")));
        for (text, is) in [("nginx:1.25", true), ("h:5000/a/b:c", true), ("h:5000/a", false)] {
            assert_eq!(is_image_tag(text), is, "{text}");
        }
    }

    #[test]
    fn distributions_are_read() {
        for (purl, name, version) in [
            ("pkg:deb/debian/x?distro=debian-12", "debian", Some("12")),
            ("pkg:rpm/opensuse/x?distro=opensuse-leap-15.5", "opensuse-leap", Some("15.5")),
            ("pkg:apk/alpine/x?distro=3.17.0", "alpine", Some("3.17.0")),
            ("pkg:deb/debian/x?distro=bookworm", "bookworm", None),
        ] {
            let found = distro(&Purl::parse(purl).unwrap()).unwrap();
            assert_eq!((found.0.as_str(), found.1.as_deref()), (name, version), "{purl}");
        }
    }
}
