//! pip-audit's JSON (`pip-audit --format json`): the object of version 2 and newer
//! (`dependencies`, `fixes`), and the list of before.
//!
//! What things become:
//!
//! - **Asset**: one repository without a name; the person who imports names it.
//! - **Complete** and **inventory**: libraries, since it lists every dependency, also those
//!   without vulnerabilities. A dependency that could not be audited (`skip_reason`: it is
//!   not on `PyPI`) is a component too, and counted as skipped (empty).
//! - **Component**: name and version; pypi.
//! - **Id**: by the rules of `ids` from the own id (PYSEC, GHSA, CVE) and the aliases.
//! - **Fixed version**: `fix_versions`. Severity: pip-audit says none.
//! - **Skipped**: dependencies without a name, vulnerabilities without an id (unidentified).

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::emit::Emitter;
use super::entries::Place;
use super::peek::Keys;
use super::{Importer, Report, Sink, entries, ids, json, lenient, text};
use crate::base::{Result, Timestamp};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::observation::{
    AssetObservation, FindingObservation, ReportInfo, SkipReason, VulnerabilityObservation,
};
use crate::domain::scan::ScanKind;

/// pip-audit.
pub struct PipAudit;

/// The document, if it is an object.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "dependencies", deserialize_with = "Option::deserialize")]
    _dependencies: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Dependency {
    #[serde(deserialize_with = "lenient::name")]
    name: Option<String>,
    #[serde(deserialize_with = "lenient::name")]
    version: Option<String>,
    #[serde(deserialize_with = "lenient::line")]
    skip_reason: Option<String>,
    vulns: Option<Vec<Vulnerability>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Vulnerability {
    #[serde(deserialize_with = "lenient::name")]
    id: Option<String>,
    #[serde(deserialize_with = "lenient::names")]
    aliases: Vec<String>,
    #[serde(deserialize_with = "lenient::names")]
    fix_versions: Vec<String>,
    #[serde(deserialize_with = "lenient::text")]
    description: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    published: Option<Timestamp>,
}

impl Importer for PipAudit {
    fn name(&self) -> &'static str {
        "pip-audit"
    }

    fn title(&self) -> &'static str {
        "pip-audit JSON (old and new)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let at = |depth| keys.has(depth, "vulns") || keys.has(depth, "skip_reason");
        let new = keys.has(1, "dependencies")
            && keys.only(1, &["dependencies", "fixes"])
            && keys.only(2, &[])
            && (at(3) || keys.only(3, &["name", "version"]));
        keys.is_object() && new || keys.is_array() && keys.has(2, "name") && at(2)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let is_list = report.head(1 << 10)?.trim_ascii_start().first() == Some(&b'[');
        if !is_list {
            json::head::<Head>(report)?;
        }
        let info = ReportInfo { scanner: "pip-audit".to_owned(), ..ReportInfo::default() };
        let mut emitter = Emitter::begin(report, sink, info)?;
        emitter.asset(AssetObservation {
            asset_type: AssetType::Repository,
            complete: vec![ScanKind::Libraries],
            inventory: vec![ScanKind::Libraries],
            ..AssetObservation::default()
        })?;
        let path: &[&str] = if is_list { &[] } else { &["dependencies"] };
        entries::each(report, path, &mut |place, dependency: Dependency| {
            emit(&mut emitter, place, dependency)
        })
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!("../../../tests/fixtures/reports/pip-audit/dd-many_vulns_new.json")
    }
}

fn emit(emitter: &mut Emitter<'_>, place: &Place, dependency: Dependency) -> Result<()> {
    let Some(name) = dependency.name else {
        return emitter.skip(SkipReason::Unidentified, place);
    };
    let component = Component {
        name,
        version: dependency.version,
        ecosystem: Some("pypi".to_owned()),
        ..Component::default()
    };
    emitter.component(component.clone())?;
    if dependency.skip_reason.is_some() {
        emitter.skip(SkipReason::Empty, place)?;
    }
    for (index, vulnerability) in dependency.vulns.unwrap_or_default().into_iter().enumerate() {
        let findings = findings(vulnerability, &component);
        if findings.is_empty() {
            emitter.skip(SkipReason::Unidentified, format!("{place}.vulns[{index}]"))?;
        }
        findings.into_iter().try_for_each(|finding| emitter.finding(finding))?;
    }
    Ok(())
}

/// One finding for each vulnerability that the entry names.
fn findings(v: Vulnerability, component: &Component) -> Vec<FindingObservation> {
    let settled = ids::settle(v.id.as_deref(), v.aliases.iter().map(String::as_str));
    let check = v.id.filter(|_| settled.len() > 1);
    let finding = |ids: ids::Ids| FindingObservation {
        component: component.clone(),
        scan: ScanKind::Libraries,
        fixed_version: text::joined(&v.fix_versions),
        check: check.clone(),
        vulnerability: VulnerabilityObservation {
            id: ids.id,
            aliases: ids.aliases,
            description: v.description.clone(),
            published_at: v.published,
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    };
    settled.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, assets, counts_agree, findings, import, skipped};
    use super::*;

    #[test]
    fn fixtures_become_these_observations() {
        testing::snapshots(&PipAudit);
    }

    #[test]
    fn counts_agree_with_a_script() {
        counts_agree(&PipAudit, &[]);
    }

    #[test]
    fn both_shapes_say_the_same() {
        let list = br#"[{"name":"a","version":"1","vulns":[
            {"id":"PYSEC-1","aliases":["CVE-2020-1111","GHSA-x"],"fix_versions":["2","3"]},
            {"id":"PYSEC-2","aliases":["CVE-2020-2222","CVE-2020-3333"]},{"id":"<b>"}]},
            {"name":"b","skip_reason":"not on PyPI"},{"version":"1"}]"#;
        let object = [b"{\"dependencies\":", &list[..], b",\"fixes\":[]}"].concat();
        assert!(PipAudit.recognises(list) && PipAudit.recognises(&object));
        let found = import(&PipAudit, list).unwrap();
        let places = |o: &crate::domain::observation::Observation| match o {
            crate::domain::observation::Observation::Skipped(s) => Some(s.reason),
            _ => None,
        };
        let again = import(&PipAudit, &object).unwrap();
        let reasons: Vec<_> = found.iter().filter_map(places).collect();
        assert_eq!(reasons, again.iter().filter_map(places).collect::<Vec<_>>());
        assert_eq!(findings(&found), findings(&again));
        assert_eq!(skipped(&found, SkipReason::Unidentified), 2);
        assert_eq!(skipped(&found, SkipReason::Empty), 1);
        assert_eq!(assets(&found)[0].inventory, [ScanKind::Libraries]);
        let found = findings(&found);
        let ids: Vec<_> = found.iter().map(|f| f.vulnerability.id.as_str()).collect();
        assert_eq!(ids, ["CVE-2020-1111", "CVE-2020-2222", "CVE-2020-3333"]);
        assert_eq!(found[0].vulnerability.aliases, ["PYSEC-1", "GHSA-X"]);
        assert_eq!((found[0].check.as_deref(), found[1].check.as_deref()), (None, Some("PYSEC-2")));
        assert_eq!(found[0].fixed_version.as_deref(), Some("2, 3"));
    }

    #[test]
    fn other_dependencies_are_not_taken() {
        for no in [
            r#"{"dependencies":{"react":"1"}}"#,
            r#"{"bomFormat":"CycloneDX","dependencies":[]}"#,
            r#"{"dependencies":[{"ref":"x","dependsOn":[]}]}"#,
            r#"[{"name":"x"}]"#,
        ] {
            assert!(!PipAudit.recognises(no.as_bytes()), "{no}");
        }
        let refuse = |text: &str| import(&PipAudit, text.as_bytes()).unwrap_err().to_string();
        assert!(refuse("{}").contains("missing field `dependencies`"));
        assert!(refuse("[7]").ends_with("in [0]"), "{}", refuse("[7]"));
        let wrong = r#"{"dependencies":[{"name":"x","vulns":7}]}"#;
        assert!(refuse(wrong).ends_with("in dependencies[0].vulns"), "{}", refuse(wrong));
    }
}
