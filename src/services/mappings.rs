//! Saved mappings of columns: create, change, remove, try out.

use super::imports::Upload;
use super::{Core, Ctx, edit};
use crate::adapters::importers::generic_csv::{self, Preview};
use crate::base::id::Reference;
use crate::base::{Error, Result};
use crate::domain::mapping::{Mapping, MappingPatch, NewMapping, SavedMapping};
use crate::domain::user::Role;
use crate::store::Read;

/// Look-up by name.
const BY_NAME: &str = "idx_mappings_name";
/// Findings and skips in a preview.
pub const PREVIEW_ROWS: usize = 20;

/// Stores a new mapping.
pub async fn create(core: &Core, ctx: &Ctx, new: NewMapping) -> Result<SavedMapping> {
    let author = ctx.actor.name.clone();
    edit::create(core, ctx, "mappings.create", move |_| new.clone().build(author.clone())).await
}

/// Changes a mapping; imports that come from now on follow it.
pub async fn update(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: MappingPatch,
) -> Result<SavedMapping> {
    edit::update(core, ctx, "mappings.update", reference, expected, move |_, m| patch.apply(m))
        .await
}

/// Removes a mapping; what was imported by it stays.
pub async fn delete(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<()> {
    edit::delete(core, ctx, "mappings.delete", reference, expected, |_, _: &SavedMapping| Ok(()))
        .await
}

/// What a mapping says, by its name; `422` if there is none.
pub fn named(core: &Core, name: &str) -> Result<Mapping> {
    let saved = core.store.read()?.find_by::<SavedMapping>(BY_NAME, &[name.into()])?;
    let missing = || Error::field("mapping", format!("there is no mapping '{name}'"));
    saved.map(|saved| saved.mapping()).ok_or_else(missing)
}

/// What a mapping would make of the beginning of a file; nothing is stored.
pub async fn preview(core: &Core, ctx: &Ctx, mapping: Mapping, sample: String) -> Result<Preview> {
    ctx.require(Role::Operator)?;
    let mut upload = Upload::begin(core)?;
    let limits = core.options.report;
    let read = tokio::task::spawn_blocking(move || {
        upload.write(sample.as_bytes())?;
        generic_csv::preview(&upload.report(limits), mapping, PREVIEW_ROWS)
    });
    read.await.map_err(|e| Error::internal("a preview was cut off").with_source(e))?
}
