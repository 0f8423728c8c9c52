//! Finds the field that made poem-openapi refuse a body. Its messages name a field only
//! when a validator fails, so for the rest we ask again with parts left out. Runs only
//! for bodies that were refused.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::ParseFromJSON;
use serde_json::{Map, Value};

/// Names that a message puts into backticks: a failed validator or an unknown field.
const NAMED: [&str; 2] = ["field `", "unknown field `"];

/// The JSON pointer of the member of the top object that `message` is about.
pub(super) fn find<T: ParseFromJSON>(bytes: &[u8], message: &str) -> Option<String> {
    let Ok(Value::Object(object)) = serde_json::from_slice(bytes) else { return None };
    let name = named(message).map(str::to_owned).or_else(|| culprit::<T>(&object, message))?;
    Some(format!("/{}", name.replace('~', "~0").replace('/', "~1")))
}

fn named(message: &str) -> Option<&str> {
    NAMED.iter().find_map(|start| message.split_once(start)?.1.split('`').next())
}

/// Fields are read in the order of the schema and the first wrong one ends it. So leaving
/// out a field changes the message if it is the wrong one, or if it is required and comes
/// earlier: the last field whose absence changes the message is the wrong one. A missing
/// field is found the other way round, by putting in a null.
fn culprit<T: ParseFromJSON>(object: &Map<String, Value>, message: &str) -> Option<String> {
    let schema = schema::<T>()?;
    let changes = |edit: &dyn Fn(&mut Map<String, Value>)| {
        let mut edited = object.clone();
        edit(&mut edited);
        match T::parse_from_json(Some(Value::Object(edited))) {
            Ok(_) => true,
            Err(e) => e.message() != message,
        }
    };
    schema
        .properties
        .iter()
        .rev()
        .map(|(name, _)| *name)
        .find(|name| {
            if object.contains_key(*name) {
                changes(&|o| {
                    o.shift_remove(*name);
                })
            } else {
                // An object is of the wrong type for nearly every field, with a message
                // of its own; null would count as absent.
                schema.required.contains(name)
                    && changes(&|o| {
                        o.insert((*name).to_owned(), Value::Object(Map::new()));
                    })
            }
        })
        .map(str::to_owned)
}

fn schema<T: ParseFromJSON>() -> Option<MetaSchema> {
    let mut registry = Registry::new();
    T::register(&mut registry);
    match T::schema_ref() {
        MetaSchemaRef::Inline(schema) => Some(*schema),
        MetaSchemaRef::Reference(name) => registry.schemas.remove(&name),
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::Object;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Object)]
    #[oai(deny_unknown_fields)]
    struct Inner {
        /// A count.
        count: u32,
    }

    #[derive(Debug, Object)]
    #[oai(deny_unknown_fields)]
    struct Outer {
        first: String,
        #[oai(validator(max_length = 3))]
        short: Option<String>,
        number: u32,
        inner: Option<Inner>,
        list: Vec<u8>,
    }

    fn pointer(text: &str) -> Option<String> {
        let message = Outer::parse_from_json(Some(serde_json::from_str(text).unwrap()));
        find::<Outer>(text.as_bytes(), message.err()?.message())
    }

    #[test]
    fn the_wrong_field_is_named() {
        let cases = [
            (r#"{"first":"a","number":1,"list":[]}"#, None),
            (r#"{"first":"a","number":"x","list":[]}"#, Some("/number")),
            (r#"{"first":[],"number":1,"list":[]}"#, Some("/first")),
            (r#"{"first":"a","list":[]}"#, Some("/number")),
            (r#"{"number":1,"list":[]}"#, Some("/first")),
            (r#"{"first":"a","number":1,"list":[300]}"#, Some("/list")),
            (r#"{"first":"a","number":1}"#, Some("/list")),
            (r#"{"first":"a","number":1,"list":[],"inner":{"count":-1}}"#, Some("/inner")),
            (r#"{"first":"a","number":1,"list":[],"inner":{}}"#, Some("/inner")),
            (r#"{"first":"a","number":1,"list":[],"short":"long"}"#, Some("/short")),
            (r#"{"first":"a","number":1,"list":[],"a/b":1}"#, Some("/a~1b")),
            (r"[]", None),
        ];
        for (text, expected) in cases {
            assert_eq!(pointer(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_field_among_right_ones_is_found(wrong in 0..3usize) {
            let name = ["first", "number", "list"][wrong];
            let mut body = serde_json::json!({"first": "a", "number": 1, "list": [1]});
            body[name] = serde_json::json!({"not": "this"});
            prop_assert_eq!(pointer(&body.to_string()), Some(format!("/{name}")));
        }
    }
}
