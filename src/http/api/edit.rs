//! Creating, changing and removing what people may create, change and remove.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, param::Query};
use std::collections::BTreeMap;

use super::Tag;
use super::common::{Answer, BulkReport, Ref, created, reference, written};
use crate::base::record::Record;
use crate::base::{Error, Result as BaseResult};
use crate::domain::asset::{Asset, AssetPatch, NewAsset};
use crate::domain::finding::{Finding, FindingPatch};
use crate::domain::mapping::{MappingPatch, NewMapping, SavedMapping};
use crate::domain::patch::{NewPatch, Patch, PatchPatch};
use crate::domain::vulnerability::{NewVulnerability, Vulnerability, VulnerabilityPatch};
use crate::http::auth::Caller;
use crate::http::params::IfMatch;
use crate::http::{Body, MergeBody, NoContent, Problem, Reply};
use crate::services::bulk::{self, BulkEdit, Mode, Selection};
use crate::services::query;
use crate::services::{Core, assets, findings, mappings, patches, vulnerabilities};

/// Filters of a bulk edit: as in the query string of a list, `{"severity": "low,info"}`.
type FilterMap = BTreeMap<String, String>;

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

fn mode(dry_run: Option<bool>, atomic: Option<bool>) -> Mode {
    match (dry_run, atomic) {
        (Some(true), _) => Mode::Rehearse,
        (_, Some(false)) => Mode::Each,
        (_, None | Some(true)) => Mode::Whole,
    }
}

async fn run_bulk<R: BulkEdit>(
    core: &Core,
    caller: &Caller,
    verb: &'static str,
    selection: Selection,
    patch: R::Patch,
    mode: Mode,
) -> Answer<BulkReport> {
    let done = bulk::edit::<R>(core, &caller.0, verb, selection, patch, mode).await?;
    Ok(Reply::new(&BulkReport::new(done, mode == Mode::Rehearse))?)
}

/// Declares the editing operations of a resource: those that it has, in this order, each
/// with its name in the description; all of them call the functions of one service.
macro_rules! editable {
    (
        $(#[$about:meta])*
        $api:ident of $record:ty, $service:ident, $tag:expr, $prefix:literal;
        $(create $create:literal $new:ty;)?
        $(#[$update_about:meta])*
        update $update:literal $patch:ty;
        $(#[$delete_about:meta])*
        delete $delete:literal $($force:ident)?;
        $(bulk $bulk:literal $request:ident $verb:literal;)?
    ) => {
        $(
            /// A change to many records: give `ids` or `filter`, not both.
            #[derive(Debug, Object)]
            #[oai(deny_unknown_fields)]
            pub struct $request {
                /// Numbers or natural keys.
                #[oai(validator(min_items = 1, max_items = 10000))]
                pub ids: Option<Vec<Ref>>,
                /// Filters as in a list's query string; all must hold. An empty object is all.
                pub filter: Option<FilterMap>,
                /// The change, as in PATCH.
                pub patch: $patch,
                /// Only say what would happen.
                pub dry_run: Option<bool>,
                /// True, if absent: all or nothing, with one audit entry, to be undone as
                /// one. False: each record for itself.
                pub atomic: Option<bool>,
            }
        )?

        $(#[$about])*
        pub(super) struct $api;

        #[OpenApi(prefix_path = $prefix, tag = $tag)]
        impl $api {
            $(
                /// Create
                #[oai(path = "/", method = "post", operation_id = $create)]
                async fn create(
                    &self,
                    core: Data<&Core>,
                    caller: Caller,
                    body: Body<$new>,
                ) -> Answer<$record, 201> {
                    Ok(created(&$service::create(&core, &caller.0, body.0).await?)?)
                }
            )?

            $(#[$update_about])*
            #[oai(path = "/:id", method = "patch", operation_id = $update)]
            async fn update(
                &self,
                core: Data<&Core>,
                caller: Caller,
                condition: IfMatch,
                id: Path<String>,
                body: MergeBody<$patch>,
            ) -> Answer<$record> {
                let (id, patch) = (reference(&id), body.0);
                let changed = $service::update(&core, &caller.0, id, condition.0, patch).await?;
                Ok(written(&changed)?)
            }

            $(#[$delete_about])*
            #[oai(path = "/:id", method = "delete", operation_id = $delete)]
            async fn delete(
                &self,
                core: Data<&Core>,
                caller: Caller,
                condition: IfMatch,
                id: Path<String>,
                $($force: Query<Option<bool>>,)?
            ) -> Result<NoContent, Problem> {
                let id = reference(&id);
                $(let $force = $force.0.unwrap_or(false);)?
                $service::delete(&core, &caller.0, id, condition.0 $(, $force)?).await?;
                Ok(NoContent::default())
            }

            $(
                /// Change many
                ///
                /// All or nothing, unless `atomic` is false.
                #[oai(path = "/bulk", method = "post", operation_id = $bulk)]
                async fn bulk(
                    &self,
                    core: Data<&Core>,
                    caller: Caller,
                    body: Body<$request>,
                ) -> Answer<BulkReport> {
                    let $request { ids, filter, patch, dry_run, atomic } = body.0;
                    let chosen = selection::<$record>(ids, filter)?;
                    let mode = mode(dry_run, atomic);
                    run_bulk::<$record>(&core, &caller, $verb, chosen, patch, mode).await
                }
            )?
        }
    };
}

editable! {
    /// Editing findings.
    Findings of Finding, findings, Tag::Findings, "/findings";
    /// Change
    ///
    /// Status, reason, assignee, due date, notes. `If-Match` guards against overwriting.
    update "update_finding" FindingPatch;
    /// Remove
    ///
    /// Administrators only; the next import may bring it back as a new finding.
    delete "delete_finding";
    bulk "bulk_update_findings" FindingBulk "findings.update";
}

editable! {
    /// Editing vulnerabilities.
    Vulnerabilities of Vulnerability, vulnerabilities, Tag::Vulnerabilities, "/vulnerabilities";
    create "create_vulnerability" NewVulnerability;
    /// Change
    ///
    /// Allowed changes of `status` follow its life cycle; others answer 409.
    update "update_vulnerability" VulnerabilityPatch;
    /// Remove
    ///
    /// With its findings. Refused while some are open, unless `force=true`.
    delete "delete_vulnerability" force;
    bulk "bulk_update_vulnerabilities" VulnerabilityBulk "vulnerabilities.update";
}

editable! {
    /// Editing assets.
    Assets of Asset, assets, Tag::Assets, "/assets";
    create "create_asset" NewAsset;
    /// Change
    ///
    /// A new criticality rescores the asset's findings.
    update "update_asset" AssetPatch;
    /// Remove
    ///
    /// With its findings. Refused while some are open, unless `force=true`.
    delete "delete_asset" force;
    bulk "bulk_update_assets" AssetBulk "assets.update";
}

editable! {
    /// Editing patches.
    Patches of Patch, patches, Tag::Patches, "/patches";
    create "create_patch" NewPatch;
    /// Change
    update "update_patch" PatchPatch;
    /// Remove
    delete "delete_patch";
}

editable! {
    /// Editing mappings.
    Mappings of SavedMapping, mappings, Tag::Mappings, "/mappings";
    create "create_mapping" NewMapping;
    /// Change
    ///
    /// Imports that come from now on follow it.
    update "update_mapping" MappingPatch;
    /// Remove
    delete "delete_mapping";
}
