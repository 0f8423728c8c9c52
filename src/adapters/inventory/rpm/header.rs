//! The header of a package as rpm stores it: numbers of entries and bytes, the entries (tag,
//! type, offset, count; big-endian), their data.

use std::io;

use super::{be32, damaged};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCH: u32 = 1022;
const SOURCERPM: u32 = 1044;

const INT32: u32 = 4;
const STRING: u32 = 6;

/// Most entries.
const ENTRIES: usize = 0xffff;
/// What rpm prints for "none".
const NONE: &str = "(none)";

/// Name, epoch, version, release, architecture and source, with tabs between.
pub fn line(blob: &[u8]) -> io::Result<String> {
    let (entries, bytes) = (be32(blob, 0)? as usize, be32(blob, 4)? as usize);
    if entries == 0 || entries > ENTRIES {
        return Err(damaged("a header has a strange number of entries"));
    }
    let data = blob.get(8 + entries * 16..).ok_or_else(|| damaged("a header is cut off"))?;
    let data = data.get(..bytes).ok_or_else(|| damaged("a header is cut off"))?;
    let mut fields = [const { String::new() }; 6];
    for entry in blob[8..8 + entries * 16].chunks_exact(16) {
        let at = match be32(entry, 0)? {
            NAME => 0,
            EPOCH => 1,
            VERSION => 2,
            RELEASE => 3,
            ARCH => 4,
            SOURCERPM => 5,
            _ => continue,
        };
        let offset = be32(entry, 8)? as usize;
        fields[at] = match be32(entry, 4)? {
            INT32 => be32(data, offset)?.to_string(),
            STRING => text(data, offset)?,
            _ => continue,
        };
    }
    for field in fields.iter_mut().filter(|field| field.is_empty()) {
        NONE.clone_into(field);
    }
    Ok(fields.join("\t"))
}

fn text(data: &[u8], offset: usize) -> io::Result<String> {
    let rest = data.get(offset..).ok_or_else(|| damaged("a text lies outside of its header"))?;
    let end = memchr::memchr(0, rest).ok_or_else(|| damaged("a text has no end"))?;
    let text = String::from_utf8_lossy(&rest[..end]);
    Ok(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}
