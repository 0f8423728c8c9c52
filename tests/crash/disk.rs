//! A disk in memory that remembers what was not synced, and fails when it is told to.

use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Builder, Database, StorageBackend};
use vulnzero::store::engine::redb::{Opener, Redb};

/// What the storage engine asked of the disk.
#[derive(Debug, Clone)]
pub enum Op {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// When the disk fails, counted in operations that change it (or in reads).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The first operation that fails, from 1.
    pub at: u64,
    /// How many fail.
    pub count: u64,
    /// As what: an error number of the operating system.
    pub errno: i32,
    /// Which of them can fail.
    pub what: Hit,
}

/// What a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// Everything that changes the disk.
    Changes,
    /// Writes where nothing was written before: what a full file system refuses.
    Growth,
    /// Reads.
    Reads,
}

const SECTOR: usize = 512;

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    log: Option<Vec<Op>>,
    writes: u64,
    reads: u64,
    fault: Option<Fault>,
    failures: u64,
    /// Failures of the present fault.
    spent: u64,
    /// Whether a sector was ever written.
    taken: Vec<bool>,
}

impl State {
    /// Counts an operation that does such things; fails if it is its turn.
    fn tick(&mut self, does: &[Hit]) -> Result<()> {
        let now = if does.contains(&Hit::Reads) { &mut self.reads } else { &mut self.writes };
        *now += 1;
        match self.fault {
            Some(f) if does.contains(&f.what) && *now >= f.at && self.spent < f.count => {
                self.spent += 1;
                self.failures += 1;
                Err(Error::from_raw_os_error(f.errno))
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, offset: u64, length: usize) -> bool {
        let sectors = offset as usize / SECTOR..(offset as usize + length).div_ceil(SECTOR);
        self.taken.resize(self.taken.len().max(sectors.end), false);
        let mut grows = false;
        for taken in &mut self.taken[sectors] {
            grows |= !std::mem::replace(taken, true);
        }
        grows
    }

    fn note(&mut self, op: Op) {
        if let Some(log) = &mut self.log {
            log.push(op);
        }
    }
}

/// The disk. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

/// No space left on device.
pub const ENOSPC: i32 = 28;
/// Input/output error.
pub const EIO: i32 = 5;

impl Disk {
    /// A disk with content.
    pub fn with(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { bytes, ..State::default() })))
    }

    /// A disk that writes down what is done to it.
    pub fn recording() -> Self {
        Self(Arc::new(Mutex::new(State { log: Some(Vec::new()), ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Changes so far.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Reads so far.
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    /// How often it failed.
    pub fn failures(&self) -> u64 {
        self.state().failures
    }

    /// Sets or takes away the fault.
    pub fn set_fault(&self, fault: Option<Fault>) {
        let mut state = self.state();
        (state.fault, state.spent) = (fault, 0);
    }

    /// What was done to it.
    pub fn log(&self) -> Vec<Op> {
        self.state().log.clone().unwrap_or_default()
    }

    /// Opens redb over it, with a page cache of `cache` bytes.
    pub fn open(&self, cache: usize) -> vulnzero::base::Result<Redb> {
        let disk = self.clone();
        let open = move || -> std::result::Result<Database, redb::DatabaseError> {
            Builder::new().set_cache_size(cache).create_with_backend(disk.clone())
        };
        let open: Box<Opener> = Box::new(open);
        Redb::with_opener(open)
    }
}

/// Applies an operation to an image of a disk.
pub fn apply(image: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write(at, data) => {
            let (from, to) = (*at as usize, *at as usize + data.len());
            if image.len() < to {
                image.resize(to, 0);
            }
            image[from..to].copy_from_slice(data);
        }
        Op::Length(length) => image.resize(*length as usize, 0),
        Op::Sync => {}
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(self.state().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let mut state = self.state();
        state.tick(&[Hit::Reads])?;
        let from = offset as usize;
        let bytes = state.bytes.get(from..from + out.len());
        out.copy_from_slice(bytes.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<()> {
        let mut state = self.state();
        state.tick(&[Hit::Changes])?;
        state.taken.truncate((length as usize).div_ceil(SECTOR));
        let op = Op::Length(length);
        apply(&mut state.bytes, &op);
        state.note(op);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = self.state();
        state.tick(&[Hit::Changes])?;
        state.note(Op::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = self.state();
        let before = state.taken.clone();
        let grows = state.take(offset, data.len());
        let does: &[Hit] = if grows { &[Hit::Changes, Hit::Growth] } else { &[Hit::Changes] };
        let done = state.tick(does);
        // A write that fails may have been done in part.
        let data = if done.is_ok() { data } else { &data[..data.len() / 2 / SECTOR * SECTOR] };
        if done.is_err() && grows {
            state.taken = before;
        }
        let op = Op::Write(offset, data.to_vec());
        apply(&mut state.bytes, &op);
        state.note(op);
        done
    }
}
