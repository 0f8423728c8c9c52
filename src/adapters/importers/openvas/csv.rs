//! The CSV export of a report.

use super::nvt::{AFFECTED, Struck};
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::network::checks::{self, Services};
use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::network::hosts;
use crate::adapters::importers::table::{self, Header, Row};
use crate::adapters::importers::{Report, Sink, cvss, text};
use crate::base::Result;
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};

/// Whether `head` begins with the export's header.
pub fn recognises(head: &[u8]) -> bool {
    table::recognises(head, &is_header)
}

fn is_header(header: &Header) -> bool {
    header.has_all(&["IP", "Port", "Severity", "NVT Name", "NVT OID"])
}

/// Reads the table.
pub fn read(report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let info = ReportInfo { scanner: "openvas".into(), ..ReportInfo::default() };
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
        let place = checks::place(row.get("Port"), row.get("Port Protocol"));
        services.emit(&place, None, &mut out)?;
        match struck(row).hit() {
            Ok(hit) => hit.emit(&mut out),
            Err(reason) => out.skip(reason, row.place()),
        }
    })
}

fn asset(row: &Row<'_>) -> Result<Option<AssetObservation>> {
    let names = [row.get("IP"), row.get("Hostname")];
    let Some(name) = names.into_iter().flatten().next() else { return Ok(None) };
    let Some(name) = text::to_name(name).map_err(|e| row.bad("IP", &e))? else { return Ok(None) };
    let mut asset = hosts::asset(&name);
    names.into_iter().flatten().for_each(|name| hosts::add_name(&mut asset, name));
    Ok(Some(asset))
}

/// The CVE scanner has the CVE in the place of the OID.
fn names(row: &Row<'_>) -> Vec<String> {
    let columns = [row.get("CVEs"), row.get("NVT OID")];
    checks::cves(&columns.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn struck<'r>(row: &'r Row<'_>) -> Struck<'r> {
    let columns = [
        ("", "Summary"),
        ("Insight", "Vulnerability Insight"),
        ("Impact", "Impact"),
        (AFFECTED, "Affected Software/OS"),
    ];
    let score = row.get("CVSS").and_then(checks::number);
    Struck {
        oid: row.get("NVT OID"),
        name: row.get("NVT Name"),
        threat: row.get("Severity"),
        score,
        qod: row.get("QoD"),
        place: checks::place(row.get("Port"), row.get("Port Protocol")),
        names: names(row),
        cpes: row.get("Product Detection Result").into_iter().flat_map(Cpe::list).collect(),
        cvss: cvss::score("openvas", None, score).into_iter().collect(),
        texts: columns.into_iter().filter_map(|(t, c)| Some((t, row.get(c)?))).collect(),
        solution: row.get("Solution"),
        references: checks::links(row.get("Other References").unwrap_or_default()),
        output: row.get("Specific Result"),
        ..Struck::default()
    }
}
