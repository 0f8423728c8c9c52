//! Services (table `services`): what listens on which port of an asset, as scans of the
//! network say it, with what was seen there before.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::observation::ServiceObservation;
use super::search;
use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, Value, asc};

/// Most earlier states that are kept.
const HISTORY: usize = 20;

/// What was seen on a port before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct EarlierService {
    /// When it was seen last like this.
    pub until: Timestamp,
    /// What listened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The product's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_version: Option<String>,
}

/// An open port of an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Service {
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
    /// Port number; 0 for what has none.
    pub port: u16,
    /// `tcp`, `udp`, …
    pub protocol: String,
    /// What listens, by IANA's name: `ssh`, `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its product, as the scanner found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The product's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_version: Option<String>,
    /// The tool that saw it last.
    pub source: String,
    /// The import that brought it last.
    pub import_id: u64,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// When a complete scan of the network no longer saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
    /// What was seen there before, newest first; at most 20.
    #[serde(default)]
    pub history: Vec<EarlierService>,
}

impl Service {
    /// Takes over what a scan at `at` says. An older scan than the newest only tells that
    /// the port was open then, and one that does not know a fact does not take it away.
    pub fn see(&mut self, seen: &ServiceObservation, source: &str, import_id: u64, at: Timestamp) {
        self.first_seen = self.first_seen.min(at);
        if at < self.last_seen {
            return;
        }
        let earlier = EarlierService {
            until: self.last_seen,
            name: self.name.clone(),
            product: self.product.clone(),
            product_version: self.product_version.clone(),
        };
        let was_known =
            [&self.name, &self.product, &self.product_version].iter().any(|f| f.is_some());
        let mut changed = false;
        let is_other = seen.product.is_some() && seen.product != self.product;
        if is_other {
            // The version was that of the other product.
            changed |= self.product.is_some();
            self.product_version = None;
        }
        for (known, new) in [
            (&mut self.name, &seen.name),
            (&mut self.product, &seen.product),
            (&mut self.product_version, &seen.version),
        ] {
            if new.is_some() && known != new {
                changed |= known.is_some();
                known.clone_from(new);
            }
        }
        if was_known && changed {
            self.history.insert(0, earlier);
            self.history.truncate(HISTORY);
        }
        self.last_seen = at;
        self.gone_at = None;
        source.clone_into(&mut self.source);
        self.import_id = import_id;
    }
}

/// What can be filtered, sorted and counted by.
const SERVICE_FIELDS: &[Field<Service>] = &[
    Field::<Service>::new(
        "asset_id",
        Kind::U64,
        |s, f| f(s.asset_id.into()),
        "The asset's number.",
    ),
    Field::<Service>::new(
        "asset",
        Kind::Text,
        |s, f| f((&s.asset).into()),
        "The asset's natural key.",
    ),
    Field::<Service>::new("port", Kind::U64, |s, f| f(u64::from(s.port).into()), "Port number.")
        .facet(),
    Field::<Service>::new(
        "protocol",
        Kind::Text,
        |s, f| f((&s.protocol).into()),
        "Protocol of the port.",
    )
    .facet(),
    Field::<Service>::new("name", Kind::Text, |s, f| f((&s.name).into()), "What listens.").facet(),
    Field::<Service>::new(
        "product",
        Kind::Text,
        |s, f| f((&s.product).into()),
        "Its product, as the scanner found out.",
    )
    .facet(),
    Field::<Service>::new(
        "is_open",
        Kind::Bool,
        |s, f| f(s.gone_at.is_none().into()),
        "No complete scan has missed it since.",
    )
    .facet(),
    Field::<Service>::new(
        "first_seen",
        Kind::Time,
        |s, f| f(s.first_seen.into()),
        "When it was seen first.",
    ),
    Field::<Service>::new(
        "last_seen",
        Kind::Time,
        |s, f| f(s.last_seen.into()),
        "When it was seen last.",
    ),
    Field::<Service>::many(
        "search",
        Kind::Words,
        |s, f| {
            let texts = [&s.name, &s.product].into_iter().flatten().map(String::as_str);
            search::words(texts, &mut |w| f(Value::Text(w)));
        },
        "Words of name and product.",
    ),
];

/// Secondary indexes, and what each is for.
const SERVICE_INDEXES: &[Index] = &[
    Index::on(
        "idx_services_identity",
        &[asc("asset_id"), asc("port"), asc("protocol")],
        "One port once; what is open on an asset; every scan of the network asks.",
    )
    .unique(),
    Index::on("idx_services_asset", &[asc("asset"), asc("port")], "Ports of an asset by its name."),
    Index::on(
        "idx_services_port",
        &[asc("port"), asc("asset")],
        "Who has a port; the default list.",
    ),
    Index::on("idx_services_first_seen", &[asc("first_seen")], "What was opened last."),
    Index::on("idx_services_last_seen", &[asc("last_seen")], "What was not seen for long."),
    Index::on("idx_services_search", &[asc("search")], "Search by words."),
];

impl Record for Service {
    const TABLE: &'static str = "services";
    const FACETS: &'static str = "fct_services";
    const NOUN: &'static str = "service";
    const DEFAULT_SORT: &'static str = "port";

    fn fields() -> &'static [Field<Self>] {
        SERVICE_FIELDS
    }

    fn indexes() -> &'static [Index] {
        SERVICE_INDEXES
    }

    crate::record_head!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, product: Option<&str>, version: Option<&str>) -> ServiceObservation {
        ServiceObservation {
            name: Some(name.to_owned()),
            product: product.map(str::to_owned),
            version: version.map(str::to_owned),
            ..ServiceObservation::default()
        }
    }

    fn day(n: i64) -> Timestamp {
        Timestamp::default().plus_seconds(n * 86_400)
    }

    #[test]
    fn what_changes_is_remembered_and_what_is_not_said_stays() {
        let mut service = Service { first_seen: day(1), last_seen: day(1), ..Service::default() };
        service.see(&seen("http", None, None), "nessus", 1, day(1));
        service.see(&seen("http", Some("nginx"), Some("1.24")), "nmap", 2, day(2));
        assert!(service.history.is_empty(), "more was learnt, nothing changed");
        service.see(&seen("http", None, None), "nessus", 3, day(3));
        assert_eq!(service.product_version.as_deref(), Some("1.24"));
        service.see(&seen("http", Some("nginx"), Some("1.26")), "nmap", 4, day(4));
        service.see(&seen("http", Some("Apache"), None), "nmap", 5, day(5));
        let before: Vec<_> =
            service.history.iter().map(|h| (h.until, h.product_version.as_deref())).collect();
        assert_eq!(before, [(day(4), Some("1.26")), (day(3), Some("1.24"))]);
        assert_eq!((service.product.as_deref(), &service.product_version), (Some("Apache"), &None));
        let newest = service.clone();
        service.see(&seen("ssh", Some("OpenSSH"), None), "nmap", 6, day(0));
        assert_eq!(service, Service { first_seen: day(0), ..newest });
        for n in 0..50 {
            service.see(&seen("http", Some("x"), Some(&n.to_string())), "nmap", 7, day(6 + n));
        }
        assert_eq!(service.history.len(), HISTORY);
    }
}
