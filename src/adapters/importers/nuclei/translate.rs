//! From a result to findings. The rules stand in the header of the parent module.

use super::model::{Info, Outcome};
use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::network::{Hit, checks, hosts};
use crate::adapters::importers::{cvss, ids, text};
use crate::domain::component::Component;
use crate::domain::observation::{
    AssetObservation, FindingObservation, SkipReason, VulnerabilityObservation,
};
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

/// What was scanned; an address without a scheme is known by the host in it.
pub fn asset(result: &Outcome) -> Option<AssetObservation> {
    let matched = || matched(result).and_then(|m| text::to_name(hosts::host_of(m)).ok().flatten());
    let name = result.host.clone().or_else(matched)?;
    let mut asset = hosts::asset(&name);
    hosts::add_name(&mut asset, hosts::host_of(&name));
    result.ip.iter().for_each(|ip| hosts::add_name(&mut asset, ip));
    Some(asset)
}

fn matched(result: &Outcome) -> Option<&str> {
    result.matched_at.as_deref().or(result.old_matched.as_deref())
}

/// The findings, or why there are none.
pub fn hit(mut result: Outcome) -> Result<Hit, SkipReason> {
    if result.matcher_status.as_deref() == Some("false") {
        return Err(SkipReason::Passed);
    }
    let info = result.info.take().unwrap_or_default();
    let template = result.template_id.as_deref().or(result.old_template_id.as_deref());
    let classified = info.classification.as_ref().map(|c| c.cve_id.join(" ")).unwrap_or_default();
    let mut names = checks::cves(&classified);
    if names.is_empty() {
        names.extend(template.and_then(checks::cve));
    }
    if info.severity == Severity::Info && names.is_empty() {
        return Err(SkipReason::Informational);
    }
    let id = template.and_then(|template| ids::of_scanner("NUCLEI", template));
    let (Some(check), Some(id)) = (template.map(str::to_owned), id) else {
        return Err(SkipReason::Unidentified);
    };
    let place = place(&result).ok_or(SkipReason::Unidentified)?;
    let kind = result.kind.as_deref().unwrap_or_default().to_lowercase();
    let is_web = matches!(kind.as_str(), "http" | "headless" | "") && place.url.is_some();
    Ok(Hit {
        finding: FindingObservation {
            scan: if is_web { ScanKind::Web } else { ScanKind::Network },
            place,
            severity: info.severity,
            check: Some(check),
            evidence: evidence(&result),
            component: component(&info, &kind),
            vulnerability: vulnerability(id, info),
            ..FindingObservation::default()
        },
        names,
        ..Hit::default()
    })
}

/// What was matched: `host:port` is a port, anything else an address. An address that is too
/// long to be kept counts without its query.
fn place(result: &Outcome) -> Option<Place> {
    let matcher = result.matcher_name.clone().or(result.old_matcher_name.clone());
    let mut place = Place { fingerprint: matcher, ..Place::default() };
    let Some(matched) = matched(result) else { return Some(place) };
    let port = hosts::port_of(matched).filter(|_| !matched.contains("://"));
    if let Some(port) = port {
        (place.port, place.protocol) = (Some(port), Some("tcp".into()));
        return Some(place);
    }
    let without_query = matched.split('?').next().unwrap_or(matched);
    place.url = text::to_name(matched).or_else(|_| text::to_name(without_query)).ok()?;
    Some(place)
}

fn evidence(result: &Outcome) -> Option<String> {
    let mut lines: Vec<&str> = Vec::new();
    lines.extend(matched(result));
    lines.extend(result.extracted_results.iter().map(String::as_str));
    lines.extend(result.old_extracted_results.iter().map(String::as_str));
    lines.extend(result.curl_command.as_deref());
    text::to_text(&lines.join("\n"))
}

fn component(info: &Info, kind: &str) -> Component {
    let cpe = info.classification.as_ref().and_then(|c| c.cpe.as_deref()).and_then(Cpe::parse);
    let product = info.metadata.as_ref().and_then(|m| m.product.as_deref());
    match (cpe, product) {
        // The template's CPE is of what it looks for; its version is none that was seen.
        (Some(cpe), _) => Component { version: None, ..checks::component(&[cpe], None) },
        (None, Some(product)) => Component { name: product.to_owned(), ..Component::default() },
        (None, None) => checks::component(&[], Some(kind).filter(|kind| !kind.is_empty())),
    }
}

fn vulnerability(id: String, info: Info) -> VulnerabilityObservation {
    let classified = info.classification.unwrap_or_default();
    let texts = [info.description, info.impact.map(|impact| format!("Impact: {impact}"))];
    let description = texts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    let is_tag = |tag: &String, word| tag.split([',', ' ']).any(|t| t.eq_ignore_ascii_case(word));
    VulnerabilityObservation {
        id,
        title: info.name,
        description: text::to_text(&description),
        solution: info.remediation,
        cvss: cvss::score("nuclei", classified.cvss_metrics.as_deref(), classified.cvss_score)
            .into_iter()
            .collect(),
        cwe_ids: classified.cwe_id,
        references: checks::links(&info.reference.join("\n")),
        epss: classified.epss_score.filter(|epss| (0.0..=1.0).contains(epss)),
        kev: info.tags.iter().any(|tag| is_tag(tag, "kev")),
        ..VulnerabilityObservation::default()
    }
}
