//! What every record must declare, and what the program promises by name.

use std::collections::BTreeSet;

use vulnzero::base::record::{Kind, Record};
use vulnzero::store::META;
use vulnzero::store::query::parse_sort;

/// The indexes of the performance guide's section 4, with their columns.
const PROMISED: [(&str, &str, &[&str]); 13] = [
    ("vulnerabilities", "idx_vulnerabilities_cve_id", &["cve_id"]),
    ("vulnerabilities", "idx_vulnerabilities_severity", &["severity"]),
    ("vulnerabilities", "idx_vulnerabilities_status", &["status"]),
    ("vulnerabilities", "idx_vulnerabilities_priority_score", &["priority_score"]),
    ("vulnerabilities", "idx_vulnerabilities_created_at", &["created_at"]),
    ("vulnerabilities", "idx_vulnerabilities_severity_status", &["severity", "status"]),
    ("assets", "idx_assets_asset_id", &["asset_id"]),
    ("assets", "idx_assets_hostname", &["hostname"]),
    ("assets", "idx_assets_ip_address", &["ip_address"]),
    ("assets", "idx_assets_is_active", &["is_active"]),
    ("patches", "idx_patches_patch_id", &["patch_id"]),
    ("patches", "idx_patches_vulnerability_id", &["vulnerability_id"]),
    ("patches", "idx_patches_validation_passed", &["validation_passed"]),
];

fn unique<T: Ord + std::fmt::Display>(all: impl IntoIterator<Item = T>, what: &str) {
    let mut seen = BTreeSet::new();
    for one in all {
        let text = one.to_string();
        assert!(seen.insert(one), "{what} {text} is declared twice");
    }
}

fn check_fields<R: Record>() {
    unique(R::fields().iter().map(|f| f.name), R::TABLE);
    for field in R::fields() {
        let name = format!("{}.{}", R::TABLE, field.name);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(field.name.chars().all(plain), "{name} is no parameter name");
        assert!(field.name != "id", "{name} is every record's own");
        assert!(field.about.ends_with('.'), "{name} is not described");
        assert!(!(field.facet && field.kind == Kind::Words), "{name}: words are not counted");
        assert!(field.multi || field.kind != Kind::Words, "{name}: words are several");
        if let Kind::Enum(words) = field.kind {
            assert!(words.len() < 256, "{name} has too many words for a byte");
            unique(words.iter().copied(), &name);
        }
    }
}

fn check_indexes<R: Record>() {
    for index in R::indexes() {
        let name = index.name;
        assert!(name.starts_with(&format!("idx_{}_", R::TABLE)), "{name} is of {}", R::TABLE);
        assert!(index.why.ends_with('.'), "{name} has no reason");
        assert!(!index.parts.is_empty(), "{name} has no column");
        unique(index.parts.iter().map(|p| p.field), name);
        let fields = index.parts.iter().map(|p| {
            R::field(p.field).unwrap_or_else(|| panic!("{name}: {} is no field", p.field))
        });
        assert!(fields.filter(|f| f.multi).count() <= 1, "{name} has several lists");
        let leads = index.parts[0];
        assert!(
            !leads.descending || index.parts.len() > 1,
            "{name}: an ascending index is read both ways"
        );
    }
    if let Some(name) = R::NATURAL_KEY {
        let index = R::indexes().iter().find(|i| i.name == name);
        let index = index.unwrap_or_else(|| panic!("{name} is no index of {}", R::TABLE));
        assert!(index.unique && index.parts.len() == 1, "{name} names no single record");
        let kind = R::field(index.parts[0].field).map(|f| f.kind);
        assert_eq!(kind, Some(Kind::Text), "{name} is looked up by text");
    }
}

fn check_record<R: Record>() {
    assert_eq!(R::FACETS, format!("fct_{}", R::TABLE));
    assert!(!R::NOUN.is_empty() && R::SCHEMA > 0);
    parse_sort::<R>(R::DEFAULT_SORT).unwrap_or_else(|e| panic!("{}: {e}", R::TABLE));
    check_fields::<R>();
    check_indexes::<R>();
    for (_, name, columns) in PROMISED.iter().filter(|(table, ..)| *table == R::TABLE) {
        let index = R::indexes().iter().find(|i| i.name == *name);
        let index = index.unwrap_or_else(|| panic!("{name} is promised"));
        let parts: Vec<_> = index.parts.iter().map(|p| p.field).collect();
        assert_eq!(parts, *columns, "{name}");
        assert!(index.parts.iter().all(|p| !p.descending), "{name}");
    }
}

macro_rules! check_each {
    ($($record:ty),*) => { $(check_record::<$record>();)* };
}

macro_rules! names_of {
    ($($record:ty),*) => {
        [$((<$record>::TABLE, <$record>::FACETS, <$record>::indexes())),*]
    };
}

#[test]
fn every_record_declares_itself_well() {
    vulnzero::for_each_record!(check_each);
}

#[test]
fn every_table_has_a_name_of_its_own() {
    let all = vulnzero::for_each_record!(names_of);
    let tables = all.iter().flat_map(|(table, facets, _)| [*table, *facets]);
    let indexes = all.iter().flat_map(|(.., indexes)| indexes.iter().map(|i| i.name));
    unique(tables.chain(indexes).chain([META]), "table");
    for (table, name, _) in PROMISED {
        let found = all.iter().find(|(t, ..)| *t == table).map(|(.., indexes)| indexes);
        assert!(found.is_some_and(|i| i.iter().any(|i| i.name == name)), "{name}");
    }
}
