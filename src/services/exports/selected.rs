//! The findings of an export, read from its snapshot as often as its format wants them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use roaring::RoaringBitmap;

use crate::adapters::exporters::{Findings, Item, Order};
use crate::base::Result;
use crate::base::record::Record;
use crate::domain::asset::Asset;
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::vulnerability::Vulnerability;
use crate::store::{Direction, Read, Snapshot, sweep};

/// The index that has the findings of an asset together, and of them those of a
/// vulnerability.
const BY_ASSET: &str = "idx_asset_vulnerabilities_identity";
/// The index that has the findings of a vulnerability together.
const BY_VULNERABILITY: &str = "idx_asset_vulnerabilities_vulnerability_id";
/// The index that has the findings with the same name of a component together.
const BY_COMPONENT: &str = "idx_asset_vulnerabilities_component";

/// Records of a kind that are kept because the next findings may need them again.
const KEPT: usize = 256;

/// The findings whose numbers are in a set.
pub struct Selected<'s> {
    snapshot: &'s dyn Snapshot,
    set: RoaringBitmap,
    assets: Kept<Asset>,
    vulnerabilities: Kept<Vulnerability>,
    decisions: Kept<Decision>,
}

impl<'s> Selected<'s> {
    /// Those of `set`.
    pub fn new(snapshot: &'s dyn Snapshot, set: RoaringBitmap) -> Self {
        let (assets, vulnerabilities) = (Kept::default(), Kept::default());
        Self { snapshot, set, assets, vulnerabilities, decisions: Kept::default() }
    }

    fn item(&self, id: u64) -> Result<Item> {
        let finding: Finding = self.snapshot.require(id)?;
        let decision = finding.decision_id.map(|id| self.decisions.get(self.snapshot, id));
        Ok(Item {
            asset: self.assets.get(self.snapshot, finding.asset_id)?,
            vulnerability: self.vulnerabilities.get(self.snapshot, finding.vulnerability_id)?,
            decision: decision.transpose()?,
            finding: Rc::new(finding),
        })
    }

    /// The first of the set in the order of assets, from one end or the other.
    fn outermost(&self, direction: Direction) -> Result<Option<Finding>> {
        let mut found = None;
        sweep::by_index::<Finding>(self.snapshot, BY_ASSET, direction, &self.set, &mut |id| {
            found = Some(id);
            Ok(false)
        })?;
        found.map(|id| self.snapshot.require(id)).transpose()
    }
}

impl Findings for Selected<'_> {
    fn each(&self, order: Order, take: &mut dyn FnMut(Item) -> Result<()>) -> Result<()> {
        let index = match order {
            Order::ByAsset => BY_ASSET,
            Order::ByVulnerability => BY_VULNERABILITY,
            Order::ByComponent => BY_COMPONENT,
        };
        let forward = Direction::Forward;
        sweep::by_index::<Finding>(self.snapshot, index, forward, &self.set, &mut |id| {
            take(self.item(id)?)?;
            Ok(true)
        })
    }

    fn only_asset(&self) -> Result<Option<Rc<Asset>>> {
        let first = self.outermost(Direction::Forward)?;
        let last = self.outermost(Direction::Reverse)?;
        match (first, last) {
            (Some(first), Some(last)) if first.asset_id == last.asset_id => {
                self.assets.get(self.snapshot, first.asset_id).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn vulnerability(&self, id: u64) -> Result<Rc<Vulnerability>> {
        self.vulnerabilities.get(self.snapshot, id)
    }
}

/// Records that were read, up to [`KEPT`].
struct Kept<R>(RefCell<HashMap<u64, Rc<R>>>);

impl<R> Default for Kept<R> {
    fn default() -> Self {
        Self(RefCell::new(HashMap::new()))
    }
}

impl<R: Record> Kept<R> {
    fn get(&self, snapshot: &dyn Snapshot, id: u64) -> Result<Rc<R>> {
        let mut kept = self.0.borrow_mut();
        if let Some(record) = kept.get(&id) {
            return Ok(record.clone());
        }
        if kept.len() >= KEPT {
            kept.clear();
        }
        let record = Rc::new(snapshot.require::<R>(id)?);
        kept.insert(id, record.clone());
        Ok(record)
    }
}
