//! Reading the entries of a long list in a JSON report one by one, wherever the list lies:
//! what most JSON formats need, after [`super::json::head`].

use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufRead};
use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess};
use serde::de::{SeqAccess, Visitor};

use super::guard::{Entry, Guard};
use super::input::{Report, io_error};
use super::{json, text};
use crate::base::{Error, Result, limits};

/// Called with the place (`matches[3]`) and the entry.
pub type Each<'a, T> = dyn FnMut(&Place, T) -> Result<()> + 'a;

/// Where an entry stands: keys and positions from the document's top.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(&'static str),
    /// A key that stood for [`ANY`], cut: it is for people.
    Name(String),
    Item(usize),
}

impl Step {
    fn text(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Name(name) => name,
            Self::Item(_) => "",
        }
    }
}

/// In a path: every key of an object.
pub const ANY: &str = "*";

impl Place {
    /// The position in the `level`-th list from the top, both from 0.
    #[must_use]
    pub fn item(&self, level: usize) -> usize {
        let item = |step: &Step| match step {
            Step::Item(index) => Some(*index),
            Step::Key(_) | Step::Name(_) => None,
        };
        self.0.iter().filter_map(item).nth(level).unwrap_or(0)
    }

    /// The innermost key that stood for [`ANY`], cut; empty if there is none.
    #[must_use]
    pub fn key(&self) -> &str {
        let name = self.0.iter().rev().find(|step| matches!(step, Step::Name(_)));
        name.map(Step::text).unwrap_or_default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(_) | Step::Name(_) if n > 0 => write!(f, ".{}", step.text())?,
                Step::Key(_) | Step::Name(_) => f.write_str(step.text())?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Calls `each` with every element of the arrays that are found along `path`, keys from the
/// top; arrays on the way are gone through: `&["results", "packages"]` is the elements of
/// `packages` of every element of `results`, and `&[]` the elements of an array at the top.
/// [`ANY`] stands for every key: `&["advisories", ANY]` is all values of `advisories`.
/// An object at the end of the path is one entry. Everything else is passed over unseen.
///
/// Counts as the report's progress. Errors name line, column and path.
pub fn each<T: DeserializeOwned>(
    report: &Report,
    path: &'static [&'static str],
    each: &mut Each<'_, T>,
) -> Result<()> {
    read(report, report.open()?, path, each)
}

/// The same as [`each`], for looking ahead: it does not count as progress.
pub fn look<T: DeserializeOwned>(
    report: &Report,
    path: &'static [&'static str],
    each: &mut Each<'_, T>,
) -> Result<()> {
    read(report, report.peek()?, path, each)
}

fn read<T: DeserializeOwned>(
    report: &Report,
    reader: Box<dyn BufRead + Send>,
    path: &'static [&'static str],
    each: &mut Each<'_, T>,
) -> Result<()> {
    let failure = RefCell::new(None);
    let entry = Entry::default();
    let mut json = json::guarded(Guard::with_entries(reader, entry.clone()));
    let mut place = Place::default();
    let walk = Walk { path, place: &mut place, each, failure: &failure, entry: &entry };
    let result = walk.deserialize(&mut json).and_then(|()| json.end());
    if let Some(error) = failure.into_inner() {
        return Err(error);
    }
    match result {
        Ok(()) => Ok(()),
        Err(e) if e.is_io() => Err(io_error(&io::Error::from(e))),
        Err(e) => {
            let within = within::<T>(report, path).filter(|_| !e.is_eof());
            let place = Some(place.to_string()).filter(|p| !p.is_empty());
            Err(json::bad(&e, within.or(place).as_deref()))
        }
    }
}

/// The path at which reading fails, found by reading again.
fn within<T: DeserializeOwned>(report: &Report, path: &'static [&'static str]) -> Option<String> {
    let (failure, entry) = (RefCell::new(None), Entry::default());
    let reader =
        report.peek().map_err(|e| tracing::debug!(error = %e, "cannot read again")).ok()?;
    let mut json = json::guarded(Guard::with_entries(reader, entry.clone()));
    let mut track = serde_path_to_error::Track::new();
    let mut nothing = |_: &Place, _: T| Ok(());
    let mut place = Place::default();
    let walk =
        Walk { path, place: &mut place, each: &mut nothing, failure: &failure, entry: &entry };
    let result = walk.deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    let path = track.path().to_string();
    (result.is_err() && path != ".").then_some(path)
}

/// Calls `each` with every document of a stream of JSON documents (JSON Lines, or simply
/// one after the other), or, if the stream begins with an array, with its elements.
pub fn documents<T: DeserializeOwned>(report: &Report, each: &mut Each<'_, T>) -> Result<()> {
    let head = report.head(1 << 10)?;
    if head.trim_ascii_start().first() == Some(&b'[') {
        return self::each(report, &[], each);
    }
    let entry = Entry::default();
    let json = json::guarded(Guard::with_entries(report.open()?, entry.clone()));
    let mut stream = json.into_iter::<T>();
    let mut place = Place(vec![Step::Key("document"), Step::Item(0)]);
    for index in 0.. {
        entry.begin();
        place.0[1] = Step::Item(index);
        match stream.next() {
            None => break,
            Some(Ok(document)) => each(&place, document)?,
            Some(Err(e)) if e.is_io() => return Err(io_error(&io::Error::from(e))),
            Some(Err(e)) => return Err(json::bad(&e, Some(&place.to_string()))),
        }
    }
    Ok(())
}

struct Walk<'w, 'e, T> {
    path: &'static [&'static str],
    place: &'w mut Place,
    each: &'w mut Each<'e, T>,
    /// The error of `each`; serde carries only its text.
    failure: &'w RefCell<Option<Error>>,
    entry: &'w Entry,
}

impl<'e, T: DeserializeOwned> Walk<'_, 'e, T> {
    fn inner(&mut self, path: &'static [&'static str]) -> Walk<'_, 'e, T> {
        Walk {
            path,
            place: &mut *self.place,
            each: &mut *self.each,
            failure: self.failure,
            entry: self.entry,
        }
    }

    fn take<'de, D: Deserializer<'de>>(&mut self, d: D) -> Result<(), D::Error> {
        self.entry.begin();
        let value = PhantomData::<T>.deserialize(d)?;
        (self.each)(self.place, value).map_err(|error| {
            let text = error.to_string();
            *self.failure.borrow_mut() = Some(error);
            de::Error::custom(text)
        })
    }
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Walk<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, d: D) -> Result<(), D::Error> {
        // At the end of the path: the elements of an array, or one object.
        let in_array = matches!(self.place.0.last(), Some(Step::Item(_)));
        if self.path.is_empty() && in_array { self.take(d) } else { d.deserialize_any(self) }
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Walk<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.first() {
            Some(&ANY) => f.write_str("an object"),
            Some(key) => write!(f, "an object with '{key}'"),
            None => f.write_str("an array or an object"),
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let Some((&wanted, rest)) = self.path.split_first() else {
            return self.take(de::value::MapAccessDeserializer::new(map));
        };
        while let Some(step) = map.next_key_seed(KeySeed(wanted))? {
            if let Some(step) = step {
                self.place.0.push(step);
                map.next_value_seed(self.inner(rest))?;
                self.place.0.pop();
            } else {
                self.entry.pass_over();
                map.next_value::<IgnoredAny>()?;
            }
            self.entry.begin();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let path = self.path;
        let depth = self.place.0.len();
        for index in 0.. {
            self.place.0.push(Step::Item(index));
            if seq.next_element_seed(self.inner(path))?.is_none() {
                break;
            }
            self.place.0.truncate(depth);
            self.entry.begin();
        }
        self.place.0.truncate(depth);
        Ok(())
    }
}

/// Reads a key; keeps it only if any key is wanted.
struct KeySeed(&'static str);

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Option<Step>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Option<Step>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        let name = || text::to_line(text::clip(key, limits::NAME_BYTES)).unwrap_or_default();
        Ok(match self.0 {
            ANY => Some(Step::Name(name())),
            wanted => (wanted == key).then_some(Step::Key(wanted)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde::Deserialize;

    use super::super::input::Limits;
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Item {
        n: u32,
    }

    fn report(bytes: &[u8]) -> (tempfile::NamedTempFile, Report) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let report = Report::new(file.path(), Limits::default());
        (file, report)
    }

    fn read(text: &str, path: &'static [&'static str]) -> Result<Vec<String>> {
        let (_file, report) = report(text.as_bytes());
        let mut read = Vec::new();
        each::<Item>(&report, path, &mut |place, item| {
            read.push(format!("{place}={}", item.n));
            Ok(())
        })?;
        Ok(read)
    }

    #[test]
    fn entries_are_found_along_the_path() {
        let text = r#"{"x":[{"n":0}],"a":[{"b":[{"n":1},{"n":2}]},{},{"b":[{"n":3}]}],"y":1}"#;
        assert_eq!(read(text, &["a", "b"]).unwrap(), ["a[0].b[0]=1", "a[0].b[1]=2", "a[2].b[0]=3"]);
        assert_eq!(read(r#"[{"n":1},{"n":2}]"#, &[]).unwrap(), ["[0]=1", "[1]=2"]);
        assert_eq!(read(r#"{"a":{"b":{"n":7}}}"#, &["a", "b"]).unwrap(), ["a.b=7"]);
        assert_eq!(read(r#"{"a":null}"#, &["a"]).unwrap(), [""; 0]);
        let any = r#"{"a":{"x":{"n":1},"y\n":{"n":2}},"b":{"z":[{"n":3}]}}"#;
        assert_eq!(read(any, &["a", ANY]).unwrap(), ["a.x=1", "a.y=2"]);
        assert_eq!(read(any, &[ANY, "z"]).unwrap(), ["b.z[0]=3"]);
    }

    #[test]
    fn errors_name_their_place() {
        let wrong = r#"{"a":[{"n":1},{"n":"x"}]}"#;
        let error = read(wrong, &["a"]).unwrap_err().to_string();
        assert!(error.contains("invalid type") && error.ends_with(", in a[1].n"), "{error}");
        let error = read(r#"{"a":[{"n":1},"#, &["a"]).unwrap_err().to_string();
        assert!(error.starts_with("the report ends in the middle"), "{error}");
        let error = read(r#"{"a":3}"#, &["a"]).unwrap_err().to_string();
        assert!(error.contains("an array or an object"), "{error}");
        let error = read(r#"{"a":[]} x"#, &["a"]).unwrap_err().to_string();
        assert!(error.contains("trailing"), "{error}");
    }

    #[test]
    fn documents_follow_each_other() {
        for text in ["{\"n\":1}\n\n{\"n\":2}\n", "{\"n\":1}{\"n\":2}", "[{\"n\":1},{\"n\":2}]"] {
            let (_file, report) = report(text.as_bytes());
            let mut read = Vec::new();
            documents::<Item>(&report, &mut |_, item| {
                read.push(item.n);
                Ok(())
            })
            .unwrap();
            assert_eq!(read, [1, 2], "{text}");
        }
        let (_file, report) = report(b"{\"n\":1}\n{\"n\":");
        let error = documents::<Item>(&report, &mut |_, _| Ok(())).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.ends_with("in document[1]"), "{error}");
    }

    #[test]
    fn an_endless_entry_is_refused() {
        let long = format!("{{\"a\":[{{\"x\":[{}0]}}]}}", "0,".repeat(40 << 20));
        let error = read(&long, &["a"]).unwrap_err().to_string();
        assert!(error.contains("a single entry is longer than 64 MiB"), "{error}");
        let beside = format!("{{\"b\":[{}0],\"a\":[{{\"n\":7}}]}}", "0,".repeat(40 << 20));
        assert_eq!(read(&beside, &["a"]).unwrap(), ["a[0]=7"], "it is no entry");
        let many = format!("{{\"a\":[{}{{\"n\":1}}]}}", "{\"n\":1},".repeat(10 << 20));
        assert_eq!(read(&many, &["a"]).unwrap().len(), (10 << 20) + 1);
    }
}
