//! Package URLs (purl specification, ECMA-427): taking them apart. Reading is lenient, since
//! they come from foreign documents; what cannot be read is no purl.

/// A package URL in its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purl {
    /// Type, lower case: `deb`, `npm`, `maven`, …
    pub kind: String,
    /// What stands before the name: a distribution, a scope, a group.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// Qualifiers in their order.
    pub qualifiers: Vec<(String, String)>,
}

impl Purl {
    /// The parts of `text`, or `None` if it is no purl. The subpath is left out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split('#').next()?;
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.split_once('/')?;
        // A scoped name may begin with an unescaped '@'; a version comes after the last '/'.
        let name_at = rest.rfind('/').map_or(0, |at| at + 1);
        let (path, version) = match rest[name_at..].rfind('@').filter(|at| name_at + at > 0) {
            Some(at) => (&rest[..name_at + at], Some(&rest[name_at + at + 1..])),
            None => (rest, None),
        };
        let path = path.trim_matches('/');
        let (namespace, name) = match path.rsplit_once('/') {
            Some((namespace, name)) => (Some(decoded(namespace)), decoded(name)),
            None => (None, decoded(path)),
        };
        let is_kind = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-".contains(&b));
        (is_kind && !name.is_empty()).then(|| Self {
            kind: kind.to_ascii_lowercase(),
            namespace,
            name,
            version: version.map(decoded).filter(|v| !v.is_empty()),
            qualifiers: pairs(qualifiers),
        })
    }

    /// A qualifier's value: `arch`, `distro`, `epoch`, `upstream`, …
    #[must_use]
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The name as the ecosystem itself writes it: `@scope/name` (npm), `group:artifact`
    /// (maven), `host/path` (golang); of packages of an operating system without the
    /// distribution.
    #[must_use]
    pub fn package_name(&self) -> String {
        match (self.kind.as_str(), &self.namespace) {
            ("deb" | "rpm" | "apk" | "alpm", _) | (_, None) => self.name.clone(),
            ("maven", Some(group)) => format!("{group}:{}", self.name),
            (_, Some(namespace)) => format!("{namespace}/{}", self.name),
        }
    }
}

fn pairs(qualifiers: &str) -> Vec<(String, String)> {
    let pairs = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_ascii_lowercase(), decoded(value))).collect()
}

/// `text` with percent-escapes resolved; what is none, or not UTF-8 in the end, stays.
#[must_use]
pub fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_come_apart() {
        let deb = Purl::parse(
            "pkg:deb/debian/libssl1.1@1.1.1d-0%2Bdeb10u3?arch=amd64&epoch=1&distro=debian-10.4#x",
        )
        .unwrap();
        assert_eq!((deb.kind.as_str(), deb.namespace.as_deref()), ("deb", Some("debian")));
        assert_eq!(
            (deb.name.as_str(), deb.version.as_deref()),
            ("libssl1.1", Some("1.1.1d-0+deb10u3"))
        );
        assert_eq!((deb.qualifier("epoch"), deb.qualifier("x")), (Some("1"), None));
        for (purl, name, version) in [
            ("pkg:npm/%40angular/core@12", "@angular/core", Some("12")),
            ("pkg:npm/@angular/core@12", "@angular/core", Some("12")),
            ("pkg:npm/@angular/core", "@angular/core", None),
            ("pkg:maven/a.b/c@1", "a.b:c", Some("1")),
            ("pkg:golang/github.com/a/b@v1.0.0", "github.com/a/b", Some("v1.0.0")),
            ("pkg:PYPI/django", "django", None),
            ("pkg:oci/nginx@sha256:ab?repository_url=x/y", "nginx", Some("sha256:ab")),
            ("pkg://apk/alpine/musl@1", "musl", Some("1")),
        ] {
            let parsed = Purl::parse(purl).unwrap();
            assert_eq!(
                (parsed.package_name().as_str(), parsed.version.as_deref()),
                (name, version),
                "{purl}"
            );
        }
        for no in ["", "npm/x", "pkg:npm", "pkg:npm/", "pkg:/x", "pkg:1/x"] {
            assert_eq!(Purl::parse(no), None, "{no}");
        }
    }
}
