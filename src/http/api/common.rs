//! Shapes that several resources share, and how their answers are put together.

use poem::http::HeaderValue;
use poem_openapi::Object;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::base::id::Reference;
use crate::base::record::Record;
use crate::base::{Error, Result};
use crate::domain::user::Role;
use crate::http::Problem;
use crate::http::layers::etag::if_none_match;
use crate::http::params::ListParams;
use crate::http::reply::Reply;
use crate::services::bulk::{Done, Outcome};
use crate::services::listing::{self, FacetCounts, Listed, Related};
use crate::services::{Core, Ctx, entity_tag};

/// What an operation answers.
pub(super) type Answer<T, const STATUS: u16 = 200> = std::result::Result<Reply<T, STATUS>, Problem>;

/// A page of records.
#[derive(Debug, Object)]
#[expect(clippy::struct_field_names, reason = "they are the names of the API")]
pub struct Page<T: ParseFromJSON + ToJSON> {
    /// The rows. With `fields=` only those fields.
    pub items: Vec<T>,
    /// Rows on all pages; exact.
    pub total_count: u64,
    /// Number of this page; absent if it was reached by cursor only.
    pub page: Option<u64>,
    /// Rows per page.
    pub page_size: u64,
    /// Number of pages.
    pub total_pages: u64,
    /// Where the next page begins, for `cursor=`; absent on the last page.
    pub next_cursor: Option<String>,
    /// Related records that `include=` asked for, by table.
    pub included: Option<poem_openapi::types::Any<serde_json::Value>>,
}

/// How many records have a value.
#[derive(Debug, Serialize, Object)]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// Records with it.
    pub count: u64,
}

/// Counts by facets.
#[derive(Debug, Serialize, Object)]
pub struct FacetPage {
    /// Records that pass all filters.
    pub total_count: u64,
    /// For each facet its values. A facet's own filter does not narrow it.
    pub facets: std::collections::BTreeMap<String, Vec<FacetValue>>,
}

/// Which records are wanted.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct BatchGet {
    /// Numbers or natural keys.
    #[oai(validator(min_items = 1, max_items = 10000))]
    pub ids: Vec<Ref>,
}

/// Records that were asked for together.
#[derive(Debug, Object)]
pub struct Batch<T: ParseFromJSON + ToJSON> {
    /// Those that exist, in the order asked for.
    pub items: Vec<T>,
    /// Those that do not.
    pub missing: Vec<String>,
}

// Not `one_of`: poem-openapi takes a number for a text too.
/// A number or a natural key.
#[derive(Debug, Clone, poem_openapi::Union)]
pub enum Ref {
    /// By number.
    Id(u64),
    /// By natural key.
    Key(String),
}

impl From<Ref> for Reference {
    fn from(r: Ref) -> Self {
        match r {
            Ref::Id(id) => Self::Id(id),
            Ref::Key(key) => Self::Key(key),
        }
    }
}

/// What became of one record of a bulk edit.
#[derive(Debug, Serialize, Object)]
pub struct BulkResult {
    /// Number or key, as it was named.
    pub id: String,
    /// `changed`, `unchanged` or `failed`.
    pub outcome: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a bulk edit did, or would do.
#[derive(Debug, Serialize, Object)]
pub struct BulkReport {
    /// Records that were selected.
    pub matched: u64,
    /// Those that were changed.
    pub changed: u64,
    /// Those that were so already.
    pub unchanged: u64,
    /// Those that could not be changed.
    pub failed: u64,
    /// True if nothing was written.
    pub dry_run: bool,
    /// By what it can be undone: `POST /changes/{id}/undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<u64>,
    /// Each record's outcome.
    pub results: Vec<BulkResult>,
}

impl BulkReport {
    pub(super) fn new(Done { outcomes, change_id }: Done, dry_run: bool) -> Self {
        let count =
            |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count() as u64;
        let (changed, unchanged) =
            (count(|o| o.result == Ok(true)), count(|o| o.result == Ok(false)));
        let failed = outcomes.len() as u64 - changed - unchanged;
        let results = outcomes.into_iter().map(|o| BulkResult {
            id: o.reference.to_string(),
            outcome: match o.result {
                Ok(true) => "changed",
                Ok(false) => "unchanged",
                Err(_) => "failed",
            }
            .to_owned(),
            detail: o.result.err(),
        });
        let results: Vec<BulkResult> = results.collect();
        let matched = results.len() as u64;
        Self { matched, changed, unchanged, failed, dry_run, change_id, results }
    }
}

/// Answers a list: 304 if the client has it, else the page as bytes.
pub(super) fn list<R: Related + ParseFromJSON + ToJSON>(
    core: &Core,
    ctx: &Ctx,
    role: Role,
    params: ListParams<R>,
) -> Result<Reply<Page<R>>> {
    ctx.require(role)?;
    let etag = list_etag::<R>(core, ctx, &params)?;
    if if_none_match(&params.headers, &etag) {
        return Ok(Reply::not_modified(etag));
    }
    let listed = listing::list::<R>(core, ctx, role, &params.query, &params.include)?;
    Ok(Reply::from_bytes(page_json(&listed, &params)?).with_etag(etag))
}

/// Changes with every commit that touches what the page shows. Never used again after a
/// restart, because generations are part of the commits.
fn list_etag<R: Related>(core: &Core, ctx: &Ctx, params: &ListParams<R>) -> Result<HeaderValue> {
    use crate::domain::{
        asset::Asset, finding::Finding, patch::Patch, vulnerability::Vulnerability,
    };
    let mut generations = vec![core.store.generation::<R>()];
    if !params.include.is_empty() {
        let s = &core.store;
        generations.extend([
            s.generation::<Asset>(),
            s.generation::<Finding>(),
            s.generation::<Patch>(),
            s.generation::<Vulnerability>(),
        ]);
    }
    let generation: Vec<String> = generations.iter().map(u64::to_string).collect();
    let text = format!(
        "\"{}.{:x}.{}\"",
        generation.join("."),
        params.hash,
        ctx.actor.user_id.unwrap_or(0)
    );
    HeaderValue::from_str(&text)
        .map_err(|e| Error::internal("an ETag is no header value").with_source(e))
}

/// Rows are spliced as the bytes they are stored as; nothing is decoded unless fields are
/// to be left out.
fn page_json<R: Record>(listed: &Listed, params: &ListParams<R>) -> Result<Vec<u8>> {
    let size = listed.rows.iter().map(|r| r.len() + 1).sum::<usize>();
    let mut json = Vec::with_capacity(size + 256);
    json.extend_from_slice(b"{\"items\":");
    match &params.fields {
        None => array(&mut json, &listed.rows),
        Some(fields) => {
            let rows =
                listed.rows.iter().map(|row| project(row, fields)).collect::<Result<Vec<_>>>()?;
            array(&mut json, &rows);
        }
    }
    let (total, limit) = (listed.total, params.query.limit);
    let pages = total.div_ceil(limit);
    json.extend_from_slice(
        format!(",\"total_count\":{total},\"page_size\":{limit},\"total_pages\":{pages}")
            .as_bytes(),
    );
    if let Some(page) = params.page {
        json.extend_from_slice(format!(",\"page\":{page}").as_bytes());
    }
    if let Some(next) = &listed.next {
        json.extend_from_slice(format!(",\"next_cursor\":\"{}\"", next.encode()).as_bytes());
    }
    if !params.include.is_empty() {
        json.extend_from_slice(b",\"included\":{");
        for (n, (table, rows)) in listed.included.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            json.extend_from_slice(format!("{comma}\"{table}\":").as_bytes());
            array(&mut json, rows);
        }
        json.push(b'}');
    }
    json.push(b'}');
    Ok(json)
}

fn array(json: &mut Vec<u8>, rows: &[Vec<u8>]) {
    json.push(b'[');
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            json.push(b',');
        }
        json.extend_from_slice(row);
    }
    json.push(b']');
}

/// The row with only these fields, in the row's order.
fn project(row: &[u8], fields: &[String]) -> Result<Vec<u8>> {
    let damaged = |e| Error::internal("a stored row is no JSON object").with_source(e);
    let all: std::collections::BTreeMap<&str, &RawValue> =
        serde_json::from_slice(row).map_err(damaged)?;
    let kept: std::collections::BTreeMap<&str, &RawValue> =
        all.into_iter().filter(|(name, _)| fields.iter().any(|f| f == name)).collect();
    serde_json::to_vec(&kept).map_err(damaged)
}

/// Answers one record with its entity tag; 304 if the client has it.
pub(super) fn get<R: Related + ParseFromJSON + ToJSON>(
    core: &Core,
    ctx: &Ctx,
    role: Role,
    headers: &poem::http::HeaderMap,
    id: &str,
) -> Result<Reply<R>> {
    let (json, record) = listing::get::<R>(core, ctx, role, &reference(id))?;
    let etag = tag(record.head().version, &json)?;
    if if_none_match(headers, &etag) {
        return Ok(Reply::not_modified(etag));
    }
    Ok(Reply::from_bytes(json).with_etag(etag))
}

/// Answers with a record that was just written.
pub(super) fn written<R: Record, const STATUS: u16>(record: &R) -> Result<Reply<R, STATUS>> {
    let json = serde_json::to_vec(record)
        .map_err(|e| Error::internal("cannot write an answer").with_source(e))?;
    let etag = tag(record.head().version, &json)?;
    Ok(Reply::from_bytes(json).with_etag(etag))
}

/// Answers with a record that was just made, and where it is.
pub(super) fn created<R: Record>(record: &R) -> Result<Reply<R, 201>> {
    let resource = R::TABLE.replace('_', "-");
    written(record)?.with_location(&format!("/api/v1/{resource}/{}", record.head().id))
}

fn tag(version: u64, json: &[u8]) -> Result<HeaderValue> {
    HeaderValue::from_str(&entity_tag(version, json))
        .map_err(|e| Error::internal("an ETag is no header value").with_source(e))
}

/// Reads a path's reference; every text is one.
pub(super) fn reference(id: &str) -> Reference {
    match id.parse() {
        Ok(reference) => reference,
        Err(never) => match never {},
    }
}

pub(super) fn facet_page(total_count: u64, facets: Vec<FacetCounts>) -> FacetPage {
    let values = |counts: Vec<(String, u64)>| {
        counts.into_iter().map(|(value, count)| FacetValue { value, count }).collect()
    };
    FacetPage {
        total_count,
        facets: facets.into_iter().map(|(name, counts)| (name, values(counts))).collect(),
    }
}

/// `{"items":[…],"missing":[…]}`.
pub(super) fn batch_json(rows: &[Vec<u8>], missing: &[Reference]) -> Result<Vec<u8>> {
    let mut json = b"{\"items\":".to_vec();
    array(&mut json, rows);
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    json.extend_from_slice(b",\"missing\":");
    serde_json::to_writer(&mut json, &missing)
        .map_err(|e| Error::internal("cannot write an answer").with_source(e))?;
    json.push(b'}');
    Ok(json)
}
