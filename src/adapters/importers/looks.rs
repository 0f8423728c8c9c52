//! What a file looks like, in words for people whose file is not what they, or we, thought.

use super::peek::{self, Keys};
use super::{ALL, Importer, Report, table, text};
use crate::base::{Code, Error, Result};

/// Names of keys and columns that are told.
const NAMES: usize = 8;

/// Files that hold others, or no text at all: how they begin, what they are, what to do.
const CONTAINERS: &[(usize, &[u8], &str, &str)] = &[
    (
        0,
        b"PK\x03\x04",
        "a zip archive (or an office document)",
        "unpack it and import the files in it (`unzip -p FILE | vulnzero import -` if there is \
         one), or save the spreadsheet as CSV",
    ),
    (0, b"PK\x05\x06", "an empty zip archive", "there is nothing in it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and import the files in it"),
    (0, b"Rar!\x1a\x07", "a rar archive", "unpack it and import the files in it"),
    (0, b"BZh", "compressed with bzip2", "send it plain, or with gzip or zstd"),
    (0, b"\xfd7zXZ\0", "compressed with xz", "send it plain, or with gzip or zstd"),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", "send it plain, or with gzip or zstd"),
    (0, b"\x1f\x8b", "compressed twice", "unpack it once"),
    (0, b"\x28\xb5\x2f\xfd", "compressed twice", "unpack it once"),
    (257, b"ustar", "a tar archive", "unpack it and import the files in it"),
    (0, b"%PDF", "a PDF", "export the report as JSON, XML or CSV"),
    (0, b"\xd0\xcf\x11\xe0", "an old office document", "save the spreadsheet as CSV"),
    (0, b"SQLite format 3\0", "an SQLite database", "export the report as JSON, XML or CSV"),
    (0, b"\x7fELF", "an executable", "send the report"),
];

/// An error that says what to do, if the content is a container.
pub fn refuse_container(head: &[u8]) -> Result<()> {
    let is = |(at, magic): (usize, &[u8])| head.get(at..).is_some_and(|h| h.starts_with(magic));
    match CONTAINERS.iter().find(|(at, magic, ..)| is((*at, *magic))) {
        None => Ok(()),
        Some((_, _, what, remedy)) => {
            Err(Error::new(Code::BadReport, format!("the file is {what}: {remedy}")))
        }
    }
}

/// What a file looks like: `JSON, an object with the keys 'a', 'b'`.
pub fn like(head: &[u8]) -> String {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let trimmed = head.trim_ascii_start();
    if trimmed.is_empty() {
        return "an empty text".to_owned();
    }
    if let Some(b'{' | b'[') = trimmed.first() {
        let keys = Keys::of(head);
        let (what, depth) =
            if keys.is_array() { ("an array of objects", 2) } else { ("an object", 1) };
        return match listed(keys.at(depth)) {
            Some(names) => format!("JSON, {what} with the keys {names}"),
            None => "JSON without any keys".to_owned(),
        };
    }
    if let Some(root) = peek::root_element(head).filter(|_| trimmed.starts_with(b"<")) {
        return if root.eq_ignore_ascii_case("html") {
            "a web page (HTML); export the report as JSON, XML or CSV".to_owned()
        } else {
            format!("XML with the root element <{root}>")
        };
    }
    let filled = |h: &table::Header| h.names().iter().filter(|n| !n.is_empty()).count();
    let is_text = std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true);
    if head.contains(&0) || !is_text {
        return "no text".to_owned();
    }
    match table::best_header(head, &|h| Some(filled(h)).filter(|n| *n > 2).unwrap_or(0)) {
        Some(header) => {
            let names = listed(header.names().iter().map(String::as_str));
            format!("a table with the columns {}", names.unwrap_or_default())
        }
        None => {
            let line = trimmed.split(|b| *b == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            let line = text::to_line(text::clip(&line, 80)).unwrap_or_default();
            format!("a text that begins with '{line}'")
        }
    }
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        let name = format!("'{}'", text::to_line(text::clip(name, 40)).unwrap_or_default());
        if told.contains(&name) {
            continue;
        }
        if told.len() == NAMES {
            told.push("…".to_owned());
            break;
        }
        told.push(name);
    }
    (!told.is_empty()).then(|| told.join(", "))
}

/// Adds to what is wrong with a report that it may be of another format than its sender said.
pub fn doubt(error: Error, importer: &dyn Importer, report: &Report) -> Error {
    let Ok(head) = report.head(64 << 10) else { return error };
    if error.code() != Code::BadReport || importer.recognises(&head) {
        return error;
    }
    let name = importer.name();
    let other = ALL.iter().find(|other| other.recognises(&head) && other.name() != name);
    let advice = match other {
        Some(other) => {
            format!("{}: leave the format out, or say format={}", other.title(), other.name())
        }
        None => format!("no format that is known: {}", like(&head)),
    };
    let detail = format!(
        "{error}. It was read as {} because that was asked for (format={name}), but it looks \
         like {advice}",
        importer.title()
    );
    Error::new(Code::BadReport, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart() {
        for (head, what) in [
            (
                &b"{\"a\": 1, \"b\": {\"c\": 2}, \"a\": 3"[..],
                "JSON, an object with the keys 'a', 'b'",
            ),
            (
                b" [{\"x\": 1}, {\"x\": 2, \"y\": 1}]",
                "JSON, an array of objects with the keys 'x', 'y'",
            ),
            (b"[1, 2]", "JSON without any keys"),
            (b"<?xml version='1.0'?><scan a='1'>", "XML with the root element <scan>"),
            (b"<!DOCTYPE html><html>", "a web page (HTML); export the report as JSON, XML or CSV"),
            (b"a;b;c;d\n1;2;3;4\n", "a table with the columns 'a', 'b', 'c', 'd'"),
            (b"hello there\nyou\n", "a text that begins with 'hello there'"),
            (b"\0\x01\x02", "no text"),
            (b"\xef\xbb\xbf \n", "an empty text"),
        ] {
            assert_eq!(like(head), what);
        }
        let many = (0..20).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(",");
        assert!(like(format!("{{{many}}}").as_bytes()).ends_with("'k7', …"));
    }

    #[test]
    fn containers_are_refused_with_a_remedy() {
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        for head in [b"PK\x03\x04x".as_slice(), b"BZh91AY", b"\xfd7zXZ\0", &tar, b"%PDF-1.7"] {
            let error = refuse_container(head).unwrap_err();
            assert_eq!(error.code(), Code::BadReport);
            assert!(error.detail().contains(": "), "{error}");
        }
        refuse_container(b"{\"PK\": 1}").unwrap();
        refuse_container(b"").unwrap();
    }
}
