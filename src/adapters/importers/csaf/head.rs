//! The first pass: the document's own facts and the product tree. Vulnerabilities are
//! skipped unseen.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess};

use super::model::{Document, FullProductName, ProductGroup, Relationship};
use super::products::Products;
use crate::adapters::importers::json::{self, Array, Fields, Items, Object};
use crate::adapters::importers::{Report, lenient};
use crate::base::{Code, Error, Result};

/// What the first pass has found.
#[derive(Debug, Default)]
pub struct Head {
    pub document: Document,
    pub products: Products,
}

/// Reads the facts.
pub fn read(report: &Report) -> Result<Head> {
    let mut facts = Facts::default();
    let again = || Some(Pass(Facts::default()));
    let result = json::parse(report, report.peek()?, Object(&mut facts), again);
    if let Some(error) = facts.refused {
        return Err(error);
    }
    result?;
    if !facts.has_document {
        return Err(Error::new(Code::BadReport, "this is no CSAF document: it has no 'document'"));
    }
    Ok(facts.head)
}

/// The pass as a seed that owns its facts: for finding the path of an error.
struct Pass(Facts);

impl<'de> DeserializeSeed<'de> for Pass {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, d: D) -> Result<(), D::Error> {
        Object(&mut self.0).deserialize(d)
    }
}

#[derive(Default)]
struct Facts {
    head: Head,
    has_document: bool,
    refused: Option<Error>,
}

impl Facts {
    /// Ends the pass if something was refused; serde carries only the text of an error.
    fn check<E: serde::de::Error>(&mut self, result: Result<()>) -> Result<(), E> {
        result.map_err(|error| {
            let text = error.to_string();
            self.refused = Some(error);
            E::custom(text)
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum TopKey {
    Document,
    ProductTree,
    #[serde(other)]
    Other,
}

impl Fields for Facts {
    type Key = TopKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: TopKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            TopKey::Document => {
                self.has_document = true;
                self.head.document = map.next_value()?;
                Ok(())
            }
            TopKey::ProductTree => map.next_value_seed(Object(&mut Tree(self))),
            TopKey::Other => map.next_value::<IgnoredAny>().map(|_| ()),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum TreeKey {
    Branches,
    FullProductNames,
    Relationships,
    ProductGroups,
    #[serde(other)]
    Other,
}

struct Tree<'f>(&'f mut Facts);

impl Fields for Tree<'_> {
    type Key = TreeKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: TreeKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            TreeKey::Branches => map.next_value_seed(Array(&mut Branches(self.0))),
            TreeKey::FullProductNames => map.next_value_seed(Array(&mut FullNames(self.0))),
            TreeKey::Relationships => map.next_value_seed(Array(&mut Relationships(self.0))),
            TreeKey::ProductGroups => map.next_value_seed(Array(&mut Groups(self.0))),
            TreeKey::Other => map.next_value::<IgnoredAny>().map(|_| ()),
        }
    }
}

struct FullNames<'f>(&'f mut Facts);

impl Items for FullNames<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let product = FullProductName::deserialize(element)?;
        let added = self.0.head.products.add(product);
        self.0.check(added)
    }
}

struct Relationships<'f>(&'f mut Facts);

impl Items for Relationships<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let relationship = Relationship::deserialize(element)?;
        let added = self.0.head.products.relate(relationship);
        self.0.check(added)
    }
}

struct Groups<'f>(&'f mut Facts);

impl Items for Groups<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let group = ProductGroup::deserialize(element)?;
        let added = self.0.head.products.group(&group);
        self.0.check(added)
    }
}

struct Branches<'f>(&'f mut Facts);

impl Items for Branches<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let first = self.0.head.products.len();
        let mut branch = Branch { facts: self.0, category: None, name: None };
        Object(&mut branch).deserialize(element)?;
        let (category, name) = (branch.category, branch.name);
        // Only now are they known: they may stand after the branches in it.
        if let (Some(category), Some(name)) = (category, name) {
            let named = self.0.head.products.name_branch(first, &category, &name);
            self.0.check(named)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum BranchKey {
    Category,
    Name,
    Branches,
    Product,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Line(#[serde(deserialize_with = "lenient::line")] Option<String>);

struct Branch<'f> {
    facts: &'f mut Facts,
    category: Option<String>,
    name: Option<String>,
}

impl Fields for Branch<'_> {
    type Key = BranchKey;

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: BranchKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            BranchKey::Category => self.category = map.next_value::<Line>()?.0,
            BranchKey::Name => self.name = map.next_value::<Line>()?.0,
            BranchKey::Branches => map.next_value_seed(Array(&mut Branches(self.facts)))?,
            BranchKey::Product => {
                let product = map.next_value::<FullProductName>()?;
                let added = self.facts.head.products.add(product);
                self.facts.check(added)?;
            }
            BranchKey::Other => _ = map.next_value::<IgnoredAny>()?,
        }
        Ok(())
    }
}
