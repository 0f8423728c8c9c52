//! The parts of a SARIF log that are read. Field names are SARIF's.

use serde::Deserialize;

use super::own::{Own, OwnRun};
use crate::adapters::importers::{by_name, lenient};
use crate::base::Timestamp;

/// A message, or a text of a rule.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Message {
    #[serde(deserialize_with = "lenient::text")]
    pub text: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub markdown: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::lines")]
    pub arguments: Vec<String>,
}

impl Message {
    /// What it says.
    #[must_use]
    pub fn said(&self) -> Option<&String> {
        self.text.as_ref().or(self.markdown.as_ref())
    }
}

/// `tool.driver.rules[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    #[serde(deserialize_with = "lenient::line")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::lines")]
    pub deprecated_ids: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub short_description: Option<Message>,
    #[serde(deserialize_with = "lenient::object")]
    pub full_description: Option<Message>,
    #[serde(deserialize_with = "lenient::object")]
    pub help: Option<Message>,
    #[serde(deserialize_with = "lenient::link")]
    pub help_uri: Option<String>,
    #[serde(deserialize_with = "by_name::objects")]
    pub message_strings: Vec<(String, Message)>,
    #[serde(deserialize_with = "lenient::object")]
    pub default_configuration: Option<Configuration>,
    #[serde(deserialize_with = "lenient::object")]
    pub properties: Option<Properties>,
    #[serde(deserialize_with = "lenient::list")]
    pub relationships: Vec<Relationship>,
}

/// `defaultConfiguration`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Configuration {
    #[serde(deserialize_with = "lenient::line")]
    pub level: Option<String>,
}

/// The bag of properties of a rule or result: what tools agree on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Properties {
    #[serde(rename = "security-severity", deserialize_with = "lenient::number")]
    pub score: Option<f64>,
    #[serde(deserialize_with = "lenient::lines")]
    pub tags: Vec<String>,
    #[serde(alias = "cwes", alias = "CWE", deserialize_with = "lenient::lines")]
    pub cwe: Vec<String>,
    #[serde(alias = "cves", alias = "CVE", deserialize_with = "lenient::lines")]
    pub cve: Vec<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub purls: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub vulnzero: Option<Own>,
}

/// `relationships[]`: a rule and an entry of a taxonomy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Relationship {
    #[serde(deserialize_with = "lenient::object")]
    pub target: Option<Descriptor>,
}

/// A reference to a rule or an entry of a taxonomy.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(deserialize_with = "lenient::line")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub index: Option<f64>,
    #[serde(deserialize_with = "lenient::object")]
    pub tool_component: Option<ComponentReference>,
}

/// A reference to the driver or an extension.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComponentReference {
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub index: Option<f64>,
}

/// `artifactLocation`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactLocation {
    #[serde(deserialize_with = "lenient::name")]
    pub uri: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub uri_base_id: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub index: Option<f64>,
}

/// `artifacts[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Artifact {
    #[serde(deserialize_with = "lenient::object")]
    pub location: Option<ArtifactLocation>,
}

/// `versionControlProvenance[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Revision {
    #[serde(deserialize_with = "lenient::name")]
    pub repository_uri: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub revision_id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub branch: Option<String>,
}

/// `invocations[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Invocation {
    #[serde(deserialize_with = "lenient::line")]
    pub execution_successful: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub start_time_utc: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub end_time_utc: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::object")]
    pub working_directory: Option<ArtifactLocation>,
    #[serde(deserialize_with = "lenient::list")]
    pub tool_execution_notifications: Vec<Configuration>,
}

/// `properties` of a run, as Trivy fills it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RunProperties {
    #[serde(deserialize_with = "lenient::name")]
    pub image_name: Option<String>,
    #[serde(rename = "imageID", deserialize_with = "lenient::name")]
    pub image_id: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub repo_digests: Vec<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub repo_tags: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub vulnzero: Option<OwnRun>,
}

/// `results[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Entry {
    #[serde(deserialize_with = "lenient::line")]
    pub rule_id: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub rule_index: Option<f64>,
    #[serde(deserialize_with = "lenient::object")]
    pub rule: Option<Descriptor>,
    #[serde(deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub level: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub message: Option<Message>,
    #[serde(deserialize_with = "lenient::list")]
    pub locations: Vec<Location>,
    #[serde(deserialize_with = "by_name::texts")]
    pub fingerprints: Vec<(String, String)>,
    #[serde(deserialize_with = "by_name::texts")]
    pub partial_fingerprints: Vec<(String, String)>,
    #[serde(deserialize_with = "lenient::list")]
    pub suppressions: Vec<Suppression>,
    #[serde(deserialize_with = "lenient::line")]
    pub baseline_state: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub properties: Option<Properties>,
    #[serde(deserialize_with = "lenient::list")]
    pub taxa: Vec<Descriptor>,
    #[serde(deserialize_with = "lenient::object")]
    pub provenance: Option<Provenance>,
    #[serde(deserialize_with = "lenient::links")]
    pub work_item_uris: Vec<String>,
}

/// `results[].locations[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Location {
    #[serde(deserialize_with = "lenient::object")]
    pub physical_location: Option<PhysicalLocation>,
    #[serde(deserialize_with = "lenient::list")]
    pub logical_locations: Vec<LogicalLocation>,
}

/// `physicalLocation`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PhysicalLocation {
    #[serde(deserialize_with = "lenient::object")]
    pub artifact_location: Option<ArtifactLocation>,
    #[serde(deserialize_with = "lenient::object")]
    pub region: Option<Region>,
}

/// `region`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Region {
    #[serde(deserialize_with = "lenient::number")]
    pub start_line: Option<f64>,
    #[serde(deserialize_with = "lenient::object")]
    pub snippet: Option<Message>,
}

/// `logicalLocations[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogicalLocation {
    #[serde(deserialize_with = "lenient::line")]
    pub fully_qualified_name: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
}

/// `suppressions[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Suppression {
    #[serde(alias = "state", deserialize_with = "lenient::line")]
    pub status: Option<String>,
}

/// `provenance`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Provenance {
    #[serde(deserialize_with = "lenient::time")]
    pub first_detection_time_utc: Option<Timestamp>,
}
