//! The parts of a Trivy report that are read whole: one vulnerability, the metadata of an
//! artifact, the heads of other findings. Field names are Trivy's; unknown ones are ignored.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::adapters::importers::{cvss, lenient, text};
use crate::base::{Timestamp, limits};
use crate::domain::severity::{CvssScore, Severity};

/// `Results[].Vulnerabilities[]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vulnerability {
    #[serde(rename = "VulnerabilityID", deserialize_with = "text::advisory_id")]
    pub id: String,
    #[serde(rename = "VendorIDs", default, deserialize_with = "text::advisory_ids")]
    pub vendor_ids: Vec<String>,
    #[serde(deserialize_with = "text::required_name")]
    pub pkg_name: String,
    #[serde(default, deserialize_with = "text::name")]
    pub pkg_path: Option<String>,
    pub pkg_identifier: Option<PkgIdentifier>,
    #[serde(default, deserialize_with = "text::name")]
    pub src_name: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub src_version: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub installed_version: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub fixed_version: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub status: Option<String>,
    pub layer: Option<Layer>,
    #[serde(default, deserialize_with = "text::severity")]
    pub severity: Severity,
    #[serde(rename = "CVSS", default, deserialize_with = "scores")]
    pub cvss: Vec<CvssScore>,
    #[serde(default, deserialize_with = "text::line")]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "text::text")]
    pub description: Option<String>,
    #[serde(rename = "PrimaryURL", default, deserialize_with = "text::link")]
    pub primary_url: Option<String>,
    #[serde(default, deserialize_with = "text::links")]
    pub references: Vec<String>,
    #[serde(rename = "CweIDs", default, deserialize_with = "text::names")]
    pub cwe_ids: Vec<String>,
    #[serde(default, deserialize_with = "text::time")]
    pub published_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "text::time")]
    pub last_modified_date: Option<Timestamp>,
}

/// `Results[].Packages[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Package {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub identifier: Option<PkgIdentifier>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub release: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub epoch: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub arch: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub src_name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub src_version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub src_release: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub src_epoch: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub file_path: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub layer: Option<Layer>,
}

/// `PkgIdentifier`.
#[derive(Debug, Deserialize)]
pub struct PkgIdentifier {
    #[serde(rename = "PURL", default, deserialize_with = "text::name")]
    pub purl: Option<String>,
}

/// `Layer`.
#[derive(Debug, Deserialize)]
pub struct Layer {
    #[serde(rename = "DiffID", default, deserialize_with = "text::name")]
    pub diff_id: Option<String>,
}

/// The status of a misconfiguration or of a suppressed finding.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    #[serde(rename = "Status", default, deserialize_with = "text::name")]
    pub status: Option<String>,
}

/// `Metadata` of an artifact.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    #[serde(rename = "OS")]
    pub os: Option<Os>,
    #[serde(rename = "ImageID", default, deserialize_with = "text::name")]
    pub image_id: Option<String>,
    #[serde(default, deserialize_with = "text::names")]
    pub repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "text::names")]
    pub repo_digests: Vec<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub reference: Option<String>,
    pub image_config: Option<ImageConfig>,
    #[serde(rename = "RepoURL", default, deserialize_with = "text::name")]
    pub repo_url: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub branch: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub commit: Option<String>,
}

/// `Metadata.OS`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Os {
    #[serde(default, deserialize_with = "text::name")]
    pub family: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    pub name: Option<String>,
}

/// `Metadata.ImageConfig`.
#[derive(Debug, Deserialize)]
pub struct ImageConfig {
    #[serde(default, deserialize_with = "text::name")]
    pub architecture: Option<String>,
}

/// `CVSS.<source>`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Scores {
    #[serde(default, deserialize_with = "text::name")]
    v2_vector: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    v3_vector: Option<String>,
    #[serde(default, deserialize_with = "text::name")]
    v40_vector: Option<String>,
    #[serde(default, deserialize_with = "score")]
    v2_score: Option<f64>,
    #[serde(default, deserialize_with = "score")]
    v3_score: Option<f64>,
    #[serde(default, deserialize_with = "score")]
    v40_score: Option<f64>,
}

fn score<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(d)? {
        Some(score) if !(0.0..=10.0).contains(&score) => {
            Err(D::Error::custom(format!("a CVSS score of {score}, not in 0 to 10")))
        }
        score => Ok(score),
    }
}

impl Scores {
    fn push_to(self, list: &mut Vec<CvssScore>, source: &str) {
        let mut push = |version: &str, vector: Option<String>, score: Option<f64>| {
            list.extend(cvss::versioned(source, version, vector.as_deref(), score));
        };
        push("2.0", self.v2_vector, self.v2_score);
        push("3.1", self.v3_vector, self.v3_score);
        push("4.0", self.v40_vector, self.v40_score);
    }
}

/// Reads `CVSS`, an object by source, into a list.
pub fn scores<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<CvssScore>, D::Error> {
    struct Sources;

    impl<'de> Visitor<'de> for Sources {
        type Value = Vec<CvssScore>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
            d.deserialize_map(self)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(source) = map.next_key::<String>()? {
                let source = text::to_name(&source).map_err(A::Error::custom)?;
                let scores = map.next_value::<Option<Scores>>()?;
                if list.len() < limits::LIST_VALUES
                    && let (Some(source), Some(scores)) = (source, scores)
                {
                    scores.push_to(&mut list, &source);
                }
            }
            Ok(list)
        }
    }

    d.deserialize_option(Sources)
}
