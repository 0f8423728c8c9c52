//! Doing a request once however often it is sent (`Idempotency-Key`, after the draft
//! `httpapi-idempotency-key-header`): the same key with the same request gives the same
//! import, with another request it is refused, and so it is while the first is coming in.

use super::NewImport;
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::idempotency::{IdempotencyKey, KEPT_S, KEY_BYTES};
use crate::domain::import::Import;
use crate::services::context::Credential;
use crate::services::passwords::sha256_hex;
use crate::services::{Core, Ctx};
use crate::store::{Direction, Read, Tx};

const BY_OWNER: &str = "idx_idempotency_keys_owner_key";
const BY_EXPIRY: &str = "idx_idempotency_keys_expires_at";
/// Keys forgotten per transaction.
const STEP: usize = 1000;

/// A request that came with a key, while it is coming in. One at a time; dropping it lets
/// the next one begin.
pub struct Once {
    core: Core,
    owner: String,
    key: String,
    kept_s: i64,
}

impl Once {
    /// Begins a request with this key; `409` if another with it is coming in.
    pub fn begin(core: &Core, ctx: &Ctx, key: &str) -> Result<Self> {
        check(key)?;
        Self::of(core, owner(ctx), key.to_owned(), KEPT_S)
    }

    /// The same for the server's own requests, with a time of its own, seconds.
    pub(super) fn of(core: &Core, owner: String, key: String, kept_s: i64) -> Result<Self> {
        let name = format!("{owner}\n{key}");
        if !core.receiving().insert(name) {
            let what = "a request with this Idempotency-Key is still being received";
            return Err(Error::new(Code::Conflict, what));
        }
        Ok(Self { core: core.clone(), owner, key, kept_s })
    }

    /// What a transaction needs to know of it; `asked` is the request.
    pub(super) fn asked(&self, new: &NewImport, sha256: &str) -> Asked {
        Asked {
            owner: self.owner.clone(),
            key: self.key.clone(),
            fingerprint: fingerprint(new, sha256),
            kept_s: self.kept_s,
        }
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        self.core.receiving().remove(&format!("{}\n{}", self.owner, self.key));
    }
}

/// A key with the request that it was sent with.
#[derive(Clone)]
pub(super) struct Asked {
    owner: String,
    key: String,
    fingerprint: String,
    kept_s: i64,
}

impl Asked {
    /// The import that this request has made before, if it has; an error if the key was used
    /// for another request.
    pub(super) fn known(&self, tx: &mut Tx<'_>) -> Result<Option<Import>> {
        let identity = [(&self.owner).into(), (&self.key).into()];
        let Some(known) = tx.find_by::<IdempotencyKey>(BY_OWNER, &identity)? else {
            return Ok(None);
        };
        // One without a job was cut off before the client had an answer.
        let import = tx.find::<Import>(known.import_id)?.filter(|i| i.job_id.is_some());
        let is_over = known.expires_at <= tx.now();
        let Some(import) = import.filter(|_| !is_over) else {
            tx.delete::<IdempotencyKey>(known.id)?;
            return Ok(None);
        };
        if known.fingerprint == self.fingerprint {
            return Ok(Some(import));
        }
        let detail = format!(
            "it was used before for another file or other parameters (import {}); use a new key",
            import.id
        );
        Err(Error::field("Idempotency-Key", detail))
    }

    /// Remembers what this request has made.
    pub(super) fn remember(&self, tx: &mut Tx<'_>, import_id: u64) -> Result<()> {
        tx.insert(IdempotencyKey {
            owner: self.owner.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            import_id,
            expires_at: tx.now().plus_seconds(self.kept_s),
            ..IdempotencyKey::default()
        })
        .map(drop)
    }
}

/// Forgets keys whose time is over; a periodic task. Returns how many.
pub async fn forget(core: &Core) -> Result<usize> {
    let is_over = |k: &IdempotencyKey, now: Timestamp| k.expires_at <= now;
    let first = {
        let snapshot = core.store.read()?;
        let ids = snapshot.ids_under::<IdempotencyKey>(BY_EXPIRY, &[], Direction::Forward, 1)?;
        ids.first().map_or(Ok(None), |id| snapshot.find::<IdempotencyKey>(*id))?
    };
    // Nothing is written while nothing is over.
    if first.is_none_or(|k| !is_over(&k, core.now())) {
        return Ok(0);
    }
    core.store
        .write("imports.forget_keys", move |tx| {
            let now = tx.now();
            let mut forgotten = 0;
            for id in tx.ids_under::<IdempotencyKey>(BY_EXPIRY, &[], Direction::Forward, STEP)? {
                if !is_over(&tx.require(id)?, now) {
                    break;
                }
                tx.delete::<IdempotencyKey>(id)?;
                forgotten += 1;
            }
            Ok(forgotten)
        })
        .await
}

fn check(key: &str) -> Result<()> {
    let is_plain = key.bytes().all(|b| (b' '..=b'~').contains(&b));
    if is_plain && (1..=KEY_BYTES).contains(&key.len()) {
        return Ok(());
    }
    let detail = format!("it needs 1 to {KEY_BYTES} visible ASCII characters");
    Err(Error::new(Code::BadRequest, format!("Idempotency-Key: {detail}"))
        .with_field("Idempotency-Key", detail))
}

/// Whose key it is: a person's through whatever door, else the token's.
fn owner(ctx: &Ctx) -> String {
    match (ctx.actor.user_id, &ctx.actor.credential) {
        (Some(id), _) => format!("user {id}"),
        (None, Credential::Token { id }) => format!("token {id}"),
        (None, Credential::None | Credential::Session { .. }) => ctx.actor.name.clone(),
    }
}

/// What makes two requests the same: the file, and what is said about it.
fn fingerprint(new: &NewImport, sha256: &str) -> String {
    let said = [&new.filename, &new.format, &new.asset, &new.mapping];
    let said = said.map(|text| text.as_deref().unwrap_or("\u{0}"));
    sha256_hex([&[sha256], &said[..]].concat().join("\u{1f}").as_bytes())
}
