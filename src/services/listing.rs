//! Reading records for clients: one, a page, counts. Rows come out as the JSON they are
//! stored as.

use super::{Core, Ctx};
use crate::base::id::Reference;
use crate::base::record::Record;
use crate::base::{Result, page::Cursor};
use crate::domain::user::Role;
use crate::store::plan::{self, Plan};
use crate::store::query::{self, Filter, Query};
use crate::store::{Read, keys, row};

/// A page of JSON rows.
#[derive(Debug)]
pub struct Listed {
    /// Each row's JSON.
    pub rows: Vec<Vec<u8>>,
    /// Rows on all pages.
    pub total: u64,
    /// Where the next page begins.
    pub next: Option<Cursor>,
    /// How it was found.
    pub plan: Plan,
    /// Records of other kinds that were asked for beside: table and its rows.
    pub included: Vec<(&'static str, Vec<Vec<u8>>)>,
}

/// A page of records. `role` is the least that may see them.
pub fn list<R: Related>(
    core: &Core,
    ctx: &Ctx,
    role: Role,
    query: &Query,
    include: &[Relation<R>],
) -> Result<Listed> {
    ctx.require(role)?;
    let mut query = query.clone();
    query.filters.extend(R::narrow(ctx)?);
    let snapshot = core.store.read()?;
    let started = std::time::Instant::now();
    let page = plan::run::<R>(&core.store, &*snapshot, &query)?;
    core.metrics.db_query(R::TABLE, started.elapsed());
    let mut included = Vec::with_capacity(include.len());
    if !include.is_empty() {
        let records =
            page.rows.iter().map(|bytes| row::decode::<R>(bytes)).collect::<Result<Vec<R>>>()?;
        for relation in include {
            included.push((relation.table, (relation.load)(&*snapshot, &records)?));
        }
    }
    let rows = page.rows.into_iter().map(json::<R>).collect::<Result<_>>()?;
    Ok(Listed { rows, total: page.total, next: page.next, plan: page.plan, included })
}

/// One record's JSON and version.
pub fn get<R: Related>(
    core: &Core,
    ctx: &Ctx,
    role: Role,
    reference: &Reference,
) -> Result<(Vec<u8>, R)> {
    ctx.require(role)?;
    let snapshot = core.store.read()?;
    let id = snapshot.resolve::<R>(reference)?;
    let bytes = snapshot.get(R::TABLE, &keys::record_key(id))?.unwrap_or_default();
    let record: R = row::decode(&bytes)?;
    record.visible(ctx)?;
    Ok((json::<R>(bytes)?, record))
}

/// Counts per value of some facets, within filters: the total, and for each field its
/// values with their counts.
pub fn facets<R: Related>(
    core: &Core,
    ctx: &Ctx,
    role: Role,
    fields: &[String],
    filters: &[Filter],
) -> Result<(u64, Vec<FacetCounts>)> {
    ctx.require(role)?;
    let mut filters = filters.to_vec();
    filters.extend(R::narrow(ctx)?);
    let filters = filters.as_slice();
    let snapshot = core.store.read()?;
    let total = plan::count::<R>(&core.store, &*snapshot, filters)?;
    let mut facets = Vec::with_capacity(fields.len());
    for field in fields {
        // A facet does not narrow itself: the other values' counts are what one looks for.
        let others: Vec<Filter> =
            filters.iter().filter(|f| f.field != field.as_str()).cloned().collect();
        facets.push((
            field.clone(),
            plan::facet_counts::<R>(&core.store, &*snapshot, field, &others)?,
        ));
    }
    Ok((total, facets))
}

/// A facet's name, and its values with their counts.
pub type FacetCounts = (String, Vec<(String, u64)>);

fn json<R: Record>(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.first() == Some(&R::SCHEMA) {
        let mut bytes = bytes;
        bytes.remove(0);
        return Ok(bytes);
    }
    row::json::<R>(&bytes).map(std::borrow::Cow::into_owned)
}

/// Reads the rows of a relation for a whole page at once.
type Load<R> = fn(&dyn crate::store::Source, &[R]) -> Result<Vec<Vec<u8>>>;

/// Records of another kind that belong to a page's records.
pub struct Relation<R: 'static> {
    /// Name for `include=`.
    pub name: &'static str,
    /// Table of what is included.
    pub table: &'static str,
    /// One sentence for the documentation.
    pub about: &'static str,
    load: Load<R>,
}

impl<R> Clone for Relation<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Relation<R> {}

/// Most related records per record of the page.
const RELATED: usize = 100;

/// Rows of `T` whose numbers the page's records name.
fn forward<R, T: Record>(
    source: &dyn crate::store::Source,
    records: &[R],
    id: impl Fn(&R) -> u64,
) -> Result<Vec<Vec<u8>>> {
    let mut ids: Vec<u64> = records.iter().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    rows::<T>(source, &ids)
}

/// Rows of `T` that an index has under the numbers of the page's records.
fn backward<R: Record, T: Record>(
    source: &dyn crate::store::Source,
    records: &[R],
    index: &str,
) -> Result<Vec<Vec<u8>>> {
    let mut ids = Vec::new();
    for record in records {
        let under = [record.head().id.into()];
        ids.extend(source.ids_under::<T>(
            index,
            &under,
            crate::store::Direction::Reverse,
            RELATED,
        )?);
    }
    rows::<T>(source, &ids)
}

fn rows<T: Record>(source: &dyn crate::store::Source, ids: &[u64]) -> Result<Vec<Vec<u8>>> {
    let found =
        ids.iter().filter_map(|id| source.get(T::TABLE, &keys::record_key(*id)).transpose());
    found.map(|bytes| json::<T>(bytes?)).collect()
}

use crate::domain::{
    asset::Asset, finding::Finding, patch::Patch, user::ApiToken, vulnerability::Vulnerability,
};

/// Relations of a record kind.
pub trait Related: Record {
    /// What `include=` may name.
    const RELATIONS: &'static [Relation<Self>] = &[];

    /// A filter that limits what this caller may see.
    fn narrow(_ctx: &Ctx) -> Result<Option<Filter>> {
        Ok(None)
    }

    /// Whether this caller may see the record; an error says that there is none.
    fn visible(&self, _ctx: &Ctx) -> Result<()> {
        Ok(())
    }
}

impl Related for Finding {
    const RELATIONS: &'static [Relation<Self>] = &[
        Relation {
            name: "asset",
            table: Asset::TABLE,
            about: "The assets of the page's findings.",
            load: |s, r| forward::<_, Asset>(s, r, |f| f.asset_id),
        },
        Relation {
            name: "vulnerability",
            table: Vulnerability::TABLE,
            about: "The vulnerabilities of the page's findings.",
            load: |s, r| forward::<_, Vulnerability>(s, r, |f| f.vulnerability_id),
        },
    ];
}

impl Related for Vulnerability {
    const RELATIONS: &'static [Relation<Self>] = &[
        Relation {
            name: "asset_vulnerabilities",
            table: Finding::TABLE,
            about: "Up to 100 findings of each vulnerability, most urgent first.",
            load: |s, r| backward::<_, Finding>(s, r, super::findings::BY_VULNERABILITY),
        },
        Relation {
            name: "patches",
            table: Patch::TABLE,
            about: "Up to 100 patches of each vulnerability.",
            load: |s, r| backward::<_, Patch>(s, r, "idx_patches_vulnerability_id"),
        },
    ];
}

impl Related for Asset {
    const RELATIONS: &'static [Relation<Self>] = &[Relation {
        name: "asset_vulnerabilities",
        table: Finding::TABLE,
        about: "Up to 100 findings of each asset.",
        load: |s, r| backward::<_, Finding>(s, r, super::findings::BY_ASSET),
    }];
}

impl Related for Patch {
    const RELATIONS: &'static [Relation<Self>] = &[Relation {
        name: "vulnerability",
        table: Vulnerability::TABLE,
        about: "The vulnerabilities of the page's patches.",
        load: |s, r| forward::<_, Vulnerability>(s, r, |p| p.vulnerability_id),
    }];
}

impl Related for crate::domain::decision::Decision {}
impl Related for crate::domain::rule::Rule {}
impl Related for crate::domain::sla::SlaPolicy {}
impl Related for crate::domain::package::Package {}
impl Related for crate::domain::service::Service {}
impl Related for crate::domain::mapping::SavedMapping {}
impl Related for crate::domain::import::Import {}
impl Related for crate::domain::change::Change {}
impl Related for crate::domain::job::Job {}
impl Related for crate::domain::user::User {}

impl Related for ApiToken {
    fn narrow(ctx: &Ctx) -> Result<Option<Filter>> {
        if ctx.require(Role::Admin).is_ok() {
            return Ok(None);
        }
        let own = ctx.actor.user_id.unwrap_or(0).to_string();
        query::parse_filter::<Self>("user_id", &[&own]).map(Some)
    }

    fn visible(&self, ctx: &Ctx) -> Result<()> {
        super::tokens::see(ctx, self)
    }
}

impl Related for crate::domain::audit::AuditLog {}
