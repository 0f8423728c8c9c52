//! Instances with findings of many kinds, and their exports.

use std::path::Path;

use serde_json::Value;

use super::super::*;
use crate::base::Timestamp;
use crate::base::record::Record;
use crate::domain::asset::{Asset, AssetType};
use crate::domain::component::Component;
use crate::domain::decision::{DecisionKind, NewDecision};
use crate::domain::finding::Source;
use crate::domain::place::Place;
use crate::domain::severity::{CvssScore, Severity};
use crate::domain::status::FindingStatus;
use crate::domain::vex::Justification;
use crate::domain::vulnerability::Vulnerability;
use crate::services::imports::NewImport;
use crate::services::imports::tests::guarantees;
use crate::services::{decisions, imports};
use crate::store::Read;

/// Reports of scanners of every kind: packages, hosts, web sites, code. The last two do not
/// say what they are about.
pub const REPORTS: &[&str] = &[
    "trivy/trivy-alpine-39.json",
    "trivy/trivy-npm.json",
    "trivy/dd-scheme_2_many_vulns.json",
    "trivy/dd-legacy_many_vulns.json",
    "trivy/trivy-amazon-2.json",
    "trivy/trivy-fluentd-multiple-lockfiles.json",
    "grype/grype-keycloak-test.json",
    "grype/dd-many_vulns4.json",
    "nmap/dd-nmap_script_vulners.xml",
    "openvas/dd-many_vuln.csv",
    "wazuh/dd-v4-7_many_findings.json",
    "osv-scanner/osvscanner-multiple-packages-with-vulns.json",
    "grype/dd-same_cve_different_paths.json",
    "nuclei/dd-many_findings.json",
    "nessus/dd-tenable_many_vuln.csv",
    "sarif/dd-njsscan.sarif",
    "generic-csv/dd-generic_report1.csv",
];

pub fn instance(directory: &Path) -> Core {
    imports::tests::core(directory)
}

/// Imports a file by its content; what it became.
pub fn import(core: &Core, bytes: &[u8]) -> crate::domain::import::Import {
    guarantees::import(core, bytes, NewImport::default())
}

/// Imports all the reports.
pub fn import_reports(core: &Core) {
    for (at, name) in REPORTS.iter().enumerate() {
        let unnamed = at + 2 >= REPORTS.len();
        let asset = unnamed.then(|| format!("asset {at}"));
        let done =
            guarantees::import(core, &report(name), NewImport { asset, ..NewImport::default() });
        assert!(done.error.is_none(), "{name}: {:?}", done.error);
    }
}

pub fn report(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports");
    std::fs::read(folder.join(name)).unwrap()
}

/// An instance with all the reports, something decided of every kind, something fixed.
pub fn filled(directory: &Path) -> Core {
    let core = instance(directory);
    import_reports(&core);
    decide(&core);
    hostile(&core);
    core
}

/// Decides about the first findings, in every way.
pub fn decide(core: &Core) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for finding in 1..=12 {
        let kind = match finding % 3 {
            0 => DecisionKind::NotAffected,
            1 => DecisionKind::FalsePositive,
            _ => DecisionKind::RiskAccepted,
        };
        let justified = kind == DecisionKind::NotAffected && finding % 2 == 0;
        let new = NewDecision {
            kind,
            finding_id: Some(finding),
            reason: Some(format!("Reason \"{finding}\"")),
            compensating_control: Some("A firewall".into()),
            justification: justified.then_some(Justification::VulnerableCodeNotInExecutePath),
            ..NewDecision::default()
        };
        runtime.block_on(decisions::create(core, &Ctx::cli(), new)).unwrap();
    }
    // What two scans after each other no longer see, with and without a version that fixes.
    core.store
        .write_blocking("test", |tx| {
            for id in 13..=18 {
                let mut finding: Finding = tx.require(id)?;
                finding.status = FindingStatus::Fixed;
                finding.fixed_version = (id % 2 == 0).then(|| "99.1+x".to_owned());
                finding.sources.iter_mut().for_each(|source| source.present = false);
                tx.update(finding)?;
            }
            Ok(())
        })
        .unwrap();
}

/// Texts that mean something to those who read carelessly.
pub const HOSTILE: &str = "=cmd|' /C calc'!A0 \"q\" </script>,\r\n\t\u{0}\u{7}\u{85}\u{2028}é😀\\";

/// Findings whose every text is hostile.
fn hostile(core: &Core) {
    let texts = ["=1+1", "@SUM(A1)", "-2", "+x", "\t=x", "'=x", "a\nb", HOSTILE, "</script>"];
    core.store
        .write_blocking("test", move |tx| {
            for (n, text) in texts.iter().enumerate() {
                let asset = Asset {
                    asset_type: AssetType::ALL[n % AssetType::ALL.len()],
                    tags: [("version".to_owned(), (*text).to_owned())].into(),
                    ..Asset::new(format!("{text}-{n}"))
                };
                let asset = tx.insert(asset)?;
                let id = format!("TEST-{n}{text}");
                let vulnerability = Vulnerability {
                    title: (*text).to_owned(),
                    aliases: vec![format!("GHSA-{text}")],
                    description: Some(text.repeat(200)),
                    solution: (n % 2 == 0).then(|| (*text).to_owned()),
                    references: vec![(*text).to_owned(), "https://example.org/a#b".into()],
                    cwe_ids: vec!["CWE-79".into(), (*text).to_owned()],
                    cvss: vec![CvssScore {
                        source: (*text).to_owned(),
                        version: "3.1".into(),
                        vector: Some((*text).to_owned()),
                        score: Some(7.5),
                    }],
                    cvss_score: Some(7.5),
                    kev: true,
                    ..Vulnerability::new(id, (*text).to_owned(), Timestamp::default())
                };
                let vulnerability = tx.insert(vulnerability)?;
                tx.insert(finding(&asset, &vulnerability, text))?;
            }
            Ok(())
        })
        .unwrap();
}

fn finding(asset: &Asset, vulnerability: &Vulnerability, text: &str) -> Finding {
    Finding {
        asset_id: asset.id,
        asset: asset.asset_id.clone(),
        vulnerability_id: vulnerability.id,
        cve_id: vulnerability.cve_id.clone(),
        title: vulnerability.title.clone(),
        severity: Severity::High,
        component: Component {
            name: text.to_owned(),
            version: Some(text.to_owned()),
            purl: Some(format!("pkg:npm/{text}")),
            ecosystem: Some(text.to_owned()),
            path: Some(text.to_owned()),
            ..Component::default()
        },
        place: Place { url: Some(text.to_owned()), line: Some(3), ..Place::default() },
        fixed_version: Some(text.to_owned()),
        notes: Some(text.to_owned()),
        sources: vec![Source { scanner: text.to_owned(), present: true, ..Source::default() }],
        ..Finding::default()
    }
}

/// All of an export; an error if it breaks.
pub fn try_export<R: Exported + Related>(
    core: &Core,
    format: &str,
    filters: &[(&str, &str)],
) -> Result<Vec<u8>> {
    let mut query = Query::all::<R>()?;
    for (field, text) in filters {
        query = query.filter::<R>(field, &[text])?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let wanted = Wanted { format: format.to_owned(), query, text: String::new() };
        let mut export = begin::<R>(core, &Ctx::cli(), Role::Viewer, wanted).await?;
        let (mut all, mut next) = (Vec::new(), Some(export.first));
        loop {
            match next.take() {
                Some(Piece::Bytes(bytes)) => all.extend_from_slice(&bytes),
                Some(Piece::End) => return Ok(all),
                Some(Piece::Broken(e)) => return Err(e),
                None => panic!("it ends without an end"),
            }
            next = export.rest.recv().await;
        }
    })
}

pub fn export(core: &Core, format: &str, filters: &[(&str, &str)]) -> Vec<u8> {
    try_export::<Finding>(core, format, filters).unwrap()
}

pub fn json(core: &Core, format: &str, filters: &[(&str, &str)]) -> Value {
    serde_json::from_slice(&export(core, format, filters)).unwrap()
}

/// Every record of a kind.
pub fn all<R: Record>(core: &Core) -> Vec<R> {
    let snapshot = core.store.read().unwrap();
    let ids = plan::ids::<R>(&core.store, &*snapshot, &[]).unwrap();
    ids.iter().map(|id| snapshot.require(id.into()).unwrap()).collect()
}
