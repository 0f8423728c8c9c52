//! A plugin that has struck, from whichever file, and the findings that it is. The rules
//! stand in the header of the parent module.

use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::network::{Hit, checks, dates, hosts, printed};
use crate::adapters::importers::{cvss, lenient, text};
use crate::base::Timestamp;
use crate::domain::observation::{FindingObservation, SkipReason, VulnerabilityObservation};
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// The source of CVSS scores.
const SOURCE: &str = "nessus";

/// What a file says of a plugin on a host, in the file's own words.
#[derive(Debug, Default)]
pub struct Plugin<'r> {
    pub id: Option<&'r str>,
    pub name: Option<&'r str>,
    pub severity: Option<Severity>,
    /// `local`, `combined`, `remote`, …
    pub kind: Option<&'r str>,
    pub port: Option<&'r str>,
    pub protocol: Option<&'r str>,
    pub service: Option<&'r str>,
    pub names: Vec<String>,
    pub cwe_ids: Vec<String>,
    pub cpes: Vec<Cpe>,
    pub cvss: Vec<CvssScore>,
    pub score_source: Option<&'r str>,
    pub synopsis: Option<&'r str>,
    pub description: Option<&'r str>,
    pub solution: Option<&'r str>,
    pub references: Vec<String>,
    pub output: Option<&'r str>,
    pub exploit: bool,
    pub kev: bool,
    pub epss: Option<f64>,
    pub published: Option<&'r str>,
    pub status: Option<&'r str>,
    pub first_seen: Option<Timestamp>,
    /// On a web application.
    pub is_web: bool,
}

impl Plugin<'_> {
    /// The findings, or why there are none.
    pub fn hit(self) -> Result<Hit, SkipReason> {
        let severity = self.severity.unwrap_or_default();
        if severity == Severity::Info && self.names.is_empty() {
            return Err(SkipReason::Informational);
        }
        let check = self.id.and_then(|id| text::to_name(id).ok().flatten());
        let id = self.id.and_then(|id| checks::id("NESSUS", id));
        let (Some(check), Some(id)) = (check, id) else { return Err(SkipReason::Unidentified) };
        let service = self.service.and_then(checks::service);
        let component = checks::component(&self.cpes, service.as_deref());
        let mut affected = printed::affected(self.output, &component);
        if self.cpes.is_empty() {
            printed::call(&mut affected, self.name.unwrap_or_default());
        }
        let is_package = affected.iter().any(|a| a.component.ecosystem.is_some());
        let scored = self.score_source.and_then(checks::cve);
        Ok(Hit {
            finding: FindingObservation {
                scan: self.scan(is_package),
                // Packages are on the host, whatever port the plugin talked to.
                place: if is_package { Place::default() } else { self.place() },
                severity,
                status: self.status.and_then(text::to_line).map(|s| s.to_ascii_lowercase()),
                check: Some(check),
                evidence: self.output.and_then(text::to_text),
                first_seen: self.first_seen,
                vulnerability: self.vulnerability(id),
                component,
                ..FindingObservation::default()
            },
            names: self.names,
            scored,
            affected,
            ..Hit::default()
        })
    }

    fn scan(&self, is_package: bool) -> ScanKind {
        let is = |kind: &str| self.kind.is_some_and(|k| k.eq_ignore_ascii_case(kind));
        match () {
            () if is_package => ScanKind::OsPackages,
            () if self.is_web => ScanKind::Web,
            // Combined plugins use a login if they have one.
            () if is("local") || is("combined") => ScanKind::Other,
            () => ScanKind::Network,
        }
    }

    fn place(&self) -> Place {
        let mut place = checks::place(self.port, self.protocol);
        if self.is_web {
            place.url = self.output.and_then(first_address);
        }
        place
    }

    fn vulnerability(&self, id: String) -> VulnerabilityObservation {
        let parts = [self.synopsis, self.description];
        let mut description = String::new();
        for part in parts.into_iter().flatten().map(str::trim).filter(|p| !p.is_empty()) {
            if !description.contains(part) {
                let gap = if description.is_empty() { "" } else { "\n\n" };
                description = format!("{description}{gap}{part}");
            }
        }
        VulnerabilityObservation {
            id,
            title: self.name.and_then(text::to_line),
            description: text::to_text(&description),
            solution: self.solution.filter(|s| says(s)).and_then(text::to_text),
            cvss: self.cvss.clone(),
            cwe_ids: self.cwe_ids.clone(),
            references: self.references.clone(),
            epss: self.epss.filter(|e| (0.0..=1.0).contains(e)),
            kev: self.kev,
            exploit: self.exploit,
            published_at: self.published.and_then(dates::read),
            ..VulnerabilityObservation::default()
        }
    }
}

/// Nessus writes `n/a` where there is nothing to say.
fn says(text: &str) -> bool {
    !matches!(text.trim().to_ascii_lowercase().as_str(), "" | "n/a" | "null" | "none" | "-")
}

/// The first web address in what a web plugin prints, which tells one hit from another.
fn first_address(output: &str) -> Option<String> {
    let quotes = ['\'', '"', ' ', '\n', '\t', '<', '>', '`'];
    let words = text::clip(output, 4096).split(quotes);
    words.filter(|w| hosts::is_web_address(w)).find_map(text::to_link)
}

/// A score of version 2, 3 or 4.
pub fn score(version: &str, vector: Option<&str>, score: Option<&str>) -> Option<CvssScore> {
    cvss::versioned(SOURCE, version, vector, score.and_then(checks::number))
}

/// Nessus's severities by number.
pub fn severity_of_number(number: &str) -> Option<Severity> {
    Some(match number.trim() {
        "0" => Severity::Info,
        "1" => Severity::Low,
        "2" => Severity::Medium,
        "3" => Severity::High,
        "4" => Severity::Critical,
        _ => return None,
    })
}

/// Weaknesses in a list (`79, 80`) or with a prefix.
pub fn weaknesses<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in texts.flat_map(|text| text.split([',', '\n', ' '])) {
        if let Some(weakness) = lenient::to_weakness(word).filter(|w| !found.contains(w)) {
            found.push(weakness);
        }
    }
    found
}
