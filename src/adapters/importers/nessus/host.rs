//! The host of a Nessus report: `HostProperties`.

use crate::adapters::importers::network::{dates, hosts};
use crate::adapters::importers::text;
use crate::adapters::importers::xml::Node;
use crate::base::Timestamp;
use crate::domain::asset::AssetType;
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::AssetObservation;
use crate::domain::scan::ScanKind;

/// Properties by their names.
#[derive(Default)]
pub struct Properties(Vec<(String, String)>);

impl Properties {
    /// The tags of the element.
    pub fn of(node: &Node) -> Self {
        let tags = node.all("tag");
        Self(
            tags.filter_map(|tag| Some((tag.attr("name")?.to_owned(), tag.text()?.to_owned())))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// When the scan of the host began.
    pub fn start(&self) -> Option<Timestamp> {
        let texts = [self.get("HOST_START_TIMESTAMP"), self.get("HOST_START")];
        texts.into_iter().flatten().find_map(dates::read)
    }
}

/// The asset that a host is. `filtered`: plugins were switched off.
pub fn asset(name: &str, properties: &Properties, filtered: bool) -> AssetObservation {
    let mut asset = hosts::asset(name);
    for key in ["host-fqdn", "host-ip", "host-rdns", "netbios-name"] {
        properties.get(key).into_iter().for_each(|name| hosts::add_name(&mut asset, name));
    }
    // Several adapters stand on lines of their own.
    for key in ["mac-address", "netbios-name"] {
        let lines = properties.get(key).unwrap_or_default().lines();
        lines.for_each(|line| hosts::add_name(&mut asset, line));
    }
    add_json_names(&mut asset, properties.get("host-fqdns").unwrap_or_default());
    let kinds = [
        ("bios-uuid", IdentifierKind::SystemUuid),
        ("host-uuid", IdentifierKind::SystemUuid),
        ("aws-instance-instanceId", IdentifierKind::InstanceId),
        ("azure-instance-vmId", IdentifierKind::InstanceId),
        ("gcp-instance-instanceId", IdentifierKind::InstanceId),
    ];
    for (key, kind) in kinds {
        properties.get(key).into_iter().for_each(|value| hosts::add(&mut asset, kind, value));
    }
    if let Some(os) = properties.get("operating-system") {
        hosts::set_os(&mut asset, os);
    }
    if let Some(kind) = properties.get("system-type") {
        asset.asset_type = hosts::device(kind);
    }
    for key in ["policy-used", "system-type"] {
        if let Some(value) = properties.get(key).and_then(text::to_line) {
            asset.tags.insert(key.replace('-', "_"), value);
        }
    }
    asset.complete = complete(&asset, properties, filtered);
    asset
}

/// `[{"FQDN":"a.example.org","sources":[…]}, …]`
fn add_json_names(asset: &mut AssetObservation, json: &str) {
    let names = serde_json::from_str::<Vec<serde_json::Map<String, serde_json::Value>>>(json);
    let names = names.unwrap_or_default();
    for name in names.iter().filter_map(|entry| entry.get("FQDN")?.as_str()) {
        hosts::add_name(asset, name);
    }
}

fn complete(asset: &AssetObservation, properties: &Properties, filtered: bool) -> Vec<ScanKind> {
    let ended = properties.get("HOST_END").or(properties.get("HOST_END_TIMESTAMP")).is_some();
    if !ended || filtered {
        return Vec::new();
    }
    if asset.asset_type == AssetType::Application {
        return vec![ScanKind::Web];
    }
    let login = properties.get("Credentialed_Scan");
    if login.is_some_and(|login| login.eq_ignore_ascii_case("true")) {
        return vec![ScanKind::OsPackages, ScanKind::Network, ScanKind::Other];
    }
    vec![ScanKind::Network]
}
