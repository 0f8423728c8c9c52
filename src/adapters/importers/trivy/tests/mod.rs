//! Trivy's own shapes and rules; what all importers share is in `conformance`.

mod counts;
mod errors;
mod memory;
mod rules;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::Trivy;
use crate::adapters::importers::conformance::{files, import};
use crate::base::Error;
use crate::domain::finding::component_key;
use crate::domain::observation::{AssetObservation, FindingObservation, Observation, SkipReason};

fn fixtures() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports/trivy");
    files(&folder).into_iter().filter(|f| f.extension().is_some_and(|e| e == "json")).collect()
}

fn fixture(name: &str) -> Value {
    let path = fixtures().into_iter().find(|f| f.file_stem().unwrap() == name).unwrap();
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn read(report: &Value) -> Vec<Observation> {
    import(&Trivy, &serde_json::to_vec(report).unwrap()).unwrap()
}

fn refuse(report: &Value) -> Error {
    import(&Trivy, &serde_json::to_vec_pretty(report).unwrap()).unwrap_err()
}

fn assets(observations: &[Observation]) -> Vec<&AssetObservation> {
    let mut assets: Vec<&AssetObservation> = Vec::new();
    for observation in observations {
        if let Observation::Asset(asset) = observation {
            assets.push(asset);
        }
    }
    assets
}

fn findings(observations: &[Observation]) -> Vec<&FindingObservation> {
    pairs(observations).into_iter().map(|(_, finding)| finding).collect()
}

fn skipped(observations: &[Observation], reason: SkipReason) -> usize {
    observations.iter().filter(|o| **o == Observation::Skipped(reason)).count()
}

/// Every finding with the asset that it is on.
fn pairs(observations: &[Observation]) -> Vec<(String, &FindingObservation)> {
    let mut asset = String::new();
    let mut pairs = Vec::new();
    for observation in observations {
        match observation {
            Observation::Asset(a) => asset.clone_from(&a.asset_id),
            Observation::Finding(f) => pairs.push((asset.clone(), &**f)),
            Observation::Report(_) | Observation::Skipped(_) => {}
        }
    }
    pairs
}

/// The observations as text: the first findings in full but for long texts, of the others a
/// line each.
fn describe(observations: &[Observation]) -> String {
    let mut text = String::new();
    let mut findings = 0;
    for observation in observations {
        match observation {
            Observation::Report(r) => writeln!(text, "{r:?}").unwrap(),
            Observation::Asset(a) => writeln!(text, "{a:#?}").unwrap(),
            Observation::Skipped(reason) => writeln!(text, "Skipped {}", reason.word()).unwrap(),
            Observation::Finding(f) => {
                findings += 1;
                let (v, fixed) = (&f.vulnerability, f.fixed_version.as_deref().unwrap_or("-"));
                let status = f.status.as_deref().unwrap_or("-");
                let key = component_key(&f.component).replace('\u{1f}', " ");
                writeln!(text, "{} {} {status} {key} -> {fixed}", v.id, f.severity).unwrap();
                if findings <= 3 {
                    describe_in_full(f, &mut text);
                }
            }
        }
    }
    text
}

fn describe_in_full(f: &FindingObservation, text: &mut String) {
    let (v, c) = (&f.vulnerability, &f.component);
    writeln!(text, "  {:?}", v.title).unwrap();
    if let Some(d) = &v.description {
        writeln!(text, "  {} bytes: {d:.60}…", d.len()).unwrap();
    }
    writeln!(text, "  purl {:?} layer {:?}", c.purl, c.layer).unwrap();
    writeln!(text, "  source {:?} {:?}", c.source_package, c.source_version).unwrap();
    writeln!(text, "  aliases {:?} weaknesses {:?}", v.aliases, v.cwe_ids).unwrap();
    for cvss in &v.cvss {
        writeln!(text, "  CVSS {cvss:?}").unwrap();
    }
    let times = [v.published_at, v.modified_at].map(|t| t.map(|t| t.to_string()));
    writeln!(text, "  published, modified {times:?}").unwrap();
    for reference in &v.references {
        writeln!(text, "  {reference}").unwrap();
    }
}

#[test]
fn fixtures_become_these_observations() {
    assert!(fixtures().len() >= 14);
    for path in fixtures() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let observations = import(&Trivy, &std::fs::read(&path).unwrap()).unwrap();
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(name, describe(&observations));
        });
    }
}
