//! Which id a vulnerability goes by: the CVE if an entry names exactly one, and the other
//! ids of the same thing as aliases. One rule for all formats.

use std::sync::LazyLock;

use regex::Regex;

use super::text;
use crate::base::limits;

/// The ids of vulnerability databases as they stand inside of other texts.
static ADVISORY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|(?:PYSEC|GO|OSV|MAL|RUSTSEC)-\d{4}-\d+|(?:DSA|DLA|USN)-\d+(?:-\d+)?|ALAS\d*-\d{4}-\d+|(?:ELSA|ALSA|RLSA|RHSA|RHBA)-\d{4}[:-]\d+|TEMP-\d+-[0-9A-F]+)\b";
    Regex::new(pattern).expect("the pattern is written here")
});

/// An id with its aliases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// What the vulnerability goes by.
    pub id: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
}

/// The vulnerabilities that an entry is about, from the id it has itself and the ids that it
/// names beside, best first. Ids that are none are left out; an empty list: it names none.
///
/// - Its own id is, or ends with, a CVE (`DEBIAN-CVE-2024-1`): that.
/// - It names one CVE: that, and the rest are aliases.
/// - It names several (a distribution's advisory, a plugin): each by itself. The entry's own
///   id is an alias of none, since it would make all of them the same.
/// - It names none: its own id, else the first.
#[must_use]
pub fn settle<'i>(own: Option<&'i str>, others: impl IntoIterator<Item = &'i str>) -> Vec<Ids> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |id: &str| {
        let id = text::to_advisory_id(id).ok().filter(|id| !all.contains(id));
        all.extend(id.filter(|_| all.len() < limits::LIST_VALUES));
        !all.is_empty()
    };
    let has_own = own.is_some_and(&mut add);
    others.into_iter().for_each(|id| _ = add(id));
    if let Some(cve) = all.first().filter(|_| has_own).and_then(|id| cve_in(id)) {
        let cve = cve.to_owned();
        let aliases = all.into_iter().filter(|id| *id != cve && !is_cve(id)).collect();
        return vec![Ids { id: cve, aliases }];
    }
    let mut cves: Vec<String> = Vec::new();
    for cve in all.iter().filter_map(|id| cve_in(id)) {
        if !cves.iter().any(|known| known == cve) {
            cves.push(cve.to_owned());
        }
    }
    let id = match &cves[..] {
        [] => all.first().cloned(),
        [cve] => Some(cve.clone()),
        _ => return cves.into_iter().map(|id| Ids { id, aliases: Vec::new() }).collect(),
    };
    let aliases = |id: &String| all.iter().filter(|other| *other != id).cloned().collect();
    id.into_iter().map(|id| Ids { aliases: aliases(&id), id }).collect()
}

/// An id for what a scanner reports without any: the scanner's name and its check, in upper
/// case, with `-` for what an id may not have. Stable as long as the check's name is.
#[must_use]
pub fn of_scanner(scanner: &str, check: &str) -> Option<String> {
    let check = check.trim();
    let legal = |c: char| if c.is_ascii_alphanumeric() || "._:/-".contains(c) { c } else { '-' };
    let id: String = format!("{scanner}-{check}").chars().map(legal).collect();
    // A name that is cut would be another's too.
    text::to_advisory_id(&id).ok().filter(|_| !check.is_empty())
}

/// The ids of vulnerability databases that stand in `text`, in upper case.
pub fn in_text(text: &str) -> impl Iterator<Item = String> {
    ADVISORY.find_iter(text).map(|found| found.as_str().to_ascii_uppercase())
}

/// Whether `id` (upper case) is a CVE.
#[must_use]
pub fn is_cve(id: &str) -> bool {
    cve_in(id).is_some_and(|cve| cve.len() == id.len())
}

/// The CVE at the end of `id` (upper case): distributions put their name before it.
fn cve_in(id: &str) -> Option<&str> {
    let at = id.rfind("CVE-")?;
    let (year, number) = id[at + 4..].split_once('-')?;
    let digits =
        |text: &str, least: usize| text.len() >= least && text.bytes().all(|b| b.is_ascii_digit());
    let whole = year.len() == 4 && digits(year, 4) && digits(number, 4);
    (whole && (at == 0 || id[..at].ends_with('-'))).then_some(&id[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(own: &str, others: &[&str]) -> Vec<String> {
        let own = Some(own).filter(|own| !own.is_empty());
        let settled = settle(own, others.iter().copied());
        settled.into_iter().map(|i| format!("{} {}", i.id, i.aliases.join(" "))).collect()
    }

    #[test]
    fn one_cve_is_the_id() {
        for (own, others, expected) in [
            ("GHSA-1", &["cve-2020-1234"][..], "CVE-2020-1234 GHSA-1"),
            ("CVE-2020-1234", &["GHSA-1", "CVE-2021-1234"], "CVE-2020-1234 GHSA-1"),
            ("DEBIAN-CVE-2020-1234", &["CVE-2020-1234"], "CVE-2020-1234 DEBIAN-CVE-2020-1234"),
            ("", &["GHSA-1", "CVE-2020-1234", "GHSA-1"], "CVE-2020-1234 GHSA-1"),
            ("GHSA-1", &["GO-1"], "GHSA-1 GO-1"),
            ("<b>", &["GO-1"], "GO-1 "),
            ("CVE-2020-X", &[], "CVE-2020-X "),
        ] {
            assert_eq!(read(own, others), [expected], "{own} {others:?}");
        }
        assert_eq!(read("<b>", &[""]), [""; 0]);
    }

    #[test]
    fn scanners_have_ids_of_their_own() {
        let id = of_scanner("nuclei", "http/tech detect@v1").unwrap();
        assert_eq!(id, "NUCLEI-HTTP/TECH-DETECT-V1");
        assert_eq!(of_scanner("x", " "), None);
        assert_eq!(of_scanner("x", &"y".repeat(200)), None);
    }

    #[test]
    fn ids_are_found_in_texts() {
        let found =
            in_text("CVE-2020-1234-libssl, ghsa-aaaa-bbbb-cccc (RHSA-2020:1) XCVE-2020-1111");
        let found: Vec<_> = found.collect();
        assert_eq!(found, ["CVE-2020-1234", "GHSA-AAAA-BBBB-CCCC", "RHSA-2020:1"]);
    }

    #[test]
    fn several_cves_are_several_vulnerabilities() {
        let several = read("ELSA-2020-1", &["CVE-2020-1234", "CVE-2020-1235", "CVE-2020-1234"]);
        assert_eq!(several, ["CVE-2020-1234 ", "CVE-2020-1235 "]);
        assert_eq!(read("", &["CVE-2020-1234", "CVE-2020-1235"]).len(), 2);
    }
}
