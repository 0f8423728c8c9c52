//! The first pass: what a report says of the scan and of each host.

use std::collections::HashMap;

use crate::adapters::importers::network::{dates, hosts};
use crate::adapters::importers::xml::{Event, Node, Xml};
use crate::adapters::importers::{Report, text};
use crate::base::{Code, Error, Result, limits};
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{AssetObservation, ReportInfo};
use crate::domain::scan::ScanKind;

/// Roots of documents that hold results.
const ROOTS: &[&str] = &["report", "results", "get_reports_response", "get_results_response"];

/// What the first pass has found.
#[derive(Debug, Default)]
pub struct Facts {
    /// About the report.
    pub info: ReportInfo,
    /// Hosts by address, in the order in which they stand.
    hosts: Vec<AssetObservation>,
    index: HashMap<String, usize>,
    done: bool,
    scans: usize,
    filtered: bool,
    /// Addresses of which parts could not be scanned.
    failed: Vec<String>,
    bytes: usize,
}

/// Takes the outermost element.
pub fn begin(mut xml: Xml) -> Result<Xml> {
    match xml.next_start()? {
        Some(root) if ROOTS.contains(&root.name.as_str()) => Ok(xml),
        _ => Err(Error::new(
            Code::BadReport,
            "this is no OpenVAS report: its root is none of report, results, get_reports_response, \
             get_results_response",
        )),
    }
}

/// Reads the facts.
pub fn read(report: &Report) -> Result<Facts> {
    let mut facts = Facts::default();
    facts.info.scanner = "openvas".into();
    let mut xml = begin(Xml::peek(report)?)?;
    while let Some(event) = xml.next()? {
        let Event::Start(element) = event else { continue };
        let parent = xml.path().iter().rev().nth(1).map(String::as_str).unwrap_or_default();
        match (parent, element.name.as_str()) {
            (_, "result") => xml.skip()?,
            ("report", "host") => {
                let host = xml.node(element)?;
                facts.add_host(&host).map_err(|e| xml.bad(&e))?;
                facts.check()?;
            }
            ("report", "scan_run_status") => {
                let status = xml.node(element)?;
                facts.scans += 1;
                facts.done = status.text() == Some("Done");
            }
            ("report", "filters") => {
                let filters = xml.node(element)?;
                facts.filtered |= filters.text_of("term").is_some_and(leaves_out);
            }
            ("report", "scan_start") => {
                facts.info.created_at = xml.node(element)?.text().and_then(dates::read);
            }
            ("errors", "error") => {
                let error = xml.node(element)?;
                if let Some(host) = error.text_of("host") {
                    facts.bytes += host.len();
                    facts.failed.push(text::clip(host, limits::NAME_BYTES).to_owned());
                    facts.check()?;
                }
            }
            _ => {}
        }
    }
    facts.settle();
    Ok(facts)
}

impl Facts {
    /// The host with this address, if the report describes it.
    pub fn host(&self, address: &str) -> Option<&AssetObservation> {
        self.index.get(address).map(|at| &self.hosts[*at])
    }

    /// Every host that the report describes.
    pub fn hosts(&self) -> &[AssetObservation] {
        &self.hosts
    }

    fn check(&self) -> Result<()> {
        let many = self.hosts.len() + self.failed.len() > limits::REPORT_RESULTS;
        if many || self.bytes > limits::REPORT_FACTS_BYTES {
            let detail = format!("the report has more than {} hosts", limits::REPORT_RESULTS);
            return Err(Error::new(Code::TooLarge, detail));
        }
        Ok(())
    }

    fn add_host(&mut self, node: &Node) -> Result<(), String> {
        let Some(address) = node.text_of("ip").or(node.text()) else { return Ok(()) };
        let Some(address) = text::to_name(address)? else { return Ok(()) };
        let mut asset = hosts::asset(&address);
        let details: Vec<(&str, &str)> = node
            .all("detail")
            .filter_map(|d| Some((d.text_of("name")?, d.text_of("value")?)))
            .collect();
        let every = |wanted: &'static str| details.iter().filter(move |(n, _)| *n == wanted);
        for name in ["hostname", "DNS-via-TargetDefinition", "MAC", "SMB-HOST-NAME", "netbios_name"]
        {
            every(name).for_each(|(_, value)| hosts::add_name(&mut asset, value));
        }
        if let Some((_, os)) = every("best_os_txt").chain(every("OS")).next() {
            hosts::set_os(&mut asset, os);
        }
        if let Some(id) = node.child("asset").and_then(|a| a.attr("asset_id")) {
            hosts::add(&mut asset, IdentifierKind::AgentId, &format!("openvas:{id}"));
        }
        let login = ["Auth-SSH-Success", "Auth-SMB-Success", "Auth-ESXi-Success"];
        let logged_in = details.iter().any(|(name, _)| login.contains(name));
        if node.text_of("end").is_some() {
            asset.complete.push(ScanKind::Network);
            if logged_in {
                asset.complete.insert(0, ScanKind::OsPackages);
            }
        }
        self.bytes += 500 + asset.asset_id.len() + asset.identifiers.len() * 100;
        self.bytes += asset.tags.values().map(String::len).sum::<usize>();
        match self.index.get(&address) {
            Some(at) => self.hosts[*at] = asset,
            None => {
                self.index.insert(address, self.hosts.len());
                self.hosts.push(asset);
            }
        }
        Ok(())
    }

    /// Takes back what is not complete after all.
    fn settle(&mut self) {
        let whole = self.done && self.scans == 1 && !self.filtered;
        for host in &mut self.hosts {
            if !whole {
                host.complete.clear();
            }
        }
        for address in &self.failed {
            if let Some(at) = self.index.get(address.as_str()) {
                self.hosts[*at].complete.clear();
            }
        }
    }
}

/// Whether a filter leaves out more than log messages and detections of low quality.
fn leaves_out(term: &str) -> bool {
    !term.split_whitespace().all(|word| {
        let Some((key, value)) = word.split_once('=') else { return false };
        match key {
            "levels" => ['h', 'm', 'l'].iter().all(|level| value.contains(*level)),
            "min_qod" => value.parse::<u8>().is_ok_and(|qod| qod <= 70),
            "rows" => value == "-1",
            "first" => value == "1",
            "apply_overrides" | "overrides" | "notes" | "sort" | "sort-reverse"
            | "result_hosts_only" | "timezone" | "details" | "autofp" | "delta_states" => true,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::leaves_out;

    #[test]
    fn filters_leave_out_what_their_words_say() {
        let usual = "apply_overrides=0 levels=hml rows=-1 min_qod=70 first=1 sort-reverse=severity\n notes=1 overrides=1";
        assert!(!leaves_out(usual) && !leaves_out(""));
        for word in
            ["levels=hm", "min_qod=90", "rows=100", "first=2", "severity>7", "host=a", "apache"]
        {
            assert!(leaves_out(word), "{word}");
        }
    }
}
