//! The parts of findings that are read. Field names are Inspector's.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;
use crate::domain::severity::Severity;

/// The answer of `list-findings` without the findings.
#[derive(Debug, Deserialize)]
pub struct Head {
    #[serde(rename = "nextToken", default, deserialize_with = "lenient::line")]
    pub next_token: Option<String>,
    /// Must be there.
    #[serde(rename = "findings")]
    _findings: Vec<IgnoredAny>,
}

/// A finding.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Finding {
    #[serde(rename = "type", deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub status: Option<String>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub first_observed_at: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::line")]
    pub exploit_available: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub epss: Option<Epss>,
    #[serde(deserialize_with = "lenient::object")]
    pub remediation: Option<Remediation>,
    #[serde(deserialize_with = "lenient::list")]
    pub resources: Vec<Resource>,
    #[serde(deserialize_with = "lenient::object")]
    pub package_vulnerability_details: Option<PackageDetails>,
    #[serde(deserialize_with = "lenient::object")]
    pub network_reachability_details: Option<NetworkDetails>,
    #[serde(deserialize_with = "lenient::object")]
    pub code_vulnerability_details: Option<CodeDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Epss {
    #[serde(deserialize_with = "lenient::number")]
    pub score: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Remediation {
    #[serde(deserialize_with = "lenient::object")]
    pub recommendation: Option<Recommendation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Recommendation {
    #[serde(deserialize_with = "lenient::text")]
    pub text: Option<String>,
}

/// `resources[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resource {
    #[serde(rename = "type", deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub region: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub tags: Option<Tags>,
    #[serde(deserialize_with = "lenient::object")]
    pub details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tags {
    #[serde(rename = "Name", deserialize_with = "lenient::name")]
    pub name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Details {
    #[serde(rename = "awsEc2Instance", deserialize_with = "lenient::object")]
    pub instance: Option<Instance>,
    #[serde(rename = "awsEcrContainerImage", deserialize_with = "lenient::object")]
    pub image: Option<Image>,
    #[serde(rename = "awsLambdaFunction", deserialize_with = "lenient::object")]
    pub function: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Instance {
    #[serde(deserialize_with = "lenient::name")]
    pub image_id: Option<String>,
    #[serde(rename = "ipV4Addresses", deserialize_with = "lenient::names")]
    pub ipv4: Vec<String>,
    #[serde(rename = "ipV6Addresses", deserialize_with = "lenient::names")]
    pub ipv6: Vec<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub platform: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub subnet_id: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::name")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub vpc_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Image {
    #[serde(deserialize_with = "lenient::name")]
    pub architecture: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub image_hash: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub image_tags: Vec<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub platform: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub registry: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub repository_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Function {
    #[serde(deserialize_with = "lenient::name")]
    pub function_name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub runtime: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

/// `packageVulnerabilityDetails`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PackageDetails {
    #[serde(deserialize_with = "lenient::name")]
    pub vulnerability_id: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub related_vulnerabilities: Vec<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub source_url: Option<String>,
    #[serde(deserialize_with = "lenient::links")]
    pub reference_urls: Vec<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub vendor_severity: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub vendor_created_at: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub vendor_updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::list")]
    pub cvss: Vec<Cvss>,
    pub vulnerable_packages: Option<Vec<Package>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cvss {
    #[serde(deserialize_with = "lenient::number")]
    pub base_score: Option<f64>,
    #[serde(deserialize_with = "lenient::name")]
    pub scoring_vector: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub source: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Package {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub release: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub epoch: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub arch: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub package_manager: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub file_path: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub fixed_in_version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub source_layer_hash: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub source_lambda_layer_arn: Option<String>,
}

/// `networkReachabilityDetails`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NetworkDetails {
    #[serde(deserialize_with = "lenient::object")]
    pub open_port_range: Option<PortRange>,
    #[serde(deserialize_with = "lenient::name")]
    pub protocol: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PortRange {
    #[serde(deserialize_with = "lenient::number")]
    pub begin: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub end: Option<f64>,
}

/// `codeVulnerabilityDetails`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CodeDetails {
    #[serde(deserialize_with = "lenient::name")]
    pub detector_id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub rule_id: Option<String>,
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwes: Vec<String>,
    #[serde(deserialize_with = "lenient::links")]
    pub reference_urls: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub file_path: Option<FilePath>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FilePath {
    #[serde(deserialize_with = "lenient::name")]
    pub file_name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub file_path: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub start_line: Option<f64>,
}
