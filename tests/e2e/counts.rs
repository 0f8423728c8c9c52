//! Real Trivy reports through the executable: the counts are those of another program, and
//! a second import changes nothing. All reports of the folder that `VULNZERO_REPORTS`
//! names, and those of the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::harness::Server;
use super::state::{self, SIGHTINGS};

/// Assets with findings, vulnerabilities, findings: the same rules as in the importer's own
/// test, where they are explained.
const JQ: &str = include_str!("counts.jq");

fn reports() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports/trivy");
    let mut folders = vec![own];
    match std::env::var_os("VULNZERO_REPORTS").map(PathBuf::from) {
        Some(folder) if folder.join("trivy").is_dir() => folders.push(folder.join("trivy")),
        Some(folder) => folders.push(folder),
        None => println!("without VULNZERO_REPORTS: only the reports of the repository"),
    }
    let list = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<PathBuf> = folders.into_iter().flat_map(list).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    files
}

#[test]
fn counts_are_those_of_jq_and_a_second_import_changes_nothing() {
    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no jq");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let files = reports();
    assert!(files.len() >= 14);
    for (n, file) in files.iter().enumerate() {
        let output = Command::new("jq").args(["-c", JQ]).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let [assets, vulnerabilities, findings]: [u64; 3] =
            serde_json::from_slice(&output.stdout).unwrap();
        let data = dir.path().join(n.to_string());
        let path = file.to_str().unwrap();
        let ran = super::harness::run(&data, &["import", path, "--json"]).with_code(0).json();
        let have = ["vulnerabilities", "findings", "new"].map(|c| ran[c].as_u64().unwrap());
        assert_eq!(have, [vulnerabilities, findings, findings], "{path}: {ran}");
        // An asset without findings is an asset too; jq counts those with.
        assert!(ran["assets"].as_u64().unwrap() >= assets, "{path}: {ran}");
        let server = Server::start(&data);
        let rows = server.dump("findings");
        assert_eq!(rows.len() as u64, findings, "{path}");
        let mut with: Vec<u64> = rows.iter().map(|f| f["asset_id"].as_u64().unwrap()).collect();
        with.sort_unstable();
        with.dedup();
        assert_eq!(with.len() as u64, assets, "{path}");
        let before = state::of(&server, SIGHTINGS);
        let again = server.upload("", &std::fs::read(file).unwrap()).json();
        let effects = ["seen", "new", "reopened", "closed"].map(|c| again[c].as_u64().unwrap());
        assert_eq!(effects, [findings, 0, 0, 0], "{path}: {again}");
        state::same(&state::of(&server, SIGHTINGS), &before);
        server.stop();
        println!("{assets} assets, {vulnerabilities} vulnerabilities, {findings} findings: {path}");
    }
}
