//! The asset that a document describes. The rules stand in the header of the parent module.

use super::components;
use super::model::{Facts, Head};
use crate::adapters::importers::{ecosystem, packages};
use crate::domain::asset::AssetType;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::AssetObservation;

/// What all components together say.
#[derive(Debug, Default)]
pub struct Census {
    /// How many there are.
    pub components: u64,
    packages: packages::Census,
    system: Option<(String, Option<String>)>,
}

impl Census {
    /// Counts a component.
    pub fn add<C>(&mut self, facts: &Facts<C>) {
        self.components += 1;
        if facts.kind.as_deref() == Some("operating-system") && self.system.is_none() {
            let name = facts.name.as_deref().map(ecosystem::os_id);
            self.system = name.map(|name| (name, facts.version.clone()));
        }
        let component = components::component(facts).filter(|_| components::is_package(facts));
        if let Some(component) = component {
            self.packages.add(&component);
        }
    }
}

/// The asset; `lists_vulnerabilities` if the document says what it is vulnerable to.
pub fn asset(head: &Head, census: Census, lists_vulnerabilities: bool) -> AssetObservation {
    let subject = head.metadata.as_ref().and_then(|m| m.component.as_ref());
    let (os_type, os_version) = census.system.or(census.packages.distro).unzip();
    let aggregates = head.compositions.iter().filter_map(|c| c.aggregate.as_deref());
    let is_incomplete = aggregates.into_iter().any(|a| a.starts_with("incomplete"));
    let inventory = if is_incomplete { Vec::new() } else { census.packages.kinds };
    let asset = AssetObservation {
        os_type,
        os_version: os_version.flatten(),
        os_architecture: census.packages.architecture,
        complete: if lists_vulnerabilities { inventory.clone() } else { Vec::new() },
        inventory,
        asset_type: AssetType::Application,
        ..AssetObservation::default()
    };
    let Some(subject) = subject else { return asset };
    let kernel = subject.property("vulnzero:kernel").map(str::to_owned);
    let tags = [("version", &subject.version), ("purl", &subject.purl), ("kernel", &kernel)];
    AssetObservation {
        asset_id: components::name(subject).unwrap_or_default(),
        asset_type: asset_type(subject.kind.as_deref()),
        tags: tags
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
            .collect(),
        identifiers: identifiers(head, subject),
        ..asset
    }
}

fn asset_type(kind: Option<&str>) -> AssetType {
    match kind {
        Some("container") => AssetType::Container,
        Some("operating-system") => AssetType::Server,
        Some("device" | "firmware") => AssetType::NetworkDevice,
        Some("file") => AssetType::Repository,
        _ => AssetType::Application,
    }
}

fn identifiers(head: &Head, subject: &Facts) -> Vec<Identifier> {
    use IdentifierKind as K;
    let digests = components::digests(subject);
    let mut found: Vec<_> = digests.iter().map(|d| (K::ImageDigest, d.as_str())).collect();
    let is_image = subject.kind.as_deref() == Some("container");
    let name = subject.name.as_deref().filter(|n| is_image && packages::is_image_tag(n));
    found.extend(name.map(|tag| (K::ImageTag, tag)));
    for property in &subject.properties {
        if property.name.as_deref() == Some("aquasecurity:trivy:RepoTag") {
            found.extend(property.value.as_deref().map(|tag| (K::ImageTag, tag)));
        }
    }
    found.extend(subject.purl.as_deref().map(|purl| (K::Purl, purl)));
    for reference in &subject.external_references {
        if reference.kind.as_deref() == Some("vcs") {
            found.extend(reference.url.as_deref().map(|url| (K::Repository, url)));
        }
    }
    let link = bom_link(head, subject);
    found.extend(link.as_deref().map(|link| (K::Name, link)));
    let mut identifiers = Vec::new();
    for identifier in found.into_iter().filter_map(|(kind, value)| Identifier::new(kind, value)) {
        if !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
    identifiers
}

/// `urn:cdx:<serial>/<version>#<bom-ref>`, the name of a component for other documents.
fn bom_link(head: &Head, subject: &Facts) -> Option<String> {
    let serial = head.serial_number.as_deref()?.strip_prefix("urn:uuid:")?;
    let version = head.version.as_deref().unwrap_or("1");
    Some(format!("urn:cdx:{serial}/{version}#{}", subject.reference.as_deref()?))
}
