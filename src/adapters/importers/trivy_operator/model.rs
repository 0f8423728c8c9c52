//! The parts of the operator's objects that are read. Field names are the operator's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::{lenient, trivy};
use crate::base::Timestamp;
use crate::domain::severity::{CvssScore, Severity};

/// What the document is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Head {
    #[serde(deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub api_version: Option<String>,
    pub items: Option<IgnoredAny>,
}

/// An object, of which only the facts about the report are read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BodyHead {
    #[serde(deserialize_with = "lenient::object")]
    pub report: Option<About>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct About {
    #[serde(deserialize_with = "lenient::time")]
    pub update_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::object")]
    pub scanner: Option<Scanner>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Scanner {
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

/// An object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Body {
    #[serde(deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Option<Metadata>,
    pub report: Option<Contents>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub namespace: Option<String>,
    pub labels: Option<BTreeMap<String, Option<String>>>,
    pub annotations: Option<BTreeMap<String, Option<String>>>,
}

/// `report`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contents {
    #[serde(deserialize_with = "lenient::object")]
    pub artifact: Option<Artifact>,
    #[serde(deserialize_with = "lenient::object")]
    pub registry: Option<Registry>,
    #[serde(deserialize_with = "lenient::object")]
    pub os: Option<Os>,
    pub vulnerabilities: Option<Vec<Vulnerability>>,
    pub checks: Option<Vec<Check>>,
    pub secrets: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Artifact {
    #[serde(deserialize_with = "lenient::name")]
    pub repository: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub tag: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub digest: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Registry {
    #[serde(deserialize_with = "lenient::name")]
    pub server: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Os {
    #[serde(deserialize_with = "lenient::name")]
    pub family: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Check {
    #[serde(deserialize_with = "lenient::truth")]
    pub success: bool,
}

/// `report.vulnerabilities[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Vulnerability {
    #[serde(rename = "vulnerabilityID", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub resource: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub installed_version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub fixed_version: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub published_date: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub last_modified_date: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(rename = "cvsssource", deserialize_with = "lenient::name")]
    pub cvss_source: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub primary_link: Option<String>,
    #[serde(deserialize_with = "lenient::links")]
    pub links: Vec<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub score: Option<f64>,
    #[serde(deserialize_with = "lenient::name")]
    pub target: Option<String>,
    #[serde(deserialize_with = "trivy::model::scores")]
    pub cvss: Vec<CvssScore>,
    #[serde(deserialize_with = "lenient::name")]
    pub class: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub package_type: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub package_path: Option<String>,
    #[serde(rename = "packagePURL", deserialize_with = "lenient::name")]
    pub purl: Option<String>,
}
