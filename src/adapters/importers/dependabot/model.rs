//! The parts of alerts that are read, in the names of GraphQL (`camelCase`) and of REST
//! (`snake_case`).

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::severity::Severity;

/// An answer of GraphQL without its alerts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    pub data: Option<Data>,
    #[serde(deserialize_with = "lenient::list")]
    pub errors: Vec<Failure>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Failure {
    #[serde(deserialize_with = "lenient::line")]
    pub message: Option<String>,
}

/// What was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Data {
    #[serde(deserialize_with = "one")]
    repository: Vec<RepositoryHead>,
    search: Option<Nodes>,
    organization: Option<Owner>,
    user: Option<Owner>,
    viewer: Option<Owner>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Owner {
    repositories: Option<Nodes>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Nodes {
    #[serde(deserialize_with = "lenient::facts")]
    nodes: Vec<RepositoryHead>,
}

fn one<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<RepositoryHead>, D::Error> {
    Ok(Option::<RepositoryHead>::deserialize(d)?.into_iter().collect())
}

impl Data {
    /// The repositories in what is called `name`, in the order of the document.
    pub fn repositories(&self, name: &str) -> &[RepositoryHead] {
        let owner = match name {
            "repository" => return &self.repository,
            "search" => return self.search.as_ref().map_or(&[], |s| &s.nodes),
            "organization" => &self.organization,
            "user" => &self.user,
            _ => &self.viewer,
        };
        let nodes = owner.as_ref().and_then(|o| o.repositories.as_ref());
        nodes.map_or(&[], |nodes| &nodes.nodes)
    }
}

/// A repository without its alerts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RepositoryHead {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name_with_owner: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
    pub vulnerability_alerts: Option<AlertsHead>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AlertsHead {
    nodes: Option<Vec<IgnoredAny>>,
    #[serde(deserialize_with = "lenient::object")]
    page_info: Option<PageInfo>,
    #[serde(deserialize_with = "lenient::number")]
    total_count: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageInfo {
    has_next_page: Option<bool>,
    has_previous_page: Option<bool>,
}

impl RepositoryHead {
    /// An error if its alerts were asked for in a shape that is not read.
    pub fn check(&self) -> Result<()> {
        if self.vulnerability_alerts.as_ref().is_none_or(|alerts| alerts.nodes.is_some()) {
            return Ok(());
        }
        let detail = "vulnerabilityAlerts without nodes: ask for nodes, not for edges";
        Err(Error::new(Code::BadReport, detail))
    }

    /// Whether it has all its alerts.
    pub fn is_whole(&self) -> bool {
        let Some(alerts) = &self.vulnerability_alerts else { return false };
        let count = alerts.nodes.as_ref().map_or(0, Vec::len);
        let page = alerts.page_info.as_ref();
        let is_only = page
            .is_some_and(|p| p.has_next_page == Some(false) && p.has_previous_page != Some(true));
        #[expect(clippy::cast_precision_loss, reason = "counts of alerts are far below 2^52")]
        let is_total = alerts.total_count.map(|total| total <= count as f64);
        is_total.unwrap_or(is_only || page.is_none() && count == 0)
    }
}

/// An alert; also the payload of a webhook, which has one inside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Alert {
    #[serde(deserialize_with = "lenient::object")]
    alert: Option<Box<Alert>>,
    #[serde(deserialize_with = "lenient::object")]
    repository: Option<Repository>,
    #[serde(deserialize_with = "lenient::line")]
    pub state: Option<String>,
    #[serde(alias = "createdAt", deserialize_with = "lenient::time")]
    pub created_at: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::link")]
    pub html_url: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub dependency: Option<Dependency>,
    #[serde(alias = "securityAdvisory", deserialize_with = "lenient::object")]
    pub security_advisory: Option<Advisory>,
    #[serde(alias = "securityVulnerability", deserialize_with = "lenient::object")]
    pub security_vulnerability: Option<Vulnerability>,
    #[serde(rename = "vulnerableManifestPath", deserialize_with = "lenient::name")]
    pub manifest_path: Option<String>,
    #[serde(rename = "vulnerableRequirements", deserialize_with = "lenient::name")]
    pub requirements: Option<String>,
    #[serde(rename = "dependencyScope", deserialize_with = "lenient::line")]
    pub scope: Option<String>,
}

impl Alert {
    /// The alert and the repository that it is about.
    pub fn into_parts(mut self) -> (Self, Option<Repository>) {
        match self.alert.take() {
            Some(inner) => (*inner, self.repository),
            None => {
                let repository = self.repository.take();
                (self, repository)
            }
        }
    }

    /// Whether it is an alert at all.
    pub fn is_one(&self) -> bool {
        self.security_advisory.is_some() || self.security_vulnerability.is_some()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Repository {
    #[serde(deserialize_with = "lenient::name")]
    pub full_name: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub html_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Dependency {
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<Package>,
    #[serde(deserialize_with = "lenient::name")]
    pub manifest_path: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub scope: Option<String>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Package {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub ecosystem: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerability {
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<Package>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(alias = "vulnerableVersionRange", deserialize_with = "lenient::line")]
    pub vulnerable_version_range: Option<String>,
    #[serde(alias = "firstPatchedVersion", deserialize_with = "lenient::object")]
    pub first_patched_version: Option<Version>,
    /// Only GraphQL has it here.
    #[serde(deserialize_with = "lenient::object")]
    pub advisory: Option<Advisory>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Version {
    #[serde(deserialize_with = "lenient::name")]
    pub identifier: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Advisory {
    #[serde(alias = "ghsaId", deserialize_with = "lenient::name")]
    pub ghsa_id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub cve_id: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub identifiers: Vec<Identifier>,
    #[serde(deserialize_with = "lenient::line")]
    pub summary: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::list")]
    pub references: Vec<Reference>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss: Option<Cvss>,
    #[serde(alias = "cvssSeverities", deserialize_with = "lenient::object")]
    pub cvss_severities: Option<CvssSeverities>,
    #[serde(deserialize_with = "lenient::list")]
    pub cwes: Vec<Cwe>,
    #[serde(deserialize_with = "lenient::list")]
    pub epss: Vec<Epss>,
    #[serde(alias = "publishedAt", deserialize_with = "lenient::time")]
    pub published_at: Option<Timestamp>,
    #[serde(alias = "updatedAt", deserialize_with = "lenient::time")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Identifier {
    #[serde(deserialize_with = "lenient::name")]
    pub value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cvss {
    #[serde(deserialize_with = "lenient::number")]
    pub score: Option<f64>,
    #[serde(alias = "vectorString", deserialize_with = "lenient::name")]
    pub vector_string: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CvssSeverities {
    #[serde(alias = "cvssV3", deserialize_with = "lenient::object")]
    pub cvss_v3: Option<Cvss>,
    #[serde(alias = "cvssV4", deserialize_with = "lenient::object")]
    pub cvss_v4: Option<Cvss>,
}

/// One weakness, or, in GraphQL, a list of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cwe {
    #[serde(alias = "cweId", deserialize_with = "lenient::weaknesses")]
    pub cwe_id: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub nodes: Vec<Cwe>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Epss {
    #[serde(deserialize_with = "lenient::number")]
    pub percentage: Option<f64>,
}
