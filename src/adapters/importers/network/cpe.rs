//! Common platform enumeration names: `cpe:/a:php:php:5.1.6` (2.2) and
//! `cpe:2.3:a:php:php:5.1.6:…` (2.3). Reading is lenient; what cannot be read is none.

/// The parts of a CPE that importers use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpe {
    /// `a` application, `o` operating system, `h` hardware.
    pub part: char,
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Version, unless it is any.
    pub version: Option<String>,
    /// The name in the form of version 2.3.
    pub formatted: String,
}

impl Cpe {
    /// The parts of `text`; what stands after a blank (Nessus: ` -> PHP PHP`) is no part.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_whitespace().next()?;
        let (parts, is_uri) = match text.strip_prefix("cpe:/") {
            Some(rest) => (rest.split(':').map(decoded).collect::<Vec<_>>(), true),
            None => (split(text.strip_prefix("cpe:2.3:")?), false),
        };
        let part = parts.first()?.chars().next().filter(|c| "aoh".contains(*c))?;
        let legal = |c: char| !c.is_control() && !c.is_whitespace();
        let any = |value: &&String| !matches!(value.as_str(), "" | "*" | "-");
        let at = |n: usize| parts.get(n).filter(any).filter(|v| v.chars().all(legal));
        let (vendor, product) = (at(1)?.clone(), at(2)?.clone());
        let version = at(3).cloned();
        let formatted = if is_uri { from_uri(&parts) } else { text.to_owned() };
        (text.len() <= 500).then_some(Self { part, vendor, product, version, formatted })
    }

    /// Every CPE in a list with blanks, commas or line breaks between.
    pub fn list(text: &str) -> impl Iterator<Item = Self> {
        text.split([',', '\n', ' ', '\t']).filter_map(|word| Self::parse(word.trim()))
    }
}

/// Percent-escapes of the 2.2 form that occur: of punctuation.
fn decoded(part: &str) -> String {
    let mut text = part.to_owned();
    for (escape, plain) in [("%2b", "+"), ("%2B", "+"), ("%21", "!"), ("%7e", "~"), ("%2f", "/")] {
        text = text.replace(escape, plain);
    }
    text
}

/// Splits at colons that no backslash stands before; backslashes go.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            ':' if !escaped => parts.push(std::mem::take(&mut part)),
            c => {
                part.push(c);
                escaped = false;
            }
        }
    }
    parts.push(part);
    parts
}

/// The 2.3 form of the parts of a 2.2 name (NISTIR 7695 §6.2.2: punctuation is quoted).
fn from_uri(parts: &[String]) -> String {
    let mut text = "cpe:2.3".to_owned();
    // part, vendor, product, version, update, edition, language; then four that 2.2 has not.
    for n in 0..11 {
        text.push(':');
        match parts.get(n).map(String::as_str) {
            None | Some("") => text.push('*'),
            Some("-") => text.push('-'),
            Some(value) => {
                for c in value.chars() {
                    if !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-') {
                        text.push('\\');
                    }
                    text.push(c);
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let php = Cpe::parse("cpe:/a:php:php:5.6.40-38%2bx -> PHP PHP").unwrap();
        assert_eq!((php.part, php.product.as_str()), ('a', "php"));
        assert_eq!(php.version.as_deref(), Some("5.6.40-38+x"));
        assert_eq!(php.formatted, "cpe:2.3:a:php:php:5.6.40-38\\+x:*:*:*:*:*:*:*");
        let ssh = Cpe::parse("cpe:2.3:a:openbsd:openssh:7.4:p1:*:*:*:*:*:*").unwrap();
        assert_eq!((ssh.vendor.as_str(), ssh.version.as_deref()), ("openbsd", Some("7.4")));
        let odd = Cpe::parse(r"cpe:2.3:a:a\:b:c:*:*:*:*:*:*:*:*").unwrap();
        assert_eq!((odd.vendor.as_str(), odd.version), ("a:b", None));
        let kernel = Cpe::parse("cpe:/o:linux:linux_kernel").unwrap();
        assert_eq!(kernel.formatted, "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*");
        for none in ["", "cpe:/a", "cpe:/a:b", "cpe:/x:b:c", "p-cpe:/a:b:c", "é", "cpe:2.3:a:*:*"]
        {
            assert_eq!(Cpe::parse(none), None, "{none}");
        }
        assert_eq!(Cpe::list("cpe:/o:a:b\ncpe:/a:c:d, x").count(), 2);
    }
}
