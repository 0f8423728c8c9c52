//! Open ports: what a scan of the network sees, and what a complete one no longer does.

use roaring::RoaringBitmap;

use super::attempt::{Attempt, Source};
use crate::base::Result;
use crate::domain::asset::Asset;
use crate::domain::observation::ServiceObservation;
use crate::domain::scan::ScanKind;
use crate::domain::service::Service;
use crate::services::ports::BY_ASSET;
use crate::store::{Direction, Read, Tx};

/// Services per transaction.
const STEP: usize = 2_000;

/// Notes that a port is open; returns the service's number.
pub(super) fn note(
    tx: &mut Tx<'_>,
    asset: &Asset,
    seen: &ServiceObservation,
    by: &Source,
) -> Result<u64> {
    let protocol = if seen.protocol.is_empty() { "tcp" } else { seen.protocol.as_str() };
    let identity = [asset.id.into(), u64::from(seen.port).into(), protocol.into()];
    let known = tx.find_by::<Service>(BY_ASSET, &identity)?;
    let before = known.unwrap_or_else(|| Service {
        asset_id: asset.id,
        asset: asset.asset_id.clone(),
        port: seen.port,
        protocol: protocol.to_owned(),
        first_seen: by.at,
        last_seen: by.at,
        ..Service::default()
    });
    let mut after = before.clone();
    after.see(seen, &by.report.scanner, by.import_id, by.at);
    if before.id == 0 {
        // A newer complete scan that was imported before did not see it.
        let covered = asset.covered_at(&by.report.scanner, ScanKind::Network);
        after.gone_at = covered.filter(|newer| *newer > by.at);
        return Ok(tx.insert(after)?.id);
    }
    let same = Service {
        last_seen: before.last_seen,
        import_id: before.import_id,
        source: before.source.clone(),
        ..after.clone()
    };
    if same != before {
        tx.update(after)?;
    } else if after != before {
        tx.touch(&after)?;
    }
    Ok(before.id)
}

/// Ends what a complete scan of an asset's network by the same tool no longer sees.
pub(super) fn end_gone(
    attempt: &Attempt<'_>,
    by: &Source,
    asset: u64,
    seen: &RoaringBitmap,
) -> Result<()> {
    let mut ids = {
        let snapshot = attempt.core.store.read()?;
        let under = [asset.into()];
        snapshot.ids_under::<Service>(BY_ASSET, &under, Direction::Forward, usize::MAX)?
    };
    ids.retain(|id| !seen.contains(*id as u32));
    for chunk in ids.chunks(STEP) {
        let (chunk, at, scanner) = (chunk.to_vec(), by.at, by.report.scanner.clone());
        let doing = (1.0, "closing what has gone");
        attempt.write("imports.end_services", doing, move |tx| {
            for id in &chunk {
                let Some(service) = tx.find::<Service>(*id)? else { continue };
                let ends = service.gone_at.is_none() && service.last_seen < at;
                if ends && service.source == scanner {
                    tx.update(Service { gone_at: Some(at), ..service })?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}
