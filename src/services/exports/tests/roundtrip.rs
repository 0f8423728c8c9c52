//! The way back: what one instance exports, another imports by our own importers. What a
//! format cannot carry is said beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::filled::{all, decide, export, import, import_reports, instance};
use crate::domain::asset::Asset;
use crate::domain::status::{FindingStatus, Verdict};

/// What makes a finding the same, and how bad it is.
type Seen = (String, String, String, String);

fn seen(finding: &Finding) -> Seen {
    let component = &finding.component;
    (
        finding.asset.clone(),
        finding.cve_id.clone(),
        component.name.clone(),
        component.version.clone().unwrap_or_default(),
    )
}

fn open(core: &Core) -> BTreeSet<Seen> {
    all::<Finding>(core).iter().filter(|f| f.status.is_open()).map(seen).collect()
}

/// An instance with reports whose findings have packages, and with decisions.
fn source(directory: &std::path::Path) -> Core {
    let core = instance(directory);
    import_reports(&core);
    decide(&core);
    core
}

/// Tables, lines and SARIF carry what is open (and decided or fixed as such, which importers
/// leave out on purpose: what was decided here is not decided there).
#[test]
fn what_is_open_comes_back_by_tables_lines_and_sarif() {
    let directory = tempfile::tempdir().unwrap();
    let from = source(directory.path());
    let wanted = open(&from);
    assert!(wanted.len() > 150, "{}", wanted.len());
    for format in ["csv", "jsonl", "sarif"] {
        let other = tempfile::tempdir().unwrap();
        let to = instance(other.path());
        let done = import(&to, &export(&from, format, &[]));
        assert!(done.error.is_none(), "{format}: {:?}", done.error);
        let have = open(&to);
        let lost: Vec<_> = wanted.difference(&have).collect();
        let invented: Vec<_> = have.difference(&wanted).collect();
        let none = lost.is_empty() && invented.is_empty();
        assert!(none, "{format}: lost {lost:#?}, invented {invented:#?}, by {done:#?}");
        let closed = all::<Finding>(&to).iter().filter(|f| !f.status.is_open()).count();
        assert_eq!(closed, 0, "{format}");
        details(&from, &to, format);
    }
}

/// Severity, fixed version, package URL and path are the same on both sides.
fn details(from: &Core, to: &Core, format: &str) {
    let of = |core: &Core| -> BTreeMap<Seen, BTreeSet<String>> {
        let mut all_of: BTreeMap<Seen, BTreeSet<String>> = BTreeMap::new();
        for finding in all::<Finding>(core).iter().filter(|f| f.status.is_open()) {
            let c = &finding.component;
            let said = format!(
                "{} {:?} {:?} {:?} {:?}",
                finding.severity, finding.fixed_version, c.purl, c.ecosystem, c.path
            );
            all_of.entry(seen(finding)).or_default().insert(said);
        }
        all_of
    };
    let (wanted, have) = (of(from), of(to));
    let different: Vec<_> = wanted.iter().filter(|(k, v)| have.get(*k) != Some(v)).collect();
    let shown: Vec<_> = different.iter().take(3).map(|(k, v)| (k, v, have.get(*k))).collect();
    assert!(different.is_empty(), "{format}: {} of {}: {shown:#?}", different.len(), wanted.len());
}

/// CycloneDX is about one product, so assets are exported one by one. It carries no title,
/// no port, no web address and no line: two places of one package are one finding.
#[test]
fn what_is_open_on_an_asset_comes_back_by_cyclonedx() {
    let directory = tempfile::tempdir().unwrap();
    let from = source(directory.path());
    let mut compared = 0;
    for asset in all::<Asset>(&from) {
        let of_asset = |s: &Seen| s.0 == asset.asset_id;
        let wanted: BTreeSet<Seen> = open(&from).into_iter().filter(of_asset).collect();
        if wanted.is_empty() {
            continue;
        }
        let other = tempfile::tempdir().unwrap();
        let to = instance(other.path());
        let id = asset.id.to_string();
        let done = import(&to, &export(&from, "cyclonedx-vdr", &[("asset_id", &id)]));
        assert!(done.error.is_none(), "{}: {:?}", asset.asset_id, done.error);
        let have = open(&to);
        let lost: Vec<_> = wanted.difference(&have).collect();
        let invented: Vec<_> = have.difference(&wanted).collect();
        assert!(lost.is_empty() && invented.is_empty(), "{lost:#?} {invented:#?}");
        compared += wanted.len();
    }
    assert!(compared > 150, "{compared}");
}

/// What VEX carries: who has the same findings learns what is not affected. A false positive
/// is "not affected" there, an accepted risk stays open there, and what is about no package
/// of a known ecosystem can be named by nothing that is looked up.
#[test]
fn what_is_not_affected_comes_back_by_vex() {
    let directory = tempfile::tempdir().unwrap();
    let from = source(directory.path());
    let is_packaged = |f: &Finding| f.component.ecosystem.is_some() || f.component.purl.is_some();
    let wanted: BTreeSet<Seen> = all::<Finding>(&from)
        .iter()
        .filter(|f| {
            matches!(f.status.verdict(), Some(Verdict::NotAffected | Verdict::FalsePositive))
        })
        .filter(|f| is_packaged(f))
        .map(seen)
        .collect();
    assert!(wanted.len() >= 6, "{}", wanted.len());
    for format in ["openvex", "csaf-vex", "cyclonedx-vex"] {
        let other = tempfile::tempdir().unwrap();
        let to = instance(other.path());
        import_reports(&to);
        // Those that were made fixed by hand in the source are open here.
        let is_vex = format == "cyclonedx-vex";
        let assets: BTreeSet<u64> = all::<Finding>(&from).iter().map(|f| f.asset_id).collect();
        let parts: Vec<String> = assets.iter().map(u64::to_string).collect();
        let documents: Vec<Vec<u8>> = if is_vex {
            parts.iter().map(|id| export(&from, format, &[("asset_id", id)])).collect()
        } else {
            vec![export(&from, format, &[])]
        };
        for document in documents {
            let done = import(&to, &document);
            assert!(done.error.is_none(), "{format}: {:?}", done.error);
        }
        let fixed: BTreeSet<Seen> =
            all::<Finding>(&from).iter().filter(|f| f.status.is_fixed()).map(seen).collect();
        let have: BTreeSet<Seen> = all::<Finding>(&to)
            .iter()
            .filter(|f| f.status == FindingStatus::NotAffected)
            .map(seen)
            .filter(|s| !fixed.contains(s))
            .collect();
        assert_eq!(have, wanted, "{format}");
    }
}
