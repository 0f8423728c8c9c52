//! Scanner reports in, observations out.
//!
//! To add a format: one file here, one line in [`ALL`], one example beside it; the
//! conformance tests iterate over [`ALL`]. `peek` helps to recognise it, `entries` and
//! `json`, `xml`, `table` read it piece by piece, `text`, `lenient` and `cvss` clean what comes in, `emit` hands
//! over what it says; `guard` and `meter` stand before the parsers.

#![allow(
    clippy::struct_field_names,
    reason = "what is read has the names that its format gives it"
)]

mod by_name;
#[cfg(test)]
mod conformance;
mod cvss;
mod ecosystem;
mod emit;
mod entries;
mod guard;
mod ids;
pub mod input;
mod json;
mod kept;
mod lenient;
mod looks;
#[cfg(test)]
mod memory;
mod meter;
mod network;
pub(super) mod packages;
mod peek;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod text;
mod versions;
mod xml;

pub mod aws_inspector2;
pub mod cargo_audit;
pub mod csaf;
pub mod cyclonedx;
pub mod dependabot;
pub mod generic_csv;
pub mod grype;
pub mod inventory;
pub mod nessus;
pub mod nmap;
pub mod npm_audit;
pub mod nuclei;
pub mod openvas;
pub mod openvex;
pub mod osv_scanner;
pub mod pip_audit;
pub mod qualys;
pub mod sarif;
pub mod spdx_json;
pub mod trivy;
pub mod trivy_operator;
pub mod vuls;
pub mod wazuh;

use crate::base::{Code, Error, Result};
use crate::domain::observation::Observation;

pub use input::Report;
pub use looks::doubt;

/// Receives what an importer reads; an error ends the import.
pub type Sink<'a> = dyn FnMut(Observation) -> Result<()> + 'a;

/// How the files of a format are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// One JSON document.
    Json,
    /// JSON documents one after the other.
    JsonLines,
    /// One XML document.
    Xml,
    /// Rows with delimiters, below a header.
    Table,
    /// Lines of text.
    Lines,
}

/// Reads one report format.
pub trait Importer: Sync {
    /// The name for `--format`: `trivy`.
    fn name(&self) -> &'static str;

    /// The tool's name for people, and the format's version range.
    fn title(&self) -> &'static str;

    /// How its files are written.
    fn syntax(&self) -> Syntax {
        Syntax::Json
    }

    /// True if `head`, the first kilobytes of a file, is of this format.
    fn recognises(&self, head: &[u8]) -> bool;

    /// Streams the observations with memory that does not depend on the report's size.
    /// Stops at the first error, whose text names the place (line, column, field).
    /// The report may be opened several times.
    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()>;

    /// A small real report for the documentation and the conformance tests.
    fn example(&self) -> &'static [u8];
}

/// Every importer, tried in this order.
pub const ALL: &[&dyn Importer] = &[
    &trivy::Trivy,
    &trivy_operator::TrivyOperator,
    &grype::Grype,
    &osv_scanner::OsvScanner,
    &npm_audit::NpmAudit,
    &pip_audit::PipAudit,
    &cargo_audit::CargoAudit,
    &dependabot::Dependabot,
    &aws_inspector2::AwsInspector2,
    &vuls::Vuls,
    &nessus::Nessus,
    &openvas::OpenVas,
    &nmap::Nmap,
    &nuclei::Nuclei,
    &qualys::Qualys,
    &wazuh::Wazuh,
    &cyclonedx::CyclonedxJson,
    &cyclonedx::CyclonedxXml,
    &spdx_json::SpdxJson,
    &csaf::Csaf,
    &openvex::OpenVex,
    &sarif::Sarif,
    &inventory::Dpkg,
    &inventory::Rpm,
    &inventory::Apk,
    // Last: takes what no other does.
    &generic_csv::Generic { mapping: None },
];

/// The importer called `name`, or for `auto` the one that recognises the content.
pub fn choose(name: &str, head: &[u8]) -> Result<&'static dyn Importer> {
    let known = || ALL.iter().map(|i| i.name()).collect::<Vec<_>>().join(", ");
    if name != "auto" {
        looks::refuse_container(head)?;
        return ALL.iter().copied().find(|i| i.name() == name).ok_or_else(|| {
            Error::field("format", format!("'{name}' is none of: auto, {}", known()))
        });
    }
    looks::refuse_container(head)?;
    ALL.iter().copied().find(|i| i.recognises(head)).ok_or_else(|| {
        let (like, known) = (looks::like(head), known());
        let detail =
            format!("the content is of none of the known formats: it is {like}; known are {known}");
        Error::new(Code::BadReport, detail)
    })
}
