//! One asset under many names: rules by which reports find their asset, rehearsing them,
//! and joining and parting assets by hand.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::audit::{self, Entry};
use super::moving::Movement;
use super::policies::{self, Policies};
use super::{Core, Ctx, bulk, decisions, edit, packages, ports};
use crate::base::id::{Id, Reference};
use crate::base::{Code, Error, Result, Timestamp, limits};
use crate::domain::asset::Asset;
use crate::domain::decision::Decision;
use crate::domain::finding::{Finding, Source};
use crate::domain::identity::{Identifier, IdentifierKind, KnownName, Rule, rules};
use crate::domain::merge;
use crate::domain::observation::AssetObservation;
use crate::domain::user::Role;
use crate::store::engine::Span;
use crate::store::{Direction, Read, Tx};

const RULES: &str = "settings/identity_rules";
const BY_NAME: &str = "idx_assets_identifier";
const BY_KEY: &str = "idx_assets_asset_id";

/// The rules that hold.
pub fn current_rules(tx: &Tx<'_>) -> Result<Vec<Rule>> {
    read_rules(tx.meta(RULES)?)
}

fn read_rules(stored: Option<Vec<u8>>) -> Result<Vec<Rule>> {
    let Some(bytes) = stored else { return Ok(rules()) };
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::internal("the identity rules are damaged").with_source(e))
}

/// The rules that hold, for people.
pub fn get_rules(core: &Core, ctx: &Ctx) -> Result<Vec<Rule>> {
    ctx.require(Role::Viewer)?;
    read_rules(core.store.read()?.get(crate::store::META, RULES.as_bytes())?)
}

/// Replaces the rules; reports that come from now on follow them.
pub async fn set_rules(core: &Core, ctx: &Ctx, new: Vec<Rule>) -> Result<Vec<Rule>> {
    ctx.require(Role::Operator)?;
    check_rules(&new)?;
    let ctx = ctx.clone();
    core.store
        .write("identity.set_rules", move |tx| {
            let bytes = serde_json::to_vec(&new)
                .map_err(|e| Error::internal("cannot write rules").with_source(e))?;
            tx.set_meta(RULES, bytes);
            let kinds = new.iter().filter(|r| r.enabled).map(|r| r.kind.word());
            let detail = format!("in this order: {}", kinds.collect::<Vec<_>>().join(", "));
            audit::record(tx, &ctx, Entry::new("identity.set_rules").detail(detail))?;
            Ok(new.clone())
        })
        .await
}

fn check_rules(rules: &[Rule]) -> Result<()> {
    for (n, rule) in rules.iter().enumerate() {
        if rules[..n].iter().any(|earlier| earlier.kind == rule.kind) {
            return Err(Error::field(
                format!("/rules/{n}"),
                format!("{} is there twice", rule.kind),
            ));
        }
    }
    Ok(())
}

/// The asset that an observation is about, and the rule by which it was found (none: by its
/// natural key).
pub fn find(
    tx: &Tx<'_>,
    rules: &[Rule],
    seen: &AssetObservation,
) -> Result<Option<(Asset, Option<IdentifierKind>)>> {
    if let Some(asset) = tx.find_by::<Asset>(BY_KEY, &[(&seen.asset_id).into()])? {
        return Ok(Some((asset, None)));
    }
    let names = seen.names();
    let reported = Identifier { kind: IdentifierKind::Name, value: seen.asset_id.clone() };
    let order = std::iter::once(IdentifierKind::Name)
        .chain(rules.iter().filter(|r| r.enabled).map(|r| r.kind));
    for kind in order {
        for name in names.iter().chain([&reported]).filter(|name| name.kind == kind) {
            let mut found = known_as(tx, name)?;
            found.retain(|asset| !contradicts(asset, &names, rules, kind));
            // A name that several assets have says nothing.
            if let [_] = found[..] {
                return Ok(found.pop().map(|asset| (asset, Some(kind))));
            }
        }
    }
    Ok(None)
}

/// The assets that have a name; more than two say no more than two.
fn known_as(tx: &Tx<'_>, name: &Identifier) -> Result<Vec<Asset>> {
    ids_of(tx, name)?.into_iter().map(|id| tx.require(id)).collect()
}

/// The numbers of the first few assets that have a name.
pub fn ids_of<S: Read + ?Sized>(source: &S, name: &Identifier) -> Result<Vec<Id>> {
    let key = name.key();
    source.ids_under::<Asset>(BY_NAME, &[(&key).into()], Direction::Forward, 8)
}

/// The number of the asset with a natural key.
pub fn by_key<S: Read + ?Sized>(source: &S, key: &str) -> Result<Option<Id>> {
    let ids = source.ids_under::<Asset>(BY_KEY, &[key.into()], Direction::Forward, 1)?;
    Ok(ids.first().copied())
}

/// Whether a more telling name of the same kind is another on the asset.
fn contradicts(
    asset: &Asset,
    names: &[Identifier],
    rules: &[Rule],
    matched: IdentifierKind,
) -> bool {
    let stronger = rules.iter().filter(|r| r.enabled).take_while(|r| r.kind != matched);
    stronger.filter(|rule| rule.kind.is_singular()).any(|rule| {
        let theirs = |n: &&KnownName| n.kind == rule.kind;
        let ours = names.iter().filter(|n| n.kind == rule.kind);
        let known: Vec<&KnownName> = asset.identifiers.iter().filter(theirs).collect();
        let mut ours = ours.peekable();
        !known.is_empty()
            && ours.peek().is_some()
            && !ours.any(|our| known.iter().any(|k| k.value == our.value))
    })
}

/// Notes the names that an observation gives an asset.
pub fn note_names(
    asset: &mut Asset,
    seen: &AssetObservation,
    source: &str,
    by: Option<IdentifierKind>,
    at: Timestamp,
) {
    let reported = (seen.asset_id != asset.asset_id)
        .then(|| Identifier { kind: IdentifierKind::Name, value: seen.asset_id.clone() });
    for name in reported.into_iter().chain(seen.names()) {
        let known = asset.identifiers.iter().any(|n| n.kind == name.kind && n.value == name.value);
        if !known && asset.identifiers.len() < limits::LIST_VALUES {
            let matched_by = by.filter(|_| name.kind == IdentifierKind::Name);
            asset.identifiers.push(KnownName {
                kind: name.kind,
                value: name.value,
                source: source.to_owned(),
                matched_by: matched_by.map(|kind| kind.word().to_owned()),
                first_seen: at,
            });
        }
    }
}

/// Two assets that rules would have taken for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Twin {
    /// The kind of name that they share.
    pub kind: IdentifierKind,
    /// The name.
    pub value: String,
    /// Their numbers.
    pub assets: Vec<u64>,
}

/// Says which assets share a name of the kinds that `rules` enable; nothing is changed.
pub fn rehearse(core: &Core, ctx: &Ctx, rules: &[Rule]) -> Result<Vec<Twin>> {
    ctx.require(Role::Viewer)?;
    check_rules(rules)?;
    let snapshot = core.store.read()?;
    let mut twins = Vec::new();
    for rule in rules.iter().filter(|r| r.enabled) {
        let mut prefix = Vec::new();
        crate::base::key::push_text_prefix(&mut prefix, &format!("{}:", rule.kind));
        let mut rows: Vec<(Vec<u8>, u64)> = Vec::new();
        snapshot.scan(BY_NAME, &Span::prefix(&prefix), Direction::Forward, &mut |key, _| {
            let id = crate::base::key::trailing_id(key).unwrap_or(0);
            rows.push((key[..key.len() - 8].to_vec(), id));
            Ok(rows.len() < limits::SCAN_KEYS)
        })?;
        for same in rows.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            let asset: Asset = snapshot.require(same[0].1)?;
            let name = asset.identifiers.iter().find(|n| {
                let mut key = Vec::new();
                crate::base::key::push(&mut key, &(&n.key()).into(), false);
                key == same[0].0
            });
            twins.push(Twin {
                kind: rule.kind,
                value: name.map(|n| n.value.clone()).unwrap_or_default(),
                assets: same.iter().map(|(_, id)| *id).collect(),
            });
            if twins.len() == limits::FACET_VALUES {
                return Ok(twins);
            }
        }
    }
    Ok(twins)
}

/// What joining or parting does, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The asset that was asked for.
    pub asset: Asset,
    /// What becomes an asset of its own.
    pub parted: Option<Asset>,
    /// Findings that go to the other one, whatever their status.
    pub findings: u64,
}

/// Makes `other` a part of an asset: findings, decisions and names go along.
pub async fn join(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    other: Reference,
) -> Result<Asset> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("assets.join", move |tx| Ok(unite(tx, &ctx, &reference, expected, &other)?.asset))
        .await
}

/// Says what joining would do; nothing is stored.
pub async fn preview_join(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    other: Reference,
) -> Result<Moved> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    bulk::rehearse(core, move |tx| unite(tx, &ctx, &reference, None, &other)).await
}

fn unite(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    reference: &Reference,
    expected: Option<u64>,
    other: &Reference,
) -> Result<Moved> {
    let before: Asset = edit::current(tx, reference, expected)?;
    let other: Asset = edit::current(tx, other, None)?;
    if before.id == other.id {
        return Err(Error::field("/asset", "an asset cannot be joined with itself"));
    }
    let by = ctx.actor.name.clone();
    let mut movement = Movement::new(tx.now(), &by);
    let moving = findings_on(tx, other.id)?;
    let findings = moving.len() as u64;
    for id in moving {
        let finding: Finding = tx.require(id)?;
        movement.take_in(tx, moved(finding, &before))?;
    }
    movement.finish(tx)?;
    for id in decisions_on(tx, other.id)? {
        let decision: Decision = tx.require(id)?;
        tx.update(Decision { asset_id: Some(before.id), ..decision })?;
    }
    let all = findings_on(tx, before.id)?;
    decisions::refresh_all(tx, all, &by)?;
    packages::move_all(tx, other.id, &before)?;
    ports::move_all(tx, other.id, &before)?;
    let other: Asset = tx.delete(other.id)?;
    let mut joined: Asset = tx.require(before.id)?;
    merge::assets(&mut joined, &other, &by, tx.now());
    let joined = tx.update(joined)?;
    edit::note(tx, ctx, "assets.join", &before, &joined)?;
    policies::follow_asset(tx, &mut Policies::of(tx)?, &by, joined.id)?;
    Ok(Moved { asset: tx.require(joined.id)?, parted: None, findings })
}

/// A finding on another asset; its sources remember under which name they saw it.
fn moved(mut finding: Finding, to: &Asset) -> Finding {
    for source in &mut finding.sources {
        source.asset.get_or_insert_with(|| finding.asset.clone());
    }
    Finding { asset_id: to.id, asset: to.asset_id.clone(), ..finding }
}

fn findings_on(tx: &Tx<'_>, asset: u64) -> Result<Vec<u64>> {
    tx.ids_under::<Finding>(
        super::findings::BY_ASSET,
        &[asset.into()],
        Direction::Forward,
        usize::MAX,
    )
}

fn decisions_on(tx: &Tx<'_>, asset: u64) -> Result<Vec<u64>> {
    tx.ids_under::<Decision>(
        "idx_decisions_asset_id",
        &[asset.into()],
        Direction::Forward,
        usize::MAX,
    )
}

/// Parts an asset: the names become one of their own, called by the first, with the
/// findings that scanners reported under them. Returns the new one.
pub async fn part(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    expected: Option<u64>,
    names: Vec<String>,
) -> Result<Asset> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    core.store
        .write("assets.part", move |tx| Ok(divide(tx, &ctx, &reference, expected, &names)?.1))
        .await
}

/// Says what parting would do; nothing is stored. The new asset's number is 0.
pub async fn preview_part(
    core: &Core,
    ctx: &Ctx,
    reference: Reference,
    names: Vec<String>,
) -> Result<Moved> {
    ctx.require(Role::Operator)?;
    let ctx = ctx.clone();
    bulk::rehearse(core, move |tx| {
        let (asset, new) = divide(tx, &ctx, &reference, None, &names)?;
        let findings = findings_on(tx, new.id)?.len() as u64;
        Ok(Moved { asset, parted: Some(Asset { id: 0, ..new }), findings })
    })
    .await
}

/// Returns what is left of the asset, and the new one.
fn divide(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    reference: &Reference,
    expected: Option<u64>,
    names: &[String],
) -> Result<(Asset, Asset)> {
    let before: Asset = edit::current(tx, reference, expected)?;
    let (rest, new) = parted(&before, names)?;
    if tx.find_by::<Asset>(BY_KEY, &[(&new.asset_id).into()])?.is_some() {
        let detail = format!("there is an asset '{}' already", new.asset_id);
        return Err(Error::new(Code::Conflict, detail));
    }
    let rest = tx.update(rest)?;
    let new = tx.insert(new)?;
    let by = ctx.actor.name.clone();
    let mut movement = Movement::new(tx.now(), &by);
    for id in findings_on(tx, rest.id)? {
        let finding: Finding = tx.require(id)?;
        let theirs =
            |s: &Source| s.asset.as_ref().is_some_and(|name| names.iter().any(|n| n == name));
        movement.part(tx, finding, &theirs, &|f| moved(f, &new))?;
    }
    movement.finish(tx)?;
    for id in decisions_on(tx, rest.id)? {
        let decision: Decision = tx.require(id)?;
        if decision.asset.as_ref().is_some_and(|name| names.contains(name)) {
            tx.update(Decision { asset_id: Some(new.id), ..decision })?;
        }
    }
    for asset in [rest.id, new.id] {
        let all = findings_on(tx, asset)?;
        decisions::refresh_all(tx, all, &by)?;
    }
    edit::note(tx, ctx, "assets.part", &before, &rest)?;
    Ok((tx.require(rest.id)?, tx.require(new.id)?))
}

/// What is left of an asset without these names, and what they make.
fn parted(asset: &Asset, names: &[String]) -> Result<(Asset, Asset)> {
    let is_theirs = |n: &KnownName| names.contains(&n.value);
    let known = |name: &String| asset.identifiers.iter().any(|n| n.value == *name);
    if let Some(foreign) = names.iter().find(|name| !known(name)) {
        let detail = format!("'{foreign}' is no other name of {}", asset.asset_id);
        return Err(Error::field("/names", detail));
    }
    let Some(first) = names.first() else {
        return Err(Error::field("/names", "at least one name goes"));
    };
    let mut new = Asset {
        asset_type: asset.asset_type,
        environment: asset.environment,
        criticality: asset.criticality,
        exposure: asset.exposure,
        owner: asset.owner.clone(),
        tags: asset.tags.clone(),
        ..Asset::new(first.clone())
    };
    let mut rest = asset.clone();
    new.identifiers = rest.identifiers.extract_if(.., |n| is_theirs(n)).collect();
    new.identifiers.retain(|n| !(n.kind == IdentifierKind::Name && n.value == *first));
    Ok((rest, new))
}
