//! Memory does not depend on the size of the report, whatever its format.

use std::io::{Read, Write};
use std::process::Command;

use super::input::Limits;
use super::testing::{peak_kib, zstd};
use super::{Report, choose};
use crate::domain::observation::Observation;

/// Formats with what begins a report, one entry, and what ends it.
const REPORTS: &[(&str, &str, &str, &str)] = &[
    (
        "nessus",
        "<NessusClientData_v2><Report><ReportHost name=\"a\"><HostProperties/>",
        "<ReportItem port=\"80\" svc_name=\"www\" protocol=\"tcp\" severity=\"3\" pluginID=\"1\" \
         pluginName=\"x\"><cve>CVE-2020-0001</cve><plugin_output>Installed version : 1\n\
         </plugin_output><description>PAD</description></ReportItem>\n",
        "</ReportHost></Report></NessusClientData_v2>",
    ),
    (
        "nessus",
        "Plugin ID,CVE,Risk,Host,Protocol,Port,Name,Description\n",
        "1,CVE-2020-0001,High,a,tcp,80,x,PAD\n",
        "",
    ),
    (
        "openvas",
        "<report format_id=\"x\"><report><scan_run_status>Done</scan_run_status><results>",
        "<result><host>10.0.0.1</host><port>80/tcp</port><threat>High</threat><nvt oid=\"1.2\">\
         <tags>summary=PAD</tags></nvt></result>\n",
        "</results><host><ip>10.0.0.1</ip></host></report></report>",
    ),
    (
        "qualys",
        "<HOST_LIST_VM_DETECTION_OUTPUT><HOST_LIST><HOST><IP>10.0.0.1</IP><DETECTION_LIST>",
        "<DETECTION><QID>1</QID><SEVERITY>4</SEVERITY><RESULTS>PAD</RESULTS></DETECTION>\n",
        "</DETECTION_LIST></HOST></HOST_LIST></HOST_LIST_VM_DETECTION_OUTPUT>",
    ),
    (
        "nmap",
        "<nmaprun>",
        "<host><address addr=\"10.0.0.1\" addrtype=\"ipv4\"/><ports><port protocol=\"tcp\" \
         portid=\"80\"><state state=\"open\"/><script id=\"x\" output=\"PAD\"/></port></ports></host>\n",
        "</nmaprun>",
    ),
    (
        "nuclei",
        "",
        "{\"template-id\":\"x\",\"host\":\"a\",\"info\":{\"severity\":\"high\",\"description\":\"PAD\"}}\n",
        "",
    ),
    (
        "wazuh",
        "{\"hits\":{\"hits\":[{\"_index\":\"wazuh-states-vulnerabilities\"}",
        ",{\"_source\":{\"agent\":{\"name\":\"a\"},\"package\":{\"name\":\"x\"},\"vulnerability\":\
         {\"id\":\"CVE-2020-0001\",\"description\":\"PAD\"}}}\n",
        "]}}",
    ),
    ("generic-csv", "cve,severity,host,description\n", "CVE-2020-0001,high,a,PAD\n", ""),
];

/// A report of about `left` bytes, made while it is read.
struct Inflated {
    pending: Vec<u8>,
    entry: Vec<u8>,
    end: Option<&'static str>,
    left: usize,
}

impl Read for Inflated {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.pending.is_empty() && self.left > 0 {
            self.left = self.left.saturating_sub(self.entry.len());
            self.pending.extend_from_slice(&self.entry);
        } else if self.pending.is_empty() {
            self.pending.extend(self.end.take().unwrap_or_default().bytes());
        }
        let n = buf.len().min(self.pending.len());
        buf[..n].copy_from_slice(&self.pending[..n]);
        self.pending.drain(..n);
        Ok(n)
    }
}

/// Imports a report of each format; returns the findings and services of all.
fn import_all(bytes: usize) -> usize {
    let mut count = 0;
    for (format, begin, entry, end) in REPORTS {
        let entry = entry.replace("PAD", &"word ".repeat(100)).into_bytes();
        let report =
            Inflated { pending: begin.as_bytes().to_vec(), entry, end: Some(end), left: bytes };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&zstd(report)).unwrap();
        let report = Report::new(file.path(), Limits::default());
        let before = count;
        let importer = choose(format, b"").unwrap();
        importer
            .import(&report, &mut |observation| {
                let is_one =
                    matches!(observation, Observation::Finding(_) | Observation::Service(_));
                count += usize::from(is_one);
                Ok(())
            })
            .unwrap();
        assert!(count > before + bytes / 4000, "{format}: {}", count - before);
    }
    count
}

const CHILD: &str = "VULNZERO_TEST_MEMORY_OF_FORMATS";

/// Runs itself in a process of its own, because the peak is that of a whole process.
#[test]
fn memory_does_not_grow_with_reports_of_any_format() {
    if std::env::var_os(CHILD).is_some() {
        import_all(100_000);
        let small = peak_kib().unwrap();
        let count = import_all(4 << 20);
        let large = peak_kib().unwrap();
        println!("{count} findings and services, {small} KiB, {large} KiB");
        assert!(large < small + 4 * 1024, "{small} KiB grew to {large} KiB");
        return;
    }
    if peak_kib().is_none() {
        println!("skipped: no /proc/self/status");
        return;
    }
    let this = concat!(module_path!(), "::memory_does_not_grow_with_reports_of_any_format");
    let (_, test) = this.split_once("::").unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "yes")
        .status();
    assert!(status.unwrap().success());
}
