//! From the words of audits to ours. The rules stand in the header of the parent module.

use super::model::{Advisory, Cvss, Finding, Fix, Tree, Via, Vulnerable};
use crate::adapters::importers::ids::{self, Ids};
use crate::adapters::importers::lenient::Mixed;
use crate::adapters::importers::{cvss, text, versions};
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, VulnerabilityObservation};
use crate::domain::scan::ScanKind;
use crate::domain::severity::CvssScore;

/// The vulnerabilities that an advisory is, from its CVEs, its link and its number.
fn identify<'i>(
    cves: impl Iterator<Item = &'i str>,
    ghsa: Option<&str>,
    url: Option<&str>,
    number: Option<&str>,
) -> Vec<Ids> {
    let last = url.and_then(|url| url.trim_end_matches('/').rsplit('/').next());
    let linked = last.filter(|last| last.get(..5).is_some_and(|p| p.eq_ignore_ascii_case("GHSA-")));
    let ghsa = ghsa.or(linked).map(str::to_owned);
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // GitHub's numbers change with every revision; npm's own, which links had, did not.
    let own = last.filter(is_number).or(number.filter(|_| ghsa.is_none()).filter(is_number));
    let own = own.map(|number| format!("NPM-{number}"));
    let mut named: Vec<String> = cves.map(str::to_owned).collect();
    named.extend(ghsa);
    named.extend(own);
    ids::settle(None, named.iter().map(String::as_str))
}

fn component(name: String, version: Option<String>, path: Option<String>) -> Component {
    Component { name, version, path, ecosystem: Some("npm".to_owned()), ..Component::default() }
}

fn score(cvss: Option<&Cvss>) -> Vec<CvssScore> {
    let score = cvss.and_then(|c| cvss::score("ghsa", c.vector.as_deref(), c.score));
    score.into_iter().collect()
}

/// Every vulnerability on every component.
fn on_each(
    settled: Vec<Ids>,
    components: &[(Component, Option<String>)],
    template: &FindingObservation,
) -> Option<Vec<FindingObservation>> {
    let mut findings = Vec::new();
    for ids in settled {
        for (component, evidence) in components {
            let mut finding = template.clone();
            finding.scan = ScanKind::Libraries;
            finding.component.clone_from(component);
            finding.evidence.clone_from(evidence);
            finding.vulnerability.id.clone_from(&ids.id);
            finding.vulnerability.aliases.clone_from(&ids.aliases);
            findings.push(finding);
        }
    }
    (!findings.is_empty()).then_some(findings)
}

/// The findings of an advisory of npm 6, pnpm or yarn 1.
pub fn of_advisory(advisory: &Advisory) -> Option<Vec<FindingObservation>> {
    let name = advisory.module_name.clone()?;
    let of_version = |finding: &Finding| {
        let lines: Vec<_> = finding.paths.iter().map(String::as_str).collect();
        let component = component(name.clone(), finding.version.clone(), None);
        (component, text::to_text(&lines.join("\n")))
    };
    let mut components: Vec<_> = advisory.findings.iter().map(of_version).collect();
    if components.is_empty() {
        components.push((component(name.clone(), None, None), None));
    }
    let links = advisory.references.as_deref().map(links).unwrap_or_default();
    let mut references: Vec<_> = advisory.url.iter().cloned().chain(links).collect();
    text::distinct(&mut references);
    let patched = advisory.patched_versions.as_deref().map(versions::lowest);
    let template = FindingObservation {
        fixed_version: text::joined(&patched.unwrap_or_default()),
        severity: advisory.severity,
        vulnerability: VulnerabilityObservation {
            title: advisory.title.clone(),
            description: advisory.overview.clone(),
            solution: advisory.recommendation.clone(),
            cvss: score(advisory.cvss.as_ref()),
            cwe_ids: advisory.cwe.clone(),
            references,
            published_at: advisory.created,
            modified_at: advisory.updated,
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    };
    let cves = advisory.cves.iter().map(String::as_str);
    let ghsa = advisory.github_advisory_id.as_deref();
    let settled = identify(cves, ghsa, advisory.url.as_deref(), advisory.id.as_deref());
    on_each(settled, &components, &template)
}

/// The web addresses in a Markdown text.
fn links(markdown: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut rest = markdown;
    while let Some(at) = rest.find("http") {
        rest = &rest[at..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | '"' | ']'));
        let (link, after) = rest.split_at(end.unwrap_or(rest.len()));
        links.extend(text::to_link(link));
        rest = after;
    }
    links
}

/// The findings of a package of npm 7, called `key` in the object of all of them; none if it
/// is vulnerable only through others.
pub fn of_package(package: &Vulnerable, key: &str) -> Option<Vec<FindingObservation>> {
    let name = package.name.clone().or_else(|| text::to_name(key).ok().flatten())?;
    let fix = fix(&package.fix);
    let mut findings = Vec::new();
    for via in &package.via {
        let Mixed::Object(via) = via else { continue };
        findings.extend(of_via(via, &name, &package.nodes, fix.as_deref())?);
    }
    Some(findings)
}

fn of_via(
    via: &Via,
    name: &str,
    nodes: &[String],
    fix: Option<&str>,
) -> Option<Vec<FindingObservation>> {
    let range = via.range.as_deref().or(via.vulnerable_versions.as_deref());
    let vulnerable = range.map(|range| format!("vulnerable: {range}"));
    let lines = [vulnerable.as_deref(), fix].into_iter().flatten().collect::<Vec<_>>();
    let evidence = text::to_text(&lines.join("\n"));
    let places = nodes.iter().cloned().map(Some).chain(nodes.is_empty().then_some(None));
    let components: Vec<_> =
        places.map(|path| (component(name.to_owned(), None, path), evidence.clone())).collect();
    let template = FindingObservation {
        fixed_version: text::joined(&range.map(versions::first_above).unwrap_or_default()),
        severity: via.severity,
        vulnerability: VulnerabilityObservation {
            title: via.title.clone(),
            cvss: score(via.cvss.as_ref()),
            cwe_ids: via.cwe.clone(),
            references: via.url.iter().cloned().collect(),
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    };
    let none = std::iter::empty();
    let number = via.source.as_deref().or(via.id.as_deref());
    let settled = identify(none, None, via.url.as_deref(), number);
    on_each(settled, &components, &template)
}

/// What npm can do about it.
fn fix(fix: &[Mixed<Fix>]) -> Option<String> {
    match fix.first()? {
        Mixed::Name(answer) if answer == "true" => Some("npm audit fix solves it".to_owned()),
        Mixed::Name(_) => Some("npm knows no fix".to_owned()),
        Mixed::Object(Fix { name, version, is_major }) => {
            let major = if *is_major { ", a breaking change" } else { "" };
            let (name, version) = (name.as_deref()?, version.as_deref()?);
            Some(format!("npm can update {name} to {version}{major}"))
        }
    }
}

/// The findings of a line of yarn 4.
pub fn of_tree(name: Option<String>, tree: Option<Tree>) -> Option<Vec<FindingObservation>> {
    let (name, tree) = (name?, tree?);
    let range = tree.vulnerable_versions.as_deref();
    let dependents = tree.dependents.iter().map(|d| format!("needed by {d}"));
    let evidence = text::to_text(&dependents.collect::<Vec<_>>().join("\n"));
    let installed = tree.versions.iter().cloned().map(Some);
    let components: Vec<_> = installed
        .chain(tree.versions.is_empty().then_some(None))
        .map(|version| (component(name.clone(), version, None), evidence.clone()))
        .collect();
    let template = FindingObservation {
        fixed_version: text::joined(&range.map(versions::first_above).unwrap_or_default()),
        severity: tree.severity,
        vulnerability: VulnerabilityObservation {
            title: tree.issue,
            references: tree.url.iter().cloned().collect(),
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    };
    let none = std::iter::empty();
    let settled = identify(none, None, tree.url.as_deref(), tree.id.as_deref());
    on_each(settled, &components, &template)
}
