//! What VEX documents state, as decisions. Each statement about a package is one decision,
//! kept while the same author does not state otherwise later.

use super::{end, follow, label};
use crate::base::{Result, Timestamp};
use crate::domain::asset::Asset;
use crate::domain::component::Component;
use crate::domain::decision::{Decision, DecisionKind, DecisionScope, DecisionState, Provenance};
use crate::domain::observation::{ReportInfo, Skip, SkipReason};
use crate::domain::vex::{Product, Statement, Subject, VexStatus};
use crate::domain::vulnerability::Vulnerability;
use crate::services::audit::{self, Entry};
use crate::services::{Ctx, edit};
use crate::store::{Direction, Read, Tx};

/// Who states something, and where.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The document.
    pub report: &'a ReportInfo,
    /// Its format.
    pub format: &'a str,
    /// The import that brings it.
    pub import_id: u64,
    /// When the document was made.
    pub at: Timestamp,
}

/// What a statement binds to.
#[derive(Default)]
struct Binding {
    package: Option<String>,
    version: Option<String>,
    asset: Option<(u64, String)>,
}

/// Turns a statement into decisions, which apply at once; says what cannot be bound to
/// anything.
pub fn state(
    tx: &mut Tx<'_>,
    v: &Vulnerability,
    statement: &Statement,
    told: Told<'_>,
) -> Result<Vec<Skip>> {
    let mut skipped = Vec::new();
    for subject in &statement.subjects {
        let bindings = bind(tx, subject)?;
        if bindings.is_empty() {
            let product = &subject.product;
            let name = product.purl.as_ref().or(product.name.as_ref()).or(product.cpe.as_ref());
            let name = name.map_or("a product", String::as_str);
            let place = format!("{} for {name}", statement.vulnerability.id);
            skipped.push(Skip { reason: SkipReason::Unidentified, place });
        }
        for binding in bindings {
            state_one(tx, v, statement, &binding, told)?;
        }
    }
    Ok(skipped)
}

/// What a subject means here. A product that is a package stands for itself, on all
/// assets; components are meant within their product only, which must be an asset.
fn bind(tx: &Tx<'_>, subject: &Subject) -> Result<Vec<Binding>> {
    let asset = asset_of(tx, &subject.product)?;
    if subject.components.is_empty() {
        let of_asset = asset.map(|asset| Binding { asset: Some(asset), ..Binding::default() });
        return Ok(of_asset.or_else(|| package(&subject.product)).into_iter().collect());
    }
    let Some(asset) = asset else { return Ok(Vec::new()) };
    let bind = |component: &Product| {
        package(component).map(|binding| Binding { asset: Some(asset.clone()), ..binding })
    };
    Ok(subject.components.iter().filter_map(bind).collect())
}

/// The package that a product is by its purl.
fn package(product: &Product) -> Option<Binding> {
    use crate::domain::purl::Purl;
    let purl = Purl::parse(product.purl.as_deref()?)?;
    let is_artifact = matches!(purl.kind.as_str(), "oci" | "docker");
    let component = Component { purl: product.purl.clone(), ..Component::default() };
    let version = purl.version.or_else(|| product.version.clone());
    (!is_artifact).then(|| Binding { package: Some(component.package()), version, asset: None })
}

/// The asset that a product is by any of its names.
fn asset_of(tx: &Tx<'_>, product: &Product) -> Result<Option<(u64, String)>> {
    let names = [product.purl.as_ref(), product.name.as_ref()].into_iter().flatten();
    for name in names.chain(&product.digests) {
        let named = tx.find_by::<Asset>("idx_assets_asset_id", &[name.into()])?;
        let identified = match named {
            Some(asset) => Some(asset),
            None => identified(tx, name)?,
        };
        if let Some(asset) = identified {
            return Ok(Some((asset.id, asset.asset_id)));
        }
    }
    Ok(None)
}

/// The only asset that is known by this name.
fn identified(tx: &Tx<'_>, name: &str) -> Result<Option<Asset>> {
    use crate::domain::identity::IdentifierKind as K;
    for kind in [K::Purl, K::ImageDigest, K::ImageTag, K::Name] {
        let value = format!("{kind}:{name}");
        let ids = tx.ids_under::<Asset>(
            "idx_assets_identifier",
            &[(&value).into()],
            Direction::Forward,
            2,
        )?;
        if let [id] = ids[..] {
            return tx.find(id);
        }
    }
    Ok(None)
}

/// The decision that the same author made about the same thing, if there is one.
fn earlier(
    tx: &Tx<'_>,
    v: &Vulnerability,
    binding: &Binding,
    author: &str,
) -> Result<Option<Decision>> {
    let ids = tx.ids_under::<Decision>(
        "idx_decisions_vulnerability_id",
        &[v.id.into()],
        Direction::Forward,
        usize::MAX,
    )?;
    for id in ids {
        let decision: Decision = tx.require(id)?;
        let same = decision.provenance.is_some()
            && decision.author == author
            && decision.package == binding.package
            && decision.package_version == binding.version
            && decision.asset_id == binding.asset.as_ref().map(|(id, _)| *id);
        // One that a person took back stays so; one that the author took back may hold again.
        if same {
            return Ok(Some(decision));
        }
    }
    Ok(None)
}

fn state_one(
    tx: &mut Tx<'_>,
    v: &Vulnerability,
    statement: &Statement,
    binding: &Binding,
    told: Told<'_>,
) -> Result<()> {
    let author = told.report.author.as_deref().unwrap_or(&told.report.scanner);
    let earlier = earlier(tx, v, binding, author)?;
    let at = statement.at.unwrap_or(told.at);
    let newer = earlier.as_ref().is_none_or(|d| {
        d.provenance.as_ref().and_then(|p| p.stated_at).is_none_or(|stated| stated < at)
    });
    if !newer {
        return Ok(());
    }
    let system = Ctx::system();
    let reason = match statement.status {
        VexStatus::NotAffected => statement.impact.clone(),
        VexStatus::Fixed => Some(format!("{author} states that this version contains the fix")),
        VexStatus::Affected | VexStatus::UnderInvestigation => {
            return match earlier.filter(|d| d.state == DecisionState::Active) {
                Some(decision) => end(tx, &system, decision, DecisionState::Revoked).map(drop),
                None => Ok(()),
            };
        }
    };
    let new = Decision {
        kind: DecisionKind::NotAffected,
        scope: if binding.asset.is_some() { DecisionScope::Asset } else { DecisionScope::Fleet },
        vulnerability_id: v.id,
        vulnerability: statement.vulnerability.id.clone(),
        package: binding.package.clone(),
        package_version: binding.version.clone(),
        asset_id: binding.asset.as_ref().map(|(id, _)| *id),
        asset: binding.asset.as_ref().map(|(_, name)| name.clone()),
        reason: reason.or_else(|| statement.justification.map(|j| j.to_string())),
        author: author.to_owned(),
        justification: statement.justification,
        provenance: Some(Provenance {
            import_id: told.import_id,
            format: told.format.to_owned(),
            document_id: told.report.document_id.clone(),
            stated_at: Some(at),
        }),
        ..Decision::default()
    };
    let stored = match earlier {
        None => {
            let stored = tx.insert(new)?;
            let entry = Entry::new("decisions.create")
                .on::<Decision>(stored.id, label(&stored))
                .changes(None, Some(&stored))?;
            audit::record(tx, &system, entry)?;
            stored
        }
        Some(old) if old.ended_by.as_deref().is_some_and(|who| who != system.actor.name) => {
            // A person took it back.
            return Ok(());
        }
        Some(old) => {
            let (id, version) = (old.id, old.version);
            let (created_at, updated_at) = (old.created_at, old.updated_at);
            let new = Decision { id, version, created_at, updated_at, ..new };
            edit::save(tx, &system, "decisions.update", &old, new)?
        }
    };
    follow(tx, &stored, author, stored.reason.as_deref()).map(drop)
}
