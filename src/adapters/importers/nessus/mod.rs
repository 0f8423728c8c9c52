//! Nessus and its family (Tenable Vulnerability Management, Security Center, Web App
//! Scanning): XML of version 2 (`NessusClientData_v2`, `.nessus`), and CSV: the export of
//! Nessus itself and of Security Center (`Plugin ID, CVE, …`), and that of Tenable
//! Vulnerability Management (`definition.id, …`), with any delimiter.
//!
//! XML is read host by host, item by item. A first look at the beginning of the file, up to the
//! end of the first host, finds out version, time, and whether plugins were switched off.
//!
//! What things become:
//!
//! - **Asset**: the report's host, by its name as given; `host-fqdn`, `host-rdns`,
//!   `host-fqdns`, `host-ip`, `mac-address`, `netbios-name` are further names,
//!   `HOST_START` to `HOST_END` the scan. In CSV `Host`, `FQDN`, `IP Address`, `NetBios`,
//!   `asset.*`. Server, unless `system-type` says otherwise.
//! - **Complete** (XML): for the network if the scan of the host has ended (`HOST_END`) and not
//!   most plugin families were switched off; for packages and other local checks in addition
//!   if it was a scan with credentials. A CSV file does not say what it leaves out:
//!   nothing.
//! - **Finding**: an item that Nessus rates above "none", or that names a CVE; one for
//!   each CVE, else `NESSUS-<plugin>`. Severity as Nessus rates the plugin (0 info to 4
//!   critical). What Nessus says of a plugin with several CVEs as a whole (CVSS, CWE, dates) is
//!   said of none of them, but for CVSS of the one named by `cvss_score_source`.
//! - **Component**: the packages that the output names as installed (`deb`, `rpm`); else the
//!   product of the plugin's CPE with the installed version and path that the output names;
//!   else the service, else `host`. The port is the place; for web applications also the
//!   first address in the output.
//! - **Kind**: packages → packages of the operating system; other local plugins → other; web
//!   applications → web; else network.
//! - **Skipped**: items without risk (informational; their ports become services), compliance
//!   checks (misconfiguration, or passed), in CSV also what is fixed (resolved), what somebody
//!   accepted (suppressed), and empty rows.

mod csv;
mod host;
mod plugin;
#[cfg(test)]
mod tests;
mod xml;

use super::{Importer, Report, Sink, Syntax, peek};
use crate::base::Result;

/// Nessus.
pub struct Nessus;

impl Importer for Nessus {
    fn name(&self) -> &'static str {
        "nessus"
    }

    fn title(&self) -> &'static str {
        "Nessus / Tenable (.nessus XML version 2, CSV)"
    }

    fn syntax(&self) -> Syntax {
        Syntax::Xml
    }

    fn recognises(&self, head: &[u8]) -> bool {
        peek::root_element(head).is_some_and(|root| root == "NessusClientData_v2")
            || csv::recognises(head)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        if csv::recognises(&report.head(64 << 10)?) {
            csv::read(report, sink)
        } else {
            xml::read(report, sink)
        }
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/nessus/reptor-nessus_multi_host.xml")
    }
}
