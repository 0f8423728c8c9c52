//! API tokens: make, revoke. Only a hash is kept; the secret is shown once.

use super::audit::{self, Entry};
use super::auth::TOKEN_PREFIX;
use super::passwords::{random_secret, sha256_hex};
use super::{Core, Ctx, edit};
use crate::base::id::Reference;
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result};
use crate::domain::user::{ApiToken, NewToken, Role, TokenSecret};
use crate::store::Read;

/// Makes a token for the actor, with at most the actor's role. Returns it with its secret.
pub async fn create(core: &Core, ctx: &Ctx, new: NewToken) -> Result<(ApiToken, Secret)> {
    ctx.require(new.role)?;
    let secret = Secret::new(format!("{TOKEN_PREFIX}{}", random_secret()?.expose()));
    let hash = sha256_hex(secret.expose().as_bytes());
    let prefix = secret.expose()[..TOKEN_PREFIX.len() + 8].to_owned();
    let ctx = ctx.clone();
    let token = core
        .store
        .write("tokens.create", move |tx| {
            let now = tx.now();
            let token = tx.insert(ApiToken {
                name: new.name.clone(),
                prefix: prefix.clone(),
                role: new.role,
                user_id: ctx.actor.user_id.unwrap_or(0),
                username: ctx.actor.name.clone(),
                expires_at: new.expires_in_days.map(|d| now.plus_seconds(i64::from(d) * 86_400)),
                ..ApiToken::default()
            })?;
            tx.insert(TokenSecret {
                token_id: token.id,
                hash: hash.clone(),
                ..TokenSecret::default()
            })?;
            let entry = Entry::new("tokens.create")
                .on::<ApiToken>(token.id, &token.name)
                .changes(None, Some(&token))?;
            audit::record(tx, &ctx, entry)?;
            Ok(token)
        })
        .await?;
    Ok((token, secret))
}

/// Revokes a token: its owner's own, or any for an administrator. It stays in the list.
pub async fn revoke(core: &Core, ctx: &Ctx, reference: Reference) -> Result<()> {
    ctx.require(Role::Viewer)?;
    let ctx = ctx.clone();
    core.store
        .write("tokens.revoke", move |tx| {
            let old: ApiToken = edit::current(tx, &reference, None)?;
            see(&ctx, &old)?;
            if old.revoked_at.is_some() {
                return Err(Error::new(Code::Conflict, "the token is revoked already"));
            }
            if let Some(secret) =
                tx.find_by::<TokenSecret>("idx_token_secrets_token_id", &[old.id.into()])?
            {
                tx.delete::<TokenSecret>(secret.id)?;
            }
            let now = tx.now();
            edit::save(
                tx,
                &ctx,
                "tokens.revoke",
                &old,
                ApiToken { revoked_at: Some(now), ..old.clone() },
            )?;
            Ok(())
        })
        .await
}

/// Whether the actor may see this token at all; otherwise there is no such token.
pub fn see(ctx: &Ctx, token: &ApiToken) -> Result<()> {
    let own = ctx.actor.user_id.is_some_and(|id| id == token.user_id);
    if own || ctx.require(Role::Admin).is_ok() {
        return Ok(());
    }
    Err(Error::not_found("token", token.id))
}
