//! From the operator's words to ours. The rules stand in the header of the parent module.

use super::model::{Contents, Metadata, Vulnerability};
use crate::adapters::importers::trivy::words;
use crate::adapters::importers::{cvss, ids, text};
use crate::domain::component::Component;
use crate::domain::observation::{AssetObservation, FindingObservation, VulnerabilityObservation};
use crate::domain::purl::Purl;
use crate::domain::scan::ScanKind;

/// What the operator writes about the workload, in the label or annotation `key`.
fn label(metadata: &Metadata, key: &str) -> Option<String> {
    let key = format!("trivy-operator.{key}");
    let maps = [&metadata.labels, &metadata.annotations];
    let found = maps.into_iter().flatten().find_map(|map| map.get(&key)?.as_deref());
    text::to_name(found?).ok().flatten()
}

/// The container that the report is about; none without a name that can be one.
pub fn asset(metadata: &Metadata, about: &Contents) -> Option<AssetObservation> {
    let kind = label(metadata, "resource.kind");
    let name = label(metadata, "resource.name");
    let namespace = label(metadata, "resource.namespace").or_else(|| metadata.namespace.clone());
    let container = label(metadata, "container.name");
    let asset_type = words::kubernetes_asset_type(kind.as_deref().unwrap_or("Pod"));
    let parts = match &name {
        Some(_) => [namespace.clone(), kind.clone(), name, container.clone()],
        None => [namespace.clone(), None, metadata.name.clone(), None],
    };
    parts[2].as_ref()?;
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let asset_id = text::to_name(&format!("kubernetes/{}", parts.join("/"))).ok().flatten()?;
    let artifact = about.artifact.as_ref();
    let server = about.registry.as_ref().and_then(|r| r.server.as_deref());
    let image = artifact.and_then(|a| a.repository.as_deref()).map(|repository| {
        let server = server.map(|server| format!("{server}/")).unwrap_or_default();
        let tag = artifact.and_then(|a| a.tag.as_deref()).map(|tag| format!(":{tag}"));
        format!("{server}{repository}{}", tag.unwrap_or_default())
    });
    let tags = [
        ("namespace", namespace),
        ("kind", kind),
        ("container", container),
        ("images", image),
        ("image_digest", artifact.and_then(|a| a.digest.clone())),
    ];
    let os = about.os.as_ref();
    Some(AssetObservation {
        asset_id,
        asset_type,
        os_type: os.and_then(|os| os.family.as_deref()).map(words::os_id),
        os_version: os.and_then(|os| os.name.clone()),
        tags: tags.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect(),
        complete: vec![ScanKind::OsPackages, ScanKind::Libraries, ScanKind::Other],
        ..AssetObservation::default()
    })
}

/// The finding that an entry is; none without an id or a package.
pub fn finding(v: Vulnerability, system: Option<&str>) -> Option<FindingObservation> {
    let ids = ids::settle(v.id.as_deref(), []).into_iter().next()?;
    let parsed = v.purl.as_deref().and_then(Purl::parse);
    let is_system = v.class.as_deref() == Some("os-pkgs")
        || v.package_type.as_deref().is_some_and(words::is_system);
    let kind = v.package_type.as_deref().or(system.filter(|_| is_system));
    let ecosystem = parsed.as_ref().map(|p| p.kind.clone()).or_else(|| kind.map(words::ecosystem));
    let scan = match (is_system, v.class.is_some() || ecosystem.is_some()) {
        (true, _) => ScanKind::OsPackages,
        (false, true) => ScanKind::Libraries,
        (false, false) => ScanKind::Other,
    };
    let is_file = |target: &String| scan == ScanKind::Libraries && !words::is_collective(target);
    let mut references: Vec<_> = v.primary_link.into_iter().chain(v.links).collect();
    text::distinct(&mut references);
    let mut scores = v.cvss;
    if scores.is_empty() {
        scores.extend(cvss::score(v.cvss_source.as_deref().unwrap_or("trivy"), None, v.score));
    }
    Some(FindingObservation {
        component: Component {
            name: v.resource?,
            version: v.installed_version,
            architecture: parsed.and_then(|p| p.qualifier("arch").map(str::to_owned)),
            purl: v.purl.map(text::without_subpath),
            ecosystem,
            path: v.package_path.or_else(|| v.target.filter(is_file)),
            ..Component::default()
        },
        scan,
        fixed_version: v.fixed_version,
        severity: v.severity,
        vulnerability: VulnerabilityObservation {
            id: ids.id,
            aliases: ids.aliases,
            title: v.title,
            description: v.description,
            cvss: scores,
            references,
            published_at: v.published_date,
            modified_at: v.last_modified_date,
            ..VulnerabilityObservation::default()
        },
        ..FindingObservation::default()
    })
}
