//! `ndb`, rpm's own database: pages of slots, which say where the headers lie.

use std::fs::File;
use std::io;

use super::{Each, HEADER, damaged, le32, read_at};

const MAGIC: &[u8] = b"RpmP";
const SLOT: &[u8] = b"Slot";
const BLOB: &[u8] = b"BlbS";
/// Bytes of a page of slots.
const PAGE: usize = 4096;
/// Bytes of a slot; blobs are aligned to as many.
const UNIT: usize = 16;
/// Most pages of slots: half a million packages.
const PAGES: usize = 2048;

/// Calls `each` with every header.
pub fn blobs(file: &File, each: &mut Each<'_>) -> io::Result<()> {
    let head = read_at(file, 0, 2 * UNIT)?;
    let (version, pages) = (le32(&head, 4)?, le32(&head, 12)? as usize);
    if !head.starts_with(MAGIC) || version != 0 || pages == 0 || pages > PAGES {
        return Err(damaged("its head is not that of an ndb database"));
    }
    let slots = read_at(file, 0, pages * PAGE)?;
    // The head takes the room of the first two.
    for slot in slots.chunks_exact(UNIT).skip(2) {
        if !slot.starts_with(SLOT) {
            return Err(damaged("a slot does not begin as one"));
        }
        let (number, block) = (le32(slot, 4)?, u64::from(le32(slot, 8)?));
        if number == 0 {
            continue;
        }
        let at = block * UNIT as u64;
        let blob = read_at(file, at, UNIT)?;
        let bytes = u64::from(le32(&blob, 12)?);
        if !blob.starts_with(BLOB) || le32(&blob, 4)? != number || bytes > HEADER {
            return Err(damaged("a slot leads to something else"));
        }
        each(&read_at(file, at + UNIT as u64, bytes as usize)?)?;
    }
    Ok(())
}
