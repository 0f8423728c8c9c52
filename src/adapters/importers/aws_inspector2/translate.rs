//! From Inspector's words to ours. The rules stand in the header of the parent module.

use super::model::{CodeDetails, Finding, NetworkDetails, Package, PackageDetails, Resource};
use super::resource;
use crate::adapters::importers::{cvss, ecosystem, ids, text};
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, VulnerabilityObservation};
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;

/// The findings that it is on this resource. None without an id or a package.
pub fn findings(finding: &Finding, resource: &Resource) -> Vec<FindingObservation> {
    let template = template(finding);
    if let Some(details) = &finding.package_vulnerability_details {
        return of_packages(details, resource, &template);
    }
    let network = finding.network_reachability_details.as_ref();
    let code = finding.code_vulnerability_details.as_ref();
    network
        .map(|details| of_network(details, template.clone()))
        .or_else(|| of_code(code?, template))
        .into_iter()
        .collect()
}

/// What all kinds have.
fn template(finding: &Finding) -> FindingObservation {
    let recommendation = finding.remediation.as_ref().and_then(|r| r.recommendation.as_ref());
    let recommendation = recommendation.and_then(|r| r.text.clone());
    FindingObservation {
        severity: finding.severity,
        status: finding.status.as_ref().map(|s| s.to_ascii_lowercase()),
        first_seen: finding.first_observed_at,
        vulnerability: VulnerabilityObservation {
            title: finding.title.clone(),
            description: finding.description.clone(),
            solution: recommendation.filter(|text| text != "None Provided"),
            epss: finding.epss.as_ref().and_then(|e| e.score),
            exploit: finding.exploit_available.as_deref() == Some("YES"),
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    }
}

fn of_packages(
    details: &PackageDetails,
    resource: &Resource,
    template: &FindingObservation,
) -> Vec<FindingObservation> {
    let related = details.related_vulnerabilities.iter().map(String::as_str);
    let settled = ids::settle(details.vulnerability_id.as_deref(), related);
    let mut findings = Vec::new();
    for ids in &settled {
        for package in details.vulnerable_packages.iter().flatten() {
            let Some(component) = component(package, resource) else { continue };
            let mut finding = template.clone();
            finding.scan = ScanKind::of_ecosystem(component.ecosystem.as_deref());
            finding.component = component;
            finding.fixed_version = fixed(package);
            finding.check = details.vulnerability_id.clone().filter(|_| settled.len() > 1);
            finding.evidence =
                details.vendor_severity.as_ref().map(|word| format!("vendor severity: {word}"));
            describe(details, &mut finding.vulnerability);
            finding.vulnerability.id.clone_from(&ids.id);
            finding.vulnerability.aliases.clone_from(&ids.aliases);
            findings.push(finding);
        }
    }
    findings
}

fn describe(details: &PackageDetails, v: &mut VulnerabilityObservation) {
    let score = |c: &super::model::Cvss| {
        let source = cvss::source_name(c.source.as_deref().unwrap_or("aws-inspector2"));
        let version = c.version.as_deref().unwrap_or_default();
        cvss::versioned(&source, version, c.scoring_vector.as_deref(), c.base_score)
    };
    v.cvss = details.cvss.iter().filter_map(score).collect();
    v.references = details.source_url.iter().chain(&details.reference_urls).cloned().collect();
    text::distinct(&mut v.references);
    v.published_at = details.vendor_created_at;
    v.modified_at = details.vendor_updated_at;
}

fn component(package: &Package, resource: &Resource) -> Option<Component> {
    let manager = package.package_manager.as_deref().unwrap_or_default();
    let ecosystem = match manager.to_ascii_lowercase().as_str() {
        "os" => of_system(resource),
        other => ecosystem::purl_type(&other.replace('_', "-")),
    };
    let is_system = ScanKind::of_ecosystem(ecosystem.as_deref()) == ScanKind::OsPackages;
    let epoch = package.epoch.as_deref().filter(|epoch| is_system && *epoch != "0");
    let release = package.release.as_deref().filter(|_| is_system);
    let version = package.version.as_ref().map(|version| {
        let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let release = release.map(|release| format!("-{release}")).unwrap_or_default();
        format!("{epoch}{version}{release}")
    });
    let architecture = package.arch.as_ref().map(|arch| arch.to_ascii_lowercase());
    Some(Component {
        name: package.name.clone()?,
        version,
        ecosystem,
        architecture,
        path: package.file_path.clone(),
        layer: package.source_layer_hash.clone().or(package.source_lambda_layer_arn.clone()),
        ..Component::default()
    })
}

/// The purl type of the packages of the resource's operating system.
fn of_system(resource: &Resource) -> Option<String> {
    let details = resource.details.as_ref()?;
    let instance = details.instance.as_ref().and_then(|i| i.platform.as_deref());
    let image = details.image.as_ref().and_then(|i| i.platform.as_deref());
    let (os, _) = resource::platform(instance.or(image));
    let os = os?;
    let word = os.split('_').next().unwrap_or_default();
    Some(match word {
        "windows" => "windows".to_owned(),
        word => ecosystem::known(word).unwrap_or("rpm").to_owned(),
    })
}

/// The version that is fixed; epoch 0 is none, and `NotAvailable` is what Inspector writes
/// where there is none.
fn fixed(package: &Package) -> Option<String> {
    let fixed = package.fixed_in_version.as_deref()?;
    let fixed = fixed.strip_prefix("0:").unwrap_or(fixed);
    (!fixed.eq_ignore_ascii_case("NotAvailable")).then(|| fixed.to_owned())
}

fn of_network(details: &NetworkDetails, mut finding: FindingObservation) -> FindingObservation {
    let range = details.open_port_range.as_ref();
    let begin = range.and_then(|r| r.begin);
    let end = range.and_then(|r| r.end).or(begin);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    let port = begin.filter(|port| (0.0..65536.0).contains(port)).map(|port| port as u16);
    let protocol = details.protocol.as_ref().map(|p| p.to_ascii_lowercase());
    if let (Some(begin), Some(end)) = (begin, end) {
        let protocol = protocol.as_deref().unwrap_or("tcp");
        finding.evidence = Some(format!("open ports: {begin}-{end}/{protocol}"));
    }
    "AWS-INSPECTOR2-NETWORK-REACHABILITY".clone_into(&mut finding.vulnerability.id);
    "network".clone_into(&mut finding.component.name);
    finding.scan = ScanKind::Network;
    finding.place = Place { port, protocol, ..Place::default() };
    finding
}

fn of_code(details: &CodeDetails, mut finding: FindingObservation) -> Option<FindingObservation> {
    let check = details.rule_id.as_ref().or(details.detector_id.as_ref())?;
    finding.vulnerability.id = ids::of_scanner("aws-inspector2", check)?;
    finding.vulnerability.cwe_ids.clone_from(&details.cwes);
    finding.vulnerability.references.clone_from(&details.reference_urls);
    finding.check = Some(check.clone());
    finding.scan = ScanKind::Code;
    let file = details.file_path.as_ref();
    let path = file.and_then(|f| f.file_path.clone().or_else(|| f.file_name.clone()))?;
    finding.component = Component { name: path.clone(), path: Some(path), ..Component::default() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    let line = file.and_then(|f| f.start_line).filter(|n| (1.0..1e9).contains(n)).map(|n| n as u64);
    finding.place = Place { line, ..Place::default() };
    Some(finding)
}
