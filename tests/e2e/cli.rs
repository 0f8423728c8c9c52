//! The contract of `import` and of the exit codes with scripts.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::harness::{run, run_with};
use super::report::Plan;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A temporary folder with files in it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Everything that an import may change.
    fn state(&self) -> Vec<Value> {
        let list = |resource: &str| {
            let args = ["list", resource, "--json", "--page-size", "1000"];
            run(&self.data(), &args).with_code(0).json()
        };
        ["findings", "vulnerabilities", "assets"].map(list).to_vec()
    }
}

#[test]
fn import_prints_exactly_one_object() {
    let desk = Desk::new();
    let mut report: Value = serde_json::from_slice(&Plan::new("a", 0..9).bytes()).unwrap();
    report["Results"][0]["Secrets"] = json!([{"RuleID": "x", "Severity": "HIGH"}]);
    let file = desk.file("report.json", report.to_string().as_bytes());
    let ran = run(&desk.data(), &["import", &file, "--json"]).with_code(0);
    assert_eq!(ran.stdout.lines().count(), 1);
    assert_eq!(ran.stderr, "", "nothing else is said");
    let import = ran.json();
    let counts = ["assets", "vulnerabilities", "findings", "new", "seen", "reopened", "closed"];
    let want = [1, 3, 9, 9, 0, 0, 0];
    for (name, want) in counts.into_iter().zip(want) {
        assert_eq!(import[name], json!(want), "{name}: {import}");
    }
    assert_eq!(import["format"], "trivy");
    assert_eq!(import["skipped"], 1);
    assert_eq!(import["skipped_reasons"].as_object().unwrap().len(), 1, "{import}");
    assert_eq!(import["filename"], "report.json");
    // Without --json: one sentence with the same numbers.
    let ran = run(&desk.data(), &["import", &file]).with_code(0);
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stdout.contains("9 findings") && ran.stdout.contains("9 seen"), "{ran:?}");
}

#[test]
fn a_rescan_closes_what_has_gone_and_reopens_what_is_back() {
    let desk = Desk::new();
    let scan = |day: &'static str, until| {
        let report = Plan { created_at: Some(day), ..Plan::new("a", 0..until) }.bytes();
        let ran = run_with(&desk.data(), &["import", "-", "--json"], &report, |c| c);
        let import = ran.with_code(0).json();
        ["new", "seen", "reopened", "closed"].map(|name| import[name].as_u64().unwrap())
    };
    assert_eq!(scan("2026-01-01T00:00:00Z", 12), [12, 0, 0, 0]);
    assert_eq!(scan("2026-01-02T00:00:00Z", 6), [0, 6, 0, 6]);
    assert_eq!(scan("2026-01-03T00:00:00Z", 14), [2, 6, 6, 0]);
}

#[test]
fn standard_input_compressed_and_several_files_work() {
    let desk = Desk::new();
    let report = |name: &str, n| Plan::new(name, 0..n).bytes();
    let ran = run_with(&desk.data(), &["import", "-", "--json"], &report("in", 3), |c| c);
    assert_eq!(ran.with_code(0).json()["new"], 3);
    let zipped = gzip(&report("gz", 4));
    let ran = run_with(&desk.data(), &["import", "-", "--json"], &zipped, |c| c);
    assert_eq!(ran.with_code(0).json()["new"], 4);
    let one = desk.file("one.json.gz", &gzip(&report("one", 5)));
    let two = desk.file("two.json.zst", &zstd::encode_all(&report("two", 6)[..], 1).unwrap());
    let ran = run(&desk.data(), &["import", &one, &two, "--json"]).with_code(0);
    let new: Vec<Value> = ran.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(new.iter().map(|i| i["new"].clone()).collect::<Vec<_>>(), [json!(5), json!(6)]);
    let named = ["import", &one, "--asset", "web-1", "--format", "trivy", "--json"];
    assert_eq!(run(&desk.data(), &named).with_code(0).json()["new"], 5);
    run(&desk.data(), &["show", "assets", "web-1"]).with_code(0);
}

#[test]
fn a_refused_file_changes_nothing_and_says_where_it_is_wrong() {
    let desk = Desk::new();
    run_with(&desk.data(), &["import", "-"], &Plan::new("a", 0..40).bytes(), |c| c).with_code(0);
    let before = desk.state();
    let whole = Plan::new("a", 10..4000).bytes();
    let mut broken = whole.clone();
    let at = broken.len() - 400;
    broken[at] = b'}';
    let refused: &[(&str, Vec<u8>, &str)] = &[
        ("cut.json", whole[..whole.len() - 500].to_vec(), "middle"),
        ("broken.json", broken, "column"),
        ("cut.json.gz", gzip(&whole)[..9000].to_vec(), "middle"),
        ("text.txt", b"this is no report".to_vec(), "format"),
        ("other.json", b"{\"hello\": 1}".to_vec(), "format"),
        ("empty.json", Vec::new(), "empty"),
    ];
    for (name, bytes, word) in refused {
        let file = desk.file(name, bytes);
        let ran = run(&desk.data(), &["import", &file, "--json"]).with_code(6);
        assert_eq!(ran.stdout, "", "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        let detail = ran.problem()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(name) && detail.contains(word), "{name}: {detail}");
        let plain = run(&desk.data(), &["import", &file]).with_code(6);
        assert!(plain.stderr.starts_with("error: ") && plain.stdout.is_empty(), "{plain:?}");
        assert!(plain.stderr.contains(word), "{plain:?}");
    }
    assert_eq!(desk.state(), before, "a refused report changed something");
    let missing = run(&desk.data(), &["import", "/nonexistent.json", "--json"]).with_code(3);
    assert!(missing.problem()["detail"].as_str().unwrap().contains("/nonexistent.json"));
    let folder = desk.0.path().to_str().unwrap();
    run(&desk.data(), &["import", folder]).with_code(6);
    let good = desk.file("good.json", &Plan::new("b", 0..2).bytes());
    let bad = desk.file("bad.json", b"{");
    run(&desk.data(), &["import", &bad, &good]).with_code(6);
    run(&desk.data(), &["import", &good, "--format", "nessie"]).with_code(6);
    run(&desk.data(), &["check"]).with_code(0);
}

#[test]
fn help_names_every_exit_code() {
    let desk = Desk::new();
    let help = run(&desk.data(), &["--help"]).with_code(0).stdout;
    let table: Vec<(i32, &str)> = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .map(|line| {
            let (code, what) = line.trim().split_once("  ").unwrap();
            (code.parse().unwrap(), what)
        })
        .collect();
    assert_eq!(
        table.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 6, 7, 8]
    );
    // Each that can be had without breaking anything, as the table says.
    run(&desk.data(), &["list", "nonsense"]).with_code(2);
    run(&desk.data(), &["show", "findings", "1"]).with_code(3);
    run(&desk.data(), &["token", "create", "--role", "emperor"]).with_code(6);
    let password = ["user", "create", "ann", "--password-file", "-"];
    run_with(&desk.data(), &password, b"correct horse battery", |c| c).with_code(0);
    run_with(&desk.data(), &password, b"correct horse battery", |c| c).with_code(5);
}

#[test]
fn exit_codes_in_the_source_are_those_of_help() {
    let source = include_str!("../../src/cli/exit.rs");
    let desk = Desk::new();
    let help = run(&desk.data(), &["--help"]).with_code(0).stdout;
    let mut constants = 0;
    for line in source.lines().filter(|l| l.starts_with("pub const ") && l.contains(": u8 = ")) {
        let code = line.rsplit(' ').next().unwrap().trim_end_matches(';');
        assert!(help.contains(&format!("\n  {code}  ")), "{line}");
        constants += 1;
    }
    // All but 2, which the argument parser uses by itself.
    assert_eq!(constants, 8);
}

#[test]
fn tables_with_wide_characters_stay_in_line() {
    let desk = Desk::new();
    let mut report: Value =
        serde_json::from_slice(&Plan::new("画像サーバー", 0..3).bytes()).unwrap();
    report["Results"][0]["Vulnerabilities"][0]["PkgName"] = json!("ライブラリ");
    report["Results"][0]["Vulnerabilities"][1]["PkgName"] = json!("e\u{301}\u{1b}[31m");
    run_with(&desk.data(), &["import", "-"], report.to_string().as_bytes(), |c| c).with_code(0);
    let table = run(&desk.data(), &["list", "findings"]).with_code(0).stdout;
    assert!(!table.contains('\u{1b}'), "text from a report commands the terminal");
    let lines: Vec<&str> = table.lines().collect();
    let column =
        unicode_width::UnicodeWidthStr::width(&lines[0][..lines[0].find("INSTALLED").unwrap()]);
    for line in &lines[1..=3] {
        let at = line.find(" 1.").unwrap() + 1;
        assert_eq!(unicode_width::UnicodeWidthStr::width(&line[..at]), column, "{table}");
    }
    assert!(lines[4].starts_with("3 of 3"), "{table}");
}
