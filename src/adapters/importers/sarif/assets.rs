//! What each run is about.

use super::head::{Head, Run};
use super::{own, packages};
use crate::adapters::importers::packages as images;
use crate::domain::asset::AssetType;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::AssetObservation;
use crate::domain::scan::ScanKind;

/// The asset of each run. If several are about the same one, it is complete for what they
/// cover together, and for nothing if one of them failed.
pub fn assets(head: &Head) -> Vec<AssetObservation> {
    let mut assets: Vec<AssetObservation> = head.runs.iter().map(asset).collect();
    for index in 0..assets.len() {
        // Few runs are usual; with many, only neighbours are compared.
        let near = index.saturating_sub(100)..assets.len().min(index + 100);
        let same = |other: &usize| assets[*other].asset_id == assets[index].asset_id;
        let runs: Vec<usize> = near.filter(same).collect();
        let is_whole = runs.iter().all(|run| head.runs[*run].is_whole());
        let mut kinds: Vec<_> = runs.iter().flat_map(|run| kinds(&head.runs[*run])).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assets[index].complete = if is_whole { kinds } else { Vec::new() };
    }
    assets
}

fn kinds(run: &Run) -> Vec<ScanKind> {
    packages::kinds(run).unwrap_or_else(|| vec![ScanKind::Code])
}

fn asset(run: &Run) -> AssetObservation {
    let of_grype = run.first_message.as_deref().filter(|_| run.tool == "grype");
    let image = run.properties.image_name.clone().or_else(|| packages::image(of_grype?));
    if let Some(image) = image {
        return image_asset(run, image);
    }
    if let Some(own) = run.properties.vulnzero.as_ref().filter(|_| run.tool == own::TOOL)
        && let Some(asset_id) = own.asset.clone()
    {
        let asset_type = own.asset_type();
        return AssetObservation { asset_id, asset_type, ..AssetObservation::default() };
    }
    let revision = run.revisions.iter().find(|r| r.repository_uri.is_some());
    let Some(revision) = revision else {
        return AssetObservation {
            asset_type: AssetType::Repository,
            ..AssetObservation::default()
        };
    };
    let repository = revision.repository_uri.clone().unwrap_or_default();
    let tags = [("branch", &revision.branch), ("commit", &revision.revision_id)];
    let tags = tags.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v.clone()?)));
    AssetObservation {
        asset_type: AssetType::Repository,
        tags: tags.collect(),
        identifiers: Identifier::new(IdentifierKind::Repository, &repository).into_iter().collect(),
        asset_id: repository,
        ..AssetObservation::default()
    }
}

fn image_asset(run: &Run, image: String) -> AssetObservation {
    let properties = &run.properties;
    let digests = properties.repo_digests.iter().chain(&properties.image_id).chain([&image]);
    let digests = digests.filter_map(|d| images::image_digest(d));
    let tags = properties.repo_tags.iter().chain([&image]).filter(|t| images::is_image_tag(t));
    let digests = digests.map(|digest| (IdentifierKind::ImageDigest, digest));
    let tags = tags.map(|tag| (IdentifierKind::ImageTag, tag.clone()));
    let mut identifiers = Vec::new();
    for (kind, value) in digests.chain(tags) {
        let identifier = Identifier::new(kind, &value).filter(|i| !identifiers.contains(i));
        identifiers.extend(identifier);
    }
    AssetObservation {
        asset_id: image,
        asset_type: AssetType::Container,
        identifiers,
        ..AssetObservation::default()
    }
}
