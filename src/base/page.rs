//! Cursors: opaque, versioned, and bound to the query that made them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Code, Error, Result};

const VERSION: u8 = 1;

/// Where a page ended: the index key of its last row, and a hash of the query, so that a
/// cursor cannot be used with another order or filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Hash of filters and order.
    pub query: u64,
    /// Sort key and id of the last row that was returned.
    pub after: Vec<u8>,
}

impl Cursor {
    /// The text that clients see.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(9 + self.after.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.query.to_be_bytes());
        bytes.extend_from_slice(&self.after);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that belongs to `query`.
    pub fn decode(text: &str, query: u64) -> Result<Self> {
        let wrong = |what: &'static str| Error::new(Code::NotFound, what);
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| wrong("cursor: not a cursor of this server"))?;
        match bytes.split_first() {
            Some((&VERSION, rest)) if rest.len() >= 8 => {
                let (hash, after) = rest.split_at(8);
                let hash = u64::from_be_bytes(hash.try_into().expect("split at 8"));
                if hash != query {
                    return Err(wrong("cursor: it belongs to another filter or order"));
                }
                Ok(Self { query, after: after.to_vec() })
            }
            _ => Err(wrong("cursor: not a cursor of this server")),
        }
    }
}

/// FNV-1a, 64 bit: a stable hash for cursors and fingerprints (not for security).
#[must_use]
pub fn stable_hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_returns_only_to_its_own_query() {
        let c = Cursor { query: 7, after: vec![0, 255, 3] };
        assert_eq!(Cursor::decode(&c.encode(), 7).unwrap(), c);
        assert!(Cursor::decode(&c.encode(), 8).is_err());
        assert!(Cursor::decode("", 7).is_err());
        assert!(Cursor::decode("!!", 7).is_err());
        assert!(Cursor::decode("AA", 7).is_err());
    }
}
