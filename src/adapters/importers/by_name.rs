//! Objects whose keys are names that a document chooses (fingerprints, base addresses, texts
//! by their ids), as serde field functions, by the rules of [`super::lenient`]: what is
//! strange says nothing. A name that is too long stays an error.

use std::fmt;
use std::marker::PhantomData;

use serde::de::Visitor;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};

use super::lenient::{Mixed, Values};
use super::text;
use crate::base::limits;

/// The entries of an object whose keys are names, up to the limit for lists; values that are
/// no texts are left out.
pub fn texts<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(String, String)>, D::Error> {
    let read = |value| match value {
        Mixed::Name(text) => Some(text),
        Mixed::Object(IgnoredAny) => None,
    };
    let found = entries(d, |text| Ok(text::to_line(text)))?;
    Ok(found.into_iter().filter_map(|(name, value)| Some((name, read(value)?))).collect())
}

/// The objects in an object by their keys, up to the limit for lists; other values are left
/// out.
pub fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> Result<Vec<(String, T)>, D::Error> {
    let read = |value| match value {
        Mixed::Name(_) => None,
        Mixed::Object(object) => Some(object),
    };
    let found = entries(d, |_| Ok(None))?;
    Ok(found.into_iter().filter_map(|(name, value)| Some((name, read(value)?))).collect())
}

fn entries<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
    read: fn(&str) -> Result<Option<String>, String>,
) -> Result<Vec<(String, Mixed<T>)>, D::Error> {
    let mut found = Vec::new();
    Entries(&mut found, read).deserialize(d)?;
    Ok(found)
}

/// Keeps the first value of each key.
struct Entries<'f, T>(&'f mut Vec<(String, Mixed<T>)>, fn(&str) -> Result<Option<String>, String>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Entries<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let mut value = None;
            map.next_value_seed(Values(
                &mut |v| value = value.take().or(Some(v)),
                self.1,
                PhantomData,
            ))?;
            let key = text::to_name(&key).map_err(serde::de::Error::custom)?;
            if self.0.len() < limits::LIST_VALUES
                && let (Some(key), Some(value)) = (key, value)
            {
                self.0.push((key, value));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        n: u32,
    }

    fn objects_of(json: &Value) -> Vec<(String, u32)> {
        let found = objects::<Inner, _>(json).unwrap();
        found.into_iter().map(|(name, inner)| (name, inner.n)).collect()
    }

    #[test]
    fn entries_keep_their_names() {
        let found = texts(&json!({"a": "x", " b ": 7, "c": ["y", "z"], "d": {}, "e": null}));
        let found = found.unwrap();
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, [("a", "x"), ("b", "7"), ("c", "y")]);
        assert_eq!(objects_of(&json!({"a": {"n": 1}, "b": 2})), [("a".to_owned(), 1)]);
    }

    #[test]
    fn strange_values_say_nothing_and_many_are_not_kept() {
        for strange in [json!(null), json!([1]), json!("x"), json!(1.5), json!(true)] {
            assert!(objects_of(&strange).is_empty() && texts(&strange).unwrap().is_empty());
        }
        let many: serde_json::Map<_, _> = (0..999).map(|n| (n.to_string(), json!("v"))).collect();
        assert_eq!(texts(&Value::from(many)).unwrap().len(), limits::LIST_VALUES);
        let long = json!({"n".repeat(2000): "v"});
        assert!(texts(&long).unwrap_err().to_string().contains("a name of 2000 bytes"));
    }
}
