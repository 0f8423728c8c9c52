//! Results stay the same finding from log to log, and none hides another.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{log, read, run};
use crate::adapters::importers::testing::{finding_key, findings};

fn result(rule: &str, file: &str, line: u64, more: Value) -> Value {
    let mut result = json!({
        "ruleId": rule, "message": {"text": "m"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line}}}],
    });
    result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    result
}

fn keys(results: Value) -> Vec<String> {
    let observations = read(&log(json!([run("semgrep", json!([]), results)])));
    findings(&observations).into_iter().map(finding_key).collect()
}

/// A tool that writes the same words as everybody's fingerprint: 34 results, one of which
/// would remain, and 33 would be closed with the next import.
#[test]
fn thirty_four_results_are_thirty_four_findings() {
    let words = json!({"fingerprints": {"matchBasedId/v1": "requires login"}});
    let same = json!({"fingerprints": {"matchBasedId/v1": "0123456789abcdef_0"}});
    for more in [words, same, json!({})] {
        let results: Vec<_> =
            (1..=34).map(|line| result("r", "a.py", line, more.clone())).collect();
        let first = keys(json!(results));
        let once: BTreeSet<_> = first.iter().collect();
        assert_eq!(once.len(), 34, "{more}");
        assert_eq!(keys(json!(results)), first, "the same again");
    }
}

#[test]
fn shifted_lines_are_the_same_with_a_fingerprint() {
    let at = |line, fingerprints: Value| keys(json!([result("r", "a.py", line, fingerprints)]));
    let whole = json!({"fingerprints": {"a": "0123456789abcdef"}});
    let part = json!({"partialFingerprints": {
        "primaryLocationLineHash": "9cbc869fbfffeb60:1", "primaryLocationStartColumnFingerprint": "012345678"}});
    for fingerprints in [whole, part] {
        assert_eq!(at(3, fingerprints.clone()), at(30, fingerprints));
    }
    let of_file = json!({"partialFingerprints": {"scanFileHash": "f196e70ba8d8dace"}});
    assert_ne!(at(3, of_file.clone()), at(30, of_file), "a file's hash tells no place");
}

#[test]
fn what_changes_with_everything_is_no_part_of_it() {
    let with = |file_hash: &str, column: &str| {
        keys(json!([result(
            "r",
            "a.py",
            3,
            json!({"partialFingerprints": {
            "scanPrimaryLocationHash": "47f57f9669991906", "scanFileHash": file_hash,
            "primaryLocationStartColumnFingerprint": column}})
        )]))
    };
    assert_eq!(with("f196e70ba8d8dace", "12345678"), with("0000000000000000", "87654321"));
}

#[test]
fn the_same_result_again_is_no_other() {
    let one = result("r", "a.py", 3, json!({"fingerprints": {"a": "0123456789abcdef"}}));
    let other = result("r", "a.py", 9, json!({"fingerprints": {"a": "0123456789abcdef"}}));
    let found = keys(json!([one, one, other, one, other]));
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 2, "{found:#?}");
}

#[test]
fn files_have_one_name_on_every_machine() {
    let path = |base: Value, uri: &str, id: &str, directory: &str| {
        let log = log(json!([{
            "tool": {"driver": {"name": "x"}}, "originalUriBaseIds": base,
            "invocations": [{"workingDirectory": {"uri": directory}}],
            "results": [{"ruleId": "r", "message": {}, "locations": [{"physicalLocation":
                {"artifactLocation": {"uri": uri, "uriBaseId": id}}}]}],
        }]));
        findings(&read(&log))[0].component.path.clone().unwrap_or_default()
    };
    let chain =
        json!({"SRC": {"uri": " src/", "uriBaseId": "ROOT"}, "ROOT": {"uri": "file:///b/work/"}});
    assert_eq!(path(chain.clone(), "io/kb.c", "SRC", ""), "src/io/kb.c");
    assert_eq!(path(chain, "file:///b/work/x%20y.c", "", ""), "x y.c");
    let none = json!({});
    assert_eq!(path(none.clone(), "file:///home/a/dd/x.sh", "", "file:///home/a/dd"), "x.sh");
    assert_eq!(path(none.clone(), "file:///C:/code/x.c", "", ""), "C:/code/x.c");
    assert_eq!(path(none.clone(), "file:///etc/x", "", "file:///"), "/etc/x");
    assert_eq!(path(none.clone(), ".\\src\\x.cs", "", ""), "src/x.cs");
    let endless = json!({"A": {"uri": "a", "uriBaseId": "A"}});
    assert_eq!(path(endless, "x", "A", ""), "a/a/a/a/a/a/a/a/x");
    let by_index = log(json!([{
        "tool": {"driver": {"name": "x"}}, "artifacts": [{}, {"location": {"uri": "b.c"}}],
        "results": [{"ruleId": "r", "message": {},
            "locations": [{"physicalLocation": {"artifactLocation": {"index": 1}}}]}]
    }]));
    assert_eq!(findings(&read(&by_index))[0].component.path.as_deref(), Some("b.c"));
}
