//! The hosts of the three kinds of XML documents, one after the other.

use super::detection::{Detection, Knowledge};
use super::facts::{self, Facts, Kind};
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::network::checks::{self, Services};
use crate::adapters::importers::network::{dates, hosts};
use crate::adapters::importers::xml::{Element, Event, Node, Xml};
use crate::adapters::importers::{Report, Sink, text};
use crate::base::Result;
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{AssetObservation, SkipReason};
use crate::domain::scan::ScanKind;

/// Reads the report.
pub fn read(report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let facts = facts::read(report)?;
    let mut out = Emitter::begin(report, sink, facts.info.clone())?;
    let mut xml = Xml::open(report)?;
    let kind = facts::begin(&mut xml)?;
    while let Some(element) = xml.next_start()? {
        match (kind, element.name.as_str()) {
            (Kind::Scan, "IP") | (Kind::Assets | Kind::Detections, "HOST") => {
                Host::new(element, &facts).read(&mut xml, &mut out)?;
            }
            (Kind::Assets, "GLOSSARY") => xml.skip()?,
            _ => {}
        }
    }
    Ok(())
}

/// A host on its way in.
struct Host<'f> {
    facts: &'f Facts,
    /// What is said of the host itself, without its detections.
    node: Node,
    announced: bool,
    services: Services,
    /// `CAT` of a scan: category, port, protocol.
    category: Element,
}

impl<'f> Host<'f> {
    fn new(element: Element, facts: &'f Facts) -> Self {
        Self {
            facts,
            node: Node { element, ..Node::default() },
            announced: false,
            services: Services::default(),
            category: Element::default(),
        }
    }

    fn read(mut self, xml: &mut Xml, out: &mut Emitter<'_>) -> Result<()> {
        let name = self.node.element.name.clone();
        loop {
            let Some(event) = xml.next()? else { break };
            match event {
                Event::End(end) if end == name => break,
                Event::Start(element) => self.element(element, xml, out)?,
                _ => {}
            }
        }
        self.announce(&xml.place(), out).map(|_| ())
    }

    fn element(&mut self, element: Element, xml: &mut Xml, out: &mut Emitter<'_>) -> Result<()> {
        match element.name.as_str() {
            "VULN_INFO_LIST" | "DETECTION_LIST" | "INFOS" | "SERVICES" | "VULNS" | "PRACTICES" => {}
            "CAT" => self.category = element,
            "VULN_INFO" | "DETECTION" | "INFO" | "SERVICE" | "VULN" | "PRACTICE" => {
                let place = xml.place();
                let item = xml.node(element)?;
                if !self.announce(&place, out)? {
                    return out.skip(SkipReason::Unidentified, place);
                }
                self.item(&item, &place, out)?;
            }
            _ => {
                let said = xml.node(element)?;
                self.node.children.push(said);
            }
        }
        Ok(())
    }

    /// Hands over the asset, once. False if there is nothing to call it by.
    fn announce(&mut self, place: &str, out: &mut Emitter<'_>) -> Result<bool> {
        if self.announced {
            return Ok(true);
        }
        let Some(asset) = asset(&self.node, self.facts.whole) else {
            out.skip(SkipReason::Unidentified, place)?;
            return Ok(false);
        };
        self.announced = true;
        out.asset(asset)?;
        Ok(true)
    }

    fn item(&mut self, item: &Node, place: &str, out: &mut Emitter<'_>) -> Result<()> {
        let own;
        let nothing = Knowledge::default();
        let qid = item.text_of("QID").or(item.attr("number"));
        let knowledge = match qid.and_then(|qid| self.facts.glossary.get(qid)) {
            Some(known) => known,
            // A scan says it in place; the API gives the severity only.
            None if item.attr("number").is_some() || item.child("SEVERITY").is_some() => {
                own = facts::knowledge(item);
                &own
            }
            None => &nothing,
        };
        let detection = detection(item, qid, &self.category);
        self.services.emit(&detection.place, detection.service.clone(), out)?;
        match detection.hit(knowledge) {
            Ok(hit) => hit.emit(out),
            Err(reason) => out.skip(reason, place),
        }
    }
}

fn detection<'n>(item: &'n Node, qid: Option<&'n str>, category: &'n Element) -> Detection<'n> {
    let of_scan = item.attr("number").is_some();
    let kind = match item.name() {
        "INFO" | "SERVICE" => Some("Ig"),
        _ => item.text_of("TYPE"),
    };
    let of_category = |name| category.attr(name).filter(|_| of_scan);
    let port = item.text_of("PORT").or(of_category("port"));
    let protocol = item.text_of("PROTOCOL").or(of_category("protocol"));
    let mut place = checks::place(port, protocol);
    place.fingerprint = item.text_of("INSTANCE").and_then(text::to_line);
    let first = item.text_of("FIRST_FOUND").or(item.text_of("FIRST_FOUND_DATETIME"));
    let yes = |name| item.text_of(name) == Some("1");
    Detection {
        qid,
        kind,
        is_local: of_category("value").is_some_and(|c| c.eq_ignore_ascii_case("Local")),
        place,
        service: item.text_of("SERVICE").and_then(checks::service),
        status: item.text_of("VULN_STATUS").or(item.text_of("STATUS")),
        result: item.text_of("RESULT").or(item.text_of("RESULTS")),
        first_seen: first.and_then(dates::read),
        is_ignored: yes("IS_IGNORED") || yes("IS_DISABLED"),
    }
}

fn asset(host: &Node, whole: bool) -> Option<AssetObservation> {
    let says = |name: &str| host.text_of(name);
    let dns = || host.child("DNS_DATA").and_then(|d| d.text_of("FQDN"));
    let names = [
        host.attr("value"),
        says("IP"),
        says("IPV6"),
        says("DNS"),
        dns(),
        host.attr("name"),
        says("NETBIOS"),
        says("NETBIOS_HOSTNAME"),
    ];
    // A host without any of them has at least a number.
    let number = says("ID").map(|id| format!("qualys:{id}"));
    let name = names
        .into_iter()
        .flatten()
        .next()
        .or(number.as_deref())
        .and_then(|n| text::to_name(n).ok().flatten())?;
    let mut asset = hosts::asset(&name);
    names.into_iter().flatten().for_each(|name| hosts::add_name(&mut asset, name));
    for instance in ["EC2_INSTANCE_ID", "CLOUD_RESOURCE_ID"] {
        let id = says(instance).unwrap_or_default();
        hosts::add(&mut asset, IdentifierKind::InstanceId, id);
    }
    for id in [says("QG_HOSTID"), says("ID")].into_iter().flatten() {
        hosts::add(&mut asset, IdentifierKind::AgentId, &format!("qualys:{id}"));
    }
    if let Some(os) = says("OPERATING_SYSTEM").or(says("OS")) {
        hosts::set_os(&mut asset, os);
    }
    if whole {
        asset.complete.push(ScanKind::Network);
    }
    Some(asset)
}
