//! The parts of an osv-scanner report that are read, and of the OSV records in it. Field
//! names are OSV's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;

/// What is said about the whole, and about each source.
#[derive(Debug, Default, Deserialize)]
pub struct Head {
    #[serde(deserialize_with = "lenient::facts")]
    pub results: Vec<ResultHead>,
    #[serde(default, deserialize_with = "lenient::object")]
    pub image_metadata: Option<ImageMetadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResultHead {
    #[serde(deserialize_with = "lenient::object")]
    pub source: Option<Source>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    #[serde(deserialize_with = "lenient::name")]
    pub path: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageMetadata {
    /// `Alpine Linux v3.20`.
    #[serde(deserialize_with = "lenient::name")]
    pub os: Option<String>,
}

/// A package without what is long.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PackageHead {
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<PackageName>,
    pub vulnerabilities: Option<Vec<IgnoredAny>>,
    pub license_violations: Option<Vec<IgnoredAny>>,
}

/// `results[].packages[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Package {
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<PackageName>,
    pub vulnerabilities: Option<Vec<Record>>,
    pub groups: Option<Vec<Group>>,
    pub license_violations: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PackageName {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub os_package_name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub ecosystem: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub commit: Option<String>,
}

/// `groups[]`: the records of one vulnerability.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Group {
    #[serde(deserialize_with = "lenient::advisory_ids")]
    pub ids: Vec<String>,
    #[serde(deserialize_with = "lenient::advisory_ids")]
    pub aliases: Vec<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub max_severity: Option<f64>,
    pub experimental_analysis: Option<BTreeMap<String, Analysis>>,
    /// What version 1 calls it.
    #[serde(rename = "experimentalAnalysis")]
    pub old_analysis: Option<BTreeMap<String, Analysis>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Analysis {
    pub called: Option<bool>,
}

/// `vulnerabilities[]`: an OSV record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Record {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::advisory_ids")]
    pub aliases: Vec<String>,
    #[serde(deserialize_with = "lenient::advisory_ids")]
    pub upstream: Vec<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub summary: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub details: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub published: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub modified: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::list")]
    pub severity: Vec<Severity>,
    #[serde(deserialize_with = "lenient::list")]
    pub affected: Vec<Affected>,
    #[serde(deserialize_with = "lenient::list")]
    pub references: Vec<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub database_specific: Option<DatabaseSpecific>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Severity {
    /// `CVSS_V3`.
    #[serde(rename = "type", deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    /// A vector.
    #[serde(deserialize_with = "lenient::line")]
    pub score: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Affected {
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<PackageName>,
    #[serde(deserialize_with = "lenient::list")]
    pub severity: Vec<Severity>,
    #[serde(deserialize_with = "lenient::list")]
    pub ranges: Vec<Range>,
    #[serde(deserialize_with = "lenient::object")]
    pub database_specific: Option<DatabaseSpecific>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Range {
    #[serde(rename = "type", deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub events: Vec<Event>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    #[serde(deserialize_with = "lenient::name")]
    pub fixed: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DatabaseSpecific {
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwe_ids: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub cwes: Vec<Cwe>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: crate::domain::severity::Severity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cwe {
    #[serde(rename = "cweId", deserialize_with = "lenient::weaknesses")]
    pub id: Vec<String>,
}
