//! A QID detected on a host, from whichever file, and the findings that it is. The rules
//! stand in the header of the parent module.

use crate::adapters::importers::network::markup::plain;
use crate::adapters::importers::network::{Affected, Hit, checks, printed};
use crate::adapters::importers::{cvss, lenient, text};
use crate::base::{Timestamp, limits};
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, SkipReason, VulnerabilityObservation};
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// What Qualys knows of a QID.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// `1` to `5`.
    pub severity: Option<String>,
    pub names: Vec<String>,
    pub exploited: Vec<String>,
    /// Title, texts, scores, references; the id is not set.
    pub vulnerability: VulnerabilityObservation,
}

/// What a file says of one detection, in the file's own words.
#[derive(Debug, Default)]
pub struct Detection<'r> {
    pub qid: Option<&'r str>,
    /// `Vuln`, `Practice`, `Ig`, `Confirmed`, `Potential`, `Info`.
    pub kind: Option<&'r str>,
    /// Needed a login.
    pub is_local: bool,
    pub place: Place,
    pub service: Option<String>,
    pub status: Option<&'r str>,
    pub result: Option<&'r str>,
    pub first_seen: Option<Timestamp>,
    /// Somebody told Qualys to leave it out.
    pub is_ignored: bool,
}

impl Detection<'_> {
    /// The findings, or why there are none.
    pub fn hit(self, knowledge: &Knowledge) -> Result<Hit, SkipReason> {
        let status = self.status.and_then(text::to_line).map(|s| s.to_lowercase());
        if status.as_deref().is_some_and(|s| s.starts_with("fixed")) {
            return Err(SkipReason::Resolved);
        }
        if self.is_ignored {
            return Err(SkipReason::Suppressed);
        }
        let is_information = self.kind.is_some_and(is_information);
        if is_information && knowledge.names.is_empty() {
            return Err(SkipReason::Informational);
        }
        let qid = self.qid.map(str::trim).filter(|q| !q.is_empty());
        let qid = qid.filter(|q| q.len() <= 10 && q.bytes().all(|b| b.is_ascii_digit()));
        let Some(qid) = qid else { return Err(SkipReason::Unidentified) };
        let severity = match knowledge.severity.as_deref() {
            _ if is_information => Severity::Info,
            Some(level) => severity(level),
            None => Severity::Unknown,
        };
        let affected = packages(self.result.unwrap_or_default());
        let (scan, place) = match () {
            () if !affected.is_empty() => (ScanKind::OsPackages, Place::default()),
            () if self.is_local => (ScanKind::Other, self.place),
            () => (ScanKind::Network, self.place),
        };
        let id = format!("QID-{qid}");
        Ok(Hit {
            finding: FindingObservation {
                scan,
                place,
                severity,
                status,
                check: Some(qid.to_owned()),
                evidence: self.result.and_then(text::to_text),
                first_seen: self.first_seen,
                component: checks::component(&[], self.service.as_deref()),
                vulnerability: VulnerabilityObservation { id, ..knowledge.vulnerability.clone() },
                ..FindingObservation::default()
            },
            names: knowledge.names.clone(),
            exploited: knowledge.exploited.clone(),
            affected,
            ..Hit::default()
        })
    }
}

fn is_information(kind: &str) -> bool {
    let kind = kind.trim().to_ascii_lowercase();
    kind == "ig" || kind.starts_with("info")
}

/// Qualys's levels, 1 (minimal) to 5 (urgent); PCI reports have words.
fn severity(level: &str) -> Severity {
    match level.trim() {
        "1" => Severity::Info,
        "2" => Severity::Low,
        "3" => Severity::Medium,
        "4" => Severity::High,
        "5" => Severity::Critical,
        word => lenient::to_severity(word),
    }
}

/// `8.6 (AV:N/AC:L/…)`, or a number.
pub fn score(source: &str, version: &str, text: Option<&str>) -> Option<CvssScore> {
    let text = text?;
    let vector = text.split_once('(').map(|(_, rest)| rest.trim_end_matches([')', ' ']));
    cvss::versioned(source, version, vector, checks::number(text))
}

/// Texts of Qualys: HTML in parts, and `N/A` where there is nothing to say.
pub fn words(html: &str) -> Option<String> {
    text::to_text(&plain(html)).filter(|text| !text.eq_ignore_ascii_case("n/a"))
}

/// The packages in a result with the columns package, installed and required version. The
/// columns are separated by tabs; in API answers by blanks, below a line `#table`.
fn packages(result: &str) -> Vec<Affected> {
    let mut lines = result.lines().skip_while(|line| line.trim_start().starts_with("#table"));
    let header = lines.next().unwrap_or_default().to_lowercase().replace(['_', '\t'], " ");
    if !header.starts_with("package") || !header.contains("installed version") {
        return Vec::new();
    }
    let mut packages: Vec<Affected> = Vec::new();
    for line in lines.take(limits::LIST_VALUES) {
        let cells: Vec<_> = if line.contains('\t') {
            line.split('\t').map(str::trim).collect()
        } else {
            line.split_whitespace().collect()
        };
        let [name, version, rest @ ..] = &cells[..] else { continue };
        if !printed::is_package_name(name) || !printed::is_version(version) {
            continue;
        }
        let component = Component {
            name: (*name).to_owned(),
            version: Some((*version).to_owned()),
            ecosystem: Some(printed::system_of(version).to_owned()),
            ..Component::default()
        };
        let fixed = rest.first().filter(|fixed| printed::is_version(fixed));
        let found = Affected { component, fixed_version: fixed.map(|f| (*f).to_owned()) };
        if !packages.contains(&found) {
            packages.push(found);
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_out_of_tables() {
        for text in [
            "Package\tInstalled Version\tRequired Version\nopenssl\t1.1.1-1ubuntu2\t1.1.1-1ubuntu3\n",
            "#table cols=\"3\"\nPackage Installed_Version Required_Version\nopenssl 1.1.1-1ubuntu2 1.1.1-1ubuntu3",
        ] {
            let found = packages(text);
            let component = &found[0].component;
            assert_eq!((found.len(), component.name.as_str()), (1, "openssl"), "{text}");
            assert_eq!(component.ecosystem.as_deref(), Some("deb"));
            assert_eq!(found[0].fixed_version.as_deref(), Some("1.1.1-1ubuntu3"));
        }
        assert!(packages("IP address\tHost name\n1.2.3.4\ta").is_empty());
        assert!(packages("Package\tInstalled Version\n<b>\t1\nx\n").is_empty());
    }

    #[test]
    fn scores_stand_before_their_vectors() {
        let read = score("qualys", "3", Some("8.6 (AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N)")).unwrap();
        assert_eq!((read.version.as_str(), read.score), ("3.1", Some(8.6)));
        assert!(read.vector.is_some());
        assert_eq!(score("qualys", "3", Some("-")), None);
        assert_eq!(words("N/A"), None);
    }
}
