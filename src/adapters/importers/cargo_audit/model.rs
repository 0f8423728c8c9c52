//! The parts of a cargo-audit report that are read. Field names are cargo-audit's.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;

/// The report without its entries.
#[derive(Debug, Deserialize)]
pub struct Head {
    #[serde(default, deserialize_with = "lenient::object")]
    pub settings: Option<Settings>,
    /// Whether they are a list; newer ones are an object by kind.
    #[serde(default, deserialize_with = "lenient::is_list")]
    pub warnings: bool,
    /// Must be there.
    #[serde(rename = "vulnerabilities")]
    _vulnerabilities: Vulnerabilities,
}

#[derive(Debug, Deserialize)]
struct Vulnerabilities {
    #[serde(rename = "list")]
    _list: Vec<IgnoredAny>,
}

/// What was looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    #[serde(deserialize_with = "lenient::names")]
    target_arch: Vec<String>,
    #[serde(deserialize_with = "lenient::names")]
    target_os: Vec<String>,
    #[serde(deserialize_with = "lenient::names")]
    severity: Vec<String>,
    #[serde(deserialize_with = "lenient::names")]
    package_scope: Vec<String>,
}

impl Settings {
    /// Whether nothing was left out.
    pub fn is_whole(&self) -> bool {
        let lists = [&self.target_arch, &self.target_os, &self.severity, &self.package_scope];
        lists.iter().all(|list| list.is_empty())
    }
}

/// `vulnerabilities.list[]`, and a warning.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entry {
    #[serde(deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub advisory: Option<Advisory>,
    #[serde(deserialize_with = "lenient::object")]
    pub versions: Option<Versions>,
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Advisory {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::advisory_ids")]
    pub aliases: Vec<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub date: Option<Timestamp>,
    /// A vector.
    #[serde(deserialize_with = "lenient::name")]
    pub cvss: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
    #[serde(deserialize_with = "lenient::links")]
    pub references: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Versions {
    #[serde(deserialize_with = "lenient::lines")]
    pub patched: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Package {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}
