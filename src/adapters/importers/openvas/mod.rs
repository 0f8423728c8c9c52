//! OpenVAS / Greenbone: the XML report (`report`, also wrapped in another `report` or in the
//! answer `get_reports_response` of the management protocol, GMP 7 to 22), a list of
//! results (`get_results_response`), and the CSV export with or without QoD.
//!
//! Two passes over XML, because hosts stand behind results: the first takes the facts about
//! hosts, filter and state of the scan; the second hands over result by result. A
//! `result` inside of a `result` (what a detection is based on) is part of it and not
//! another.
//!
//! What things become:
//!
//! - **Asset**: the host, by its address as the results give it; host name, MAC and operating
//!   system are from the result and from the host's details. Server.
//! - **Complete** (XML): for the network if the scan is done, the host's scan has ended
//!   without errors, and the report's filter leaves out nothing but log messages and
//!   results of a QoD below 70; for packages in addition if a login worked. A CSV
//!   file does not say what it leaves out: nothing.
//! - **Finding**: a result with a threat above "log", or that names a CVE; one for each CVE,
//!   else `OPENVAS-<OID>`. Severity as the report's threat says, else by its number. CVSS
//!   by NVT, so it counts only if the NVT names no more than one CVE; the QoD ends the
//!   evidence.
//! - **Component**: the package that the text names as vulnerable; else the product that was
//!   detected, with the installed version and path that the text names; else the service, else
//!   `host`. The port is the place; `general/tcp` is none.
//! - **Kind**: packages → packages of the operating system, else network.
//! - **Skipped**: log messages (informational; their ports become services), results that an
//!   override makes false positives (suppressed), empty rows.

mod csv;
mod facts;
mod nvt;
#[cfg(test)]
mod tests;
mod xml;

use super::{Importer, Report, Sink, Syntax, peek};
use crate::base::Result;

/// OpenVAS.
pub struct OpenVas;

impl Importer for OpenVas {
    fn name(&self) -> &'static str {
        "openvas"
    }

    fn title(&self) -> &'static str {
        "OpenVAS / Greenbone (XML report, CSV)"
    }

    fn syntax(&self) -> Syntax {
        Syntax::Xml
    }

    fn recognises(&self, head: &[u8]) -> bool {
        is_report(head) || csv::recognises(head)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        if csv::recognises(&report.head(64 << 10)?) {
            csv::read(report, sink)
        } else {
            xml::read(report, sink)
        }
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/openvas/dd-one_vuln.xml")
    }
}

/// Other programs, too, call their root `report`.
fn is_report(head: &[u8]) -> bool {
    let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    match peek::root_element(head) {
        Some("get_reports_response" | "get_results_response") => true,
        Some("report" | "results") => {
            let tag = peek::root_tag(head).unwrap_or_default();
            let marks = ["<gmp>", "<omp>", "<nvt oid=", "<report_format", "<scan_run_status>"];
            tag.contains("format_id=") || marks.iter().any(|mark| has(mark))
        }
        _ => false,
    }
}
