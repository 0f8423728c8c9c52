//! From Wazuh's words to ours. The rules stand in the header of the parent module.

use super::model::{Item, Package, State, Vulnerability};
use crate::adapters::importers::network::{checks, hosts};
use crate::adapters::importers::{cvss, ecosystem, lenient, text};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{
    AssetObservation, FindingObservation, SkipReason, VulnerabilityObservation,
};
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// The agent that an item of the API names; the API itself names none.
pub fn asset_of_item(item: &Item) -> AssetObservation {
    let names = [&item.agent_name, &item.agent_ip, &item.agent_id];
    let mut asset = AssetObservation::default();
    if let Some(name) = names.into_iter().flatten().next() {
        asset = hosts::asset(name);
        item.agent_ip.iter().for_each(|ip| hosts::add_name(&mut asset, ip));
        if let Some(id) = &item.agent_id {
            hosts::add(&mut asset, IdentifierKind::AgentId, &format!("wazuh:{id}"));
        }
    }
    asset.asset_type = AssetType::Server;
    asset
}

/// The agent of a state or an alert.
pub fn asset(state: &State) -> Option<AssetObservation> {
    let inside = || state.wazuh.as_ref().and_then(|w| w.agent.as_ref());
    let agent = state.agent.as_ref().or_else(inside)?;
    let name = agent.name.as_deref().or(agent.id.as_deref())?;
    let mut asset = hosts::asset(name);
    asset.asset_type = AssetType::Server;
    if let Some(id) = &agent.id {
        hosts::add(&mut asset, IdentifierKind::AgentId, &format!("wazuh:{id}"));
    }
    agent.ip.iter().for_each(|ip| hosts::add_name(&mut asset, ip));
    for host in [agent.host.as_ref(), state.host.as_ref()].into_iter().flatten() {
        host.hostname.iter().chain(&host.ip).for_each(|n| hosts::add_name(&mut asset, n));
        asset.os_architecture = host.architecture.clone().or(asset.os_architecture);
        let Some(os) = &host.os else { continue };
        if let Some(full) = &os.full {
            hosts::set_os(&mut asset, full);
        }
        asset.os_type = os.platform.as_deref().map(ecosystem::os_id).or(asset.os_type);
        asset.os_version = os.version.clone().or(asset.os_version);
    }
    Some(asset)
}

/// The finding that an item of the API is.
pub fn of_item(item: Item) -> Result<FindingObservation, SkipReason> {
    if item.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("obsolete")) {
        return Err(SkipReason::Resolved);
    }
    let (Some(id), Some(name)) = (item.cve.as_deref().and_then(id), item.name) else {
        return Err(SkipReason::Unidentified);
    };
    let scores = [("2.0", item.cvss2_score), ("3.1", item.cvss3_score)];
    let cvss: Vec<_> = scores.iter().filter_map(|(v, score)| scored(v, *score)).collect();
    let fixed_version = item.condition.as_deref().and_then(fixed_version);
    let component = Component {
        name,
        version: item.version,
        architecture: item.architecture,
        ..Component::default()
    };
    Ok(FindingObservation {
        scan: ScanKind::OsPackages,
        component,
        fixed_version,
        severity: severity(item.severity.as_deref(), &cvss),
        status: item.status.map(|s| s.to_lowercase()),
        evidence: item.condition,
        first_seen: item.detection_time,
        vulnerability: VulnerabilityObservation {
            id,
            title: item.title,
            cvss,
            references: item.external_references,
            published_at: item.published,
            modified_at: item.updated,
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    })
}

/// The finding that a state or an alert is; states have the package beside.
pub fn of_state(
    v: Vulnerability,
    package: Option<Package>,
) -> Result<FindingObservation, SkipReason> {
    let is = |word| v.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(word));
    if is("solved") || is("obsolete") {
        return Err(SkipReason::Resolved);
    }
    let package = package.or(v.package).unwrap_or_default();
    let own = v.id.as_deref().or(v.cve.as_deref()).and_then(id);
    let (Some(id), true) = (own, package.name.is_some()) else {
        return Err(SkipReason::Unidentified);
    };
    let scanner = v.scanner.unwrap_or_default();
    let condition = scanner.condition.or(package.condition.clone());
    let alert = v.cvss.unwrap_or_default();
    let base = v.score.unwrap_or_default();
    let scores = [
        scored(base.version.as_deref().unwrap_or("3.1"), base.base),
        scored("2.0", alert.cvss2.and_then(|c| c.base_score)),
        scored("3.1", alert.cvss3.and_then(|c| c.base_score)),
    ];
    let cvss: Vec<_> = scores.into_iter().flatten().collect();
    let mut references = checks::links(&v.reference.unwrap_or_default());
    for link in v.references.into_iter().chain(scanner.reference) {
        if !references.contains(&link) {
            references.push(link);
        }
    }
    let status = v.status.map(|s| s.to_lowercase());
    let evaluated = v.under_evaluation.then(|| "under_evaluation".to_owned());
    let (component, scan) = component(package);
    Ok(FindingObservation {
        scan,
        component,
        fixed_version: condition.as_deref().and_then(fixed_version),
        severity: severity(v.severity.as_deref(), &cvss),
        status: status.or(evaluated),
        evidence: condition,
        first_seen: v.detected_at,
        vulnerability: VulnerabilityObservation {
            id,
            title: v.title,
            description: v.description.or(v.rationale),
            cvss,
            cwe_ids: v.cwe_reference,
            references,
            published_at: v.published_at.or(v.published),
            modified_at: v.updated,
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    })
}

fn id(text: &str) -> Option<String> {
    let id = text::to_advisory_id(text);
    id.map_err(|e| tracing::debug!(error = %e, "an entry without an id")).ok()
}

/// Wazuh does not say whose score it is.
fn scored(version: &str, score: Option<f64>) -> Option<CvssScore> {
    cvss::versioned("wazuh", version, None, score)
}

fn severity(word: Option<&str>, cvss: &[CvssScore]) -> Severity {
    let by_score = || {
        cvss.iter()
            .filter_map(|c| c.score)
            .fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.max(b))))
    };
    match word.map(lenient::to_severity).unwrap_or_default() {
        Severity::Unknown => by_score().map(Severity::of_score).unwrap_or_default(),
        severity => severity,
    }
}

fn component(package: Package) -> (Component, ScanKind) {
    let kind = package.kind.as_deref().unwrap_or_default();
    let ecosystem = match kind.to_ascii_lowercase().as_str() {
        "" | "-" => None,
        "win" | "windows" => Some("windows".to_owned()),
        kind => ecosystem::purl_type(kind),
    };
    let scan = match ecosystem.as_deref().and_then(ecosystem::known) {
        Some(known) => ScanKind::of_ecosystem(Some(known)),
        None => ScanKind::OsPackages,
    };
    let component = Component {
        name: package.name.unwrap_or_default(),
        version: package.version,
        ecosystem,
        source_package: package.source,
        architecture: package.architecture,
        path: package.path,
        ..Component::default()
    };
    (component, scan)
}

/// `Package less than 4.3.2`
fn fixed_version(condition: &str) -> Option<String> {
    let version = condition.trim().strip_prefix("Package less than ")?.trim();
    let is_version = !version.contains(' ') && version.contains(|c: char| c.is_ascii_digit());
    is_version.then(|| text::to_name(version).ok().flatten()).flatten()
}
