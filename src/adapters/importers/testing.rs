//! Tools for the tests of importers: reading bytes as a report, real files, and a text that
//! says what was read, for snapshots.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::input::Limits;
use super::{Importer, Report};
use crate::base::Result;
use crate::domain::component::Component;
use crate::domain::finding::identity;
use crate::domain::observation::{
    AssetObservation, FindingObservation, Observation, SkipReason, VulnerabilityObservation,
};
use crate::domain::vex::Statement;

/// Imports `bytes` as a file.
pub fn import(importer: &dyn Importer, bytes: &[u8]) -> Result<Vec<Observation>> {
    import_within(importer, bytes, Limits::default())
}

/// Imports `bytes` as a file, within `limits`.
pub fn import_within(
    importer: &dyn Importer,
    bytes: &[u8],
    limits: Limits,
) -> Result<Vec<Observation>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut observations = Vec::new();
    importer.import(&Report::new(file.path(), limits), &mut |observation| {
        observations.push(observation);
        Ok(())
    })?;
    Ok(observations)
}

/// The folder of real reports, if this machine has one.
pub fn reports() -> Option<PathBuf> {
    let folder = std::env::var_os("VULNZERO_REPORTS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: VULNZERO_REPORTS does not name a folder of reports");
    }
    folder
}

/// The files in `folder`, sorted; none if there is no such folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub fn zstd(bytes: impl Read) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// The most memory that this process has had, in KiB.
pub fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

/// The small real reports of a format that lie in the repository.
pub fn fixtures(format: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports").join(format);
    reports_in(&folder)
}

/// The fixtures, and beside them the reports of the format that this machine has.
pub fn all_reports(format: &str) -> Vec<PathBuf> {
    let here = reports().map(|folder| reports_in(&folder.join(format))).unwrap_or_default();
    fixtures(format).into_iter().chain(here).collect()
}

fn reports_in(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|f| f.extension().is_none_or(|e| e != "md")).collect()
}

/// The assets, in their order.
pub fn assets(observations: &[Observation]) -> Vec<&AssetObservation> {
    let asset = |o: &'_ Observation| matches!(o, Observation::Asset(_));
    let all = observations.iter().filter(|o| asset(o));
    all.filter_map(|o| if let Observation::Asset(a) = o { Some(&**a) } else { None }).collect()
}

/// The findings, in their order.
pub fn findings(observations: &[Observation]) -> Vec<&FindingObservation> {
    pairs(observations).into_iter().map(|(_, finding)| finding).collect()
}

/// Every finding with the asset that it is on.
pub fn pairs(observations: &[Observation]) -> Vec<(String, &FindingObservation)> {
    let mut asset = String::new();
    let mut pairs = Vec::new();
    for observation in observations {
        match observation {
            Observation::Asset(a) => asset.clone_from(&a.asset_id),
            Observation::Finding(f) => pairs.push((asset.clone(), &**f)),
            _ => {}
        }
    }
    pairs
}

/// The VEX statements, in their order.
pub fn statements(observations: &[Observation]) -> Vec<&Statement> {
    let statement = |o: &'_ Observation| matches!(o, Observation::Statement(_));
    let all = observations.iter().filter(|o| statement(o));
    all.filter_map(|o| if let Observation::Statement(s) = o { Some(&**s) } else { None }).collect()
}

/// The components, in their order.
pub fn components(observations: &[Observation]) -> Vec<&Component> {
    let component = |o: &'_ Observation| matches!(o, Observation::Component(_));
    let all = observations.iter().filter(|o| component(o));
    all.filter_map(|o| if let Observation::Component(c) = o { Some(&**c) } else { None }).collect()
}

/// How many were skipped for this reason.
pub fn skipped(observations: &[Observation], reason: SkipReason) -> usize {
    let is_it = |o: &&Observation| matches!(o, Observation::Skipped(s) if s.reason == reason);
    observations.iter().filter(is_it).count()
}

/// What makes a finding of this report the same in the next.
pub fn finding_key(f: &FindingObservation) -> String {
    format!("{}|{}", f.vulnerability.id, identity(&f.component, &f.place))
}

/// Distinct assets with findings, vulnerabilities, and findings.
pub fn counts(observations: &[Observation]) -> (usize, usize, usize) {
    let pairs = pairs(observations);
    let distinct = |key: fn(&(String, &FindingObservation)) -> String| {
        pairs.iter().map(key).collect::<BTreeSet<_>>().len()
    };
    (
        distinct(|(asset, _)| asset.clone()),
        distinct(|(_, f)| f.vulnerability.id.clone()),
        distinct(|(asset, f)| format!("{asset}|{}", finding_key(f))),
    )
}

/// The observations as text: the first of each kind in full but for long texts, of the
/// others a line each.
pub fn describe(observations: &[Observation]) -> String {
    let mut text = String::new();
    let mut seen = [0_usize; 4];
    let mut in_full = |kind: usize| {
        seen[kind] += 1;
        seen[kind] <= 3
    };
    for observation in observations {
        match observation {
            Observation::Report(r) => writeln!(text, "{r:?}").unwrap(),
            Observation::Asset(a) => writeln!(text, "{a:#?}").unwrap(),
            Observation::Skipped(s) => {
                writeln!(text, "Skipped {} at {}", s.reason.word(), s.place).unwrap();
            }
            Observation::Finding(f) => {
                let (v, fixed) = (&f.vulnerability, f.fixed_version.as_deref().unwrap_or("-"));
                let status = f.status.as_deref().unwrap_or("-");
                let key = finding_key(f).replace(['\u{1e}', '\u{1f}'], " ");
                writeln!(text, "{} {} {} {status} {key} -> {fixed}", f.scan, v.id, f.severity)
                    .unwrap();
                if in_full(0) {
                    finding_in_full(f, &mut text);
                }
            }
            Observation::Component(c) => component(c, in_full(1), &mut text),
            Observation::Service(s) => writeln!(text, "{s:?}").unwrap(),
            Observation::Advisory(v) => {
                writeln!(text, "Advisory {}", v.id).unwrap();
                if in_full(2) {
                    vulnerability_in_full(v, &mut text);
                }
            }
            Observation::Statement(s) => statement(s, in_full(3), &mut text),
        }
    }
    text
}

fn component(c: &Component, in_full: bool, text: &mut String) {
    if in_full {
        writeln!(text, "{c:#?}").unwrap();
    } else {
        writeln!(text, "Component {}", c.key().replace('\u{1f}', " ")).unwrap();
    }
}

fn statement(s: &Statement, in_full: bool, text: &mut String) {
    writeln!(text, "Statement {} {} {:?}", s.vulnerability.id, s.status, s.justification).unwrap();
    for subject in s.subjects.iter().take(if in_full { 20 } else { 1 }) {
        writeln!(text, "  {:?}", subject.product).unwrap();
        for component in &subject.components {
            writeln!(text, "    {component:?}").unwrap();
        }
    }
    if in_full {
        writeln!(text, "  at {:?}", s.at.map(|t| t.to_string())).unwrap();
        long("impact", s.impact.as_deref(), text);
        long("action", s.action.as_deref(), text);
        vulnerability_in_full(&s.vulnerability, text);
    }
}

fn long(name: &str, value: Option<&str>, text: &mut String) {
    if let Some(value) = value {
        writeln!(text, "  {name}: {} bytes: {value:.60}…", value.len()).unwrap();
    }
}

fn finding_in_full(f: &FindingObservation, text: &mut String) {
    let c = &f.component;
    writeln!(text, "  purl {:?} layer {:?} {:?}", c.purl, c.layer, c.architecture).unwrap();
    writeln!(text, "  source {:?} {:?}", c.source_package, c.source_version).unwrap();
    if !f.place.is_empty() {
        writeln!(text, "  {:?}", f.place).unwrap();
    }
    let first_seen = f.first_seen.map(|t| t.to_string());
    writeln!(text, "  check {:?} first seen {first_seen:?}", f.check).unwrap();
    long("evidence", f.evidence.as_deref(), text);
    vulnerability_in_full(&f.vulnerability, text);
}

fn vulnerability_in_full(v: &VulnerabilityObservation, text: &mut String) {
    writeln!(text, "  {:?}", v.title).unwrap();
    long("description", v.description.as_deref(), text);
    long("solution", v.solution.as_deref(), text);
    writeln!(text, "  aliases {:?} weaknesses {:?}", v.aliases, v.cwe_ids).unwrap();
    writeln!(text, "  epss {:?} kev {} exploit {}", v.epss, v.kev, v.exploit).unwrap();
    for cvss in &v.cvss {
        writeln!(text, "  CVSS {cvss:?}").unwrap();
    }
    let times = [v.published_at, v.modified_at].map(|t| t.map(|t| t.to_string()));
    writeln!(text, "  published, modified {times:?}").unwrap();
    for reference in v.references.iter().take(5) {
        writeln!(text, "  {reference}").unwrap();
    }
}

/// Snapshots of every fixture of a format.
pub fn snapshots(importer: &dyn Importer) {
    let fixtures = fixtures(importer.name());
    assert!(!fixtures.is_empty(), "{} has no fixtures", importer.name());
    for path in fixtures {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let observations = import(importer, &std::fs::read(&path).unwrap());
        let observations = observations.unwrap_or_else(|e| panic!("{name}: {e}"));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/snapshots") }, {
            insta::assert_snapshot!(format!("{}__{name}", importer.name()), describe(&observations));
        });
    }
}

/// Compares what is read of every report of a format (fixtures and [`reports`]) with what an
/// independent script counts, `tests/fixtures/counts/<format>.py`. For the paths given to it,
/// it prints a line each: `findings assets ids`, or `error` for a report that must be refused.
/// Findings are distinct pairs of asset and [`finding_key`]; assets are all that are named;
/// ids are those of findings, advisories and statements.
///
/// `explained` lets differences stand: file name and the reason. A file that does not differ
/// must not be in it.
pub fn counts_agree(importer: &dyn Importer, explained: &[(&str, &str)]) {
    let paths = all_reports(importer.name());
    let script = format!("tests/fixtures/counts/{}.py", importer.name());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no python3");
        return;
    }
    let output =
        Command::new("python3").args(["-I", "-B"]).arg(script).args(&paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = String::from_utf8(output.stdout).unwrap();
    assert_eq!(expected.lines().count(), paths.len(), "a line for each file: {expected}");
    let mut differences = Vec::new();
    for (path, expected) in paths.iter().zip(expected.lines()) {
        let file = path.file_name().unwrap().to_str().unwrap();
        let ours = match import(importer, &std::fs::read(path).unwrap()) {
            Ok(observations) => summary(&observations),
            Err(_) => "error".to_owned(),
        };
        let reason = explained.iter().find(|(name, _)| *name == file).map(|(_, why)| *why);
        println!("{file}: {ours}, script: {expected} {}", reason.unwrap_or_default());
        if (ours == expected) == reason.is_some() {
            differences.push(format!("{file}: ours {ours}, script {expected}, {reason:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// `findings assets ids`.
fn summary(observations: &[Observation]) -> String {
    let (_, _, findings) = counts(observations);
    let assets: BTreeSet<_> = assets(observations).into_iter().map(|a| &a.asset_id).collect();
    let id = |o: &Observation| match o {
        Observation::Finding(f) => Some(f.vulnerability.id.clone()),
        Observation::Advisory(v) => Some(v.id.clone()),
        Observation::Statement(s) => Some(s.vulnerability.id.clone()),
        _ => None,
    };
    let ids: BTreeSet<_> = observations.iter().filter_map(id).collect();
    format!("{findings} {} {}", assets.len(), ids.len())
}
