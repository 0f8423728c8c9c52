//! Texts, names, lists and times out of foreign documents, as serde field functions
//! (`#[serde(deserialize_with = "text::name")]`).
//!
//! Three rules for all formats: what identifies something is never cut, so a name that is
//! too long is an error; what is read by people is cut at the limit; nothing that comes
//! from a report carries control characters. What a field means is the format's business
//! and not here.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};

use crate::base::{Timestamp, limits};
use crate::domain::severity::Severity;

/// Longest advisory id, bytes.
pub const ADVISORY_ID_BYTES: usize = 100;

/// At most `max` bytes of `text`, cut between characters.
#[must_use]
pub fn clip(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// `text` as a name: trimmed, control characters replaced by U+FFFD, `None` if nothing is
/// left. Too long is an error.
pub fn to_name(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.len() > limits::NAME_BYTES {
        return Err(format!(
            "a name of {} bytes, longer than {}: '{}…'",
            text.len(),
            limits::NAME_BYTES,
            clip(&printable(text), 40),
        ));
    }
    Ok((!text.is_empty()).then(|| printable(text)))
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// `text` as one line for people: runs of white space become one space, other control
/// characters go, cut at the limit for names.
#[must_use]
pub fn to_line(text: &str) -> Option<String> {
    let mut line = String::new();
    for word in clip(text, limits::TEXT_BYTES).split_whitespace() {
        let word: String = word.chars().filter(|c| !c.is_control()).collect();
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    line.truncate(line.floor_char_boundary(limits::NAME_BYTES));
    (!line.is_empty()).then_some(line)
}

/// `text` for people: line breaks and tabs stay, other control characters go, cut at the
/// limit for texts.
#[must_use]
pub fn to_text(text: &str) -> Option<String> {
    let kept: String = clip(text.trim(), limits::TEXT_BYTES)
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// `text` as an advisory id: trimmed, upper case, `[A-Za-z0-9][A-Za-z0-9._:/-]*`.
pub fn to_advisory_id(text: &str) -> Result<String, String> {
    let text = text.trim();
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    let first = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if first && text.len() <= ADVISORY_ID_BYTES && text.bytes().all(legal) {
        return Ok(text.to_ascii_uppercase());
    }
    Err(format!(
        "'{}' is not an advisory id (1 to {ADVISORY_ID_BYTES} of A-Z 0-9 . _ : / -, first a letter or digit)",
        clip(&printable(text), 40),
    ))
}

/// `text` if it is an `http` or `https` address that can be shown and followed.
#[must_use]
pub fn to_link(text: &str) -> Option<String> {
    let text = text.trim();
    let scheme = |s: &str| text.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s));
    let fits = text.len() <= limits::NAME_BYTES && (scheme("https://") || scheme("http://"));
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    (fits && plain).then(|| text.to_owned())
}

/// `text` as the name of something that lies at a path; `None` if it does not tell one
/// thing from another: the current directory, the root, what stands for standard input.
pub fn to_telling_path(text: &str) -> Result<Option<String>, String> {
    let name = to_name(text.trim().trim_matches('"'))?;
    let says_nothing = |name: &str| name.chars().all(|c| matches!(c, '.' | '/' | '-'));
    Ok(name.filter(|name| !says_nothing(name)))
}

/// A package URL without `#subpath`.
#[must_use]
pub fn without_subpath(mut purl: String) -> String {
    purl.truncate(purl.find('#').unwrap_or(purl.len()));
    purl
}

/// As many of `values` as fit into a name, comma-separated; `None` if there are none.
#[must_use]
pub fn joined(values: &[String]) -> Option<String> {
    let mut joined = String::new();
    for value in values.iter().filter(|value| !value.is_empty()) {
        if joined.len() + value.len() + 2 <= limits::NAME_BYTES {
            joined.push_str(if joined.is_empty() { "" } else { ", " });
            joined.push_str(value);
        }
    }
    (!joined.is_empty()).then_some(joined)
}

/// Keeps each value once, in their order, up to the limit for lists.
pub fn distinct(values: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    values.retain(|value| seen.len() < limits::LIST_VALUES && seen.insert(value.clone()));
}

/// Reads a string or null and converts it.
struct Text<F>(F);

impl<'de, T, F: FnOnce(&str) -> Result<T, String>> Visitor<'de> for Text<F> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        (self.0)(text).map(Some).map_err(E::custom)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de, T, F: FnOnce(&str) -> Result<T, String>> DeserializeSeed<'de> for Text<F> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_option(self)
    }
}

/// Reads an array of strings (or null); keeps what `keep` makes of them, each once, up to
/// the limit for lists.
struct List<F>(F);

impl<'de, F: FnMut(&str) -> Result<Option<String>, String>> Visitor<'de> for List<F> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut kept: Vec<String> = Vec::new();
        while kept.len() < limits::LIST_VALUES {
            let Some(value) = seq.next_element_seed(Text(&mut self.0))? else { return Ok(kept) };
            if let Some(value) = value.flatten().filter(|v| !kept.contains(v)) {
                kept.push(value);
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept)
    }
}

/// A name, or `None` if it is null or empty.
pub fn name<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(d.deserialize_option(Text(to_name))?.flatten())
}

/// A name that must be there.
pub fn required_name<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let name = d.deserialize_str(Text(|text: &str| {
        to_name(text)?.ok_or_else(|| "an empty name".to_owned())
    }))?;
    name.ok_or_else(|| D::Error::custom("an empty name"))
}

/// One line for people.
pub fn line<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(d.deserialize_option(Text(|text: &str| Ok(to_line(text))))?.flatten())
}

/// Several lines for people.
pub fn text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(d.deserialize_option(Text(|text: &str| Ok(to_text(text))))?.flatten())
}

/// An advisory id that must be there.
pub fn advisory_id<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let id = d.deserialize_str(Text(to_advisory_id))?;
    id.ok_or_else(|| D::Error::custom("an empty advisory id"))
}

/// Advisory ids; empty ones are left out.
pub fn advisory_ids<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    d.deserialize_option(List(|text: &str| match text.trim() {
        "" => Ok(None),
        id => to_advisory_id(id).map(Some),
    }))
}

/// Names; empty ones are left out.
pub fn names<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    d.deserialize_option(List(to_name))
}

/// Addresses; those that are neither http nor https, or cannot be shown, are left out.
pub fn links<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    d.deserialize_option(List(|text: &str| Ok(to_link(text))))
}

/// One address, by the same rule.
pub fn link<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(d.deserialize_option(Text(|text: &str| Ok(to_link(text))))?.flatten())
}

/// A time; null, empty and the year 1 (what Go programs write for "none") are `None`.
pub fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    let time = d.deserialize_option(Text(|text: &str| match text.trim() {
        "" => Ok(None),
        text if text.len() > 64 => Err(format!("'{}…' is not a time", clip(&printable(text), 40))),
        text => text.parse::<Timestamp>().map(|t| Some(t).filter(|&t| t != Timestamp::MIN)),
    }))?;
    Ok(time.flatten())
}

/// A severity word in any case; words that are not ours are `unknown`.
pub fn severity<'de, D: Deserializer<'de>>(d: D) -> Result<Severity, D::Error> {
    let severity = d.deserialize_option(Text(|text: &str| {
        Ok(text.trim().to_ascii_lowercase().parse().unwrap_or_default())
    }))?;
    Ok(severity.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_never_cut() {
        assert_eq!(to_name("  a b\u{7}\n").unwrap().as_deref(), Some("a b\u{fffd}"));
        assert_eq!(to_name(" \t").unwrap(), None);
        assert!(to_name(&"n".repeat(limits::NAME_BYTES)).unwrap().is_some());
        let error = to_name(&"ü".repeat(limits::NAME_BYTES)).unwrap_err();
        assert!(error.contains("2048 bytes") && error.len() < 120, "{error}");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let text = to_text(&format!("\u{1b}[31m{}", "ü".repeat(limits::TEXT_BYTES))).unwrap();
        assert!(text.len() <= limits::TEXT_BYTES && text.starts_with("[31mü"));
        assert_eq!(to_text("a\r\nb\tc\u{0}").as_deref(), Some("a\nb\tc"));
        assert_eq!(to_line(" a\n\u{0} b ").as_deref(), Some("a b"));
        assert!(to_line(&"x ".repeat(9000)).unwrap().len() <= limits::NAME_BYTES);
    }

    #[test]
    fn advisory_ids_have_one_form() {
        assert_eq!(to_advisory_id(" cve-2021-44228 ").unwrap(), "CVE-2021-44228");
        assert_eq!(to_advisory_id("openSUSE-SU-2020:0554-1").unwrap(), "OPENSUSE-SU-2020:0554-1");
        for wrong in ["", " ", "-CVE", "CVE 1", "CVE\u{0}1", "é", &"x".repeat(101)] {
            assert!(to_advisory_id(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn links_are_web_addresses_only() {
        assert_eq!(to_link(" HTTPS://a/b?c#d\n").as_deref(), Some("HTTPS://a/b?c#d"));
        for wrong in ["javascript:alert(1)", "ftp://a", "http", "http://a b", "//a", "ü"] {
            assert_eq!(to_link(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn lists_keep_each_value_once_and_not_too_many() {
        let mut many: Vec<String> = (0..1000).map(|i| format!("https://a/{i}")).collect();
        many.insert(1, "https://a/0".into());
        let json = serde_json::to_string(&many).unwrap();
        let kept = links(&mut serde_json::Deserializer::from_str(&json)).unwrap();
        assert_eq!(kept.len(), limits::LIST_VALUES);
        assert_eq!(kept[1], "https://a/1");
        assert!(links(&mut serde_json::Deserializer::from_str("[1]")).is_err());
        assert!(links(&mut serde_json::Deserializer::from_str("[null]")).unwrap().is_empty());
    }

    #[test]
    fn times_of_year_one_are_none() {
        let read = |json: &str| time(&mut serde_json::Deserializer::from_str(json));
        assert_eq!(read("\"0001-01-01T00:00:00Z\"").unwrap(), None);
        assert_eq!(read("null").unwrap(), None);
        assert_eq!(
            read("\"2019-09-30T19:15Z\"").unwrap(),
            read("\"2019-09-30T19:15:00Z\"").unwrap()
        );
        assert!(read("\"soon\"").is_err());
    }
}
