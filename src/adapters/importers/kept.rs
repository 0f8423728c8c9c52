//! What an importer keeps of a report for the whole import (rules, products, components
//! that others refer to), counted against a limit so that memory has a bound.

use crate::base::{Code, Error, Result, limits};

/// What an entry of a map takes beside its texts, bytes; an estimate.
const OVERHEAD: usize = 96;

/// Counts what is kept.
#[derive(Debug)]
pub struct Kept {
    bytes: usize,
    what: &'static str,
}

impl Kept {
    /// Nothing yet; `what` names it in errors: `rules`.
    #[must_use]
    pub fn new(what: &'static str) -> Self {
        Self { bytes: 0, what }
    }

    /// One more thing whose texts take `bytes`; an error if that is too much.
    pub fn add(&mut self, bytes: usize) -> Result<()> {
        self.bytes += bytes + OVERHEAD;
        if self.bytes <= limits::REPORT_FACTS_BYTES {
            return Ok(());
        }
        let (what, max) = (self.what, limits::REPORT_FACTS_BYTES >> 20);
        Err(Error::new(Code::TooLarge, format!("the report's {what} take more than {max} MiB")))
    }

    /// Whether texts for people of `bytes` fit without taking the room of what identifies:
    /// half of all.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.bytes + bytes <= limits::REPORT_FACTS_BYTES / 2
    }
}

/// Bytes of optional texts.
pub fn size<'t>(texts: impl IntoIterator<Item = &'t Option<String>>) -> usize {
    texts.into_iter().flatten().map(String::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_a_limit() {
        let mut kept = Kept::new("rules");
        assert!(kept.has_room(1 << 20));
        kept.add(limits::REPORT_FACTS_BYTES - 10 * OVERHEAD).unwrap();
        assert!(!kept.has_room(0));
        let error = (0..10).find_map(|_| kept.add(0).err()).unwrap();
        assert_eq!(error.code(), Code::TooLarge);
        assert_eq!(error.to_string(), "the report's rules take more than 64 MiB");
        assert_eq!(size([&Some("ab".to_owned()), &None, &Some("c".to_owned())]), 3);
    }
}
