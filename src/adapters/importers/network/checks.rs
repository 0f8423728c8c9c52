//! Checks of network scanners: one check that strikes may name many vulnerabilities and find
//! many packages.

use std::collections::HashSet;

use super::cpe::Cpe;
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::text;
use crate::base::{Result, limits};
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, ServiceObservation};
use crate::domain::place::Place;

/// What a check struck.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// The component.
    pub component: Component,
    /// The version that is not affected.
    pub fixed_version: Option<String>,
}

/// A check that has struck.
#[derive(Debug, Clone, Default)]
pub struct Hit {
    /// What is the same of all its findings. The vulnerability's id is what the check is
    /// called if it names none.
    pub finding: FindingObservation,
    /// The vulnerabilities that it names, each once.
    pub names: Vec<String>,
    /// Of which of them the CVSS scores are, if the report says.
    pub scored: Option<String>,
    /// For which of them an exploit exists, if the report says that by name.
    pub exploited: Vec<String>,
    /// What it struck; none means the finding's own component.
    pub affected: Vec<Affected>,
}

impl Hit {
    /// One finding for each vulnerability and each component. Scores, weaknesses, dates,
    /// EPSS and the mark of known exploitation are facts about one vulnerability: a check
    /// that names several says of none of them which is whose. That an exploit exists is
    /// said of all, unless the report has it by name: better one too many.
    pub fn emit(&self, out: &mut Emitter<'_>) -> Result<()> {
        if self.affected.is_empty() {
            return self.named(self.finding.clone(), out);
        }
        for Affected { component, fixed_version } in self.affected.clone() {
            let finding = FindingObservation { component, fixed_version, ..self.finding.clone() };
            self.named(finding, out)?;
        }
        Ok(())
    }

    fn named(&self, mut finding: FindingObservation, out: &mut Emitter<'_>) -> Result<()> {
        let v = &mut finding.vulnerability;
        let cvss = v.cvss.clone();
        match self.names[..] {
            [] => return out.finding(finding),
            [_] => {}
            _ => {
                v.cvss.clear();
                v.cwe_ids.clear();
                (v.epss, v.kev, v.published_at, v.modified_at) = (None, false, None, None);
            }
        }
        for name in &self.names {
            let mut finding = finding.clone();
            let v = &mut finding.vulnerability;
            v.id.clone_from(name);
            if self.names.len() > 1 && self.scored.as_ref() == Some(name) {
                v.cvss.clone_from(&cvss);
            }
            if !self.exploited.is_empty() {
                v.exploit = self.exploited.contains(name);
            }
            out.finding(finding)?;
        }
        Ok(())
    }
}

/// The CVE ids in a text, upper case, each once, in their order.
#[must_use]
pub fn cves(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    for part in text.split(|c: char| !word(c)) {
        if let Some(id) = cve(part).filter(|id| !found.contains(id)) {
            found.push(id);
        }
    }
    found
}

/// `text` as a CVE id.
#[must_use]
pub fn cve(text: &str) -> Option<String> {
    let text = text.trim();
    let (year, number) = text.get(4..)?.split_once('-')?;
    let digits = |t: &str, n: std::ops::RangeInclusive<usize>| {
        n.contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit())
    };
    let is_cve =
        text[..4].eq_ignore_ascii_case("CVE-") && digits(year, 4..=4) && digits(number, 4..=19);
    is_cve.then(|| text.to_ascii_uppercase())
}

/// The id of a check that names no vulnerability: `NESSUS-10107`. `None` if the check's own
/// name cannot be part of an id.
#[must_use]
pub fn id(scanner: &str, check: &str) -> Option<String> {
    let id = text::to_advisory_id(&format!("{scanner}-{}", check.trim()));
    id.map_err(|e| tracing::debug!(error = %e, "a check without a name")).ok()
}

/// What stands for the component where a check looks at a port and not at a package: the
/// product of the one application that `cpes` name, else the one product of any kind, else
/// the service, else the host.
#[must_use]
pub fn component(cpes: &[Cpe], service: Option<&str>) -> Component {
    let only = |part: Option<char>| {
        let mut of_part = cpes.iter().filter(|c| part.is_none_or(|part| c.part == part));
        let first = of_part.next()?;
        of_part.all(|c| (&c.vendor, &c.product) == (&first.vendor, &first.product)).then_some(first)
    };
    match only(Some('a')).or_else(|| only(None)) {
        Some(cpe) => Component {
            name: cpe.product.clone(),
            version: cpe.version.clone(),
            cpe: Some(cpe.formatted.clone()),
            ..Component::default()
        },
        None => Component { name: service.unwrap_or("host").to_owned(), ..Component::default() },
    }
}

/// A service by IANA's name, out of a scanner's word for it (`www?`).
#[must_use]
pub fn service(word: &str) -> Option<String> {
    let word = word.trim().trim_end_matches('?').trim().to_ascii_lowercase();
    let name = match word.as_str() {
        "" | "general" | "unknown" | "-" | "ssl" | "tcpwrapped" => return None,
        "www" => "http",
        "msrdp" | "win remote desktop" => "ms-wbt-server",
        "cifs" => "microsoft-ds",
        word => word,
    };
    text::to_name(name).ok().flatten()
}

/// A place on the network. Port 0 is none, and so is that of a protocol without ports (some
/// write the type of an ICMP message there).
#[must_use]
pub fn place(port: Option<&str>, protocol: Option<&str>) -> Place {
    let port = port.and_then(|p| p.trim().parse::<u16>().ok()).filter(|p| *p > 0);
    let protocol = protocol.unwrap_or("tcp").trim().to_ascii_lowercase();
    match (port, protocol.as_str()) {
        (Some(_), "tcp" | "udp" | "sctp" | "dccp") => {
            Place { port, protocol: Some(protocol), ..Place::default() }
        }
        (Some(_), "" | "-" | "'-") => {
            Place { port, protocol: Some("tcp".into()), ..Place::default() }
        }
        _ => Place::default(),
    }
}

/// Open ports of one host, each handed over once.
#[derive(Debug, Default)]
pub struct Services(HashSet<(u16, String)>);

impl Services {
    /// The next host begins.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Hands over what listens at `place`, unless it has been seen.
    pub fn emit(
        &mut self,
        place: &Place,
        name: Option<String>,
        out: &mut Emitter<'_>,
    ) -> Result<()> {
        let Some(port) = place.port else { return Ok(()) };
        let protocol = place.protocol.clone().unwrap_or_else(|| "tcp".to_owned());
        // More than all ports of both protocols cannot be.
        if self.0.len() > 2 * usize::from(u16::MAX) || !self.0.insert((port, protocol.clone())) {
            return Ok(());
        }
        out.service(ServiceObservation { port, protocol, name, ..ServiceObservation::default() })
    }
}

/// Web addresses in a text with line breaks, blanks or commas between, each once.
#[must_use]
pub fn links(text: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for word in text.split([' ', ',', '\n', '\r', '\t', '<', '>', '"']) {
        if links.len() >= limits::LIST_VALUES {
            break;
        }
        if let Some(link) = text::to_link(word).filter(|link| !links.contains(link)) {
            links.push(link);
        }
    }
    links
}

/// The first number in a text: `8.6 (AV:N/…)`, `7,5`.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    let end = text.trim().find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ','));
    let number = text.trim();
    number[..end.unwrap_or(number.len())].replace(',', ".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cves_are_found_in_any_text() {
        assert_eq!(
            cves("cve-2021-44228, CVE-2021-45046\nNOCVE CVE-2021-44228;CVE-21-1 CVE-2021-123"),
            ["CVE-2021-44228", "CVE-2021-45046"]
        );
        assert!(cves("é-é CVE- CVE-é").is_empty());
        assert_eq!(id("NESSUS", " 10107 ").as_deref(), Some("NESSUS-10107"));
        assert_eq!(id("NUCLEI", "a b"), None);
    }

    #[test]
    fn components_stand_for_what_was_looked_at() {
        let cpes = |text: &str| Cpe::list(text).collect::<Vec<_>>();
        let name = |text: &str, service| component(&cpes(text), service).name;
        assert_eq!(name("cpe:/o:linux:linux_kernel,cpe:/a:php:php:5", Some("http")), "php");
        assert_eq!(name("cpe:/a:php:php cpe:/a:x:y", Some("http")), "http");
        assert_eq!(name("cpe:/o:microsoft:windows", None), "windows");
        assert_eq!(name("", None), "host");
        assert_eq!(service("www?").as_deref(), Some("http"));
        assert_eq!(service("general"), None);
        assert_eq!(place(Some("443"), Some("TCP")).key(), "443/tcp");
        assert!(
            place(Some("0"), Some("tcp")).is_empty() && place(Some("8"), Some("icmp")).is_empty()
        );
        assert_eq!(
            (number("8.6 (AV:N)"), number("7,5"), number("-")),
            (Some(8.6), Some(7.5), None)
        );
    }
}
