//! What things become: the rules in the header of the module.

use serde_json::{Value, json};

use super::{read, refuse};
use crate::adapters::importers::testing::{
    assets, components, findings, pairs, skipped, statements,
};
use crate::domain::asset::AssetType;
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;
use crate::domain::vex::VexStatus;

const HEX: &str = "8914eb54f968791faf6a8638949e480fef81e697984fba772b3976835194c6d4";

fn document(mut rest: Value) -> Value {
    let own = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 3,
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    });
    let own = own.as_object().unwrap().clone();
    rest.as_object_mut().unwrap().extend(own);
    rest
}

fn sbom(vulnerabilities: Value) -> Value {
    document(json!({
        "metadata": {
            "tools": {"components": [{"name": "trivy", "version": "0.65.0"}]},
            "component": {"bom-ref": "root", "type": "container", "name": "alpine:3.17.0",
                "purl": format!("pkg:oci/alpine@sha256%3A{HEX}?arch=amd64"),
                "properties": [{"name": "aquasecurity:trivy:RepoTag", "value": "alpine:3.17"}]}
        },
        "components": [
            {"bom-ref": "os", "type": "operating-system", "name": "alpine", "version": "3.17.0"},
            {"bom-ref": "lock", "type": "application", "name": "go.mod"},
            {"bom-ref": "ssl", "type": "library", "name": "libssl3", "version": "3.0.7-r0",
                "purl": "pkg:apk/alpine/libssl3@3.0.7-r0?arch=x86_64&distro=3.17.0",
                "properties": [
                    {"name": "aquasecurity:trivy:SrcName", "value": "openssl"},
                    {"name": "aquasecurity:trivy:SrcVersion", "value": "3.0.7-r0"},
                    {"name": "aquasecurity:trivy:LayerDiffID", "value": "sha256:ab"}],
                "components": [{"bom-ref": "inner", "type": "library", "group": "@a", "name": "b",
                    "version": "1", "purl": "pkg:npm/%40a/b@1#x",
                    "evidence": {"occurrences": [{"location": "app/package.json"}]}}]}
        ],
        "vulnerabilities": vulnerabilities,
    }))
}

fn vulnerability(id: &str, reference: &str, state: &str) -> Value {
    json!({"id": id, "affects": [{"ref": reference}], "analysis": {"state": state}})
}

#[test]
fn the_described_component_is_the_asset() {
    let observations = read(&sbom(json!([])));
    let asset = assets(&observations)[0];
    assert_eq!(
        (asset.asset_id.as_str(), asset.asset_type),
        ("alpine:3.17.0", AssetType::Container)
    );
    assert_eq!(
        (asset.os_type.as_deref(), asset.os_version.as_deref()),
        (Some("alpine"), Some("3.17.0"))
    );
    assert_eq!(asset.os_architecture.as_deref(), Some("x86_64"));
    assert_eq!(asset.inventory, [ScanKind::OsPackages, ScanKind::Libraries]);
    assert_eq!(asset.complete, [], "it may not have looked for vulnerabilities");
    let named: Vec<_> = asset.identifiers.iter().map(|i| (i.kind, i.value.as_str())).collect();
    assert!(named.contains(&(IdentifierKind::ImageDigest, &format!("sha256:{HEX}"))), "{named:?}");
    assert!(named.contains(&(IdentifierKind::ImageTag, "alpine:3.17")), "{named:?}");
    let link = "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/3#root";
    assert!(named.contains(&(IdentifierKind::Name, link)), "{named:?}");
    assert!(!named.iter().any(|(_, value)| *value == "root"), "{named:?}");
}

#[test]
fn components_are_packages_also_nested_ones() {
    let observations = read(&sbom(json!([])));
    let found = components(&observations);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].source_package.as_deref(), Some("openssl"));
    assert_eq!(found[0].layer.as_deref(), Some("sha256:ab"));
    assert_eq!(found[1].name, "@a/b");
    assert_eq!(found[1].purl.as_deref(), Some("pkg:npm/%40a/b@1"));
    assert_eq!(found[1].path.as_deref(), Some("app/package.json"));
    assert_eq!(skipped(&observations, SkipReason::Informational), 2);
    let within = json!({"metadata": {"component": {"name": "a", "group": "g",
        "components": [{"name": "b", "version": "1"}, {"version": "1"}]}}});
    let observations = read(&document(within));
    assert_eq!(assets(&observations)[0].asset_id, "g/a");
    assert_eq!(components(&observations)[0].name, "b");
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 1);
}

#[test]
fn states_decide_between_findings_and_statements() {
    let observations = read(&sbom(json!([
        vulnerability("CVE-2024-0001", "ssl", "exploitable"),
        vulnerability("CVE-2024-0002", "inner", "in_triage"),
        {"id": "CVE-2024-0003", "affects": [{"ref": "ssl"}, {"ref": "root"}]},
        vulnerability("CVE-2024-0004", "ssl", "not_affected"),
        vulnerability("CVE-2024-0005", "ssl", "false_positive"),
        vulnerability("CVE-2024-0006", "ssl", "resolved"),
        vulnerability("CVE-2024-0007", "root", "resolved_with_pedigree"),
    ])));
    let found: Vec<_> = findings(&observations)
        .iter()
        .map(|f| format!("{} {} {:?}", f.vulnerability.id, f.component.name, f.status))
        .collect();
    assert_eq!(
        found,
        [
            "CVE-2024-0001 libssl3 Some(\"exploitable\")",
            "CVE-2024-0002 @a/b Some(\"in_triage\")",
            "CVE-2024-0003 libssl3 None",
            "CVE-2024-0003 alpine:3.17.0 None",
        ]
    );
    let stated = statements(&observations);
    let statuses: Vec<_> = stated.iter().map(|s| s.status).collect();
    let (fixed, not) = (VexStatus::Fixed, VexStatus::NotAffected);
    assert_eq!(statuses, [not, not, fixed, fixed]);
    let subject = &stated[0].subjects[0];
    assert_eq!(subject.product.digests, [format!("sha256:{HEX}")]);
    assert_eq!(subject.components[0].version.as_deref(), Some("3.0.7-r0"));
    assert!(stated[3].subjects[0].components.is_empty(), "about the product itself");
    let complete = &assets(&observations)[0].complete;
    assert_eq!(complete, &[ScanKind::OsPackages, ScanKind::Libraries]);
    let closed = read(&sbom(json!([vulnerability("CVE-2024-0004", "ssl", "not_affected")])));
    assert_eq!(assets(&closed)[0].complete, []);
}

#[test]
fn versions_count_where_the_component_is_known() {
    let affects = |versions: Value| {
        let v = json!({"id": "CVE-2024-0001", "affects": [{"ref": "ssl", "versions": versions}]});
        let observations = read(&sbom(json!([v])));
        (findings(&observations).len(), statements(&observations).len())
    };
    assert_eq!(affects(json!([{"version": "3.0.7-r0", "status": "unaffected"}])), (0, 1));
    assert_eq!(affects(json!([{"version": "3.0.7-r0", "status": "unknown"}])), (1, 0));
    assert_eq!(
        affects(json!([{"version": "9", "status": "unaffected"}, {"range": "vers:x/<9"}])),
        (1, 0)
    );
}

#[test]
fn documents_without_components_are_statements() {
    let observations = read(&document(json!({
        "metadata": {"component": {"bom-ref": "p", "name": "Product"}, "authors": [{"name": "A"}]},
        "vulnerabilities": [
            {"id": "CVE-2024-0001", "affects": [
                {"ref": "p", "versions": [{"version": "1", "status": "affected"},
                    {"range": "vers:semver/>=2", "status": "unaffected"}]},
                {"ref": "urn:cdx:x/1#pkg:npm/b@2"}]},
            {"id": "CVE-2024-0002", "analysis": {"state": "in_triage"}},
        ],
    })));
    assert!(assets(&observations).is_empty());
    let stated = statements(&observations);
    let texts: Vec<_> = stated
        .iter()
        .map(|s| {
            let subjects = s.subjects.iter().map(|s| {
                let of = |p: &crate::domain::vex::Product| {
                    format!("{:?} {:?} {:?}", p.name, p.version, p.purl)
                };
                let inner: Vec<_> = s.components.iter().map(of).collect();
                format!("{} {inner:?}", of(&s.product))
            });
            format!("{} {}", s.status, subjects.collect::<Vec<_>>().join("; "))
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    affected Some("Product") Some("1") None []; Some("Product") None None ["Some(\"urn:cdx:x/1#pkg:npm/b@2\") Some(\"2\") Some(\"pkg:npm/b@2\")"]
    not_affected Some("Product") Some("vers:semver/>=2") None []
    under_investigation 
    "#);
    let Observation::Report(info) = &observations[0] else { panic!() };
    assert_eq!(info.author.as_deref(), Some("A"));
}

#[test]
fn references_that_lead_nowhere_are_counted() {
    let observations = read(&sbom(json!([
        vulnerability("CVE-2024-0001", "gone", "exploitable"),
        vulnerability("CVE-2024-0001", "pkg:npm/x@1", "exploitable"),
        {"id": "CVE-2024-0002"},
        {"affects": [{"ref": "ssl"}]},
        {"id": "CVE-2024-0003", "affects": [{}, {"ref": "ssl"}]},
    ])));
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 3);
    let found: Vec<_> = findings(&observations).iter().map(|f| f.component.name.clone()).collect();
    assert_eq!(found, ["x", "libssl3"]);
    let advisory = |o: &&Observation| matches!(o, Observation::Advisory(_));
    assert_eq!(observations.iter().filter(advisory).count(), 2);
}

#[test]
fn vulnerabilities_keep_what_all_sources_say() {
    let v = json!({
        "id": "uuid-1", "source": {"name": "OSS Index", "url": "https://o/1"},
        "references": [{"id": "CVE-2024-0001", "source": {"url": "https://n/1"}}],
        "ratings": [
            {"source": {"name": "NVD"}, "score": 9.8, "severity": "critical", "method": "CVSSv31",
                "vector": "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
            {"source": {"name": "OSS Index"}, "score": 5.3, "method": "CVSSv3"},
            {"source": {"name": "x"}, "severity": "low", "method": "OWASP", "score": 3}],
        "cwes": [79, "x"], "description": "d", "detail": "more", "recommendation":
            "Upgrade libcrypto3 to version 3.0.7-r3; Upgrade libssl3 to version 3.0.7-r2",
        "advisories": [{"url": "https://a/1"}, {"url": "javascript:x"}],
        "published": "2022-12-13T16:15:22+00:00", "affects": [{"ref": "ssl"}],
    });
    let observations = read(&sbom(json!([v])));
    let found = pairs(&observations)[0].1;
    let v = &found.vulnerability;
    assert_eq!((v.id.as_str(), &v.aliases[..]), ("CVE-2024-0001", &["UUID-1".to_owned()][..]));
    assert_eq!((found.check.as_deref(), found.severity), (Some("uuid-1"), Severity::Medium));
    assert_eq!(found.fixed_version.as_deref(), Some("3.0.7-r2"));
    let scores: Vec<_> =
        v.cvss.iter().map(|c| (c.source.as_str(), c.version.as_str(), c.score)).collect();
    assert_eq!(scores, [("nvd", "3.1", Some(9.8)), ("oss index", "3.0", Some(5.3))]);
    assert_eq!(v.references, ["https://o/1", "https://n/1", "https://a/1"]);
    assert_eq!(
        (v.description.as_deref(), &v.cwe_ids[..]),
        (Some("d\n\nmore"), &["CWE-79".to_owned()][..])
    );
}

#[test]
fn what_is_incomplete_closes_nothing() {
    let mut document = sbom(json!([vulnerability("CVE-2024-0001", "ssl", "exploitable")]));
    document["compositions"] =
        json!([{"aggregate": "complete"}, {"aggregate": "incomplete_first_party_only"}]);
    let observations = read(&document);
    let asset = assets(&observations)[0];
    assert_eq!((&asset.complete[..], &asset.inventory[..]), (&[][..], &[][..]));
}

#[test]
fn errors_name_their_place() {
    let error = refuse(&json!({"bomFormat": "SPDX", "specVersion": "1.4"})).to_string();
    assert!(error.contains("no CycloneDX document"), "{error}");
    let error = refuse(&document(json!({"components": [{"name": "a"}, 3]}))).to_string();
    assert!(error.ends_with("in components[1]"), "{error}");
    let long = json!([{"name": "n".repeat(2000)}]);
    let error = refuse(&document(json!({"components": long}))).to_string();
    assert!(
        error.contains("a name of 2000 bytes") && error.ends_with("components[0].name"),
        "{error}"
    );
    let error =
        refuse(&document(json!({"vulnerabilities": [{"affects": {"ref": 3}}]}))).to_string();
    assert!(error.ends_with("in vulnerabilities[0].affects"), "{error}");
}
