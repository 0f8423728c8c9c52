//! From a vulnerability in Trivy's words to a finding in ours. The rules stand in the header of the parent module.

use super::head::ResultHead;
use super::model::{Package, Vulnerability};
use super::words;
use crate::adapters::importers::text;
use crate::base::limits;
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, VulnerabilityObservation};

/// The component that an entry of a list of packages is; none without a name.
pub fn package(p: Package, result: &ResultHead) -> Option<Component> {
    let purl = p.identifier.and_then(|i| i.purl).map(text::without_subpath);
    Some(Component {
        name: p.name?,
        version: full_version(p.epoch, p.version, p.release),
        ecosystem: ecosystem(purl.as_deref(), result),
        purl,
        source_package: p.src_name,
        source_version: full_version(p.src_epoch, p.src_version, p.src_release),
        architecture: p.arch,
        path: path(p.file_path, result),
        layer: p.layer.and_then(|l| l.diff_id),
        ..Component::default()
    })
}

/// A version as vulnerabilities write it: with epoch and release, which lists of packages
/// keep apart.
fn full_version(
    epoch: Option<String>,
    version: Option<String>,
    release: Option<String>,
) -> Option<String> {
    let epoch = epoch.filter(|e| e != "0").map(|e| format!("{e}:")).unwrap_or_default();
    let release = release.map(|r| format!("-{r}")).unwrap_or_default();
    version.map(|version| format!("{epoch}{version}{release}"))
}

/// The purl's type, else what follows from the result's.
fn ecosystem(purl: Option<&str>, result: &ResultHead) -> Option<String> {
    let of_result = || result.kind.as_deref().map(words::ecosystem);
    purl.and_then(words::purl_type).or_else(of_result)
}

/// The package's own path, else the file that the result is about.
fn path(own: Option<String>, result: &ResultHead) -> Option<String> {
    own.or_else(|| {
        let target = &result.target;
        let is_file = !result.is_system && !target.is_empty() && !words::is_collective(target);
        is_file.then(|| target.clone())
    })
}

/// The finding that a vulnerability in a result is.
pub fn finding(v: Vulnerability, result: &ResultHead) -> FindingObservation {
    let purl = v.pkg_identifier.and_then(|p| p.purl).map(text::without_subpath);
    let ecosystem = ecosystem(purl.as_deref(), result);
    let path = path(v.pkg_path, result);
    let mut references = v.references;
    if let Some(primary) = v.primary_url {
        references.retain(|r| *r != primary);
        references.insert(0, primary);
    }
    references.truncate(limits::LIST_VALUES);
    FindingObservation {
        component: Component {
            name: v.pkg_name,
            version: v.installed_version,
            purl,
            ecosystem,
            source_package: v.src_name,
            source_version: v.src_version,
            path,
            layer: v.layer.and_then(|l| l.diff_id),
            ..Component::default()
        },
        scan: result.scan(),
        fixed_version: v.fixed_version,
        severity: v.severity,
        status: v.status.map(|s| s.to_ascii_lowercase()),
        vulnerability: VulnerabilityObservation {
            aliases: v.vendor_ids.into_iter().filter(|alias| *alias != v.id).collect(),
            id: v.id,
            title: v.title,
            description: v.description,
            cvss: v.cvss,
            cwe_ids: v.cwe_ids,
            references,
            published_at: v.published_date,
            modified_at: v.last_modified_date,
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    }
}
