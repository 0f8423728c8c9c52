//! The page that explains every error code, rendered from the table of codes. It needs no
//! build of the dashboard, so that the links in errors always lead somewhere.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::base::error::Code;

/// A generated file.
pub struct Generated {
    /// Media type.
    pub mime: &'static str,
    /// Quoted entity tag.
    pub etag: String,
    /// The content.
    pub body: Bytes,
}

impl Generated {
    fn new(mime: &'static str, body: Bytes) -> Self {
        let hash = Sha256::digest(&body);
        let mut etag = String::from("\"");
        for byte in &hash[..16] {
            write!(etag, "{byte:02x}").expect("writing to a String cannot fail");
        }
        etag.push('"');
        Self { mime, etag, body }
    }
}

/// The page.
pub fn page() -> &'static Generated {
    static PAGE: LazyLock<Generated> =
        LazyLock::new(|| Generated::new("text/html; charset=utf-8", Bytes::from(render())));
    &PAGE
}

/// Its style sheet; separate, because the content security policy allows no inline styles.
pub fn stylesheet() -> &'static Generated {
    static SHEET: LazyLock<Generated> = LazyLock::new(|| {
        let text = include_str!("problems.css");
        Generated::new("text/css; charset=utf-8", Bytes::from_static(text.as_bytes()))
    });
    &SHEET
}

fn render() -> String {
    let mut rows = String::new();
    for code in Code::ALL {
        writeln!(
            rows,
            "<section id=\"{slug}\"><h2><a href=\"#{slug}\">{slug}</a> <span>{status}</span></h2>\
             <p><strong>{title}.</strong> {remedy}</p></section>",
            slug = code.slug(),
            status = code.status(),
            title = escape(code.title()),
            remedy = escape(code.remedy()),
        )
        .expect("writing to a String cannot fail");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Problems - VulnZero</title>\n\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/docs/problems.css\">\n</head>\n<body>\n<main>\n\
         <h1>Problems</h1>\n<p>Every error of the API is an <code>application/problem+json</code> \
         object. Its <code>code</code> is one of these and never changes its meaning; branch on \
         it, not on the text.</p>\n{rows}</main>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_anchor_status_title_and_remedy() {
        let page = String::from_utf8(page().body.to_vec()).unwrap();
        for code in Code::ALL {
            assert!(page.contains(&format!("<section id=\"{}\">", code.slug())), "{code:?}");
            assert!(page.contains(&format!("<span>{}</span>", code.status())), "{code:?}");
            assert!(page.contains(&escape(code.title())), "{code:?}");
            assert!(page.contains(&escape(code.remedy())), "{code:?}");
        }
        assert!(!page.contains("style=") && !page.contains("<style"), "the policy forbids it");
    }
}
