//! A result, from whichever file, and the findings that it is. The rules stand in the header
//! of the parent module.

use crate::adapters::importers::network::cpe::Cpe;
use crate::adapters::importers::network::{Hit, checks, printed};
use crate::adapters::importers::{lenient, text};
use crate::base::Timestamp;
use crate::domain::observation::{FindingObservation, SkipReason, VulnerabilityObservation};
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// The title of the text that names the affected software.
pub const AFFECTED: &str = "Affected";

/// What a file says of one result, in the file's own words.
#[derive(Debug, Default)]
pub struct Struck<'r> {
    pub oid: Option<&'r str>,
    pub name: Option<&'r str>,
    pub threat: Option<&'r str>,
    pub score: Option<f64>,
    pub qod: Option<&'r str>,
    pub place: Place,
    pub service: Option<String>,
    pub names: Vec<String>,
    pub cpes: Vec<Cpe>,
    pub cvss: Vec<CvssScore>,
    /// Summary, insight, impact, affected software.
    pub texts: Vec<(&'static str, &'r str)>,
    pub solution: Option<&'r str>,
    pub references: Vec<String>,
    pub output: Option<&'r str>,
    pub published: Option<Timestamp>,
    pub modified: Option<Timestamp>,
}

impl Struck<'_> {
    /// The findings, or why there are none.
    pub fn hit(self) -> Result<Hit, SkipReason> {
        if self.threat.is_some_and(|t| t.trim().eq_ignore_ascii_case("false positive")) {
            return Err(SkipReason::Suppressed);
        }
        let severity = self.severity();
        if severity == Severity::Info && self.names.is_empty() {
            return Err(SkipReason::Informational);
        }
        let check = self.oid.and_then(|oid| text::to_name(oid).ok().flatten());
        let id = self.oid.and_then(|oid| checks::id("OPENVAS", oid));
        let (Some(check), Some(id)) = (check, id) else { return Err(SkipReason::Unidentified) };
        let component = checks::component(&self.cpes, self.service.as_deref());
        let mut affected = printed::affected(self.output, &component);
        if self.cpes.is_empty() {
            let software = self.texts.iter().find(|(title, _)| *title == AFFECTED);
            printed::call(&mut affected, software.map_or("", |(_, text)| *text));
        }
        let is_package = affected.iter().any(|a| a.component.ecosystem.is_some());
        Ok(Hit {
            finding: FindingObservation {
                scan: if is_package { ScanKind::OsPackages } else { ScanKind::Network },
                place: if is_package { Place::default() } else { self.place() },
                severity,
                check: Some(check),
                evidence: self.evidence(),
                vulnerability: self.vulnerability(id),
                component,
                ..FindingObservation::default()
            },
            names: self.names,
            affected,
            ..Hit::default()
        })
    }

    /// The CVE scanner says the port in words only.
    fn place(&self) -> Place {
        let words = self.output.and_then(|o| o.split_once("The product was found at: "));
        let port = words.and_then(|(_, rest)| rest.split_whitespace().next());
        let told = || port.map(|port| place(port.trim_end_matches(['.', ','])).0);
        Some(self.place.clone()).filter(|p| !p.is_empty()).or_else(told).unwrap_or_default()
    }

    /// By the threat's word; there are reports with a number in its place.
    fn severity(&self) -> Severity {
        let word = self.threat.unwrap_or_default().trim().to_ascii_lowercase();
        match word.as_str() {
            "log" | "debug" | "error" | "error message" => return Severity::Info,
            "alarm" => return Severity::High,
            _ => {}
        }
        match lenient::to_severity(&word) {
            Severity::Unknown => self.score.map(Severity::of_score).unwrap_or_default(),
            severity => severity,
        }
    }

    fn evidence(&self) -> Option<String> {
        let output = self.output.map(str::trim).filter(|o| !o.is_empty());
        let qod =
            self.qod.filter(|q| !q.is_empty()).map(|q| format!("Quality of detection: {q} %"));
        let parts: Vec<_> = output.into_iter().chain(qod.as_deref()).collect();
        text::to_text(&parts.join("\n\n"))
    }

    fn vulnerability(&self, id: String) -> VulnerabilityObservation {
        let mut description = String::new();
        for (title, part) in &self.texts {
            let gap = if description.is_empty() { "" } else { "\n\n" };
            let title = if title.is_empty() { String::new() } else { format!("{title}: ") };
            description.extend([gap, &title, &unwrapped(part)]);
        }
        VulnerabilityObservation {
            id,
            title: self.name.and_then(text::to_line),
            description: text::to_text(&description),
            solution: self.solution.map(unwrapped).as_deref().and_then(text::to_text),
            cvss: self.cvss.clone(),
            references: self.references.clone(),
            // The test's dates, which are not those of a CVE.
            published_at: self.published.filter(|_| self.names.is_empty()),
            modified_at: self.modified.filter(|_| self.names.is_empty()),
            ..VulnerabilityObservation::default()
        }
    }
}

/// Feeds break and indent their lines; what stands on one paragraph's lines is one line.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// `443/tcp`, `general/tcp`, `https (443/tcp)`: place and service.
pub fn place(port: &str) -> (Place, Option<String>) {
    let (service, port) = match port.trim().strip_suffix(')').and_then(|p| p.rsplit_once('(')) {
        Some((service, port)) => (Some(service.trim()), port),
        None => (None, port.trim()),
    };
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    (checks::place(Some(number), Some(protocol)), service.and_then(checks::service))
}
