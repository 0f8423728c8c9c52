//! Package lists follow their asset.

use super::Core;
use crate::base::Result;
use crate::domain::asset::Asset;
use crate::domain::package::{BY_IDENTITY, Package};
use crate::store::{Direction, Read, Tx};

/// Packages per transaction.
const CHUNK: usize = 2_000;

/// Gives the packages of one asset to another; what is on both is one package there.
pub fn move_all(tx: &mut Tx<'_>, from: u64, to: &Asset) -> Result<()> {
    for id in
        tx.ids_under::<Package>(BY_IDENTITY, &[from.into()], Direction::Forward, usize::MAX)?
    {
        let package: Package = tx.require(id)?;
        let identity = [to.id.into(), Package::key(&package.component).as_str().into()];
        let Some(known) = tx.find_by::<Package>(BY_IDENTITY, &identity)? else {
            tx.update(Package { asset_id: to.id, asset: to.asset_id.clone(), ..package })?;
            continue;
        };
        let first_seen = known.first_seen.min(package.first_seen);
        let last_seen = known.last_seen.max(package.last_seen);
        // Installed if either is.
        let removed_at = known.removed_at.zip(package.removed_at).map(|(a, b)| a.max(b));
        tx.delete::<Package>(id)?;
        let joined = Package { first_seen, last_seen, removed_at, ..known.clone() };
        if joined != known {
            tx.update(joined)?;
        }
    }
    Ok(())
}

/// Removes the packages of an asset, in steps.
pub async fn delete_all(core: &Core, asset: u64) -> Result<()> {
    loop {
        let n = core
            .store
            .write("packages.delete_all", move |tx| {
                let under = [asset.into()];
                let ids =
                    tx.ids_under::<Package>(BY_IDENTITY, &under, Direction::Forward, CHUNK)?;
                for id in &ids {
                    tx.delete::<Package>(*id)?;
                }
                Ok(ids.len())
            })
            .await?;
        if n < CHUNK {
            return Ok(());
        }
    }
}
