//! What every resource offers to readers: a list, one record, facets, many at once.

use poem::Request;
use poem::web::Data;
use poem_openapi::{OpenApi, param::Path};

use super::Tag;
use super::common::{self, Answer, Batch, BatchGet, FacetPage, Page};
use crate::domain::asset::Asset;
use crate::domain::audit::AuditLog;
use crate::domain::change::Change;
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::import::Import;
use crate::domain::job::Job;
use crate::domain::mapping::SavedMapping;
use crate::domain::package::Package;
use crate::domain::patch::Patch;
use crate::domain::rule::Rule;
use crate::domain::service::Service;
use crate::domain::sla::SlaPolicy;
use crate::domain::user::{ApiToken, Role, User};
use crate::domain::vulnerability::Vulnerability;
use crate::http::auth::Caller;
use crate::http::params::{FacetParams, ListParams};
use crate::http::{Body, Problem, Reply};
use crate::services::{Core, bulk, listing};

/// Declares the reading operations of a resource.
macro_rules! readable {
    ($api:ident, $record:ty, $role:expr, $tag:expr, $prefix:literal,
     $list:literal, $get:literal, $facets:literal, $batch:literal, $summary:literal) => {
        #[doc = $summary]
        pub(super) struct $api;

        #[OpenApi(prefix_path = $prefix, tag = $tag)]
        impl $api {
            /// List
            ///
            /// A page of records. Any filter may be given several values with commas between;
            /// all filters must hold.
            #[oai(path = "/", method = "get", operation_id = $list)]
            async fn list(
                &self,
                core: Data<&Core>,
                caller: Caller,
                params: ListParams<$record>,
            ) -> Answer<Page<$record>> {
                Ok(common::list(&core, &caller.0, $role, params)?)
            }

            /// Count by facets
            ///
            /// Exact counts per value, within the filters.
            #[oai(path = "/facets", method = "get", operation_id = $facets)]
            async fn facets(
                &self,
                core: Data<&Core>,
                caller: Caller,
                params: FacetParams<$record>,
            ) -> Answer<FacetPage> {
                let (total, counts) = listing::facets::<$record>(
                    &core,
                    &caller.0,
                    $role,
                    &params.fields,
                    &params.filters,
                )?;
                Ok(Reply::new(&common::facet_page(total, counts))?)
            }

            /// Get one
            ///
            /// By number, or by natural key where there is one.
            #[oai(path = "/:id", method = "get", operation_id = $get)]
            async fn get(
                &self,
                core: Data<&Core>,
                caller: Caller,
                req: &Request,
                /// Number or natural key.
                id: Path<String>,
            ) -> Answer<$record> {
                Ok(common::get(&core, &caller.0, $role, req.headers(), &id)?)
            }

            /// Get many
            ///
            /// Up to 10,000 records by number or natural key, read in steps of 100.
            #[oai(path = "/batch-get", method = "post", operation_id = $batch)]
            async fn batch_get(
                &self,
                core: Data<&Core>,
                caller: Caller,
                body: Body<BatchGet>,
            ) -> Answer<Batch<$record>> {
                caller.0.require($role).map_err(Problem::from)?;
                let references: Vec<_> = body.0.ids.into_iter().map(Into::into).collect();
                let (rows, missing) = bulk::get::<$record>(&core, &caller.0, &references)?;
                Ok(Reply::from_bytes(common::batch_json(&rows, &missing)?))
            }
        }
    };
}

readable!(
    Findings,
    Finding,
    Role::Viewer,
    Tag::Findings,
    "/findings",
    "list_findings",
    "get_finding",
    "count_findings",
    "batch_get_findings",
    "Reading findings."
);
readable!(
    Vulnerabilities,
    Vulnerability,
    Role::Viewer,
    Tag::Vulnerabilities,
    "/vulnerabilities",
    "list_vulnerabilities",
    "get_vulnerability",
    "count_vulnerabilities",
    "batch_get_vulnerabilities",
    "Reading vulnerabilities."
);
readable!(
    Assets,
    Asset,
    Role::Viewer,
    Tag::Assets,
    "/assets",
    "list_assets",
    "get_asset",
    "count_assets",
    "batch_get_assets",
    "Reading assets."
);
readable!(
    Decisions,
    Decision,
    Role::Viewer,
    Tag::Decisions,
    "/decisions",
    "list_decisions",
    "get_decision",
    "count_decisions",
    "batch_get_decisions",
    "Reading decisions."
);
readable!(
    Packages,
    Package,
    Role::Viewer,
    Tag::Packages,
    "/packages",
    "list_packages",
    "get_package",
    "count_packages",
    "batch_get_packages",
    "Reading packages."
);
readable!(
    Rules,
    Rule,
    Role::Viewer,
    Tag::Rules,
    "/rules",
    "list_rules",
    "get_rule",
    "count_rules",
    "batch_get_rules",
    "Reading rules."
);
readable!(
    SlaPolicies,
    SlaPolicy,
    Role::Viewer,
    Tag::Rules,
    "/sla-policies",
    "list_sla_policies",
    "get_sla_policy",
    "count_sla_policies",
    "batch_get_sla_policies",
    "Reading SLA policies."
);
readable!(
    Services,
    Service,
    Role::Viewer,
    Tag::Services,
    "/services",
    "list_services",
    "get_service",
    "count_services",
    "batch_get_services",
    "Reading open ports."
);
readable!(
    Mappings,
    SavedMapping,
    Role::Viewer,
    Tag::Mappings,
    "/mappings",
    "list_mappings",
    "get_mapping",
    "count_mappings",
    "batch_get_mappings",
    "Reading mappings."
);
readable!(
    Patches,
    Patch,
    Role::Viewer,
    Tag::Patches,
    "/patches",
    "list_patches",
    "get_patch",
    "count_patches",
    "batch_get_patches",
    "Reading patches."
);
readable!(
    Imports,
    Import,
    Role::Viewer,
    Tag::Imports,
    "/imports",
    "list_imports",
    "get_import",
    "count_imports",
    "batch_get_imports",
    "Reading imports."
);
readable!(
    Changes,
    Change,
    Role::Viewer,
    Tag::Changes,
    "/changes",
    "list_changes",
    "get_change",
    "count_changes",
    "batch_get_changes",
    "Reading changes that can be undone."
);
readable!(
    Jobs,
    Job,
    Role::Viewer,
    Tag::Jobs,
    "/jobs",
    "list_jobs",
    "get_job",
    "count_jobs",
    "batch_get_jobs",
    "Reading jobs."
);
readable!(
    Users,
    User,
    Role::Admin,
    Tag::Users,
    "/users",
    "list_users",
    "get_user",
    "count_users",
    "batch_get_users",
    "Reading accounts."
);
readable!(
    Tokens,
    ApiToken,
    Role::Viewer,
    Tag::Tokens,
    "/tokens",
    "list_tokens",
    "get_token",
    "count_tokens",
    "batch_get_tokens",
    "Reading tokens: one's own; all for administrators."
);
readable!(
    AuditLogs,
    AuditLog,
    Role::Admin,
    Tag::Audit,
    "/audit-logs",
    "list_audit_logs",
    "get_audit_log",
    "count_audit_logs",
    "batch_get_audit_logs",
    "Reading the audit log."
);
