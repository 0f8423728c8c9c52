//! The parts of a result that are read, with the names of version 4 and, as aliases, those of
//! version 2.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;

/// The result without its lists.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Head {
    #[serde(alias = "ServerUUID", rename = "serverUUID", deserialize_with = "lenient::name")]
    pub server_uuid: Option<String>,
    #[serde(alias = "ServerName", deserialize_with = "lenient::name")]
    pub server_name: Option<String>,
    #[serde(alias = "Family", deserialize_with = "lenient::name")]
    pub family: Option<String>,
    #[serde(alias = "Release", deserialize_with = "lenient::name")]
    pub release: Option<String>,
    #[serde(alias = "Container", deserialize_with = "lenient::object")]
    pub container: Option<Container>,
    #[serde(alias = "Platform", deserialize_with = "lenient::object")]
    pub platform: Option<Platform>,
    #[serde(rename = "ipv4Addrs", alias = "IPv4Addrs", deserialize_with = "lenient::names")]
    pub ipv4: Vec<String>,
    #[serde(rename = "ipv6Addrs", alias = "IPv6Addrs", deserialize_with = "lenient::names")]
    pub ipv6: Vec<String>,
    #[serde(alias = "ScannedAt", deserialize_with = "lenient::time")]
    pub scanned_at: Option<Timestamp>,
    #[serde(alias = "ReportedAt", deserialize_with = "lenient::time")]
    pub reported_at: Option<Timestamp>,
    #[serde(rename = "scannedVersion", deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(alias = "Errors", deserialize_with = "lenient::lines")]
    pub errors: Vec<String>,
    #[serde(alias = "RunningKernel", deserialize_with = "lenient::object")]
    pub running_kernel: Option<Kernel>,
    #[serde(alias = "Config", deserialize_with = "lenient::object")]
    pub config: Option<Config>,
    #[serde(rename = "scannedCves", deserialize_with = "lenient::present")]
    pub cves: bool,
    #[serde(rename = "ScannedCves", deserialize_with = "lenient::present")]
    pub old_cves: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    #[serde(rename = "containerID", alias = "ContainerID", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(alias = "Name", deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(alias = "Image", deserialize_with = "lenient::name")]
    pub image: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Platform {
    #[serde(alias = "Name", deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(rename = "instanceID", alias = "InstanceID", deserialize_with = "lenient::name")]
    pub instance_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Kernel {
    #[serde(alias = "Release", deserialize_with = "lenient::name")]
    pub release: Option<String>,
    #[serde(alias = "Version", deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    #[serde(alias = "Report", deserialize_with = "lenient::object")]
    pub report: Option<Filter>,
}

/// What was left out of the result.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Filter {
    #[serde(alias = "CvssScoreOver", deserialize_with = "lenient::number")]
    pub cvss_score_over: Option<f64>,
    #[serde(alias = "IgnoreUnfixed", deserialize_with = "lenient::truth")]
    pub ignore_unfixed: bool,
}

/// `packages.<name>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Package {
    #[serde(alias = "Name", deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(alias = "Version", deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(alias = "Release", deserialize_with = "lenient::name")]
    pub release: Option<String>,
    #[serde(alias = "NewVersion", deserialize_with = "lenient::name")]
    pub new_version: Option<String>,
    #[serde(alias = "NewRelease", deserialize_with = "lenient::name")]
    pub new_release: Option<String>,
    #[serde(alias = "Arch", deserialize_with = "lenient::name")]
    pub arch: Option<String>,
}

/// `SrcPackages.<name>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SourcePackage {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub binary_names: Vec<String>,
}

/// `libraries[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Lockfile {
    #[serde(rename = "Type", alias = "type", deserialize_with = "lenient::name")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub path: Option<String>,
    #[serde(rename = "Libs", alias = "libs")]
    pub libs: Vec<Library>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Library {
    #[serde(rename = "Name", alias = "name", deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(rename = "Version", alias = "version", deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(rename = "PURL", alias = "purl", deserialize_with = "lenient::name")]
    pub purl: Option<String>,
    #[serde(rename = "FilePath", alias = "filePath", deserialize_with = "lenient::name")]
    pub file_path: Option<String>,
}

/// `scannedCves.<id>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cve {
    #[serde(rename = "cveID", alias = "CveID", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(alias = "AffectedPackages", deserialize_with = "lenient::list")]
    pub affected_packages: Vec<Affected>,
    #[serde(deserialize_with = "lenient::list")]
    pub library_fixed_ins: Vec<LibraryFix>,
    #[serde(rename = "windowsKBFixedIns", deserialize_with = "lenient::names")]
    pub windows_updates: Vec<String>,
    #[serde(rename = "wpPackageFixStats", deserialize_with = "lenient::list")]
    pub wordpress: Vec<LibraryFix>,
    #[serde(rename = "cpeURIs", alias = "CpeNames", deserialize_with = "lenient::names")]
    pub cpes: Vec<String>,
    #[serde(alias = "DistroAdvisories", deserialize_with = "lenient::list")]
    pub distro_advisories: Vec<DistroAdvisory>,
    #[serde(alias = "CveContents")]
    pub cve_contents: Option<BTreeMap<String, Contents>>,
    #[serde(alias = "Confidence", deserialize_with = "lenient::list")]
    pub confidences: Vec<Confidence>,
    #[serde(deserialize_with = "lenient::list")]
    pub exploits: Vec<IgnoredAny>,
    #[serde(deserialize_with = "lenient::list")]
    pub metasploits: Vec<IgnoredAny>,
    #[serde(deserialize_with = "lenient::list")]
    pub mitigations: Vec<Mitigation>,
    #[serde(deserialize_with = "lenient::list")]
    pub kevs: Vec<IgnoredAny>,
    #[serde(deserialize_with = "lenient::object")]
    pub alert_dict: Option<Alerts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Affected {
    #[serde(alias = "Name", deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(alias = "NotFixedYet", deserialize_with = "lenient::truth")]
    pub not_fixed_yet: bool,
    #[serde(deserialize_with = "lenient::name")]
    pub fix_state: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub fixed_in: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LibraryFix {
    #[serde(deserialize_with = "lenient::name")]
    pub key: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub fixed_in: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub path: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DistroAdvisory {
    #[serde(rename = "advisoryID", alias = "AdvisoryID", deserialize_with = "lenient::name")]
    pub id: Option<String>,
}

/// What sources say: a list, in version 2 one thing.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Contents(#[serde(deserialize_with = "lenient::list")] pub Vec<Content>);

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Content {
    #[serde(alias = "Title", deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(alias = "Summary", deserialize_with = "lenient::text")]
    pub summary: Option<String>,
    #[serde(rename = "Severity", deserialize_with = "lenient::line")]
    pub old_severity: Option<String>,
    #[serde(alias = "Cvss2Score", deserialize_with = "lenient::number")]
    pub cvss2_score: Option<f64>,
    #[serde(alias = "Cvss2Vector", deserialize_with = "lenient::name")]
    pub cvss2_vector: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub cvss2_severity: Option<String>,
    #[serde(alias = "Cvss3Score", deserialize_with = "lenient::number")]
    pub cvss3_score: Option<f64>,
    #[serde(alias = "Cvss3Vector", deserialize_with = "lenient::name")]
    pub cvss3_vector: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub cvss3_severity: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub cvss40_score: Option<f64>,
    #[serde(deserialize_with = "lenient::name")]
    pub cvss40_vector: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub cvss40_severity: Option<String>,
    #[serde(alias = "SourceLink", deserialize_with = "lenient::link")]
    pub source_link: Option<String>,
    #[serde(alias = "References", deserialize_with = "lenient::list")]
    pub references: Vec<Reference>,
    #[serde(rename = "cweIDs", alias = "CweID", deserialize_with = "lenient::weaknesses")]
    pub cwes: Vec<String>,
    #[serde(alias = "Published", deserialize_with = "lenient::time")]
    pub published: Option<Timestamp>,
    #[serde(alias = "LastModified", deserialize_with = "lenient::time")]
    pub last_modified: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    #[serde(alias = "Link", deserialize_with = "lenient::link")]
    pub link: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Confidence {
    #[serde(alias = "Score", deserialize_with = "lenient::line")]
    pub score: Option<String>,
    #[serde(alias = "DetectionMethod", deserialize_with = "lenient::line")]
    pub detection_method: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Mitigation {
    #[serde(deserialize_with = "lenient::text")]
    pub mitigation: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Alerts {
    #[serde(deserialize_with = "lenient::list")]
    pub cisa: Vec<IgnoredAny>,
}
