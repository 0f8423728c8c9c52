//! From Grype's words to ours. The rules stand in the header of the parent module.

use super::model::{Artifact, Cvss, Head, Image, Location, Match, Vulnerability};
use crate::adapters::importers::ids::{self, Ids};
use crate::adapters::importers::lenient::Mixed;
use crate::adapters::importers::{cvss, ecosystem, text};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::{AssetObservation, FindingObservation, VulnerabilityObservation};
use crate::domain::purl::Purl;
use crate::domain::scan::ScanKind;
use crate::domain::severity::CvssScore;

/// The asset that the report is about.
pub fn asset(head: &Head) -> AssetObservation {
    let source = head.source.as_ref();
    let kind = source.and_then(|s| s.kind.as_deref()).unwrap_or_default();
    let distro = head.distro.as_ref().filter(|d| d.name.is_some());
    let mut asset = AssetObservation {
        asset_type: match kind {
            "image" => AssetType::Container,
            "directory" if distro.is_some() => AssetType::Server,
            "directory" => AssetType::Repository,
            "file" => AssetType::Application,
            _ => AssetType::Other,
        },
        os_type: distro.and_then(|d| d.name.as_deref()).map(ecosystem::os_id),
        os_version: distro.and_then(|d| d.version.clone()),
        complete: complete(head, kind),
        ..AssetObservation::default()
    };
    match source.and_then(|s| s.target.first()) {
        Some(Mixed::Object(image)) => name_image(image, &mut asset),
        Some(Mixed::Name(path)) => {
            // A name that was read before is not too long now.
            asset.asset_id = text::to_telling_path(path).unwrap_or_default().unwrap_or_default();
        }
        None => {}
    }
    asset
}

fn complete(head: &Head, kind: &str) -> Vec<ScanKind> {
    let configuration = head.descriptor.as_ref().and_then(|d| d.configuration.as_ref());
    if configuration.is_some_and(|c| c.only_fixed || c.only_notfixed) {
        return Vec::new();
    }
    let has_system = head.distro.as_ref().is_some_and(|d| d.name.is_some());
    if matches!(kind, "directory" | "file") && !has_system {
        return vec![ScanKind::Libraries];
    }
    vec![ScanKind::OsPackages, ScanKind::Libraries]
}

fn name_image(image: &Image, asset: &mut AssetObservation) {
    let names = [image.user_input.as_ref(), image.tags.first(), image.repo_digests.first()];
    let name = names.into_iter().flatten().next().or(image.image_id.as_ref());
    asset.asset_id = name.cloned().unwrap_or_default();
    asset.os_architecture.clone_from(&image.architecture);
    let in_repository = image.repo_digests.iter().filter_map(|d| d.rsplit_once('@'));
    let digests = in_repository
        .map(|(_, digest)| digest)
        .chain(image.manifest_digest.as_deref())
        .chain(image.image_id.as_deref())
        .filter_map(|digest| Identifier::new(IdentifierKind::ImageDigest, digest));
    let tags = image.tags.iter();
    let tags = tags.filter_map(|tag| Identifier::new(IdentifierKind::ImageTag, tag));
    for identifier in digests.chain(tags) {
        if !asset.identifiers.contains(&identifier) {
            asset.identifiers.push(identifier);
        }
    }
}

/// The findings that a match is: one for each vulnerability that it names. None if it names
/// no vulnerability or no package.
pub fn findings(found: Match) -> Vec<FindingObservation> {
    let Match { vulnerability, related_vulnerabilities: related, match_details, artifact } = found;
    let (Some(own), Some(artifact)) = (vulnerability, artifact) else { return Vec::new() };
    let searched = match_details.into_iter().filter_map(|d| d.searched_by);
    let cpe = searched.flat_map(|s| s.cpes).next();
    let Some(component) = component(artifact, cpe) else { return Vec::new() };
    let beside = related.iter().filter_map(|r| r.id.as_deref());
    let beside = beside.chain(own.advisories.iter().filter_map(|a| a.id.as_deref()));
    let settled = ids::settle(own.id.as_deref(), beside);
    let is_one = settled.len() == 1;
    let fix = own.fix.as_ref();
    let fixed = fix.and_then(|f| text::joined(&f.versions));
    let template = FindingObservation {
        scan: ScanKind::of_ecosystem(component.ecosystem.as_deref()),
        component,
        fixed_version: fixed.or_else(|| own.fixed_in_version.clone()),
        severity: own.severity,
        status: fix.and_then(|f| f.state.as_deref()).map(str::to_ascii_lowercase),
        check: own.id.clone().filter(|_| !is_one),
        ..FindingObservation::default()
    };
    settled
        .into_iter()
        .map(|ids| FindingObservation {
            vulnerability: vulnerability_of(ids, &own, &related, is_one),
            ..template.clone()
        })
        .collect()
}

/// What the match's own record and the related ones say about one vulnerability. If the
/// match names several, then only what is said about this one.
fn vulnerability_of(
    ids: Ids,
    own: &Vulnerability,
    related: &[Vulnerability],
    is_one: bool,
) -> VulnerabilityObservation {
    let is_it = |r: &&Vulnerability| {
        let id = r.id.as_deref().unwrap_or_default().to_ascii_uppercase();
        is_one && ids.aliases.contains(&id) || id == ids.id
    };
    let own_record = Some(own).filter(|_| is_one);
    let records: Vec<_> = own_record.into_iter().chain(related.iter().filter(is_it)).collect();
    let mut v = VulnerabilityObservation {
        description: records.iter().find_map(|r| r.description.clone()),
        kev: records.iter().any(|r| !r.known_exploited.is_empty()),
        ..VulnerabilityObservation::default()
    };
    let epss = records.iter().flat_map(|r| &r.epss);
    let of_it = |cve: Option<&str>| cve.is_none_or(|cve| cve.eq_ignore_ascii_case(&ids.id));
    v.epss = epss.filter(|e| of_it(e.cve.as_deref())).find_map(|e| e.epss);
    for record in &records {
        v.cvss.extend(scores(record));
        let weaknesses = record.cwes.iter().flat_map(|c| c.cwe.iter());
        v.cwe_ids.extend(weaknesses.cloned());
        let links = record.advisories.iter().filter_map(|a| a.link.as_ref());
        let urls = record.data_source.iter().chain(&record.urls).chain(&record.links);
        v.references.extend(urls.chain(links).cloned());
    }
    text::distinct(&mut v.cwe_ids);
    text::distinct(&mut v.references);
    (v.id, v.aliases) = (ids.id, ids.aliases);
    v
}

/// The CVSS of one record; the source is what the score says, else whose record it is.
fn scores(record: &Vulnerability) -> Vec<CvssScore> {
    let namespace = record.namespace.as_deref().unwrap_or("nvd");
    let namespace = cvss::source_name(namespace.split(':').next().unwrap_or_default());
    let score = |c: &Cvss| {
        let source = c.source.as_deref().map_or_else(|| namespace.clone(), cvss::source_name);
        let version = c.version.as_deref().unwrap_or_default();
        let score = c.metrics.as_ref().and_then(|m| m.base_score);
        cvss::versioned(&source, version, c.vector.as_deref(), score)
    };
    let old = [("2.0", &record.cvss_v2), ("3.1", &record.cvss_v3)];
    let old = old.into_iter().filter_map(|(version, c)| {
        let c = c.as_ref()?;
        cvss::versioned(&namespace, version, c.vector.as_deref(), c.base_score)
    });
    record.cvss.iter().filter_map(score).chain(old).collect()
}

fn component(artifact: Artifact, cpe: Option<String>) -> Option<Component> {
    let parsed = artifact.purl.as_deref().and_then(Purl::parse);
    let kind = || artifact.kind.as_deref().and_then(ecosystem::purl_type);
    let ecosystem = parsed.as_ref().map(|p| p.kind.clone()).or_else(kind);
    let is_primary = |l: &Location| {
        l.annotations.as_ref().is_some_and(|a| a.evidence.as_deref() == Some("primary"))
    };
    let primary = artifact.locations.iter().position(is_primary).unwrap_or(0);
    let location = artifact.locations.into_iter().nth(primary).unwrap_or_default();
    let metadata = artifact.metadata.unwrap_or_default();
    let upstream = artifact.upstreams.into_iter().find(|u| u.name.is_some()).unwrap_or_default();
    let path = location.path;
    let inner = metadata.virtual_path.filter(|inner| match &path {
        Some(path) => inner.starts_with(path.as_str()),
        None => true,
    });
    Some(Component {
        name: artifact.name?,
        version: artifact.version,
        purl: parsed.is_some().then(|| artifact.purl.map(text::without_subpath)).flatten(),
        ecosystem,
        source_package: upstream.name.or(metadata.source).or(metadata.old_source),
        source_version: upstream.version,
        architecture: parsed
            .and_then(|p| p.qualifier("arch").map(str::to_owned))
            .or(metadata.architecture),
        cpe,
        path: inner.or(path),
        layer: location.layer,
    })
}
