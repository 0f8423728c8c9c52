//! Rules and SLA policies: making, changing, ordering, removing, and what they would do.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, param::Query};
use serde::Serialize;

use super::Tag;
use super::common::{Answer, created, reference, written};
use crate::base::Timestamp;
use crate::domain::finding::Finding;
use crate::domain::rule::{NewRule, Rule, RulePatch};
use crate::domain::severity::{Severity, SeverityCounts};
use crate::domain::sla::{NewSlaPolicy, SlaPolicy, SlaPolicyPatch};
use crate::domain::status::FindingStatus;
use crate::http::auth::Caller;
use crate::http::params::IfMatch;
use crate::http::{Body, MergeBody, NoContent, Problem, Reply};
use crate::services::policies::{self, Draft, Preview, Sample};
use crate::services::{Core, rules};

/// An order: all numbers, first to last.
#[derive(Debug, Serialize, Object)]
#[oai(deny_unknown_fields)]
pub struct PolicyOrder {
    /// Each number once.
    #[oai(validator(max_items = 1000))]
    pub ids: Vec<u64>,
}

/// What can change on a finding.
#[derive(Debug, Serialize, Object)]
pub struct PolicyEffect {
    /// Where it stands.
    pub status: FindingStatus,
    /// By when it should be fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Open although that time is over.
    pub overdue: bool,
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl From<&Finding> for PolicyEffect {
    fn from(finding: &Finding) -> Self {
        Self {
            status: finding.status,
            due_at: finding.due_at,
            overdue: finding.overdue,
            assigned_to: finding.assigned_to.clone(),
            notes: finding.notes.clone(),
        }
    }
}

/// A finding in a preview.
#[derive(Debug, Serialize, Object)]
pub struct PolicySample {
    /// Number of the finding.
    pub finding_id: u64,
    /// The vulnerability.
    pub cve_id: String,
    /// The asset.
    pub asset: String,
    /// The package.
    pub component: String,
    /// Rating.
    pub severity: Severity,
    /// Whether it is meant; else it was, and would be no longer, or something else follows.
    pub matched: bool,
    /// As it is.
    pub before: PolicyEffect,
    /// As it would be.
    pub after: PolicyEffect,
}

impl From<&Sample> for PolicySample {
    fn from(sample: &Sample) -> Self {
        let finding = &sample.before;
        Self {
            finding_id: finding.id,
            cve_id: finding.cve_id.clone(),
            asset: finding.asset.clone(),
            component: finding.component.name.clone(),
            severity: finding.severity,
            matched: sample.matched,
            before: finding.into(),
            after: (&sample.after).into(),
        }
    }
}

/// What a rule or a policy would do. Fixed findings are left out.
#[derive(Debug, Serialize, Object)]
pub struct PolicyPreview {
    /// Findings that are meant.
    pub matched: u64,
    /// Those, by severity.
    pub by_severity: SeverityCounts,
    /// Findings that would change, also such as are no longer meant.
    pub changed: u64,
    /// Those of them that would have another due date, or none.
    pub due_changed: u64,
    /// Those that would be overdue, and are not.
    pub newly_overdue: u64,
    /// Those that are overdue, and would not be.
    pub no_longer_overdue: u64,
    /// Findings that were looked at.
    pub examined: u64,
    /// False: there are more that may be meant, so all numbers are lower bounds.
    pub complete: bool,
    /// Up to twenty that are meant or would change, newest first.
    pub sample: Vec<PolicySample>,
}

impl From<Preview> for PolicyPreview {
    fn from(p: Preview) -> Self {
        Self {
            matched: p.matched,
            by_severity: p.by_severity,
            changed: p.changed,
            due_changed: p.due_changed,
            newly_overdue: p.newly_overdue,
            no_longer_overdue: p.no_longer_overdue,
            examined: p.examined,
            complete: p.complete,
            sample: p.sample.iter().map(PolicySample::from).collect(),
        }
    }
}

/// Declares what can be done with rules or policies, beside reading them.
macro_rules! policies {
    (
        $(#[$about:meta])*
        $api:ident of $record:ty, $prefix:literal;
        $create:literal $new:ty; $update:literal $patch:ty; $delete:literal; $order:literal;
        $preview:literal $kind:ident;
    ) => {
        $(#[$about])*
        pub(super) struct $api;

        #[OpenApi(prefix_path = $prefix, tag = Tag::Rules)]
        impl $api {
            /// Create
            ///
            /// It goes behind the others. Findings follow by a job.
            #[oai(path = "/", method = "post", operation_id = $create)]
            async fn create(
                &self,
                core: Data<&Core>,
                caller: Caller,
                body: Body<$new>,
            ) -> Answer<$record, 201> {
                Ok(created(&rules::create::<$record>(&core, &caller.0, body.0).await?)?)
            }

            /// Preview
            ///
            /// Says which findings it would mean and what would change; nothing is stored.
            /// Looks at 10,000 findings at most, and says if there are more.
            #[oai(path = "/preview", method = "post", operation_id = $preview)]
            async fn preview(
                &self,
                core: Data<&Core>,
                caller: Caller,
                /// Number of the stored one whose place it would take; absent: it is new.
                #[oai(validator(minimum(value = "1"), maximum(value = "4294967295")))]
                id: Query<Option<u64>>,
                body: Body<$new>,
            ) -> Answer<PolicyPreview> {
                let record = rules::draft::<$record>(&core, &caller.0, id.0, body.0)?;
                let draft = Draft::$kind(Box::new(record));
                let preview = policies::preview(&core, &caller.0, draft).await?;
                Ok(Reply::new(&PolicyPreview::from(preview))?)
            }

            /// Order
            ///
            /// All numbers, first to last. Findings follow by a job.
            #[oai(path = "/order", method = "post", operation_id = $order)]
            async fn order(
                &self,
                core: Data<&Core>,
                caller: Caller,
                body: Body<PolicyOrder>,
            ) -> Answer<PolicyOrder> {
                let ids = rules::reorder::<$record>(&core, &caller.0, body.0.ids).await?;
                Ok(Reply::new(&PolicyOrder { ids })?)
            }

            /// Change
            ///
            /// Findings follow by a job.
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
                let changed =
                    rules::update::<$record>(&core, &caller.0, id, condition.0, patch).await?;
                Ok(written(&changed)?)
            }

            /// Remove
            ///
            /// What it has set is taken back by a job.
            #[oai(path = "/:id", method = "delete", operation_id = $delete)]
            async fn delete(
                &self,
                core: Data<&Core>,
                caller: Caller,
                condition: IfMatch,
                id: Path<String>,
            ) -> Result<NoContent, Problem> {
                let id = reference(&id);
                rules::delete::<$record>(&core, &caller.0, id, condition.0).await?;
                Ok(NoContent::default())
            }
        }
    };
}

policies! {
    /// Editing rules.
    Rules of Rule, "/rules";
    "create_rule" NewRule; "update_rule" RulePatch; "delete_rule"; "order_rules";
    "preview_rule" Rule;
}

policies! {
    /// Editing SLA policies.
    SlaPolicies of SlaPolicy, "/sla-policies";
    "create_sla_policy" NewSlaPolicy; "update_sla_policy" SlaPolicyPatch; "delete_sla_policy";
    "order_sla_policies";
    "preview_sla_policy" Policy;
}
