//! The first pass: the facts about a report, its assets and its scan results, in the order
//! in which they stand. Findings are skipped unseen.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess};

use super::assets;
use super::model::Metadata;
use super::words;
use crate::adapters::importers::json::{self, Array, Either, Fields, Items, Object};
use crate::adapters::importers::{Report, text};
use crate::base::{Code, Error, Result, Timestamp, limits};
use crate::domain::observation::AssetObservation;
use crate::domain::scan::ScanKind;

/// What the first pass has found.
#[derive(Debug, Default)]
pub struct Head {
    /// When the report was made.
    pub created_at: Option<Timestamp>,
    /// Trivy's version.
    pub trivy_version: Option<String>,
    /// Every scan result, in the order of the document.
    pub results: Vec<ResultHead>,
    /// Every asset, once.
    pub assets: Vec<AssetObservation>,
    /// By resource (in a cluster) or by result (in the old array), in the order of the
    /// document: which of [`Head::assets`] it is about.
    pub owners: Vec<Option<usize>>,
}

/// What is known of one scan result.
#[derive(Debug)]
pub struct ResultHead {
    /// What was scanned: an image with its operating system, or a file.
    pub target: String,
    /// `Type`: operating system or kind of language packages.
    pub kind: Option<String>,
    /// About packages of an operating system.
    pub is_system: bool,
    /// A scan for packages, whether or not it found anything.
    pub is_packages: bool,
    /// It lists the packages that it looked at (`--list-all-pkgs`).
    pub lists_packages: bool,
}

impl ResultHead {
    /// The kind of scan that it is.
    pub fn scan(&self) -> ScanKind {
        if self.is_system { ScanKind::OsPackages } else { ScanKind::Libraries }
    }
}

/// Reads the facts.
pub fn read(report: &Report) -> Result<Head> {
    let mut facts = Facts::default();
    let reader = report.peek()?;
    let again = || Some(Pass(Facts::default()));
    let result = json::parse(report, reader, Either(&mut facts), again);
    if let Some(error) = facts.too_large {
        return Err(error);
    }
    result?;
    facts.into_head()
}

/// The pass as a seed that owns its facts: for finding the path of an error.
struct Pass(Facts);

impl<'de> DeserializeSeed<'de> for Pass {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, d: D) -> Result<(), D::Error> {
        Either(&mut self.0).deserialize(d)
    }
}

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) artifact_id: Option<String>,
    pub(super) artifact_name: Option<String>,
    pub(super) artifact_type: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) cluster: Option<String>,
    created_at: Option<Timestamp>,
    trivy_version: Option<String>,
    is_artifact: bool,
    is_cluster: bool,
    is_legacy: bool,
    pub(super) results: Vec<ResultHead>,
    pub(super) resources: Vec<ResourceHead>,
    bytes: usize,
    too_large: Option<Error>,
}

/// One Kubernetes object.
#[derive(Debug, Default)]
pub(super) struct ResourceHead {
    pub(super) namespace: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) failed: bool,
    pub(super) first_result: usize,
    pub(super) end_result: usize,
}

/// The keys at the top of a report.
#[derive(Deserialize)]
#[serde(field_identifier)]
pub(super) enum TopKey {
    SchemaVersion,
    Trivy,
    CreatedAt,
    ArtifactID,
    ArtifactName,
    ArtifactType,
    Metadata,
    Results,
    ClusterName,
    Resources,
    Findings,
    Vulnerabilities,
    Misconfigurations,
    #[serde(other)]
    Other,
}

/// The keys of a Kubernetes object.
#[derive(Deserialize)]
#[serde(field_identifier)]
pub(super) enum ResourceKey {
    Namespace,
    Kind,
    Name,
    Error,
    Results,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(field_identifier)]
enum ResultKey {
    Target,
    Class,
    Type,
    Vulnerabilities,
    Packages,
    #[serde(other)]
    Other,
}

/// A field that holds a name.
#[derive(Deserialize)]
struct Name(#[serde(deserialize_with = "text::name")] Option<String>);

#[derive(Deserialize)]
struct Time(#[serde(deserialize_with = "text::time")] Option<Timestamp>);

#[derive(Deserialize)]
struct TrivyInfo {
    #[serde(rename = "Version", default, deserialize_with = "text::name")]
    version: Option<String>,
}

fn name<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    Ok(map.next_value::<Name>()?.0)
}

impl Facts {
    /// Adds `bytes` to what the facts take; an error if that is more than they may.
    fn grow<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.bytes += bytes;
        let full = self.results.len() > limits::REPORT_RESULTS
            || self.resources.len() > limits::REPORT_RESULTS
            || self.bytes > limits::REPORT_FACTS_BYTES;
        if !full {
            return Ok(());
        }
        let detail = format!(
            "the report has more than {} scan results, or their names take more than {} MiB",
            limits::REPORT_RESULTS,
            limits::REPORT_FACTS_BYTES >> 20,
        );
        self.too_large = Some(Error::new(Code::TooLarge, detail.clone()));
        Err(E::custom(detail))
    }

    fn into_head(mut self) -> Result<Head> {
        if self.is_cluster && self.is_artifact {
            return Err(Error::new(
                Code::BadReport,
                "the report is of one artifact (Results) and of a cluster (Resources) at once",
            ));
        }
        let (assets, owners) = if self.is_cluster {
            assets::of_cluster(&self)?
        } else if self.is_legacy {
            assets::of_legacy(&self)
        } else if self.is_artifact {
            (vec![assets::of_artifact(&self)?], Vec::new())
        } else {
            return Err(Error::new(
                Code::BadReport,
                "this is no Trivy report: it has none of ArtifactName, Results, ClusterName, Resources",
            ));
        };
        Ok(Head {
            created_at: self.created_at,
            trivy_version: self.trivy_version.take(),
            results: self.results,
            assets,
            owners,
        })
    }
}

impl Fields for Facts {
    type Key = TopKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: TopKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            TopKey::SchemaVersion => check_schema(map.next_value()?)?,
            TopKey::Trivy => {
                self.trivy_version = map.next_value::<Option<TrivyInfo>>()?.and_then(|t| t.version);
            }
            TopKey::CreatedAt => self.created_at = map.next_value::<Time>()?.0,
            TopKey::ArtifactID => self.artifact_id = name(map)?,
            TopKey::ArtifactName => {
                self.is_artifact = true;
                self.artifact_name = name(map)?;
            }
            TopKey::ArtifactType => {
                self.is_artifact = true;
                self.artifact_type = name(map)?;
            }
            TopKey::Metadata => {
                self.metadata = map.next_value::<Option<Metadata>>()?.unwrap_or_default();
            }
            TopKey::Results => {
                self.is_artifact = true;
                map.next_value_seed(Array(&mut Results(self)))?;
            }
            TopKey::ClusterName => {
                self.is_cluster = true;
                self.cluster = name(map)?;
            }
            TopKey::Resources
            | TopKey::Findings
            | TopKey::Vulnerabilities
            | TopKey::Misconfigurations => {
                self.is_cluster = true;
                map.next_value_seed(Array(&mut Resources(self)))?;
            }
            TopKey::Other => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

fn check_schema<E: serde::de::Error>(version: Option<u64>) -> Result<(), E> {
    match version {
        None | Some(0..=2) => Ok(()),
        Some(n) => Err(E::custom(format!("schema version {n}; 2 is the newest that is known"))),
    }
}

/// The old array: results at the top.
impl Items for Facts {
    fn begin(&mut self) {
        self.is_legacy = true;
    }

    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        Results(self).item(element)?;
        match self.results.last() {
            Some(result) if !result.target.is_empty() => Ok(()),
            _ => Err(D::Error::custom("a result without Target")),
        }
    }
}

struct Resources<'f>(&'f mut Facts);

impl Items for Resources<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let first_result = self.0.results.len();
        let head = ResourceHead { first_result, ..ResourceHead::default() };
        let mut resource = Resource { facts: &mut *self.0, head };
        Object(&mut resource).deserialize(element)?;
        let mut head = resource.head;
        if head.name.is_none() {
            return Err(D::Error::custom("a resource without Name"));
        }
        head.end_result = self.0.results.len();
        // Thrice: the name, the asset's name and the look-up by it; and the records themselves.
        let names = [&head.namespace, &head.kind, &head.name];
        let bytes: usize = names.into_iter().flatten().map(String::len).sum();
        self.0.resources.push(head);
        self.0.grow(3 * bytes + 800)
    }
}

struct Resource<'f> {
    facts: &'f mut Facts,
    head: ResourceHead,
}

impl Fields for Resource<'_> {
    type Key = ResourceKey;

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: ResourceKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            ResourceKey::Namespace => self.head.namespace = name(map)?,
            ResourceKey::Kind => self.head.kind = name(map)?,
            ResourceKey::Name => self.head.name = name(map)?,
            ResourceKey::Error => {
                let error: Option<Line> = map.next_value()?;
                self.head.failed |= error.is_some_and(|e| e.0.is_some());
            }
            ResourceKey::Results => {
                map.next_value_seed(Array(&mut Results(&mut *self.facts)))?;
            }
            ResourceKey::Other => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Line(#[serde(deserialize_with = "text::line")] Option<String>);

struct Results<'f>(&'f mut Facts);

impl Items for Results<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let mut draft = Draft::default();
        Object(&mut draft).deserialize(element)?;
        let head = draft.finish();
        // In the old array each result is an asset too.
        let factor = if self.0.is_legacy { 4 } else { 1 };
        let bytes = head.target.len() + head.kind.as_ref().map_or(0, String::len) + 128;
        self.0.results.push(head);
        self.0.grow(factor * bytes)
    }
}

#[derive(Default)]
struct Draft {
    target: Option<String>,
    class: Option<String>,
    kind: Option<String>,
    has_vulnerabilities: bool,
    lists_packages: bool,
}

impl Draft {
    fn finish(self) -> ResultHead {
        let class = self.class.as_deref();
        let is_system = match class {
            Some(class) => class == "os-pkgs",
            None => self.kind.as_deref().is_some_and(words::is_system),
        };
        let is_packages =
            self.has_vulnerabilities || matches!(class, Some("os-pkgs" | "lang-pkgs"));
        let target = self.target.unwrap_or_default();
        let lists_packages = is_packages && self.lists_packages;
        ResultHead { target, kind: self.kind, is_system, is_packages, lists_packages }
    }
}

impl Fields for Draft {
    type Key = ResultKey;

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: ResultKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            ResultKey::Target => self.target = name(map)?,
            ResultKey::Class => self.class = name(map)?,
            ResultKey::Type => self.kind = name(map)?,
            ResultKey::Vulnerabilities => {
                self.has_vulnerabilities = true;
                map.next_value::<IgnoredAny>()?;
            }
            ResultKey::Packages => {
                let packages = map.next_value::<Option<Vec<IgnoredAny>>>()?;
                self.lists_packages = packages.is_some_and(|list| !list.is_empty());
            }
            ResultKey::Other => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}
