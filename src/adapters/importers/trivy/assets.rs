//! From the facts of the first pass to assets. The rules stand in the header of the parent
//! module.

use std::collections::HashMap;

use super::head::{Facts, ResourceHead, ResultHead};
use super::model::Metadata;
use super::words;
use crate::base::record::Map;
use crate::base::{Code, Error, Result, limits};
use crate::domain::asset::AssetType;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::AssetObservation;
use crate::domain::scan::ScanKind;

/// Assets, each once; and for each resource or result which of them it is about.
pub type Assets = (Vec<AssetObservation>, Vec<Option<usize>>);

/// The assets of the old array.
pub fn of_legacy(facts: &Facts) -> Assets {
    distinct(facts.results.iter().map(|r| {
        let (complete, inventory) = (complete([r]), inventory([r]));
        (AssetObservation { complete, inventory, ..legacy_asset(r) }, r.is_packages)
    }))
}

/// The assets of a cluster, each once, and which of them each resource is.
pub fn of_cluster(facts: &Facts) -> Result<Assets> {
    let mut failed: HashMap<String, bool> = HashMap::new();
    let mut seen = Vec::new();
    for resource in &facts.resources {
        let results = &facts.results[resource.first_result..resource.end_result];
        let asset = cluster_asset(facts.cluster.as_deref(), resource, results)?;
        *failed.entry(asset.asset_id.clone()).or_default() |= resource.failed;
        let (complete, inventory) = (complete(results), inventory(results));
        let asset = AssetObservation { complete, inventory, ..asset };
        seen.push((asset, results.iter().any(|r| r.is_packages)));
    }
    let (mut assets, owners) = distinct(seen.into_iter());
    for asset in &mut assets {
        if failed.get(&asset.asset_id).copied().unwrap_or_default() {
            asset.complete.clear();
            asset.inventory.clear();
        }
    }
    Ok((assets, owners))
}

/// The kinds of scan that these results are.
fn complete<'r>(results: impl IntoIterator<Item = &'r ResultHead>) -> Vec<ScanKind> {
    let mut kinds: Vec<_> =
        results.into_iter().filter(|r| r.is_packages).map(ResultHead::scan).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// The kinds of packages of which every result lists all.
fn inventory<'r>(results: impl IntoIterator<Item = &'r ResultHead>) -> Vec<ScanKind> {
    let results: Vec<_> = results.into_iter().filter(|r| r.is_packages).collect();
    let listed = |kind: &ScanKind| {
        let mut of_kind = results.iter().filter(|r| r.scan() == *kind).peekable();
        of_kind.peek().is_some() && of_kind.all(|r| r.lists_packages)
    };
    [ScanKind::OsPackages, ScanKind::Libraries].into_iter().filter(listed).collect()
}

/// Merges assets of the same name; those of which no entry is a scan for packages are
/// left out.
fn distinct(entries: impl Iterator<Item = (AssetObservation, bool)>) -> Assets {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut assets: Vec<AssetObservation> = Vec::new();
    let mut owners = Vec::new();
    for (asset, is_packages) in entries {
        if !is_packages {
            owners.push(None);
            continue;
        }
        let index = *known.entry(asset.asset_id.clone()).or_insert(assets.len());
        owners.push(Some(index));
        match assets.get_mut(index) {
            Some(first) => merge(first, asset),
            None => assets.push(asset),
        }
    }
    (assets, owners)
}

/// The asset of a report on one artifact.
pub fn of_artifact(facts: &Facts) -> Result<AssetObservation> {
    let metadata = &facts.metadata;
    let os = metadata.os.as_ref();
    let has_os = os.is_some_and(|os| os.family.is_some());
    Ok(AssetObservation {
        asset_id: artifact_name(facts)?,
        asset_type: words::artifact_asset_type(
            facts.artifact_type.as_deref(),
            has_os,
            metadata.image_id.is_some(),
        ),
        os_type: os.and_then(|os| os.family.as_deref()).map(words::os_id),
        os_version: os.and_then(|os| os.name.clone()),
        os_architecture: metadata.image_config.as_ref().and_then(|c| c.architecture.clone()),
        tags: artifact_tags(facts),
        complete: complete(&facts.results),
        inventory: inventory(&facts.results),
        identifiers: identifiers(metadata),
        ..AssetObservation::default()
    })
}

fn artifact_name(facts: &Facts) -> Result<String> {
    let Metadata { repo_tags, reference, repo_digests, image_id, .. } = &facts.metadata;
    let os_target = facts.results.iter().find_map(|r| {
        let (name, os) = words::split_target(&r.target, r.kind.as_deref());
        (os.is_some() && !name.is_empty()).then(|| name.to_owned())
    });
    let candidates = [
        facts.artifact_name.clone(),
        repo_tags.first().cloned(),
        reference.clone(),
        os_target,
        repo_digests.first().cloned(),
        image_id.clone(),
    ];
    candidates.into_iter().flatten().next().ok_or_else(|| {
        Error::new(Code::BadReport, "the report does not say what was scanned (ArtifactName)")
    })
}

/// The digests and tags of an image, and the address of a repository.
fn identifiers(metadata: &Metadata) -> Vec<Identifier> {
    use IdentifierKind as K;
    let digests =
        metadata.repo_digests.iter().filter_map(|d| Some((K::ImageDigest, d.rsplit_once('@')?.1)));
    let image = metadata.image_id.as_deref().map(|id| (K::ImageDigest, id));
    let tags = metadata.repo_tags.iter().chain(&metadata.reference);
    let tags = tags.filter(|tag| !tag.contains('@')).map(|tag| (K::ImageTag, tag.as_str()));
    let repository = metadata.repo_url.as_deref().map(|url| (K::Repository, url));
    let mut identifiers: Vec<Identifier> = Vec::new();
    for (kind, value) in digests.chain(image).chain(tags).chain(repository) {
        let identifier = Identifier::new(kind, value).filter(|i| !identifiers.contains(i));
        identifiers.extend(identifier);
    }
    identifiers
}

fn artifact_tags(facts: &Facts) -> Map {
    let metadata = &facts.metadata;
    let tags = [
        ("artifact_id", facts.artifact_id.clone()),
        ("artifact_type", facts.artifact_type.clone()),
        ("image_id", metadata.image_id.clone()),
        ("repo_digest", metadata.repo_digests.first().cloned()),
        ("repo_tags", joined(&metadata.repo_tags)),
        ("repo_url", metadata.repo_url.clone()),
        ("branch", metadata.branch.clone()),
        ("commit", metadata.commit.clone()),
    ];
    tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// As many of `values` as fit into a name, comma-separated.
fn joined(values: &[String]) -> Option<String> {
    let mut text = String::new();
    for value in values {
        append(&mut text, value);
    }
    (!text.is_empty()).then_some(text)
}

fn append(list: &mut String, value: &str) {
    if list.len() + value.len() < limits::NAME_BYTES && !list.split(',').any(|v| v == value) {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(value);
    }
}

/// The asset of one result in the old array.
fn legacy_asset(result: &ResultHead) -> AssetObservation {
    let (name, os) = words::split_target(&result.target, result.kind.as_deref());
    let is_image = os.is_some() || result.is_system;
    AssetObservation {
        asset_id: name.to_owned(),
        asset_type: if is_image { AssetType::Container } else { AssetType::Repository },
        os_type: os.map(|(family, _)| words::os_id(family)),
        os_version: os.map(|(_, version)| version.to_owned()),
        ..AssetObservation::default()
    }
}

/// The asset of one Kubernetes object.
fn cluster_asset(
    cluster: Option<&str>,
    resource: &ResourceHead,
    results: &[ResultHead],
) -> Result<AssetObservation> {
    let kind = resource.kind.as_deref().unwrap_or_default();
    let name = resource.name.as_deref();
    let namespace = resource.namespace.as_deref();
    let parts = [Some(cluster.unwrap_or("kubernetes")), namespace, resource.kind.as_deref(), name];
    let asset_id = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
    if asset_id.len() > limits::NAME_BYTES {
        let detail = format!("the name of '{kind}' is longer than {} bytes", limits::NAME_BYTES);
        return Err(Error::new(Code::BadReport, detail));
    }
    let targets = results.iter().filter(|r| r.is_system);
    let systems: Vec<_> =
        targets.map(|r| words::split_target(&r.target, r.kind.as_deref())).collect();
    let images: Vec<String> = systems.iter().map(|(name, _)| (*name).to_owned()).collect();
    let os = systems.first().and_then(|(_, os)| *os);
    let tags = [
        ("cluster", cluster.map(str::to_owned)),
        ("namespace", resource.namespace.clone()),
        ("kind", resource.kind.clone()),
        ("images", joined(&images)),
    ];
    Ok(AssetObservation {
        asset_id,
        asset_type: words::kubernetes_asset_type(kind),
        os_type: os.map(|(family, _)| words::os_id(family)),
        os_version: os.map(|(_, version)| version.to_owned()),
        tags: tags.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect(),
        ..AssetObservation::default()
    })
}

/// Adds what another entry for the same asset says. Workloads of several images on different
/// operating systems have none.
fn merge(first: &mut AssetObservation, other: AssetObservation) {
    if other.os_type.is_some()
        && (&first.os_type, &first.os_version) != (&other.os_type, &other.os_version)
    {
        let unknown = first.os_type.is_none() && !first.tags.contains_key("images");
        (first.os_type, first.os_version) =
            if unknown { (other.os_type, other.os_version) } else { (None, None) };
    }
    // Listed as a whole is what each entry that has looked at it lists as a whole.
    let whole = |kind: &ScanKind, complete: &[ScanKind], inventory: &[ScanKind]| {
        !complete.contains(kind) || inventory.contains(kind)
    };
    let all: Vec<_> = first.inventory.iter().chain(&other.inventory).copied().collect();
    first.inventory = [ScanKind::OsPackages, ScanKind::Libraries]
        .into_iter()
        .filter(|kind| all.contains(kind))
        .filter(|kind| whole(kind, &first.complete, &first.inventory))
        .filter(|kind| whole(kind, &other.complete, &other.inventory))
        .collect();
    for kind in other.complete {
        if !first.complete.contains(&kind) {
            first.complete.push(kind);
        }
    }
    for (key, value) in other.tags {
        let list = first.tags.entry(key).or_default();
        for value in value.split(',') {
            append(list, value);
        }
    }
}
