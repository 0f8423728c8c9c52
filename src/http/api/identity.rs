//! One asset under many names: rules, their rehearsal, joining and parting by hand.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use serde::Serialize;

use super::Tag;
use super::common::{Ref, created, reference, written};
use crate::domain::asset::Asset;
use crate::domain::identity::Rule;
use crate::http::auth::Caller;
use crate::http::params::IfMatch;
use crate::http::{Body, Problem, Reply};
use crate::services::Core;
use crate::services::identity::{self, Moved, Twin};

/// Rules by which reports find their asset.
#[derive(Debug, Serialize, Object)]
#[oai(deny_unknown_fields)]
pub struct IdentityRules {
    /// In their order. A kind that is not named is not used.
    #[oai(validator(max_items = 32))]
    pub rules: Vec<Rule>,
}

/// What rules would have taken for one.
#[derive(Debug, Serialize, Object)]
pub struct IdentityRehearsal {
    /// Assets that share a name; at most a thousand.
    pub twins: Vec<Twin>,
}

/// The rules.
pub(super) struct Rules;

#[OpenApi(prefix_path = "/identity-rules", tag = Tag::Assets)]
impl Rules {
    /// The identity rules
    #[oai(path = "/", method = "get", operation_id = "get_identity_rules")]
    async fn get(
        &self,
        core: Data<&Core>,
        caller: Caller,
    ) -> Result<Reply<IdentityRules>, Problem> {
        let rules = identity::get_rules(&core, &caller.0)?;
        Ok(Reply::new(&IdentityRules { rules })?)
    }

    /// Replace the identity rules
    ///
    /// Reports that come from now on follow them; what is stored stays as it is.
    #[oai(path = "/", method = "put", operation_id = "set_identity_rules")]
    async fn set(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<IdentityRules>,
    ) -> Result<Reply<IdentityRules>, Problem> {
        let rules = identity::set_rules(&core, &caller.0, body.0.rules).await?;
        Ok(Reply::new(&IdentityRules { rules })?)
    }

    /// Rehearse identity rules
    ///
    /// Says which assets share a name of the kinds that these rules enable. Nothing is
    /// changed; join them if they are one.
    #[oai(path = "/rehearse", method = "post", operation_id = "rehearse_identity_rules")]
    async fn rehearse(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<IdentityRules>,
    ) -> Result<Reply<IdentityRehearsal>, Problem> {
        let twins = identity::rehearse(&core, &caller.0, &body.0.rules)?;
        Ok(Reply::new(&IdentityRehearsal { twins })?)
    }
}

/// Which asset is the same.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct AssetJoin {
    /// Number or natural key of the asset that becomes a part.
    pub asset: Ref,
}

/// Which names are another asset's.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct AssetPart {
    /// Values of the asset's other names; the first becomes the new asset's natural key.
    #[oai(validator(min_items = 1, max_items = 200))]
    pub names: Vec<String>,
}

/// What joining or parting assets would do.
#[derive(Debug, Serialize, Object)]
pub struct AssetMove {
    /// What would become of this asset.
    pub asset: Asset,
    /// The asset that the names would make, when parting; its number is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parted: Option<Asset>,
    /// How many findings would go over, whatever their status.
    pub findings: u64,
}

impl From<Moved> for AssetMove {
    fn from(moved: Moved) -> Self {
        let Moved { asset, parted, findings } = moved;
        Self { asset, parted, findings }
    }
}

/// Joining and parting.
pub(super) struct Identity;

#[OpenApi(prefix_path = "/assets", tag = Tag::Assets)]
impl Identity {
    /// Join assets
    ///
    /// The other asset becomes a part of this one: findings, decisions and names go along.
    #[oai(path = "/:id/join", method = "post", operation_id = "join_asset")]
    async fn join(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: Body<AssetJoin>,
    ) -> Result<Reply<Asset>, Problem> {
        let (id, other) = (reference(&id), body.0.asset.into());
        Ok(written(&identity::join(&core, &caller.0, id, condition.0, other).await?)?)
    }

    /// Preview a join
    ///
    /// Says what would become of the asset and how many findings would go along; nothing is
    /// stored.
    #[oai(path = "/:id/join/preview", method = "post", operation_id = "preview_join_asset")]
    async fn preview_join(
        &self,
        core: Data<&Core>,
        caller: Caller,
        id: Path<String>,
        body: Body<AssetJoin>,
    ) -> Result<Reply<AssetMove>, Problem> {
        let (id, other) = (reference(&id), body.0.asset.into());
        let moved = identity::preview_join(&core, &caller.0, id, other).await?;
        Ok(Reply::new(&AssetMove::from(moved))?)
    }

    /// Part an asset
    ///
    /// These names become an asset of their own, with the findings that scanners reported
    /// under them.
    #[oai(path = "/:id/part", method = "post", operation_id = "part_asset")]
    async fn part(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: Body<AssetPart>,
    ) -> Result<Reply<Asset, 201>, Problem> {
        let id = reference(&id);
        let part = identity::part(&core, &caller.0, id, condition.0, body.0.names).await?;
        Ok(created(&part)?)
    }

    /// Preview a parting
    ///
    /// Says what would be left, what would become an asset of its own, and how many findings
    /// would go there; nothing is stored.
    #[oai(path = "/:id/part/preview", method = "post", operation_id = "preview_part_asset")]
    async fn preview_part(
        &self,
        core: Data<&Core>,
        caller: Caller,
        id: Path<String>,
        body: Body<AssetPart>,
    ) -> Result<Reply<AssetMove>, Problem> {
        let id = reference(&id);
        let moved = identity::preview_part(&core, &caller.0, id, body.0.names).await?;
        Ok(Reply::new(&AssetMove::from(moved))?)
    }
}
