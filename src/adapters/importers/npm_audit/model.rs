//! The parts of audits that are read. Field names are the package managers'.

use serde::Deserialize;

use crate::adapters::importers::lenient::{self, Mixed};
use crate::base::Timestamp;
use crate::domain::severity::Severity;

/// What the document is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    pub error: Option<Failure>,
    #[serde(deserialize_with = "lenient::present")]
    pub advisories: bool,
    #[serde(deserialize_with = "lenient::present")]
    pub vulnerabilities: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Failure {
    #[serde(deserialize_with = "lenient::line")]
    pub code: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub summary: Option<String>,
}

/// `advisories.<number>` of npm 6, pnpm, yarn.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Advisory {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub findings: Vec<Finding>,
    #[serde(deserialize_with = "lenient::name")]
    pub module_name: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub overview: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub recommendation: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub cves: Vec<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub github_advisory_id: Option<String>,
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwe: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss: Option<Cvss>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::line")]
    pub vulnerable_versions: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub patched_versions: Option<String>,
    /// Markdown.
    #[serde(deserialize_with = "lenient::text")]
    pub references: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub created: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub updated: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Finding {
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    /// Ways of dependencies, `express>accepts>negotiator`.
    #[serde(deserialize_with = "lenient::lines")]
    pub paths: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cvss {
    #[serde(deserialize_with = "lenient::number")]
    pub score: Option<f64>,
    #[serde(rename = "vectorString", deserialize_with = "lenient::name")]
    pub vector: Option<String>,
}

/// `vulnerabilities.<package>` of npm 7.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerable {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    /// Names of packages through which it is vulnerable, or advisories on it.
    #[serde(deserialize_with = "lenient::mixed")]
    pub via: Vec<Mixed<Via>>,
    #[serde(deserialize_with = "lenient::names")]
    pub nodes: Vec<String>,
    #[serde(rename = "fixAvailable", deserialize_with = "lenient::mixed")]
    pub fix: Vec<Mixed<Fix>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Via {
    /// Number of the advisory.
    #[serde(deserialize_with = "lenient::name")]
    pub source: Option<String>,
    /// What the first versions of npm 7 called it.
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwe: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss: Option<Cvss>,
    #[serde(deserialize_with = "lenient::line")]
    pub range: Option<String>,
    /// What the first versions of npm 7 called it.
    #[serde(deserialize_with = "lenient::line")]
    pub vulnerable_versions: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fix {
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub version: Option<String>,
    #[serde(rename = "isSemVerMajor", deserialize_with = "lenient::truth")]
    pub is_major: bool,
}

/// A line of yarn 1 (`type`, `data`) or of yarn 4 (`value`, `children`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Line {
    #[serde(rename = "type", deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "data")]
    pub data: Vec<Data>,
    #[serde(deserialize_with = "lenient::name")]
    pub value: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub children: Option<Tree>,
}

/// What a line of yarn 1 says.
#[derive(Debug)]
pub enum Data {
    /// The text of an error.
    Text(String),
    /// An advisory, if the line is about one.
    Advisory(Option<Box<Advisory>>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Audit {
    #[serde(deserialize_with = "lenient::object")]
    advisory: Option<Box<Advisory>>,
}

/// A text may be long here: it is for people.
fn data<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<Data>, D::Error> {
    let mixed = lenient::mixed_lines::<Audit, D>(d)?;
    Ok(mixed
        .into_iter()
        .map(|mixed| match mixed {
            Mixed::Name(text) => Data::Text(text),
            Mixed::Object(audit) => Data::Advisory(audit.advisory),
        })
        .collect())
}

impl Data {
    /// The text, if it is one.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Advisory(_) => None,
        }
    }

    /// The advisory, if it is one.
    pub fn into_advisory(self) -> Option<Box<Advisory>> {
        match self {
            Self::Text(_) => None,
            Self::Advisory(advisory) => advisory,
        }
    }
}

/// `children` of yarn 4.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tree {
    #[serde(rename = "ID", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(rename = "Issue", deserialize_with = "lenient::line")]
    pub issue: Option<String>,
    #[serde(rename = "URL", deserialize_with = "lenient::link")]
    pub url: Option<String>,
    #[serde(rename = "Severity", deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(rename = "Vulnerable Versions", deserialize_with = "lenient::line")]
    pub vulnerable_versions: Option<String>,
    #[serde(rename = "Tree Versions", deserialize_with = "lenient::names")]
    pub versions: Vec<String>,
    #[serde(rename = "Dependents", deserialize_with = "lenient::lines")]
    pub dependents: Vec<String>,
}
