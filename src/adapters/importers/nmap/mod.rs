//! Nmap's XML (`-oX`, output versions 1.03 to 1.05), also as masscan writes it: hosts, open
//! ports, and what the scripts `vulners` and those of the library `vulns` find. One pass,
//! host by host.
//!
//! What things become:
//!
//! - **Asset**: a host that is up (or of which only ports are said), by its first address
//!   that is no MAC; names, further addresses, MAC with its maker and the best guess of an
//!   operating system are facts about it. `hosthint` repeats the beginning of hosts and is
//!   passed over.
//! - **Complete**: nothing: ports and scripts are what somebody chose for this run.
//! - **Service**: an open port, with what the version scan found.
//! - **Finding**: for each product on a port, each vulnerability that `vulners` lists (by CVE,
//!   or by the id of its list; entries that are exploits are informational). Of the scripts
//!   of `vulns`: each entry in state `VULNERABLE` or `LIKELY VULNERABLE`, one for each CVE,
//!   else `NMAP-<script>`.
//! - **Component**: the product that `vulners` looked up, or that the version scan found on the
//!   port; else the service, else `host`. The port is the place.
//! - **Skipped**: hosts that are down (empty), entries `NOT VULNERABLE` (not affected).

mod scripts;
#[cfg(test)]
mod tests;

use super::emit::Emitter;
use super::network::checks::{self, component};
use super::network::cpe::Cpe;
use super::network::{dates, hosts};
use super::xml::{Element, Node, Xml};
use super::{Importer, Report, Sink, Syntax, peek, text};
use crate::base::{Code, Error, Result};
use crate::domain::asset::AssetType;
use crate::domain::observation::{AssetObservation, ReportInfo, ServiceObservation, SkipReason};
use crate::domain::place::Place;

/// Nmap.
pub struct Nmap;

impl Importer for Nmap {
    fn name(&self) -> &'static str {
        "nmap"
    }

    fn title(&self) -> &'static str {
        "Nmap XML (-oX), with vulners and vulns scripts"
    }

    fn syntax(&self) -> Syntax {
        Syntax::Xml
    }

    fn recognises(&self, head: &[u8]) -> bool {
        peek::root_element(head) == Some("nmaprun")
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let mut xml = Xml::open(report)?;
        let root = xml.next_start()?.filter(|root| root.name == "nmaprun").ok_or_else(|| {
            Error::new(Code::BadReport, "this is no Nmap report: its root is not nmaprun")
        })?;
        let mut out = Emitter::begin(report, sink, info(&root))?;
        while let Some(element) = xml.next_start()? {
            match element.name.as_str() {
                "host" => {
                    let place = xml.place();
                    let host = xml.node(element)?;
                    read_host(&host, &place, &mut out)?;
                }
                "hosthint" => xml.skip()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/nmap/dd-nmap_script_vulners.xml")
    }
}

fn info(root: &Element) -> ReportInfo {
    ReportInfo {
        scanner: root
            .attr("scanner")
            .and_then(text::to_line)
            .map_or_else(|| "nmap".into(), |scanner| scanner.to_lowercase()),
        scanner_version: root.attr("version").and_then(text::to_line),
        created_at: root.attr("start").and_then(dates::read),
        ..ReportInfo::default()
    }
}

fn read_host(host: &Node, place: &str, out: &mut Emitter<'_>) -> Result<()> {
    let state = host.child("status").and_then(|s| s.attr("state"));
    if state.is_some_and(|state| state != "up") {
        return out.skip(SkipReason::Empty, place);
    }
    let Some(asset) = asset(host) else { return out.skip(SkipReason::Unidentified, place) };
    out.asset(asset)?;
    for port in host.all("ports").flat_map(|ports| ports.all("port")) {
        read_port(port, out)?;
    }
    let component = component(&[], None);
    for script in host.all("hostscript").flat_map(|scripts| scripts.all("script")) {
        scripts::read(script, &Place::default(), &component, place, out)?;
    }
    Ok(())
}

fn asset(host: &Node) -> Option<AssetObservation> {
    let of_kind =
        |mac: bool| host.all("address").filter(move |a| (a.attr("addrtype") == Some("mac")) == mac);
    let names = host.all("hostnames").flat_map(|names| names.all("hostname"));
    let names: Vec<&str> = names.filter_map(|name| name.attr("name")).collect();
    let first = of_kind(false).find_map(|a| a.attr("addr")).or(names.first().copied());
    let first = first.or_else(|| of_kind(true).find_map(|a| a.attr("addr")))?;
    let mut asset = hosts::asset(&text::to_name(first).ok().flatten()?);
    for name in &names {
        hosts::add_name(&mut asset, name);
    }
    for address in of_kind(false).chain(of_kind(true)).filter_map(|a| a.attr("addr")) {
        hosts::add_name(&mut asset, address);
    }
    if let Some(maker) = of_kind(true).find_map(|a| a.attr("vendor")).and_then(text::to_line) {
        asset.tags.insert("mac_vendor".into(), maker);
    }
    set_os(&mut asset, host);
    Some(asset)
}

/// The best guess; if several are equally good, the first, as Nmap orders them.
fn set_os(asset: &mut AssetObservation, host: &Node) {
    let accuracy = |guess: &&Node| guess.attr("accuracy").and_then(|a| a.parse::<u8>().ok());
    let guesses = host.all("os").flat_map(|os| os.all("osmatch"));
    let best = guesses.fold(None, |best: Option<&Node>, guess| match best {
        Some(known) if accuracy(&known) >= accuracy(&guess) => Some(known),
        _ => Some(guess),
    });
    let Some(best) = best else { return };
    hosts::set_os(asset, best.attr("name").unwrap_or_default());
    // Before output version 1.04 classes stood beside matches.
    let beside = || host.child("os").and_then(|os| os.child("osclass"));
    if let Some(kind) = best.child("osclass").or_else(beside).and_then(|c| c.attr("type")) {
        asset.asset_type = hosts::device(kind);
        if asset.asset_type == AssetType::Other {
            asset.tags.extend(text::to_line(kind).map(|kind| ("device_type".to_owned(), kind)));
        }
    }
}

fn read_port(port: &Node, out: &mut Emitter<'_>) -> Result<()> {
    let state = port.child("state").and_then(|s| s.attr("state"));
    let place = checks::place(port.attr("portid"), port.attr("protocol"));
    let (Some("open"), Some(number)) = (state, place.port) else { return Ok(()) };
    let service = port.child("service");
    let said = |name| service.and_then(|s| s.attr(name)).and_then(text::to_line);
    let name = service.and_then(|s| s.attr("name")).and_then(checks::service);
    out.service(ServiceObservation {
        port: number,
        protocol: place.protocol.clone().unwrap_or_default(),
        name: name.clone(),
        product: said("product"),
        version: said("version"),
    })?;
    let cpes = service.into_iter().flat_map(|s| s.all("cpe")).filter_map(Node::text);
    let cpes: Vec<Cpe> = cpes.filter_map(Cpe::parse).collect();
    let mut component = component(&cpes, name.as_deref());
    if component.version.is_none() {
        component.version = said("version").filter(|_| component.cpe.is_some());
    }
    for script in port.all("script") {
        let at = format!("port {number}");
        scripts::read(script, &place, &component, &at, out)?;
    }
    Ok(())
}
