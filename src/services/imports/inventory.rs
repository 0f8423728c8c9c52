//! Package lists: what an inventory lists is installed, what it no longer lists was
//! removed, and what was removed is no longer vulnerable. Of libraries, a list speaks only
//! for the ecosystems of which it names any: what lists the npm packages of a host says
//! nothing about the Java archives on it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::attempt::{Attempt, Source};
use super::closing;
use crate::base::{Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::component::Component;
use crate::domain::merge::{self, Sighting};
use crate::domain::package::{BY_IDENTITY, Package};
use crate::domain::scan::ScanKind;
use crate::services::Core;
use crate::store::{Direction, Read, Tx};

/// The name under which inventories stand in an asset's coverage.
pub(super) const INVENTORY: &str = "inventory";
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
    let known = tx.find_by::<Package>(BY_IDENTITY, &[asset.id.into(), (&key).into()])?;
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
            last_seen: by.at,
            removed_at,
            ..Package::default()
        })?;
        return Ok(new.id);
    };
    let mut after = before.clone();
    after.first_seen = after.first_seen.min(by.at);
    after.last_seen = after.last_seen.max(by.at);
    if after.removed_at.is_some_and(|removed| removed < by.at) {
        after.removed_at = None;
    }
    let is_sighting =
        (after.first_seen, after.removed_at) == (before.first_seen, before.removed_at);
    if !is_sighting {
        tx.update(after)?;
    } else if after != before {
        tx.touch(&after)?;
    }
    Ok(before.id)
}

/// What a package list says of the packages that are known.
#[derive(Clone)]
pub(super) struct Listing {
    pub kinds: Vec<ScanKind>,
    pub at: Timestamp,
    /// Packages that it lists.
    pub seen: Arc<RoaringBitmap>,
    /// The ecosystems of libraries of which it lists any.
    ecosystems: HashSet<String>,
}

impl Listing {
    pub(super) fn new(kinds: Vec<ScanKind>, at: Timestamp, seen: Arc<RoaringBitmap>) -> Self {
        Self { kinds, at, seen, ecosystems: HashSet::new() }
    }

    /// Whether it, or a newer one, lists a package.
    fn lists(&self, package: &Package) -> bool {
        self.seen.contains(package.id as u32) || package.last_seen >= self.at
    }

    fn note(&mut self, package: &Package) {
        if package.kind == ScanKind::Libraries && self.lists(package) {
            self.ecosystems.extend(package.component.ecosystem.clone());
        }
    }

    fn speaks_of(&self, package: &Package) -> bool {
        let ecosystem = package.component.ecosystem.as_ref();
        self.kinds.contains(&package.kind)
            && (package.kind != ScanKind::Libraries
                || ecosystem.is_some_and(|name| self.ecosystems.contains(name)))
    }

    /// Whether a package counts as removed, because this newer list lacks it.
    fn ends(&self, package: &Package) -> bool {
        package.removed_at.is_none() && self.speaks_of(package) && !self.lists(package)
    }
}

/// Ends packages, in steps; notes the inventory on the asset in the last one.
pub(super) fn end(
    attempt: &Attempt<'_>,
    by: &Source,
    asset: u64,
    listing: &Listing,
    ending: &[u64],
) -> Result<()> {
    let steps = ending.len().div_ceil(STEP).max(1);
    let mut chunks = ending.chunks(STEP);
    for step in 1..=steps {
        let chunk = chunks.next().unwrap_or_default().to_vec();
        let (listing, import_id) = (listing.clone(), by.import_id);
        let doing = (1.0, "ending what was removed");
        attempt.write("imports.end_packages", doing, move |tx| {
            for id in &chunk {
                let Some(package) = tx.find::<Package>(*id)? else { continue };
                // A newer inventory may have listed it meanwhile.
                if listing.ends(&package) {
                    tx.update(Package { removed_at: Some(listing.at), ..package })?;
                }
            }
            if step == steps {
                let when = (listing.at, import_id);
                closing::cover(tx, asset, INVENTORY, &listing.kinds, when)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What is installed on an asset once a package list has been heeded.
pub(super) struct Installed {
    /// Versions by package: installed ones, also without epoch.
    versions: HashMap<String, HashSet<String>>,
    /// Packages that end.
    pub ending: Vec<u64>,
    /// Names of packages of the list's kinds that were installed before the import.
    pub present: u64,
    /// Those of which no version remains.
    pub going: u64,
}

impl Installed {
    /// What will be on `asset`. Packages that were there once count as known.
    pub(super) fn after(
        core: &Core,
        asset: u64,
        listing: &mut Listing,
        begun: Timestamp,
    ) -> Result<Self> {
        let snapshot = core.store.read()?;
        let under = [asset.into()];
        let ids =
            snapshot.ids_under::<Package>(BY_IDENTITY, &under, Direction::Forward, usize::MAX)?;
        let mut installed =
            Self { versions: HashMap::new(), ending: Vec::new(), present: 0, going: 0 };
        for id in &ids {
            if let Some(package) = snapshot.find::<Package>(*id)? {
                listing.note(&package);
            }
        }
        let (mut before, mut remaining) = (HashSet::new(), HashSet::new());
        for id in ids {
            let Some(package) = snapshot.find::<Package>(id)? else { continue };
            let ends = listing.ends(&package);
            let stays = package.removed_at.is_none() && !ends;
            installed.note(&package.component, stays);
            if ends {
                installed.ending.push(id);
            }
            if (ends || stays) && listing.speaks_of(&package) {
                let name = package.component.package();
                if stays {
                    remaining.insert(name.clone());
                }
                if package.created_at < begun {
                    before.insert(name);
                }
            }
        }
        installed.present = before.len() as u64;
        installed.going = before.difference(&remaining).count() as u64;
        Ok(installed)
    }

    fn note(&mut self, c: &Component, stays: bool) {
        let source = c.source_package.as_ref().map(|name| {
            let ecosystem = c.ecosystem.as_deref().unwrap_or_default();
            (format!("{ecosystem} {name}"), c.source_version.as_ref().or(c.version.as_ref()))
        });
        for (name, version) in std::iter::once((c.package(), c.version.as_ref())).chain(source) {
            let known = self.versions.entry(name).or_default();
            if let (true, Some(version)) = (stays, version) {
                known.insert(version.clone());
                known.insert(without_epoch(version).to_owned());
            }
        }
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
