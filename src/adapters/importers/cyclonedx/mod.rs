//! CycloneDX documents in JSON and XML, versions 1.2 to 1.7: bills of materials (SBOM), with
//! or without vulnerabilities (VDR), and exploitability documents (VEX). Also the extension
//! that put vulnerabilities into the components of XML documents before 1.4. Protocol
//! buffers are another format and not here.
//!
//! What things become:
//!
//! - **Asset**: what `metadata.component` describes, if the document lists components (or no
//!   vulnerabilities at all). Its name is the component's, with its group before it; without
//!   one the person who imports names it. Its version is a tag, because the next release is
//!   the same asset. Identifiers: package URL, digests, image tags, the source repository,
//!   and its BOM-Link, by which VEX documents name it; a bare `bom-ref` is unique only in its
//!   document and identifies nothing.
//! - **Type**: container → container; operating-system → server; device and firmware →
//!   network device; file → repository; the rest → application.
//! - **Component**: each with a package URL or CPE, and libraries, frameworks, applications
//!   with a version and the like without. Nested ones too. What is no package (operating
//!   systems, files, data, and applications without a version, which are Trivy's lock files)
//!   is skipped (informational). Path, layer and source package are taken from the properties
//!   of Trivy and Syft and from `evidence`.
//! - **Inventory**: the kinds of components that are there, unless the document says
//!   (`compositions`) that something is incomplete. **Complete**: the same kinds if the
//!   document lists a vulnerability that is open; an empty list is what tools write that did
//!   not look, and one of what does not apply is what people write.
//! - **Finding**: a vulnerability × a component that it affects, in a document with
//!   components, if the state of its analysis is none, `exploitable` or `in_triage`. References
//!   are resolved within the document; one that leads nowhere but is a package URL counts.
//! - **Statement**: of `not_affected`, `false_positive`, `resolved`, `resolved_with_pedigree`
//!   and of versions that are `unaffected`, always; of the rest in documents without
//!   components. A range of versions stands as it is written.
//! - **Advisory**: a vulnerability that affects nothing named.
//! - **Vulnerability**: id by the rules of `ids` from `id` and `references`; description and
//!   detail; recommendation and workaround are the solution.
//! - **Severity**: the rating of the vulnerability's own source, else one without a source,
//!   else NVD's, else the highest.
//! - **Fixed version**: only where Trivy, or an export of ours, recommends one, in words that
//!   never vary.
//! - **Skipped**: vulnerabilities without an id, references that lead nowhere (unidentified).

mod assets;
mod components;
mod import;
mod model;
mod statements;
#[cfg(test)]
mod tests;
mod vulnerabilities;
mod xml;

use self::model::{Component, Head, Vulnerability};
use super::peek::{self, Keys};
use super::{Importer, Report, Sink, Syntax, entries, json};
use crate::base::{Code, Error, Result};

/// CycloneDX in JSON.
pub struct CyclonedxJson;

/// CycloneDX in XML.
pub struct CyclonedxXml;

/// Called with the place and the entry.
type Each<'a, T> = dyn FnMut(&str, T) -> Result<()> + 'a;

/// A document in one of the syntaxes, as the same parts. `look` is for looking ahead: it
/// does not count as progress.
trait Document {
    fn head(&self) -> Result<Head>;
    /// Every component but that of the metadata; nested ones may come inside of others.
    fn components(&self, look: bool, each: &mut Each<'_, Component>) -> Result<()>;
    fn vulnerabilities(&self, look: bool, each: &mut Each<'_, Vulnerability>) -> Result<()>;
}

impl Importer for CyclonedxJson {
    fn name(&self) -> &'static str {
        "cyclonedx-json"
    }

    fn title(&self) -> &'static str {
        "CycloneDX JSON (versions 1.2 to 1.7)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let lists = keys.has(1, "components") || keys.has(1, "vulnerabilities");
        let by_entries = lists && (keys.has(3, "bom-ref") || keys.has(3, "affects"));
        keys.is_object()
            && (keys.has_all(1, &["bomFormat"])
                || (keys.has(1, "specVersion") && lists)
                || by_entries)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        import::import(report, &JsonDocument(report), sink)
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/cyclonedx-json/dd-log4j.json")
    }
}

struct JsonDocument<'r>(&'r Report);

impl Document for JsonDocument<'_> {
    fn head(&self) -> Result<Head> {
        let head: Head = json::head(self.0)?;
        let is_it = head.bom_format.as_deref().is_some_and(|f| f.eq_ignore_ascii_case("CycloneDX"));
        if is_it || (head.bom_format.is_none() && head.spec_version.is_some()) {
            return Ok(head);
        }
        let detail = "this is no CycloneDX document: its bomFormat is not 'CycloneDX'";
        Err(Error::new(Code::BadReport, detail))
    }

    fn components(&self, look: bool, each: &mut Each<'_, Component>) -> Result<()> {
        let read = if look { entries::look } else { entries::each };
        for path in [&["metadata", "component", "components"][..], &["components"]] {
            read(self.0, path, &mut |place, component| each(&place.to_string(), component))?;
        }
        Ok(())
    }

    fn vulnerabilities(&self, look: bool, each: &mut Each<'_, Vulnerability>) -> Result<()> {
        let read = if look { entries::look } else { entries::each };
        read(self.0, &["vulnerabilities"], &mut |place, vulnerability| {
            each(&place.to_string(), vulnerability)
        })
    }
}

impl Importer for CyclonedxXml {
    fn name(&self) -> &'static str {
        "cyclonedx-xml"
    }

    fn title(&self) -> &'static str {
        "CycloneDX XML (versions 1.2 to 1.7)"
    }

    fn syntax(&self) -> Syntax {
        Syntax::Xml
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let root = peek::root_element(head);
        let is_bom = root.is_some_and(|r| r.rsplit(':').next() == Some("bom"));
        let tag = peek::root_tag(head).unwrap_or_default();
        is_bom && tag.contains("cyclonedx.org/schema/bom")
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        import::import(report, &xml::XmlDocument(report), sink)
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/cyclonedx-xml/dd-log4j.xml")
    }
}
