//! CSV exports: of Nessus and Security Center, and of Tenable Vulnerability Management. The
//! columns are different, what they say is the same.

use super::plugin::{self, Plugin};
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::network::checks::{self, Services};
use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::network::{dates, hosts};
use crate::adapters::importers::table::{self, Header, Row};
use crate::adapters::importers::{Report, Sink, lenient, text};
use crate::base::Result;
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};
use crate::domain::severity::Severity;

/// Whether `head` begins with a header of one of the two kinds.
pub fn recognises(head: &[u8]) -> bool {
    table::recognises(head, &is_header)
}

fn is_header(header: &Header) -> bool {
    header.has_all(&["Plugin ID", "Host", "Port", "Name"])
        || header.has_all(&["Plugin", "Plugin Name", "Severity", "IP Address", "Port"])
        || header.has_all(&["definition.id", "definition.name", "port"])
}

/// Reads the table.
pub fn read(report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let info = ReportInfo { scanner: "nessus".into(), ..ReportInfo::default() };
    let mut out = Emitter::begin(report, sink, info)?;
    let (mut services, mut current) = (Services::default(), None);
    table::read(report, &is_header, &mut |row| {
        if row.is_empty() {
            return out.skip(SkipReason::Empty, row.place());
        }
        let Some(asset) = asset(row)? else {
            return out.skip(SkipReason::Unidentified, row.place());
        };
        if current.as_ref() != Some(&asset) {
            out.asset(asset.clone())?;
            services.clear();
            current = Some(asset);
        }
        let place = checks::place(first(row, PORT), first(row, PROTOCOL));
        let service = first(row, &["Service", "svc_name"]).and_then(checks::service);
        services.emit(&place, service, &mut out)?;
        match skip(row).map_or_else(|| plugin(row).hit(), Err) {
            Ok(hit) => hit.emit(&mut out),
            Err(reason) => out.skip(reason, row.place()),
        }
    })
}

const PORT: &[&str] = &["Port"];
const PROTOCOL: &[&str] = &["Protocol"];
const ADDRESSES: &[&str] = &[
    "FQDN",
    "DNS Name",
    "asset.display_fqdn",
    "asset.host_name",
    "IP Address",
    "asset.display_ipv4_address",
    "asset.display_ipv6_address",
    "MAC Address",
    "asset.display_mac_address",
    "NetBios",
    "NetBIOS Name",
    "asset.netbios_name",
];

/// The first of these columns that says something.
fn first<'r>(row: &'r Row<'_>, names: &[&str]) -> Option<&'r str> {
    names.iter().find_map(|name| row.get(name)).filter(|cell| !cell.eq_ignore_ascii_case("null"))
}

fn asset(row: &Row<'_>) -> Result<Option<AssetObservation>> {
    let names = ["Host", "asset.name", "asset.host_name", "IP Address", "DNS Name"];
    let Some(name) = first(row, &names).or_else(|| first(row, ADDRESSES)) else { return Ok(None) };
    let name = text::to_name(name).map_err(|e| row.bad("Host", &e))?;
    let Some(name) = name else { return Ok(None) };
    let mut asset = hosts::asset(&name);
    for column in ADDRESSES {
        let cell = first(row, &[column]).unwrap_or_default();
        for name in cell.split([',', ';', '\n']) {
            // `WORKGROUP\NAME`
            let name = name.rsplit('\\').next().unwrap_or(name);
            hosts::add_name(&mut asset, name);
        }
    }
    if let Some(id) = first(row, &["asset.id", "Agent UUID", "Agent ID", "Host ID"]) {
        hosts::add(&mut asset, IdentifierKind::AgentId, &format!("tenable:{id}"));
    }
    if let Some(os) = first(row, &["OS", "asset.operating_system", "Operating System"]) {
        hosts::set_os(&mut asset, os);
    }
    if let Some(kind) = first(row, &["System Type", "asset.system_type"]) {
        asset.asset_type = hosts::device(kind);
        asset.tags.extend(text::to_line(kind).map(|kind| ("system_type".to_owned(), kind)));
    }
    Ok(Some(asset))
}

/// Why the row is left out, if it is.
fn skip(row: &Row<'_>) -> Option<SkipReason> {
    let is = |names: &[&str], word| first(row, names).is_some_and(|c| c.eq_ignore_ascii_case(word));
    if is(&["Vulnerability State", "state"], "fixed") {
        return Some(SkipReason::Resolved);
    }
    if first(row, &["Accept Risk Comment"]).is_some() {
        return Some(SkipReason::Suppressed);
    }
    let accepted = ["ACCEPTED", "ACCEPT"];
    let changed = ["Modification", "risk_modified"];
    accepted.iter().any(|word| is(&changed, word)).then_some(SkipReason::Suppressed)
}

fn plugin<'r>(row: &'r Row<'_>) -> Plugin<'r> {
    let get = |names: &[&str]| first(row, names);
    let says = |names: &[&str]| get(names).is_some_and(|c| c.eq_ignore_ascii_case("true"));
    let exploits: &[&[&str]] = &[
        &["Exploit Available", "Exploit?"],
        &["Exploited by Malware", "definition.exploited_by_malware"],
        &["Exploited by Nessus", "definition.exploited_by_nessus"],
    ];
    // Web App Scanning has no other mark in this file.
    let web = get(PROTOCOL).filter(|p| matches!(*p, "http" | "https"));
    let ease = get(&["definition.exploitability_ease"]);
    let yes = get(&["Exploit?"]).is_some_and(|c| c.eq_ignore_ascii_case("yes"));
    let references = get(&["See Also", "definition.see_also"]).unwrap_or_default();
    let named = get(&["definition.references", "Cross References"]).unwrap_or_default();
    let first_seen = ["First Found", "first_observed", "First Discovered"];
    Plugin {
        id: get(&["Plugin ID", "definition.id", "Plugin"]),
        name: get(&["definition.name", "Plugin Name", "Name"]),
        severity: severity(row),
        kind: get(&["Plugin Type", "definition.type", "Check Type"]),
        port: get(PORT),
        protocol: get(PROTOCOL),
        service: get(&["Service", "svc_name"]).or(web),
        is_web: web.is_some(),
        names: checks::cves(get(&["CVE", "definition.cve"]).unwrap_or_default()),
        cwe_ids: plugin::weaknesses(get(&["definition.cwe", "CWE"]).into_iter()),
        cpes: get(&["definition.cpe", "CPE"]).into_iter().flat_map(Cpe::list).collect(),
        cvss: cvss(row),
        synopsis: get(&["definition.synopsis", "Synopsis"]),
        // One export has lost the name of this column.
        description: get(&["definition.description", "Description", ""]),
        solution: get(&["definition.solution", "Solution", "Steps to Remediate"]),
        references: checks::links(references),
        output: get(&["Plugin Output", "output", "Plugin Text"]).map(unquoted),
        exploit: exploits.iter().any(|names| says(names)) || ease == Some("AVAILABLE") || yes,
        kev: named.contains("CISA-KNOWN-EXPLOITED"),
        published: get(&["definition.vulnerability_published", "Vuln Publication Date"]),
        status: get(&["Vulnerability State", "state"]),
        first_seen: get(&first_seen).and_then(dates::read),
        ..Plugin::default()
    }
}

/// A leading apostrophe keeps spreadsheets from calculating.
fn unquoted(cell: &str) -> &str {
    cell.strip_prefix("'\n").unwrap_or(cell)
}

fn severity(row: &Row<'_>) -> Option<Severity> {
    let word = first(row, &["Risk", "severity", "definition.severity", "Risk Factor"])?;
    let of_word = || Some(lenient::to_severity(word)).filter(|s| *s != Severity::Unknown);
    plugin::severity_of_number(word).or_else(of_word)
}

fn cvss(row: &Row<'_>) -> Vec<crate::domain::severity::CvssScore> {
    let columns: [(&str, &[&str], &[&str]); 3] = [
        (
            "2",
            &["CVSS Vector", "CVSS V2 Vector", "definition.cvss2.base_vector"],
            &[
                "CVSS Base Score",
                "CVSS V2 Base Score",
                "definition.cvss2.base_score",
                "CVSS v2.0 Base Score",
                "CVSS",
            ],
        ),
        (
            "3",
            &["CVSS3 Vector", "CVSS V3 Vector", "definition.cvss3.base_vector"],
            &[
                "CVSS3 Base Score",
                "CVSS V3 Base Score",
                "definition.cvss3.base_score",
                "CVSS v3.0 Base Score",
                "CVSSv3",
            ],
        ),
        (
            "4",
            &["CVSS4 Vector", "CVSS V4 Vector", "definition.cvss4.base_vector"],
            &["CVSS4 Base Score", "definition.cvss4.base_score", "CVSS v4.0 Base Score"],
        ),
    ];
    let score = |(version, vector, score): (&str, &[&str], &[&str])| {
        plugin::score(version, first(row, vector), first(row, score))
    };
    columns.into_iter().filter_map(score).collect()
}
