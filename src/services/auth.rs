//! Who is it? Log-in, sessions, and recognising a cookie or token.

use super::audit::{self, Entry};
use super::context::Credential as By;
use super::core::AddressFailures;
use super::passwords::{random_secret, same, sha256_hex};
use super::{Actor, Core, Ctx};
use crate::base::secret::Secret;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::audit::ActorType;
use crate::domain::user::{ApiToken, Credential, Session, TokenSecret, User};
use crate::store::{Direction, Read, Tx};

/// What begins a token; makes leaked ones easy to find.
pub const TOKEN_PREFIX: &str = "vz_";

/// A session that has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// Whose.
    pub user: User,
    /// What goes into the cookie.
    pub secret: Secret,
    /// What unsafe requests must carry.
    pub csrf_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Logs in with name and password. Wrong names take as long as wrong passwords; failures
/// pause the account and the address.
pub async fn log_in(
    core: &Core,
    ctx: &Ctx,
    username: &str,
    password: Secret,
) -> Result<NewSession> {
    let now = core.now();
    refuse_locked_address(core, ctx, now)?;
    let username = username.trim().to_lowercase();
    let (user, credential) = look_up(core, &username)?;
    if let Some(seconds) = credential.as_ref().and_then(|c| c.locked_for_s(now)) {
        return Err(locked(seconds));
    }
    let hash = credential.as_ref().map(|c| c.password_hash.clone());
    let matches = core.hasher.verify(password, hash).await?;
    match user.filter(|u| matches && u.is_active) {
        Some(user) => {
            core.addresses.invalidate(address(ctx));
            begin(core, ctx, user, "auth.login").await
        }
        None => Err(note_failure(core, ctx, username, credential.map(|c| c.id)).await?),
    }
}

fn look_up(core: &Core, username: &str) -> Result<(Option<User>, Option<Credential>)> {
    let snapshot = core.store.read()?;
    let user: Option<User> = snapshot.find_by("idx_users_username", &[username.into()])?;
    let credential = match &user {
        Some(user) => snapshot.find_by("idx_credentials_user_id", &[user.id.into()])?,
        None => None,
    };
    Ok((user, credential))
}

fn address(ctx: &Ctx) -> &str {
    ctx.address.as_deref().unwrap_or("unknown")
}

fn locked(seconds: u64) -> Error {
    Error::new(Code::TooManyRequests, format!("too many failed log-ins; try again in {seconds} s"))
        .with_retry_after(seconds)
}

fn refuse_locked_address(core: &Core, ctx: &Ctx, now: Timestamp) -> Result<()> {
    let failures = core.addresses.get(address(ctx)).unwrap_or_default();
    match failures.locked_until {
        Some(until) if until > now => Err(locked(until.seconds_since(now).max(1) as u64)),
        _ => Ok(()),
    }
}

/// An address gets four times the failures of an account: several people may share it.
const ADDRESS_FACTOR: u64 = 4;

async fn note_failure(
    core: &Core,
    ctx: &Ctx,
    username: String,
    credential: Option<u64>,
) -> Result<Error> {
    let (allowed, pause) = (core.options.lockout_failures, core.options.lockout_s);
    let now = core.now();
    core.addresses.entry_by_ref(address(ctx)).and_upsert_with(|entry| {
        let count = entry.map_or(0, |e| e.into_value().count) + 1;
        let over = count.checked_sub(allowed * ADDRESS_FACTOR);
        let locked_until = over.map(|n| now.plus_seconds((pause << n.min(12)).min(3600) as i64));
        AddressFailures { count, locked_until }
    });
    let ctx = ctx.clone();
    core.store
        .write("auth.failure", move |tx| {
            let mut locked_s = None;
            if let Some(id) = credential {
                let mut credential: Credential = tx.require(id)?;
                credential.fail(allowed, pause, tx.now());
                locked_s = credential.locked_for_s(tx.now());
                tx.update(credential)?;
            }
            let who = clip(&username);
            let detail = match locked_s {
                Some(s) => format!("log-in as '{who}' failed; the account pauses for {s} s"),
                None => format!("log-in as '{who}' failed"),
            };
            audit::record(tx, &ctx, Entry::new("auth.login").failed().detail(detail))?;
            Ok(())
        })
        .await?;
    Ok(Error::new(Code::BadCredentials, ""))
}

fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(64)]
}

/// Begins a session.
pub async fn begin(core: &Core, ctx: &Ctx, user: User, verb: &'static str) -> Result<NewSession> {
    let (secret, csrf) = (random_secret()?, random_secret()?);
    let (hash, csrf) = (sha256_hex(secret.expose().as_bytes()), csrf.expose().to_owned());
    let lifetime = core.options.session_s;
    let mut ctx = ctx.clone();
    ctx.actor = Actor {
        kind: ActorType::User,
        user_id: Some(user.id),
        name: user.username.clone(),
        ..ctx.actor
    };
    let session = core
        .store
        .write(verb, move |tx| {
            let now = tx.now();
            let user: User = tx.require(user.id)?;
            forget_failures(tx, user.id)?;
            let user = tx.update(User { last_login_at: Some(now), ..user })?;
            let session = tx.insert(Session {
                hash: hash.clone(),
                user_id: user.id,
                csrf_token: csrf.clone(),
                expires_at: now.plus_seconds(lifetime),
                last_used_at: now,
                ..Session::default()
            })?;
            audit::record(tx, &ctx, Entry::new("auth.login").on::<User>(user.id, &user.username))?;
            Ok((user, session))
        })
        .await?;
    Ok(NewSession {
        user: session.0,
        secret,
        csrf_token: session.1.csrf_token,
        expires_at: session.1.expires_at,
    })
}

fn forget_failures(tx: &mut Tx<'_>, user_id: u64) -> Result<()> {
    let credential: Option<Credential> =
        tx.find_by("idx_credentials_user_id", &[user_id.into()])?;
    if let Some(credential) = credential.filter(|c| c.failures > 0) {
        tx.update(Credential { failures: 0, locked_until: None, ..credential })?;
    }
    Ok(())
}

/// Ends the session of this context; a token is not a session.
pub async fn log_out(core: &Core, ctx: &Ctx) -> Result<()> {
    let By::Session { id, .. } = ctx.actor.credential else {
        return Err(Error::new(
            Code::Conflict,
            "only a session can be ended; revoke a token instead",
        ));
    };
    let ctx = ctx.clone();
    core.store
        .write("auth.logout", move |tx| {
            if tx.find::<Session>(id)?.is_some() {
                tx.delete::<Session>(id)?;
            }
            audit::record(tx, &ctx, Entry::new("auth.logout"))?;
            Ok(())
        })
        .await
}

/// The actor behind a session cookie.
pub fn by_session(core: &Core, secret: &str) -> Result<Option<Actor>> {
    let hash = sha256_hex(secret.as_bytes());
    let snapshot = core.store.read()?;
    let now = core.now();
    let Some(session) = snapshot.find_by::<Session>("idx_sessions_hash", &[Value::Text(hash)])?
    else {
        return Ok(None);
    };
    let idle_end = session.last_used_at.plus_seconds(core.options.session_idle_s);
    if session.expires_at <= now || idle_end <= now {
        return Ok(None);
    }
    let Some(user) = snapshot.find::<User>(session.user_id)?.filter(|u| u.is_active) else {
        return Ok(None);
    };
    if now.seconds_since(session.last_used_at) >= USED_S {
        note_use(core, Used::Session(session.id));
    }
    let credential = By::Session {
        id: session.id,
        csrf_token: session.csrf_token,
        expires_at: session.expires_at,
    };
    Ok(Some(Actor {
        kind: ActorType::User,
        user_id: Some(user.id),
        name: user.username,
        role: Some(user.role),
        credential,
    }))
}

/// The actor behind an API token; it may do at most what its owner may.
pub fn by_token(core: &Core, secret: &str) -> Result<Option<Actor>> {
    if core.local_token.get().is_some_and(|local| same(local.expose(), secret)) {
        return Ok(Some(Ctx::cli().actor));
    }
    let hash = sha256_hex(secret.as_bytes());
    let snapshot = core.store.read()?;
    let now = core.now();
    let Some(found) =
        snapshot.find_by::<TokenSecret>("idx_token_secrets_hash", &[Value::Text(hash)])?
    else {
        return Ok(None);
    };
    let Some(token) = snapshot.find::<ApiToken>(found.token_id)?.filter(|t| t.is_valid(now)) else {
        return Ok(None);
    };
    let role = if token.user_id == 0 {
        token.role
    } else {
        match snapshot.find::<User>(token.user_id)?.filter(|u| u.is_active) {
            Some(user) => user.role.min(token.role),
            None => return Ok(None),
        }
    };
    if token.last_used_at.is_none_or(|t| now.seconds_since(t) >= USED_S) {
        note_use(core, Used::Token(token.id));
    }
    let name = format!("{} ({})", token.username, token.name);
    let user_id = (token.user_id != 0).then_some(token.user_id);
    let credential = By::Token { id: token.id };
    Ok(Some(Actor { kind: ActorType::Token, user_id, name, role: Some(role), credential }))
}

use crate::base::record::Value;

/// "Last used" is kept to the minute: writing it with every request would make each read
/// a write.
const USED_S: i64 = 60;

enum Used {
    Session(u64),
    Token(u64),
}

/// Notes the use in the background; a lost note costs nothing.
fn note_use(core: &Core, used: Used) {
    let store = core.store.clone();
    tokio::spawn(async move {
        let noted = store
            .write("auth.used", move |tx| {
                let now = tx.now();
                match used {
                    Used::Session(id) => {
                        if let Some(session) = tx.find::<Session>(id)? {
                            tx.touch(&Session { last_used_at: now, ..session })?;
                        }
                    }
                    Used::Token(id) => {
                        if let Some(token) = tx.find::<ApiToken>(id)? {
                            tx.touch(&ApiToken { last_used_at: Some(now), ..token })?;
                        }
                    }
                }
                Ok(())
            })
            .await;
        if let Err(e) = noted {
            tracing::debug!(error = %e.chain(), "could not note the use of a credential");
        }
    });
}

/// Removes sessions that have ended; a periodic task.
pub async fn sweep(core: &Core) -> Result<usize> {
    let idle = core.options.session_idle_s;
    core.store
        .write("auth.sweep", move |tx| {
            let now = tx.now();
            let mut removed = 0;
            for id in
                tx.ids_under::<Session>("idx_sessions_expires_at", &[], Direction::Forward, 1000)?
            {
                let session: Session = tx.require(id)?;
                if session.expires_at <= now || session.last_used_at.plus_seconds(idle) <= now {
                    tx.delete::<Session>(id)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
}
