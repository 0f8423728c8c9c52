//! The part of JSON Schema that the API description uses (OpenAPI 3.0), compiled once, so
//! that a value can be held against it and every fault be named with its place.

use std::fmt::Write as _;

use regex::Regex;
use serde_json::{Map, Value};

/// Faults that are listed at most: enough to correct a request, too few to fill a log.
const FAULTS: usize = 20;
/// Deepest nesting of schemas that is followed; those of requests have three levels.
const DEPTH: usize = 16;

/// What is wrong with a value: where, as an RFC 6901 pointer, and what would be right.
pub type Faults = Vec<(String, String)>;

/// A compiled schema. What it does not mention is allowed.
#[derive(Debug, Default)]
pub struct Schema {
    types: Option<Type>,
    nullable: bool,
    words: Option<Vec<String>>,
    text: TextRules,
    minimum: Option<f64>,
    maximum: Option<f64>,
    items: Option<Box<Schema>>,
    item_count: (Option<u64>, Option<u64>),
    properties: Vec<(String, Schema)>,
    required: Vec<String>,
    others: Others,
    max_properties: Option<u64>,
    all_of: Vec<Schema>,
    any_of: Vec<Schema>,
    one_of: Vec<Schema>,
}

#[derive(Debug, Default)]
struct TextRules {
    min: Option<u64>,
    max: Option<u64>,
    pattern: Option<Regex>,
    is_time: bool,
}

/// Members that `properties` does not name.
#[derive(Debug, Default)]
enum Others {
    #[default]
    Allowed,
    Refused,
    Like(Box<Schema>),
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Object,
    Array,
    Text,
    Integer,
    Number,
    Bool,
}

impl Type {
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Bool,
            _ => return None,
        })
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Bool => "true or false",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Text => value.is_string(),
            Self::Integer => value.is_u64() || value.is_i64(),
            Self::Number => value.is_number(),
            Self::Bool => value.is_boolean(),
        }
    }
}

impl Schema {
    /// Compiles `schema`; references lead into `document`.
    #[must_use]
    pub fn compile(schema: &Value, document: &Value) -> Self {
        Self::at_depth(schema, document, 0)
    }

    fn at_depth(schema: &Value, document: &Value, depth: usize) -> Self {
        if depth > DEPTH {
            return Self::default();
        }
        if let Some(pointer) = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
            let target = document.pointer(pointer).unwrap_or(&Value::Null);
            return Self::at_depth(target, document, depth + 1);
        }
        let inner = |schema: &Value| Self::at_depth(schema, document, depth + 1);
        let list = |name: &str| -> Vec<Self> {
            schema[name].as_array().into_iter().flatten().map(inner).collect()
        };
        Self {
            types: schema["type"].as_str().and_then(Type::read),
            nullable: schema["nullable"] == true,
            words: schema["enum"].as_array().map(|words| texts(words)),
            text: TextRules::read(schema),
            minimum: schema["minimum"].as_f64(),
            maximum: schema["maximum"].as_f64(),
            items: schema.get("items").map(|s| Box::new(inner(s))),
            item_count: (schema["minItems"].as_u64(), schema["maxItems"].as_u64()),
            properties: schema["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, schema)| (name.clone(), inner(schema)))
                .collect(),
            required: schema["required"].as_array().map(|r| texts(r)).unwrap_or_default(),
            others: match &schema["additionalProperties"] {
                Value::Bool(false) => Others::Refused,
                schema @ Value::Object(_) => Others::Like(Box::new(inner(schema))),
                _ => Others::Allowed,
            },
            max_properties: schema["maxProperties"].as_u64(),
            all_of: list("allOf"),
            any_of: list("anyOf"),
            one_of: list("oneOf"),
        }
    }

    /// The type, if there is one, also that of an alias (`allOf` with a reference).
    pub(super) fn kind(&self) -> Option<Type> {
        self.types.or_else(|| self.all_of.iter().find_map(Self::kind))
    }

    /// The schema of a list's items.
    pub(super) fn items(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    /// Everything that is wrong with a value: places (RFC 6901) and what would be right.
    #[must_use]
    pub fn faults(&self, value: &Value) -> Faults {
        let mut faults = Faults::new();
        self.check(value, "", &mut faults);
        faults
    }

    /// Notes what is wrong with `value`, which stands at `pointer`.
    pub(super) fn check(&self, value: &Value, pointer: &str, faults: &mut Faults) {
        if faults.len() >= FAULTS || (value.is_null() && self.nullable) {
            return;
        }
        let mut wrong = |detail: String| faults.push((pointer.to_owned(), detail));
        if let Some(kind) = self.types.filter(|kind| !kind.fits(value)) {
            return wrong(format!("it must be {}, not {}", kind.noun(), shown(value)));
        }
        if let Some(words) = &self.words
            && !value.as_str().is_some_and(|text| words.iter().any(|w| w == text))
        {
            return wrong(format!("{} is none of: {}", shown(value), words.join(", ")));
        }
        if !self.any_of.is_empty() && !self.any_of.iter().any(|s| s.fits(value)) {
            return wrong(alternatives(&self.any_of, value));
        }
        if !self.one_of.is_empty() && self.one_of.iter().filter(|s| s.fits(value)).count() != 1 {
            return wrong(alternatives(&self.one_of, value));
        }
        match value {
            Value::String(text) => self.text.check(text, &mut wrong),
            Value::Number(_) => self.check_number(value, &mut wrong),
            Value::Array(values) => self.check_list(values, pointer, faults),
            Value::Object(members) => self.check_object(members, pointer, faults),
            Value::Null | Value::Bool(_) => {}
        }
        for schema in &self.all_of {
            schema.check(value, pointer, faults);
        }
    }

    fn fits(&self, value: &Value) -> bool {
        self.faults(value).is_empty()
    }

    fn check_number(&self, value: &Value, wrong: &mut dyn FnMut(String)) {
        let Some(number) = value.as_f64() else { return };
        let below = self.minimum.is_some_and(|least| number < least);
        let above = self.maximum.is_some_and(|most| number > most);
        if below || above {
            wrong(match (self.minimum, self.maximum) {
                (Some(least), Some(most)) => format!("it must be from {least} to {most}"),
                (Some(least), None) => format!("it must be at least {least}"),
                (None, Some(most)) => format!("it must be at most {most}"),
                (None, None) => return,
            });
        }
    }

    fn check_list(&self, values: &[Value], pointer: &str, faults: &mut Faults) {
        let (least, most) = self.item_count;
        if let Some(detail) = count(values.len() as u64, least, most, "values") {
            faults.push((pointer.to_owned(), detail));
        }
        let Some(items) = &self.items else { return };
        for (n, value) in values.iter().enumerate() {
            items.check(value, &format!("{pointer}/{n}"), faults);
        }
    }

    fn check_object(&self, members: &Map<String, Value>, pointer: &str, faults: &mut Faults) {
        if let Some(detail) = count(members.len() as u64, None, self.max_properties, "members") {
            faults.push((pointer.to_owned(), detail));
        }
        for name in self.required.iter().filter(|name| !members.contains_key(*name)) {
            faults.push((below(pointer, name), "it is missing".to_owned()));
        }
        for (name, value) in members {
            let place = below(pointer, name);
            match (self.properties.iter().find(|(n, _)| n == name), &self.others) {
                (Some((_, schema)), _) => schema.check(value, &place, faults),
                (None, Others::Like(schema)) => schema.check(value, &place, faults),
                (None, Others::Refused) => faults.push((place, self.unknown())),
                (None, Others::Allowed) => {}
            }
        }
    }

    fn unknown(&self) -> String {
        let known: Vec<&str> = self.properties.iter().map(|(name, _)| name.as_str()).collect();
        format!("there is no such member; there are: {}", known.join(", "))
    }
}

impl TextRules {
    fn read(schema: &Value) -> Self {
        Self {
            min: schema["minLength"].as_u64(),
            max: schema["maxLength"].as_u64(),
            // Every pattern of the document compiles: a test reads all of them.
            pattern: schema["pattern"].as_str().and_then(|p| Regex::new(p).ok()),
            is_time: schema["format"] == "date-time",
        }
    }

    fn check(&self, text: &str, wrong: &mut dyn FnMut(String)) {
        if self.min.is_some() || self.max.is_some() {
            let length = text.chars().count() as u64;
            if let Some(detail) = count(length, self.min, self.max, "characters") {
                return wrong(detail);
            }
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|p| !p.is_match(text)) {
            return wrong(format!("{} does not match {pattern}", quoted(text)));
        }
        if self.is_time && !is_rfc3339(text) {
            wrong(format!("{} is not an RFC 3339 time (2026-01-31T12:00:00Z)", quoted(text)));
        }
    }
}

/// Date, `T`, time and offset; what our own parser reads beyond that is not promised.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let separator = bytes.get(10).is_some_and(|b| b.eq_ignore_ascii_case(&b't'));
    let offset = text.get(19..).is_some_and(|rest| {
        let rest = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        rest.eq_ignore_ascii_case("z") || (rest.len() == 6 && rest.as_bytes()[3] == b':')
    });
    separator && offset && text.parse::<crate::base::Timestamp>().is_ok()
}

/// What a value should be that fits none, or several that exclude each other.
fn alternatives(of: &[Schema], value: &Value) -> String {
    let kinds: Vec<&str> = of.iter().filter_map(|s| Some(s.kind()?.noun())).collect();
    if kinds.len() == of.len() && !of.iter().any(|s| s.kind().is_some_and(|k| k.fits(value))) {
        return format!("it must be {}, not {}", kinds.join(" or "), shown(value));
    }
    if let Some(like) = of.iter().find(|s| s.kind().is_some_and(|k| k.fits(value))) {
        return like.faults(value).into_iter().next().map(|(_, detail)| detail).unwrap_or_default();
    }
    let names: Vec<&str> = of.iter().flat_map(|s| s.required.iter().map(String::as_str)).collect();
    format!("give exactly one of: {}", names.join(", "))
}

fn count(n: u64, least: Option<u64>, most: Option<u64>, of: &str) -> Option<String> {
    if let Some(least) = least.filter(|least| n < *least) {
        return Some(format!("it needs at least {least} {of}"));
    }
    most.filter(|most| n > *most).map(|most| format!("it has {n} {of}, at most {most} are allowed"))
}

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A value as a message shows it: short, and of containers only what they are.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let mut short = String::from("'");
    for c in text.chars().take(60) {
        let written = if c.is_control() {
            write!(short, "{}", c.escape_default())
        } else {
            write!(short, "{c}")
        };
        written.expect("writing to a String cannot fail");
    }
    short.push_str(if text.chars().nth(60).is_some() { "…'" } else { "'" });
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(schema: &Value, value: &Value) -> Vec<String> {
        let document =
            json!({"components": {"schemas": {"Word": {"type": "string", "enum": ["a", "b"]}}}});
        let mut faults = Faults::new();
        Schema::compile(schema, &document).check(value, "", &mut faults);
        faults.into_iter().map(|(pointer, detail)| format!("{pointer}: {detail}")).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let schema = json!({"type": "object", "required": ["name", "id"], "additionalProperties": false, "properties": {
            "id": {"type": "integer", "minimum": 1},
            "name": {"type": "string", "minLength": 1, "maxLength": 3},
            "words": {"type": "array", "maxItems": 2, "items": {"allOf": [{"$ref": "#/components/schemas/Word"}]}},
            "note": {"type": "string", "nullable": true},
            "a/b": {"type": "boolean"},
        }});
        let value =
            json!({"id": 0, "words": ["a", "c", 7], "note": null, "a/b": "yes", "extra": 1});
        assert_eq!(
            faults(&schema, &value),
            [
                "/name: it is missing",
                "/id: it must be from 1 to 0".replace("from 1 to 0", "at least 1").as_str(),
                "/words: it has 3 values, at most 2 are allowed",
                "/words/1: 'c' is none of: a, b",
                "/words/2: it must be a text, not 7",
                "/a~1b: it must be true or false, not 'yes'",
                "/extra: there is no such member; there are: id, name, words, note, a/b",
            ]
        );
        assert!(faults(&schema, &json!({"id": 1, "name": "äöü"})).is_empty());
        assert_eq!(faults(&schema, &json!([])), [": it must be an object, not a list"]);
    }

    #[test]
    fn alternatives_say_what_they_want() {
        let either = json!({"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]});
        assert!(faults(&either, &json!(7)).is_empty() && faults(&either, &json!("x")).is_empty());
        assert_eq!(
            faults(&either, &json!(true)),
            [": it must be a whole number or a text, not true"]
        );
        let one =
            json!({"type": "object", "oneOf": [{"required": ["ids"]}, {"required": ["filter"]}]});
        assert!(faults(&one, &json!({"ids": 1})).is_empty());
        for value in [json!({}), json!({"ids": 1, "filter": 2})] {
            assert_eq!(faults(&one, &value), [": give exactly one of: ids, filter"]);
        }
    }

    #[test]
    fn numbers_texts_and_times_are_held_to_their_limits() {
        let time = json!({"type": "string", "format": "date-time"});
        for good in ["2026-01-31T12:00:00Z", "2026-01-31t12:00:00.123456+01:00"] {
            assert!(faults(&time, &json!(good)).is_empty(), "{good}");
        }
        for bad in [
            "2026-01-31",
            "2026-02-30T00:00:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00Z",
            "now",
        ] {
            assert_eq!(faults(&time, &json!(bad)).len(), 1, "{bad}");
        }
        let share = json!({"type": "number", "minimum": 0, "maximum": 1});
        assert_eq!(faults(&share, &json!(1.5)), [": it must be from 0 to 1"]);
        assert!(faults(&share, &json!(1)).is_empty());
        assert_eq!(faults(&json!({"type": "integer"}), &json!(1.5)).len(), 1);
        let key = json!({"type": "string", "pattern": "^[a-z]+$"});
        assert_eq!(faults(&key, &json!("a\u{1}")), [": 'a\\u{1}' does not match ^[a-z]+$"]);
    }
}
