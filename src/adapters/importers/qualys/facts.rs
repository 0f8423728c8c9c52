//! The first pass over XML: what a report says of itself, and its glossary.

use std::collections::HashMap;

use super::detection::{self, Knowledge};
use crate::adapters::importers::network::{checks, dates};
use crate::adapters::importers::xml::{Event, Node, Xml};
use crate::adapters::importers::{Report, text};
use crate::base::{Code, Error, Result, limits};
use crate::domain::observation::{ReportInfo, VulnerabilityObservation};
use crate::domain::severity::CvssScore;

/// What the first pass has found.
#[derive(Debug, Default)]
pub struct Facts {
    /// About the report.
    pub info: ReportInfo,
    /// What the report lists of a host is all that there is.
    pub whole: bool,
    /// What the QIDs are.
    pub glossary: HashMap<String, Knowledge>,
    bytes: usize,
}

/// The kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `SCAN`.
    Scan,
    /// `ASSET_DATA_REPORT`.
    Assets,
    /// `HOST_LIST_VM_DETECTION_OUTPUT`.
    Detections,
}

/// Takes the outermost element.
pub fn begin(xml: &mut Xml) -> Result<Kind> {
    match xml.next_start()?.as_ref().map(|root| root.name.as_str()) {
        Some("SCAN") => Ok(Kind::Scan),
        Some("ASSET_DATA_REPORT") => Ok(Kind::Assets),
        Some("HOST_LIST_VM_DETECTION_OUTPUT") => Ok(Kind::Detections),
        _ => Err(Error::new(
            Code::BadReport,
            "this is no Qualys report: its root is none of SCAN, ASSET_DATA_REPORT, \
             HOST_LIST_VM_DETECTION_OUTPUT",
        )),
    }
}

/// Reads the facts; hosts are passed over, and where nothing follows them, not even that.
pub fn read(report: &Report) -> Result<Facts> {
    let mut xml = Xml::peek(report)?;
    let kind = begin(&mut xml)?;
    let mut facts = Facts { whole: kind == Kind::Assets, ..Facts::default() };
    facts.info.scanner = "qualys".into();
    while let Some(event) = xml.next()? {
        let Event::Start(element) = event else { continue };
        match (kind, element.name.as_str()) {
            (Kind::Scan, "IP") | (Kind::Detections, "HOST") => break,
            (Kind::Assets, "HOST_LIST") => xml.skip()?,
            (Kind::Scan, "KEY") => facts.add_key(&xml.node(element)?),
            (Kind::Detections, "DATETIME") | (Kind::Assets, "GENERATION_DATETIME") => {
                facts.info.created_at = xml.node(element)?.text().and_then(dates::read);
            }
            (Kind::Assets, "SELECTIVE_VULNS") => facts.whole = false,
            (Kind::Assets, "VULN_DETAILS") => {
                let details = xml.node(element)?;
                facts.add_details(&details)?;
            }
            _ => {}
        }
    }
    Ok(facts)
}

impl Facts {
    /// `<KEY value="STATUS">FINISHED</KEY>`
    fn add_key(&mut self, key: &Node) {
        match key.attr("value") {
            Some("DATE") => self.info.created_at = key.text().and_then(dates::read),
            Some("STATUS") => self.whole = key.text() == Some("FINISHED"),
            _ => {}
        }
    }

    fn add_details(&mut self, details: &Node) -> Result<()> {
        let Some(qid) = details.text_of("QID") else { return Ok(()) };
        let knowledge = knowledge(details);
        let v = &knowledge.vulnerability;
        let texts = [&v.title, &v.description, &v.solution].into_iter().flatten();
        let lists = v.references.iter().chain(&knowledge.names).chain(&knowledge.exploited);
        self.bytes += 500 + texts.chain(lists).map(String::len).sum::<usize>();
        if self.bytes > limits::REPORT_FACTS_BYTES {
            let mib = limits::REPORT_FACTS_BYTES >> 20;
            let detail = format!("the glossary of the report takes more than {mib} MiB");
            return Err(Error::new(Code::TooLarge, detail));
        }
        self.glossary.insert(text::clip(qid, 20).to_owned(), knowledge);
        Ok(())
    }
}

/// What an element says of a QID: `VULN_DETAILS` of a glossary, `VULN` of a scan.
pub fn knowledge(node: &Node) -> Knowledge {
    let of_list = |list: &str, item: &str, field: &str| {
        let items = node.child(list).into_iter().flat_map(|l| l.all(item).collect::<Vec<_>>());
        items.filter_map(|i| i.text_of(field)).collect::<Vec<_>>().join("\n")
    };
    let listed = of_list("CVE_ID_LIST", "CVE_ID", "ID");
    let names = checks::cves(&format!("{listed} {}", node.attr("cveid").unwrap_or_default()));
    let texts =
        [("", "THREAT"), ("", "DIAGNOSIS"), ("Impact", "IMPACT"), ("Impact", "CONSEQUENCE")];
    let mut description = String::new();
    for (title, element) in texts {
        if let Some(words) = node.text_of(element).and_then(detection::words) {
            let gap = if description.is_empty() { "" } else { "\n\n" };
            let title = if title.is_empty() { String::new() } else { format!("{title}: ") };
            description.extend([gap, &title, &words]);
        }
    }
    let correlation = node.at(&["CORRELATION", "EXPLOITABILITY"]);
    let mut exploits = String::new();
    let sources = correlation.into_iter().flat_map(|e| e.all("EXPLT_SRC"));
    for exploit in sources.filter_map(|s| s.child("EXPLT_LIST")).flat_map(|l| l.all("EXPLT")) {
        exploits.push_str(exploit.text_of("REF").unwrap_or_default());
        exploits.push('\n');
    }
    Knowledge {
        severity: node.text_of("SEVERITY").or(node.attr("severity")).map(str::to_owned),
        exploited: checks::cves(&exploits),
        names,
        vulnerability: VulnerabilityObservation {
            title: node.text_of("TITLE").and_then(text::to_line),
            description: text::to_text(&description),
            solution: node.text_of("SOLUTION").and_then(detection::words),
            cvss: scores(node),
            references: checks::links(&of_list("VENDOR_REFERENCE_LIST", "VENDOR_REFERENCE", "URL")),
            exploit: !exploits.is_empty(),
            ..VulnerabilityObservation::default()
        },
    }
}

fn scores(node: &Node) -> Vec<CvssScore> {
    let base = |group: &str, element: &str| {
        node.text_of(element).or_else(|| node.child(group)?.text_of(element))
    };
    let scores = [
        detection::score("qualys", "2", base("CVSS_SCORE", "CVSS_BASE")),
        detection::score("qualys", "3", base("CVSS3_SCORE", "CVSS3_BASE")),
    ];
    scores.into_iter().flatten().collect()
}
