//! From a row to an asset and findings. The rules stand in the header of the parent module.

use sha2::{Digest as _, Sha256};

use super::columns::Columns;
use crate::adapters::importers::ids::{self, Ids};
use crate::adapters::importers::network::{Hit, checks, dates, hosts};
use crate::adapters::importers::{cvss, ecosystem, lenient, text};
use crate::base::limits;
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::mapping::MappedField as F;
use crate::domain::observation::{
    AssetObservation, FindingObservation, SkipReason, VulnerabilityObservation,
};
use crate::domain::place::Place;
use crate::domain::purl::Purl;
use crate::domain::scan::ScanKind;
use crate::domain::severity::{CvssScore, Severity};

/// Longest title that is an id by itself.
const SLUG_BYTES: usize = 60;

/// One row with the meaning of its columns.
pub struct Entry<'r> {
    columns: &'r Columns,
    cells: Vec<&'r str>,
}

impl<'r> Entry<'r> {
    /// A row with trimmed cells.
    pub fn new(columns: &'r Columns, cells: Vec<&'r str>) -> Self {
        Self { columns, cells: cells.into_iter().map(plain).collect() }
    }

    /// Whether no column says anything.
    pub fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.is_empty())
    }

    /// Whether the columns that name the vulnerability say anything.
    pub fn is_named(&self) -> bool {
        self.get(F::Id).is_some() || self.get(F::Title).is_some()
    }

    /// What the first column that says `field` says.
    fn get(&self, field: F) -> Option<&'r str> {
        self.all(field).next().map(|(_, cell)| cell)
    }

    fn all(&self, field: F) -> impl Iterator<Item = (&'r str, &'r str)> {
        let columns: &'r Columns = self.columns;
        let cells = columns.of_field(field).filter_map(|c| {
            let cell = self.cells.get(c.at)?;
            Some((c.name.as_str(), *cell))
        });
        cells.filter(|(_, cell)| says(cell))
    }

    fn name(&self, field: F) -> Result<Option<String>, String> {
        self.get(field).map_or(Ok(None), text::to_name)
    }

    /// The first web address of a list.
    fn url(&self) -> Option<&'r str> {
        self.get(F::Url)?.split(", ").next()
    }

    fn is_true(&self, field: F) -> bool {
        let word = self.get(field).unwrap_or_default().to_ascii_lowercase();
        matches!(word.as_str(), "true" | "yes" | "y" | "1" | "x")
    }

    /// What the row is about.
    pub fn asset(&self) -> Result<AssetObservation, String> {
        let url = self.url();
        let of_url = || url.map(|url| text::to_name(hosts::host_of(url))).transpose();
        let fields = [F::Asset, F::Hostname, F::IpAddress];
        let mut name = None;
        for field in fields {
            name = match name {
                None => self.name(field)?,
                name => name,
            };
        }
        let is_web = name.is_none() && url.is_some();
        let Some(name) = name.map_or_else(|| of_url().map(Option::flatten), |n| Ok(Some(n)))?
        else {
            return Ok(AssetObservation::default());
        };
        let mut asset = hosts::asset(&name);
        let is_host = [F::Hostname, F::IpAddress, F::Port].iter().any(|f| self.get(*f).is_some());
        asset.asset_type = match asset.asset_type {
            _ if is_host => AssetType::Server,
            _ if is_web => AssetType::Application,
            AssetType::Application => AssetType::Application,
            _ if asset.ip_address.is_some() => AssetType::Server,
            _ => AssetType::Other,
        };
        for field in [F::Hostname, F::IpAddress, F::MacAddress] {
            let names = self.get(field).unwrap_or_default();
            names.split([',', ';', ' ']).for_each(|name| hosts::add_name(&mut asset, name));
        }
        if let Some(os) = self.get(F::Os) {
            hosts::set_os(&mut asset, os);
        }
        Ok(asset)
    }

    /// The findings, or why there are none; an error if something that identifies it is too
    /// long.
    pub fn hit(&self) -> Result<Result<Hit, SkipReason>, String> {
        if let Some(reason) = self.left_out() {
            return Ok(Err(reason));
        }
        let settled = self.ids();
        let cvss = self.scores();
        let severity = self.severity(&cvss);
        let is_named = settled.iter().any(|i| ids::is_cve(&i.id));
        if severity == Severity::Info && !is_named {
            return Ok(Err(SkipReason::Informational));
        }
        let Some(first) = settled.first().cloned() else {
            return Ok(Err(SkipReason::Unidentified));
        };
        let place = self.place()?;
        let component = self.component(&place)?;
        let status = self.get(F::Status).and_then(text::to_line).map(|s| s.to_lowercase());
        let inactive = self.get(F::Active).is_some_and(|a| a.eq_ignore_ascii_case("false"));
        let finding = FindingObservation {
            scan: scan(&component, &place),
            place,
            fixed_version: self.name(F::FixedVersion)?,
            severity,
            status: status.or_else(|| inactive.then(|| "inactive".to_owned())),
            check: self.name(F::Check)?,
            evidence: self.get(F::Evidence).and_then(text::to_text),
            first_seen: self.get(F::FirstSeen).and_then(dates::read),
            component,
            vulnerability: self.vulnerability(first, cvss),
        };
        let names = if settled.len() > 1 {
            settled.into_iter().map(|i| i.id).collect()
        } else {
            Vec::new()
        };
        Ok(Ok(Hit { finding, names, ..Hit::default() }))
    }

    fn left_out(&self) -> Option<SkipReason> {
        if self.is_true(F::FalsePositive) {
            return Some(SkipReason::Suppressed);
        }
        if self.is_true(F::Duplicate) {
            return Some(SkipReason::Duplicate);
        }
        let status = self.get(F::Status).unwrap_or_default().to_ascii_lowercase();
        match status.as_str() {
            "fixed" | "verified" | "resolved" | "closed" | "mitigated" | "remediated" => {
                Some(SkipReason::Resolved)
            }
            "false positive" | "false_positive" | "ignored" | "suppressed" | "accepted"
            | "risk_accepted" => Some(SkipReason::Suppressed),
            "not affected" | "not_affected" => Some(SkipReason::NotAffected),
            _ => self.is_true(F::Resolved).then_some(SkipReason::Resolved),
        }
    }

    /// The vulnerabilities that the row names.
    fn ids(&self) -> Vec<Ids> {
        let cells = self.columns.of_ids().filter_map(|c| self.cells.get(c.at).copied());
        let words = cells.flat_map(|cell| cell.split([',', ';', '|', ' ', '\n', '\t']));
        let settled = ids::settle(None, words.filter(|word| is_id(word)));
        if !settled.is_empty() {
            return settled;
        }
        let title = self.get(F::Title);
        let named = checks::cves(title.unwrap_or_default());
        if !named.is_empty() {
            return ids::settle(None, named.iter().map(String::as_str));
        }
        let id = title.and_then(of_title);
        id.into_iter().map(|id| Ids { id, aliases: Vec::new() }).collect()
    }

    fn severity(&self, cvss: &[CvssScore]) -> Severity {
        let word = self.get(F::Severity).unwrap_or_default();
        let scores = cvss.iter().filter_map(|c| c.score).chain(word.parse().ok());
        let highest = scores.fold(None, |high: Option<f64>, s| Some(high.map_or(s, |h| h.max(s))));
        match lenient::to_severity(word) {
            Severity::Unknown => highest.map(Severity::of_score).unwrap_or_default(),
            severity => severity,
        }
    }

    /// Scores and vectors; those whose columns name the same version belong together.
    fn scores(&self) -> Vec<CvssScore> {
        let mut by_version: Vec<(char, Option<&str>, Option<f64>)> = Vec::new();
        for (name, cell) in self.all(F::Cvss) {
            let version = name.chars().find(|c| matches!(c, '2' | '3' | '4')).unwrap_or('-');
            let at = by_version.iter().position(|(v, ..)| *v == version);
            let at = at.unwrap_or_else(|| {
                by_version.push((version, None, None));
                by_version.len() - 1
            });
            let number = checks::number(cell);
            let vector =
                cell.find(['(', 'C', 'A']).map(|at| cell[at..].trim_matches(['"', '(', ')']));
            by_version[at].1 = by_version[at].1.or(vector);
            by_version[at].2 = by_version[at].2.or(number);
        }
        let score = |(version, vector, score): (char, Option<&str>, Option<f64>)| {
            cvss::versioned("generic", &version.to_string(), vector, score)
        };
        by_version.into_iter().filter_map(score).collect()
    }

    fn place(&self) -> Result<Place, String> {
        let mut place = checks::place(self.get(F::Port), self.get(F::Protocol));
        place.url = self.url().map_or(Ok(None), text::to_name)?;
        place.line = self.get(F::Line).and_then(|line| line.parse().ok()).filter(|line| *line > 0);
        Ok(place)
    }

    fn component(&self, place: &Place) -> Result<Component, String> {
        let purl = self.name(F::Purl)?.filter(|purl| Purl::parse(purl).is_some());
        let parsed = purl.as_deref().and_then(Purl::parse);
        let named = self.name(F::Component)?;
        let service = self.get(F::Service).and_then(checks::service);
        let is_host = [F::Hostname, F::IpAddress].iter().any(|f| self.get(*f).is_some());
        let fallback = match place {
            _ if service.is_some() => service.unwrap_or_default(),
            Place { url: Some(_), .. } => "http".to_owned(),
            Place { port: Some(_), .. } => "host".to_owned(),
            _ if is_host => "host".to_owned(),
            _ => "application".to_owned(),
        };
        let of_purl = || parsed.as_ref().map(Purl::package_name);
        Ok(Component {
            name: named.or_else(of_purl).unwrap_or(fallback),
            version: self.name(F::Version)?.or_else(|| parsed.as_ref()?.version.clone()),
            ecosystem: match &parsed {
                Some(parsed) => Some(parsed.kind.clone()),
                None => self.get(F::Ecosystem).and_then(ecosystem::purl_type),
            },
            path: self.name(F::Path)?,
            purl,
            ..Component::default()
        })
    }

    fn vulnerability(&self, ids: Ids, cvss: Vec<CvssScore>) -> VulnerabilityObservation {
        let mut description = self.get(F::Description).unwrap_or_default().to_owned();
        if let Some(impact) = self.get(F::Impact) {
            let gap = if description.is_empty() { "" } else { "\n\n" };
            description = format!("{description}{gap}Impact: {impact}");
        }
        let mut cwe_ids: Vec<String> = Vec::new();
        for word in self.get(F::Cwe).unwrap_or_default().split([',', ';', '|', ' ', '\n']) {
            let weakness = lenient::to_weakness(word).filter(|w| w != "CWE-0");
            cwe_ids.extend(weakness.filter(|w| !cwe_ids.contains(w)));
        }
        cwe_ids.truncate(limits::LIST_VALUES);
        let links: Vec<_> = self.all(F::References).map(|(_, cell)| cell).collect();
        let epss = self.get(F::Epss).and_then(|e| e.parse().ok());
        VulnerabilityObservation {
            id: ids.id,
            aliases: ids.aliases,
            title: self.get(F::Title).and_then(text::to_line),
            description: text::to_text(&description),
            solution: self.get(F::Solution).and_then(text::to_text),
            cvss,
            cwe_ids,
            references: checks::links(&links.join("\n")),
            epss: epss.filter(|e| (0.0..=1.0).contains(e)),
            kev: self.is_true(F::Kev),
            exploit: self.is_true(F::Exploit),
            published_at: self.get(F::Published).and_then(dates::read),
            ..VulnerabilityObservation::default()
        }
    }
}

/// A cell without the apostrophe that keeps spreadsheets from computing it (see
/// `exporters/csv.rs`).
fn plain(cell: &str) -> &str {
    let is_formula = |rest: &&str| {
        rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
    };
    cell.strip_prefix('\'').filter(is_formula).map_or(cell, str::trim)
}

/// Whether a cell says something.
fn says(cell: &str) -> bool {
    !matches!(cell.to_ascii_lowercase().as_str(), "" | "n/a" | "null" | "nan" | "-")
}

/// Whether a word in a column of ids is one: a number is the row's, a UUID another tool's.
fn is_id(word: &str) -> bool {
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let is_uuid = word.len() == 36 && word.chars().all(hex);
    word.contains(|c: char| c.is_ascii_alphabetic()) && !is_uuid
}

/// The id of what has a title only: the title's words; with a digest if that is not all of
/// it, so that two titles have two ids.
fn of_title(title: &str) -> Option<String> {
    let mut slug = String::new();
    for word in title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
        if slug.len() + word.len() >= SLUG_BYTES {
            break;
        }
        let gap = if slug.is_empty() { "" } else { "-" };
        slug = format!("{slug}{gap}{}", word.to_ascii_uppercase());
    }
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
    if line.is_empty() {
        return None;
    }
    if !line.chars().all(plain) || line.len() >= SLUG_BYTES {
        let digest = Sha256::digest(line.to_lowercase().as_bytes());
        let hex: String =
            format!("{:08X}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
        let gap = if slug.is_empty() { "" } else { "-" };
        slug = format!("{slug}{gap}{hex}");
    }
    checks::id("GENERIC", &slug)
}

/// The kind of scan that finds such a thing.
fn scan(component: &Component, place: &Place) -> ScanKind {
    match () {
        () if component.ecosystem.is_some() => {
            ScanKind::of_ecosystem(component.ecosystem.as_deref())
        }
        () if place.url.is_some() => ScanKind::Web,
        () if place.port.is_some() => ScanKind::Network,
        () => ScanKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_ids() {
        for (title, id) in
            [("ASDF", "GENERIC-ASDF"), ("Weak  password_policy", "GENERIC-WEAK-PASSWORD-POLICY")]
        {
            assert_eq!(of_title(title).as_deref(), Some(id));
        }
        let (one, two) = (of_title("SQL injection (a)"), of_title("SQL injection [a]"));
        assert!(one.is_some() && one != two);
        let long = of_title(&"word ".repeat(1000)).unwrap();
        assert!(long.len() <= text::ADVISORY_ID_BYTES, "{long}");
        assert!(of_title("日本語").unwrap().starts_with("GENERIC-"));
        assert_eq!(of_title(" "), None);
    }

    #[test]
    fn apostrophes_before_formulas_are_taken_off() {
        for (cell, read) in
            [("'=x", "=x"), ("''=x", "'=x"), ("'s", "'s"), ("'@a/b", "@a/b"), ("-1", "-1")]
        {
            assert_eq!(plain(cell), read);
        }
    }

    #[test]
    fn rows_ids_are_no_vulnerabilities() {
        assert!(is_id("CVE-2020-1") && is_id("GHSA-x") && is_id("SQLI"));
        assert!(!is_id("17") && !is_id("123e4567-e89b-12d3-a456-426614174000"));
    }
}
