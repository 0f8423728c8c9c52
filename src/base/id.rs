//! Dense ascending ids, and how a path names a thing.

use std::str::FromStr;

/// A record's number within its table: 1, 2, 3 … in order of creation, never used twice.
/// Small index keys and ascending inserts are why this is not a UUID.
pub type Id = u64;

/// How a client names a record: by number, or by its natural key (`CVE-2021-44228`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By number.
    Id(Id),
    /// By natural key.
    Key(String),
}

impl FromStr for Reference {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok());
        Ok(match number.flatten() {
            Some(id) => Self::Id(id),
            None => Self::Key(text.to_owned()),
        })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Key(key) => f.write_str(key),
        }
    }
}
