//! The parts of a result that are read. Field names are Nuclei's, old and new.

use serde::Deserialize;

use crate::adapters::importers::lenient;
use crate::domain::severity::Severity;

/// One result.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Outcome {
    #[serde(deserialize_with = "lenient::name")]
    pub template_id: Option<String>,
    #[serde(rename = "templateID", deserialize_with = "lenient::name")]
    pub old_template_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub info: Option<Info>,
    #[serde(deserialize_with = "lenient::name")]
    pub matcher_name: Option<String>,
    #[serde(rename = "matcher_name", deserialize_with = "lenient::name")]
    pub old_matcher_name: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub host: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub ip: Option<String>,
    /// May be longer than a name: an attack in an address.
    #[serde(deserialize_with = "lenient::text")]
    pub matched_at: Option<String>,
    #[serde(rename = "matched", deserialize_with = "lenient::text")]
    pub old_matched: Option<String>,
    #[serde(deserialize_with = "lenient::lines")]
    pub extracted_results: Vec<String>,
    #[serde(rename = "extracted_results", deserialize_with = "lenient::lines")]
    pub old_extracted_results: Vec<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub curl_command: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub matcher_status: Option<String>,
}

/// What the template says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Info {
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub impact: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub remediation: Option<String>,
    /// Addresses, or lines with addresses.
    #[serde(deserialize_with = "lenient::lines")]
    pub reference: Vec<String>,
    /// Words, or one text with commas.
    #[serde(deserialize_with = "lenient::lines")]
    pub tags: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub classification: Option<Classification>,
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Classification {
    #[serde(deserialize_with = "lenient::lines")]
    pub cve_id: Vec<String>,
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwe_id: Vec<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub cvss_metrics: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub cvss_score: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub epss_score: Option<f64>,
    #[serde(deserialize_with = "lenient::line")]
    pub cpe: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(deserialize_with = "lenient::line")]
    pub product: Option<String>,
}
