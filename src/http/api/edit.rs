//! Creating, changing and removing what people may create, change and remove.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, param::Query};
use std::collections::BTreeMap;

use super::Tag;
use super::common::{BulkReport, Ref, reference, written};
use crate::base::record::Record;
use crate::base::{Error, Result as BaseResult};
use crate::domain::asset::{Asset, AssetPatch, NewAsset};
use crate::domain::finding::{Finding, FindingPatch};
use crate::domain::patch::{NewPatch, Patch, PatchPatch};
use crate::domain::vulnerability::{NewVulnerability, Vulnerability, VulnerabilityPatch};
use crate::http::auth::Caller;
use crate::http::params::IfMatch;
use crate::http::{Body, MergeBody, NoContent, Problem, Reply};
use crate::services::bulk::{self, BulkEdit, Selection};
use crate::services::query;
use crate::services::{Core, assets, findings, patches, vulnerabilities};

type Answer<T, const STATUS: u16 = 200> = Result<Reply<T, STATUS>, Problem>;

/// Filters of a bulk edit: as in the query string of a list, `{"severity": "low,info"}`.
type FilterMap = BTreeMap<String, String>;

/// Declares the request of a bulk edit: which records, and the change.
macro_rules! bulk_request {
    ($name:ident, $patch:ty) => {
        /// A change to many records: give `ids` or `filter`, not both.
        #[derive(Debug, Object)]
        #[oai(deny_unknown_fields)]
        pub struct $name {
            /// Numbers or natural keys.
            #[oai(validator(min_items = 1, max_items = 10000))]
            pub ids: Option<Vec<Ref>>,
            /// Filters as in a list's query string; all must hold. An empty object is all.
            pub filter: Option<FilterMap>,
            /// The change, as in PATCH.
            pub patch: $patch,
            /// Only say what would happen.
            pub dry_run: Option<bool>,
        }
    };
}

bulk_request!(FindingBulk, FindingPatch);
bulk_request!(AssetBulk, AssetPatch);
bulk_request!(VulnerabilityBulk, VulnerabilityPatch);

fn selection<R: Record>(ids: Option<Vec<Ref>>, filter: Option<FilterMap>) -> BaseResult<Selection> {
    match (ids, filter) {
        (Some(ids), None) => Ok(Selection::References(ids.into_iter().map(Into::into).collect())),
        (None, Some(filter)) => {
            let filters = filter.iter().map(|(name, text)| query::parse_filter::<R>(name, &[text]));
            let filters = filters.collect::<BaseResult<Vec<_>>>();
            Ok(Selection::Filters(filters.map_err(|e| Error::field("/filter", e.to_string()))?))
        }
        (Some(_), Some(_)) | (None, None) => Err(Error::field("/ids", "give either ids or filter")),
    }
}

async fn run_bulk<R: BulkEdit>(
    core: &Core,
    caller: &Caller,
    verb: &'static str,
    selection: Selection,
    patch: R::Patch,
    dry_run: Option<bool>,
) -> Answer<BulkReport> {
    let dry_run = dry_run.unwrap_or(false);
    let outcomes = bulk::edit::<R>(core, &caller.0, verb, selection, patch, dry_run).await?;
    Ok(Reply::new(&BulkReport::new(outcomes, dry_run))?)
}

/// Editing findings.
pub(super) struct Findings;

#[OpenApi(prefix_path = "/findings", tag = Tag::Findings)]
impl Findings {
    /// Change
    ///
    /// Status, reason, assignee, due date, notes. `If-Match` guards against overwriting.
    #[oai(path = "/:id", method = "patch", operation_id = "update_finding")]
    async fn update(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: MergeBody<FindingPatch>,
    ) -> Answer<Finding> {
        Ok(written(
            &findings::update(&core, &caller.0, reference(&id), condition.0, body.0).await?,
        )?)
    }

    /// Remove
    ///
    /// Administrators only; the next import may bring it back as a new finding.
    #[oai(path = "/:id", method = "delete", operation_id = "delete_finding")]
    async fn delete(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Result<NoContent, Problem> {
        findings::delete(&core, &caller.0, reference(&id), condition.0).await?;
        Ok(NoContent::default())
    }

    /// Change many
    #[oai(path = "/bulk", method = "post", operation_id = "bulk_update_findings")]
    async fn bulk(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<FindingBulk>,
    ) -> Answer<BulkReport> {
        let chosen = selection::<Finding>(body.0.ids, body.0.filter)?;
        run_bulk::<Finding>(&core, &caller, "findings.update", chosen, body.0.patch, body.0.dry_run)
            .await
    }
}

/// Editing vulnerabilities.
pub(super) struct Vulnerabilities;

#[OpenApi(prefix_path = "/vulnerabilities", tag = Tag::Vulnerabilities)]
impl Vulnerabilities {
    /// Create
    #[oai(path = "/", method = "post", operation_id = "create_vulnerability")]
    async fn create(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<NewVulnerability>,
    ) -> Answer<Vulnerability, 201> {
        let made = vulnerabilities::create(&core, &caller.0, body.0).await?;
        Ok(written(&made)?.with_location(&format!("/api/v1/vulnerabilities/{}", made.id))?)
    }

    /// Change
    ///
    /// Allowed changes of `status` follow its life cycle; others answer 409.
    #[oai(path = "/:id", method = "patch", operation_id = "update_vulnerability")]
    async fn update(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: MergeBody<VulnerabilityPatch>,
    ) -> Answer<Vulnerability> {
        Ok(written(
            &vulnerabilities::update(&core, &caller.0, reference(&id), condition.0, body.0).await?,
        )?)
    }

    /// Remove
    ///
    /// With its findings. Refused while some are open, unless `force=true`.
    #[oai(path = "/:id", method = "delete", operation_id = "delete_vulnerability")]
    async fn delete(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        force: Query<Option<bool>>,
    ) -> Result<NoContent, Problem> {
        vulnerabilities::delete(
            &core,
            &caller.0,
            reference(&id),
            condition.0,
            force.0.unwrap_or(false),
        )
        .await?;
        Ok(NoContent::default())
    }

    /// Change many
    #[oai(path = "/bulk", method = "post", operation_id = "bulk_update_vulnerabilities")]
    async fn bulk(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<VulnerabilityBulk>,
    ) -> Answer<BulkReport> {
        let chosen = selection::<Vulnerability>(body.0.ids, body.0.filter)?;
        run_bulk::<Vulnerability>(
            &core,
            &caller,
            "vulnerabilities.update",
            chosen,
            body.0.patch,
            body.0.dry_run,
        )
        .await
    }
}

/// Editing assets.
pub(super) struct Assets;

#[OpenApi(prefix_path = "/assets", tag = Tag::Assets)]
impl Assets {
    /// Create
    #[oai(path = "/", method = "post", operation_id = "create_asset")]
    async fn create(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<NewAsset>,
    ) -> Answer<Asset, 201> {
        let made = assets::create(&core, &caller.0, body.0).await?;
        Ok(written(&made)?.with_location(&format!("/api/v1/assets/{}", made.id))?)
    }

    /// Change
    ///
    /// A new criticality rescores the asset's findings.
    #[oai(path = "/:id", method = "patch", operation_id = "update_asset")]
    async fn update(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: MergeBody<AssetPatch>,
    ) -> Answer<Asset> {
        Ok(written(&assets::update(&core, &caller.0, reference(&id), condition.0, body.0).await?)?)
    }

    /// Remove
    ///
    /// With its findings. Refused while some are open, unless `force=true`.
    #[oai(path = "/:id", method = "delete", operation_id = "delete_asset")]
    async fn delete(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        force: Query<Option<bool>>,
    ) -> Result<NoContent, Problem> {
        assets::delete(&core, &caller.0, reference(&id), condition.0, force.0.unwrap_or(false))
            .await?;
        Ok(NoContent::default())
    }

    /// Change many
    #[oai(path = "/bulk", method = "post", operation_id = "bulk_update_assets")]
    async fn bulk(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<AssetBulk>,
    ) -> Answer<BulkReport> {
        let chosen = selection::<Asset>(body.0.ids, body.0.filter)?;
        run_bulk::<Asset>(&core, &caller, "assets.update", chosen, body.0.patch, body.0.dry_run)
            .await
    }
}

/// Editing patches.
pub(super) struct Patches;

#[OpenApi(prefix_path = "/patches", tag = Tag::Patches)]
impl Patches {
    /// Create
    #[oai(path = "/", method = "post", operation_id = "create_patch")]
    async fn create(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<NewPatch>,
    ) -> Answer<Patch, 201> {
        let made = patches::create(&core, &caller.0, body.0).await?;
        Ok(written(&made)?.with_location(&format!("/api/v1/patches/{}", made.id))?)
    }

    /// Change
    #[oai(path = "/:id", method = "patch", operation_id = "update_patch")]
    async fn update(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: MergeBody<PatchPatch>,
    ) -> Answer<Patch> {
        Ok(written(&patches::update(&core, &caller.0, reference(&id), condition.0, body.0).await?)?)
    }

    /// Remove
    #[oai(path = "/:id", method = "delete", operation_id = "delete_patch")]
    async fn delete(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Result<NoContent, Problem> {
        patches::delete(&core, &caller.0, reference(&id), condition.0).await?;
        Ok(NoContent::default())
    }
}
