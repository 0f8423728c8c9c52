//! Which encodings a client accepts (RFC 9110 §12.5.3).

use poem::http::{HeaderMap, header};

use super::codec::Encoding;

/// What a client accepts: quality in thousandths for each encoding, 0 for "not at all".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    encodings: [u16; Encoding::ALL.len()],
    identity: u16,
    /// Whether the client asked for identity by name, as something it may prefer.
    identity_named: bool,
}

impl Accepted {
    /// Nothing but the plain body.
    #[must_use]
    pub fn identity() -> Self {
        Self { encodings: [0; Encoding::ALL.len()], identity: 1000, identity_named: true }
    }

    /// Reads `Accept-Encoding`. Without it anything is acceptable, and plain is best: such
    /// clients seldom decode.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(header::ACCEPT_ENCODING).iter().peekable();
        if lines.peek().is_none() {
            return Self::identity();
        }
        Self::parse(lines.filter_map(|v| v.to_str().ok()))
    }

    fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut named = [None; Encoding::ALL.len()];
        let (mut identity, mut star) = (None, None);
        for item in lines.flat_map(|line| line.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let Some(quality) = quality(parts) else { continue };
            if name == "*" {
                star = Some(quality);
            } else if name.eq_ignore_ascii_case("identity") {
                identity = Some(quality);
            } else if let Some(encoding) = Encoding::parse(name) {
                named[encoding as usize] = Some(quality);
            }
        }
        Self {
            encodings: named.map(|quality| quality.or(star).unwrap_or(0)),
            // Plain is acceptable unless it is excluded, by name or by the star.
            identity: identity.unwrap_or(u16::from(star != Some(0))),
            identity_named: identity.is_some(),
        }
    }

    /// The encoding to use, by the client's and then our preference; `None` for plain.
    #[must_use]
    pub fn best(&self) -> Option<Encoding> {
        self.best_of(&Encoding::ALL)
    }

    /// [`Accepted::best`] among those that there are, our preferred first.
    #[must_use]
    pub fn best_of(&self, offered: &[Encoding]) -> Option<Encoding> {
        let floor = if self.identity_named { self.identity } else { 0 };
        offered
            .iter()
            .copied()
            .filter(|e| self.quality(*e) > 0 && self.quality(*e) >= floor)
            // Of equal ones `max_by_key` takes the last.
            .rev()
            .max_by_key(|e| self.quality(*e))
    }

    /// Whether the plain body may be sent.
    #[must_use]
    pub fn takes_identity(&self) -> bool {
        self.identity > 0
    }

    /// Whether nothing that we have is acceptable.
    pub(super) fn nothing(&self) -> bool {
        !self.takes_identity() && self.encodings.iter().all(|q| *q == 0)
    }

    fn quality(&self, encoding: Encoding) -> u16 {
        self.encodings[encoding as usize]
    }
}

/// `q=0.8` as 800; 1000 without it; `None` if it is malformed, so that the item is skipped.
fn quality<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let Some(parameter) = parameters.next() else { return Some(1000) };
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim();
    let shape = value.len() <= 5 && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !name.trim().eq_ignore_ascii_case("q") || !shape {
        return None;
    }
    let value: f32 = value.parse().ok()?;
    (0.0..=1.0).contains(&value).then_some((value * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Accepted {
        Accepted::parse(std::iter::once(text))
    }

    #[test]
    fn preference_is_the_clients_then_ours() {
        use Encoding::{Brotli, Gzip, Zstd};
        let cases = [
            ("gzip, deflate, br, zstd", Some(Zstd)),
            ("gzip, deflate, br", Some(Brotli)),
            ("gzip", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("GZIP ; Q=0.5 , br;q=0.4", Some(Gzip)),
            ("zstd;q=0.5, gzip;q=0.9", Some(Gzip)),
            ("*", Some(Zstd)),
            ("*, zstd;q=0", Some(Brotli)),
            ("gzip;q=0", None),
            ("gzip;q=0.000", None),
            ("*;q=0, gzip", Some(Gzip)),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=0.5", Some(Gzip)),
            ("gzip;q=2, br;q=nan, zstd;q=-1", None),
            ("gzip;level=9", None),
            ("", None),
            ("deflate", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).best(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_offered_is_not_chosen() {
        use Encoding::{Brotli, Zstd};
        let of = |text, offered: &[Encoding]| read(text).best_of(offered);
        // At equal weight the order of what is offered decides.
        assert_eq!(of("gzip, deflate, br, zstd", &[Brotli, Zstd]), Some(Brotli));
        assert_eq!(of("*", &[Brotli, Zstd]), Some(Brotli));
        assert_eq!(of("br;q=0.5, zstd;q=0.9", &[Brotli, Zstd]), Some(Zstd));
        assert_eq!(of("br;q=0, *", &[Brotli, Zstd]), Some(Zstd));
        assert_eq!(of("gzip", &[Brotli, Zstd]), None);
        assert_eq!(of("br, zstd;q=0.1", &[Zstd]), Some(Zstd));
        assert_eq!(of("identity, br;q=0.5", &[Brotli]), None);
        assert_eq!(of("br, zstd", &[]), None);
    }

    #[test]
    fn plain_is_acceptable_unless_excluded() {
        for text in ["", "gzip", "*", "gzip;q=0", "identity;q=0.1", "*;q=0, identity"] {
            assert!(read(text).takes_identity(), "{text:?}");
        }
        for text in ["identity;q=0", "*;q=0", "gzip, *;q=0"] {
            assert!(!read(text).takes_identity(), "{text:?}");
        }
        assert!(read("*;q=0").nothing() && read("identity;q=0").nothing());
        assert!(!read("identity;q=0, br").nothing());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".*") {
            let accepted = read(&text);
            prop_assert!(accepted.encodings.iter().all(|q| *q <= 1000));
        }

        #[test]
        fn what_is_chosen_is_never_excluded_and_nothing_named_is_better(
            qualities in prop::collection::vec(0..=1000u16, 3),
            star in prop::option::of(0..=1000u16),
            order in Just([0usize, 1, 2]).prop_shuffle(),
        ) {
            let mut items: Vec<String> = order
                .iter()
                .map(|i| format!("{};q={:.3}", Encoding::ALL[*i].name(), f32::from(qualities[*i]) / 1000.0))
                .collect();
            items.extend(star.map(|q| format!("*;q={:.3}", f32::from(q) / 1000.0)));
            let accepted = read(&items.join(", "));
            for (i, encoding) in Encoding::ALL.into_iter().enumerate() {
                prop_assert_eq!(accepted.quality(encoding), qualities[i]);
            }
            let best = qualities.iter().max().copied().unwrap_or(0);
            let first = qualities.iter().position(|q| *q == best).map(|i| Encoding::ALL[i]);
            prop_assert_eq!(accepted.best(), first.filter(|_| best > 0));
        }
    }
}
