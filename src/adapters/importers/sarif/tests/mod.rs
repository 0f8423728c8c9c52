//! SARIF's own shapes and rules.

mod identity;
mod rules;

use serde_json::{Value, json};

use super::Sarif;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, counts_agree, import};
use crate::base::{Code, Error};
use crate::domain::observation::Observation;

fn log(runs: Value) -> Value {
    json!({"version": "2.1.0", "runs": runs})
}

/// A run of a tool with these rules and results.
fn run(tool: &str, rules: Value, results: Value) -> Value {
    json!({"tool": {"driver": {"name": tool, "rules": rules}}, "results": results})
}

fn read(log: &Value) -> Vec<Observation> {
    import(&Sarif, &serde_json::to_vec(log).unwrap()).unwrap()
}

fn refuse(log: &Value) -> Error {
    import(&Sarif, &serde_json::to_vec(log).unwrap()).unwrap_err()
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&Sarif);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&Sarif, &[]);
}

#[test]
fn errors_name_their_place() {
    let error = refuse(&json!({"version": "1.0.0", "runs": []})).to_string();
    assert_eq!(error, "SARIF version '1.0.0' is not read, only 2.1.0");
    assert!(refuse(&json!({"version": "2.1.0"})).to_string().contains("it has no runs"));
    let error = refuse(&log(json!([run("x", json!([7]), json!([]))]))).to_string();
    assert!(error.ends_with("in runs[0].tool.driver.rules[0]"), "{error}");
    let error = refuse(&log(json!([run("x", json!([]), json!([{}, 3]))]))).to_string();
    assert!(error.ends_with("in runs[0].results[1]"), "{error}");
    let error = refuse(&log(json!([{"tool": {"driver": {"name": "x"}}, "results": "none"}])));
    assert!(error.to_string().ends_with("in runs[0].results"), "{error}");
}

#[test]
fn too_many_rules_are_refused() {
    let rules = r#"{"id":"x"},"#.repeat(200_000);
    let text = format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"x","rules":[{}]}}}}}}]}}"#,
        rules.trim_end_matches(',')
    );
    let error = import(&Sarif, text.as_bytes()).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
    assert!(error.to_string().contains("rules and files take more than 64 MiB"), "{error}");
}

#[test]
fn logs_are_recognised_however_they_begin() {
    for yes in [
        r#"{"runs":[{"results":["#,
        r#"{"runs":[{"tool":{"#,
        r#"{"version":"2.1.0","runs":["#,
        r#"{"$schema":"x","runs":["#,
    ] {
        assert!(Sarif.recognises(yes.as_bytes()), "{yes}");
    }
    assert!(!Sarif.recognises(br#"{"runs":[]"#));
}
