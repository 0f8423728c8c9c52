//! CSV of reports and scans, and of VMDR. The columns are different, what they say is the
//! same; some of both stand below a few rows about the report.

use super::detection::{self, Detection, Knowledge};
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::network::checks::{self, Services};
use crate::adapters::importers::network::{dates, hosts};
use crate::adapters::importers::table::{self, Header, Row};
use crate::adapters::importers::{Report, Sink, text};
use crate::base::{Result, Timestamp};
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{
    AssetObservation, ReportInfo, SkipReason, VulnerabilityObservation,
};
use crate::domain::severity::CvssScore;

/// Whether `head` begins with a header of one of the two kinds, perhaps after other rows.
pub fn recognises(head: &[u8]) -> bool {
    table::recognises(head, &is_header)
}

fn is_header(header: &Header) -> bool {
    let hosts = ["IP", "Asset Id", "Asset Name", "Host IP", "DNS", "Asset IPV4"];
    let title = header.has("Title") || header.has("Vuln Title");
    title && header.has_all(&["QID", "Severity"]) && hosts.iter().any(|host| header.has(host))
}

/// Reads the table.
pub fn read(report: &Report, sink: &mut Sink<'_>) -> Result<()> {
    let preamble = Preamble::of(&report.head(4 << 10)?);
    let created_at = preamble.created_at;
    let info = ReportInfo { scanner: "qualys".into(), created_at, ..ReportInfo::default() };
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
        let detection = detection(row, preamble.offset);
        services.emit(&detection.place, None, &mut out)?;
        match detection.hit(&knowledge(row)) {
            Ok(hit) => hit.emit(&mut out),
            Err(reason) => out.skip(reason, row.place()),
        }
    })
}

/// `"Asset Vuln Datalist Report","04 Feb 2026 10:00AM GMT-0500"`: when, and in which zone.
#[derive(Debug, Default, PartialEq)]
struct Preamble {
    created_at: Option<Timestamp>,
    /// Seconds that are added to the file's times.
    offset: i64,
}

impl Preamble {
    fn of(head: &[u8]) -> Self {
        let text = String::from_utf8_lossy(head);
        let line = text.lines().next().unwrap_or_default();
        let Some(cell) = line.split('"').find(|cell| cell.contains(" GMT")) else {
            return Self::default();
        };
        let (time, zone) = cell.rsplit_once(" GMT").unwrap_or((cell, ""));
        let offset = zone_seconds(zone).unwrap_or(0);
        // `10:00AM`: the blank that other dates have is missing.
        let time = time.replace("AM", " AM").replace("PM", " PM");
        let words: Vec<_> = time.split_whitespace().collect();
        let created_at = match words[..] {
            [day, month, year, clock, half] => {
                dates::read(&format!("{month} {day}, {year} {clock} {half}"))
            }
            _ => None,
        };
        Self { created_at: created_at.map(|t| t.plus_seconds(offset)), offset }
    }
}

/// What is added to a time in the zone `-0500` to have it in UTC.
fn zone_seconds(zone: &str) -> Option<i64> {
    let number: i64 = zone.parse().ok()?;
    (number.abs() <= 1400).then(|| -(number / 100 * 3600 + number % 100 * 60))
}

/// A cell; VMDR writes `'-` for nothing.
fn cell<'r>(row: &'r Row<'_>, names: &[&str]) -> Option<&'r str> {
    names.iter().find_map(|name| row.get(name)).filter(|cell| !matches!(*cell, "'-" | "-" | "N/A"))
}

fn asset(row: &Row<'_>) -> Result<Option<AssetObservation>> {
    const NAMES: &[&str] =
        &["Asset Name", "IP", "Host IP", "Asset IPV4", "Asset IPV6", "DNS", "Hostname", "NetBIOS"];
    let Some(name) = cell(row, NAMES) else { return Ok(None) };
    let Some(name) = text::to_name(name).map_err(|e| row.bad("IP", &e))? else { return Ok(None) };
    let mut asset = hosts::asset(&name);
    for column in NAMES {
        let names = cell(row, &[column]).unwrap_or_default();
        names.split(',').for_each(|name| hosts::add_name(&mut asset, name));
    }
    if let Some(id) = cell(row, &["Asset Id", "QG Host ID", "Host ID"]) {
        hosts::add(&mut asset, IdentifierKind::AgentId, &format!("qualys:{id}"));
    }
    let instance = cell(row, &["EC2 Instance ID", "Instance ID"]).unwrap_or_default();
    hosts::add(&mut asset, IdentifierKind::InstanceId, instance);
    if let Some(os) = cell(row, &["OS", "Operating System"]) {
        hosts::set_os(&mut asset, os);
    }
    let tags = cell(row, &["Asset Tags", "Associated Tags"]).and_then(text::to_line);
    asset.tags.extend(tags.map(|tags| ("asset_tags".to_owned(), tags)));
    Ok(Some(asset))
}

fn detection<'r>(row: &'r Row<'_>, offset: i64) -> Detection<'r> {
    let first = cell(row, &["First Detected"]).and_then(dates::read_american);
    let yes = |name| cell(row, &[name]).is_some_and(|c| c.eq_ignore_ascii_case("yes"));
    // PCI reports: somebody's request to leave it out was granted.
    let approved = cell(row, &["False Positive Status"]);
    let approved = approved.is_some_and(|c| c.eq_ignore_ascii_case("approved"));
    let mut place = checks::place(cell(row, &["Port"]), cell(row, &["Protocol"]));
    place.fingerprint = cell(row, &["Instance"]).and_then(text::to_line);
    Detection {
        qid: cell(row, &["QID"]),
        kind: cell(row, &["Type", "Type Detected"]),
        place,
        status: cell(row, &["Vuln Status", "Status"]),
        result: cell(row, &["Results", "Result"]),
        first_seen: first.map(|t| t.plus_seconds(offset)),
        is_ignored: yes("Ignored") || yes("Disabled") || approved,
        ..Detection::default()
    }
}

fn knowledge(row: &Row<'_>) -> Knowledge {
    let names = checks::cves(cell(row, &["CVE ID", "CVE", "CVE-ID"]).unwrap_or_default());
    let columns = [("", "CVE-Description"), ("", "Threat"), ("Impact", "Impact")];
    let mut description = String::new();
    for (title, column) in columns {
        if let Some(words) = cell(row, &[column]).and_then(detection::words) {
            let gap = if description.is_empty() { "" } else { "\n\n" };
            let title = if title.is_empty() { String::new() } else { format!("{title}: ") };
            description.extend([gap, &title, &words]);
        }
    }
    let exploits = cell(row, &["Exploitability"]).unwrap_or_default();
    let dangers = cell(row, &["RTI"]).unwrap_or_default().to_lowercase().replace('_', " ");
    let known = dangers.contains("exploit") || dangers.contains("active attack");
    let published = cell(row, &["Published Date"]).and_then(dates::read_american);
    Knowledge {
        severity: cell(row, &["Q_Severity", "Severity", "KB Severity"]).map(str::to_owned),
        exploited: checks::cves(exploits).into_iter().filter(|cve| names.contains(cve)).collect(),
        names,
        vulnerability: VulnerabilityObservation {
            title: cell(row, &["Title", "Vuln Title"]).and_then(text::to_line),
            description: text::to_text(&description),
            solution: cell(row, &["Solution"]).and_then(detection::words),
            cvss: scores(row),
            references: checks::links(&format!(
                "{}\n{exploits}",
                cell(row, &["Vendor Reference"]).unwrap_or_default()
            )),
            kev: dangers.contains("cisa known exploited"),
            exploit: known || !exploits.is_empty(),
            published_at: published,
            ..VulnerabilityObservation::default()
        },
    }
}

fn scores(row: &Row<'_>) -> Vec<CvssScore> {
    let columns = [
        ("qualys", "2", "CVSS Base"),
        ("qualys", "3", "CVSS3 Base"),
        ("qualys", "3.1", "CVSS3.1 Base"),
        ("nvd", "2", "CVSSv2 Base (nvd)"),
        ("nvd", "3.1", "CVSSv3.1 Base (nvd)"),
    ];
    let score = |(source, version, column)| detection::score(source, version, cell(row, &[column]));
    columns.into_iter().filter_map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_says_time_and_zone() {
        let read = |text: &str| Preamble::of(text.as_bytes());
        let vmdr = read("\"Asset Vuln Datalist Report\",\"04 Feb 2026 10:00AM GMT-0500\",\"1\"\n");
        let created_at = vmdr.created_at.map(|t| t.to_string());
        assert_eq!((created_at.as_deref(), vmdr.offset), (Some("2026-02-04T15:00:00Z"), 5 * 3600));
        for none in ["", "\"IP\",\"QID\"", "\" GMT\"", "\"x GMT+9999\""] {
            assert_eq!(read(none), Preamble::default(), "{none}");
        }
    }
}
