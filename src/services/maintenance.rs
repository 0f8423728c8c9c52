//! Looking after the store: backup, check, compaction, the index catalogue.

use std::path::PathBuf;

use poem_openapi::Object;
use serde::Serialize;

use super::audit::{self, Entry};
use super::{Core, Ctx};
use crate::base::{Code, Error, Result};
use crate::domain::asset::Asset;
use crate::domain::finding::Finding;
use crate::domain::severity::SeverityCounts;
use crate::domain::user::Role;
use crate::domain::vulnerability::Vulnerability;
use crate::store::backup::{self, Summary};
use crate::store::check::Finding as Fault;
use crate::store::engine::{EngineStats, Span};
use crate::store::{Direction, Read, Source, Store, row};

/// What `check` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Object)]
pub struct CheckReport {
    /// Whether everything holds.
    pub ok: bool,
    /// Records that were read.
    pub records: u64,
    /// Entries of the audit chain.
    pub audit_entries: u64,
    /// What does not hold; at most 1,000 of them.
    pub faults: Vec<FaultView>,
    /// How many there are.
    pub fault_count: u64,
}

/// Something that does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Object)]
pub struct FaultView {
    /// Table.
    pub table: String,
    /// What is wrong.
    pub detail: String,
}

/// Most faults that are listed.
const FAULTS_LISTED: usize = 1000;

/// Verifies every index row against its record and back, facets, the counts that assets
/// and vulnerabilities carry, and the audit chain.
pub fn check(store: &Store) -> Result<CheckReport> {
    let snapshot = store.read()?;
    let mut report = CheckReport::default();
    let mut note = |fault: Fault| {
        report.fault_count += 1;
        if report.faults.len() < FAULTS_LISTED {
            report.faults.push(FaultView { table: fault.table, detail: fault.detail });
        }
    };
    let mut records = 0;
    for table in store.catalog().tables() {
        records += table.check(&*snapshot, &mut note)?;
    }
    counts(&*snapshot, &mut note)?;
    let entries = audit::verify(&*snapshot, &mut note)?;
    report.records = records;
    report.audit_entries = entries;
    report.ok = report.fault_count == 0;
    Ok(report)
}

/// The counts of assets and vulnerabilities against their findings.
fn counts(source: &dyn Source, note: &mut dyn FnMut(Fault)) -> Result<()> {
    use crate::base::record::Record;
    use std::collections::HashMap;
    let mut assets: HashMap<u64, SeverityCounts> = HashMap::new();
    let mut vulnerabilities: HashMap<u64, (u64, u64)> = HashMap::new();
    source.scan(Finding::TABLE, &Span::all(), Direction::Forward, &mut |_, bytes| {
        let finding: Finding = row::decode(bytes)?;
        let open = finding.status.is_open();
        if open {
            assets.entry(finding.asset_id).or_default().add(finding.severity, 1);
        }
        if finding.overdue && !(open && finding.due_at.is_some()) {
            let detail = format!("{} is overdue, but not open or not due", finding.id);
            note(Fault::new(Finding::TABLE, detail));
        }
        let counts = vulnerabilities.entry(finding.vulnerability_id).or_default();
        counts.0 += u64::from(open);
        counts.1 += 1;
        Ok(true)
    })?;
    source.scan(Asset::TABLE, &Span::all(), Direction::Forward, &mut |_, bytes| {
        let asset: Asset = row::decode(bytes)?;
        let want = assets.remove(&asset.id).unwrap_or_default();
        if want != asset.open_findings {
            note(Fault::new(
                Asset::TABLE,
                format!(
                    "{} counts {:?}, its findings are {want:?}",
                    asset.asset_id, asset.open_findings
                ),
            ));
        }
        Ok(true)
    })?;
    source.scan(Vulnerability::TABLE, &Span::all(), Direction::Forward, &mut |_, bytes| {
        let v: Vulnerability = row::decode(bytes)?;
        let want = vulnerabilities.remove(&v.id).unwrap_or_default();
        if want != (v.open_findings, v.total_findings) {
            note(Fault::new(
                Vulnerability::TABLE,
                format!(
                    "{} counts {}/{}, its findings are {}/{}",
                    v.cve_id, v.open_findings, v.total_findings, want.0, want.1
                ),
            ));
        }
        Ok(true)
    })?;
    for id in assets.keys() {
        note(Fault::new(Finding::TABLE, format!("findings name asset {id}, which is not there")));
    }
    for id in vulnerabilities.keys() {
        note(Fault::new(
            Finding::TABLE,
            format!("findings name vulnerability {id}, which is not there"),
        ));
    }
    Ok(())
}

/// Writes a backup while serving. Without a path, under `backups/` in the data directory.
pub async fn back_up(core: &Core, ctx: &Ctx, path: Option<PathBuf>) -> Result<(PathBuf, Summary)> {
    ctx.require(Role::Admin)?;
    let path = match path {
        Some(path) => path,
        None => default_backup(core)?,
    };
    let (store, target) = (core.store.clone(), path.clone());
    let summary = blocking(move || backup::backup(&store, &target)).await?;
    note(core, ctx, "maintenance.backup", format!("{} ({} bytes)", path.display(), summary.bytes))
        .await?;
    Ok((path, summary))
}

fn default_backup(core: &Core) -> Result<PathBuf> {
    let directory = core.options.data_dir.join("backups");
    std::fs::create_dir_all(&directory).map_err(|e| {
        Error::new(Code::StorageUnavailable, format!("cannot create {}: {e}", directory.display()))
    })?;
    let stamp: String =
        core.now().to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(directory.join(format!("vulnzero-{stamp}.redb")))
}

/// Runs `check` off the async threads.
pub async fn check_now(core: &Core, ctx: &Ctx) -> Result<CheckReport> {
    ctx.require(Role::Admin)?;
    let store = core.store.clone();
    blocking(move || check(&store)).await
}

/// Gives free space back to the file system.
pub async fn compact(core: &Core, ctx: &Ctx) -> Result<(EngineStats, EngineStats)> {
    ctx.require(Role::Admin)?;
    let store = core.store.clone();
    let sizes = blocking(move || {
        let before = store.engine().stats()?;
        store.engine().compact()?;
        Ok((before, store.engine().stats()?))
    })
    .await?;
    let detail = format!("{} to {} bytes", sizes.0.file_bytes, sizes.1.file_bytes);
    note(core, ctx, "maintenance.compact", detail).await?;
    Ok(sizes)
}

async fn note(core: &Core, ctx: &Ctx, verb: &'static str, detail: String) -> Result<()> {
    let ctx = ctx.clone();
    core.store
        .write(verb, move |tx| audit::record(tx, &ctx, Entry::new(verb).detail(detail.clone())))
        .await
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(f)
        .await
        .map_err(|e| Error::internal("a background task failed").with_source(e))?
}

/// One index of the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Object)]
pub struct IndexView {
    /// Record table.
    pub table: String,
    /// Name.
    pub name: String,
    /// Columns, in order; `-` before those in descending order.
    pub columns: Vec<String>,
    /// No two records may have the same values.
    pub unique: bool,
    /// What it is for.
    pub description: String,
    /// Entries.
    pub entries: u64,
    /// Queries that it has served since the start.
    pub hits: u64,
}

/// The index catalogue.
pub fn indexes(core: &Core, ctx: &Ctx) -> Result<Vec<IndexView>> {
    ctx.require(Role::Admin)?;
    let snapshot = core.store.read()?;
    let mut views = Vec::new();
    for table in core.store.catalog().tables() {
        for index in table.indexes() {
            let column = |p: &crate::base::record::Part| {
                format!("{}{}", if p.descending { "-" } else { "" }, p.field)
            };
            views.push(IndexView {
                table: table.table().to_owned(),
                name: index.name.to_owned(),
                columns: index.parts.iter().map(column).collect(),
                unique: index.unique,
                description: index.why.to_owned(),
                entries: snapshot.len(index.name)?,
                hits: core.store.hits(index.name),
            });
        }
    }
    Ok(views)
}

/// Whether the store answers reads; for readiness.
pub fn ready(store: &Store) -> Result<()> {
    store.read()?.find::<Asset>(0).map(|_| ())
}
