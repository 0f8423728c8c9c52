//! An entry of a JSON list as a row: keys are columns, values are cells.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::columns::Columns;
use super::entry::Entry;

/// Most columns of an entry.
const COLUMNS: usize = 1000;

/// Keys and values in their order; objects in the entry give their keys with its own before
/// (`asset name`), lists of texts are one text with commas.
#[derive(Debug, Default)]
pub struct Flat {
    names: Vec<String>,
    values: Vec<String>,
    columns: Columns,
}

impl Flat {
    /// Finds out what the columns say.
    pub fn with_columns(mut self) -> Self {
        self.columns = Columns::of(&self.names, None);
        self
    }

    /// The row.
    pub fn entry(&self) -> Entry<'_> {
        Entry::new(&self.columns, self.values.iter().map(|v| v.trim()).collect())
    }

    fn add(&mut self, name: String, value: Value) {
        if self.names.len() >= COLUMNS {
            return;
        }
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    if let Some(value) = text(&value) {
                        self.push(format!("{name} {key}"), value);
                    }
                }
            }
            value => {
                if let Some(value) = text(&value) {
                    self.push(name, value);
                }
            }
        }
    }

    fn push(&mut self, name: String, value: String) {
        if self.names.len() < COLUMNS {
            self.names.push(name);
            self.values.push(value);
        }
    }
}

/// What a value says as a text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let texts = list.iter().filter(|v| !v.is_array()).filter_map(text);
            let texts: Vec<_> = texts.collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
    }
}

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Flat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flat, A::Error> {
                let mut flat = Flat::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    flat.add(name, value);
                }
                Ok(flat)
            }
        }

        d.deserialize_map(Entries)
    }
}
