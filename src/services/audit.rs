//! The audit log: entries are written in the transaction of what they tell, and form a
//! hash chain that `check` verifies.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use poem_openapi::types::Any;
use serde_json::Value;

use super::Ctx;
use super::passwords::hex;
use crate::base::record::Record;
use crate::base::{Error, Result};
use crate::domain::audit::{AuditLog, FieldChange};
use crate::store::check::Finding;
use crate::store::engine::Span;
use crate::store::{Direction, META, Source, Tx, row};
use sha2::{Digest as _, Sha256};

const HEAD: &str = "audit/head";

/// What an entry tells, beside who and when.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    action: &'static str,
    resource_type: Option<&'static str>,
    resource_id: Option<u64>,
    resource: Option<String>,
    failed: bool,
    changes: BTreeMap<String, FieldChange>,
    detail: Option<String>,
}

impl Entry {
    /// An entry for a verb: `assets.update`.
    #[must_use]
    pub fn new(action: &'static str) -> Self {
        Self { action, ..Self::default() }
    }

    /// What it was done to.
    #[must_use]
    pub fn on<R: Record>(mut self, id: u64, name: impl Into<String>) -> Self {
        self.resource_type = Some(R::TABLE);
        self.resource_id = Some(id);
        self.resource = Some(name.into());
        self
    }

    /// It was refused.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.failed = true;
        self
    }

    /// What else there is to say.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = Some(text.into());
        self
    }

    /// What was done to many records of a kind: their numbers, and the fields that changed,
    /// each with its new value if all have got the same.
    pub fn on_all<R: Record>(mut self, pairs: &[(R, R)]) -> Result<Self> {
        self.resource_type = Some(R::TABLE);
        let ids: Vec<u64> = pairs.iter().map(|(_, new)| new.head().id).collect();
        self.detail = Some(format!("{} records", ids.len()));
        for (old, new) in pairs {
            for (field, change) in diff(Some(old), Some(new))? {
                let all = FieldChange { old: None, new: change.new };
                match self.changes.entry(field) {
                    Slot::Vacant(slot) => drop(slot.insert(all)),
                    Slot::Occupied(mut slot) if *slot.get() != all => slot.get_mut().new = None,
                    Slot::Occupied(_) => {}
                }
            }
        }
        self.changes
            .insert("ids".to_owned(), FieldChange { old: None, new: Some(Any(ids.into())) });
        Ok(self)
    }

    /// The fields in which two states of a record differ; absent stands for "not there".
    pub fn changes<R: Record>(mut self, old: Option<&R>, new: Option<&R>) -> Result<Self> {
        self.changes = diff(old, new)?;
        Ok(self)
    }
}

/// Fields that change with every write, and say nothing.
const NOISE: &[&str] = &["version", "updated_at", "created_at", "id"];

fn diff<R: Record>(old: Option<&R>, new: Option<&R>) -> Result<BTreeMap<String, FieldChange>> {
    let (old, new) = (object(old)?, object(new)?);
    let mut changes = BTreeMap::new();
    for key in old.keys().chain(new.keys()) {
        let (a, b) = (old.get(key), new.get(key));
        if a != b && !NOISE.contains(&key.as_str()) {
            changes.insert(
                key.clone(),
                FieldChange { old: a.cloned().map(Any), new: b.cloned().map(Any) },
            );
        }
    }
    Ok(changes)
}

fn object<R: Record>(record: Option<&R>) -> Result<serde_json::Map<String, Value>> {
    let Some(record) = record else { return Ok(serde_json::Map::new()) };
    match serde_json::to_value(record) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::internal(format!("a {} is no JSON object", R::NOUN))),
        Err(e) => Err(Error::internal("cannot describe a change").with_source(e)),
    }
}

/// Appends an entry to the chain, as part of `tx`; nothing for a part of something bigger.
pub fn record(tx: &mut Tx<'_>, ctx: &Ctx, entry: Entry) -> Result<()> {
    if ctx.is_part {
        return Ok(());
    }
    let previous = tx.meta(HEAD)?.unwrap_or_default();
    let mut hash = Vec::new();
    let log = AuditLog {
        action: entry.action.to_owned(),
        actor_type: ctx.actor.kind,
        actor_id: ctx.actor.user_id,
        actor: ctx.actor.name.clone(),
        resource_type: entry.resource_type.map(str::to_owned),
        resource_id: entry.resource_id,
        resource: entry.resource,
        success: !entry.failed,
        ip_address: ctx.address.clone(),
        request_id: ctx.request_id.clone(),
        changes: entry.changes,
        detail: entry.detail,
        ..AuditLog::default()
    };
    tx.insert_with(log, |log| {
        hash = link(&previous, log);
        log.hash = hex(&hash);
    })?;
    tx.set_meta(HEAD, hash);
    Ok(())
}

fn link(previous: &[u8], log: &AuditLog) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(previous);
    digest.update(log.canonical());
    digest.finalize().to_vec()
}

/// Walks the chain: every entry must carry the hash of what came before and of itself,
/// none may be missing, and the last must be the one that the store remembers.
pub fn verify(source: &dyn Source, report: &mut dyn FnMut(Finding)) -> Result<u64> {
    let (mut previous, mut count, mut broken) = (Vec::new(), 0, false);
    source.scan(AuditLog::TABLE, &Span::all(), Direction::Forward, &mut |_, bytes| {
        count += 1;
        let log: AuditLog = row::decode(bytes)?;
        let hash = link(&previous, &log);
        let right = log.hash == hex(&hash) && log.id == count;
        if !right && !broken {
            broken = true;
            report(Finding::new(AuditLog::TABLE, format!("the chain breaks at entry {}", log.id)));
        }
        previous = hash;
        Ok(true)
    })?;
    let head = source.get(META, HEAD.as_bytes())?.unwrap_or_default();
    if head != previous && !broken {
        report(Finding::new(AuditLog::TABLE, format!("entries are missing after {count}")));
    }
    Ok(count)
}
