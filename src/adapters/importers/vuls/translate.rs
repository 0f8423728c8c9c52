//! From Vuls' words to ours. The rules stand in the header of the parent module.

use super::facts::Facts;
use super::model::{Affected, Content, Cve, Head, LibraryFix};
use crate::adapters::importers::{cvss, ecosystem, ids, lenient, text, trivy};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::{AssetObservation, FindingObservation, VulnerabilityObservation};
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// The server, or the container on it.
pub fn asset(head: &Head, facts: &Facts) -> AssetObservation {
    let server = head.server_name.clone().unwrap_or_default();
    let container = head.container.as_ref().filter(|c| c.id.is_some() || c.name.is_some());
    let instance = head.platform.as_ref().and_then(|p| p.instance_id.as_deref());
    let is_pseudo = head.family.as_deref() == Some("pseudo");
    let name = container.and_then(|c| c.name.as_ref().or(c.id.as_ref()));
    let kernel = head.running_kernel.as_ref();
    let kernel = kernel.and_then(|k| k.release.as_ref().or(k.version.as_ref()));
    let family = head.family.as_deref().filter(|_| !is_pseudo);
    let tags = [("kernel", kernel), ("image", container.and_then(|c| c.image.as_ref()))];
    AssetObservation {
        asset_id: name.map_or(server.clone(), |name| format!("{name}@{server}")),
        asset_type: match (container, instance) {
            (Some(_), _) => AssetType::Container,
            (None, Some(_)) => AssetType::CloudInstance,
            (None, None) if is_pseudo => AssetType::Other,
            (None, None) => AssetType::Server,
        },
        ip_address: head.ipv4.iter().chain(&head.ipv6).next().cloned(),
        os_type: family.map(ecosystem::os_id),
        os_version: head.release.clone(),
        tags: tags.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?.clone()))).collect(),
        identifiers: identifiers(head, container.is_some()),
        complete: complete(head, facts, is_pseudo),
        inventory: listed(facts),
        ..AssetObservation::default()
    }
}

fn identifiers(head: &Head, is_container: bool) -> Vec<Identifier> {
    use IdentifierKind as K;
    let instance = head.platform.as_ref().and_then(|p| p.instance_id.as_ref());
    let container = head.container.as_ref();
    // Of a container, what is said about the server is not about it.
    let of_server = [(K::InstanceId, instance), (K::SystemUuid, head.server_uuid.as_ref())];
    let of_server = of_server.into_iter().filter(|_| !is_container);
    let of_container = [
        (K::SystemUuid, container.and_then(|c| c.id.as_ref())),
        (K::ImageTag, container.and_then(|c| c.image.as_ref())),
    ];
    let addresses = head.ipv4.iter().chain(&head.ipv6).map(|ip| (K::Ip, Some(ip)));
    let all = of_server.chain(of_container).chain(addresses);
    all.filter_map(|(kind, value)| Identifier::new(kind, value?)).collect()
}

fn complete(head: &Head, facts: &Facts, is_pseudo: bool) -> Vec<ScanKind> {
    let filter = head.config.as_ref().and_then(|c| c.report.as_ref());
    let is_filtered = filter
        .is_some_and(|f| f.ignore_unfixed || f.cvss_score_over.is_some_and(|score| score > 0.0));
    if head.reported_at.is_none() || !head.errors.is_empty() || is_filtered {
        return Vec::new();
    }
    let kinds = [
        (ScanKind::OsPackages, !is_pseudo),
        (ScanKind::Libraries, !facts.libraries.is_empty()),
        (ScanKind::Other, facts.has_cpes),
    ];
    kinds.into_iter().filter_map(|(kind, whole)| whole.then_some(kind)).collect()
}

fn listed(facts: &Facts) -> Vec<ScanKind> {
    let kinds = [
        (ScanKind::OsPackages, !facts.packages.is_empty()),
        (ScanKind::Libraries, !facts.libraries.is_empty()),
    ];
    kinds.into_iter().filter_map(|(kind, listed)| listed.then_some(kind)).collect()
}

/// The findings that a CVE, called `key` in the object of all, is: one on each thing that has
/// it.
pub fn findings(cve: &Cve, key: &str, head: &Head, facts: &Facts) -> Vec<FindingObservation> {
    let advisories = cve.distro_advisories.iter().filter_map(|a| a.id.as_deref());
    let own = cve.id.as_deref().unwrap_or(key);
    let Some(ids) = ids::settle(Some(own), advisories).into_iter().next() else {
        return Vec::new();
    };
    let contents = contents(cve);
    let mut vulnerability = vulnerability(cve, &contents);
    (vulnerability.id, vulnerability.aliases) = (ids.id, ids.aliases);
    let template = FindingObservation {
        severity: severity(&vulnerability.cvss, &contents),
        evidence: evidence(cve),
        vulnerability,
        ..FindingObservation::default()
    };
    let packages = cve.affected_packages.iter().filter_map(|a| on_package(a, facts, head));
    let libraries = cve.library_fixed_ins.iter().filter_map(|fix| on_library(fix, facts));
    let wordpress = cve.wordpress.iter().filter_map(on_wordpress);
    let cpes = cve.cpes.iter().filter_map(|cpe| on_cpe(cpe));
    let windows = on_windows(cve, head);
    let all = packages.chain(libraries).chain(wordpress).chain(cpes).chain(windows);
    all.map(|seen| FindingObservation {
        component: seen.component,
        scan: seen.scan,
        fixed_version: seen.fixed,
        status: seen.status,
        ..template.clone()
    })
    .collect()
}

/// A thing that has the CVE.
struct Seen {
    component: Component,
    scan: ScanKind,
    fixed: Option<String>,
    status: Option<String>,
}

fn on_package(affected: &Affected, facts: &Facts, head: &Head) -> Option<Seen> {
    let name = affected.name.clone()?;
    let known = facts.packages.get(&name).cloned();
    let update = || facts.updates.get(&name).filter(|_| head.old_cves && !affected.not_fixed_yet);
    let fixed = affected.fixed_in.clone().or_else(|| update().cloned());
    let not_yet = affected.not_fixed_yet.then(|| "not fixed yet".to_owned());
    let component = known.unwrap_or_else(|| Component {
        name: name.clone(),
        ecosystem: facts.packages.values().next().and_then(|c| c.ecosystem.clone()),
        ..Component::default()
    });
    let status = affected.fix_state.as_ref().map(|state| state.to_ascii_lowercase()).or(not_yet);
    Some(Seen { component, scan: ScanKind::OsPackages, fixed, status })
}

fn on_library(fix: &LibraryFix, facts: &Facts) -> Option<Seen> {
    let name = fix.name.clone()?;
    let key = (fix.path.clone().unwrap_or_default(), name.clone());
    let component = facts.libraries.get(&key).cloned().unwrap_or_else(|| Component {
        name,
        path: fix.path.clone(),
        ecosystem: fix.key.as_deref().map(trivy::words::ecosystem),
        ..Component::default()
    });
    Some(Seen { component, scan: ScanKind::Libraries, fixed: fix.fixed_in.clone(), status: None })
}

fn on_wordpress(fix: &LibraryFix) -> Option<Seen> {
    let component = Component {
        name: fix.name.clone()?,
        ecosystem: Some("wordpress".to_owned()),
        ..Component::default()
    };
    Some(Seen { component, scan: ScanKind::Web, fixed: fix.fixed_in.clone(), status: None })
}

/// `cpe:/a:vendor:product:version` or `cpe:2.3:a:vendor:product:version:…`.
fn on_cpe(cpe: &str) -> Option<Seen> {
    let body = cpe.strip_prefix("cpe:2.3:").or_else(|| cpe.strip_prefix("cpe:/"))?;
    let mut parts = body.split(':').skip(2);
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let version = parts.next().filter(|v| !matches!(*v, "" | "*" | "-")).map(str::to_owned);
    let component = Component { name, version, cpe: Some(cpe.to_owned()), ..Component::default() };
    Some(Seen { component, scan: ScanKind::Other, fixed: None, status: None })
}

/// On Windows, what is fixed by updates is the system itself.
fn on_windows(cve: &Cve, head: &Head) -> Option<Seen> {
    let updates = cve.windows_updates.iter();
    let updates: Vec<_> = updates.map(|kb| format!("KB{}", kb.trim_start_matches("KB"))).collect();
    let kernel = head.running_kernel.as_ref().and_then(|k| k.version.clone());
    let component = Component {
        name: head.release.clone().unwrap_or_else(|| "Windows".to_owned()),
        version: kernel,
        ecosystem: Some("windows".to_owned()),
        ..Component::default()
    };
    let fixed = text::joined(&updates)?;
    Some(Seen { component, scan: ScanKind::OsPackages, fixed: Some(fixed), status: None })
}

/// What sources say, best first: NVD, others, and those in Japanese last.
fn contents(cve: &Cve) -> Vec<(&str, &Content)> {
    let all = cve.cve_contents.iter().flatten();
    let mut all: Vec<_> = all
        .flat_map(|(source, contents)| contents.0.iter().map(move |c| (source.as_str(), c)))
        .collect();
    let rank = |source: &str| match source {
        "nvd" => 0,
        "jvn" => 2,
        _ => 1,
    };
    all.sort_by_key(|(source, _)| rank(source));
    all
}

fn vulnerability(cve: &Cve, contents: &[(&str, &Content)]) -> VulnerabilityObservation {
    let mitigations = cve.mitigations.iter().filter_map(|m| m.mitigation.as_deref());
    let mitigations = mitigations.collect::<Vec<_>>().join("\n\n");
    let alerts = cve.alert_dict.as_ref().is_some_and(|a| !a.cisa.is_empty());
    let mut v = VulnerabilityObservation {
        title: title(contents),
        description: contents.iter().find_map(|(_, c)| c.summary.clone()),
        solution: text::to_text(&mitigations),
        cvss: contents.iter().flat_map(|(source, c)| scores(source, c)).collect(),
        kev: alerts || !cve.kevs.is_empty(),
        exploit: !cve.exploits.is_empty() || !cve.metasploits.is_empty(),
        published_at: contents.iter().filter_map(|(_, c)| c.published).min(),
        modified_at: contents.iter().filter_map(|(_, c)| c.last_modified).max(),
        ..VulnerabilityObservation::default()
    };
    for (_, content) in contents {
        v.cwe_ids.extend(content.cwes.iter().cloned());
        let links = content.references.iter().filter_map(|r| r.link.as_ref());
        v.references.extend(content.source_link.iter().chain(links).cloned());
    }
    text::distinct(&mut v.cwe_ids);
    text::distinct(&mut v.references);
    v
}

/// The best title; a Japanese one only if nobody else says anything.
fn title(contents: &[(&str, &Content)]) -> Option<String> {
    let is_japanese = |source: &str| source == "jvn";
    let is_alone = contents.iter().all(|(source, _)| is_japanese(source));
    let mut fitting = contents.iter().filter(|(source, _)| is_alone || !is_japanese(source));
    fitting.find_map(|(_, content)| content.title.clone())
}

fn scores(source: &str, c: &Content) -> Vec<CvssScore> {
    // `trivy:nvd`: what Trivy says that NVD says.
    let source = cvss::source_name(source.strip_prefix("trivy:").unwrap_or(source));
    let all = [
        ("4.0", &c.cvss40_vector, c.cvss40_score),
        ("3.1", &c.cvss3_vector, c.cvss3_score),
        ("2.0", &c.cvss2_vector, c.cvss2_score),
    ];
    let score = |(version, vector, score): (_, &Option<String>, Option<f64>)| {
        // Vuls writes 0 where it has no score.
        cvss::versioned(&source, version, vector.as_deref(), score.filter(|s| *s > 0.0))
    };
    all.into_iter().filter_map(score).collect()
}

fn severity(scores: &[CvssScore], contents: &[(&str, &Content)]) -> Severity {
    for family in ["4", "3", "2"] {
        let of_family = scores.iter().filter(|s| s.version.starts_with(family));
        if let Some(severity) = of_family.filter_map(|s| s.score).map(Severity::of_score).max() {
            return severity;
        }
    }
    let words = contents.iter().flat_map(|(_, c)| {
        [&c.cvss40_severity, &c.cvss3_severity, &c.cvss2_severity, &c.old_severity]
    });
    // Several words of one source are separated by `|`.
    let words = words.flatten().flat_map(|words| words.split('|'));
    words.map(lenient::to_severity).max().unwrap_or_default()
}

fn evidence(cve: &Cve) -> Option<String> {
    let lines = cve.confidences.iter().filter_map(|c| {
        let score = c.score.as_deref().unwrap_or_default();
        Some(format!("{} (confidence {score})", c.detection_method.as_deref()?))
    });
    text::to_text(&lines.collect::<Vec<_>>().join("\n"))
}
