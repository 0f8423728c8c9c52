//! Optional fields of foreign JSON, as serde field functions: what is strange says nothing
//! and is no error. A number or a truth value is taken as its text, of a list the first (or
//! all) of its texts; objects are passed over. The rules for texts are those of [`text`]: a
//! name that is too long stays an error, because it must not be cut.
//!
//! Structure that an import needs (the list of findings) is read strictly and not with this.

use std::fmt;
use std::marker::PhantomData;

use serde::de::Visitor;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};

use super::text;
use crate::base::{Timestamp, limits};
use crate::domain::severity::Severity;

/// Hands every text that is found, up to the limit for lists, to the closure.
struct Texts<'f>(&'f mut dyn FnMut(&str) -> Result<(), String>);

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text).map_err(E::custom)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut left = limits::LIST_VALUES;
        while left > 0 && seq.next_element_seed(Texts(&mut *self.0))?.is_some() {
            left -= 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

fn first<'de, T, D: Deserializer<'de>>(
    d: D,
    read: impl Fn(&str) -> Result<Option<T>, String>,
) -> Result<Option<T>, D::Error> {
    let mut found = None;
    Texts(&mut |text: &str| {
        if found.is_none() {
            found = read(text)?;
        }
        Ok(())
    })
    .deserialize(d)?;
    Ok(found)
}

fn all<'de, D: Deserializer<'de>>(
    d: D,
    read: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<Vec<String>, D::Error> {
    let mut found: Vec<String> = Vec::new();
    Texts(&mut |text: &str| {
        if let Some(value) = read(text)?.filter(|value| !found.contains(value)) {
            found.push(value);
        }
        Ok(())
    })
    .deserialize(d)?;
    Ok(found)
}

/// A name.
pub fn name<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    first(d, text::to_name)
}

/// One line for people.
pub fn line<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    first(d, |text| Ok(text::to_line(text)))
}

/// Several lines for people.
pub fn text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    first(d, |text| Ok(text::to_text(text)))
}

/// A web address.
pub fn link<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    first(d, |text| Ok(text::to_link(text)))
}

/// Names, each once.
pub fn names<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    all(d, text::to_name)
}

/// Lines for people, each once.
pub fn lines<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    all(d, |text| Ok(text::to_line(text)))
}

/// Web addresses, each once.
pub fn links<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    all(d, |text| Ok(text::to_link(text)))
}

/// Advisory ids, each once; what is none is left out.
pub fn advisory_ids<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    all(d, |text| Ok(text::to_advisory_id(text).ok()))
}

/// Weaknesses (`CWE-79`), also where they are written as bare numbers or with their names.
pub fn weaknesses<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    all(d, |text| Ok(to_weakness(text)))
}

/// `CWE-79` out of `CWE-79`, `cwe-79: XSS`, `79`; `None` if it is none.
#[must_use]
pub fn to_weakness(text: &str) -> Option<String> {
    let text = text.trim();
    let is_prefixed = text.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("CWE-"));
    let digits = if is_prefixed { &text[4..] } else { text };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let ends = is_prefixed || end == digits.len();
    ((1..=6).contains(&end) && ends).then(|| format!("CWE-{}", &digits[..end]))
}

/// A number, also where it is written as a string.
pub fn number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    first(d, |text| Ok(text.trim().parse().ok().filter(|n: &f64| n.is_finite())))
}

/// A truth value, also where it is written as a string.
pub fn truth<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    let truth = first(d, |text| Ok(Some(text.trim().eq_ignore_ascii_case("true"))))?;
    Ok(truth.unwrap_or_default())
}

/// A severity word; `moderate`, `important` and `negligible` are words of ours too.
pub fn severity<'de, D: Deserializer<'de>>(d: D) -> Result<Severity, D::Error> {
    Ok(first(d, |text| Ok(Some(to_severity(text))))?.unwrap_or_default())
}

/// The severity that a scanner's word means; a word that is none is `unknown`.
#[must_use]
pub fn to_severity(word: &str) -> Severity {
    match word.trim().to_ascii_lowercase().as_str() {
        "moderate" => Severity::Medium,
        "important" => Severity::High,
        "negligible" | "minor" => Severity::Low,
        "informational" | "information" | "none" => Severity::Info,
        word => word.parse().unwrap_or_default(),
    }
}

/// A time: RFC 3339, the same without a zone (read as UTC) or with a space, a date, or
/// seconds or milliseconds since 1970.
pub fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    first(d, |text| Ok(to_time(text)))
}

/// The time that `text` is, by the rules of [`time`].
#[must_use]
pub fn to_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return of_epoch(seconds);
    }
    let zoned = text.parse::<jiff::Timestamp>();
    let time = zoned.or_else(|_| {
        let civil = text.parse::<jiff::civil::DateTime>()?;
        jiff::tz::TimeZone::UTC.to_timestamp(civil)
    });
    let time = time.map(|t| Timestamp::from_micros(t.as_microsecond()));
    time.map_err(|e| tracing::trace!(error = %e, "no time")).ok().filter(|&t| t != Timestamp::MIN)
}

/// Programs write seconds or milliseconds; as seconds the latter are after the year 5000.
fn of_epoch(number: f64) -> Option<Timestamp> {
    let seconds = if number > 1e11 { number / 1e3 } else { number };
    let is_plausible = (1e8..1e11).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, reason = "checked: below 1e17")]
    is_plausible.then(|| Timestamp::from_micros((seconds * 1e6) as i64))
}

/// An object; anything else is none.
pub fn object<'de, T, D>(d: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(list(d)?.into_iter().next())
}

/// The objects of an array, up to the limit for lists; also a single object. Anything else
/// is passed over.
pub fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    let mut found = Vec::new();
    let add = &mut |value| {
        if let Mixed::Object(object) = value {
            found.push(object);
        }
    };
    Values(add, |_| Ok(None), PhantomData).deserialize(d)?;
    Ok(found)
}

/// The elements of an array, or none of null, for facts that are kept for the whole import:
/// more than [`limits::REPORT_RESULTS`] are an error. The one strict function here.
pub fn facts<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    struct Facts<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Facts<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut facts = Vec::new();
            while let Some(fact) = seq.next_element()? {
                if facts.len() >= limits::REPORT_RESULTS {
                    let max = limits::REPORT_RESULTS;
                    return Err(serde::de::Error::custom(format!("more than {max} scan results")));
                }
                facts.push(fact);
            }
            Ok(facts)
        }
    }

    d.deserialize_any(Facts(PhantomData))
}

/// Whether it is there, be it null; the content is passed over.
pub fn present<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(d).map(|_| true)
}

/// Whether it is an array and no object; the content is passed over.
pub fn is_list<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    struct Shape;

    impl<'de> Visitor<'de> for Shape {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array or an object")
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(false)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(true)
        }
    }

    d.deserialize_any(Shape)
}

/// A value that some documents write as a name and others as an object.
#[derive(Debug)]
pub enum Mixed<T> {
    /// A name; numbers and truth values as their text.
    Name(String),
    /// An object.
    Object(T),
}

/// The names and objects of an array, up to the limit for lists; also a single one.
pub fn mixed<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> Result<Vec<Mixed<T>>, D::Error> {
    let mut found = Vec::new();
    Values(&mut |value| found.push(value), text::to_name, PhantomData).deserialize(d)?;
    Ok(found)
}

/// The same for texts that are no names: they are cut.
pub fn mixed_lines<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> Result<Vec<Mixed<T>>, D::Error> {
    let mut found = Vec::new();
    let line = |text: &str| Ok(text::to_line(text));
    Values(&mut |value| found.push(value), line, PhantomData).deserialize(d)?;
    Ok(found)
}

/// Hands every name and object that is found to the closure.
pub(super) struct Values<'f, T>(
    pub &'f mut dyn FnMut(Mixed<T>),
    pub fn(&str) -> Result<Option<String>, String>,
    pub PhantomData<T>,
);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Values<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if let Some(name) = (self.1)(text).map_err(E::custom)? {
            (self.0)(Mixed::Name(name));
        }
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let object = T::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        (self.0)(Mixed::Object(object));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for _ in 0..limits::LIST_VALUES {
            if seq.next_element_seed(Values(&mut *self.0, self.1, PhantomData))?.is_none() {
                return Ok(());
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Thing {
        #[serde(deserialize_with = "name")]
        name: Option<String>,
        #[serde(deserialize_with = "names")]
        names: Vec<String>,
        #[serde(deserialize_with = "number")]
        number: Option<f64>,
        #[serde(deserialize_with = "truth")]
        truth: bool,
        #[serde(deserialize_with = "object")]
        inner: Option<Box<Thing>>,
        #[serde(deserialize_with = "list")]
        list: Vec<Thing>,
    }

    fn thing(json: serde_json::Value) -> Thing {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn strange_values_say_nothing() {
        for strange in [json!(null), json!({"a": [1]}), json!([]), json!([{"a": 1}, null])] {
            let read = thing(json!({
                "name": strange, "names": strange, "number": strange, "truth": strange
            }));
            assert_eq!(read, Thing::default(), "{strange}");
        }
        for strange in [json!(null), json!(1), json!(-1), json!(1.5), json!("x"), json!(true)] {
            let read = thing(json!({"inner": strange, "list": [strange, strange]}));
            assert_eq!(read, Thing::default(), "{strange}");
        }
    }

    #[test]
    fn numbers_and_texts_stand_for_each_other() {
        let read = thing(json!({
            "name": 7, "names": ["a", 1.5, true, "a", ""], "number": " 7.5", "truth": "True",
            "inner": {"name": ["x", "y"]}, "list": {"name": "one"}
        }));
        assert_eq!(read.name.as_deref(), Some("7"));
        assert_eq!(read.names, ["a", "1.5", "true"]);
        assert_eq!((read.number, read.truth), (Some(7.5), true));
        assert_eq!(read.inner.unwrap().name.as_deref(), Some("x"));
        assert_eq!(read.list[0].name.as_deref(), Some("one"));
        let many =
            thing(json!({"names": (0..999).collect::<Vec<_>>(), "list": vec![json!({}); 999]}));
        assert_eq!((many.names.len(), many.list.len()), (limits::LIST_VALUES, limits::LIST_VALUES));
        let long = serde_json::from_value::<Thing>(json!({"name": "n".repeat(2000)}));
        assert!(long.unwrap_err().to_string().contains("a name of 2000 bytes"));
    }

    #[test]
    fn times_are_read_however_they_are_written() {
        let expected = "2021-03-04T05:06:07Z".parse().ok();
        for text in [
            "2021-03-04T05:06:07Z",
            "2021-03-04T06:06:07+01:00",
            "2021-03-04T05:06:07",
            " 2021-03-04 05:06:07 ",
            "1614834367",
            "1614834367000",
        ] {
            assert_eq!(to_time(text), expected, "{text}");
        }
        for none in ["", "soon", "0", "-1", "1e300", "NaN", "0001-01-01T00:00:00Z", "2021-13-01"] {
            assert_eq!(to_time(none), None, "{none}");
        }
    }

    #[test]
    fn weaknesses_have_one_form() {
        for (text, weakness) in [
            ("CWE-79", Some("CWE-79")),
            ("cwe-79: Cross-site scripting", Some("CWE-79")),
            (" 502 ", Some("CWE-502")),
            ("NVD-CWE-noinfo", None),
            ("CWE-", None),
            ("12 monkeys", None),
        ] {
            assert_eq!(to_weakness(text).as_deref(), weakness, "{text}");
        }
    }
}
