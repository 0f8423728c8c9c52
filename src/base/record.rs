//! The vocabulary in which a record declares itself: [`Record`], [`Field`], [`Index`].
//!
//! From these declarations come the index tables and their upkeep, facets and counts, the
//! legal filters and orders of the API and their documentation, the catalogue, `check`
//! and the property tests. How any of this is stored is not said here.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use super::{Error, Timestamp, id::Id};

/// The value of a field as an index sees it.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Value {
    /// No value; sorts before every other.
    Null,
    /// A boolean.
    Bool(bool),
    /// The position of an enum's variant in its list.
    Enum(u8),
    /// An unsigned integer or an id.
    U64(u64),
    /// A finite float.
    F64(f64),
    /// A point in time.
    Time(Timestamp),
    /// Text, compared by its UTF-8 bytes.
    Text(String),
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::Text(s.to_owned())
    }
}

impl From<&String> for Value {
    fn from(s: &String) -> Self {
        Self::Text(s.clone())
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::U64(n)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::F64(x)
    }
}

impl From<Timestamp> for Value {
    fn from(t: Timestamp) -> Self {
        Self::Time(t)
    }
}

impl<T> From<&Option<T>> for Value
where
    for<'a> &'a T: Into<Value>,
{
    fn from(v: &Option<T>) -> Self {
        v.as_ref().map_or(Self::Null, Into::into)
    }
}

impl From<&f64> for Value {
    fn from(x: &f64) -> Self {
        Self::F64(*x)
    }
}

impl From<&Timestamp> for Value {
    fn from(t: &Timestamp) -> Self {
        Self::Time(*t)
    }
}

impl From<&u64> for Value {
    fn from(n: &u64) -> Self {
        Self::U64(*n)
    }
}

/// The type of a field's values; says how filter texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// One of a list of words; ordered by position.
    Enum(&'static [&'static str]),
    /// An unsigned integer.
    U64,
    /// A finite number.
    F64,
    /// RFC 3339 or a date.
    Time,
    /// Any text.
    Text,
    /// Lower-case words for search; a filter's words match by their beginning.
    Words,
}

impl Kind {
    /// Reads one value of a filter. The error says what would be right.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Bool => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(format!("'{text}' is neither true nor false")),
            },
            Self::Enum(words) => words
                .iter()
                .position(|w| *w == text)
                .map(|n| Value::Enum(n as u8))
                .ok_or_else(|| format!("'{text}' is none of: {}", words.join(", "))),
            Self::U64 => text
                .parse()
                .map(Value::U64)
                .map_err(|_| format!("'{text}' is not a whole number from 0 up")),
            Self::F64 => text
                .parse::<f64>()
                .ok()
                .filter(|x| x.is_finite())
                .map(Value::F64)
                .ok_or_else(|| format!("'{text}' is not a number")),
            Self::Time => text.parse().map(Value::Time),
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Words => Ok(Value::Text(text.to_lowercase())),
        }
    }

    /// The text of a value, the inverse of [`Kind::parse`]; `None` for no value.
    #[must_use]
    pub fn text(self, value: &Value) -> Option<String> {
        match (self, value) {
            (_, Value::Null) => None,
            (Self::Enum(words), Value::Enum(n)) => {
                words.get(usize::from(*n)).map(|w| (*w).to_owned())
            }
            (_, Value::Enum(n)) => Some(n.to_string()),
            (_, Value::Bool(b)) => Some(b.to_string()),
            (_, Value::U64(n)) => Some(n.to_string()),
            (_, Value::F64(x)) => Some(x.to_string()),
            (_, Value::Time(t)) => Some(t.to_string()),
            (_, Value::Text(s)) => Some(s.clone()),
        }
    }

    /// Whether the order of values means something, so that ranges make sense.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::U64 | Self::F64 | Self::Time)
    }
}

/// How a field hands over its values: it calls the closure once per value (not at all for
/// an empty list, once with [`Value::Null`] for a missing single value).
pub type Getter<R> = fn(&R, &mut dyn FnMut(Value));

/// One field that can be filtered, sorted or counted by.
pub struct Field<R: 'static> {
    /// Name in the API and in JSON.
    pub name: &'static str,
    /// Type of its values.
    pub kind: Kind,
    /// Hands over the values of a record.
    pub get: Getter<R>,
    /// Whether a record may have several values, by which nothing can be ordered.
    pub multi: bool,
    /// Whether a bitmap per value is kept: exact counts and any combination of filters
    /// without scanning. For fields with few values, or few rows per value.
    pub facet: bool,
    /// One sentence for the documentation.
    pub about: &'static str,
}

impl<R> Field<R> {
    /// A field that indexes may use.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, get: Getter<R>, about: &'static str) -> Self {
        Self { name, kind, get, multi: false, facet: false, about }
    }

    /// A field of which a record may have several values, or none.
    #[must_use]
    pub const fn many(name: &'static str, kind: Kind, get: Getter<R>, about: &'static str) -> Self {
        Self { name, kind, get, multi: true, facet: false, about }
    }

    /// Keeps a bitmap per value.
    #[must_use]
    pub const fn facet(mut self) -> Self {
        self.facet = true;
        self
    }

    /// The values of `record`.
    pub fn values(&self, record: &R) -> Vec<Value> {
        let mut values = Vec::with_capacity(1);
        (self.get)(record, &mut |v| values.push(v));
        values
    }
}

/// An index part: the field's name, and whether it is kept in descending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Name of a declared [`Field`].
    pub field: &'static str,
    /// Largest first.
    pub descending: bool,
}

/// One secondary index, kept in a table of its own.
#[derive(Debug, Clone, Copy)]
pub struct Index {
    /// Name of the table, for example `idx_vulnerabilities_cve_id`.
    pub name: &'static str,
    /// Its columns, in order. At most one of them may have several values.
    pub parts: &'static [Part],
    /// No two records may have the same values. Records without a value are left out.
    pub unique: bool,
    /// What it is for; shown by the catalogue.
    pub why: &'static str,
}

impl Index {
    /// An index over `parts`.
    #[must_use]
    pub const fn on(name: &'static str, parts: &'static [Part], why: &'static str) -> Self {
        Self { name, parts, unique: false, why }
    }

    /// Makes it unique.
    #[must_use]
    pub const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }
}

/// An ascending index part.
#[must_use]
pub const fn asc(field: &'static str) -> Part {
    Part { field, descending: false }
}

/// A descending index part.
#[must_use]
pub const fn desc(field: &'static str) -> Part {
    Part { field, descending: true }
}

/// A kind of record: its table, its fields, its indexes.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Name of the table and of the resource (`assets`).
    const TABLE: &'static str;
    /// Name of the table that holds the facets; by convention `fct_` and the table's name.
    const FACETS: &'static str;
    /// The word for one of them (`asset`).
    const NOUN: &'static str;
    /// Version of the JSON shape; goes up when a stored record must be rewritten to be
    /// served (a new field with a default, a renamed field).
    const SCHEMA: u8 = 1;
    /// The unique index whose value may stand for the id in a path, and its only field.
    const NATURAL_KEY: Option<&'static str> = None;
    /// The order of a list that does not ask for one.
    const DEFAULT_SORT: &'static str = "id";

    /// Fields that indexes and filters use.
    fn fields() -> &'static [Field<Self>];
    /// Secondary indexes.
    fn indexes() -> &'static [Index];

    /// What every record carries.
    fn head(&self) -> Head;
    /// Replaces the head; for the store only.
    fn set_head(&mut self, head: Head);

    /// Brings JSON of an older [`Record::SCHEMA`] into the current shape.
    fn upgrade(_from: u8, _json: &mut serde_json::Value) -> Result<(), Error> {
        Ok(())
    }

    /// Looks a field up by name.
    #[must_use]
    fn field(name: &str) -> Option<&'static Field<Self>> {
        Self::fields().iter().find(|f| f.name == name)
    }
}

/// Implements [`Record::head`] and [`Record::set_head`] over fields of the same names.
/// (Not `#[serde(flatten)]`: that would buffer every record once more when reading it.)
#[macro_export]
macro_rules! record_head {
    () => {
        fn head(&self) -> $crate::base::record::Head {
            $crate::base::record::Head {
                id: self.id,
                version: self.version,
                created_at: self.created_at,
                updated_at: self.updated_at,
            }
        }

        fn set_head(&mut self, head: $crate::base::record::Head) {
            self.id = head.id;
            self.version = head.version;
            self.created_at = head.created_at;
            self.updated_at = head.updated_at;
        }
    };
}

/// What every record carries, as fields of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Number within the table; 0 until it is stored.
    pub id: Id,
    /// Goes up by one with every change; the ETag.
    pub version: u64,
    /// When it was stored first.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A map in stable order, for tags and the like.
pub type Map = BTreeMap<String, String>;
