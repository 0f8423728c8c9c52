//! What the beginning of a file is, without parsing it, because the beginning usually ends
//! in the middle of something: the keys of a JSON document, the root element of an XML
//! document, the header of a table.

/// The keys of the first levels of a JSON document with their depth (1: the keys of the
/// outermost object; an array adds a level).
pub struct Keys<'h> {
    first: Option<u8>,
    found: Vec<(usize, &'h [u8])>,
}

/// Deepest level whose keys are kept.
const DEPTH: usize = 4;

impl<'h> Keys<'h> {
    /// The keys in `head`.
    pub fn of(head: &'h [u8]) -> Self {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let first = head.trim_ascii_start().first().copied();
        let mut found = Vec::new();
        let (mut at, mut depth) = (0, 0_usize);
        while let Some(&byte) = head.get(at).filter(|_| matches!(first, Some(b'{' | b'['))) {
            at += 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    let text = string(&head[at..]);
                    at += text.len() + 1;
                    let rest = head.get(at..).unwrap_or_default().trim_ascii_start();
                    if depth <= DEPTH && rest.first() == Some(&b':') {
                        found.push((depth, text));
                    }
                }
                _ => {}
            }
        }
        Self { first, found }
    }

    /// Whether there is a `key` at `depth`.
    pub fn has(&self, depth: usize, key: &str) -> bool {
        self.found.iter().any(|&(d, k)| d == depth && k == key.as_bytes())
    }

    /// The keys at `depth`, in their order.
    pub fn at(&self, depth: usize) -> impl Iterator<Item = &'h str> {
        let keys = self.found.iter().filter(move |(d, _)| *d == depth);
        keys.filter_map(|(_, key)| std::str::from_utf8(key).ok())
    }

    /// The keys at `depth` that are inside of the value of the outermost `key`.
    pub fn under(&self, key: &str, depth: usize) -> impl Iterator<Item = &'h str> {
        let inside = self.found.iter().skip_while(move |&&(d, k)| (d, k) != (1, key.as_bytes()));
        let inside = inside.skip(1).take_while(|(d, _)| *d > 1);
        let keys = inside.filter(move |(d, _)| *d == depth);
        keys.filter_map(|(_, key)| std::str::from_utf8(key).ok())
    }

    /// Whether all `keys` are at `depth`.
    pub fn has_all(&self, depth: usize, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.has(depth, key))
    }

    /// Whether all keys at `depth` are among `keys`; there may be none.
    pub fn only(&self, depth: usize, keys: &[&str]) -> bool {
        let among = |found: &[u8]| keys.iter().any(|key| key.as_bytes() == found);
        self.found.iter().all(|&(d, found)| d != depth || among(found))
    }

    /// Whether the document is an object.
    pub fn is_object(&self) -> bool {
        self.first == Some(b'{')
    }

    /// Whether the document is an array.
    pub fn is_array(&self) -> bool {
        self.first == Some(b'[')
    }
}

/// What stands before the quote that ends a string.
fn string(bytes: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    &bytes[..at.min(bytes.len())]
}

/// The name (with its prefix, if it has one) of the outermost element of an XML document.
/// Anything may stand before it: real files have text even before the declaration.
pub fn root_element(head: &[u8]) -> Option<&str> {
    let mut rest = head;
    loop {
        let at = memchr::memchr(b'<', rest)?;
        rest = &rest[at + 1..];
        match rest.first()? {
            b'?' => rest = &rest[memchr::memmem::find(rest, b"?>")?..],
            b'!' if rest.starts_with(b"!--") => {
                rest = &rest[memchr::memmem::find(rest, b"-->")?..];
            }
            b'!' => rest = &rest[memchr::memchr(b'>', rest)?..],
            _ => {
                let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'>' | b'/');
                let name = rest.split(ends).next()?;
                let legal = |b: &u8| b.is_ascii_alphanumeric() || b"_:.-".contains(b);
                let is_name = !name.is_empty() && name.iter().all(legal);
                return is_name.then(|| std::str::from_utf8(name).ok()).flatten();
            }
        }
    }
}

/// The start tag of the outermost element, whole, if the head has it.
pub fn root_tag(head: &[u8]) -> Option<&str> {
    let name = root_element(head)?;
    let at = memchr::memmem::find(head, format!("<{name}").as_bytes())?;
    let tag = &head[at..];
    std::str::from_utf8(&tag[..memchr::memchr(b'>', tag)?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_with_their_depth() {
        let keys = Keys::of(b"\xef\xbb\xbf {\"a\\\"}\":1, \"b\" : [{\"c\":{\"d\":");
        assert!(keys.is_object() && !keys.is_array());
        assert!(keys.has(1, "a\\\"}") && keys.has_all(1, &["b"]) && keys.has(3, "c"));
        assert!(keys.has(4, "d") && !keys.has(1, "c"));
        assert_eq!((keys.at(3).collect::<Vec<_>>(), keys.under("b", 3).count()), (vec!["c"], 1));
        assert_eq!(keys.under("c", 3).count(), 0);
        assert!(keys.only(3, &["c", "x"]) && keys.only(2, &[]) && !keys.only(1, &["b"]));
        for nothing in ["", "x", "\"", "{\"", "{\"\\"] {
            assert!(!Keys::of(nothing.as_bytes()).has(1, "a"), "{nothing}");
        }
    }

    #[test]
    fn root_elements_are_found_behind_anything() {
        for (text, root) in [
            ("<a>", Some("a")),
            (
                "Warning: x\n<?xml version='1.0'?><!DOCTYPE a>\n<!-- <b> --><ns:a x='1'/>",
                Some("ns:a"),
            ),
            ("<?xml version='1.0'?>", None),
            ("{\"a\": \"<b>\"}", Some("b")),
            ("a < b", None),
            ("", None),
        ] {
            assert_eq!(root_element(text.as_bytes()), root, "{text}");
        }
        assert_eq!(root_tag(b"x<?y?><r a='1' b=\"2\"><c>"), Some("<r a='1' b=\"2\""));
    }
}
