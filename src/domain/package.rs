//! Packages (table `packages`): what is, or was, installed on an asset, as inventories and
//! SBOMs list it. Rows are never rewritten but for their end, so that the table is also
//! the history.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::component::Component;
use super::scan::ScanKind;
use super::search;
use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, Value, asc};

/// A component on an asset, from when it was seen first until it was removed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct Package {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// The asset's number.
    pub asset_id: u64,
    /// The asset's natural key.
    pub asset: String,
    /// The component.
    pub component: Component,
    /// What kind of component it is.
    pub kind: ScanKind,
    /// The tool that listed it.
    pub source: String,
    /// The import that brought it.
    pub import_id: u64,
    /// When it was listed first.
    pub first_seen: Timestamp,
    /// The scan that listed it last.
    #[serde(default)]
    pub last_seen: Timestamp,
    /// When a newer inventory no longer listed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

impl Package {
    /// What makes it the same package in the next inventory.
    #[must_use]
    pub fn key(component: &Component) -> String {
        let architecture = component.architecture.as_deref().unwrap_or_default();
        format!("{}\u{1f}{architecture}", component.key())
    }
}

/// The index by asset and identity.
pub const BY_IDENTITY: &str = "idx_packages_identity";

/// What can be filtered, sorted and counted by.
const PACKAGE_FIELDS: &[Field<Package>] = &[
    Field::<Package>::new(
        "asset_id",
        Kind::U64,
        |p, f| f(p.asset_id.into()),
        "The asset's number.",
    ),
    Field::<Package>::new(
        "asset",
        Kind::Text,
        |p, f| f((&p.asset).into()),
        "The asset's natural key.",
    ),
    Field::<Package>::new("name", Kind::Text, |p, f| f((&p.component.name).into()), "Name."),
    Field::<Package>::new(
        "package_version",
        Kind::Text,
        |p, f| f((&p.component.version).into()),
        "Version.",
    ),
    Field::<Package>::new(
        "identity",
        Kind::Text,
        |p, f| f(Value::Text(Package::key(&p.component))),
        "Package, version, path and architecture.",
    ),
    Field::<Package>::new(
        "ecosystem",
        Kind::Text,
        |p, f| f((&p.component.ecosystem).into()),
        "Ecosystem (purl type).",
    )
    .facet(),
    Field::<Package>::new(
        "is_installed",
        Kind::Bool,
        |p, f| f(p.removed_at.is_none().into()),
        "Listed by the newest inventory.",
    )
    .facet(),
    Field::<Package>::new(
        "first_seen",
        Kind::Time,
        |p, f| f(p.first_seen.into()),
        "When it was listed first.",
    ),
    Field::<Package>::many(
        "search",
        Kind::Words,
        |p, f| search::words([p.component.name.as_str()], &mut |w| f(Value::Text(w))),
        "Words of the name.",
    ),
];

/// Secondary indexes, and what each is for.
const PACKAGE_INDEXES: &[Index] = &[
    Index::on(
        BY_IDENTITY,
        &[asc("asset_id"), asc("identity")],
        "One package once; what is on an asset; every inventory asks.",
    )
    .unique(),
    Index::on("idx_packages_asset", &[asc("asset"), asc("name")], "Packages of an asset by name."),
    Index::on(
        "idx_packages_name",
        &[asc("name"), asc("package_version")],
        "Who has a package, by version; the default list.",
    ),
    Index::on("idx_packages_first_seen", &[asc("first_seen")], "What was installed last."),
    Index::on("idx_packages_search", &[asc("search")], "Search by words."),
];

impl Record for Package {
    const TABLE: &'static str = "packages";
    const FACETS: &'static str = "fct_packages";
    const NOUN: &'static str = "package";
    const DEFAULT_SORT: &'static str = "name";

    fn fields() -> &'static [Field<Self>] {
        PACKAGE_FIELDS
    }

    fn indexes() -> &'static [Index] {
        PACKAGE_INDEXES
    }

    crate::record_head!();
}
