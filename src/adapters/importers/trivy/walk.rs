//! The second pass: emits what the report says, one entry in memory at a time, with the
//! facts of the first pass at hand.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess};

use super::head::{Head, ResourceKey, ResultHead, TopKey};
use super::model::{Package, Verdict, Vulnerability};
use super::translate;
use crate::adapters::importers::input::Allowance;
use crate::adapters::importers::json::{self, Array, Either, Fields, Items, Object};
use crate::adapters::importers::{Report, Sink};
use crate::base::{Error, Result};
use crate::domain::observation::{Observation, ReportInfo, Skip, SkipReason};

/// Emits the observations of `report`, whose facts are `head`.
pub fn read(report: &Report, head: &Head, sink: &mut Sink<'_>) -> Result<()> {
    sink(Observation::Report(ReportInfo {
        scanner: "trivy".to_owned(),
        scanner_version: head.trivy_version.clone(),
        created_at: head.created_at,
        ..ReportInfo::default()
    }))?;
    if let ([asset], []) = (&head.assets[..], &head.owners[..]) {
        sink(Observation::Asset(Box::new(asset.clone())))?;
    }
    let (failure, no_failure) = (RefCell::new(None), RefCell::new(None));
    let mut nothing = |_: Observation| Ok(());
    let walk = Walk::new(report, head, sink, &failure);
    let again = Walk::new(report, head, &mut nothing, &no_failure);
    let result = json::parse(report, report.open()?, Pass(walk), || {
        failure.borrow().is_none().then_some(Pass(again))
    });
    match failure.into_inner() {
        Some(error) => Err(error),
        None => result,
    }
}

struct Walk<'a> {
    head: &'a Head,
    sink: &'a mut Sink<'a>,
    /// The error of the sink or of a limit; serde carries only its text.
    failure: &'a RefCell<Option<Error>>,
    allowance: Allowance,
    next_result: usize,
    next_owner: usize,
    current: Option<usize>,
}

struct Pass<'a>(Walk<'a>);

impl<'de> DeserializeSeed<'de> for Pass<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, d: D) -> Result<(), D::Error> {
        Either(&mut self.0).deserialize(d)
    }
}

impl<'a> Walk<'a> {
    fn new(
        report: &Report,
        head: &'a Head,
        sink: &'a mut Sink<'_>,
        failure: &'a RefCell<Option<Error>>,
    ) -> Self {
        let allowance = report.allowance();
        Self { head, sink, failure, allowance, next_result: 0, next_owner: 0, current: None }
    }

    fn stop<T, E: serde::de::Error>(&self, result: Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            let text = error.to_string();
            *self.failure.borrow_mut() = Some(error);
            E::custom(text)
        })
    }

    fn skip<E: serde::de::Error>(
        &mut self,
        reason: SkipReason,
        list: &str,
        index: usize,
    ) -> Result<(), E> {
        let place = format!("result {}, {list}[{index}]", self.next_result);
        self.emit(Observation::Skipped(Skip { reason, place }))
    }

    fn emit<E: serde::de::Error>(&mut self, observation: Observation) -> Result<(), E> {
        let result = (self.sink)(observation);
        self.stop(result)
    }

    /// Begins the next resource or, in the old array, result: emits the asset that it is
    /// about.
    fn begin<E: serde::de::Error>(&mut self) -> Result<(), E> {
        let head = self.head;
        let owner = *head.owners.get(self.next_owner).ok_or_else(changed)?;
        self.next_owner += 1;
        if let Some(index) = owner
            && self.current != owner
        {
            self.current = owner;
            self.emit(Observation::Asset(Box::new(head.assets[index].clone())))?;
        }
        Ok(())
    }
}

/// Both passes see the same file; unless somebody writes to it.
fn changed<E: serde::de::Error>() -> E {
    E::custom("the report has changed while it was read")
}

impl Fields for Walk<'_> {
    type Key = TopKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: TopKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            TopKey::Results => map.next_value_seed(Array(&mut Results(self))),
            TopKey::Resources
            | TopKey::Findings
            | TopKey::Vulnerabilities
            | TopKey::Misconfigurations => map.next_value_seed(Array(&mut Resources(self))),
            TopKey::SchemaVersion
            | TopKey::Trivy
            | TopKey::CreatedAt
            | TopKey::ArtifactID
            | TopKey::ArtifactName
            | TopKey::ArtifactType
            | TopKey::Metadata
            | TopKey::ClusterName
            | TopKey::Other => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

/// The old array: results at the top.
impl Items for Walk<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        self.begin()?;
        Results(self).item(element)
    }
}

struct Resources<'w, 'a>(&'w mut Walk<'a>);

impl Items for Resources<'_, '_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        self.0.begin()?;
        Object(&mut Resource(&mut *self.0)).deserialize(element)
    }
}

struct Resource<'w, 'a>(&'w mut Walk<'a>);

impl Fields for Resource<'_, '_> {
    type Key = ResourceKey;

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: ResourceKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            ResourceKey::Results => map.next_value_seed(Array(&mut Results(&mut *self.0))),
            ResourceKey::Namespace
            | ResourceKey::Kind
            | ResourceKey::Name
            | ResourceKey::Error
            | ResourceKey::Other => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

struct Results<'w, 'a>(&'w mut Walk<'a>);

impl Items for Results<'_, '_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let head = self.0.head;
        let result = head.results.get(self.0.next_result).ok_or_else(changed)?;
        self.0.next_result += 1;
        Object(&mut ScanResult { walk: &mut *self.0, result }).deserialize(element)
    }
}

struct ScanResult<'w, 'a> {
    walk: &'w mut Walk<'a>,
    result: &'a ResultHead,
}

/// The lists of a result.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum ListKey {
    Vulnerabilities,
    Packages,
    Misconfigurations,
    Secrets,
    Licenses,
    ExperimentalModifiedFindings,
    #[serde(other)]
    Other,
}

impl Fields for ScanResult<'_, '_> {
    type Key = ListKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: ListKey, map: &mut A) -> Result<(), A::Error> {
        let walk = &mut *self.walk;
        let (list, reason): (_, fn(&str) -> Option<SkipReason>) = match key {
            ListKey::Vulnerabilities => {
                let result = self.result;
                return map.next_value_seed(Array(&mut Vulnerabilities { walk, result, index: 0 }));
            }
            ListKey::Packages => {
                let result = self.result;
                return map.next_value_seed(Array(&mut Packages { walk, result }));
            }
            ListKey::Misconfigurations => ("Misconfigurations", |status| match status {
                "PASS" | "EXCEPTION" => None,
                _ => Some(SkipReason::Misconfiguration),
            }),
            ListKey::Secrets => ("Secrets", |_| Some(SkipReason::Secret)),
            ListKey::Licenses => ("Licenses", |_| Some(SkipReason::License)),
            ListKey::ExperimentalModifiedFindings => {
                ("ExperimentalModifiedFindings", |status| match status {
                    "not_affected" => Some(SkipReason::NotAffected),
                    _ => Some(SkipReason::Suppressed),
                })
            }
            ListKey::Other => return map.next_value::<IgnoredAny>().map(drop),
        };
        map.next_value_seed(Array(&mut Skipped { walk, list, reason, index: 0 }))
    }
}

struct Vulnerabilities<'w, 'a> {
    walk: &'w mut Walk<'a>,
    result: &'a ResultHead,
    index: usize,
}

impl Items for Vulnerabilities<'_, '_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let vulnerability = Vulnerability::deserialize(element)?;
        let finding = translate::finding(vulnerability, self.result);
        self.index += 1;
        if finding.status.as_deref() == Some("not_affected") {
            return self.walk.skip(SkipReason::NotAffected, "Vulnerabilities", self.index - 1);
        }
        let taken = self.walk.allowance.take();
        self.walk.stop::<_, D::Error>(taken)?;
        self.walk.emit(Observation::Finding(Box::new(finding)))
    }
}

struct Packages<'w, 'a> {
    walk: &'w mut Walk<'a>,
    result: &'a ResultHead,
}

impl Items for Packages<'_, '_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let package = Package::deserialize(element)?;
        // What belongs to no asset is listed for nothing.
        let Some(component) = translate::package(package, self.result) else { return Ok(()) };
        if !self.result.is_packages {
            return Ok(());
        }
        let taken = self.walk.allowance.take();
        self.walk.stop::<_, D::Error>(taken)?;
        self.walk.emit(Observation::Component(Box::new(component)))
    }
}

/// Entries that are counted only.
struct Skipped<'w, 'a> {
    walk: &'w mut Walk<'a>,
    list: &'static str,
    index: usize,
    /// Why an entry with this status is skipped; `None`: it is no finding at all.
    reason: fn(&str) -> Option<SkipReason>,
}

impl Items for Skipped<'_, '_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let verdict = Verdict::deserialize(element)?;
        self.index += 1;
        match (self.reason)(verdict.status.as_deref().unwrap_or_default()) {
            Some(reason) => self.walk.skip(reason, self.list, self.index - 1),
            None => Ok(()),
        }
    }
}
