//! Wazuh's vulnerability detection:
//!
//! - the API's answer up to 4.7 (`GET /vulnerability/{agent}`: `data.affected_items`);
//! - the indexer's answer since 4.8 (`hits.hits[]._source`, index
//!   `wazuh-states-vulnerabilities`), also in the schema of version 5, and its documents by
//!   themselves, as JSON Lines or an array;
//! - alerts (`alerts.json`, JSON Lines), of which those with `data.vulnerability` count.
//!
//! What things become:
//!
//! - **Asset**: the agent, by its name; id (`wazuh:<id>`), addresses and operating system are
//!   facts about it. Server. The API's answer does not say which agent it is about (unless a
//!   program has added `agent_name`): then the asset has no name, and the person who imports
//!   gives it one.
//! - **Complete**: nothing. Each of these is an answer to a question that is not in the file,
//!   often cut to a page (`"total": 125` with ten hits), or an event.
//! - **Finding**: one for each entry; severity as Wazuh says, else by its score (Wazuh writes `-`
//!   where the source has no word).
//! - **Component**: the package with version, architecture and path; ecosystem by its type.
//!   The fixed version is that of the condition `Package less than 4.3.2`.
//! - **Skipped**: what is obsolete or solved (resolved), entries without an id or a package
//!   (unidentified), hits without their data (empty; also once if an answer says of more than
//!   it holds), alerts about other things (informational).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use serde::de::IgnoredAny;

use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, json};
use crate::base::{Code, Error, Result};
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};

/// Wazuh.
pub struct Wazuh;

impl Importer for Wazuh {
    fn name(&self) -> &'static str {
        "wazuh"
    }

    fn title(&self) -> &'static str {
        "Wazuh (API 4.x, indexer documents and hits, alerts)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        shape(head).is_some()
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let Some(shape) = shape(&report.head(64 << 10)?) else {
            // What is wrong with it may be more than its shape.
            json::head::<IgnoredAny>(report)?;
            return Err(Error::new(
                Code::BadReport,
                "this is no Wazuh report: it has none of data.affected_items, hits.hits, \
                 vulnerability, data.vulnerability",
            ));
        };
        let info = ReportInfo { scanner: "wazuh".into(), ..ReportInfo::default() };
        let mut out = Emitter::begin(report, sink, info)?;
        if shape == Shape::Api {
            return read_items(report, &mut out);
        }
        let (mut current, mut count) = (None, 0);
        let mut each = |place: &entries::Place, document: model::Document| {
            count += 1;
            read_document(document, &place.to_string(), &mut current, &mut out)
        };
        if shape == Shape::Documents {
            return entries::documents(report, &mut each);
        }
        entries::each(report, &["hits", "hits"], &mut each)?;
        let hits = json::head::<model::Head>(report)?.hits;
        missing(hits.and_then(|hits| hits.total()), count, "hits.hits", &mut out)
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../../tests/fixtures/reports/wazuh/dd-v4-7_many_findings.json")
    }
}

/// The shapes that such files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Api,
    Hits,
    Documents,
}

fn shape(head: &[u8]) -> Option<Shape> {
    let keys = Keys::of(head);
    let says = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    if keys.has(2, "affected_items") {
        // Every answer of the API looks like this; those without items say in words.
        let marks = ["condition", "detection_time", "cvss3_score", "cvss2_score"];
        let items = keys.has(4, "cve") && marks.iter().any(|mark| keys.has(4, mark));
        let empty = keys.has_all(2, &["total_affected_items", "total_failed_items"])
            && !keys.has(4, "id")
            && says("ulnerabilit");
        return (items || empty).then_some(Shape::Api);
    }
    if keys.is_object() && keys.has(1, "hits") && keys.has(2, "hits") {
        let is_wazuh = says("\"vulnerability\"") && says("\"agent\"") || says("wazuh-states-vuln");
        return is_wazuh.then_some(Shape::Hits);
    }
    let top = if keys.is_array() { 2 } else { 1 };
    let agent = keys.has(top, "agent") || keys.has(top, "wazuh");
    let state = agent && keys.has_all(top, &["vulnerability", "package"]);
    let alert = agent && keys.has_all(top, &["rule", "data"]) && says("\"vulnerability\"");
    let hit = keys.has(top, "_source") && says("\"vulnerability\"") && says("\"agent\"");
    (state || alert || hit).then_some(Shape::Documents)
}

fn read_items(report: &Report, out: &mut Emitter<'_>) -> Result<()> {
    let (mut count, mut current) = (0, None);
    entries::each(report, &["data", "affected_items"], &mut |place, item: model::Item| {
        count += 1;
        let asset = translate::asset_of_item(&item);
        if current.as_ref() != Some(&asset) {
            out.asset(asset.clone())?;
            current = Some(asset);
        }
        match translate::of_item(item) {
            Ok(finding) => out.finding(finding),
            Err(reason) => out.skip(reason, place),
        }
    })?;
    if count == 0 {
        out.asset(translate::asset_of_item(&model::Item::default()))?;
    }
    let total = json::head::<model::Head>(report)?.data.and_then(|d| d.total_affected_items);
    missing(total, count, "data.affected_items", out)
}

/// Notes that an answer says of more entries than it holds.
fn missing(total: Option<f64>, count: u32, list: &str, out: &mut Emitter<'_>) -> Result<()> {
    match total {
        Some(total) if total > f64::from(count) => {
            out.skip(SkipReason::Empty, format!("{list}, which holds {count} of {total}"))
        }
        _ => Ok(()),
    }
}

fn read_document(
    document: model::Document,
    place: &str,
    current: &mut Option<AssetObservation>,
    out: &mut Emitter<'_>,
) -> Result<()> {
    let state = match document.source {
        Some(source) => *source,
        None => document.state,
    };
    let is_alert = state.rule.is_some();
    let asset = translate::asset(&state);
    let (vulnerability, package) = match state.data.and_then(|data| data.vulnerability) {
        Some(vulnerability) => (Some(vulnerability), None),
        None => (state.vulnerability, state.package),
    };
    let Some(vulnerability) = vulnerability else {
        let reason = if is_alert { SkipReason::Informational } else { SkipReason::Empty };
        return out.skip(reason, place);
    };
    let Some(asset) = asset else { return out.skip(SkipReason::Unidentified, place) };
    if current.as_ref() != Some(&asset) {
        out.asset(asset.clone())?;
        *current = Some(asset);
    }
    match translate::of_state(vulnerability, package) {
        Ok(finding) => out.finding(finding),
        Err(reason) => out.skip(reason, place),
    }
}
