//! The parts of a Grype report that are read. Field names are Grype's.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient::{self, Mixed};
use crate::base::Timestamp;
use crate::domain::severity::Severity;

/// The report without its matches.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    #[serde(default, deserialize_with = "lenient::object")]
    pub source: Option<Source>,
    #[serde(default, deserialize_with = "lenient::object")]
    pub distro: Option<Distro>,
    #[serde(default, deserialize_with = "lenient::object")]
    pub descriptor: Option<Descriptor>,
    /// Only how many there are.
    #[serde(default)]
    pub ignored_matches: Option<Vec<IgnoredAny>>,
    /// Must be there; Go programs write null for an empty list.
    #[serde(rename = "matches", deserialize_with = "Option::deserialize")]
    _matches: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    #[serde(rename = "type", deserialize_with = "lenient::name")]
    pub kind: Option<String>,
    /// A path, or an image.
    #[serde(deserialize_with = "lenient::mixed")]
    pub target: Vec<Mixed<Image>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Image {
    #[serde(deserialize_with = "lenient::name")]
    pub user_input: Option<String>,
    #[serde(rename = "imageID", deserialize_with = "lenient::name")]
    pub image_id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub manifest_digest: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub tags: Vec<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub repo_digests: Vec<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub architecture: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Distro {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Descriptor {
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::object")]
    pub configuration: Option<Configuration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Configuration {
    #[serde(deserialize_with = "lenient::truth")]
    pub only_fixed: bool,
    #[serde(deserialize_with = "lenient::truth")]
    pub only_notfixed: bool,
}

/// `matches[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Match {
    #[serde(deserialize_with = "lenient::object")]
    pub vulnerability: Option<Vulnerability>,
    #[serde(deserialize_with = "lenient::list")]
    pub related_vulnerabilities: Vec<Vulnerability>,
    #[serde(deserialize_with = "lenient::list")]
    pub match_details: Vec<Detail>,
    #[serde(deserialize_with = "lenient::object")]
    pub artifact: Option<Artifact>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Vulnerability {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub data_source: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub namespace: Option<String>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::links")]
    pub urls: Vec<String>,
    /// What old versions call them.
    #[serde(deserialize_with = "lenient::links")]
    pub links: Vec<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub cvss: Vec<Cvss>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss_v2: Option<OldCvss>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss_v3: Option<OldCvss>,
    #[serde(deserialize_with = "lenient::object")]
    pub fix: Option<Fix>,
    #[serde(deserialize_with = "lenient::name")]
    pub fixed_in_version: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub advisories: Vec<Advisory>,
    #[serde(deserialize_with = "lenient::list")]
    pub epss: Vec<Epss>,
    #[serde(deserialize_with = "lenient::list")]
    pub known_exploited: Vec<IgnoredAny>,
    #[serde(deserialize_with = "lenient::list")]
    pub cwes: Vec<Cwe>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cvss {
    #[serde(deserialize_with = "lenient::name")]
    pub source: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub vector: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub metrics: Option<Metrics>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metrics {
    #[serde(deserialize_with = "lenient::number")]
    pub base_score: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OldCvss {
    #[serde(deserialize_with = "lenient::number")]
    pub base_score: Option<f64>,
    #[serde(deserialize_with = "lenient::name")]
    pub vector: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fix {
    #[serde(deserialize_with = "lenient::names")]
    pub versions: Vec<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Advisory {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub link: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Epss {
    #[serde(deserialize_with = "lenient::name")]
    pub cve: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub epss: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cwe {
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwe: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Detail {
    #[serde(deserialize_with = "lenient::object")]
    pub searched_by: Option<SearchedBy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SearchedBy {
    #[serde(deserialize_with = "lenient::names")]
    pub cpes: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Artifact {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::name")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub purl: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub locations: Vec<Location>,
    #[serde(deserialize_with = "lenient::list")]
    pub upstreams: Vec<Upstream>,
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Location {
    #[serde(deserialize_with = "lenient::name")]
    pub path: Option<String>,
    #[serde(rename = "layerID", deserialize_with = "lenient::name")]
    pub layer: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub annotations: Option<Annotations>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Annotations {
    #[serde(deserialize_with = "lenient::line")]
    pub evidence: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Upstream {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(deserialize_with = "lenient::name")]
    pub source: Option<String>,
    /// What old versions call it.
    #[serde(rename = "Source", deserialize_with = "lenient::name")]
    pub old_source: Option<String>,
    #[serde(rename = "virtualPath", deserialize_with = "lenient::name")]
    pub virtual_path: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub architecture: Option<String>,
}
