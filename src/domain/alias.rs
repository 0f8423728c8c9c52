//! Which ids mean the same vulnerability. A group of ids is one record; what is said about
//! ids joins groups, never silently two CVEs.

use super::observation::VulnerabilityObservation;
use super::vulnerability::Vulnerability;

/// Beginnings of ids of distributions' advisories. One of them can cover several
/// vulnerabilities, so that two reports naming the same do not mean the same.
const BUNDLES: &[&str] = &[
    "ALAS",
    "ALBA-",
    "ALEA-",
    "ALSA-",
    "ASA-",
    "AVG-",
    "CESA-",
    "CISA-",
    "DLA-",
    "DSA-",
    "ELBA-",
    "ELSA-",
    "FEDORA-",
    "GLSA-",
    "ICSA-",
    "ICSMA-",
    "KB",
    "MGASA-",
    "MS",
    "OPENSUSE-",
    "RHBA-",
    "RHEA-",
    "RHSA-",
    "RLBA-",
    "RLEA-",
    "RLSA-",
    "SSA-",
    "SUSE-",
    "TALOS-",
    "USN-",
    "VMSA-",
];

/// Whether an id is of an advisory that can cover several vulnerabilities.
#[must_use]
pub fn is_bundle(id: &str) -> bool {
    BUNDLES.iter().any(|prefix| id.starts_with(prefix))
}

/// Whether an id is a CVE id.
#[must_use]
pub fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

/// The ids that an observation gives one vulnerability.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// The CVE id, else the id under which it is reported.
    pub primary: String,
    /// Others of the same vulnerability.
    pub aliases: Vec<String>,
    /// Advisories that cover it, and perhaps others.
    pub advisories: Vec<String>,
}

impl Ids {
    /// What an observation says. One that names several CVEs says of none that it is the
    /// same as another.
    #[must_use]
    pub fn of(seen: &VulnerabilityObservation) -> Self {
        let all = || std::iter::once(&seen.id).chain(&seen.aliases);
        let mut cves: Vec<&String> = all().filter(|id| is_cve(id)).collect();
        cves.sort_unstable();
        cves.dedup();
        let primary = match cves[..] {
            [one] => one,
            _ => &seen.id,
        };
        let mut ids = Self { primary: primary.clone(), ..Self::default() };
        for id in all().filter(|id| *id != primary) {
            let list = match (is_bundle(id), is_cve(id)) {
                (true, _) => &mut ids.advisories,
                (false, true) => continue,
                // A bundle, or one of several CVEs, is not the same as anything else.
                (false, false) if cves.len() > 1 && !is_cve(primary) => continue,
                (false, false) if is_bundle(primary) => continue,
                (false, false) => &mut ids.aliases,
            };
            if !list.contains(id) {
                list.push(id.clone());
            }
        }
        ids
    }

    /// All ids that mean the vulnerability.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.primary).chain(&self.aliases)
    }
}

/// What is to be done so that known groups and what is said now agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Join {
    /// Position of the record that stays; none: a new one is needed.
    pub keep: Option<usize>,
    /// Positions of records that become part of it.
    pub absorb: Vec<usize>,
    /// The ids that the record gets, of those said now.
    pub ids: Vec<String>,
}

/// Decides what the records `known` (each has at least one of the ids) and `ids` make.
/// Records with different CVE ids, and those that a person has told apart, are not joined:
/// then the one that has the primary id is meant.
#[must_use]
pub fn join(known: &[&Vulnerability], ids: &Ids) -> Join {
    let mut cves: Vec<&str> =
        known.iter().map(|v| v.cve_id.as_str()).filter(|c| is_cve(c)).collect();
    if is_cve(&ids.primary) {
        cves.push(&ids.primary);
    }
    cves.sort_unstable();
    cves.dedup();
    let apart =
        known.iter().any(|v| known.iter().any(|o| v.distinct_from.iter().any(|id| o.has_id(id))))
            || known.iter().any(|v| ids.all().any(|id| v.distinct_from.contains(id)));
    if cves.len() > 1 || apart {
        let keep = known.iter().position(|v| v.has_id(&ids.primary));
        let owned =
            |id: &&String| !known.iter().enumerate().any(|(n, v)| Some(n) != keep && v.has_id(id));
        let apart = |id: &&String| keep.is_some_and(|n| known[n].distinct_from.contains(id));
        let ids = ids.all().filter(owned).filter(|id| !apart(id)).cloned().collect();
        return Join { keep, absorb: Vec::new(), ids };
    }
    let keep = (0..known.len()).min_by_key(|n| (!is_cve(&known[*n].cve_id), known[*n].id));
    let absorb = (0..known.len()).filter(|n| Some(*n) != keep).collect();
    Join { keep, absorb, ids: ids.all().cloned().collect() }
}

impl Vulnerability {
    /// Whether `id` is one of its ids.
    #[must_use]
    pub fn has_id(&self, id: &str) -> bool {
        self.cve_id == id || self.aliases.iter().any(|alias| alias == id)
    }

    /// Adds an id. A CVE id becomes the name under which it is known. Says whether that
    /// changed.
    pub fn add_id(&mut self, id: &str) -> bool {
        let renames = is_cve(id) && !is_cve(&self.cve_id);
        if self.has_id(id) && !renames {
            return false;
        }
        self.aliases.retain(|alias| alias != id);
        if renames {
            let old = std::mem::replace(&mut self.cve_id, id.to_owned());
            if self.title == old {
                id.clone_into(&mut self.title);
            }
            self.aliases.push(old);
            return true;
        }
        self.aliases.push(id.to_owned());
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    fn said(id: &str, aliases: &[&str]) -> Ids {
        let aliases = aliases.iter().map(|a| (*a).to_owned()).collect();
        Ids::of(&VulnerabilityObservation { id: id.into(), aliases, ..Default::default() })
    }

    fn known(id: u64, cve_id: &str, aliases: &[&str]) -> Vulnerability {
        let mut v = Vulnerability::new(cve_id.into(), "t".into(), Timestamp::default());
        v.id = id;
        v.aliases = aliases.iter().map(|a| (*a).to_owned()).collect();
        v
    }

    #[test]
    fn the_only_cve_names_the_vulnerability() {
        let ids = said("GHSA-1", &["CVE-1", "DSA-1", "GHSA-1"]);
        assert_eq!(
            (ids.primary.as_str(), ids.aliases, ids.advisories),
            ("CVE-1", vec!["GHSA-1".into()], vec!["DSA-1".into()])
        );
        let ids = said("DSA-1", &["CVE-1", "CVE-2", "GHSA-1"]);
        assert_eq!((ids.primary.as_str(), ids.aliases.len()), ("DSA-1", 0));
        assert_eq!(said("CVE-1", &["CVE-2", "GHSA-1"]).primary, "CVE-1");
    }

    #[test]
    fn groups_join_but_never_two_cves() {
        let (cve, ghsa, other) = (
            known(7, "CVE-1", &[]),
            known(3, "GHSA-1", &["OSV-1"]),
            known(4, "CVE-2", &["GHSA-2"]),
        );
        let joined = join(&[&ghsa, &cve], &said("GHSA-1", &["CVE-1"]));
        assert_eq!((joined.keep, joined.absorb), (Some(1), vec![0]), "the CVE stays");
        let conflict = join(&[&cve, &other], &said("GHSA-2", &["CVE-1"]));
        assert_eq!((conflict.keep, conflict.absorb.len()), (Some(0), 0), "the primary id decides");
        assert_eq!(conflict.ids, ["CVE-1"], "the other record keeps its alias");
        let conflict = join(&[&other], &said("GHSA-2", &["CVE-1"]));
        assert_eq!((conflict.keep, conflict.ids), (None, vec!["CVE-1".to_owned()]));
        let mut apart = ghsa.clone();
        apart.distinct_from = vec!["CVE-1".into()];
        let told = join(&[&apart, &cve], &said("GHSA-1", &["CVE-1"]));
        assert_eq!((told.keep, told.absorb.len()), (Some(1), 0), "a person has told them apart");
    }

    #[test]
    fn a_cve_id_becomes_the_name() {
        let mut v = known(1, "GHSA-1", &[]);
        assert!(v.add_id("CVE-1") && !v.add_id("CVE-1") && !v.add_id("OSV-1"));
        assert_eq!((v.cve_id.as_str(), v.title.as_str()), ("CVE-1", "CVE-1"));
        assert_eq!(v.aliases, ["GHSA-1", "OSV-1"]);
    }
}
