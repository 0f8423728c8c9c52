//! From SPDX's words to ours. The rules stand in the header of the parent module.

use super::Subject;
use super::model::{ExternalRef, Head, Package};
use crate::adapters::importers::{ecosystem, ids, packages, text};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::{AssetObservation, FindingObservation, VulnerabilityObservation};
use crate::domain::purl::Purl;
use crate::domain::scan::ScanKind;

/// Type and version of the operating system that a package is.
pub fn system(package: &Package) -> Option<(String, Option<String>)> {
    Some((ecosystem::os_id(package.name.as_deref()?), package.version().cloned()))
}

/// The component that a package is; none without a name.
pub fn component(package: &Package) -> Option<Component> {
    let name = package.name.clone()?;
    let purl = package.reference("PACKAGE-MANAGER", "purl").cloned();
    // The group stands only in the package URL.
    let of_purl = purl.as_deref().and_then(Purl::parse).map(|p| p.package_name());
    let of_purl = of_purl.filter(|whole| whole.ends_with(&name));
    let source = package.source_info.as_deref().unwrap_or_default();
    // Trivy: `built package from: openssl 1.1.1d-0+deb10u3`.
    let built = source.strip_prefix("built package from: ").and_then(|s| s.trim().split_once(' '));
    // Syft: `acquired package info from APK DB: /lib/apk/db/installed`, perhaps several paths.
    let path = source.strip_prefix("acquired package info from ");
    let path = path.and_then(|s| s.split_once(": ")?.1.split(", ").next());
    let to_name = |text: &str| text::to_name(text).unwrap_or_default();
    let mut component = Component {
        name: of_purl.and_then(|n| to_name(&n)).unwrap_or(name),
        version: package.version().cloned(),
        purl,
        cpe: package.reference("SECURITY", "cpe23Type").cloned(),
        path: path.and_then(to_name),
        layer: package.notes("LayerDiffID").next().and_then(to_name),
        source_package: built.and_then(|(name, _)| to_name(name)),
        source_version: built.and_then(|(_, version)| to_name(version)),
        ..Component::default()
    };
    packages::complete(&mut component);
    Some(component)
}

/// The findings that a reference to an advisory is.
pub fn findings(reference: &ExternalRef, component: &Component) -> Vec<FindingObservation> {
    let locator = reference.reference_locator.as_deref().unwrap_or_default();
    let named: Vec<String> = ids::in_text(locator).collect();
    let settled = ids::settle(None, named.iter().map(String::as_str));
    let finding = |ids: ids::Ids| FindingObservation {
        vulnerability: VulnerabilityObservation {
            id: ids.id,
            aliases: ids.aliases,
            references: text::to_link(locator).into_iter().collect(),
            ..VulnerabilityObservation::default()
        },
        scan: ScanKind::of_ecosystem(component.ecosystem.as_deref()),
        component: component.clone(),
        evidence: reference.comment.clone(),
        ..FindingObservation::default()
    };
    settled.into_iter().map(finding).collect()
}

/// The asset that the document is about.
pub fn asset(head: &Head, subject: &Subject) -> AssetObservation {
    let own = subject.package.as_ref();
    let (os_type, os_version) = subject.system.clone().or(subject.census.distro.clone()).unzip();
    let name = own.and_then(|p| p.name.clone()).or_else(|| head.name.clone()).unwrap_or_default();
    let asset_type = asset_type(head, own, &name);
    let purl = own.and_then(|p| p.reference("PACKAGE-MANAGER", "purl"));
    let tags = [("version", own.and_then(Package::version)), ("purl", purl)];
    let tags = tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.clone())));
    AssetObservation {
        identifiers: identifiers(own, &name, asset_type),
        asset_id: name,
        asset_type,
        os_type,
        os_version: os_version.flatten(),
        os_architecture: subject.census.architecture.clone(),
        tags: tags.collect(),
        inventory: subject.census.kinds.clone(),
        ..AssetObservation::default()
    }
}

fn asset_type(head: &Head, own: Option<&Package>, name: &str) -> AssetType {
    let id = own.and_then(|p| p.id.as_deref()).unwrap_or_default();
    let namespace = head.document_namespace.as_deref().unwrap_or_default();
    let purpose = own.and_then(|p| p.primary_package_purpose.as_deref()).unwrap_or_default();
    let is_image = id.contains("ContainerImage")
        || id.contains("DocumentRoot-Image")
        || namespace.contains("/syft/image/")
        || packages::image_digest(name).is_some();
    match purpose {
        "CONTAINER" => AssetType::Container,
        "OPERATING-SYSTEM" | "OPERATING_SYSTEM" => AssetType::Server,
        "DEVICE" | "FIRMWARE" => AssetType::NetworkDevice,
        _ if is_image => AssetType::Container,
        "FILE" | "SOURCE" => AssetType::Repository,
        _ if namespace.contains("/syft/dir/") || namespace.contains("/syft/file/") => {
            AssetType::Repository
        }
        _ => AssetType::Application,
    }
}

fn identifiers(own: Option<&Package>, name: &str, asset_type: AssetType) -> Vec<Identifier> {
    use IdentifierKind as K;
    let mut found: Vec<(K, String)> = Vec::new();
    let purl = own.and_then(|p| p.reference("PACKAGE-MANAGER", "purl"));
    if asset_type == AssetType::Container {
        let version = own.and_then(|p| p.version()).and_then(|v| packages::digest(v));
        let of_purl = purl.and_then(|p| packages::digest(&Purl::parse(p)?.version?));
        let noted = own.into_iter().flat_map(|p| p.notes("RepoDigest").chain(p.notes("ImageID")));
        let noted = noted.filter_map(packages::image_digest);
        let digests = packages::image_digest(name).into_iter().chain(version).chain(of_purl);
        found.extend(digests.chain(noted).map(|digest| (K::ImageDigest, digest)));
        let tags = own.into_iter().flat_map(|p| p.notes("RepoTag")).chain([name]);
        let tags = tags.filter(|t| packages::is_image_tag(t));
        found.extend(tags.map(|tag| (K::ImageTag, tag.to_owned())));
    }
    for checksum in own.iter().flat_map(|p| &p.checksums) {
        let parts = checksum.algorithm.as_deref().zip(checksum.checksum_value.as_deref());
        let digest = parts.and_then(|(algorithm, hex)| packages::digest_of(algorithm, hex));
        found.extend(digest.map(|digest| (K::ImageDigest, digest)));
    }
    found.extend(purl.map(|purl| (K::Purl, purl.clone())));
    let mut identifiers = Vec::new();
    for (kind, value) in found {
        let identifier = Identifier::new(kind, &value).filter(|i| !identifiers.contains(i));
        identifiers.extend(identifier);
    }
    identifiers
}
