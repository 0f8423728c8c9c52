//! Which precompressed variant of a file a client gets. Compressing on the fly is the
//! business of the compression layer, which leaves encoded answers alone.

use poem::http::{HeaderMap, header};

use super::assets::Asset;

/// The content coding to send, or none for the plain file. The client's weights decide; at
/// equal weight brotli comes before zstd because its files are smaller.
pub fn choose(headers: &HeaderMap, asset: &Asset) -> Option<&'static str> {
    let mut wishes = Wishes::default();
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        // A value that is no text asks for nothing that we have.
        if let Ok(text) = value.to_str() {
            text.split(',').for_each(|part| wishes.add(part));
        }
    }
    let candidates = [("br", asset.br, wishes.br), ("zstd", asset.zst, wishes.zstd)];
    let mut best = (wishes.identity(), None);
    for (name, _, wish) in candidates.iter().filter(|(_, there, _)| *there).rev() {
        let weight = wish.or(wishes.any).unwrap_or(0);
        if weight > 0 && weight >= best.0 {
            best = (weight, Some(*name));
        }
    }
    best.1
}

/// Weights in thousandths; none where the client says nothing.
#[derive(Default)]
struct Wishes {
    br: Option<u16>,
    zstd: Option<u16>,
    plain: Option<u16>,
    any: Option<u16>,
}

impl Wishes {
    fn add(&mut self, part: &str) {
        let mut words = part.split(';').map(str::trim);
        let coding = words.next().unwrap_or_default().to_ascii_lowercase();
        let weight = words
            .find_map(|word| word.strip_prefix("q=").or_else(|| word.strip_prefix("Q=")))
            .map_or(1000, thousandths);
        match coding.as_str() {
            "br" => self.br = Some(weight),
            "zstd" => self.zstd = Some(weight),
            "identity" => self.plain = Some(weight),
            "*" => self.any = Some(weight),
            _ => {}
        }
    }

    /// The plain file may always be sent; unless asked for it weighs less than anything.
    fn identity(&self) -> u16 {
        self.plain.unwrap_or(0)
    }
}

/// A weight such as `0.8`; what is not a weight counts as refused.
fn thousandths(text: &str) -> u16 {
    match text.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0).round() as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    const BOTH: Asset = Asset {
        path: "a.js",
        mime: "text/javascript",
        sha256: "",
        bytes: 5000,
        br: true,
        zst: true,
        immutable: false,
    };

    fn chosen(value: &str, asset: &Asset) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        if !value.is_empty() {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        choose(&headers, asset)
    }

    #[test]
    fn the_clients_weights_decide() {
        for (value, wanted) in [
            ("", None),
            ("gzip, deflate, br, zstd", Some("br")),
            ("zstd, gzip", Some("zstd")),
            ("gzip", None),
            ("br;q=0.5, zstd;q=0.9", Some("zstd")),
            ("br;q=0, zstd;q=0", None),
            ("*", Some("br")),
            ("*;q=0", None),
            ("br;q=0, *", Some("zstd")),
            ("identity, br;q=0.5", None),
            ("identity;q=0.5, br;q=0.5", Some("br")),
            ("BR ; q=1.0", Some("br")),
            ("br;q=5", None),
            ("br;q=abc, zstd", Some("zstd")),
        ] {
            assert_eq!(chosen(value, &BOTH), wanted, "{value}");
        }
    }

    #[test]
    fn a_variant_that_is_not_there_is_not_chosen() {
        let only_zstd = Asset { br: false, ..BOTH };
        assert_eq!(chosen("br, zstd;q=0.1", &only_zstd), Some("zstd"));
        let small = Asset { br: false, zst: false, ..BOTH };
        assert_eq!(chosen("br, zstd", &small), None);
    }
}
