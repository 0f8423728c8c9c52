//! Which findings are meant: one set of conditions, for rules and for SLA policies alike.
//!
//! All conditions that are given must hold; a condition with several values holds if any of
//! them does. Texts are compared without regard to case; in those called globs `*` stands
//! for any run of characters, also none, and `?` for exactly one. Nothing else is special.
//! What follows from a match is not said here.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::asset::{Asset, AssetType, Environment, Exposure};
use super::finding::Finding;
use super::severity::Severity;
use super::vulnerability::Vulnerability;
use crate::base::{Error, Result, limits};

/// Conditions on a finding, its vulnerability and its asset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
#[oai(deny_unknown_fields)]
#[serde(default)]
pub struct Matcher {
    /// Every finding. Must be said: without any condition nothing is meant, by mistake.
    #[oai(default)]
    pub all: bool,
    /// Rating of the finding.
    #[oai(default, validator(max_items = 50))]
    pub severity: Vec<Severity>,
    /// Any id of the vulnerability, or of an advisory that covers it (glob).
    #[oai(default, validator(max_items = 50))]
    pub vulnerability: Vec<String>,
    /// Package name, as the scanner or as its ecosystem writes it (glob).
    #[oai(default, validator(max_items = 50))]
    pub package: Vec<String>,
    /// Ecosystem of the package (purl type): `deb`, `npm`, …
    #[oai(default, validator(max_items = 50))]
    pub ecosystem: Vec<String>,
    /// A scanner that saw it: `trivy`, …
    #[oai(default, validator(max_items = 50))]
    pub scanner: Vec<String>,
    /// Known to be exploited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kev: Option<bool>,
    /// An exploit is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploit_available: Option<bool>,
    /// A fixed version is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix_available: Option<bool>,
    /// EPSS probability at least, 0 to 1. One that nobody has scored does not reach it.
    #[oai(validator(minimum(value = "0"), maximum(value = "1")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss_min: Option<f64>,
    /// CVSS base score at least, 0 to 10. One that nobody has scored does not reach it.
    #[oai(validator(minimum(value = "0"), maximum(value = "10")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvss_min: Option<f64>,
    /// Natural key, name or host name of the asset (glob).
    #[oai(default, validator(max_items = 50))]
    pub asset: Vec<String>,
    /// Kind of asset.
    #[oai(default, validator(max_items = 50))]
    pub asset_type: Vec<AssetType>,
    /// Tag of the asset as `key=value` (glob): `team=web`, `env=*`.
    #[oai(default, validator(max_items = 50))]
    pub tag: Vec<String>,
    /// Reachability of the asset.
    #[oai(default, validator(max_items = 50))]
    pub exposure: Vec<Exposure>,
    /// Use of the asset.
    #[oai(default, validator(max_items = 50))]
    pub environment: Vec<Environment>,
    /// Importance of the asset at least, 1 to 10.
    #[oai(validator(minimum(value = "1"), maximum(value = "10")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criticality_min: Option<u8>,
    /// Who is responsible for the asset (glob).
    #[oai(default, validator(max_items = 50))]
    pub owner: Vec<String>,
}

impl Matcher {
    /// Every finding.
    #[must_use]
    pub fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// The lists of texts, by their names.
    fn texts(&self) -> [(&'static str, &Vec<String>); 7] {
        [
            ("vulnerability", &self.vulnerability),
            ("package", &self.package),
            ("ecosystem", &self.ecosystem),
            ("scanner", &self.scanner),
            ("asset", &self.asset),
            ("tag", &self.tag),
            ("owner", &self.owner),
        ]
    }

    /// Whether it says anything about which findings.
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        *self != Self { all: self.all, ..Self::default() }
    }

    /// Whether it looks at ids of vulnerabilities.
    #[must_use]
    pub fn names_ids(&self) -> bool {
        !self.vulnerability.is_empty()
    }

    /// Whether it looks at the asset.
    #[must_use]
    pub fn names_assets(&self) -> bool {
        let lists = [&self.asset, &self.tag, &self.owner];
        lists.into_iter().any(|list| !list.is_empty())
            || !(self.asset_type.is_empty()
                && self.exposure.is_empty()
                && self.environment.is_empty()
                && self.criticality_min.is_none())
    }

    /// An error that names the field at or below `pointer` which is wrong: texts need 1 to
    /// 1,024 bytes without control characters, a tag needs its `=`, and either `all` or
    /// some condition must be given.
    pub fn check(&self, pointer: &str) -> Result<()> {
        for (name, texts) in self.texts() {
            for (n, text) in texts.iter().enumerate() {
                let place = || format!("{pointer}/{name}/{n}");
                if text.trim().is_empty() || text.chars().any(char::is_control) {
                    let detail = "it needs a character, and none of them a control character";
                    return Err(Error::field(place(), detail));
                }
                if text.len() > limits::NAME_BYTES {
                    let detail = format!("it is longer than {} bytes", limits::NAME_BYTES);
                    return Err(Error::field(place(), detail));
                }
                if name == "tag" && !text.contains(['=', '*']) {
                    return Err(Error::field(place(), "write a tag as key=value, or key=*"));
                }
            }
        }
        for (name, value) in [("epss_min", self.epss_min), ("cvss_min", self.cvss_min)] {
            if value.is_some_and(|value| !value.is_finite()) {
                return Err(Error::field(format!("{pointer}/{name}"), "it is not a number"));
            }
        }
        match (self.all, self.has_conditions()) {
            (true, true) => {
                Err(Error::field(format!("{pointer}/all"), "give conditions, or all, not both"))
            }
            (false, false) => {
                let detail = "without a condition, say all: true if every finding is meant";
                Err(Error::field(pointer, detail))
            }
            (true, false) | (false, true) => Ok(()),
        }
    }

    /// The same with its texts in lower case, as [`Matcher::matches`] needs them.
    #[must_use]
    pub fn lowered(&self) -> Self {
        let lower = |texts: &[String]| texts.iter().map(|text| text.to_lowercase()).collect();
        Self {
            vulnerability: lower(&self.vulnerability),
            package: lower(&self.package),
            ecosystem: lower(&self.ecosystem),
            scanner: lower(&self.scanner),
            asset: lower(&self.asset),
            tag: lower(&self.tag),
            owner: lower(&self.owner),
            ..self.clone()
        }
    }

    /// Whether all conditions hold. The texts must be [`Matcher::lowered`].
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let (finding, asset) = (facts.finding, facts.asset);
        (self.all || self.has_conditions())
            && one_of(&self.severity, finding.severity)
            && is(self.kev, finding.kev)
            && is(self.exploit_available, facts.exploit_available)
            && is(self.fix_available, finding.fix_available)
            && at_least(self.epss_min, finding.epss_score)
            && at_least(self.cvss_min, finding.cvss_score)
            && one_of(&self.asset_type, asset.asset_type)
            && one_of(&self.exposure, asset.exposure)
            && one_of(&self.environment, asset.environment)
            && self.criticality_min.is_none_or(|least| asset.criticality >= least)
            && word(&self.ecosystem, &facts.ecosystems)
            && word(&self.scanner, &facts.scanners)
            && like(&self.package, &facts.packages)
            && like(&self.vulnerability, &facts.ids)
            && like(&self.asset, &facts.assets)
            && like(&self.tag, &facts.tags)
            && like(&self.owner, &facts.owners)
    }
}

fn one_of<T: PartialEq>(wanted: &[T], is: T) -> bool {
    wanted.is_empty() || wanted.contains(&is)
}

fn is(wanted: Option<bool>, is: bool) -> bool {
    wanted.is_none_or(|wanted| wanted == is)
}

fn at_least(least: Option<f64>, is: Option<f64>) -> bool {
    least.is_none_or(|least| is.is_some_and(|is| is >= least))
}

fn word(wanted: &[String], texts: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|w| texts.contains(w))
}

/// Whether any text is like any pattern, all in lower case, or there is no pattern.
#[must_use]
pub fn like(patterns: &[String], texts: &[String]) -> bool {
    patterns.is_empty() || patterns.iter().any(|p| texts.iter().any(|text| glob(p, text)))
}

/// What conditions look at, its texts in lower case. Made once per finding, however many
/// matchers there are.
pub struct Facts<'a> {
    finding: &'a Finding,
    asset: &'a Asset,
    exploit_available: bool,
    ids: Vec<String>,
    packages: Vec<String>,
    ecosystems: Vec<String>,
    scanners: Vec<String>,
    assets: Vec<String>,
    tags: Vec<String>,
    owners: Vec<String>,
}

impl<'a> Facts<'a> {
    /// What is known about a finding, on its asset.
    #[must_use]
    pub fn of(finding: &'a Finding, asset: &'a Asset, v: &Vulnerability) -> Self {
        let lower = |text: &String| text.to_lowercase();
        let package = finding.component.package();
        // Without the ecosystem before it.
        let package = package.split_once(' ').map_or(package.as_str(), |(_, name)| name);
        let names = [Some(&asset.asset_id), Some(&asset.name), asset.hostname.as_ref()];
        Self {
            finding,
            asset,
            exploit_available: v.exploit_available,
            ids: std::iter::once(&v.cve_id)
                .chain(&v.aliases)
                .chain(&v.advisories)
                .map(lower)
                .collect(),
            packages: vec![finding.component.name.to_lowercase(), package.to_lowercase()],
            ecosystems: finding.component.ecosystem.iter().map(lower).collect(),
            scanners: finding.sources.iter().map(|s| s.scanner.to_lowercase()).collect(),
            assets: names.into_iter().flatten().map(lower).collect(),
            tags: asset.tags.iter().map(|(k, v)| format!("{k}={v}").to_lowercase()).collect(),
            owners: asset.owner.iter().map(lower).collect(),
        }
    }
}

/// Whether two states of an asset are the same to every condition.
#[must_use]
pub fn same_asset(one: &Asset, other: &Asset) -> bool {
    fn seen(a: &Asset) -> impl PartialEq + '_ {
        let words = (a.asset_type, a.environment, a.criticality, a.exposure);
        (words, &a.asset_id, &a.name, &a.hostname, &a.owner, &a.tags)
    }
    seen(one) == seen(other)
}

/// Whether a text is like a pattern: `*` is any run of characters, `?` exactly one. Takes
/// at most the product of their lengths, whatever the pattern.
fn glob(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and where in the text it would end next.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(c), _) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            (_, Some((at, end))) => {
                star = Some((at, end + 1));
                p = at + 1;
                t = end + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The longest whole part of a package pattern by which a search by words finds every
/// package that is like it, if there is one.
#[must_use]
pub fn search_word(pattern: &str) -> Option<String> {
    let lower = pattern.to_lowercase();
    // A scanner may leave out what stands before the name itself.
    let name = lower.rsplit([':', '/']).next()?;
    // What begins after a star may lie inside of a word, and is not found by its beginning.
    let parts = name.split(['-', '_', '.', '@', '+', ' ']);
    let literal = |part: &'_ str| {
        let end = part.find(['*', '?']).unwrap_or(part.len());
        part[..end].to_owned()
    };
    let plain =
        |part: &String| (3..=64).contains(&part.len()) && part.chars().all(char::is_alphanumeric);
    let is_year = |part: &String| part.len() == 4 && part.bytes().all(|b| b.is_ascii_digit());
    parts
        .map(literal)
        .filter(|part| plain(part) && !is_year(part) && part != "cve")
        .max_by_key(String::len)
}

#[cfg(test)]
mod tests;
