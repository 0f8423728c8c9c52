//! The product tree: every product by its id, and what its id means. Ids are kept as hashes,
//! because they are long and there may be hundreds of thousands.

use std::collections::HashMap;

use twox_hash::XxHash3_128;

use super::model::{FullProductName, ProductGroup, Relationship};
use crate::adapters::importers::kept::{self, Kept};
use crate::adapters::importers::{packages, text};
use crate::base::Result;
use crate::domain::vex::Product;

/// Longest chain of relationships.
const RELATIONSHIPS: usize = 8;

/// A product's id.
pub type Id = u128;

/// The products of a document.
#[derive(Debug)]
pub struct Products {
    products: Vec<Product>,
    by_id: HashMap<Id, usize>,
    /// Component and what it is in.
    relationships: HashMap<Id, (Id, Id)>,
    groups: HashMap<Id, Vec<Id>>,
    kept: Kept,
}

impl Default for Products {
    fn default() -> Self {
        Self {
            products: Vec::new(),
            by_id: HashMap::new(),
            relationships: HashMap::new(),
            groups: HashMap::new(),
            kept: Kept::new("products"),
        }
    }
}

/// The id that `text` is.
pub fn id(text: &str) -> Id {
    XxHash3_128::oneshot(text.trim().as_bytes())
}

impl Products {
    /// How many products there are, those of relationships left out.
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Adds a product; one without an id can never be meant.
    pub fn add(&mut self, named: FullProductName) -> Result<()> {
        let Some(own) = named.product_id.as_deref().map(id) else { return Ok(()) };
        let helper = named.helper.unwrap_or_default();
        let mut product = helper.purl.as_deref().map(packages::product).unwrap_or_default();
        product.name = named.name;
        product.cpe = helper.cpe;
        let hashes = helper.hashes.iter().flat_map(|h| &h.file_hashes);
        let digest = |h: &super::model::FileHash| {
            packages::digest_of(h.algorithm.as_deref()?, h.value.as_deref()?)
        };
        product.digests.extend(hashes.filter_map(digest));
        text::distinct(&mut product.digests);
        let texts = [&product.name, &product.purl, &product.cpe, &product.version];
        let digests: usize = product.digests.iter().map(String::len).sum();
        self.kept.add(kept::size(texts) + digests + size_of::<Product>())?;
        self.by_id.entry(own).or_insert(self.products.len());
        self.products.push(product);
        Ok(())
    }

    /// Adds what is a component in another.
    pub fn relate(&mut self, relationship: Relationship) -> Result<()> {
        let own = relationship.full_product_name.and_then(|n| n.product_id);
        let parts = (relationship.product_reference, relationship.relates_to_product_reference);
        if let (Some(own), (Some(component), Some(whole))) = (own, parts) {
            self.kept.add(0)?;
            self.relationships.insert(id(&own), (id(&component), id(&whole)));
        }
        Ok(())
    }

    /// Adds a group of products.
    pub fn group(&mut self, group: &ProductGroup) -> Result<()> {
        if let Some(own) = &group.group_id {
            self.kept.add(group.product_ids.len() * size_of::<Id>())?;
            let members = group.product_ids.iter().map(|member| id(member)).collect();
            self.groups.insert(id(own), members);
        }
        Ok(())
    }

    /// The members of a group.
    pub fn members(&self, group: &str) -> &[Id] {
        self.groups.get(&id(group)).map_or(&[], Vec::as_slice)
    }

    /// A branch has ended: the products in it, from the `first`, are of this name or version.
    /// Inner branches come first and count more.
    pub fn name_branch(&mut self, first: usize, category: &str, name: &str) -> Result<()> {
        let is_name = category == "product_name";
        if !is_name && !matches!(category, "product_version" | "product_version_range") {
            return Ok(());
        }
        for index in first..self.products.len() {
            let product = &mut self.products[index];
            if is_name {
                // With a package URL or without a version, the full name tells more.
                if product.purl.is_none() && product.version.is_some() {
                    product.name = Some(name.to_owned());
                    self.kept.add(name.len())?;
                }
            } else if product.version.is_none() && product.purl.is_none() {
                product.version = Some(name.to_owned());
                self.kept.add(name.len())?;
            }
        }
        Ok(())
    }

    /// What an id means: a product, perhaps a component in it. None if the tree has it not.
    pub fn find(&self, own: Id) -> Option<(&Product, Option<&Product>)> {
        match self.relationships.get(&own) {
            None => Some((self.product(own)?, None)),
            Some((component, whole)) => {
                let component = self.end(*component, |(component, _)| *component);
                let whole = self.end(*whole, |(_, whole)| *whole);
                Some((self.product(whole)?, Some(self.product(component)?)))
            }
        }
    }

    fn product(&self, own: Id) -> Option<&Product> {
        self.products.get(*self.by_id.get(&own)?)
    }

    /// The end of a chain of relationships.
    fn end(&self, start: Id, next: fn(&(Id, Id)) -> Id) -> Id {
        let mut own = start;
        for _ in 0..RELATIONSHIPS {
            let Some(relationship) = self.relationships.get(&own) else { break };
            own = next(relationship);
        }
        own
    }
}
