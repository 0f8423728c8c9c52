//! Trivy's own shapes and rules; what all importers share is in `conformance`.

mod counts;
mod errors;
mod memory;
mod rules;

use serde_json::Value;

use super::Trivy;
use crate::adapters::importers::testing::{self, assets, findings, import, pairs, skipped};
use crate::base::Error;
use crate::domain::observation::Observation;

fn fixtures() -> Vec<std::path::PathBuf> {
    testing::fixtures("trivy")
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

#[test]
fn fixtures_become_these_observations() {
    assert!(fixtures().len() >= 14);
    testing::snapshots(&Trivy);
}
