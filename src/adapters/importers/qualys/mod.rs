//! Qualys: three kinds of XML and two of CSV.
//!
//! - `SCAN`: the result of one scan, also as the web page offers it;
//! - `ASSET_DATA_REPORT`: a report by template, whose glossary behind the hosts says what the
//!   QIDs are;
//! - `HOST_LIST_VM_DETECTION_OUTPUT`: the answer of the API, which names QIDs only;
//! - CSV of a report or scan (`IP, …, QID, Title, …`), and of VMDR (`CVE, …, QID, …, Asset
//!   Id, …`).
//!
//! What things become:
//!
//! - **Asset**: the host by its address (VMDR: by its name); DNS and NetBIOS names, further
//!   addresses, operating system, ids of the cloud and of the agent are facts about it.
//!   Server.
//! - **Complete**: for the network if a `SCAN` is finished; if an `ASSET_DATA_REPORT` is not
//!   restricted to chosen QIDs. The API's answer may be one page of several, a CSV file does
//!   not say what it leaves out: nothing. What needed a login (category `Local` of a
//!   `SCAN`) is of the kind "other" and never closed by a scan.
//! - **Finding**: a detection that is no gathered information, or that names a CVE; one for
//!   each CVE, else `QID-<number>`. Severity by Qualys's five levels: 5 critical, 4 high, 3
//!   medium, 2 low, 1 info; gathered information is info. What is said of a QID with
//!   several CVEs as a whole (CVSS) is said of none; exploits are listed by CVE.
//! - **Component**: the packages that a result's table lists with installed and required
//!   version; else the service, else `host`. The port is the place, an instance its
//!   fingerprint.
//! - **Skipped**: gathered information (informational; its ports become services), what is
//!   fixed (resolved), ignored or disabled (suppressed), rows that name no QID or host
//!   (unidentified), empty rows.

mod csv;
mod detection;
mod facts;
#[cfg(test)]
mod tests;
mod xml;

use super::{Importer, Report, Sink, Syntax, peek};
use crate::base::Result;

/// Qualys.
pub struct Qualys;

impl Importer for Qualys {
    fn name(&self) -> &'static str {
        "qualys"
    }

    fn title(&self) -> &'static str {
        "Qualys (scan and asset XML, VM detection API, CSV, VMDR CSV)"
    }

    fn syntax(&self) -> Syntax {
        Syntax::Xml
    }

    fn recognises(&self, head: &[u8]) -> bool {
        match peek::root_element(head) {
            Some("ASSET_DATA_REPORT" | "HOST_LIST_VM_DETECTION_OUTPUT") => true,
            // Other programs, too, may call their root so.
            Some("SCAN") => {
                let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
                has("qualys") || has("<SCAN value=\"scan/")
            }
            _ => csv::recognises(head),
        }
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        if csv::recognises(&report.head(64 << 10)?) {
            csv::read(report, sink)
        } else {
            xml::read(report, sink)
        }
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/qualys/dd-qualys_infrascan_webgui_1.xml")
    }
}
