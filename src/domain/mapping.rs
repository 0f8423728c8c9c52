//! What the columns of a table mean that no scanner of a known format wrote: given by the
//! person who imports it.

use std::collections::{BTreeMap, BTreeSet};

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::words::word_enum;
use crate::base::{Error, Result};

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
pub struct Mapping {
    /// By column name; case, blanks and punctuation do not matter. Columns that are not
    /// named here are ignored.
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

    #[test]
    fn a_mapping_is_read_from_json() {
        let read = serde_json::from_str::<Mapping>;
        let mapping = read(r#"{"columns": {"Bug": "id", "Where": "ip_address"}}"#).unwrap();
        assert_eq!(mapping.columns["Where"], MappedField::IpAddress);
        assert!(read(r#"{"columns": {"Bug": "no-such"}}"#).is_err());
        assert!(read(r#"{"columns": {}, "x": 1}"#).is_err());
    }
}
