//! Patches, as records: create, change, remove.

use super::{Core, Ctx, edit};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::patch::{NewPatch, Patch, PatchPatch, PatchStatus};
use crate::domain::user::Role;
use crate::domain::vulnerability::Vulnerability;
use crate::store::Read;

use super::audit::{self, Entry};

/// Stores a new patch, a draft.
pub async fn create(core: &Core, ctx: &Ctx, new: NewPatch) -> Result<Patch> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("patches.create", move |tx| {
            if tx.find::<Vulnerability>(new.vulnerability_id)?.is_none() {
                // The content is fine; what it refers to is not there (any more).
                let detail = format!("there is no vulnerability {}", new.vulnerability_id);
                return Err(Error::new(Code::Conflict, detail.clone())
                    .with_field("/vulnerability_id", detail));
            }
            let patch = new.clone().build(ctx.actor.name.clone());
            let patch = tx.insert_with(patch, |p| {
                if p.patch_id.is_empty() {
                    p.patch_id = format!("PATCH-{}", p.id);
                }
            })?;
            let entry = Entry::new("patches.create")
                .on::<Patch>(patch.id, &patch.patch_id)
                .changes(None, Some(&patch))?;
            audit::record(tx, &ctx, entry)?;
            Ok(patch)
        })
        .await
}

/// Changes a patch.
pub async fn update(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: PatchPatch,
) -> Result<Patch> {
    edit::update(core, ctx, "patches.update", reference, expected, move |_, p| patch.apply(p)).await
}

/// Removes a patch that was never rolled out.
pub async fn delete(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<()> {
    edit::delete(core, ctx, "patches.delete", reference, expected, |_, old: &Patch| {
        if matches!(old.status, PatchStatus::Deployed | PatchStatus::RolledBack) {
            return Err(Error::new(
                Code::Conflict,
                format!("a patch that is {} is kept as evidence", old.status),
            ));
        }
        Ok(())
    })
    .await
}
