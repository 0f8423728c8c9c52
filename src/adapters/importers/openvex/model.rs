//! The parts of an OpenVEX document that are read. Field names are OpenVEX's.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::adapters::importers::lenient::{self, Mixed};
use crate::base::Timestamp;
use crate::domain::vex::VexStatus;

/// What is said about the whole document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    #[serde(rename = "@context", deserialize_with = "lenient::names")]
    pub context: Vec<String>,
    #[serde(rename = "@id", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub author: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub last_updated: Option<Timestamp>,
    #[serde(rename = "statements", deserialize_with = "lenient::is_list")]
    pub has_statements: bool,
}

/// `statements[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Statement {
    #[serde(deserialize_with = "lenient::mixed")]
    pub vulnerability: Vec<Mixed<Vulnerability>>,
    /// In 0.0.x.
    #[serde(deserialize_with = "lenient::text")]
    pub vuln_description: Option<String>,
    pub products: Option<Products>,
    /// In 0.0.x.
    #[serde(deserialize_with = "lenient::mixed")]
    pub subcomponents: Vec<Mixed<Component>>,
    #[serde(deserialize_with = "lenient::name")]
    pub status: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub justification: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub impact_statement: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub status_notes: Option<String>,
    /// What older programs write for `status_notes`.
    #[serde(deserialize_with = "lenient::text")]
    pub statement: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub action_statement: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub last_updated: Option<Timestamp>,
}

impl Statement {
    /// Its status, if it is one.
    #[must_use]
    pub fn status(&self) -> Option<VexStatus> {
        let status = self.status.as_deref()?;
        status.parse().map_err(|e| tracing::debug!(error = %e, "no status of OpenVEX")).ok()
    }
}

/// The products, all of them: they are what the statement is about.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Products(pub Vec<Product>);

/// A product: a text in 0.0.x, an object since.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a name or an object")]
pub enum Product {
    /// A package URL or another name.
    Name(String),
    /// An object.
    Object(Box<Object>),
}

/// `statements[].products[]` as an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    #[serde(flatten)]
    pub component: Component,
    pub subcomponents: Option<Vec<Component>>,
}

/// A product or component in its names.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Component {
    #[serde(rename = "@id", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub identifiers: Option<Identifiers>,
    pub hashes: Option<BTreeMap<String, String>>,
}

/// Other names.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Identifiers {
    #[serde(deserialize_with = "lenient::name")]
    pub purl: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub cpe22: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub cpe23: Option<String>,
}

/// `statements[].vulnerability` as an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerability {
    #[serde(rename = "@id", deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub aliases: Vec<String>,
}
