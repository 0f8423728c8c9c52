//! Reading an XML report piece by piece: what every XML format shares. Entities other than
//! XML's own five are errors, so nothing expands and nothing is fetched; depth, sizes and
//! numbers are limited.
//!
//! Names are local names: prefixes are taken off, because the formats have no two elements
//! that differ in it. What the elements mean is the format's business and not here.

use std::io::{self, BufRead, BufReader, Read as _};

use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event as Raw};
use quick_xml::reader::Reader;

use super::input::{Report, io_error};
use super::meter::Meter;
use super::text;
use crate::base::{Code, Error, Result, limits};

type Source = Meter<Box<dyn BufRead + Send>>;

/// Most attributes of an element.
const ATTRIBUTES: usize = 256;
/// Most elements in a [`Node`].
const NODES: usize = 200_000;
/// How much of a document is looked at for its XML declaration.
const DECLARATION_BYTES: usize = 512;
/// How much may stand before the first `<`.
const PREAMBLE_BYTES: usize = 64 << 10;

/// An element's start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Attributes by local name.
    pub attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute's value, trimmed, if it says something.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<&str> {
        let value = self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim());
        value.filter(|v| !v.is_empty())
    }
}

/// One step through a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An element begins.
    Start(Element),
    /// The element with this local name ends.
    End(String),
    /// Text, perhaps not all of it.
    Text(String),
}

/// An element with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its start.
    pub element: Element,
    /// Its own text, that of its children left out.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Node>,
}

impl Node {
    /// Local name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.element.name
    }

    /// An attribute's value, trimmed, if it says something.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.element.attr(name)
    }

    /// Its own text, trimmed, if it says something.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|t| !t.is_empty())
    }

    /// The first child of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|c| c.element.name == name)
    }

    /// Every child of this name.
    pub fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node> {
        self.children.iter().filter(move |c| c.element.name == name)
    }

    /// What is found along a path of names, first children each.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.child(name))
    }

    /// The text of the first child of this name, trimmed, if it says something.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name)?.text()
    }
}

/// A document on its way in.
pub struct Xml {
    reader: Reader<Source>,
    buffer: Vec<u8>,
    open: Vec<String>,
    /// The outermost element has ended.
    ended: bool,
}

impl Xml {
    /// Begins to read `report`; counts as its progress. Text before the first `<` is left
    /// out.
    pub fn open(report: &Report) -> Result<Self> {
        Self::begin(report.open()?)
    }

    /// The same for looking ahead: does not count as progress.
    pub fn peek(report: &Report) -> Result<Self> {
        Self::begin(report.peek()?)
    }

    fn begin(mut source: Box<dyn BufRead + Send>) -> Result<Self> {
        let preamble = skip_preamble(&mut source)?;
        let mut source = Meter::new(decoded(source)?, "XML element or text");
        source.skip_lines(preamble);
        let mut reader = Reader::from_reader(source);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Ok(Self { reader, buffer: Vec::new(), open: Vec::new(), ended: false })
    }

    /// Where the reader is, for errors and skips.
    #[must_use]
    pub fn place(&mut self) -> String {
        format!("line {}", self.reader.get_mut().line())
    }

    /// The open elements, outermost first.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.open
    }

    /// The next step, or `None` at the end of the document.
    pub fn next(&mut self) -> Result<Option<Event>> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().next_piece();
            let raw = match self.reader.read_event_into(&mut self.buffer) {
                Ok(raw) => raw.into_owned(),
                Err(e) => return Err(self.broken(e)),
            };
            let event = match raw {
                Raw::Start(start) => Some(self.start(&start)?),
                Raw::End(_) => self.end(),
                Raw::Text(text) => self.text(text.xml10_content().into_owned())?,
                Raw::CData(text) => self.text(text.xml10_content().into_owned())?,
                Raw::GeneralRef(reference) => self.reference(&reference)?,
                Raw::DocType(doctype) => self.doctype(&doctype.xml10_content())?,
                Raw::Eof => return self.eof(),
                Raw::Empty(_) | Raw::Comment(_) | Raw::Decl(_) | Raw::PI(_) => None,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// The next element that begins at any depth, with everything else left out; `None` at
    /// the end.
    pub fn next_start(&mut self) -> Result<Option<Element>> {
        while let Some(event) = self.next()? {
            if let Event::Start(element) = event {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// The whole element that has just begun with `start`, up to its end.
    pub fn node(&mut self, start: Element) -> Result<Node> {
        let mut open = vec![Node { element: start, ..Node::default() }];
        let (mut nodes, mut bytes) = (1, 0);
        loop {
            let event = self.next()?.ok_or_else(|| self.bad("the report ends in the middle"))?;
            match event {
                Event::Start(element) => {
                    nodes += 1;
                    bytes += element.attributes.iter().map(|(_, v)| v.len()).sum::<usize>();
                    open.push(Node { element, ..Node::default() });
                }
                Event::Text(text) => {
                    bytes += text.len();
                    if let Some(node) = open.last_mut() {
                        node.text.push_str(&text);
                    }
                }
                Event::End(_) => {
                    let Some(node) = open.pop() else { continue };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(node),
                        None => return Ok(node),
                    }
                }
            }
            if nodes > NODES || bytes > limits::REPORT_STRING_BYTES {
                let name = &open[0].element.name;
                return Err(self.bad(&format!("a single <{name}> is too large")));
            }
        }
    }

    /// Leaves out the rest of the element that has just begun.
    pub fn skip(&mut self) -> Result<()> {
        let depth = self.open.len();
        while self.open.len() >= depth && depth > 0 {
            if self.next()?.is_none() {
                return Err(self.bad("the report ends in the middle"));
            }
        }
        Ok(())
    }

    /// An error that names the place.
    pub fn bad(&mut self, what: &str) -> Error {
        let what = text::to_line(text::clip(what, 300)).unwrap_or_default();
        let within = match self.open.last() {
            Some(name) => format!(", in <{}>", text::clip(name, 60)),
            None => String::new(),
        };
        Error::new(Code::BadReport, format!("{what} at {}{within}", self.place()))
    }

    fn broken(&mut self, e: quick_xml::Error) -> Error {
        match e {
            quick_xml::Error::Io(e) => io_error(&e),
            e => self.bad(&format!("this is not well-formed XML: {e}")),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Event> {
        if self.ended {
            return Err(self.bad("something follows the document"));
        }
        if self.open.len() >= limits::REPORT_DEPTH {
            return Err(self.bad(&format!("nested deeper than {} levels", limits::REPORT_DEPTH)));
        }
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false).take(ATTRIBUTES) {
            let attribute = match attribute {
                Ok(attribute) => attribute,
                Err(e) => return Err(self.bad(&format!("an attribute is not well-formed: {e}"))),
            };
            let value = match attribute.normalized_value(XmlVersion::Explicit1_0) {
                Ok(value) => value.into_owned(),
                Err(e) => return Err(self.bad(&format!("an attribute is not well-formed: {e}"))),
            };
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
        }
        self.open.push(name.clone());
        Ok(Event::Start(Element { name, attributes }))
    }

    fn end(&mut self) -> Option<Event> {
        let name = self.open.pop();
        self.ended = self.open.is_empty();
        name.map(Event::End)
    }

    fn text(&mut self, text: String) -> Result<Option<Event>> {
        if self.open.is_empty() {
            if text.trim().is_empty() {
                return Ok(None);
            }
            return Err(self.bad("text stands outside of the document"));
        }
        Ok(Some(Event::Text(text)))
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<Option<Event>> {
        let name = reference.xml10_content();
        let text = match reference.resolve_char_ref() {
            Ok(Some(c)) => Some(c.to_string()),
            Ok(None) => quick_xml::escape::resolve_xml_entity(&name).map(str::to_owned),
            Err(e) => return Err(self.bad(&format!("a character reference is wrong: {e}"))),
        };
        match text {
            Some(text) => self.text(text),
            None => {
                Err(self.bad(&format!("the entity &{}; is not allowed", text::clip(&name, 40))))
            }
        }
    }

    fn doctype(&mut self, doctype: &str) -> Result<Option<Event>> {
        if doctype.to_ascii_uppercase().contains("<!ENTITY") {
            return Err(self.bad("declarations of entities are not allowed"));
        }
        Ok(None)
    }

    fn eof(&mut self) -> Result<Option<Event>> {
        if self.ended {
            return Ok(None);
        }
        Err(self.bad("the report ends in the middle"))
    }
}

/// Takes what stands before the first `<`; returns the number of lines in it.
fn skip_preamble(source: &mut Box<dyn BufRead + Send>) -> Result<u64> {
    let (mut lines, mut skipped) = (0, 0);
    loop {
        let filled = source.fill_buf().map_err(|e| io_error(&e))?;
        if filled.is_empty() {
            return Ok(lines);
        }
        let end = memchr::memchr(b'<', filled);
        let taken = end.unwrap_or(filled.len());
        lines += memchr::memchr_iter(b'\n', &filled[..taken]).count() as u64;
        skipped += taken;
        if skipped > PREAMBLE_BYTES {
            return Err(Error::new(
                Code::BadReport,
                "this is not XML: there is no '<' near its beginning",
            ));
        }
        source.consume(taken);
        if end.is_some() {
            return Ok(lines);
        }
    }
}

/// The same document in UTF-8, if it declares another encoding. Bytes that are wrong in
/// their encoding become U+FFFD: scanners quote what hosts send.
fn decoded(mut source: Box<dyn BufRead + Send>) -> Result<Box<dyn BufRead + Send>> {
    let mut head = Vec::with_capacity(DECLARATION_BYTES);
    let declaration_bytes = DECLARATION_BYTES as u64;
    source.by_ref().take(declaration_bytes).read_to_end(&mut head).map_err(|e| io_error(&e))?;
    let declaration = head.starts_with(b"<?xml").then(|| {
        let end = memchr::memmem::find(&head, b"?>").unwrap_or(0);
        String::from_utf8_lossy(&head[..end]).into_owned()
    });
    let label = declaration.as_deref().and_then(|d| {
        let value = d[d.find("encoding")? + 8..].trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value[1..].split(quote).next()
    });
    let encoding = match label {
        None => encoding_rs::UTF_8,
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            let label = text::to_line(text::clip(label, 40)).unwrap_or_default();
            Error::new(Code::BadReport, format!("the encoding '{label}' is not known at line 1"))
        })?,
    };
    // UTF-16 has been decoded before; the declaration still says so.
    let is_wide = encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE;
    let encoding = if is_wide { encoding_rs::UTF_8 } else { encoding };
    let decoder = DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding))
        .bom_sniffing(false)
        .build(io::Cursor::new(head).chain(source));
    Ok(Box::new(BufReader::with_capacity(64 << 10, decoder)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::input::Limits;
    use super::*;

    fn xml(bytes: &[u8]) -> Xml {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Xml::open(&Report::new(file.path(), Limits::default())).unwrap()
    }

    fn root(bytes: &[u8]) -> Result<Node> {
        let mut xml = xml(bytes);
        let start = xml.next_start()?.unwrap();
        let node = xml.node(start)?;
        assert_eq!(xml.next()?, None);
        Ok(node)
    }

    #[test]
    fn documents_become_nodes() {
        let node = root(
            b"junk\n<?xml version='1.0'?><!DOCTYPE r SYSTEM 'x.dtd'><x:r a=' 1 &lt;&#65;'><b/>t&amp;<![CDATA[<&]]><b>2</b></x:r>\n",
        )
        .unwrap();
        assert_eq!((node.name(), node.attr("a"), node.text()), ("r", Some("1 <A"), Some("t&<&")));
        assert_eq!(node.all("b").count(), 2);
        assert_eq!(node.children[1].text(), Some("2"));
        assert_eq!(node.text_of("b"), None);
    }

    #[test]
    fn encodings_are_decoded() {
        for bytes in [
            b"<?xml version='1.0' encoding='iso-8859-1'?><r>\xe4</r>".to_vec(),
            "<r>ä</r>".as_bytes().to_vec(),
            "\u{feff}<?xml version='1.0' encoding='UTF-16'?><r>ä</r>"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ] {
            assert_eq!(root(&bytes).unwrap().text(), Some("ä"));
        }
        assert_eq!(root(b"<r>\xe4</r>").unwrap().text(), Some("\u{fffd}"));
    }

    #[test]
    fn what_is_wrong_is_an_error_with_its_line() {
        for (text, what) in [
            ("<r>\n<a></r>", "line 2"),
            ("<r>\n", "ends in the middle at line 2"),
            ("<r>&lol;</r>", "the entity &lol; is not allowed at line 1, in <r>"),
            ("<!DOCTYPE r [<!ENTITY lol 'x'>]><r/>", "declarations of entities"),
            ("<r/><r/>", "something follows"),
            ("<r/>x", "outside of the document"),
            ("<r a=1/>", "line 1"),
        ] {
            let error = root(text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), Code::BadReport);
            assert!(error.to_string().contains(what), "{text}: {error}");
        }
        let deep = "<a>".repeat(200);
        assert!(root(deep.as_bytes()).unwrap_err().to_string().contains("nested deeper"));
        let long = format!("<r>{}</r>", "x".repeat(limits::REPORT_STRING_BYTES + (1 << 20)));
        assert!(root(long.as_bytes()).unwrap_err().to_string().contains("longer than 16 MiB"));
    }
}
