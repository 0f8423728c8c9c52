//! Errors name their place, and limits hold.

use serde_json::json;

use super::{fixture, fixtures, refuse};
use crate::adapters::importers::input::Limits;
use crate::adapters::importers::testing::{import, import_within};
use crate::adapters::importers::trivy::Trivy;
use crate::base::Code;

#[test]
fn a_small_report_cut_at_any_byte_is_an_error() {
    let path = fixtures().into_iter().find(|f| f.ends_with("dd-scheme_2_no_vuln.json")).unwrap();
    let whole = std::fs::read(path).unwrap();
    let whole = whole.trim_ascii_end();
    for end in 0..whole.len() {
        let error = import(&Trivy, &whole[..end]).unwrap_err();
        assert_eq!(error.code(), Code::BadReport, "{end}: {error}");
        assert!(error.to_string().starts_with("the report ends in the middle"), "{end}: {error}");
    }
    import(&Trivy, whole).unwrap();
}

#[test]
fn a_wrong_type_is_named_with_its_place() {
    let original = fixture("trivy-alpine-39");
    for (pointer, path) in [
        ("/ArtifactName", "ArtifactName"),
        ("/Trivy/Version", "Trivy.Version"),
        ("/Metadata/OS/Family", "Metadata.OS.Family"),
        ("/Results", "Results"),
        ("/Results/0", "Results[0]"),
        ("/Results/0/Target", "Results[0].Target"),
        ("/Results/0/Vulnerabilities", "Results[0].Vulnerabilities"),
        ("/Results/0/Vulnerabilities/3", "Results[0].Vulnerabilities[3]"),
    ] {
        let mut report = original.clone();
        *report.pointer_mut(pointer).unwrap() = json!(17);
        let error = refuse(&report).to_string();
        assert!(error.contains(" at line ") && error.ends_with(&format!(", in {path}")), "{error}");
    }
    let fields = original["Results"][0]["Vulnerabilities"][3].as_object().unwrap();
    let mut tested = 0;
    for field in fields.keys() {
        // What is not read may be anything.
        if matches!(
            field.as_str(),
            "PkgID" | "SeveritySource" | "VendorSeverity" | "DataSource" | "Fingerprint"
        ) {
            continue;
        }
        let mut report = original.clone();
        report["Results"][0]["Vulnerabilities"][3][field] = json!(17);
        let error = refuse(&report).to_string();
        let path = format!(", in Results[0].Vulnerabilities[3].{field}");
        assert!(error.contains("invalid type") && error.contains(&path), "{error}");
        tested += 1;
    }
    assert!(tested >= 12, "{tested}");
}

#[test]
fn wrong_content_is_named_with_its_place() {
    let original = fixture("trivy-alpine-39");
    for (field, value, what) in [
        ("VulnerabilityID", json!(" "), "is not an advisory id"),
        ("VulnerabilityID", json!("<script>"), "is not an advisory id"),
        ("PkgName", json!(""), "an empty name"),
        ("PkgName", json!("n".repeat(2000)), "a name of 2000 bytes"),
        ("PublishedDate", json!("yesterday"), "is not a date"),
        ("CVSS", json!({"nvd": {"V3Score": 11}}), "a CVSS score of 11, not in 0 to 10"),
    ] {
        let mut report = original.clone();
        report["Results"][0]["Vulnerabilities"][2][field] = value;
        let error = refuse(&report).to_string();
        let path = format!(", in Results[0].Vulnerabilities[2].{field}");
        assert!(error.contains(what) && error.contains(&path), "{error}");
        assert!(error.len() < 400, "{error}");
    }
    let mut report = original.clone();
    report["Results"][0]["Vulnerabilities"][1].as_object_mut().unwrap().remove("PkgName");
    let error = refuse(&report).to_string();
    assert!(error.contains("missing field `PkgName`") && error.contains("Vulnerabilities[1]"));
}

#[test]
fn errors_do_not_repeat_the_report() {
    let error = refuse(&json!({"SchemaVersion": "x".repeat(1 << 20)})).to_string();
    assert!(error.len() < 700 && error.contains("at line 2 column"), "{error}");
    let resource = json!({"Kind": "Pod", "Name": "p", "Results": [{"Target": 1}]});
    let error = refuse(&json!({"ClusterName": "c", "Resources": [resource]})).to_string();
    assert!(error.ends_with(", in Resources[0].Results[0].Target"), "{error}");
}

#[test]
fn too_many_results_are_refused() {
    let result = "{\"Target\":\"t\"},".repeat(100_001);
    let report =
        format!("{{\"ArtifactName\":\"a\",\"Results\":[{}]}}", result.trim_end_matches(','));
    let error = import(&Trivy, report.as_bytes()).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge, "{error}");
    let endless = format!("{{\"ArtifactName\":\"a\",\"x\":[{}", "0,".repeat(1 << 20));
    let limits = Limits { report_bytes: 1 << 20, ..Limits::default() };
    let error = import_within(&Trivy, endless.as_bytes(), limits).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge, "{error}");
}
