//! Accounts and API tokens.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use serde::Serialize;

use super::Tag;
use super::common::{created, reference, written};
use crate::domain::user::{ApiToken, NewToken, NewUser, User, UserPatch};
use crate::http::auth::Caller;
use crate::http::params::IfMatch;
use crate::http::{Body, MergeBody, NoContent, Problem, Reply};
use crate::services::{Core, tokens, users};

/// A token that was just made.
#[derive(Debug, Serialize, Object)]
pub struct MadeToken {
    /// The secret. It is shown this once.
    pub token: String,
    /// What is kept.
    pub api_token: ApiToken,
}

/// Accounts and tokens.
pub(super) struct Accounts;

#[OpenApi]
impl Accounts {
    /// Make an account
    #[oai(path = "/users", method = "post", operation_id = "create_user", tag = Tag::Users)]
    async fn create_user(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<NewUser>,
    ) -> Result<Reply<User, 201>, Problem> {
        Ok(created(&users::create(&core, &caller.0, body.0).await?)?)
    }

    /// Change an account
    ///
    /// A new password, or `is_active: false`, ends its sessions. The last active
    /// administrator stays one.
    #[oai(path = "/users/:id", method = "patch", operation_id = "update_user", tag = Tag::Users)]
    async fn update_user(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
        body: MergeBody<UserPatch>,
    ) -> Result<Reply<User>, Problem> {
        Ok(written(&users::update(&core, &caller.0, reference(&id), condition.0, body.0).await?)?)
    }

    /// Remove an account
    ///
    /// With its sessions and tokens. Not one's own, not the last active administrator.
    #[oai(path = "/users/:id", method = "delete", operation_id = "delete_user", tag = Tag::Users)]
    async fn delete_user(
        &self,
        core: Data<&Core>,
        caller: Caller,
        condition: IfMatch,
        id: Path<String>,
    ) -> Result<NoContent, Problem> {
        users::delete(&core, &caller.0, reference(&id), condition.0).await?;
        Ok(NoContent::default())
    }

    /// Make a token
    ///
    /// With at most one's own role. The secret is in this answer and nowhere else.
    #[oai(path = "/tokens", method = "post", operation_id = "create_token", tag = Tag::Tokens)]
    async fn create_token(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<NewToken>,
    ) -> Result<Reply<MadeToken, 201>, Problem> {
        let (api_token, secret) = tokens::create(&core, &caller.0, body.0).await?;
        let location = format!("/api/v1/tokens/{}", api_token.id);
        let made = MadeToken { token: secret.expose().to_owned(), api_token };
        Ok(Reply::new(&made)?.with_location(&location)?)
    }

    /// Revoke a token
    ///
    /// It stays in the list, marked as revoked.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "revoke_token", tag = Tag::Tokens)]
    async fn revoke_token(
        &self,
        core: Data<&Core>,
        caller: Caller,
        id: Path<String>,
    ) -> Result<NoContent, Problem> {
        tokens::revoke(&core, &caller.0, reference(&id)).await?;
        Ok(NoContent::default())
    }
}
