//! The thing that is vulnerable inside an asset: a package, a library, a file.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::purl::Purl;
use super::scan::ScanKind;

/// A component and where it lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Component {
    /// Package name as its ecosystem writes it.
    pub name: String,
    /// Installed version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Package URL (purl specification), without subpath.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// Ecosystem by its purl type: `deb`, `rpm`, `apk`, `npm`, `pypi`, `maven`, `golang`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecosystem: Option<String>,
    /// The source package that a distribution built it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_package: Option<String>,
    /// Version of the source package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// CPU architecture that the package is for, as its ecosystem writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// CPE 2.3, if the source names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    /// File or lock file that contains or names it, within the asset. Part of a finding's
    /// identity: the same library in two places is two findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Image layer (diff id) that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
}

impl Component {
    /// The package without its version: ecosystem and name in one form for all scanners
    /// (`maven org.apache.logging.log4j:log4j-core`). What decisions are bound to.
    #[must_use]
    pub fn package(&self) -> String {
        let purl = self.purl.as_deref().and_then(Purl::parse);
        let (ecosystem, name) = match &purl {
            Some(purl) => (Some(purl.kind.as_str()), purl.package_name()),
            None => (self.ecosystem.as_deref(), self.name.clone()),
        };
        let name = if ecosystem == Some("pypi") { normal_pypi(&name) } else { name };
        format!("{} {name}", ecosystem.unwrap_or_default())
    }

    /// The version in one form for all scanners: no epoch and epoch 0 are the same.
    #[must_use]
    pub fn normal_version(&self) -> &str {
        let version = self.version.as_deref().unwrap_or_default();
        version.strip_prefix("0:").unwrap_or(version)
    }

    /// The path in one form for all scanners, or nothing. Packages of an operating system
    /// have none: there is one database.
    #[must_use]
    pub fn location(&self) -> &str {
        if ScanKind::of_ecosystem(self.ecosystem.as_deref()) == ScanKind::OsPackages {
            return "";
        }
        let path = self.path.as_deref().unwrap_or_default();
        path.strip_prefix("./").unwrap_or(path).trim_start_matches('/')
    }

    /// What makes a component on an asset the same one in the next scan and for another
    /// scanner: package, version and path. Layers and qualifiers may change without making
    /// it another.
    #[must_use]
    pub fn key(&self) -> String {
        [self.package().as_str(), self.normal_version(), self.location()].join("\u{1f}")
    }
}

/// The name of a Python package in its normal form (PEP 503).
fn normal_pypi(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        let c = if matches!(c, '-' | '_' | '.') { '-' } else { c.to_ascii_lowercase() };
        if !(c == '-' && normal.ends_with('-')) {
            normal.push(c);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(purl: Option<&str>, ecosystem: &str, name: &str, path: &str) -> Component {
        Component {
            name: name.into(),
            version: Some("0:1.2".into()),
            purl: purl.map(str::to_owned),
            ecosystem: Some(ecosystem.into()),
            path: Some(path.into()),
            ..Component::default()
        }
    }

    #[test]
    fn scanners_agree_on_a_component() {
        let log4j = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.0";
        for (one, other, key) in [
            (
                component(Some(log4j), "maven", "log4j-core", "/app/a.jar"),
                component(None, "maven", "org.apache.logging.log4j:log4j-core", "app/a.jar"),
                "maven org.apache.logging.log4j:log4j-core\u{1f}1.2\u{1f}app/a.jar",
            ),
            (
                component(
                    Some("pkg:deb/debian/openssl@1.2?arch=amd64"),
                    "deb",
                    "openssl",
                    "/var/lib/dpkg/status",
                ),
                component(None, "deb", "openssl", ""),
                "deb openssl\u{1f}1.2\u{1f}",
            ),
            (
                component(Some("pkg:pypi/zope.interface@1"), "pypi", "zope.interface", "./r.txt"),
                component(None, "pypi", "Zope_Interface", "r.txt"),
                "pypi zope-interface\u{1f}1.2\u{1f}r.txt",
            ),
            (
                component(Some("pkg:npm/%40babel/core@7"), "npm", "core", ""),
                component(None, "npm", "@babel/core", ""),
                "npm @babel/core\u{1f}1.2\u{1f}",
            ),
        ] {
            assert_eq!(one.key(), key);
            assert_eq!(other.key(), key);
        }
    }
}
