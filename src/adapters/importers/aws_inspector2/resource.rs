//! From resources to assets. The rules stand in the header of the parent module.

use super::model::{Finding, Image, Instance, Resource};
use crate::adapters::importers::ecosystem;
use crate::domain::asset::{AssetType, Exposure};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::AssetObservation;
use crate::domain::scan::ScanKind;

/// The asset that a resource is; none without an id.
pub fn asset(resource: &Resource, finding: &Finding, is_whole: bool) -> Option<AssetObservation> {
    let id = resource.id.clone()?;
    let is_reachable = finding.network_reachability_details.is_some();
    let whole = || vec![ScanKind::OsPackages, ScanKind::Libraries];
    let mut asset = AssetObservation {
        asset_type: match resource.kind.as_deref().unwrap_or_default() {
            "AWS_EC2_INSTANCE" => AssetType::CloudInstance,
            "AWS_ECR_CONTAINER_IMAGE" | "AWS_ECR_REPOSITORY" => AssetType::Container,
            "AWS_LAMBDA_FUNCTION" => AssetType::Application,
            "CODE_REPOSITORY" => AssetType::Repository,
            _ => AssetType::Other,
        },
        complete: if is_whole { whole() } else { Vec::new() },
        exposure: is_reachable.then_some(Exposure::Internet),
        ..AssetObservation::default()
    };
    let name = resource.tags.as_ref().and_then(|t| t.name.clone());
    let mut tags = vec![("region", resource.region.clone()), ("Name", name)];
    if let Some(details) = &resource.details {
        if let Some(instance) = &details.instance {
            describe_instance(instance, &id, &mut asset);
            tags.push(("image_id", instance.image_id.clone()));
            tags.push(("instance_type", instance.kind.clone()));
            tags.push(("subnet_id", instance.subnet_id.clone()));
            tags.push(("vpc_id", instance.vpc_id.clone()));
        }
        if let Some(image) = &details.image {
            describe_image(image, resource.region.as_deref(), &mut asset);
            tags.push(("repository", image.repository_name.clone()));
        }
        if let Some(function) = &details.function {
            tags.push(("function_name", function.function_name.clone()));
            tags.push(("runtime", function.runtime.clone()));
            tags.push(("version", function.version.clone()));
        }
    }
    asset.tags = tags.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect();
    asset.asset_id = id;
    Some(asset)
}

fn describe_instance(instance: &Instance, id: &str, asset: &mut AssetObservation) {
    let addresses = instance.ipv4.iter().chain(&instance.ipv6);
    let addresses = addresses.filter_map(|ip| Identifier::new(IdentifierKind::Ip, ip));
    asset.identifiers = Identifier::new(IdentifierKind::InstanceId, id).into_iter().collect();
    asset.identifiers.extend(addresses);
    asset.ip_address = instance.ipv4.iter().chain(&instance.ipv6).next().cloned();
    (asset.os_type, asset.os_version) = platform(instance.platform.as_deref());
}

fn describe_image(image: &Image, region: Option<&str>, asset: &mut AssetObservation) {
    let digest = image.image_hash.as_deref();
    let digest = digest.and_then(|d| Identifier::new(IdentifierKind::ImageDigest, d));
    let named = |tag: &String| {
        let repository = image.repository_name.as_deref()?;
        let host = image.registry.as_deref().zip(region);
        let host =
            host.map(|(account, region)| format!("{account}.dkr.ecr.{region}.amazonaws.com/"));
        let name = format!("{}{repository}:{tag}", host.unwrap_or_default());
        Identifier::new(IdentifierKind::ImageTag, &name)
    };
    asset.identifiers =
        digest.into_iter().chain(image.image_tags.iter().filter_map(named)).collect();
    asset.os_architecture.clone_from(&image.architecture);
    (asset.os_type, asset.os_version) = platform(image.platform.as_deref());
}

/// Type and version of the operating system that `UBUNTU_22_04` names.
pub fn platform(platform: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(platform) = platform else { return (None, None) };
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = platform.split('_').collect();
    let at = words.iter().position(is_number).unwrap_or(words.len());
    let (name, version) = words.split_at(at);
    let name = match name {
        [one, "LINUX"] if !matches!(*one, "AMAZON" | "ORACLE" | "ROCKY") => (*one).to_owned(),
        words => words.join("_"),
    };
    let version = version.join(".");
    (Some(ecosystem::os_id(&name)), Some(version).filter(|v| !v.is_empty()))
}
