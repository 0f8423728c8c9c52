//! Open ports (services) follow their asset.

use super::Core;
use crate::base::Result;
use crate::domain::asset::Asset;
use crate::domain::service::Service;
use crate::store::{Direction, Read, Tx};

/// Services of assets by number.
pub const BY_ASSET: &str = "idx_services_identity";
/// Services per transaction.
const CHUNK: usize = 2_000;

/// Gives the open ports of one asset to another; of a port that both have, what was seen
/// last counts.
pub fn move_all(tx: &mut Tx<'_>, from: u64, to: &Asset) -> Result<()> {
    for id in tx.ids_under::<Service>(BY_ASSET, &[from.into()], Direction::Forward, usize::MAX)? {
        let service: Service = tx.require(id)?;
        let identity = [to.id.into(), u64::from(service.port).into(), (&service.protocol).into()];
        let Some(known) = tx.find_by::<Service>(BY_ASSET, &identity)? else {
            tx.update(Service { asset_id: to.id, asset: to.asset_id.clone(), ..service })?;
            continue;
        };
        tx.delete::<Service>(id)?;
        let first_seen = known.first_seen.min(service.first_seen);
        let newest = if service.last_seen > known.last_seen { service } else { known.clone() };
        tx.update(Service {
            id: known.id,
            version: known.version,
            created_at: known.created_at,
            updated_at: known.updated_at,
            asset_id: to.id,
            asset: to.asset_id.clone(),
            first_seen,
            ..newest
        })?;
    }
    Ok(())
}

/// Removes the open ports of an asset, in steps.
pub async fn delete_all(core: &Core, asset: u64) -> Result<()> {
    loop {
        let n = core
            .store
            .write("services.delete_all", move |tx| {
                let under = [asset.into()];
                let ids = tx.ids_under::<Service>(BY_ASSET, &under, Direction::Forward, CHUNK)?;
                for id in &ids {
                    tx.delete::<Service>(*id)?;
                }
                Ok(ids.len())
            })
            .await?;
        if n < CHUNK {
            return Ok(());
        }
    }
}
