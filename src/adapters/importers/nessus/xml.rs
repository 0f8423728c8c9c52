//! `NessusClientData_v2`: the walk through the document.

use super::host::{self, Properties};
use super::plugin::{self, Plugin};
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::network::checks::{self, Services};
use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::xml::{Element, Event, Node, Xml};
use crate::adapters::importers::{Report, Sink, text};
use crate::base::{Code, Error, Result};
use crate::domain::asset::AssetType;
use crate::domain::observation::{ReportInfo, SkipReason};

/// The plugin that prints what scanned and how.
const SCAN_INFORMATION: &str = "19506";

/// What a first look finds.
#[derive(Default)]
struct Head {
    info: ReportInfo,
    /// Most plugin families are switched off.
    filtered: bool,
}

/// Reads the report.
pub fn read(report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let head = head(report)?;
    let mut out = Emitter::begin(report, sink, head.info)?;
    let mut xml = begin(Xml::open(report)?)?;
    while let Some(element) = xml.next_start()? {
        match element.name.as_str() {
            "Policy" => xml.skip()?,
            "ReportHost" => read_host(&mut xml, &element, head.filtered, &mut out)?,
            _ => {}
        }
    }
    Ok(())
}

/// Takes the outermost element.
fn begin(mut xml: Xml) -> Result<Xml> {
    match xml.next_start()? {
        Some(root) if root.name == "NessusClientData_v2" => Ok(xml),
        _ => Err(Error::new(
            Code::BadReport,
            "this is no Nessus report: its root is not NessusClientData_v2",
        )),
    }
}

/// Looks at the beginning, up to the end of the first host.
fn head(report: &Report) -> Result<Head> {
    let mut xml = begin(Xml::peek(report)?)?;
    let mut info = ReportInfo { scanner: "nessus".into(), ..ReportInfo::default() };
    let (mut on, mut off) = (0_usize, 0_usize);
    while let Some(event) = xml.next()? {
        match event {
            Event::Start(element) if element.name == "FamilyItem" => {
                let status = xml.node(element)?;
                match status.text_of("Status") {
                    Some("disabled") => off += 1,
                    _ => on += 1,
                }
            }
            Event::Start(element) if element.name == "HostProperties" => {
                info.created_at = Properties::of(&xml.node(element)?).start();
            }
            Event::Start(element) if element.name == "ReportItem" => {
                if element.attr("pluginID") == Some(SCAN_INFORMATION) {
                    let item = xml.node(element)?;
                    info.scanner_version = item.text_of("plugin_output").and_then(version);
                } else {
                    xml.skip()?;
                }
            }
            Event::End(name) if name == "ReportHost" => break,
            _ => {}
        }
    }
    Ok(Head { info, filtered: off > on })
}

/// `Nessus version : 10.1.1`
fn version(output: &str) -> Option<String> {
    let line = output.lines().find_map(|line| line.trim().strip_prefix("Nessus version :"))?;
    text::to_line(line.split_whitespace().next()?)
}

fn read_host(xml: &mut Xml, host: &Element, filtered: bool, out: &mut Emitter<'_>) -> Result<()> {
    let name = text::to_name(host.attr("name").unwrap_or_default()).map_err(|e| xml.bad(&e))?;
    let Some(name) = name else {
        out.skip(SkipReason::Unidentified, xml.place())?;
        return xml.skip();
    };
    // Properties come first; a host without any is an asset all the same.
    let mut asset = host::asset(&name, &Properties::default(), true);
    let (mut announced, mut services) = (false, Services::default());
    loop {
        match xml.next()? {
            Some(Event::Start(element)) if element.name == "HostProperties" => {
                asset = host::asset(&name, &Properties::of(&xml.node(element)?), filtered);
                announced = false;
            }
            Some(Event::Start(element)) if element.name == "ReportItem" => {
                if !announced {
                    out.asset(asset.clone())?;
                    announced = true;
                }
                let place = xml.place();
                let item = xml.node(element)?;
                let is_web = asset.asset_type == AssetType::Application;
                read_item(&item, is_web, &place, &mut services, out)?;
            }
            Some(Event::End(name)) if name == "ReportHost" => break,
            Some(_) => {}
            None => break,
        }
    }
    if announced { Ok(()) } else { out.asset(asset) }
}

fn read_item(
    item: &Node,
    is_web: bool,
    place: &str,
    services: &mut Services,
    out: &mut Emitter<'_>,
) -> Result<()> {
    if !is_web {
        let port = checks::place(item.attr("port"), item.attr("protocol"));
        services.emit(&port, item.attr("svc_name").and_then(checks::service), out)?;
    }
    if let Some(result) = item.text_of("compliance-result") {
        let passed = result.eq_ignore_ascii_case("PASSED");
        let reason = if passed { SkipReason::Passed } else { SkipReason::Misconfiguration };
        return out.skip(reason, place);
    }
    if item.text_of("compliance").is_some_and(|c| c.eq_ignore_ascii_case("true")) {
        return out.skip(SkipReason::Misconfiguration, place);
    }
    match plugin(item, is_web).hit() {
        Ok(hit) => hit.emit(out),
        Err(reason) => out.skip(reason, place),
    }
}

fn plugin(item: &Node, is_web: bool) -> Plugin<'_> {
    let texts = |name| item.all(name).filter_map(Node::text);
    let xrefs = || texts("xref").flat_map(str::lines).map(str::trim);
    let weaknesses = texts("cwe").chain(xrefs().filter_map(|x| x.strip_prefix("CWE:")));
    let says = |name| item.text_of(name).is_some_and(|t| t.eq_ignore_ascii_case("true"));
    let exploits = ["exploit_available", "exploited_by_nessus", "exploited_by_malware"];
    // Web App Scanning: <cvss> and <cvssv3>.
    let cvss = [
        (
            "2",
            item.text_of("cvss_vector"),
            item.text_of("cvss_base_score").or(item.text_of("cvss")),
        ),
        (
            "3",
            item.text_of("cvss3_vector"),
            item.text_of("cvss3_base_score").or(item.text_of("cvssv3")),
        ),
        ("4", item.text_of("cvss4_vector"), item.text_of("cvss4_base_score")),
    ];
    Plugin {
        id: item.attr("pluginID"),
        name: item.text_of("plugin_name").or(item.attr("pluginName")),
        severity: item.attr("severity").and_then(plugin::severity_of_number),
        kind: item.text_of("plugin_type"),
        port: item.attr("port"),
        protocol: item.attr("protocol"),
        service: item.attr("svc_name"),
        names: checks::cves(&texts("cve").collect::<Vec<_>>().join("\n")),
        cwe_ids: plugin::weaknesses(weaknesses),
        cpes: texts("cpe").flat_map(Cpe::list).collect(),
        cvss: cvss.into_iter().filter_map(|(v, vector, s)| plugin::score(v, vector, s)).collect(),
        score_source: item.text_of("cvss_score_source"),
        synopsis: item.text_of("synopsis"),
        description: item.text_of("description"),
        solution: item.text_of("solution"),
        references: checks::links(&texts("see_also").collect::<Vec<_>>().join("\n")),
        output: item.text_of("plugin_output"),
        exploit: exploits.iter().any(|name| says(name)),
        kev: xrefs().any(|x| x.starts_with("CISA-KNOWN-EXPLOITED:")),
        epss: item.text_of("epss_score").and_then(|e| e.parse().ok()),
        published: item.text_of("vuln_publication_date"),
        is_web,
        ..Plugin::default()
    }
}
