//! What tables of no known format become.

use serde_json::{Value, json};

use super::Generic;
use crate::adapters::importers::testing::{
    assets, counts_agree, findings, import, skipped, snapshots,
};
use crate::adapters::importers::{Importer, choose};
use crate::domain::asset::AssetType;
use crate::domain::mapping::{MappedField, Mapping};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

const GENERIC: Generic = Generic { mapping: None };

#[test]
fn real_reports_become_what_they_say() {
    snapshots(&GENERIC);
}

#[test]
fn counts_agree_with_another_program() {
    counts_agree(&GENERIC, &[]);
}

fn read(text: &str) -> Vec<Observation> {
    import(&GENERIC, text.as_bytes()).unwrap()
}

#[test]
fn packages_are_read_from_their_columns() {
    let observations = read(
        "Host;CVE;Package;Installed Version;Fixed In;Ecosystem;Severity;CVSS v3 Vector;CWE\n\
         web1;CVE-2021-0001, GHSA-x-y;openssl;1.1;1.2;deb;moderate;AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H;CWE-79\n",
    );
    let finding = findings(&observations)[0];
    let v = &finding.vulnerability;
    assert_eq!((v.id.as_str(), &v.aliases[..]), ("CVE-2021-0001", &["GHSA-X-Y".to_owned()][..]));
    assert_eq!(finding.component.key(), "deb openssl\u{1f}1.1\u{1f}");
    assert_eq!(
        (finding.fixed_version.as_deref(), finding.severity),
        (Some("1.2"), Severity::Medium)
    );
    assert_eq!((finding.scan, v.cvss[0].score), (ScanKind::OsPackages, Some(9.8)));
    assert_eq!(assets(&observations)[0].asset_id, "web1");
}

#[test]
fn several_cves_in_a_cell_are_several_findings() {
    let observations =
        read("ip,port,vulnerability id,severity\n10.0.0.1,443,CVE-2021-0001; CVE-2021-0002,High\n");
    let ids: Vec<_> =
        findings(&observations).into_iter().map(|f| f.vulnerability.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2021-0001", "CVE-2021-0002"]);
    assert_eq!(assets(&observations)[0].asset_type, AssetType::Server);
    assert_eq!(findings(&observations)[0].place.key(), "443/tcp");
}

#[test]
fn json_is_a_table_too() {
    let one = json!({"cve": "CVE-2021-0001", "severity": "high", "asset": {"name": "web1"},
        "references": ["https://a/b", "https://a/c"], "cvss_score": 7.5});
    for text in [
        json!([one]).to_string(),
        json!({"findings": [one]}).to_string(),
        json!({"meta": {"x": 1}, "results": [one]}).to_string(),
        format!("{one}\n"),
    ] {
        assert_eq!(choose("auto", text.as_bytes()).unwrap().name(), "generic-csv", "{text}");
        let observations = read(&text);
        let finding = findings(&observations)[0];
        assert_eq!((finding.severity, finding.vulnerability.references.len()), (Severity::High, 2));
        assert_eq!(finding.vulnerability.cvss[0].score, Some(7.5));
        assert_eq!(assets(&observations)[0].asset_id, "web1");
    }
}

#[test]
fn lists_and_lines_of_json_are_read() {
    let observations = read(
        &json!({"findings": [{
            "title": "t", "severity": "Low", "cve": "CVE-2021-0001", "vulnerability_ids": ["GHSA-x-y"],
            "endpoints": ["https://a.example.org/x", "https://b.example.org"], "file_path": "src/a.rs",
            "line": 7, "id": "FINDING-1", "cwe": 79
        }]})
        .to_string(),
    );
    let finding = findings(&observations)[0];
    assert_eq!(finding.vulnerability.aliases, ["GHSA-X-Y"]);
    assert_eq!(finding.vulnerability.cwe_ids, ["CWE-79"]);
    assert_eq!(
        (finding.place.line, finding.component.path.as_deref()),
        (Some(7), Some("src/a.rs"))
    );
    assert_eq!(finding.place.url.as_deref(), Some("https://a.example.org/x"));
    assert_eq!(assets(&observations)[0].asset_id, "a.example.org");
    assert!(assets(&read("{\"findings\": []}")).is_empty());
}

#[test]
fn rows_that_are_no_findings_are_counted() {
    let observations = read(
        "Title,Severity,Url,FalsePositive,Duplicate,IsMitigated,Status\n\
         a,High,,TRUE,FALSE,FALSE,\nb,High,,FALSE,true,FALSE,\nc,High,,FALSE,FALSE,TRUE,\n\
         d,Info,,,,,\n,High,,,,,\n,,,,,,\ne,High,,,,,Closed\nf,High,,,,,not affected\ng,High,https://u:8443/x,,,,\n",
    );
    for (reason, count) in [
        (SkipReason::Suppressed, 1),
        (SkipReason::Duplicate, 1),
        (SkipReason::Resolved, 2),
        (SkipReason::Informational, 1),
        (SkipReason::Unidentified, 1),
        (SkipReason::Empty, 1),
        (SkipReason::NotAffected, 1),
    ] {
        assert_eq!(skipped(&observations, reason), count, "{reason:?}");
    }
    let found = findings(&observations);
    assert_eq!((found.len(), found[0].vulnerability.id.as_str()), (1, "GENERIC-G"));
    let last = assets(&observations).into_iter().next_back().unwrap();
    assert_eq!((last.asset_id.as_str(), last.asset_type), ("u", AssetType::Application));
}

#[test]
fn severity_follows_from_scores_where_no_word_says_it() {
    for (cells, severity) in [
        ("CVE-2021-0001,,9.1", Severity::Critical),
        ("CVE-2021-0001,7.2,", Severity::High),
        ("CVE-2021-0001,strange,", Severity::Unknown),
        ("CVE-2021-0001,None,", Severity::Info),
    ] {
        let observations = read(&format!("cve,severity,cvss\n{cells}\n"));
        assert_eq!(findings(&observations)[0].severity, severity, "{cells}");
    }
}

#[test]
fn a_mapping_says_what_columns_mean() {
    let columns =
        [("Bug", MappedField::Id), ("Box", MappedField::Asset), ("How bad", MappedField::Severity)];
    let columns = columns.map(|(name, field)| (name.to_owned(), field)).into_iter().collect();
    let mapped = Generic { mapping: Some(Mapping { columns }) };
    let text = "Report of today\nBug;Box;How bad;CVE\nCVE-2021-0001;web1;critical;CVE-2000-0001\n";
    assert!(mapped.recognises(text.as_bytes()) && !GENERIC.recognises(b"Bug;Box;How bad\n1;2;3\n"));
    let observations = import(&mapped, text.as_bytes()).unwrap();
    let finding = findings(&observations)[0];
    assert_eq!(
        (finding.vulnerability.id.as_str(), finding.severity),
        ("CVE-2021-0001", Severity::Critical)
    );
    assert_eq!(assets(&observations)[0].asset_id, "web1");
    let json = json!([{"bug": "CVE-2021-0001", "box": "web1", "how_bad": "low"}]).to_string();
    assert_eq!(findings(&import(&mapped, json.as_bytes()).unwrap()).len(), 1);
    let short = import(&mapped, b"Bug;Box\nx;y\n").unwrap_err().to_string();
    let what =
        "the column 'How bad' that the mapping names is not in the table; it has: 'Bug', 'Box'";
    assert_eq!(short, what);
}

#[test]
fn errors_name_their_place() {
    let long = "x".repeat(2000);
    for (text, what) in [
        (format!("cve,severity,host\nCVE-2021-0001,high,{long}\n"), "a name of 2000 bytes"),
        (format!("cve,severity,host\nCVE-2021-0001,high,{long}\n"), "at line 2"),
        ("a,b\n1,2\n".to_owned(), "no header row"),
        ("{\"a\": 1}".to_owned(), "no list of findings was found"),
        ("{\"a\": ".to_owned(), "the report ends in the middle"),
        (json!([{"cve": "x", "severity": "y"}, 7]).to_string(), "[1]"),
    ] {
        let error = import(&GENERIC, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    let other = |value: Value| !GENERIC.recognises(value.to_string().as_bytes());
    assert!(other(json!([{"id": 1, "name": "x"}])) && other(json!({"results": []})));
}

#[test]
fn a_mapping_reaches_into_json() {
    let columns = [
        ("vuln.cves.id", MappedField::Id),
        ("/host/names/0", MappedField::Asset),
        ("host.port", MappedField::Port),
        ("pkg", MappedField::Component),
    ];
    let columns = columns.map(|(name, field)| (name.to_owned(), field)).into_iter().collect();
    let mapped = Generic { mapping: Some(Mapping { columns }) };
    let entry = |cve: &str| {
        json!({"vuln": {"cves": [{"id": cve}, {"id": "CVE-2021-9999"}]}, "pkg": "nginx",
            "host": {"names": ["web1", "web2"], "port": 443}})
    };
    let (one, two) = (entry("CVE-2021-0001"), entry("CVE-2021-0002"));
    let lines = format!("{one}\n{two}\n");
    for text in [json!([one, two]).to_string(), lines, json!({"items": [one, two]}).to_string()] {
        let observations = import(&mapped, text.as_bytes()).unwrap();
        let ids: Vec<_> =
            findings(&observations).iter().map(|f| f.vulnerability.id.clone()).collect();
        assert_eq!(ids, ["CVE-2021-0001", "CVE-2021-9999", "CVE-2021-0002", "CVE-2021-9999"]);
        assert_eq!(assets(&observations)[0].asset_id, "web1");
        assert_eq!(findings(&observations)[0].place.key(), "443/tcp");
    }
    let error =
        |value: Value| import(&mapped, value.to_string().as_bytes()).unwrap_err().to_string();
    let other = error(json!([{"pkg": "x"}, {"pkg": "y"}]));
    assert!(other.starts_with("none of the 2 entries has a text at 'vuln.cves.id'"), "{other}");
    let none = error(json!([{"else": "x"}]));
    assert!(none.contains("'/host/names/0'") && none.contains("no entries were found"), "{none}");
}
