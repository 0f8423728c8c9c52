//! What Trivy and Grype say about packages in messages and rules, in words that do not vary.

use std::sync::LazyLock;

use regex::Regex;

use super::head::Run;
use super::own;
use super::rules::RuleFacts;
use crate::adapters::importers::{ecosystem, lenient, text};
use crate::domain::component::Component;
use crate::domain::observation::SkipReason;
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

/// Grype's messages since 0.33, and before.
static GRYPE: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [
        r"^An? \w+ vulnerability in (?P<type>\S+) package: (?P<name>.+), version (?P<version>.*?) was found(?: in image (?P<image>\S+))? at: ?(?P<path>.*)$",
        r"^The path (?P<path>.*) reports (?P<name>.+) at version (?P<version>\S*) +which .* \((?P<type>[^)]*)\) package installed",
    ]
    .map(|pattern| Regex::new(pattern).expect("the pattern is written here"))
});

/// What Grype says in the help of a rule.
#[derive(Debug, Default, Clone)]
pub struct Help {
    severity: Severity,
    fixed: Option<String>,
}

impl Help {
    /// Reads the lines `Severity:` and `Fix Version:`.
    pub fn of(help: &str) -> Self {
        Self {
            severity: field(help, "Severity").map(lenient::to_severity).unwrap_or_default(),
            fixed: field(help, "Fix Version").and_then(name),
        }
    }
}

/// A package that is vulnerable.
#[derive(Debug, Default)]
pub struct Package {
    pub component: Component,
    pub scan: ScanKind,
    pub fixed_version: Option<String>,
    pub severity: Severity,
}

fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let value = |line: &'t str| line.strip_prefix(name)?.strip_prefix(':').map(str::trim);
    text.lines().find_map(value).filter(|v| !v.is_empty())
}

fn name(text: &str) -> Option<String> {
    text::to_name(text).unwrap_or_default()
}

/// The kinds of packages that a run of Trivy or Grype looked at, of our own exports nothing
/// at all; none for other tools. Trivy
/// does not say what it looked for and did not find.
pub fn kinds(run: &Run) -> Option<Vec<ScanKind>> {
    match run.tool.as_str() {
        "grype" => Some(vec![ScanKind::OsPackages, ScanKind::Libraries]),
        own::TOOL => Some(Vec::new()),
        "trivy" => {
            let mut kinds: Vec<_> = run.rules.all().iter().filter_map(trivy_kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            Some(kinds)
        }
        _ => None,
    }
}

fn trivy_kind(rule: &RuleFacts) -> Option<ScanKind> {
    match rule.name.as_deref()? {
        "OsPackageVulnerability" => Some(ScanKind::OsPackages),
        "LanguageSpecificPackageVulnerability" => Some(ScanKind::Libraries),
        _ => None,
    }
}

/// Why a rule of Trivy is none for vulnerabilities.
pub fn skipped(run: &Run, rule: Option<&RuleFacts>) -> Option<SkipReason> {
    match rule?.name.as_deref().filter(|_| run.tool == "trivy")? {
        "Misconfiguration" => Some(SkipReason::Misconfiguration),
        "Secret" => Some(SkipReason::Secret),
        "License" => Some(SkipReason::License),
        _ => None,
    }
}

/// The image that Grype names in a message.
pub fn image(message: &str) -> Option<String> {
    let image = GRYPE[0].captures(message)?.name("image")?;
    name(image.as_str())
}

/// The package that a result is about; `path` is where it was found.
pub fn package(
    run: &Run,
    rule: Option<&RuleFacts>,
    message: &str,
    path: Option<&str>,
) -> Option<Package> {
    match run.tool.as_str() {
        "trivy" => trivy(rule?, message, path),
        "grype" => grype(rule, message),
        _ => None,
    }
}

fn trivy(rule: &RuleFacts, message: &str, path: Option<&str>) -> Option<Package> {
    let scan = trivy_kind(rule)?;
    let package = field(message, "Package").and_then(name)?;
    let path = path.filter(|_| scan == ScanKind::Libraries).map(str::to_owned);
    Some(Package {
        component: Component {
            name: package,
            version: field(message, "Installed Version").and_then(name),
            path,
            ..Component::default()
        },
        scan,
        fixed_version: field(message, "Fixed Version").and_then(name),
        severity: field(message, "Severity").map(lenient::to_severity).unwrap_or_default(),
    })
}

fn grype(rule: Option<&RuleFacts>, message: &str) -> Option<Package> {
    let found = GRYPE.iter().find_map(|pattern| pattern.captures(message))?;
    let get = |group| found.name(group).and_then(|m| name(m.as_str()));
    let ecosystem = get("type").as_deref().and_then(ecosystem::purl_type);
    let help = rule.map(|rule| rule.help.clone()).unwrap_or_default();
    let purls = rule.map(|rule| &rule.purls[..]).unwrap_or_default();
    let version = get("version");
    // A rule is of all versions of a package; its addresses tell which is which.
    let purl = version.as_ref().and_then(|version| {
        let of_version = |purl: &&String| {
            let parsed = crate::domain::purl::Purl::parse(purl);
            parsed.is_some_and(|p| p.version.as_ref() == Some(version))
        };
        purls.iter().find(of_version).cloned()
    });
    let mut component = Component {
        name: get("name")?,
        version,
        ecosystem: ecosystem.clone(),
        path: get("path"),
        purl,
        ..Component::default()
    };
    if component.purl.is_some() {
        crate::adapters::importers::packages::complete(&mut component);
    }
    Some(Package {
        scan: ScanKind::of_ecosystem(component.ecosystem.as_deref()),
        component,
        fixed_version: help.fixed,
        severity: help.severity,
    })
}
