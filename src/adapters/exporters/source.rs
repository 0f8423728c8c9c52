//! Where formats for findings get them from.

use std::rc::Rc;

use crate::base::Result;
use crate::domain::asset::Asset;
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::vulnerability::Vulnerability;

/// In which order findings come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// All of an asset together, and of them all of a vulnerability.
    ByAsset,
    /// All of a vulnerability together.
    ByVulnerability,
    /// All with the same name of a component together.
    ByComponent,
}

/// A finding with what belongs to it.
#[derive(Debug, Clone)]
pub struct Item {
    /// The finding.
    pub finding: Rc<Finding>,
    /// Its asset.
    pub asset: Rc<Asset>,
    /// Its vulnerability.
    pub vulnerability: Rc<Vulnerability>,
    /// The decision that its verdict comes from.
    pub decision: Option<Rc<Decision>>,
}

/// The findings that an export is about: however often they are asked for, the same.
pub trait Findings {
    /// Hands all of them over.
    fn each(&self, order: Order, take: &mut dyn FnMut(Item) -> Result<()>) -> Result<()>;

    /// The asset, if all of them are on one.
    fn only_asset(&self) -> Result<Option<Rc<Asset>>>;

    /// A vulnerability that one of them has.
    fn vulnerability(&self, id: u64) -> Result<Rc<Vulnerability>>;
}

/// Hands over what belongs to one asset and one vulnerability together; never nothing.
pub fn each_pair(
    findings: &dyn Findings,
    take: &mut dyn FnMut(&[Item]) -> Result<()>,
) -> Result<()> {
    let mut pair: Vec<Item> = Vec::new();
    let of = |item: &Item| (item.finding.asset_id, item.finding.vulnerability_id);
    findings.each(Order::ByAsset, &mut |item| {
        if pair.first().is_some_and(|first| of(first) != of(&item)) {
            take(&pair)?;
            pair.clear();
        }
        pair.push(item);
        Ok(())
    })?;
    if pair.is_empty() { Ok(()) } else { take(&pair) }
}
