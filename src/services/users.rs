//! Accounts: the first one, and those that administrators make.

use super::audit::{self, Entry};
use super::passwords::{self, same};
use super::{Core, Ctx, edit};
use crate::base::id::Reference;
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result};
use crate::domain::user::{
    ApiToken, Credential, NewUser, Role, Session, TokenSecret, User, UserPatch,
};
use crate::store::{Direction, Read, Source, Tx};

const CREDENTIAL: &str = "idx_credentials_user_id";

/// Whether the first account has yet to be made.
pub fn setup_needed(core: &Core) -> Result<bool> {
    use crate::base::record::Record as _;
    Ok(core.store.read()?.len(User::TABLE)? == 0)
}

/// An account by number.
pub fn find(core: &Core, id: u64) -> Result<Option<User>> {
    core.store.read()?.find(id)
}

/// Makes a new one-time token for the first account, if one is needed.
pub fn open_setup(core: &Core) -> Result<Option<Secret>> {
    let token = if setup_needed(core)? { Some(passwords::random_secret()?) } else { None };
    core.set_setup_token(token.clone());
    Ok(token)
}

/// Makes the first account, an administrator, for whoever has the token.
pub async fn set_up(
    core: &Core,
    ctx: &Ctx,
    token: &str,
    username: String,
    password: Secret,
) -> Result<User> {
    let wanted = core.setup_token().filter(|_| setup_needed(core).unwrap_or(false));
    let Some(wanted) = wanted else {
        return Err(Error::new(Code::Conflict, "the first account exists already; log in"));
    };
    if !same(wanted.expose(), token) {
        return Err(Error::new(
            Code::Forbidden,
            "this is not the set-up token that the server printed when it started",
        ));
    }
    let user = first(core, ctx, username, password).await?;
    core.set_setup_token(None);
    Ok(user)
}

/// Makes the first account without a token: for the process itself.
pub async fn first(core: &Core, ctx: &Ctx, username: String, password: Secret) -> Result<User> {
    passwords::check(password.expose())?;
    let hash = core.hasher.hash(password).await?;
    let ctx = ctx.clone();
    core.store
        .write("users.set_up", move |tx| {
            use crate::base::record::Record as _;
            if tx.meta("seq/users")?.is_some() || tx.len(User::TABLE)? > 0 {
                return Err(Error::new(Code::Conflict, "the first account exists already; log in"));
            }
            let user = User {
                username: username.to_lowercase(),
                role: Role::Admin,
                is_active: true,
                ..User::default()
            };
            insert(tx, &ctx, "users.set_up", user, &hash)
        })
        .await
}

/// Makes an account.
pub async fn create(core: &Core, ctx: &Ctx, new: NewUser) -> Result<User> {
    ctx.require(Role::Admin)?;
    passwords::check(&new.password)?;
    let hash = core.hasher.hash(Secret::new(new.password.clone())).await?;
    let ctx = ctx.clone();
    core.store
        .write("users.create", move |tx| {
            let user = User {
                username: new.username.to_lowercase(),
                full_name: new.full_name.clone(),
                email: new.email.clone(),
                role: new.role,
                is_active: true,
                ..User::default()
            };
            insert(tx, &ctx, "users.create", user, &hash)
        })
        .await
}

fn insert(tx: &mut Tx<'_>, ctx: &Ctx, verb: edit::Verb, user: User, hash: &str) -> Result<User> {
    let user = tx.insert(user)?;
    tx.insert(Credential {
        user_id: user.id,
        password_hash: hash.to_owned(),
        ..Credential::default()
    })?;
    audit::record(
        tx,
        ctx,
        Entry::new(verb).on::<User>(user.id, &user.username).changes(None, Some(&user))?,
    )?;
    Ok(user)
}

/// Changes an account; a new password or a lock-out ends its sessions.
pub async fn update(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    patch: UserPatch,
) -> Result<User> {
    ctx.require(Role::Admin)?;
    let hash = match &patch.password {
        Some(password) => {
            passwords::check(password)?;
            Some(core.hasher.hash(Secret::new(password.clone())).await?)
        }
        None => None,
    };
    let ctx = ctx.clone();
    core.store
        .write("users.update", move |tx| {
            let old: User = edit::current(tx, &reference, expected)?;
            let new = patch.apply(old.clone());
            if is_admin(&old) && !is_admin(&new) {
                refuse_last_admin(tx, old.id)?;
            }
            let new = edit::save(tx, &ctx, "users.update", &old, new)?;
            if let Some(hash) = &hash {
                set_password(tx, &ctx, &new, hash)?;
            }
            if hash.is_some() || !new.is_active {
                end_sessions(tx, new.id)?;
            }
            Ok(new)
        })
        .await
}

/// Removes an account with its sessions and tokens; not one's own, not the last
/// administrator.
pub async fn delete(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
) -> Result<()> {
    ctx.require(Role::Admin)?;
    let own = ctx.actor.user_id;
    edit::delete(core, ctx, "users.delete", reference, expected, move |tx, old: &User| {
        if own == Some(old.id) {
            return Err(Error::new(Code::Conflict, "an account cannot remove itself"));
        }
        if is_admin(old) {
            refuse_last_admin(tx, old.id)?;
        }
        end_sessions(tx, old.id)?;
        end_tokens(tx, old.id)?;
        if let Some(credential) = tx.find_by::<Credential>(CREDENTIAL, &[old.id.into()])? {
            tx.delete::<Credential>(credential.id)?;
        }
        Ok(())
    })
    .await
}

/// Changes one's own password; other sessions end.
pub async fn change_password(core: &Core, ctx: &Ctx, current: Secret, new: Secret) -> Result<()> {
    let user_id = ctx
        .actor
        .user_id
        .ok_or_else(|| Error::new(Code::Conflict, "only an account has a password"))?;
    passwords::check(new.expose())
        .map_err(|e| Error::field("/new", e.fields().first().map_or("", |f| &f.detail)))?;
    let credential = core.store.read()?.find_by::<Credential>(CREDENTIAL, &[user_id.into()])?;
    if !core.hasher.verify(current, credential.map(|c| c.password_hash)).await? {
        return Err(Error::field("/current", "this is not the current password"));
    }
    let hash = core.hasher.hash(new).await?;
    let ctx = ctx.clone();
    core.store
        .write("auth.password", move |tx| {
            let user: User = tx.require(user_id)?;
            set_password(tx, &ctx, &user, &hash)?;
            end_sessions(tx, user_id)
        })
        .await
}

fn set_password(tx: &mut Tx<'_>, ctx: &Ctx, user: &User, hash: &str) -> Result<()> {
    let old: Credential = tx
        .find_by::<Credential>(CREDENTIAL, &[user.id.into()])?
        .ok_or_else(|| Error::internal("an account has no credential"))?;
    tx.update(Credential {
        password_hash: hash.to_owned(),
        failures: 0,
        locked_until: None,
        ..old
    })?;
    audit::record(tx, ctx, Entry::new("auth.password").on::<User>(user.id, &user.username))?;
    Ok(())
}

/// Ends all sessions of a user.
pub fn end_sessions(tx: &mut Tx<'_>, user_id: u64) -> Result<()> {
    for id in tx.ids_under::<Session>(
        "idx_sessions_user_id",
        &[user_id.into()],
        Direction::Forward,
        usize::MAX,
    )? {
        tx.delete::<Session>(id)?;
    }
    Ok(())
}

fn end_tokens(tx: &mut Tx<'_>, user_id: u64) -> Result<()> {
    for id in tx.ids_under::<ApiToken>(
        "idx_api_tokens_user_id",
        &[user_id.into()],
        Direction::Forward,
        usize::MAX,
    )? {
        if let Some(secret) =
            tx.find_by::<TokenSecret>("idx_token_secrets_token_id", &[id.into()])?
        {
            tx.delete::<TokenSecret>(secret.id)?;
        }
        tx.delete::<ApiToken>(id)?;
    }
    Ok(())
}

fn is_admin(user: &User) -> bool {
    user.role == Role::Admin && user.is_active
}

fn refuse_last_admin(tx: &Tx<'_>, id: u64) -> Result<()> {
    let ids = tx.ids_under::<User>("idx_users_username", &[], Direction::Forward, usize::MAX)?;
    for other in ids.into_iter().filter(|other| *other != id) {
        if tx.find::<User>(other)?.is_some_and(|u| is_admin(&u)) {
            return Ok(());
        }
    }
    Err(Error::new(Code::Conflict, "this is the last active administrator"))
}
