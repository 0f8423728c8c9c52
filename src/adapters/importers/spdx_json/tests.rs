//! SPDX's own shapes and rules.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::SpdxJson;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{
    self, all_reports, assets, components, counts_agree, findings, import, skipped,
};
use crate::base::Error;
use crate::domain::asset::AssetType;
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;

const HEX: &str = "8914eb54f968791faf6a8638949e480fef81e697984fba772b3976835194c6d4";

fn document(packages: Value, relationships: Value) -> Value {
    json!({
        "packages": packages, "relationships": relationships,
        "SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "name": "the-document",
        "documentNamespace": "https://x/1",
        "creationInfo": {"created": "2024-01-02T00:00:00Z", "creators": ["Organization: O", "Tool: trivy-0.58.0"]},
    })
}

fn read(document: &Value) -> Vec<Observation> {
    import(&SpdxJson, &serde_json::to_vec(document).unwrap()).unwrap()
}

fn refuse(document: &Value) -> Error {
    import(&SpdxJson, &serde_json::to_vec(document).unwrap()).unwrap_err()
}

fn purl(locator: &str) -> Value {
    json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator})
}

fn describes(id: &str) -> Value {
    json!({"spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": id, "relationshipType": "DESCRIBES"})
}

#[test]
fn fixtures_become_these_observations() {
    testing::snapshots(&SpdxJson);
}

#[test]
fn counts_agree_with_a_script() {
    counts_agree(&SpdxJson, &[]);
}

/// Every package URL of every real document is a component, but for that of the asset.
#[test]
fn no_package_is_lost() {
    for path in all_reports("spdx-json") {
        let bytes = std::fs::read(&path).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let references = document["packages"].as_array().unwrap().iter().filter_map(|p| {
            let mut all = p["externalRefs"].as_array()?.iter();
            let purl = all.find(|r| r["referenceType"] == "purl")?["referenceLocator"].as_str();
            // Old versions of Syft wrote another type.
            Some(purl?.replace("pkg:alpine/", "pkg:apk/alpine/"))
        });
        let expected: BTreeSet<_> = references.collect();
        let observations = import(&SpdxJson, &bytes).unwrap();
        let own = assets(&observations)[0].tags.get("purl").cloned();
        let found = components(&observations).into_iter().filter_map(|c| c.purl.clone());
        let found: BTreeSet<_> = found.chain(own).collect();
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn the_described_package_is_the_asset() {
    let image = json!({
        "SPDXID": "SPDXRef-ContainerImage-1", "name": "alpine:3.15", "primaryPackagePurpose": "CONTAINER",
        "versionInfo": "v", "externalRefs": [purl(&format!("pkg:oci/alpine@sha256%3A{HEX}"))],
        "attributionTexts": ["RepoTag: alpine:3.15.11"]
    });
    let system = json!({"SPDXID": "SPDXRef-OperatingSystem", "name": "alpine", "versionInfo": "3.15.11",
        "primaryPackagePurpose": "OPERATING-SYSTEM"});
    let zlib = json!({"SPDXID": "p", "name": "zlib", "versionInfo": "1.2.12-r3",
        "sourceInfo": "built package from: zlib-src 1.2.12-r3",
        "externalRefs": [purl("pkg:apk/alpine/zlib@1.2.12-r3?arch=x86_64"),
            {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:z:z:1:*:*:*:*:*:*:*"}],
        "annotations": [{"comment": "LayerDiffID: sha256:ab"}]});
    let lock = json!({"SPDXID": "l", "name": "go.mod", "primaryPackagePurpose": "APPLICATION"});
    let packages = json!([image, system, zlib, lock]);
    let observations = read(&document(packages, json!([describes("SPDXRef-ContainerImage-1")])));
    let asset = assets(&observations)[0];
    assert_eq!((asset.asset_id.as_str(), asset.asset_type), ("alpine:3.15", AssetType::Container));
    assert_eq!(
        (asset.os_type.as_deref(), asset.os_version.as_deref()),
        (Some("alpine"), Some("3.15.11"))
    );
    assert_eq!((&asset.inventory[..], &asset.complete[..]), (&[ScanKind::OsPackages][..], &[][..]));
    let kinds: Vec<_> = asset.identifiers.iter().map(|i| i.kind).collect();
    let tag = IdentifierKind::ImageTag;
    assert_eq!(kinds, [IdentifierKind::ImageDigest, tag, tag, IdentifierKind::Purl]);
    let found = components(&observations);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].source_package.as_deref(), Some("zlib-src"));
    assert_eq!(
        (found[0].layer.as_deref(), found[0].architecture.as_deref()),
        (Some("sha256:ab"), Some("x86_64"))
    );
    assert!(found[0].cpe.is_some());
    assert_eq!(skipped(&observations, SkipReason::Informational), 2);
    let Observation::Report(info) = &observations[0] else { panic!() };
    assert_eq!((info.scanner.as_str(), info.scanner_version.as_deref()), ("trivy", Some("0.58.0")));
    assert_eq!(info.author.as_deref(), Some("O"));
}

#[test]
fn several_or_no_described_packages_leave_the_documents_name() {
    let packages = json!([{"SPDXID": "a", "name": "a"}, {"SPDXID": "b", "name": "b"}]);
    for relationships in
        [json!([describes("a"), describes("b")]), json!([describes("SPDXRef-DOCUMENT")]), json!([])]
    {
        let observations = read(&document(packages.clone(), relationships));
        assert_eq!(assets(&observations)[0].asset_id, "the-document");
        assert_eq!(components(&observations).len(), 2);
    }
    let mut by_list = document(packages, Value::Null);
    by_list["documentDescribes"] = json!(["a", "SPDXRef-File"]);
    by_list["documentNamespace"] = json!("https://anchore.com/syft/dir/x");
    let observations = read(&by_list);
    assert_eq!(assets(&observations)[0].asset_id, "a");
    assert_eq!(assets(&observations)[0].asset_type, AssetType::Repository);
    assert_eq!(components(&observations)[0].name, "b");
}

#[test]
fn names_and_paths_are_those_of_the_ecosystem() {
    let packages = json!([
        {"SPDXID": "a", "name": "log4j-core", "versionInfo": "NOASSERTION",
            "sourceInfo": "acquired package info from installed java archive: /app/a.jar, /app/b.jar",
            "externalRefs": [{"referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl",
                "referenceLocator": "pkg:maven/org.apache/log4j-core@2.14"}]},
        {"SPDXID": "b", "name": "plain", "versionInfo": "1"},
        {"SPDXID": "c", "name": ""},
    ]);
    let observations = read(&document(packages, json!([])));
    let found = components(&observations);
    assert_eq!(
        (found[0].name.as_str(), found[0].version.as_deref()),
        ("org.apache:log4j-core", Some("2.14"))
    );
    assert_eq!(found[0].path.as_deref(), Some("/app/a.jar"));
    assert_eq!((found[1].name.as_str(), &found[1].ecosystem), ("plain", &None));
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 1);
}

#[test]
fn advisories_are_findings() {
    let security = |kind: &str, locator: &str| json!({"referenceCategory": "SECURITY", "referenceType": kind, "referenceLocator": locator, "comment": "c"});
    let packages = json!([{"SPDXID": "a", "name": "a", "versionInfo": "1", "externalRefs": [
        security("advisory", "https://nvd.nist.gov/vuln/detail/CVE-2024-1111"),
        security("advisory", "https://x/none"), security("fix", "https://x/CVE-2024-2222"),
        security("url", "https://x/GHSA-aaaa-bbbb-cccc"), security("cpe23Type", "cpe:2.3:a"),
    ]}]);
    let observations = read(&document(packages, json!([])));
    let found = findings(&observations);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].vulnerability.id, "CVE-2024-1111");
    assert_eq!((found[0].component.name.as_str(), found[0].evidence.as_deref()), ("a", Some("c")));
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 1);
    assert_eq!(skipped(&observations, SkipReason::Informational), 2);
}

#[test]
fn errors_name_their_place() {
    assert!(refuse(&json!({"a": 1})).to_string().contains("no SPDX document"));
    let error = refuse(&json!({"spdxVersion": "SPDX-3.0"})).to_string();
    assert_eq!(error, "SPDX version 'SPDX-3.0' is not read, only 2.2 and 2.3");
    let error = refuse(&document(json!([{"SPDXID": "a"}, 7]), json!([]))).to_string();
    assert!(error.ends_with("in packages[1]"), "{error}");
    let error = refuse(&document(json!([{"name": "n".repeat(2000)}]), json!([]))).to_string();
    assert!(
        error.contains("a name of 2000 bytes") && error.ends_with("packages[0].name"),
        "{error}"
    );
}

#[test]
fn documents_are_recognised_however_they_begin() {
    for yes in [
        r#"{"spdxVersion":"SPDX-2.3""#,
        r#"{"SPDXID":"SPDXRef-DOCUMENT","documentNamespace":"x""#,
        r#"{"packages":[{"name":"x","SPDXID":"y""#,
    ] {
        assert!(SpdxJson.recognises(yes.as_bytes()), "{yes}");
    }
    assert!(!SpdxJson.recognises(br#"{"packages":[{"name":"x""#));
}
