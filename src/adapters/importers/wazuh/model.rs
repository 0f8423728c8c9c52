//! The parts of Wazuh's documents that are read. Field names are Wazuh's; those of states
//! (indexer) and of alerts stand side by side.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::adapters::importers::lenient::{self, Mixed};
use crate::base::Timestamp;

/// An answer without its entries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    #[serde(deserialize_with = "lenient::object")]
    pub data: Option<Totals>,
    #[serde(deserialize_with = "lenient::object")]
    pub hits: Option<Hits>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Totals {
    #[serde(deserialize_with = "lenient::number")]
    pub total_affected_items: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hits {
    #[serde(deserialize_with = "lenient::mixed")]
    total: Vec<Mixed<Total>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Total {
    #[serde(deserialize_with = "lenient::number")]
    value: Option<f64>,
}

impl Hits {
    /// How many there are, in the file or not: a number, or since Elasticsearch 7 an object.
    pub fn total(&self) -> Option<f64> {
        match self.total.first()? {
            Mixed::Name(number) => number.parse().ok(),
            Mixed::Object(total) => total.value,
        }
    }
}

/// `data.affected_items[]` of the API up to 4.7.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Item {
    #[serde(deserialize_with = "lenient::name")]
    pub cve: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub architecture: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub condition: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub cvss2_score: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub cvss3_score: Option<f64>,
    #[serde(deserialize_with = "lenient::time")]
    pub detection_time: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::links")]
    pub external_references: Vec<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub published: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub updated: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::line")]
    pub severity: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub status: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    /// Added by programs that ask for several agents.
    #[serde(deserialize_with = "lenient::name")]
    pub agent_id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub agent_name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub agent_ip: Option<String>,
}

/// A hit of the indexer, or what would be in its `_source`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Document {
    #[serde(rename = "_source", deserialize_with = "lenient::object")]
    pub source: Option<Box<State>>,
    #[serde(flatten)]
    pub state: State,
}

/// A document of the index of states, or an alert.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct State {
    #[serde(deserialize_with = "lenient::object")]
    pub agent: Option<Agent>,
    #[serde(deserialize_with = "lenient::object")]
    pub host: Option<Host>,
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<Package>,
    #[serde(deserialize_with = "lenient::object")]
    pub vulnerability: Option<Vulnerability>,
    /// Version 5 has the agent in here.
    #[serde(deserialize_with = "lenient::object")]
    pub wazuh: Option<Manager>,
    /// Alerts have the vulnerability in here.
    #[serde(deserialize_with = "lenient::object")]
    pub data: Option<Data>,
    /// Alerts only.
    pub rule: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Manager {
    #[serde(deserialize_with = "lenient::object")]
    pub agent: Option<Agent>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Data {
    #[serde(deserialize_with = "lenient::object")]
    pub vulnerability: Option<Vulnerability>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Agent {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub ip: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub host: Option<Host>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Host {
    #[serde(deserialize_with = "lenient::name")]
    pub hostname: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub architecture: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    pub ip: Vec<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub os: Option<Os>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Os {
    #[serde(deserialize_with = "lenient::line")]
    pub full: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub platform: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Package {
    #[serde(deserialize_with = "lenient::name")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub architecture: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub path: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::name")]
    pub kind: Option<String>,
    /// Alerts: the source package.
    #[serde(deserialize_with = "lenient::name")]
    pub source: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub condition: Option<String>,
}

/// `vulnerability` of a state, `data.vulnerability` of an alert.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vulnerability {
    #[serde(deserialize_with = "lenient::name")]
    pub id: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    pub cve: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub title: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub rationale: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub severity: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub score: Option<Score>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss: Option<Cvss>,
    #[serde(deserialize_with = "lenient::time")]
    pub published_at: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub published: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub updated: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::time")]
    pub detected_at: Option<Timestamp>,
    /// Several, with commas between.
    #[serde(deserialize_with = "lenient::text")]
    pub reference: Option<String>,
    #[serde(deserialize_with = "lenient::links")]
    pub references: Vec<String>,
    #[serde(deserialize_with = "lenient::weaknesses")]
    pub cwe_reference: Vec<String>,
    #[serde(deserialize_with = "lenient::line")]
    pub status: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub package: Option<Package>,
    #[serde(deserialize_with = "lenient::object")]
    pub scanner: Option<Scanner>,
    #[serde(deserialize_with = "lenient::truth")]
    pub under_evaluation: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Score {
    #[serde(deserialize_with = "lenient::number")]
    pub base: Option<f64>,
    #[serde(deserialize_with = "lenient::name")]
    pub version: Option<String>,
}

/// Alerts: the vector is an object in words and not read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cvss {
    #[serde(deserialize_with = "lenient::object")]
    pub cvss2: Option<BaseScore>,
    #[serde(deserialize_with = "lenient::object")]
    pub cvss3: Option<BaseScore>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BaseScore {
    #[serde(deserialize_with = "lenient::number")]
    pub base_score: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Scanner {
    #[serde(deserialize_with = "lenient::line")]
    pub condition: Option<String>,
    #[serde(deserialize_with = "lenient::link")]
    pub reference: Option<String>,
}
