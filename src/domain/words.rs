//! Enums that are words in JSON, in filters and in index keys: one list for all three.

/// Declares an enum whose variants are words. The order of the variants is the order of
/// sorting and the position kept in index keys, so new variants go to the end unless the
/// index fingerprints (which contain the words) are meant to change.
macro_rules! word_enum {
    ($(#[$meta:meta])* $name:ident default $default:ident { $($(#[$vmeta:meta])* $variant:ident $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, poem_openapi::Enum)]
        #[oai(rename_all = "snake_case")]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),* }

        impl $name {
            /// Every word, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),*];
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl Default for $name {
            fn default() -> Self { Self::$default }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("'{text}' is none of: {}", Self::WORDS.join(", "))),
                }
            }
        }

        impl From<$name> for $crate::base::record::Value {
            fn from(v: $name) -> Self { Self::Enum(v as u8) }
        }
    };
}
pub(crate) use word_enum;
