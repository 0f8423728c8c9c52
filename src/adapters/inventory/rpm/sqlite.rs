//! Just enough of SQLite's file format (sqlite.org/fileformat2.html) to read one table: its
//! b-tree, overflow pages, and what a write-ahead log has committed. rpm's only table that
//! matters is `Packages (hnum INTEGER PRIMARY KEY, blob BLOB)`.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use super::{Each, HEADER, be32, damaged, read_at};

const MAGIC: &[u8] = b"SQLite format 3\0";
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;
/// Deepest b-tree: a page has at least two children.
const DEPTH: usize = 40;
/// Largest log that is read, bytes.
const LOG: u64 = 256 << 20;

struct Database<'f> {
    file: &'f File,
    page_bytes: usize,
    /// Bytes of a page that hold something.
    usable: usize,
    /// Newer pages, from the log.
    newer: HashMap<u32, Vec<u8>>,
}

/// Calls `each` with the blob of every row of a table.
pub fn rows(file: &File, log: Option<&File>, table: &str, each: &mut Each<'_>) -> io::Result<()> {
    let head = read_at(file, 0, 100)?;
    let page_bytes = match usize::from(u16::from_be_bytes([head[16], head[17]])) {
        1 => 65_536,
        n => n,
    };
    let fits = page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes);
    if !head.starts_with(MAGIC) || !fits {
        return Err(damaged("its head is not that of an SQLite database"));
    }
    let usable = page_bytes - usize::from(head[20]);
    let newer = log.map_or_else(|| Ok(HashMap::new()), |log| committed(log, page_bytes))?;
    let database = Database { file, page_bytes, usable, newer };
    let mut root = None;
    database.walk(1, DEPTH, &mut |payload| {
        let (columns, body) = record(payload)?;
        let kind = column(&columns, body, 0).unwrap_or_default();
        let name = column(&columns, body, 1).unwrap_or_default();
        if kind == b"table" && name == table.as_bytes() {
            let number = column(&columns, body, 3).unwrap_or_default();
            root = Some(number.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte)));
        }
        Ok(())
    })?;
    let root = root.ok_or_else(|| damaged("it has no table of packages"))?;
    database.walk(root, DEPTH, &mut |payload| {
        let (columns, body) = record(payload)?;
        each(column(&columns, body, 1).ok_or_else(|| damaged("a row is too short"))?)
    })
}

impl Database<'_> {
    fn page(&self, number: u32) -> io::Result<Vec<u8>> {
        if let Some(page) = self.newer.get(&number) {
            return Ok(page.clone());
        }
        let before = number.checked_sub(1).ok_or_else(|| damaged("a page has the number 0"))?;
        read_at(self.file, u64::from(before) * self.page_bytes as u64, self.page_bytes)
    }

    /// Calls `each` with the payload of every row below a page.
    fn walk(&self, number: u32, depth: usize, each: &mut Each<'_>) -> io::Result<()> {
        let page = self.page(number)?;
        // The first page begins with the head of the file.
        let start = if number == 1 { 100 } else { 0 };
        let kind = page[start];
        if depth == 0 || !matches!(kind, INTERIOR | LEAF) {
            return Err(damaged("a page is none of a table"));
        }
        let short = |at: usize| {
            let pair = page.get(at..at + 2).ok_or_else(|| damaged("a page is too short"))?;
            Ok::<_, io::Error>(usize::from(u16::from_be_bytes([pair[0], pair[1]])))
        };
        let cells = short(start + 3)?;
        let pointers = start + if kind == LEAF { 8 } else { 12 };
        for cell in 0..cells {
            let at = short(pointers + 2 * cell)?;
            if kind == INTERIOR {
                self.walk(be32(&page, at)?, depth - 1, each)?;
            } else {
                each(&self.payload(&page, at)?)?;
            }
        }
        if kind == INTERIOR { self.walk(be32(&page, start + 8)?, depth - 1, each) } else { Ok(()) }
    }

    /// The payload of a cell: what the page holds of it, then a chain of pages.
    fn payload(&self, page: &[u8], at: usize) -> io::Result<Vec<u8>> {
        let (bytes, at) = varint(page, at)?;
        let (_, at) = varint(page, at)?;
        if bytes > HEADER {
            return Err(damaged("a row is too long"));
        }
        let bytes = bytes as usize;
        let most = self.usable - 35;
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = if bytes <= most {
            bytes
        } else {
            let fitting = least + (bytes - least) % (self.usable - 4);
            if fitting <= most { fitting } else { least }
        };
        let part =
            page.get(at..at + local).ok_or_else(|| damaged("a row lies outside its page"))?;
        let mut payload = Vec::with_capacity(bytes);
        payload.extend_from_slice(part);
        if local == bytes {
            return Ok(payload);
        }
        let mut next = be32(page, at + local)?;
        while next != 0 && payload.len() < bytes {
            let page = self.page(next)?;
            next = be32(&page, 0)?;
            let held = (bytes - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(&page[4..4 + held]);
        }
        if payload.len() == bytes { Ok(payload) } else { Err(damaged("a row is cut off")) }
    }
}

/// A number of variable length: seven bits a byte, the ninth has eight.
fn varint(bytes: &[u8], mut at: usize) -> io::Result<(u64, usize)> {
    let mut value = 0_u64;
    for n in 0..9 {
        let byte = *bytes.get(at).ok_or_else(|| damaged("a number is cut off"))?;
        at += 1;
        if n == 8 {
            return Ok((value << 8 | u64::from(byte), at));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok((value, at))
}

/// Sizes of the columns of a record, and their bytes one after the other.
fn record(payload: &[u8]) -> io::Result<(Vec<usize>, &[u8])> {
    let (head, mut at) = varint(payload, 0)?;
    let head = usize::try_from(head).unwrap_or(usize::MAX).min(payload.len());
    let mut sizes = Vec::new();
    while at < head {
        let (kind, next) = varint(payload, at)?;
        at = next;
        sizes.push(match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return Err(damaged("a column has no type")),
            n => ((n - 12) / 2) as usize,
        });
    }
    Ok((sizes, &payload[head..]))
}

fn column<'p>(sizes: &[usize], body: &'p [u8], number: usize) -> Option<&'p [u8]> {
    let from: usize = sizes.get(..number)?.iter().sum();
    body.get(from..from.checked_add(*sizes.get(number)?)?)
}

/// The newest version of each page that a write-ahead log has committed. What follows the
/// first frame that does not fit was not.
fn committed(log: &File, page_bytes: usize) -> io::Result<HashMap<u32, Vec<u8>>> {
    let (mut pages, mut pending) = (HashMap::new(), Vec::new());
    let bytes = log.metadata()?.len();
    if bytes < 32 {
        return Ok(pages);
    }
    if bytes > LOG {
        return Err(damaged("its log is too large"));
    }
    let head = read_at(log, 0, 32)?;
    let is_big = match be32(&head, 0)? {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return Ok(pages),
    };
    let mut sum = checksum(is_big, (0, 0), &head[..24]);
    if sum != (be32(&head, 24)?, be32(&head, 28)?) || be32(&head, 8)? as usize != page_bytes {
        return Ok(pages);
    }
    let frame_bytes = 24 + page_bytes;
    for number in 0..(bytes - 32) / frame_bytes as u64 {
        let frame = read_at(log, 32 + number * frame_bytes as u64, frame_bytes)?;
        sum = checksum(is_big, sum, &frame[..8]);
        sum = checksum(is_big, sum, &frame[24..]);
        let is_ours = frame[8..16] == head[16..24];
        if !is_ours || sum != (be32(&frame, 16)?, be32(&frame, 20)?) {
            break;
        }
        pending.push((be32(&frame, 0)?, frame[24..].to_vec()));
        if be32(&frame, 4)? != 0 {
            pages.extend(pending.drain(..));
        }
    }
    Ok(pages)
}

/// The log's checksum, over words of whichever byte order.
fn checksum(is_big: bool, from: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |b: &[u8]| {
        let b = [b[0], b[1], b[2], b[3]];
        if is_big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
    };
    bytes.chunks_exact(8).fold(from, |(one, two), pair| {
        let one = one.wrapping_add(word(&pair[..4])).wrapping_add(two);
        let two = two.wrapping_add(word(&pair[4..])).wrapping_add(one);
        (one, two)
    })
}
