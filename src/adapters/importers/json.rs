//! Reading a JSON report piece by piece: what every JSON format shares.
//!
//! A format describes its document with [`Fields`] (an object) and [`Items`] (an array)
//! and runs it with [`parse`]; only what it asks for is in memory at a time. Most need less:
//! [`head`] and the entries of `entries`. What the fields mean is the format's business and
//! not here.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::guard::Guard;
use super::input::{Report, io_error};
use super::text;
use crate::base::{Code, Error, Result};

/// An object that is read field by field.
pub trait Fields {
    /// The keys that matter: an enum with `#[serde(field_identifier)]` and an `other`.
    type Key: for<'de> Deserialize<'de>;

    /// Takes exactly one value from `map`, that of `key`.
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: Self::Key,
        map: &mut A,
    ) -> Result<(), A::Error>;
}

/// An array that is read element by element.
pub trait Items {
    /// Called once before the elements, also if there are none.
    fn begin(&mut self) {}

    /// Takes one element.
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error>;
}

/// Reads an object into a [`Fields`].
pub struct Object<'a, T>(pub &'a mut T);

/// Reads an array, or null as an empty one, into an [`Items`].
pub struct Array<'a, T>(pub &'a mut T);

/// Reads a document that is either an object or an array.
pub struct Either<'a, T>(pub &'a mut T);

struct Item<'a, T>(&'a mut T);

impl<'de, T: Items> DeserializeSeed<'de> for Item<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        self.0.item(d)
    }
}

fn read_fields<'de, T: Fields, A: MapAccess<'de>>(t: &mut T, mut map: A) -> Result<(), A::Error> {
    while let Some(key) = map.next_key()? {
        t.field(key, &mut map)?;
    }
    Ok(())
}

fn read_items<'de, T: Items, A: SeqAccess<'de>>(t: &mut T, mut seq: A) -> Result<(), A::Error> {
    t.begin();
    while seq.next_element_seed(Item(t))?.is_some() {}
    Ok(())
}

impl<'de, T: Fields> Visitor<'de> for Object<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_fields(self.0, map)
    }
}

impl<'de, T: Fields> DeserializeSeed<'de> for Object<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de, T: Items> Visitor<'de> for Array<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        read_items(self.0, seq)
    }
}

impl<'de, T: Items> DeserializeSeed<'de> for Array<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_option(self)
    }
}

impl<'de, T: Fields + Items> Visitor<'de> for Either<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_fields(self.0, map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        read_items(self.0, seq)
    }
}

impl<'de, T: Fields + Items> DeserializeSeed<'de> for Either<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

/// Reads one whole document from `reader`; anything after it is an error.
///
/// Errors name line, column and path (`Results[3].Vulnerabilities[7].PkgName`). The path
/// costs time at every key, so it is found by reading `report` again with `again`, a seed
/// that must do the same as `seed` did but without its effects. `None` leaves it out.
pub fn parse<T, S, P>(
    report: &Report,
    reader: Box<dyn BufRead + Send>,
    seed: S,
    again: impl FnOnce() -> Option<P>,
) -> Result<T>
where
    S: for<'de> DeserializeSeed<'de, Value = T>,
    P: for<'de> DeserializeSeed<'de>,
{
    let mut json = json(reader);
    match seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(e) if e.is_io() => Err(io_error(&io::Error::from(e))),
        Err(e) => {
            let path = match again() {
                Some(again) => path(report.peek()?, again),
                None => None,
            };
            Err(bad(&e, path.as_deref()))
        }
    }
}

/// The parser of one document.
pub(super) type Json =
    serde_json::Deserializer<serde_json::de::IoRead<BufReader<Guard<Box<dyn BufRead + Send>>>>>;

fn json(reader: Box<dyn BufRead + Send>) -> Json {
    guarded(Guard::new(reader))
}

/// The parser of what passes `guard`.
pub(super) fn guarded(guard: Guard<Box<dyn BufRead + Send>>) -> Json {
    // A concrete `BufReader` outside: serde_json asks for single bytes.
    serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, guard))
}

/// Reads the whole document as a `T`. For the head of a report: what `T` does not name is
/// passed over unseen, so a `T` without the long lists is small whatever the report is.
pub fn head<T: de::DeserializeOwned>(report: &Report) -> Result<T> {
    parse(report, report.peek()?, PhantomData::<T>, || Some(PhantomData::<T>))
}

/// The path at which reading with `seed` fails.
fn path<P>(reader: Box<dyn BufRead + Send>, seed: P) -> Option<String>
where
    P: for<'de> DeserializeSeed<'de>,
{
    let mut json = json(reader);
    let mut track = serde_path_to_error::Track::new();
    let result = seed.deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    let path = track.path().to_string();
    (result.is_err() && path != ".").then_some(path)
}

/// The error for the client, of a document that starts at line 1. Foreign text in it is cut: it may be megabytes.
pub(super) fn bad(e: &serde_json::Error, path: Option<&str>) -> Error {
    let place = format!("line {} column {}", e.line(), e.column());
    let text = e.to_string();
    let what = text.strip_suffix(&format!(" at {place}")).unwrap_or(&text);
    let what = text::to_line(text::clip(what, 300)).unwrap_or_default();
    let what = if e.is_eof() { format!("the report ends in the middle: {what}") } else { what };
    let path = path.and_then(|p| text::to_line(text::clip(p, 300)));
    let path = path.map(|p| format!(", in {p}")).unwrap_or_default();
    Error::new(Code::BadReport, format!("{what} at {place}{path}"))
}
