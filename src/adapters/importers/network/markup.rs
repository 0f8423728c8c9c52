//! Plain text out of the HTML that some scanners (Qualys) keep in their texts. No meaning is
//! given to anything but line breaks; tags go, the usual entities become characters.

use crate::base::limits;

/// Elements that begin a line.
const BREAKS: &[&str] = &["br", "p", "li", "tr", "div", "ul", "ol", "table", "h1", "h2", "h3"];
/// Longest tag that is taken for one.
const TAG_BYTES: usize = 2000;

/// `html` without its tags.
#[must_use]
pub fn plain(html: &str) -> String {
    let html = crate::adapters::importers::text::clip(html, 4 * limits::TEXT_BYTES);
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((name, length)) = tag(rest) else {
            text.push('<');
            rest = &rest[1..];
            continue;
        };
        if BREAKS.iter().any(|b| name.eq_ignore_ascii_case(b)) && !text.ends_with('\n') {
            text.push('\n');
        }
        rest = &rest[length..];
    }
    text.push_str(rest);
    entities(&text)
}

/// The name of the tag with which `text` begins, and the tag's length.
fn tag(text: &str) -> Option<(&str, usize)> {
    let end = text.find('>').filter(|end| *end < TAG_BYTES)?;
    let inside = text[1..end].trim_start_matches('/');
    let is_name = |c: char| c.is_ascii_alphanumeric();
    let name = &inside[..inside.find(|c| !is_name(c)).unwrap_or(inside.len())];
    let first = name.chars().next()?;
    let rest = &inside[name.len()..];
    let ends = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '/');
    (first.is_ascii_alphabetic() && ends).then_some((name, end + 1))
}

fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    // The ampersand last, so that nothing is resolved twice.
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    pairs.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_breaks_stay() {
        for (html, text) in [
            ("a<BR>b<P>c</P>", "a\nb\nc\n"),
            ("see <A HREF=\"http://x/y\">this</A> &amp;lt; &lt;b&gt;", "see this &lt; <b>"),
            ("PHP < 5.2 and > 4 <3", "PHP < 5.2 and > 4 <3"),
            ("<script>alert(1)</script>", "alert(1)"),
            ("<", "<"),
            ("é<é>", "é<é>"),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
    }
}
