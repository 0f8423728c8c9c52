//! Vulnerabilities: create, change, remove.

use super::{Core, Ctx, edit, findings};
use crate::base::id::Reference;
use crate::base::{Code, Error, Result};
use crate::domain::patch::Patch;
use crate::domain::user::Role;
use crate::domain::vulnerability::{NewVulnerability, Vulnerability, VulnerabilityPatch};
use crate::store::{Direction, Read, Tx};

/// Stores a new vulnerability.
pub async fn create(core: &Core, ctx: &Ctx, new: NewVulnerability) -> Result<Vulnerability> {
    edit::create(core, ctx, "vulnerabilities.create", move |tx| Ok(new.clone().build(tx.now())))
        .await
}

/// Whether a change matters to the scores of findings.
fn rescores(patch: &VulnerabilityPatch) -> bool {
    !patch.epss_score.is_undefined()
        || patch.kev.is_some()
        || patch.exploit_available.is_some()
        || patch.title.is_some()
}

/// Changes a vulnerability; its findings are rescored if that matters to them.
pub async fn update(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: VulnerabilityPatch,
) -> Result<Vulnerability> {
    let rescore = rescores(&patch);
    let changed =
        edit::update(core, ctx, "vulnerabilities.update", reference, expected, move |_, v| {
            patch.apply(v)
        })
        .await?;
    if rescore {
        findings::rescore_all(core, findings::BY_VULNERABILITY, changed.id).await?;
    }
    Ok(changed)
}

/// Changes a vulnerability within a transaction, for bulk edits.
pub fn change(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    old: &Vulnerability,
    patch: &VulnerabilityPatch,
) -> Result<Vulnerability> {
    if rescores(patch) && old.total_findings > 0 {
        return Err(Error::field(
            "/patch",
            "scores and titles are changed one by one: they rescore the findings",
        ));
    }
    edit::save(tx, ctx, "vulnerabilities.update", old, patch.apply(old.clone())?)
}

/// Removes a vulnerability and its findings; refused while some are open, unless forced,
/// and while it has patches.
pub async fn delete(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    force: bool,
) -> Result<()> {
    ctx.require(Role::Admin)?;
    let (vulnerability, patches) = {
        let snapshot = core.store.read()?;
        let v: Vulnerability = snapshot.require(snapshot.resolve::<Vulnerability>(&reference)?)?;
        let patches = snapshot.ids_under::<Patch>(
            "idx_patches_vulnerability_id",
            &[v.id.into()],
            Direction::Forward,
            1,
        )?;
        (v, patches)
    };
    if !patches.is_empty() {
        return Err(Error::new(Code::Conflict, "the vulnerability has patches; remove them first"));
    }
    findings::refuse_open("vulnerability", vulnerability.open_findings, force)?;
    if expected.is_none_or(|v| v == vulnerability.version) {
        findings::delete_all(core, findings::BY_VULNERABILITY, vulnerability.id).await?;
    }
    let expected = expected.filter(|v| *v != vulnerability.version);
    let reference = Reference::Id(vulnerability.id);
    let refuse = |_: &mut Tx<'_>, old: &Vulnerability| {
        findings::refuse_open("vulnerability", old.total_findings, false)
    };
    edit::delete(core, ctx, "vulnerabilities.delete", reference, expected, refuse).await
}
