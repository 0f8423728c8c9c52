//! The engine of tests: everything in memory, nothing survives. Proof that the seam is
//! one, and a fast base for property tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, RwLock};

use super::{Batch, Direction, Engine, EngineStats, Snapshot, Source, Span, Table, Visit};
use crate::base::{Error, Result};

type Tables = BTreeMap<Table, Arc<BTreeMap<Vec<u8>, Vec<u8>>>>;

/// Tables in memory; a commit copies the tables that it touches.
#[derive(Debug, Default)]
pub struct Memory {
    tables: RwLock<Tables>,
}

impl Engine for Memory {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(View(self.tables.read().expect("no writer panics").clone())))
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut tables = self.tables.write().expect("no writer panics");
        for (table, rows) in batch {
            let target = Arc::make_mut(tables.entry(table).or_default());
            for (key, value) in rows {
                match value {
                    Some(value) => target.insert(key.clone(), value.clone()),
                    None => target.remove(key),
                };
            }
        }
        Ok(())
    }

    fn clear(&self, table: Table) -> Result<()> {
        self.tables.write().expect("no writer panics").remove(table);
        Ok(())
    }

    fn is_failed(&self) -> bool {
        false
    }

    fn recover(&self) -> Result<()> {
        Ok(())
    }

    fn stats(&self) -> Result<EngineStats> {
        let tables = self.tables.read().expect("no writer panics");
        let rows = tables.values().flat_map(|t| t.iter());
        Ok(EngineStats {
            stored_bytes: rows.map(|(k, v)| (k.len() + v.len()) as u64).sum(),
            ..EngineStats::default()
        })
    }

    fn table_stats(&self, table: Table) -> Result<(u64, u64)> {
        let tables = self.tables.read().expect("no writer panics");
        Ok(tables.get(table).map_or((0, 0), |t| {
            (t.len() as u64, t.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum())
        }))
    }

    fn copy_to(&self, _path: &Path) -> Result<u64> {
        Err(Error::internal("the memory engine has no files"))
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

struct View(Tables);

impl Source for View {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(table).and_then(|t| t.get(key)).cloned())
    }

    fn scan(
        &self,
        table: Table,
        span: &Span,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let Some(rows) = self.0.get(table).filter(|_| !span.is_empty()) else { return Ok(()) };
        let range = rows.range::<Vec<u8>, _>((span.start.as_ref(), span.end.as_ref()));
        let mut step = |(k, v): (&Vec<u8>, &Vec<u8>)| visit(k, v);
        match direction {
            Direction::Forward => {
                for row in range {
                    if !step(row)? {
                        break;
                    }
                }
            }
            Direction::Reverse => {
                for row in range.rev() {
                    if !step(row)? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn len(&self, table: Table) -> Result<u64> {
        Ok(self.0.get(table).map_or(0, |t| t.len() as u64))
    }
}

impl Snapshot for View {}
