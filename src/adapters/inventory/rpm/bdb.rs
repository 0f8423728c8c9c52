//! Berkeley DB's hash tables, of which rpm used the simplest form: short values lie in the
//! pages of the table, long ones in chains of pages of their own.

use std::fs::File;
use std::io;

use super::{Each, HEADER, damaged, le32, read_at};

const MAGIC: u32 = 0x0006_1561;
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;
const IN_PAGE: u8 = 1;
const OFF_PAGE: u8 = 3;
/// Bytes at the beginning of a page before what it holds.
const PAGE_HEAD: usize = 26;

struct Table<'f> {
    file: &'f File,
    page_bytes: usize,
    last: u32,
    is_swapped: bool,
}

/// Calls `each` with every header.
pub fn values(file: &File, each: &mut Each<'_>) -> io::Result<()> {
    let meta = read_at(file, 0, 512)?;
    let magic = le32(&meta, 12)?;
    let is_swapped = magic.swap_bytes() == MAGIC;
    let mut table = Table { file, page_bytes: 0, last: 0, is_swapped };
    let page_bytes = table.number(&meta, 20)? as usize;
    let fits = page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes);
    if (magic != MAGIC && !is_swapped) || !fits || meta[24] != 0 {
        return Err(damaged("its head is not that of a Berkeley DB hash table"));
    }
    table.page_bytes = page_bytes;
    table.last = table.number(&meta, 32)?;
    for number in 1..=table.last {
        let page = table.page(number)?;
        if matches!(page[25], HASH | HASH_UNSORTED) {
            table.pairs(&page, each)?;
        }
    }
    Ok(())
}

impl Table<'_> {
    fn number(&self, bytes: &[u8], at: usize) -> io::Result<u32> {
        let number = le32(bytes, at)?;
        Ok(if self.is_swapped { number.swap_bytes() } else { number })
    }

    fn short(&self, bytes: &[u8], at: usize) -> io::Result<usize> {
        let pair = bytes.get(at..at + 2).ok_or_else(|| damaged("a page is too short"))?;
        let number = u16::from_le_bytes([pair[0], pair[1]]);
        Ok(usize::from(if self.is_swapped { number.swap_bytes() } else { number }))
    }

    fn page(&self, number: u32) -> io::Result<Vec<u8>> {
        read_at(self.file, u64::from(number) * self.page_bytes as u64, self.page_bytes)
    }

    /// The values of a page: every second item, each ends where the one before begins.
    fn pairs(&self, page: &[u8], each: &mut Each<'_>) -> io::Result<()> {
        let items = self.short(page, 20)?;
        let offset = |item: usize| self.short(page, PAGE_HEAD + 2 * item);
        for item in (1..items).step_by(2) {
            let (from, to) = (offset(item)?, offset(item - 1)?);
            let value =
                page.get(from..to).ok_or_else(|| damaged("an item lies outside its page"))?;
            match value.first() {
                Some(&OFF_PAGE) => {
                    let (first, bytes) = (self.number(value, 4)?, self.number(value, 8)?);
                    each(&self.chain(first, u64::from(bytes))?)?;
                }
                // The number of the last package stands under the number 0.
                Some(&IN_PAGE) if value.len() > 16 => each(&value[1..])?,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn chain(&self, first: u32, bytes: u64) -> io::Result<Vec<u8>> {
        if bytes > HEADER {
            return Err(damaged("a value is too long"));
        }
        let mut value = Vec::with_capacity(bytes as usize);
        let mut next = first;
        while next != 0 && (value.len() as u64) < bytes {
            let page = self.page(next)?;
            if page[25] != OVERFLOW {
                return Err(damaged("a value leads to a page of another kind"));
            }
            let held = self.short(&page, 22)?;
            let part = page.get(PAGE_HEAD..PAGE_HEAD + held);
            value.extend(part.ok_or_else(|| damaged("a page holds more than it can"))?);
            next = self.number(&page, 16)?;
            if held == 0 {
                break;
            }
        }
        if value.len() as u64 == bytes { Ok(value) } else { Err(damaged("a value is cut off")) }
    }
}
