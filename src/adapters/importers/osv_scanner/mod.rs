//! osv-scanner's JSON (`osv-scanner … --format json`), versions 1 and 2. Single advisories in
//! OSV's own schema are another thing and not here.
//!
//! What things become:
//!
//! - **Asset**: one, without a name, for the report does not say what was scanned: the person
//!   who imports names it. A scan of an image (`image_metadata`) is a container and tells its
//!   operating system; anything else is a repository.
//! - **Complete**: libraries; of an image or where packages of an operating system are named,
//!   those too. The report has only what is vulnerable, so an empty one says that all is well.
//! - **Inventory**: the same kinds if the report lists packages without vulnerabilities too
//!   (`--all-packages`). Each package of the report is a component.
//! - **Component**: name (of the binary package where it differs), version or commit, the
//!   ecosystem's purl type; the path is that of the source (a lock file).
//! - **Finding**: one for each group, which osv-scanner makes of records of the same
//!   vulnerability in several databases; a record in no group is one by itself. Id by the
//!   rules of `ids` from the group's ids and aliases and the records' own. Texts are of the
//!   first record that has them, CVSS is that of each database, fixed versions are all that
//!   the records name for the package.
//! - **Severity**: by the group's highest score, else the word of GitHub, else the highest
//!   CVSS. **Status**: `uncalled` if call analysis found that it is not reached.
//! - **Skipped**: licence violations; packages without a name, records without an id
//!   (unidentified).

mod model;
#[cfg(test)]
mod tests;
mod translate;

use self::model::{Head, Package, PackageHead};
use super::emit::Emitter;
use super::peek::Keys;
use super::{Importer, Report, Sink, ecosystem, entries, json};
use crate::base::Result;
use crate::domain::asset::AssetType;
use crate::domain::observation::{AssetObservation, ReportInfo, SkipReason};
use crate::domain::scan::ScanKind;

/// osv-scanner.
pub struct OsvScanner;

impl Importer for OsvScanner {
    fn name(&self) -> &'static str {
        "osv-scanner"
    }

    fn title(&self) -> &'static str {
        "osv-scanner JSON (versions 1 and 2)"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let keys = Keys::of(head);
        let has_packages = keys.has(1, "results") && keys.has(3, "packages");
        let has_source = keys.has(1, "results") && keys.has(3, "source") && keys.has(4, "path");
        let has_configuration = keys.has(1, "experimental_config")
            && (keys.has(1, "results") || keys.has(2, "licenses"));
        keys.is_object() && (has_packages || has_source || has_configuration)
    }

    fn import(&self, report: &Report, sink: &mut Sink<'_>) -> Result<()> {
        let head: Head = json::head(report)?;
        let info = ReportInfo { scanner: "osv-scanner".to_owned(), ..ReportInfo::default() };
        let asset = asset(report, &head)?;
        let mut emitter = Emitter::begin(report, sink, info)?;
        emitter.asset(asset)?;
        for_each_package(report, &head, &mut emitter)
    }

    fn example(&self) -> &'static [u8] {
        include_bytes!(
            "../../../../tests/fixtures/reports/osv-scanner/osvscanner-test-vuln-results-b.json"
        )
    }
}

/// The asset; whether it lists all packages is known only from all of them.
fn asset(report: &Report, head: &Head) -> Result<AssetObservation> {
    let (mut has_system, mut lists_all) = (head.image_metadata.is_some(), false);
    entries::look(report, &["results", "packages"], &mut |_, package: PackageHead| {
        let ecosystem = package.package.and_then(|p| p.ecosystem).unwrap_or_default();
        let kind = ScanKind::of_ecosystem(ecosystem::known(&ecosystem));
        has_system |= kind == ScanKind::OsPackages;
        let is_clean = |list: Option<Vec<_>>| list.unwrap_or_default().is_empty();
        lists_all |= is_clean(package.vulnerabilities) && is_clean(package.license_violations);
        Ok(())
    })?;
    let mut kinds = vec![ScanKind::Libraries];
    if has_system {
        kinds.insert(0, ScanKind::OsPackages);
    }
    let is_image = head.image_metadata.is_some();
    let os = head.image_metadata.as_ref().and_then(|i| i.os.as_deref());
    let (os_type, os_version) = translate::os(os);
    Ok(AssetObservation {
        asset_type: if is_image { AssetType::Container } else { AssetType::Repository },
        os_type,
        os_version,
        inventory: if lists_all { kinds.clone() } else { Vec::new() },
        complete: kinds,
        ..AssetObservation::default()
    })
}

fn for_each_package(report: &Report, head: &Head, emitter: &mut Emitter<'_>) -> Result<()> {
    entries::each(report, &["results", "packages"], &mut |place, mut package: Package| {
        let result = head.results.get(place.item(0));
        let path = result.and_then(|r| r.source.as_ref()?.path.clone());
        for index in 0..package.license_violations.as_deref().unwrap_or_default().len() {
            emitter.skip(SkipReason::License, format!("{place}.license_violations[{index}]"))?;
        }
        let Some(component) = translate::component(package.package.as_ref(), path) else {
            return emitter.skip(SkipReason::Unidentified, place);
        };
        emitter.component(component.clone())?;
        for group in translate::groups(&mut package) {
            let findings = translate::findings(&component, &package, &group);
            if findings.is_empty() {
                emitter.skip(SkipReason::Unidentified, place)?;
            }
            findings.into_iter().try_for_each(|finding| emitter.finding(finding))?;
        }
        Ok(())
    })
}
