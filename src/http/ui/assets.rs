//! The embedded files and the table of them that the build script wrote.

use bytes::Bytes;

use crate::http::layers::compression::Encoding;

/// One file of the dashboard.
#[derive(Debug)]
pub struct Asset {
    /// Path below the root, without a slash at the beginning.
    pub path: &'static str,
    /// Media type, with the character set of text.
    pub mime: &'static str,
    /// SHA-256 of the plain content, hexadecimal.
    pub sha256: &'static str,
    /// Size of the plain content.
    pub bytes: usize,
    /// Whether there is a brotli variant.
    pub br: bool,
    /// Whether there is a zstd variant.
    pub zst: bool,
    /// Whether the name contains a hash of the content.
    pub immutable: bool,
}

/// Whether this executable has a dashboard at all (feature `ui`).
pub const IS_EMBEDDED: bool = cfg!(feature = "ui");

/// Whether it is only the page that says that Node.js was missing; such a build must not be
/// shipped, and the end-to-end tests refuse it.
pub const UI_IS_PLACEHOLDER: bool = cfg!(ui_placeholder);

#[cfg(feature = "ui")]
#[derive(rust_embed::Embed)]
#[folder = "$OUT_DIR/web"]
struct Files;

/// Every file, sorted by path.
#[cfg(feature = "ui")]
#[allow(clippy::unreadable_literal, reason = "generated; small files have short sizes")]
pub const ALL: &[Asset] = include!(concat!(env!("OUT_DIR"), "/ui_manifest.rs"));

/// Built without the dashboard: there is nothing.
#[cfg(not(feature = "ui"))]
pub const ALL: &[Asset] = &[];

impl Asset {
    /// The encodings that there are beside the plain file. Brotli comes first, because its
    /// files are smaller; what it costs was paid when this was built.
    pub fn variants(&self) -> Vec<Encoding> {
        let there = [(Encoding::Brotli, self.br), (Encoding::Zstd, self.zst)];
        there.into_iter().filter(|(_, there)| *there).map(|(encoding, _)| encoding).collect()
    }
}

/// The file at this path.
pub fn find(path: &str) -> Option<&'static Asset> {
    ALL.binary_search_by(|asset| asset.path.cmp(path)).ok().map(|at| &ALL[at])
}

/// The bytes of a file: plain, or as one of its variants.
#[cfg(feature = "ui")]
pub fn content(asset: &Asset, encoding: Option<Encoding>) -> Option<Bytes> {
    let file = match encoding {
        Some(Encoding::Brotli) => Files::get(&format!("{}.br", asset.path)),
        Some(Encoding::Zstd) => Files::get(&format!("{}.zst", asset.path)),
        Some(Encoding::Gzip) => None,
        None => Files::get(asset.path),
    }?;
    Some(match file.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    })
}

/// Built without the dashboard: there is nothing.
#[cfg(not(feature = "ui"))]
pub fn content(_asset: &Asset, _encoding: Option<Encoding>) -> Option<Bytes> {
    None
}

#[cfg(all(test, feature = "ui"))]
mod tests {
    use std::io::Read as _;

    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_variant_unpacks_to_the_file() {
        assert!(ALL.is_sorted_by(|a, b| a.path < b.path));
        assert!(find("index.html").is_some());
        for asset in ALL {
            let plain = content(asset, None).unwrap();
            assert_eq!(plain.len(), asset.bytes, "{}", asset.path);
            let hash = Sha256::digest(&plain);
            let byte = |at: usize| u8::from_str_radix(&asset.sha256[at * 2..][..2], 16).unwrap();
            assert!((0..32).all(|at| hash[at] == byte(at)), "{}", asset.path);
            assert_eq!(
                asset.br,
                content(asset, Some(Encoding::Brotli)).is_some(),
                "{}",
                asset.path
            );
            if asset.zst {
                let packed = content(asset, Some(Encoding::Zstd)).unwrap();
                let mut unpacked = Vec::new();
                zstd::stream::read::Decoder::new(&*packed)
                    .unwrap()
                    .read_to_end(&mut unpacked)
                    .unwrap();
                assert!(unpacked == plain, "{}", asset.path);
            }
        }
    }
}
