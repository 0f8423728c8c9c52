//! Deciding: about findings, about which ids are the same vulnerability, and about imports
//! that were held back.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use serde::Serialize;

use super::Tag;
use super::common::{Answer, created, reference, written};
use crate::domain::change::Change;
use crate::domain::decision::{Decision, DecisionPatch, NewDecision};
use crate::domain::vulnerability::Vulnerability;
use crate::http::auth::Caller;
use crate::http::params::IfMatch;
use crate::http::{Body, MergeBody, Reply};
use crate::services::{Core, aliases, decisions, undo};

/// What a decision would do.
#[derive(Debug, Serialize, Object)]
pub struct DecisionPreview {
    /// The decision as it would be stored; its number is 0.
    pub decision: Decision,
    /// How many findings it applies to.
    pub matched: u64,
    /// How many of them would change.
    pub changed: u64,
    /// The numbers of the first hundred that it applies to.
    pub findings: Vec<u64>,
}

/// Deciding about findings.
pub(super) struct Decisions;

#[OpenApi(prefix_path = "/decisions", tag = Tag::Decisions)]
impl Decisions {
    /// Decide
    ///
    /// Findings that it applies to follow at once, and those that come later too.
    #[oai(path = "/", method = "post", operation_id = "create_decision")]
    async fn create(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<NewDecision>,
    ) -> Answer<Decision, 201> {
        Ok(created(&decisions::create(&core, &caller.0, body.0).await?)?)
    }

    /// Preview a decision
    ///
    /// Says how many findings it applies to; nothing is stored.
    #[oai(path = "/preview", method = "post", operation_id = "preview_decision")]
    async fn preview(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<NewDecision>,
    ) -> Answer<DecisionPreview> {
        let preview = decisions::preview(&core, &caller.0, body.0).await?;
        Ok(Reply::new(&DecisionPreview {
            decision: preview.decision,
            matched: preview.matched,
            changed: preview.changed,
            findings: preview.findings,
        })?)
    }

    /// Change
    ///
    /// Reason, expiry, compensating control, justification. A new expiry makes an expired
    /// decision hold again.
    #[oai(path = "/:id", method = "patch", operation_id = "update_decision")]
    async fn update(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: MergeBody<DecisionPatch>,
    ) -> Answer<Decision> {
        let id = reference(&id);
        Ok(written(&decisions::update(&core, &caller.0, id, condition.0, body.0).await?)?)
    }

    /// Revoke
    ///
    /// Findings that only it kept closed are open again. The decision is kept as a record.
    #[oai(path = "/:id/revoke", method = "post", operation_id = "revoke_decision")]
    async fn revoke(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Answer<Decision> {
        let id = reference(&id);
        Ok(written(&decisions::revoke(&core, &caller.0, id, condition.0).await?)?)
    }
}

/// Ids of a vulnerability.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct AliasIds {
    /// Advisory ids.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub ids: Vec<String>,
}

/// Deciding which ids are the same vulnerability.
pub(super) struct Aliases;

#[OpenApi(prefix_path = "/vulnerabilities", tag = Tag::Vulnerabilities)]
impl Aliases {
    /// Join ids
    ///
    /// These ids are the same vulnerability: records that have them become one, with their
    /// findings and decisions. Two CVE ids are never joined.
    #[oai(path = "/:id/join", method = "post", operation_id = "join_vulnerability")]
    async fn join(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: Body<AliasIds>,
    ) -> Answer<Vulnerability> {
        let id = reference(&id);
        Ok(written(&aliases::join(&core, &caller.0, id, condition.0, body.0.ids).await?)?)
    }

    /// Part ids
    ///
    /// These ids are another vulnerability: they become a record of their own, with the
    /// findings that scanners reported under them, and are not joined again by imports.
    #[oai(path = "/:id/part", method = "post", operation_id = "part_vulnerability")]
    async fn part(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: Body<AliasIds>,
    ) -> Answer<Vulnerability, 201> {
        let id = reference(&id);
        Ok(created(&aliases::part(&core, &caller.0, id, condition.0, body.0.ids).await?)?)
    }
}

/// Undoing bulk edits.
pub(super) struct Changes;

#[OpenApi(prefix_path = "/changes", tag = Tag::Changes)]
impl Changes {
    /// Undo
    ///
    /// Puts back what a bulk edit replaced: all of it, or nothing if any of the records has
    /// changed since (409, with the first of them). An import is reverted instead.
    #[oai(path = "/:id/undo", method = "post", operation_id = "undo_change")]
    async fn undo(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Answer<Change> {
        let id = reference(&id);
        Ok(written(&undo::undo(&core, &caller.0, id, condition.0).await?)?)
    }
}
