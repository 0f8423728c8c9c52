//! Assets: create, change, remove.

use super::policies::{self, Policies};
use super::{Core, Ctx, decisions, edit, findings, packages, ports};
use crate::base::id::Reference;
use crate::base::{Error, Result};
use crate::domain::asset::{Asset, AssetPatch, NewAsset};
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::matcher::same_asset;
use crate::domain::user::Role;
use crate::store::{Direction, Read, Tx};

/// Stores a new asset.
pub async fn create(core: &Core, ctx: &Ctx, new: NewAsset) -> Result<Asset> {
    edit::create(core, ctx, "assets.create", move |_| new.clone().build()).await
}

/// Changes an asset; its findings are rescored if that matters to them.
pub async fn update(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: AssetPatch,
) -> Result<Asset> {
    let rescore = patch.criticality.is_some();
    let by = ctx.actor.name.clone();
    let asset = edit::update(core, ctx, "assets.update", reference, expected, move |tx, asset| {
        follow(tx, &mut Policies::of(tx)?, &by, &asset, &patch).map(|asset| patch.apply(asset))
    })
    .await?;
    if rescore {
        findings::rescore_all(core, findings::BY_ASSET, asset.id).await?;
    }
    Ok(asset)
}

/// Changes an asset within a transaction, for bulk edits. Criticality is not for bulk:
/// it rescores findings, which is more than a transaction should hold.
pub fn change(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    policies: &mut Policies,
    old: &Asset,
    patch: &AssetPatch,
) -> Result<Asset> {
    if patch.criticality.is_some_and(|c| c != old.criticality) && old.open_findings.total > 0 {
        return Err(Error::field(
            "/patch/criticality",
            "change it one by one: it rescores the asset's findings",
        ));
    }
    let now = follow(tx, policies, &ctx.actor.name, old, patch)?;
    edit::save(tx, ctx, "assets.update", old, patch.apply(now))
}

/// Lets findings follow decisions that are bound to tags, if the tags change, and rules, if
/// what they look at does. Returns the asset as it is stored then.
fn follow(
    tx: &mut Tx<'_>,
    policies: &mut Policies,
    by: &str,
    asset: &Asset,
    patch: &AssetPatch,
) -> Result<Asset> {
    let new = patch.apply(asset.clone());
    if same_asset(&new, asset) {
        return Ok(asset.clone());
    }
    let decided = new.tags != asset.tags && tx.has_had_any::<Decision>()?;
    tx.touch(&new)?;
    if decided {
        let under = [asset.id.into()];
        let ids =
            tx.ids_under::<Finding>(findings::BY_ASSET, &under, Direction::Forward, usize::MAX)?;
        decisions::refresh_all(tx, ids, by)?;
    } else {
        policies::follow_asset(tx, policies, by, asset.id)?;
    }
    tx.require(asset.id)
}

/// Removes an asset and its findings; refused while some are open, unless forced.
pub async fn delete(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    force: bool,
) -> Result<()> {
    ctx.require(Role::Operator)?;
    let asset: Asset = {
        let snapshot = core.store.read()?;
        snapshot.require(snapshot.resolve::<Asset>(&reference)?)?
    };
    findings::refuse_open("asset", asset.open_findings.total, force)?;
    if expected.is_none_or(|v| v == asset.version) {
        findings::delete_all(core, findings::BY_ASSET, asset.id).await?;
        packages::delete_all(core, asset.id).await?;
        ports::delete_all(core, asset.id).await?;
    }
    // The counts have gone to zero meanwhile, so only a version from before counts.
    let expected = expected.filter(|v| *v != asset.version);
    let reference = Reference::Id(asset.id);
    edit::delete(core, ctx, "assets.delete", reference, expected, |_, old: &Asset| {
        findings::refuse_open("asset", old.open_findings.total, false)
    })
    .await
}
