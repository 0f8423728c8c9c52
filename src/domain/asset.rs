//! Assets: what can be vulnerable. Host, image, application, device.

use poem_openapi::{Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::identity::KnownName;
use super::scan::ScanKind;
use super::search;
use super::severity::SeverityCounts;
use super::words::word_enum;
use crate::base::record::{Field, Index, Kind, Map, Record, Value, asc};
use crate::base::{Error, Result, Timestamp};

word_enum! {
    /// What kind of thing an asset is.
    AssetType default Other {
        /// A physical or otherwise long-lived host.
        Server "server",
        /// A container image or a running container.
        Container "container",
        /// An instance at a cloud provider.
        CloudInstance "cloud_instance",
        /// A virtual machine.
        VirtualMachine "virtual_machine",
        /// A switch, router, printer, …
        NetworkDevice "network_device",
        /// An application or service.
        Application "application",
        /// A database.
        Database "database",
        /// A source repository or file tree.
        Repository "repository",
        /// Anything else.
        Other "other",
    }
}

word_enum! {
    /// What an asset is used for.
    Environment default Unknown {
        /// Nobody has said.
        Unknown "unknown",
        /// Development.
        Development "development",
        /// Test.
        Test "test",
        /// Staging.
        Staging "staging",
        /// Production.
        Production "production",
    }
}

word_enum! {
    /// From where an asset can be reached.
    Exposure default Unknown {
        /// Nobody has said.
        Unknown "unknown",
        /// From nowhere but itself.
        Isolated "isolated",
        /// From the internal network.
        Internal "internal",
        /// From the internet.
        Internet "internet",
    }
}

/// A complete scan of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Coverage {
    /// The tool.
    pub scanner: String,
    /// What it looked at.
    pub scan: ScanKind,
    /// When the newest complete scan was made.
    pub at: Timestamp,
    /// The import that brought it.
    pub import_id: u64,
}

/// Something that can be vulnerable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
pub struct Asset {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it became known.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Natural key: the name under which scanners and people know it. Unique.
    pub asset_id: String,
    /// Name for people; the natural key unless somebody gave another.
    pub name: String,
    /// Kind of thing.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub asset_type: AssetType,
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
    /// Operating system, as `ID` in os-release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_type: Option<String>,
    /// Operating system version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// CPU architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_architecture: Option<String>,
    /// Use.
    pub environment: Environment,
    /// Importance, 1 (least) to 10.
    pub criticality: u8,
    /// Reachability.
    pub exposure: Exposure,
    /// Who is responsible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Notes for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Further facts and labels.
    #[serde(default)]
    pub tags: Map,
    /// False once it is out of use; its findings no longer count.
    pub is_active: bool,
    /// When a scanner saw it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// When a scan of it was imported last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scanned: Option<Timestamp>,
    /// Every other name by which it can be known again.
    #[serde(default)]
    pub identifiers: Vec<KnownName>,
    /// The newest complete scan of each scanner and kind: what it no longer names has gone.
    #[serde(default)]
    pub coverage: Vec<Coverage>,
    /// Open findings by severity, kept up to date with every change of a finding.
    pub open_findings: SeverityCounts,
    /// 0 to 100: see [`Asset::risk_score`].
    pub risk_score: f64,
}

/// Importance of an asset nobody has rated.
pub const DEFAULT_CRITICALITY: u8 = 5;

impl Asset {
    /// A new asset with defaults.
    #[must_use]
    pub fn new(asset_id: String) -> Self {
        Self {
            id: 0,
            version: 0,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            name: asset_id.clone(),
            asset_id,
            asset_type: AssetType::default(),
            hostname: None,
            ip_address: None,
            mac_address: None,
            os_type: None,
            os_version: None,
            os_architecture: None,
            environment: Environment::default(),
            criticality: DEFAULT_CRITICALITY,
            exposure: Exposure::default(),
            owner: None,
            location: None,
            description: None,
            tags: Map::new(),
            is_active: true,
            last_seen: None,
            last_scanned: None,
            identifiers: Vec::new(),
            coverage: Vec::new(),
            open_findings: SeverityCounts::default(),
            risk_score: 0.0,
        }
    }

    /// When the newest complete scan of this kind by this scanner was made.
    #[must_use]
    pub fn covered_at(&self, scanner: &str, scan: ScanKind) -> Option<Timestamp> {
        let same = |c: &&Coverage| c.scanner == scanner && c.scan == scan;
        self.coverage.iter().find(same).map(|c| c.at)
    }

    /// Notes a complete scan, unless a newer one is known.
    pub fn cover(&mut self, scanner: &str, scan: ScanKind, at: Timestamp, import_id: u64) {
        let newest = Coverage { scanner: scanner.to_owned(), scan, at, import_id };
        match self.coverage.iter_mut().find(|c| c.scanner == scanner && c.scan == scan) {
            Some(known) if known.at < at => *known = newest,
            Some(_) => {}
            None => self.coverage.push(newest),
        }
    }

    /// The original's asset risk (`shared/models/asset.py`): criticality/10·50 +
    /// min(2·findings, 30) + 20 if reachable from the internet + 5·critical findings,
    /// at most 100. Zero while nothing is open: an asset without findings has no known
    /// risk.
    #[must_use]
    pub fn compute_risk_score(&self) -> f64 {
        let open = &self.open_findings;
        if open.total == 0 {
            return 0.0;
        }
        let base = f64::from(self.criticality) * 5.0;
        let many = (2.0 * open.total as f64).min(30.0);
        let public = if self.exposure == Exposure::Internet { 20.0 } else { 0.0 };
        (base + many + public + 5.0 * open.critical as f64).min(100.0)
    }
}

/// What can be filtered, sorted and counted by.
const ASSET_FIELDS: &[Field<Asset>] = &[
    Field::<Asset>::new("asset_id", Kind::Text, |a, f| f((&a.asset_id).into()), "Natural key."),
    Field::<Asset>::new("name", Kind::Text, |a, f| f((&a.name).into()), "Name for people."),
    Field::<Asset>::new(
        "type",
        Kind::Enum(AssetType::WORDS),
        |a, f| f(a.asset_type.into()),
        "Kind of thing.",
    )
    .facet(),
    Field::<Asset>::new("hostname", Kind::Text, |a, f| f((&a.hostname).into()), "Host name."),
    Field::<Asset>::new("ip_address", Kind::Text, |a, f| f((&a.ip_address).into()), "IP address."),
    Field::<Asset>::new("os_type", Kind::Text, |a, f| f((&a.os_type).into()), "Operating system.")
        .facet(),
    Field::<Asset>::new(
        "environment",
        Kind::Enum(Environment::WORDS),
        |a, f| f(a.environment.into()),
        "Use.",
    )
    .facet(),
    Field::<Asset>::new(
        "criticality",
        Kind::U64,
        |a, f| f(u64::from(a.criticality).into()),
        "Importance, 1 to 10.",
    )
    .facet(),
    Field::<Asset>::new(
        "exposure",
        Kind::Enum(Exposure::WORDS),
        |a, f| f(a.exposure.into()),
        "Reachability.",
    )
    .facet(),
    Field::<Asset>::new("owner", Kind::Text, |a, f| f((&a.owner).into()), "Who is responsible.")
        .facet(),
    Field::<Asset>::new("is_active", Kind::Bool, |a, f| f(a.is_active.into()), "In use.").facet(),
    Field::<Asset>::many(
        "tag",
        Kind::Text,
        |a, f| a.tags.iter().for_each(|(k, v)| f(Value::Text(format!("{k}={v}")))),
        "Label as `key=value`.",
    )
    .facet(),
    Field::<Asset>::many(
        "identifier",
        Kind::Text,
        |a, f| a.identifiers.iter().for_each(|n| f(Value::Text(n.key()))),
        "Another name as `kind:value`.",
    ),
    Field::<Asset>::new("risk_score", Kind::F64, |a, f| f(a.risk_score.into()), "0 to 100."),
    Field::<Asset>::new(
        "last_seen",
        Kind::Time,
        |a, f| f((&a.last_seen).into()),
        "When a scanner saw it last.",
    ),
    Field::<Asset>::new(
        "created_at",
        Kind::Time,
        |a, f| f(a.created_at.into()),
        "When it became known.",
    ),
    Field::<Asset>::many(
        "search",
        Kind::Words,
        |a, f| {
            let texts = [
                Some(&a.asset_id),
                Some(&a.name),
                a.hostname.as_ref(),
                a.ip_address.as_ref(),
                a.owner.as_ref(),
            ];
            search::words(texts.into_iter().flatten().map(String::as_str), &mut |w| {
                f(Value::Text(w));
            });
        },
        "Words of key, name, host name, address and owner.",
    ),
];

/// Secondary indexes, and what each is for.
const ASSET_INDEXES: &[Index] = &[
    Index::on(
        "idx_assets_asset_id",
        &[asc("asset_id")],
        "Look-up by natural key; every import does it per asset.",
    )
    .unique(),
    Index::on(
        "idx_assets_identifier",
        &[asc("identifier")],
        "Look-up by any other name; imports do it per asset.",
    ),
    Index::on("idx_assets_hostname", &[asc("hostname")], "Look-up and order by host name."),
    Index::on("idx_assets_ip_address", &[asc("ip_address")], "Look-up by address."),
    Index::on("idx_assets_is_active", &[asc("is_active")], "Assets in use."),
    Index::on("idx_assets_name", &[asc("name")], "Lists by name."),
    Index::on("idx_assets_risk_score", &[asc("risk_score")], "Lists, riskiest first."),
    Index::on(
        "idx_assets_last_seen",
        &[asc("last_seen")],
        "Assets that no scanner has seen for long.",
    ),
    Index::on("idx_assets_created_at", &[asc("created_at")], "Newest assets."),
    Index::on("idx_assets_search", &[asc("search")], "Search by words."),
];

impl Record for Asset {
    const TABLE: &'static str = "assets";
    const FACETS: &'static str = "fct_assets";
    const NOUN: &'static str = "asset";
    const NATURAL_KEY: Option<&'static str> = Some("idx_assets_asset_id");
    const DEFAULT_SORT: &'static str = "-risk_score";

    fn fields() -> &'static [Field<Self>] {
        ASSET_FIELDS
    }

    fn indexes() -> &'static [Index] {
        ASSET_INDEXES
    }

    crate::record_head!();
}

/// A new asset as a client sends it.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields)]
pub struct NewAsset {
    /// Natural key. Unique.
    #[oai(validator(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f]*[^\x00-\x1f0-9\s][^\x00-\x1f]*$"
    ))]
    pub asset_id: String,
    /// Name for people; the natural key by default.
    #[oai(validator(min_length = 1, max_length = 255))]
    pub name: Option<String>,
    /// Kind of thing.
    #[oai(rename = "type")]
    pub asset_type: Option<AssetType>,
    /// Host name.
    #[oai(validator(max_length = 255))]
    pub hostname: Option<String>,
    /// IP address.
    #[oai(validator(max_length = 45))]
    pub ip_address: Option<String>,
    /// MAC address.
    #[oai(validator(max_length = 32))]
    pub mac_address: Option<String>,
    /// Operating system.
    #[oai(validator(max_length = 100))]
    pub os_type: Option<String>,
    /// Operating system version.
    #[oai(validator(max_length = 100))]
    pub os_version: Option<String>,
    /// CPU architecture.
    #[oai(validator(max_length = 50))]
    pub os_architecture: Option<String>,
    /// Use.
    pub environment: Option<Environment>,
    /// Importance, 1 to 10.
    #[oai(validator(minimum(value = "1"), maximum(value = "10")))]
    pub criticality: Option<u8>,
    /// Reachability.
    pub exposure: Option<Exposure>,
    /// Who is responsible.
    #[oai(validator(max_length = 255))]
    pub owner: Option<String>,
    /// Where it stands.
    #[oai(validator(max_length = 255))]
    pub location: Option<String>,
    /// Notes for people.
    #[oai(validator(max_length = 4000))]
    pub description: Option<String>,
    /// Labels; at most 100, with names of at most 255 characters.
    #[oai(validator(max_properties = 100))]
    pub tags: Option<Map>,
    /// In use.
    pub is_active: Option<bool>,
}

/// A change to an asset: absent leaves, `null` clears, a value sets (RFC 7396).
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct AssetPatch {
    /// Name for people.
    #[oai(validator(min_length = 1, max_length = 255))]
    pub name: Option<String>,
    /// Kind of thing.
    #[oai(rename = "type")]
    pub asset_type: Option<AssetType>,
    /// Host name.
    #[oai(validator(max_length = 255))]
    pub hostname: MaybeUndefined<String>,
    /// IP address.
    #[oai(validator(max_length = 45))]
    pub ip_address: MaybeUndefined<String>,
    /// MAC address.
    #[oai(validator(max_length = 32))]
    pub mac_address: MaybeUndefined<String>,
    /// Operating system.
    #[oai(validator(max_length = 100))]
    pub os_type: MaybeUndefined<String>,
    /// Operating system version.
    #[oai(validator(max_length = 100))]
    pub os_version: MaybeUndefined<String>,
    /// CPU architecture.
    #[oai(validator(max_length = 50))]
    pub os_architecture: MaybeUndefined<String>,
    /// Use.
    pub environment: Option<Environment>,
    /// Importance, 1 to 10.
    #[oai(validator(minimum(value = "1"), maximum(value = "10")))]
    pub criticality: Option<u8>,
    /// Reachability.
    pub exposure: Option<Exposure>,
    /// Who is responsible.
    #[oai(validator(max_length = 255))]
    pub owner: MaybeUndefined<String>,
    /// Where it stands.
    #[oai(validator(max_length = 255))]
    pub location: MaybeUndefined<String>,
    /// Notes for people.
    #[oai(validator(max_length = 4000))]
    pub description: MaybeUndefined<String>,
    /// Labels; replaces all of them. At most 100, with names of at most 255 characters.
    #[oai(validator(max_properties = 100))]
    pub tags: Option<Map>,
    /// In use.
    pub is_active: Option<bool>,
}

/// Sets `target` to what a merge patch says about it.
pub(crate) fn merge<T: Clone>(target: &mut Option<T>, patch: &MaybeUndefined<T>) {
    match patch {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *target = None,
        MaybeUndefined::Value(v) => *target = Some(v.clone()),
    }
}

/// Sets `target` if a value is given.
pub(crate) fn set<T: Clone>(target: &mut T, value: Option<&T>) {
    if let Some(v) = value {
        *target = v.clone();
    }
}

impl NewAsset {
    /// The asset that this describes.
    pub fn build(self) -> Result<Asset> {
        if self.asset_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::field(
                "/asset_id",
                "a natural key of digits only would be taken for a number",
            ));
        }
        let mut asset = Asset::new(self.asset_id);
        asset.name = self.name.unwrap_or(asset.name);
        asset.asset_type = self.asset_type.unwrap_or_default();
        asset.hostname = self.hostname;
        asset.ip_address = self.ip_address;
        asset.mac_address = self.mac_address;
        asset.os_type = self.os_type;
        asset.os_version = self.os_version;
        asset.os_architecture = self.os_architecture;
        asset.environment = self.environment.unwrap_or_default();
        asset.criticality = self.criticality.unwrap_or(DEFAULT_CRITICALITY);
        asset.exposure = self.exposure.unwrap_or_default();
        asset.owner = self.owner;
        asset.location = self.location;
        asset.description = self.description;
        asset.tags = self.tags.unwrap_or_default();
        asset.is_active = self.is_active.unwrap_or(true);
        Ok(asset)
    }
}

impl AssetPatch {
    /// The asset with this change.
    #[must_use]
    pub fn apply(&self, mut asset: Asset) -> Asset {
        set(&mut asset.name, self.name.as_ref());
        set(&mut asset.asset_type, self.asset_type.as_ref());
        merge(&mut asset.hostname, &self.hostname);
        merge(&mut asset.ip_address, &self.ip_address);
        merge(&mut asset.mac_address, &self.mac_address);
        merge(&mut asset.os_type, &self.os_type);
        merge(&mut asset.os_version, &self.os_version);
        merge(&mut asset.os_architecture, &self.os_architecture);
        set(&mut asset.environment, self.environment.as_ref());
        set(&mut asset.criticality, self.criticality.as_ref());
        set(&mut asset.exposure, self.exposure.as_ref());
        merge(&mut asset.owner, &self.owner);
        merge(&mut asset.location, &self.location);
        merge(&mut asset.description, &self.description);
        set(&mut asset.tags, self.tags.as_ref());
        set(&mut asset.is_active, self.is_active.as_ref());
        asset.risk_score = asset.compute_risk_score();
        asset
    }
}
