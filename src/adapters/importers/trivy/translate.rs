//! From a vulnerability in Trivy's words to a finding in ours. The rules stand in the header of the parent module.

use super::head::ResultHead;
use super::model::Vulnerability;
use super::words;
use crate::adapters::importers::text;
use crate::base::limits;
use crate::domain::component::Component;
use crate::domain::observation::{FindingObservation, VulnerabilityObservation};

/// The finding that a vulnerability in a result is.
pub fn finding(v: Vulnerability, result: &ResultHead) -> FindingObservation {
    let purl = v.pkg_identifier.and_then(|p| p.purl).map(text::without_subpath);
    let ecosystem = purl
        .as_deref()
        .and_then(words::purl_type)
        .or_else(|| result.kind.as_deref().map(words::ecosystem));
    let path = v.pkg_path.or_else(|| {
        let target = &result.target;
        let is_file = !result.is_system && !target.is_empty() && !words::is_collective(target);
        is_file.then(|| target.clone())
    });
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
