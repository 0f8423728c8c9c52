//! What the columns of a table mean that no scanner of a known format wrote: given by the
//! person who imports it, and saved under a name (table `mappings`).

use std::collections::{BTreeMap, BTreeSet};

use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;
use serde::{Deserialize, Serialize};

use super::asset::{merge, set};
use super::words::word_enum;
use crate::base::record::{Field, Index, Kind, Record, asc};
use crate::base::{Error, Result, Timestamp};

word_enum! {
    /// What a column says.
    MappedField default Ignore {
        /// Nothing that is wanted.
        Ignore "ignore",
        /// Ids of the vulnerability: CVE, GHSA, …; several with commas, semicolons or blanks
        /// between.
        Id "id",
        /// One line about it.
        Title "title",
        /// Several lines about it.
        Description "description",
        /// What it leads to; added to the description.
        Impact "impact",
        /// What to do about it.
        Solution "solution",
        /// How bad, in a word.
        Severity "severity",
        /// A CVSS score or vector. Several columns may say this.
        Cvss "cvss",
        /// Weaknesses (CWE).
        Cwe "cwe",
        /// Web addresses about it. Several columns may say this.
        References "references",
        /// EPSS probability, 0 to 1.
        Epss "epss",
        /// Whether CISA lists it as exploited.
        Kev "kev",
        /// Whether an exploit is public.
        Exploit "exploit",
        /// When it was published.
        Published "published",
        /// The package, library or product.
        Component "component",
        /// Its installed version.
        Version "version",
        /// The lowest version that is not affected.
        FixedVersion "fixed_version",
        /// Its package URL.
        Purl "purl",
        /// Its ecosystem (npm, deb, …).
        Ecosystem "ecosystem",
        /// The file that contains it.
        Path "path",
        /// The line in that file.
        Line "line",
        /// The asset's name.
        Asset "asset",
        /// The asset's host name.
        Hostname "hostname",
        /// The asset's IP address.
        IpAddress "ip_address",
        /// The asset's MAC address.
        MacAddress "mac_address",
        /// The asset's operating system.
        Os "os",
        /// Port number.
        Port "port",
        /// Protocol of the port.
        Protocol "protocol",
        /// What listens there.
        Service "service",
        /// Web address at which it was seen.
        Url "url",
        /// What the scanner saw.
        Evidence "evidence",
        /// The scanner's name of the check.
        Check "check",
        /// The scanner's status word.
        Status "status",
        /// When it was seen first.
        FirstSeen "first_seen",
        /// Whether it still counts.
        Active "active",
        /// Whether somebody found it to be none.
        FalsePositive "false_positive",
        /// Whether it repeats another.
        Duplicate "duplicate",
        /// Whether it is fixed by now.
        Resolved "resolved",
    }
}

impl MappedField {
    /// Whether several columns may say it.
    #[must_use]
    pub const fn may_repeat(self) -> bool {
        matches!(self, Self::Ignore | Self::Cvss | Self::References)
    }
}

/// Most columns of a mapping.
const COLUMNS: usize = 200;
/// Longest name of a column, bytes.
const COLUMN_BYTES: usize = 255;

/// What columns mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// By column name; case, blanks and punctuation do not matter. Columns that are not
    /// named here are ignored. In JSON also by the way through an entry, with dots
    /// (`asset.name`) or as a pointer (`/asset/name`, RFC 6901).
    pub columns: BTreeMap<String, MappedField>,
}

impl Mapping {
    /// An error if it cannot be used: no name of a vulnerability, too much, or the same
    /// thing said by two columns.
    pub fn validate(&self) -> Result<()> {
        let refuse = |detail: String| Err(Error::field("/columns", detail));
        if self.columns.len() > COLUMNS {
            return refuse(format!("more than {COLUMNS} columns"));
        }
        if let Some(name) = self.columns.keys().find(|name| !is_column(name)) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            return refuse(format!(
                "'{name}' is no name of a column (1 to {COLUMN_BYTES} bytes, with a letter or digit)"
            ));
        }
        let mut seen = BTreeSet::new();
        let once = |field: &&MappedField| !field.may_repeat();
        if let Some(twice) = self.columns.values().filter(once).find(|field| !seen.insert(**field))
        {
            return refuse(format!("two columns are '{twice}'"));
        }
        let says = |field| self.columns.values().any(|f| *f == field);
        if !says(MappedField::Id) && !says(MappedField::Title) {
            return refuse("no column is 'id' or 'title'".into());
        }
        Ok(())
    }
}

fn is_column(name: &str) -> bool {
    name.len() <= COLUMN_BYTES && name.chars().any(char::is_alphanumeric)
}

/// A mapping under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct SavedMapping {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Natural key, for `mapping=`.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What each column means, by its name, or in JSON by its path (`asset.name`,
    /// `/asset/name`).
    pub columns: BTreeMap<String, MappedField>,
    /// Who made it.
    pub created_by: String,
}

/// A new mapping as a client sends it.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields)]
pub struct NewMapping {
    /// Natural key, for `mapping=`.
    #[oai(validator(min_length = 1, max_length = 100, pattern = "^[A-Za-z][A-Za-z0-9._-]*$"))]
    pub name: String,
    /// What it is for.
    #[oai(validator(max_length = 1000))]
    pub description: Option<String>,
    /// What each column means, by its name, or in JSON by its path (`asset.name`,
    /// `/asset/name`). Case, blanks and punctuation do not matter; each name is of at most
    /// 255 bytes and has a letter or digit. One is `id` or `title`; only `cvss`,
    /// `references` and `ignore` may stand several times.
    #[oai(validator(min_properties = 1, max_properties = 200))]
    pub columns: BTreeMap<String, MappedField>,
}

/// A change to a mapping: absent leaves, `null` clears, a value sets (RFC 7396).
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct MappingPatch {
    /// Natural key.
    #[oai(validator(min_length = 1, max_length = 100, pattern = "^[A-Za-z][A-Za-z0-9._-]*$"))]
    pub name: Option<String>,
    /// What it is for.
    #[oai(validator(max_length = 1000))]
    pub description: MaybeUndefined<String>,
    /// What each column means; replaces what was there.
    #[oai(validator(min_properties = 1, max_properties = 200))]
    pub columns: Option<BTreeMap<String, MappedField>>,
}

impl NewMapping {
    /// The mapping that this describes, by `author`; an error if it cannot be used.
    pub fn build(self, author: String) -> Result<SavedMapping> {
        let saved = SavedMapping {
            name: self.name,
            description: self.description,
            columns: self.columns,
            created_by: author,
            ..SavedMapping::default()
        };
        saved.mapping().validate()?;
        Ok(saved)
    }
}

impl MappingPatch {
    /// The mapping with this change; an error if it cannot be used then.
    pub fn apply(&self, mut saved: SavedMapping) -> Result<SavedMapping> {
        set(&mut saved.name, self.name.as_ref());
        merge(&mut saved.description, &self.description);
        set(&mut saved.columns, self.columns.as_ref());
        saved.mapping().validate()?;
        Ok(saved)
    }
}

impl SavedMapping {
    /// What it says.
    #[must_use]
    pub fn mapping(&self) -> Mapping {
        Mapping { columns: self.columns.clone() }
    }
}

/// What can be filtered, sorted and counted by.
const MAPPING_FIELDS: &[Field<SavedMapping>] = &[
    Field::<SavedMapping>::new("name", Kind::Text, |m, f| f((&m.name).into()), "Natural key."),
    Field::<SavedMapping>::new(
        "created_by",
        Kind::Text,
        |m, f| f((&m.created_by).into()),
        "Who made it.",
    )
    .facet(),
    Field::<SavedMapping>::new(
        "created_at",
        Kind::Time,
        |m, f| f(m.created_at.into()),
        "When it was made.",
    ),
];

/// Secondary indexes, and what each is for.
const MAPPING_INDEXES: &[Index] = &[
    Index::on("idx_mappings_name", &[asc("name")], "Look-up by natural key; the default list.")
        .unique(),
    Index::on("idx_mappings_created_at", &[asc("created_at")], "By time."),
];

impl Record for SavedMapping {
    const TABLE: &'static str = "mappings";
    const FACETS: &'static str = "fct_mappings";
    const NOUN: &'static str = "mapping";
    const NATURAL_KEY: Option<&'static str> = Some("idx_mappings_name");
    const DEFAULT_SORT: &'static str = "name";

    fn fields() -> &'static [Field<Self>] {
        MAPPING_FIELDS
    }

    fn indexes() -> &'static [Index] {
        MAPPING_INDEXES
    }

    crate::record_head!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(columns: &[(&str, MappedField)]) -> Mapping {
        let columns = columns.iter().map(|(name, field)| ((*name).to_owned(), *field));
        Mapping { columns: columns.collect() }
    }

    #[test]
    fn a_mapping_names_a_vulnerability_and_says_nothing_twice() {
        use MappedField as F;
        for (columns, what) in [
            (vec![("Bug", F::Id), ("CVSS2", F::Cvss), ("CVSS3", F::Cvss)], None),
            (vec![("Bug", F::Title)], None),
            (vec![("Host", F::Asset)], Some("no column is 'id' or 'title'")),
            (vec![("a", F::Id), ("b", F::Id)], Some("two columns are 'id'")),
            (vec![("!", F::Id)], Some("is no name of a column")),
            (vec![], Some("no column is")),
        ] {
            let result = mapping(&columns).validate().map_err(|e| e.to_string());
            match what {
                None => assert_eq!(result, Ok(()), "{columns:?}"),
                Some(what) => assert!(result.unwrap_err().contains(what), "{columns:?}"),
            }
        }
        let long = "x".repeat(300);
        assert!(mapping(&[(&long, F::Id)]).validate().is_err());
    }
}
