//! The types that an option can have: how each is read from text, shown and explained.
//! Knows nothing of files, the environment or of which options there are.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;

use crate::base::secret::Secret;

/// How a value is written in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// An integer.
    Number,
    /// A string such as `"64MiB"`, or an integer of bytes.
    Size,
    /// `true` or `false`.
    Bool,
    /// A list of strings; separated by commas in the environment.
    List,
}

/// A type that an option can have.
pub trait Setting: Sized {
    /// How it is written in a file.
    const KIND: Kind;
    /// Whether its value must not be shown.
    const SECRET: bool = false;
    /// What is allowed, to complete the sentence "expected …".
    const ALLOWED: &'static str;

    /// Reads a value. The error says what is wrong with it, not where it stood.
    fn parse(text: &str) -> Result<Self, String>;

    /// The value as [`Setting::parse`] reads it; empty if it is not set. A secret shows `***`.
    fn show(&self) -> String;

    /// Whether it lies between `low` and `high`, both included. Only numbers care.
    fn within(&self, _low: &Self, _high: &Self) -> bool {
        true
    }
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl Setting for $ty {
            const KIND: Kind = Kind::Number;
            const ALLOWED: &'static str = "a whole number";

            fn parse(text: &str) -> Result<Self, String> {
                text.replace('_', "").parse().map_err(|_| String::from("not a whole number that fits"))
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn within(&self, low: &Self, high: &Self) -> bool {
                (low..=high).contains(&self)
            }
        }
    )*};
}

numbers!(u8, u32, u64);

impl Setting for bool {
    const KIND: Kind = Kind::Bool;
    const ALLOWED: &'static str = "true or false";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(String::from("neither true nor false")),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A number of bytes, written plainly or with a unit: `1500`, `64MiB`, `2GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Setting for ByteSize {
    const KIND: Kind = Kind::Size;
    const ALLOWED: &'static str = "a number of bytes, such as 1500, 64MiB or 2GB";

    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = &text[digits.len()..];
        let factor = if unit.is_empty() {
            1
        } else {
            UNITS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit))
                .ok_or_else(|| format!("'{unit}' is not a unit of bytes"))?
                .1
        };
        let count = u64::parse(digits.trim_end())?;
        count.checked_mul(factor).map(Self).ok_or_else(|| String::from("too large"))
    }

    fn show(&self) -> String {
        let fits = |(_, factor): &&(&str, u64)| self.0 >= *factor && self.0.is_multiple_of(*factor);
        match UNITS[..4].iter().find(fits) {
            Some((name, factor)) => format!("{}{name}", self.0 / factor),
            None => self.0.to_string(),
        }
    }

    fn within(&self, low: &Self, high: &Self) -> bool {
        (low..=high).contains(&self)
    }
}

impl Setting for SocketAddr {
    const KIND: Kind = Kind::Text;
    const ALLOWED: &'static str = "an IP address and a port, such as 127.0.0.1:8000 or [::]:8000";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| String::from("not an IP address with a port"))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for PathBuf {
    const KIND: Kind = Kind::Text;
    const ALLOWED: &'static str = "a path";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err(String::from("empty")) } else { Ok(Self::from(text)) }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for Option<PathBuf> {
    const KIND: Kind = Kind::Text;
    const ALLOWED: &'static str = "a path";

    fn parse(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| PathBuf::from(text)))
    }

    fn show(&self) -> String {
        self.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    }
}

impl Setting for Vec<IpNet> {
    const KIND: Kind = Kind::List;
    const ALLOWED: &'static str = "networks such as 10.0.0.0/8 or fd00::/8, or single addresses";

    fn parse(text: &str) -> Result<Self, String> {
        let one = |part: &str| {
            IpNet::from_str(part)
                .or_else(|_| IpAddr::from_str(part).map(IpNet::from))
                .map_err(|_| format!("'{part}' is neither a network nor an address"))
        };
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
    }

    fn show(&self) -> String {
        self.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// The address under which people reach the server: scheme and host, no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The address without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl Setting for Option<PublicUrl> {
    const KIND: Kind = Kind::Text;
    const ALLOWED: &'static str = "http:// or https:// and a host, without a path";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let uri: http::Uri = text.parse().map_err(|_| String::from("not an address"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(String::from("it does not begin with http:// or https://"));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(String::from("it has a path"));
        }
        Ok(Some(PublicUrl(text.trim_end_matches('/').to_owned())))
    }

    fn show(&self) -> String {
        self.as_ref().map(|url| url.0.clone()).unwrap_or_default()
    }
}

impl Setting for Option<Secret> {
    const KIND: Kind = Kind::Text;
    const SECRET: bool = true;
    const ALLOWED: &'static str = "a text that is not empty";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(String::from("empty"));
        }
        Ok(Some(Secret::new(text.to_owned())))
    }

    fn show(&self) -> String {
        self.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

/// Which log messages are written: a level, or `target=level` directives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(pub String);

impl Setting for LogLevel {
    const KIND: Kind = Kind::Text;
    const ALLOWED: &'static str =
        "off, error, warn, info, debug or trace, or directives such as info,vulnzero::store=debug";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(String::from("empty"));
        }
        for directive in text.split(',') {
            let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
            tracing_subscriber::filter::LevelFilter::from_str(level.trim())
                .map_err(|_| format!("'{}' is not a level", level.trim()))?;
        }
        tracing_subscriber::EnvFilter::try_new(text).map_err(|e| e.to_string())?;
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident: $allowed:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl Setting for $name {
            const KIND: Kind = Kind::Text;
            const ALLOWED: &'static str = $allowed;

            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("'{text}' is none of the choices")),
                }
            }

            fn show(&self) -> String {
                String::from(match self { $(Self::$variant => $text),* })
            }
        }
    )*};
}

choices! {
    /// Whether session cookies carry the `Secure` attribute.
    SecureCookies: "auto, always or never" {
        /// If the request came over TLS or `server.public_url` says https.
        Auto = "auto",
        /// Always; plain http then cannot log in.
        Always = "always",
        /// Never.
        Never = "never",
    }
    /// How log lines look.
    LogFormat: "auto, text or json" {
        /// Text on a terminal, JSON otherwise.
        Auto = "auto",
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("0", 0),
            ("1500", 1500),
            ("1_000", 1000),
            ("64MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("2GB", 2_000_000_000),
            ("3kB", 3000),
            ("7B", 7),
        ] {
            assert_eq!(ByteSize::parse(text), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "MiB", "1.5GiB", "-1", "5 apples", "99999999TiB"] {
            assert!(ByteSize::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_and_single_addresses() {
        let nets = Vec::<IpNet>::parse("10.0.0.0/8, 192.0.2.7,fd00::/8").unwrap();
        assert_eq!(nets.show(), "10.0.0.0/8,192.0.2.7/32,fd00::/8");
        assert!(Vec::<IpNet>::parse("10.0.0.0/40").is_err());
        assert_eq!(Vec::<IpNet>::parse(""), Ok(Vec::new()));
    }

    #[test]
    fn public_urls_have_no_path() {
        let url = Option::<PublicUrl>::parse("https://vulns.example.org/").unwrap().unwrap();
        assert_eq!((url.as_str(), url.is_https()), ("https://vulns.example.org", true));
        for text in ["vulns.example.org", "ftp://a", "https://a/b", "https://a/?q=1"] {
            assert!(Option::<PublicUrl>::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn log_levels() {
        for text in ["info", "warn,vulnzero::store=debug", "off"] {
            assert!(LogLevel::parse(text).is_ok(), "{text}");
        }
        for text in ["", "loud", "info,vulnzero=blah"] {
            assert!(LogLevel::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_does_not_show() {
        let secret = Option::<Secret>::parse("hunter2hunter2").unwrap();
        assert_eq!(secret.show(), "***");
    }

    proptest! {
        #[test]
        fn a_size_that_is_shown_reads_back(bytes: u64) {
            prop_assert_eq!(ByteSize::parse(&ByteSize(bytes).show()), Ok(ByteSize(bytes)));
        }

        #[test]
        fn no_text_breaks_a_parser(text in ".{0,40}") {
            let _ = ByteSize::parse(&text);
            let _ = Vec::<IpNet>::parse(&text);
            let _ = Option::<PublicUrl>::parse(&text);
            let _ = LogLevel::parse(&text);
        }
    }
}
