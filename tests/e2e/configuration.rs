//! What the program says about its configuration, and about what is wrong with it.

use std::fs;

use super::harness::{run, run_with};

#[test]
fn config_shows_each_value_with_its_origin() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vulnzero.toml");
    fs::write(
        &file,
        "[server]\nlisten = \"127.0.0.1:7\"\n[auth]\nadmin_password = \"my secret password\"\n",
    )
    .unwrap();
    let ran = |more: &[&str]| {
        let mut args = vec!["config", "--config", file.to_str().unwrap()];
        args.extend(more);
        run_with(dir.path(), &args, b"", |c| c.env("VULNZERO_JOBS_WORKERS", "3")).with_code(0)
    };
    let all = ran(&["--json", "--set", "log.level=debug"]);
    let values = all.json();
    let origin = |name: &str| values[name]["origin"].as_str().unwrap().to_owned();
    assert_eq!(values["server.listen"]["value"], "127.0.0.1:7");
    assert!(origin("server.listen").contains("vulnzero.toml:2"), "{all:?}");
    assert!(origin("jobs.workers").contains("VULNZERO_JOBS_WORKERS"), "{all:?}");
    assert!(origin("log.level").contains("--set log.level"), "{all:?}");
    assert!(origin("storage.data_dir").contains("--data"), "{all:?}");
    assert_eq!(origin("server.idle_timeout_s"), "default");
    let plain = ran(&[]);
    for text in [&all.stdout, &plain.stdout] {
        assert!(!text.contains("my secret password"), "{text}");
        assert!(text.contains("***"), "{text}");
    }
    let toml: toml::Table = plain.stdout.parse().expect("it is a configuration file itself");
    assert_eq!(toml["server"]["listen"].as_str(), Some("127.0.0.1:7"));
    let reference = run(dir.path(), &["config", "reference"]).with_code(0).stdout;
    assert!(reference.contains("[server]") && reference.contains("# listen ="), "{reference}");
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.toml");
    fs::write(&file, "[server]\nlisten = \"here\"\nlistne = 1\n[jobs]\nworkers = 1000\n").unwrap();
    let args = ["config", "--config", file.to_str().unwrap()];
    let ran = run(dir.path(), &args).with_code(6);
    let text = &ran.stderr;
    for part in [
        "bad.toml:2",
        "such as 127.0.0.1:8000",
        "bad.toml:3",
        "did you mean 'listen'",
        "bad.toml:5",
        "from 1 to 64",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{fffd}'), "{text}");
    assert!(text.lines().count() >= 3, "one a line: {text}");
    let json = run(dir.path(), &[&args[..], &["--json"]].concat()).with_code(6).problem();
    assert_eq!(json["errors"].as_array().unwrap().len(), 3, "{json}");
}

#[test]
fn variables_and_flags_are_checked_too() {
    let dir = tempfile::tempdir().unwrap();
    let with = |name: &'static str, value: &'static str| {
        run_with(dir.path(), &["config"], b"", |c| c.env(name, value)).with_code(6).stderr
    };
    let unknown = with("VULNZERO_SERVER_LISTNE", "1");
    assert!(unknown.contains("VULNZERO_SERVER_LISTNE") && unknown.contains("did you mean"));
    let bad = with("VULNZERO_LOG_FORMAT", "xml");
    assert!(bad.contains("VULNZERO_LOG_FORMAT") && bad.contains("expected"), "{bad}");
    for (set, part) in [
        ("jobs.workers=none", "--set jobs.workers"),
        ("jobs.worker=1", "did you mean"),
        ("jobs.workers", "--set jobs.workers: write it as"),
    ] {
        let ran = run(dir.path(), &["config", "--set", set]).with_code(6);
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
    let missing = run(dir.path(), &["serve", "--config", "/nonexistent.toml"]).with_code(6);
    assert!(missing.stderr.contains("/nonexistent.toml"), "{missing:?}");
}
