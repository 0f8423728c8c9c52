//! SPDX documents in JSON, versions 2.2 and 2.3: bills of materials. Version 3 (JSON-LD),
//! tag-value, RDF and spreadsheets are other formats and not here.
//!
//! What things become:
//!
//! - **Asset**: the package that the document describes (`documentDescribes`, or a
//!   relationship of the document), if it is exactly one; else what the document is named
//!   after. Version: a tag. Identifiers: package URL, digests, image tags.
//! - **Type**: by the package's purpose; a container also by its SPDX id, or where Syft says
//!   in the document's namespace that it scanned an image. Files and folders → repository.
//! - **Component**: every other package, by its first package URL, version and CPE. Not
//!   operating systems, files, and applications without a version (Trivy's lock files):
//!   skipped (informational). Path, layer and source package are taken from what Syft and
//!   Trivy write into `sourceInfo` and annotations, in words that never vary.
//! - **Inventory**: the kinds of packages that are there. **Complete**: nothing, for a bill
//!   of materials is no search for vulnerabilities.
//! - **Finding**: a reference of category SECURITY and type `advisory` that names an id.
//!   Fixes and other references of that category say nothing about the package being
//!   affected (informational); an advisory without an id is unidentified.

mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Head, Package, Relationship};
use super::emit::Emitter;
use super::entries::{self, Place};
use super::packages::Census;
use super::peek::Keys;
use super::{Importer, Report, Sink, json, text};
use crate::base::{Code, Error, Result, limits};
use crate::domain::observation::SkipReason;

/// SPDX in JSON.
pub struct SpdxJson;

impl Importer for SpdxJson {
    fn name(&self) -> &'static str {
        "spdx-json"
    }

    fn title(&self) -> &'static str {
        "SPDX JSON (versions 2.2 and 2.3)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let by_packages = keys.has(1, "packages") && keys.has_all(3, &["SPDXID"]);
        keys.is_object()
            && (keys.has(1, "spdxVersion")
                || keys.has_all(1, &["SPDXID", "documentNamespace"])
                || by_packages)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head: Head = json::head(report)?;
        check(&head)?;
        let subject = Subject::find(report, &head)?;
        let mut emitter = Emitter::begin(report, sink, head.info())?;
        emitter.asset(translate::asset(&head, &subject))?;
        entries::each(report, &["packages"], &mut |place, package: Package| {
            emit(&package, place, &subject, &mut emitter)
        })
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/spdx-json/dd-spdx_many_vuln.json")
    }
}

fn check(head: &Head) -> Result<()> {
    let version = head.spdx_version.as_deref();
    let detail = match version {
        Some(version) if version.starts_with("SPDX-2.") => return Ok(()),
        Some(version) => {
            let version = text::clip(version, 40);
            format!("SPDX version '{version}' is not read, only 2.2 and 2.3")
        }
        None if head.id.is_some() => return Ok(()),
        None => "this is no SPDX document: it has neither spdxVersion nor SPDXID".to_owned(),
    };
    Err(Error::new(Code::BadReport, detail))
}

/// What the document is about, and what its packages together say.
#[derive(Debug, Default)]
pub struct Subject {
    /// The package that it describes, if it is exactly one.
    pub package: Option<Package>,
    /// Type and version of the operating system among the packages.
    pub system: Option<(String, Option<String>)>,
    /// The packages.
    pub census: Census,
}

impl Subject {
    fn find(report: &Report, head: &Head) -> Result<Self> {
        let mut described = head.document_describes.clone();
        entries::look(report, &["relationships"], &mut |_, relationship: Relationship| {
            let id = relationship.described().filter(|id| !described.contains(id));
            described.extend(id.filter(|_| described.len() < limits::LIST_VALUES));
            Ok(())
        })?;
        let mut subject = Self::default();
        let mut several = false;
        entries::look(report, &["packages"], &mut |_, package: Package| {
            if package.id.as_ref().is_some_and(|id| described.contains(id)) {
                several |= subject.package.is_some();
                subject.package = Some(package);
                return Ok(());
            }
            subject.add(&package);
            Ok(())
        })?;
        if several {
            subject.package = None;
        }
        Ok(subject)
    }

    fn add(&mut self, package: &Package) {
        if self.system.is_none() && package.is_system() {
            self.system = translate::system(package);
        }
        if let Some(component) = translate::component(package).filter(|_| package.is_component()) {
            self.census.add(&component);
        }
    }

    fn is(&self, package: &Package) -> bool {
        self.package.as_ref().is_some_and(|own| own.id == package.id)
    }
}

fn emit(
    package: &Package,
    place: &Place,
    subject: &Subject,
    emitter: &mut Emitter<'_>,
) -> Result<()> {
    let Some(component) = translate::component(package) else {
        return emitter.skip(SkipReason::Unidentified, place);
    };
    let is_subject = subject.is(package);
    if !is_subject && package.is_component() {
        emitter.component(component.clone())?;
    } else if !is_subject {
        emitter.skip(SkipReason::Informational, place)?;
    }
    for (index, reference) in package.external_refs.iter().flatten().enumerate() {
        let place = || format!("{place}.externalRefs[{index}]");
        if reference.is("SECURITY", "advisory") {
            let findings = translate::findings(reference, &component);
            if findings.is_empty() {
                emitter.skip(SkipReason::Unidentified, place())?;
            }
            findings.into_iter().try_for_each(|finding| emitter.finding(finding))?;
        } else if reference.is("SECURITY", "fix") || reference.is("SECURITY", "url") {
            emitter.skip(SkipReason::Informational, place())?;
        }
    }
    Ok(())
}
