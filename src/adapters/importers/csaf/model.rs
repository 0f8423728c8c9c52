//! The parts of a CSAF document that are read whole. Field names are CSAF's. Lists of
//! products are read strictly: they are what statements are about.

use serde::Deserialize;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;
use crate::domain::observation::ReportInfo;

/// `document`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Document {
    #[serde(deserialize_with = "lenient::object")]
    pub publisher: Option<Publisher>,
    #[serde(deserialize_with = "lenient::object")]
    pub tracking: Option<Tracking>,
}

/// `document.publisher`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Publisher {
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub namespace: Option<String>,
}

/// `document.tracking`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tracking {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub current_release_date: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::object")]
    pub generator: Option<Generator>,
}

/// `document.tracking.generator`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Generator {
    #[serde(deserialize_with = "lenient::object")]
    pub engine: Option<Engine>,
}

/// `document.tracking.generator.engine`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Engine {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

impl Document {
    /// Who made it and when.
    pub fn info(&self) -> ReportInfo {
        let tracking = self.tracking.as_ref();
        let engine = tracking.and_then(|t| t.generator.as_ref()?.engine.as_ref());
        let scanner = engine.and_then(|e| e.name.as_deref()).unwrap_or("csaf");
        ReportInfo {
            scanner: scanner.to_lowercase(),
            scanner_version: engine.and_then(|e| e.version.clone()),
            created_at: tracking.and_then(|t| t.current_release_date),
            author: self.publisher.as_ref().and_then(|p| p.name.clone()),
            document_id: tracking.and_then(|t| t.id.clone()),
        }
    }
}

/// `full_product_name`, and `product` of a branch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FullProductName {
    #[serde(deserialize_with = "lenient::name")]
    pub product_id: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(rename = "product_identification_helper", deserialize_with = "lenient::object")]
    pub helper: Option<Helper>,
}

/// `product_identification_helper`; `purls` is of 2.1.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Helper {
    #[serde(deserialize_with = "lenient::name")]
    pub cpe: Option<String>,
    #[serde(alias = "purls", deserialize_with = "lenient::name")]
    pub purl: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub hashes: Vec<Hashes>,
}

/// `hashes[]` of a helper.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hashes {
    #[serde(deserialize_with = "lenient::list")]
    pub file_hashes: Vec<FileHash>,
}

/// `file_hashes[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FileHash {
    #[serde(deserialize_with = "lenient::line")]
    pub algorithm: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub value: Option<String>,
}

/// `product_tree.relationships[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Relationship {
    #[serde(deserialize_with = "lenient::name")]
    pub product_reference: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub relates_to_product_reference: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub full_product_name: Option<FullProductName>,
}

/// `product_tree.product_groups[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProductGroup {
    #[serde(deserialize_with = "lenient::name")]
    pub group_id: Option<String>,
    pub product_ids: Vec<String>,
}

/// `vulnerabilities[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerability {
    #[serde(deserialize_with = "lenient::name")]
    pub cve: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub ids: Vec<Id>,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub notes: Vec<Note>,
    #[serde(deserialize_with = "lenient::object")]
    pub cwe: Option<Weakness>,
    #[serde(deserialize_with = "lenient::list")]
    pub cwes: Vec<Weakness>,
    pub product_status: Option<ProductStatus>,
    #[serde(deserialize_with = "lenient::list")]
    pub scores: Vec<Score>,
    #[serde(deserialize_with = "lenient::list")]
    pub metrics: Vec<Metric>,
    pub flags: Vec<Flag>,
    pub threats: Vec<Threat>,
    pub remediations: Vec<Remediation>,
    #[serde(deserialize_with = "lenient::list")]
    pub references: Vec<Reference>,
    #[serde(deserialize_with = "lenient::time")]
    pub release_date: Option<Timestamp>,
}

/// `ids[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Id {
    #[serde(deserialize_with = "lenient::line")]
    pub text: Option<String>,
}

/// `notes[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Note {
    #[serde(deserialize_with = "lenient::line")]
    pub category: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub text: Option<String>,
}

/// `cwe`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Weakness {
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub id: Vec<String>,
}

/// `product_status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProductStatus {
    pub first_affected: Vec<String>,
    pub first_fixed: Vec<String>,
    pub fixed: Vec<String>,
    pub known_affected: Vec<String>,
    pub known_not_affected: Vec<String>,
    pub last_affected: Vec<String>,
    pub under_investigation: Vec<String>,
}

/// `scores[]`, and `content` of `metrics[]` in 2.1.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Score {
    #[serde(deserialize_with = "lenient::object")]
    pub cvss_v2: Option<Cvss>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss_v3: Option<Cvss>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss_v4: Option<Cvss>,
}

/// `metrics[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metric {
    #[serde(deserialize_with = "lenient::object")]
    pub content: Option<Score>,
}

/// A CVSS as FIRST writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cvss {
    #[serde(deserialize_with = "lenient::line")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub vector_string: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub base_score: Option<f64>,
}

/// The products that something is about, one by one or by groups.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Flag {
    #[serde(deserialize_with = "lenient::line")]
    pub label: Option<String>,
    pub product_ids: Vec<String>,
    pub group_ids: Vec<String>,
}

/// `threats[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Threat {
    #[serde(deserialize_with = "lenient::line")]
    pub category: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub details: Option<String>,
    pub product_ids: Vec<String>,
    pub group_ids: Vec<String>,
}

/// `remediations[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Remediation {
    #[serde(deserialize_with = "lenient::text")]
    pub details: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
    pub product_ids: Vec<String>,
    pub group_ids: Vec<String>,
}

/// `references[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
}
