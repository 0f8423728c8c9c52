//! Package lists: what an inventory lists is installed, what it no longer lists was
//! removed, and what was removed is no longer vulnerable.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use super::apply::Source;
use super::closing::{self, Closings};
use super::run::Attempt;
use crate::base::Result;
use crate::domain::asset::Asset;
use crate::domain::component::Component;
use crate::domain::merge::{self, Sighting};
use crate::domain::package::Package;
use crate::domain::scan::ScanKind;
use crate::services::Core;
use crate::store::{Direction, Read, Tx};

/// The name under which inventories stand in an asset's coverage.
pub(super) const INVENTORY: &str = "inventory";
const BY_ASSET: &str = "idx_packages_identity";
/// Packages per transaction.
const STEP: usize = 2_000;

/// Notes that a component is installed; returns the package's number.
pub(super) fn note(
    tx: &mut Tx<'_>,
    asset: &Asset,
    component: &Component,
    by: &Source,
) -> Result<u64> {
    let key = Package::key(component);
    let kind = ScanKind::of_ecosystem(component.ecosystem.as_deref());
    let known = tx.find_by::<Package>(BY_ASSET, &[asset.id.into(), (&key).into()])?;
    let Some(before) = known else {
        // A newer inventory that was imported before did not list it.
        let removed_at = asset.covered_at(INVENTORY, kind).filter(|newer| *newer > by.at);
        let new = tx.insert(Package {
            asset_id: asset.id,
            asset: asset.asset_id.clone(),
            component: component.clone(),
            kind,
            source: by.report.scanner.clone(),
            import_id: by.import_id,
            first_seen: by.at,
            removed_at,
            ..Package::default()
        })?;
        return Ok(new.id);
    };
    let mut after = before.clone();
    after.first_seen = after.first_seen.min(by.at);
    if after.removed_at.is_some_and(|removed| removed < by.at) {
        after.removed_at = None;
    }
    if after != before {
        tx.update(after)?;
    }
    Ok(before.id)
}

/// Ends the packages of an inventory's scope that it no longer lists.
pub(super) fn end_removed(
    attempt: &Attempt<'_>,
    by: &Source,
    inventories: &Closings,
    seen: &RoaringBitmap,
) -> Result<()> {
    for (asset, kinds) in inventories.scopes() {
        let mut ids = {
            let snapshot = attempt.core.store.read()?;
            let under = [asset.into()];
            snapshot.ids_under::<Package>(BY_ASSET, &under, Direction::Forward, usize::MAX)?
        };
        ids.retain(|id| !seen.contains(*id as u32));
        let steps = ids.len().div_ceil(STEP).max(1);
        let mut chunks = ids.chunks(STEP);
        for step in 1..=steps {
            attempt.go_on()?;
            let chunk = chunks.next().unwrap_or_default().to_vec();
            let (kinds, at, import_id) = (kinds.to_vec(), by.at, by.import_id);
            attempt.core.store.write_blocking("imports.end_packages", move |tx| {
                for id in &chunk {
                    let Some(package) = tx.find::<Package>(*id)? else { continue };
                    // A newer inventory may have listed it meanwhile.
                    let ends = package.removed_at.is_none() && package.first_seen < at;
                    if ends && kinds.contains(&package.kind) {
                        tx.update(Package { removed_at: Some(at), ..package })?;
                    }
                }
                if step == steps {
                    closing::cover(tx, asset, INVENTORY, &kinds, (at, import_id))?;
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// What is installed on an asset, for asking whether a finding's package still is.
pub(super) struct Installed {
    /// Versions by package: installed ones, also without epoch.
    versions: HashMap<String, HashSet<String>>,
}

impl Installed {
    /// What is on `asset` now. Packages that were there once count as known.
    pub(super) fn on(core: &Core, asset: u64) -> Result<Self> {
        let snapshot = core.store.read()?;
        let under = [asset.into()];
        let ids =
            snapshot.ids_under::<Package>(BY_ASSET, &under, Direction::Forward, usize::MAX)?;
        let mut versions: HashMap<String, HashSet<String>> = HashMap::new();
        for id in ids {
            let Some(package) = snapshot.find::<Package>(id)? else { continue };
            let c = &package.component;
            let source = c.source_package.as_ref().map(|name| {
                let ecosystem = c.ecosystem.as_deref().unwrap_or_default();
                (format!("{ecosystem} {name}"), c.source_version.as_ref().or(c.version.as_ref()))
            });
            for (name, version) in std::iter::once((c.package(), c.version.as_ref())).chain(source)
            {
                let known = versions.entry(name).or_default();
                if let (None, Some(version)) = (package.removed_at, version) {
                    known.insert(version.clone());
                    known.insert(without_epoch(version).to_owned());
                }
            }
        }
        Ok(Self { versions })
    }

    /// Whether the package of a component has gone in this version. A package that no
    /// inventory ever listed may have another name there: of that nothing is known.
    pub(super) fn lacks(&self, c: &Component) -> bool {
        let Some(version) = &c.version else { return false };
        let Some(known) = self.versions.get(&c.package()) else { return false };
        !known.contains(version) && !known.contains(without_epoch(version))
    }
}

fn without_epoch(version: &str) -> &str {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => version,
    }
}

/// Marks a finding as gone whose package an inventory no longer lists, whatever scanner saw
/// it. Says whether it was closed by that.
pub(super) fn absent(
    finding: &mut crate::domain::finding::Finding,
    kinds: &[ScanKind],
    by: Sighting<'_>,
) -> bool {
    merge::absent_for(finding, &|_| true, kinds, by)
}
