//! Components and what is known of them: as components of ours, as products of statements,
//! and by the references that vulnerabilities make to them.

use std::collections::{HashMap, HashSet};

use super::model::Facts;
use crate::adapters::importers::kept::{self, Kept};
use crate::adapters::importers::{packages, text};
use crate::base::Result;
use crate::domain::component::Component;
use crate::domain::purl::Purl;
use crate::domain::vex::Product;

/// A component that others refer to.
#[derive(Debug, Clone)]
pub struct Known {
    /// As a component; none without a name.
    pub component: Option<Component>,
    /// As a product.
    pub product: Product,
}

impl Known {
    /// What is known from the component itself.
    pub fn of<C>(facts: &Facts<C>) -> Self {
        Self { component: component(facts), product: product(facts) }
    }

    /// What a reference itself says that leads to no component: only a package URL tells one,
    /// perhaps behind the `#` of a BOM-Link (`urn:cdx:<serial>/<version>#<bom-ref>`).
    pub fn of_reference(reference: &str) -> Self {
        let is_link = reference.starts_with("urn:cdx:");
        let part = reference.split_once('#').map(|(_, part)| part).filter(|_| is_link);
        let part = part.and_then(|p| Some((p, Purl::parse(p)?)));
        let (named, purl) = match part {
            Some((part, purl)) => (part, Some(purl)),
            None => (reference, Purl::parse(reference)),
        };
        let component = purl.and_then(|purl| {
            let mut component = Component {
                name: text::to_name(&purl.package_name()).unwrap_or_default()?,
                purl: Some(named.to_owned()),
                ..Component::default()
            };
            packages::complete(&mut component);
            Some(component)
        });
        let mut product = packages::product(named);
        if is_link {
            product.name = Some(reference.to_owned());
        }
        Self { component, product }
    }
}

/// The components that are referred to, by their references.
pub struct Index {
    wanted: HashSet<String>,
    known: HashMap<String, Known>,
    kept: Kept,
}

impl Index {
    /// Nothing yet.
    pub fn new() -> Self {
        let kept = Kept::new("references to components");
        Self { wanted: HashSet::new(), known: HashMap::new(), kept }
    }

    /// Somebody refers to this.
    pub fn want(&mut self, reference: &str) -> Result<()> {
        if self.wanted.insert(reference.to_owned()) {
            self.kept.add(reference.len())?;
        }
        Ok(())
    }

    /// Keeps a component if somebody refers to it, by its reference or its package URL. The
    /// first of several with the same reference counts.
    pub fn offer<C>(&mut self, facts: &Facts<C>) -> Result<()> {
        for name in [&facts.reference, &facts.purl].into_iter().flatten() {
            if self.wanted.contains(name) && !self.known.contains_key(name) {
                let known = Known::of(facts);
                let c = known.component.iter();
                let bytes = c.map(|c| kept::size([&c.version, &c.purl, &c.path, &c.layer]) * 2);
                self.kept.add(name.len() * 2 + bytes.sum::<usize>())?;
                self.known.insert(name.clone(), known);
            }
        }
        Ok(())
    }

    /// The component that a reference means.
    pub fn find(&self, reference: &str) -> Option<&Known> {
        self.known.get(reference)
    }
}

/// Whether a component is a package, rather than an operating system, a file or a lock file.
pub fn is_package<C>(facts: &Facts<C>) -> bool {
    let is_named = facts.purl.is_some() || facts.cpe.is_some();
    match facts.kind.as_deref().unwrap_or("library") {
        "operating-system" => false,
        "file" | "data" | "cryptographic-asset" => is_named,
        "application" => is_named || facts.version.is_some(),
        _ => true,
    }
}

/// The name as its ecosystem writes it.
pub fn name<C>(facts: &Facts<C>) -> Option<String> {
    let name = facts.name.as_deref()?;
    let Some(group) = facts.group.as_deref() else { return Some(name.to_owned()) };
    let purl = facts.purl.as_deref().and_then(Purl::parse);
    let of_purl = purl.map(|p| p.package_name()).filter(|n| n.contains(group));
    let whole = of_purl.unwrap_or_else(|| format!("{group}/{name}"));
    // Two names that each fit may not fit together.
    Some(text::to_name(&whole).unwrap_or_default().unwrap_or_else(|| name.to_owned()))
}

/// The component; none without a name.
pub fn component<C>(facts: &Facts<C>) -> Option<Component> {
    let property = |names: &[&str]| {
        let found = names.iter().find_map(|name| facts.property(name));
        found.and_then(|value| text::to_name(value).unwrap_or_default())
    };
    let occurrence = facts.evidence.as_ref().and_then(|e| e.occurrences.first());
    let path = property(&["aquasecurity:trivy:FilePath", "syft:location:0:path"])
        .or_else(|| occurrence.and_then(|o| o.location.clone()))
        .or_else(|| property(&["cdx:npm:package:path"]));
    let source_rpm = property(&["syft:metadata:sourceRpm"]);
    let source_rpm = source_rpm.as_deref().and_then(packages::source_rpm);
    let source = [
        "aquasecurity:trivy:SrcName",
        "syft:metadata:source",
        "syft:metadata:originPackage",
        "vulnzero:source_package",
    ];
    let source_version = property(&[
        "aquasecurity:trivy:SrcVersion",
        "syft:metadata:sourceVersion",
        "vulnzero:source_version",
    ]);
    let (epoch, release) =
        (property(&["aquasecurity:trivy:SrcEpoch"]), property(&["aquasecurity:trivy:SrcRelease"]));
    let source_version = source_version.map(|version| {
        let epoch = epoch.map(|e| format!("{e}:")).unwrap_or_default();
        let release = release.map(|r| format!("-{r}")).unwrap_or_default();
        format!("{epoch}{version}{release}")
    });
    let mut component = Component {
        name: name(facts)?,
        version: facts.version.clone(),
        purl: facts.purl.clone(),
        source_package: property(&source).or(source_rpm.map(|s| s.0.to_owned())),
        source_version: source_version.or(source_rpm.map(|s| s.1.to_owned())),
        cpe: facts.cpe.clone(),
        path,
        layer: property(&["aquasecurity:trivy:LayerDiffID", "syft:location:0:layerID"]),
        // Our own inventory of a system that does not say what it is has no package URLs.
        architecture: property(&["vulnzero:architecture"]),
        ecosystem: property(&["vulnzero:ecosystem"]),
    };
    packages::complete(&mut component);
    Some(component)
}

/// Digests of a component: its hashes, and those of an image in what Trivy says.
pub fn digests<C>(facts: &Facts<C>) -> Vec<String> {
    let hashes = facts.hashes.iter();
    let hash =
        |h: &super::model::Hash| packages::digest_of(h.alg.as_deref()?, h.content.as_deref()?);
    let mut digests: Vec<String> = hashes.filter_map(hash).collect();
    if facts.kind.as_deref() == Some("container") {
        digests.extend(facts.version.as_deref().and_then(packages::digest));
        digests.extend(
            facts.purl.as_deref().and_then(|p| packages::digest(&Purl::parse(p)?.version?)),
        );
        let names = ["aquasecurity:trivy:RepoDigest", "aquasecurity:trivy:ImageID"];
        for property in &facts.properties {
            if property.name.as_deref().is_some_and(|n| names.contains(&n)) {
                digests.extend(property.value.as_deref().and_then(packages::image_digest));
            }
        }
    }
    text::distinct(&mut digests);
    digests
}

/// The component as what a statement is about.
pub fn product<C>(facts: &Facts<C>) -> Product {
    Product {
        name: name(facts),
        version: facts.version.clone(),
        purl: facts.purl.clone().map(text::without_subpath),
        cpe: facts.cpe.clone(),
        digests: digests(facts),
    }
}
