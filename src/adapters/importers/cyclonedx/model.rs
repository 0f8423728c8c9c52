//! The parts of a CycloneDX document that are read, the same for JSON and XML. Field names
//! are CycloneDX's.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;
use crate::domain::severity::Severity;

/// What is said about the whole document.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Head {
    #[serde(deserialize_with = "lenient::name")]
    pub bom_format: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub spec_version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub serial_number: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Option<Metadata>,
    #[serde(deserialize_with = "lenient::list")]
    pub compositions: Vec<Composition>,
}

/// `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(deserialize_with = "lenient::time")]
    pub timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::list")]
    pub tools: Vec<Tool>,
    #[serde(deserialize_with = "lenient::list")]
    pub authors: Vec<Named>,
    #[serde(deserialize_with = "lenient::object")]
    pub manufacturer: Option<Named>,
    #[serde(deserialize_with = "lenient::object")]
    pub supplier: Option<Named>,
    #[serde(deserialize_with = "lenient::object")]
    pub component: Option<Facts>,
}

/// A tool; since 1.5 `tools` may be an object with components and services.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub components: Vec<Tool>,
    #[serde(deserialize_with = "lenient::list")]
    pub services: Vec<Tool>,
}

/// An author or organisation, or a source of vulnerabilities.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Named {
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
}

/// A component. What lies inside of it is `C`: nothing that is kept, or [`Inner`].
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "C: Default + Deserialize<'de>"))]
pub struct Facts<C = IgnoredAny> {
    #[serde(rename = "bom-ref", deserialize_with = "lenient::name")]
    pub reference: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::name")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub group: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub purl: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub cpe: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub hashes: Vec<Hash>,
    #[serde(deserialize_with = "lenient::list")]
    pub properties: Vec<Property>,
    #[serde(deserialize_with = "lenient::object")]
    pub evidence: Option<Evidence>,
    #[serde(deserialize_with = "lenient::list")]
    pub external_references: Vec<ExternalReference>,
    pub components: C,
}

/// A component with those that lie in it.
pub type Component = Facts<Inner>;

/// The components in another.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Inner(pub Option<Vec<Component>>);

impl<C> Facts<C> {
    /// A property's value.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        let property = self.properties.iter().find(|p| p.name.as_deref() == Some(name))?;
        property.value.as_deref()
    }
}

/// `hashes[]`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Hash {
    #[serde(deserialize_with = "lenient::line")]
    pub alg: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub content: Option<String>,
}

/// `properties[]`. Values may be anything: those that are used are checked as names then.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Property {
    #[serde(deserialize_with = "lenient::line")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub value: Option<String>,
}

/// `evidence`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Evidence {
    #[serde(deserialize_with = "lenient::list")]
    pub occurrences: Vec<Occurrence>,
}

/// `evidence.occurrences[]`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Occurrence {
    #[serde(deserialize_with = "lenient::name")]
    pub location: Option<String>,
}

/// `externalReferences[]`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ExternalReference {
    #[serde(rename = "type", deserialize_with = "lenient::line")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub url: Option<String>,
}

/// `compositions[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Composition {
    #[serde(deserialize_with = "lenient::line")]
    pub aggregate: Option<String>,
}

/// `vulnerabilities[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerability {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub source: Option<Named>,
    #[serde(deserialize_with = "lenient::list")]
    pub references: Vec<Reference>,
    #[serde(deserialize_with = "lenient::list")]
    pub ratings: Vec<Rating>,
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwes: Vec<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub detail: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub recommendation: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub workaround: Option<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub advisories: Vec<Advisory>,
    #[serde(deserialize_with = "lenient::time")]
    pub published: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub updated: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::object")]
    pub analysis: Option<Analysis>,
    pub affects: Option<Vec<Affected>>,
}

/// Another id, `vulnerabilities[].references[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    #[serde(deserialize_with = "lenient::line")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub source: Option<Named>,
}

/// `vulnerabilities[].ratings[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rating {
    #[serde(deserialize_with = "lenient::object")]
    pub source: Option<Named>,
    #[serde(deserialize_with = "lenient::number")]
    pub score: Option<f64>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::line")]
    pub method: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub vector: Option<String>,
}

/// `vulnerabilities[].advisories[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Advisory {
    #[serde(deserialize_with = "lenient::link")]
    pub url: Option<String>,
}

/// `vulnerabilities[].analysis`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Analysis {
    #[serde(deserialize_with = "lenient::line")]
    pub state: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub justification: Option<String>,
    #[serde(deserialize_with = "lenient::lines")]
    pub response: Vec<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub detail: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub first_issued: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub last_updated: Option<Timestamp>,
}

/// `vulnerabilities[].affects[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Affected {
    #[serde(rename = "ref", deserialize_with = "lenient::name")]
    pub reference: Option<String>,
    pub versions: Option<Vec<Version>>,
    /// The component itself, where the vulnerability stands inside of it.
    #[serde(skip)]
    pub component: Option<Facts>,
}

/// `vulnerabilities[].affects[].versions[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Version {
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub range: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub status: Option<String>,
}
