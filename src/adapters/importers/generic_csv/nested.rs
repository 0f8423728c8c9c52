//! What a mapping picks out of an entry of a JSON list: by a key, by keys with dots between
//! (`asset.name`), or by a pointer (`/asset/name`). Lists on the way are gone through; a
//! number takes one of their elements.

use serde_json::Value;

use super::columns::Columns;
use super::entry::Entry;
use super::flat;
use crate::adapters::importers::table::folded;
use crate::base::limits;
use crate::domain::mapping::Mapping;

/// The cells that a mapping picks.
pub struct Picked {
    columns: Columns,
    values: Vec<String>,
}

impl Picked {
    /// Out of one entry.
    pub fn of(entry: &Value, mapping: &Mapping) -> Self {
        let fields = mapping.columns.iter().map(|(name, field)| (*field, name.clone()));
        let values = mapping.columns.keys().map(|name| pick(entry, name)).collect();
        Self { columns: Columns::found(fields), values }
    }

    /// The row.
    pub fn entry(&self) -> Entry<'_> {
        Entry::new(&self.columns, self.values.iter().map(|v| v.trim()).collect())
    }
}

/// Whether a mapping is about entries with these keys.
pub fn is_of(mapping: &Mapping, keys: &[&str]) -> bool {
    let keys: Vec<String> = keys.iter().map(|key| folded(key)).collect();
    let first = |name: &String| {
        let first = segments(name).into_iter().next().unwrap_or_default();
        [folded(name), folded(&first)].iter().any(|key| keys.contains(key))
    };
    mapping.columns.keys().any(first)
}

/// Why a document is of no use for a mapping.
pub fn absent(mapping: &Mapping) -> String {
    let names: Vec<_> = mapping.columns.keys().map(|name| format!("'{name}'")).collect();
    format!(
        "no entries were found that have any of what the mapping names: {} (entries are the \
         objects of an array, also in 'findings', 'vulnerabilities', 'results', 'issues', 'items' \
         or 'data', or one a line)",
        names.join(", ")
    )
}

/// The keys on a way.
fn segments(path: &str) -> Vec<String> {
    match path.strip_prefix('/') {
        Some(pointer) => {
            let unescape = |part: &str| part.replace("~1", "/").replace("~0", "~");
            pointer.split('/').map(unescape).collect()
        }
        None => path.split('.').map(|part| part.trim().to_owned()).collect(),
    }
}

/// The text at a path; of several, all with commas between.
fn pick(entry: &Value, path: &str) -> String {
    // A key may have dots itself.
    if let Some(value) = member(entry, path).filter(|_| !path.starts_with('/')) {
        return flat::text(value).unwrap_or_default();
    }
    let mut found = Vec::new();
    walk(entry, &segments(path), &mut found);
    found.join(", ")
}

fn walk(value: &Value, path: &[String], found: &mut Vec<String>) {
    if found.len() >= limits::LIST_VALUES {
        return;
    }
    let Some((key, rest)) = path.split_first() else {
        return found.extend(flat::text(value));
    };
    match value {
        Value::Object(_) => {
            if let Some(value) = member(value, key) {
                walk(value, rest, found);
            }
        }
        Value::Array(list) => match key.parse::<usize>() {
            Ok(at) => list.get(at).into_iter().for_each(|value| walk(value, rest, found)),
            Err(_) => list.iter().for_each(|value| walk(value, path, found)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A member by its name; if there is none just so, by what matters of the name.
fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    let wanted = folded(key);
    let alike = || object.iter().find(|(name, _)| !wanted.is_empty() && folded(name) == wanted);
    object.get(key).or_else(|| alike().map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_reach_into_entries() {
        let entry = json!({
            "Bug Id": "CVE-2021-1", "a.b": "whole", "a": {"b": "part", "c": {"d": 7}},
            "list": [{"id": "x"}, {"id": "y"}, {"no": 1}], "texts": ["p", "q"], "x/y": {"~": true},
        });
        for (path, text) in [
            ("bug_id", "CVE-2021-1"),
            ("a.b", "whole"),
            ("/a/b", "part"),
            ("a.c.d", "7"),
            ("A.C.D", "7"),
            ("list.id", "x, y"),
            ("/list/1/id", "y"),
            ("texts", "p, q"),
            ("texts.1", "q"),
            ("/x~1y/~0", "true"),
            ("a.c", ""),
            ("no.such", ""),
            ("/list/9/id", ""),
        ] {
            assert_eq!(pick(&entry, path), text, "{path}");
        }
    }
}
