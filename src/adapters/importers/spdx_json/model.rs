//! The parts of an SPDX document that are read. Field names are SPDX's.

use serde::Deserialize;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;
use crate::domain::observation::ReportInfo;

/// What is said about the whole document.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Head {
    #[serde(deserialize_with = "lenient::name")]
    pub spdx_version: Option<String>,
    #[serde(rename = "SPDXID", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub document_namespace: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub document_describes: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub creation_info: Option<CreationInfo>,
}

/// `creationInfo`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CreationInfo {
    #[serde(deserialize_with = "lenient::time")]
    pub created: Option<Timestamp>,
    /// `Tool: syft-1.2.3`, `Organization: …`, `Person: …`.
    #[serde(deserialize_with = "lenient::lines")]
    pub creators: Vec<String>,
}

impl Head {
    /// Who made it and when. The version of a tool stands behind its name and the last dash.
    pub fn info(&self) -> ReportInfo {
        let creation = self.creation_info.as_ref();
        let creators = creation.map(|c| &c.creators[..]).unwrap_or_default();
        let of = |kind: &str| creators.iter().find_map(|c| c.strip_prefix(kind)).map(str::trim);
        let tool = of("Tool:").unwrap_or("spdx");
        let is_version =
            |v: &str| v.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
        let (name, version) = match tool.rsplit_once('-').filter(|(_, v)| is_version(v)) {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (tool, None),
        };
        ReportInfo {
            scanner: name.to_lowercase(),
            scanner_version: version,
            created_at: creation.and_then(|c| c.created),
            author: of("Organization:").or_else(|| of("Person:")).map(str::to_owned),
            document_id: self.document_namespace.clone(),
        }
    }
}

/// `relationships[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Relationship {
    #[serde(deserialize_with = "lenient::name")]
    pub spdx_element_id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub related_spdx_element: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub relationship_type: Option<String>,
}

impl Relationship {
    /// The element that the document describes by it.
    pub fn described(self) -> Option<String> {
        let is_document = |id: &Option<String>| id.as_deref() == Some("SPDXRef-DOCUMENT");
        let element = match self.relationship_type.as_deref()? {
            "DESCRIBES" if is_document(&self.spdx_element_id) => self.related_spdx_element,
            "DESCRIBED_BY" if is_document(&self.related_spdx_element) => self.spdx_element_id,
            _ => None,
        };
        element.filter(|id| id != "SPDXRef-DOCUMENT")
    }
}

/// `packages[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Package {
    #[serde(rename = "SPDXID", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version_info: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub primary_package_purpose: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub source_info: Option<String>,
    pub external_refs: Option<Vec<ExternalRef>>,
    #[serde(deserialize_with = "lenient::list")]
    pub checksums: Vec<Checksum>,
    #[serde(deserialize_with = "lenient::lines")]
    pub attribution_texts: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub annotations: Vec<Annotation>,
}

/// `externalRefs[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExternalRef {
    #[serde(deserialize_with = "lenient::line")]
    pub reference_category: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub reference_type: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub reference_locator: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub comment: Option<String>,
}

impl ExternalRef {
    /// Whether it is of this category and type; dashes and underscores are the same (2.2
    /// writes `PACKAGE_MANAGER`).
    pub fn is(&self, category: &str, kind: &str) -> bool {
        let own = self.reference_category.as_deref().unwrap_or_default().replace('_', "-");
        own == category && self.reference_type.as_deref() == Some(kind)
    }
}

/// `checksums[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Checksum {
    #[serde(deserialize_with = "lenient::line")]
    pub algorithm: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub checksum_value: Option<String>,
}

/// `annotations[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Annotation {
    #[serde(deserialize_with = "lenient::line")]
    pub comment: Option<String>,
}

impl Package {
    /// Its version, if it says one.
    pub fn version(&self) -> Option<&String> {
        let version = self.version_info.as_ref();
        version.filter(|v| !matches!(v.as_str(), "NOASSERTION" | "NONE"))
    }

    /// Its first reference of this category and type.
    pub fn reference(&self, category: &str, kind: &str) -> Option<&String> {
        let mut references = self.external_refs.iter().flatten();
        references.find(|r| r.is(category, kind))?.reference_locator.as_ref()
    }

    /// What Trivy notes under a key: `LayerDiffID: sha256:…`.
    pub fn notes(&self, key: &str) -> impl Iterator<Item = &str> {
        let annotations = self.annotations.iter().filter_map(|a| a.comment.as_ref());
        let notes = annotations.chain(&self.attribution_texts);
        notes.filter_map(move |note| note.strip_prefix(key)?.strip_prefix(": ").map(str::trim))
    }

    fn purpose(&self) -> &str {
        self.primary_package_purpose.as_deref().unwrap_or_default()
    }

    /// Whether it is an operating system as a whole.
    pub fn is_system(&self) -> bool {
        let has_purl = self.reference("PACKAGE-MANAGER", "purl").is_some();
        matches!(self.purpose(), "OPERATING-SYSTEM" | "OPERATING_SYSTEM") && !has_purl
    }

    /// Whether it is a package rather than a system, a file or a lock file.
    pub fn is_component(&self) -> bool {
        let has_purl = self.reference("PACKAGE-MANAGER", "purl").is_some();
        match self.purpose() {
            _ if has_purl => true,
            "OPERATING-SYSTEM" | "OPERATING_SYSTEM" | "FILE" => false,
            "APPLICATION" => self.version().is_some(),
            _ => true,
        }
    }
}
