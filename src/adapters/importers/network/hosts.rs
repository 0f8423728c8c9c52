//! Hosts as network scanners describe them: names and addresses, operating system, kind of
//! device.

use std::net::IpAddr;

use crate::adapters::importers::text;
use crate::base::limits;
use crate::domain::asset::AssetType;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::observation::AssetObservation;

/// Most names of one host that are kept beside its key.
const NAMES: usize = 50;

/// Operating systems by words in a scanner's description, most telling first, with their
/// `ID` in os-release or, where there is none, its like.
const SYSTEMS: &[(&str, &str)] = &[
    ("amazon linux", "amzn"),
    ("almalinux", "almalinux"),
    ("alma linux", "almalinux"),
    ("rocky linux", "rocky"),
    ("red hat", "rhel"),
    ("redhat", "rhel"),
    ("rhel", "rhel"),
    ("oracle linux", "ol"),
    ("centos", "centos"),
    ("ubuntu", "ubuntu"),
    ("debian", "debian"),
    ("fedora", "fedora"),
    ("opensuse", "opensuse"),
    ("suse", "sles"),
    ("alpine", "alpine"),
    ("gentoo", "gentoo"),
    ("arch linux", "arch"),
    ("freebsd", "freebsd"),
    ("openbsd", "openbsd"),
    ("netbsd", "netbsd"),
    ("solaris", "solaris"),
    ("sunos", "solaris"),
    ("mac os x", "macos"),
    ("macos", "macos"),
    ("windows", "windows"),
    ("esxi", "esxi"),
    ("cisco ios", "cisco-ios"),
    ("linux", "linux"),
];

/// An asset that the report calls `name`: a host name, an address or a web address, by
/// which it is known as such, too.
#[must_use]
pub fn asset(name: &str) -> AssetObservation {
    let is_web = is_web_address(name);
    let asset_type = if is_web { AssetType::Application } else { AssetType::Server };
    let mut asset =
        AssetObservation { asset_id: name.to_owned(), asset_type, ..AssetObservation::default() };
    add_name(&mut asset, name);
    asset
}

/// Whether it begins with `http://` or `https://`.
#[must_use]
pub fn is_web_address(text: &str) -> bool {
    text::to_link(text).is_some()
}

/// The host in `https://user@host:port/path`, `host:port`, `[::1]:80` or `host`.
#[must_use]
pub fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    if let Some(inside) = authority.strip_prefix('[').and_then(|a| a.split(']').next()) {
        return inside;
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && is_port(port) => host,
        _ => authority,
    }
}

/// The port in an address of these forms, if it says one.
#[must_use]
pub fn port_of(address: &str) -> Option<u16> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let (host, port) = authority.rsplit_once(':')?;
    let is_plain = !host.contains(':') || host.ends_with(']');
    port.parse().ok().filter(|port| is_plain && *port > 0)
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.parse::<u16>().is_ok()
}

/// Adds whatever `text` is (address, host name, MAC, web address) to what the asset is known by;
/// the first address and the first host name become the asset's own.
pub fn add_name(asset: &mut AssetObservation, text: &str) {
    let text = text.trim();
    if text.is_empty() || text.len() > limits::NAME_BYTES {
        return;
    }
    if is_web_address(text) {
        add(asset, IdentifierKind::Url, text);
        add_name(asset, host_of(text));
    } else if let Ok(ip) = text.parse::<IpAddr>() {
        add_ip(asset, ip);
    } else if let Some(mac) = Identifier::new(IdentifierKind::Mac, text) {
        if asset.mac_address.is_none() {
            asset.mac_address = Some(mac.value);
        } else if asset.mac_address.as_ref() != Some(&mac.value) {
            push(asset, mac);
        }
    } else if is_host_name(text) {
        add_host_name(asset, text);
    }
}

/// Adds a name of the given kind.
pub fn add(asset: &mut AssetObservation, kind: IdentifierKind, value: &str) {
    if value.len() <= limits::NAME_BYTES
        && !value.contains(char::is_control)
        && let Some(identifier) = Identifier::new(kind, value)
    {
        push(asset, identifier);
    }
}

fn push(asset: &mut AssetObservation, identifier: Identifier) {
    if asset.identifiers.len() < NAMES && !asset.identifiers.contains(&identifier) {
        asset.identifiers.push(identifier);
    }
}

fn add_ip(asset: &mut AssetObservation, ip: IpAddr) {
    // The same link-local address may exist in every network.
    let is_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let Some(identifier) = Identifier::new(IdentifierKind::Ip, &ip.to_string()) else { return };
    if is_local || asset.ip_address.as_ref() == Some(&identifier.value) {
        return;
    }
    if asset.ip_address.is_none() {
        asset.ip_address = Some(identifier.value);
    } else {
        push(asset, identifier);
    }
}

fn add_host_name(asset: &mut AssetObservation, name: &str) {
    let kind = if name.trim_end_matches('.').contains('.') {
        IdentifierKind::Fqdn
    } else {
        IdentifierKind::Hostname
    };
    let Some(identifier) = Identifier::new(kind, name) else { return };
    if asset.hostname.is_none() {
        asset.hostname = Some(identifier.value);
    } else if asset.hostname.as_ref() != Some(&identifier.value) {
        push(asset, identifier);
    }
}

/// RFC 1123 §2.1, with the underscores that NetBIOS and DNS tolerate.
fn is_host_name(text: &str) -> bool {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.len() <= 253 && text.chars().all(legal) && text.chars().any(char::is_alphanumeric)
}

/// Notes the operating system that a scanner describes: the words as they stand as the tag
/// `operating_system`, and family and version if the words mean only one.
pub fn set_os(asset: &mut AssetObservation, description: &str) {
    let Some(description) = text::to_line(description) else { return };
    let (id, version) = system(&description);
    asset.os_type = id.map(str::to_owned).or(asset.os_type.take());
    asset.os_version = version.or(asset.os_version.take());
    asset.tags.insert("operating_system".into(), description);
}

/// Family and version of a described system. Several guesses (`A / B`, `A, B`) that do not
/// agree are none; those on Linux distributions are Linux.
fn system(description: &str) -> (Option<&'static str>, Option<String>) {
    let guesses: Vec<_> = description
        .split([',', '\n'])
        .flat_map(|part| part.split(" / "))
        .flat_map(|part| part.split(" or "))
        .filter_map(guess)
        .collect();
    let Some((first, version)) = guesses.first().cloned() else { return (None, None) };
    if guesses.iter().all(|(id, _)| *id == first) {
        let agree = guesses.iter().all(|(_, v)| *v == version);
        return (Some(first), version.filter(|_| agree));
    }
    let is_linux = |id: &str| {
        let distributions = SYSTEMS.iter().take_while(|(_, id)| *id != "freebsd");
        id == "linux" || distributions.into_iter().any(|(_, d)| *d == id)
    };
    (guesses.iter().all(|(id, _)| is_linux(id)).then_some("linux"), None)
}

fn guess(words: &str) -> Option<(&'static str, Option<String>)> {
    let lower = words.to_ascii_lowercase();
    let (at, word, id) =
        SYSTEMS.iter().find_map(|(word, id)| Some((lower.find(word)?, *word, *id)))?;
    let rest = words[at + word.len()..].trim();
    let version = if id == "windows" {
        text::to_line(rest)
    } else {
        let is_version = |w: &&str| w.starts_with(|c: char| c.is_ascii_digit());
        rest.split([' ', '(', ')']).find(is_version).and_then(text::to_line)
    };
    Some((id, version))
}

/// The kind of asset that a scanner's word for a device is (`general-purpose`, `router`, …).
#[must_use]
pub fn device(word: &str) -> AssetType {
    let word = word.trim().to_ascii_lowercase().replace(['-', '_'], " ");
    match word.as_str() {
        "general purpose" | "server" | "hypervisor" | "mainframe" => AssetType::Server,
        "web application" | "webapp" => AssetType::Application,
        "router"
        | "switch"
        | "firewall"
        | "printer"
        | "load balancer"
        | "wap"
        | "wireless access point"
        | "bridge"
        | "broadband router"
        | "hub"
        | "print server"
        | "proxy server"
        | "voip phone"
        | "voip adapter"
        | "pbx"
        | "storage misc"
        | "power device"
        | "security misc"
        | "webcam"
        | "camera"
        | "packet shaper"
        | "remote management"
        | "media device"
        | "specialized" => AssetType::NetworkDevice,
        word if word.ends_with(" instance") => AssetType::CloudInstance,
        "" => AssetType::Server,
        _ => AssetType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_what_they_are() {
        let mut asset = asset("https://Web1.example.org:8443/x");
        for name in
            ["10.0.0.1", "00-50-56-81-01-E3", "WEB1", "fe80::1", "127.0.0.1", "a b", "10.0.0.2"]
        {
            add_name(&mut asset, name);
        }
        assert_eq!(asset.asset_type, AssetType::Application);
        assert_eq!(asset.hostname.as_deref(), Some("web1.example.org"));
        assert_eq!(asset.ip_address.as_deref(), Some("10.0.0.1"));
        assert_eq!(asset.mac_address.as_deref(), Some("00:50:56:81:01:e3"));
        let rest: Vec<_> = asset.identifiers.iter().map(|i| i.value.as_str()).collect();
        assert_eq!(rest, ["https://Web1.example.org:8443/x", "web1", "10.0.0.2"]);
    }

    #[test]
    fn hosts_and_ports_come_out_of_addresses() {
        for (address, host, port) in [
            ("https://a:b@x.org:8443/y?z", "x.org", Some(8443)),
            ("x.org:22", "x.org", Some(22)),
            ("[::1]:80", "::1", Some(80)),
            ("fe80::1", "fe80::1", None),
            ("http://x/a:80", "x", None),
            ("x", "x", None),
            ("", "", None),
        ] {
            assert_eq!((host_of(address), port_of(address)), (host, port), "{address}");
        }
    }

    #[test]
    fn operating_systems_are_what_all_guesses_say() {
        for (text, id, version) in [
            (
                "Linux Kernel 4.18.0 on AlmaLinux release 8.8 (Sapphire Caracal)",
                Some("almalinux"),
                Some("8.8"),
            ),
            ("Linux Kernel 4.14.313 on Amazon Linux 2", Some("amzn"), Some("2")),
            (
                "Microsoft Windows Server 2008 R2 Standard Service Pack 1",
                Some("windows"),
                Some("Server 2008 R2 Standard Service Pack 1"),
            ),
            ("Ubuntu / Tiny Core Linux / Linux 2.6.x", Some("linux"), None),
            ("CISCO IOS 12, CISCO PIX, Cisco IOS XE, CISCO IOS 15", Some("cisco-ios"), None),
            ("Windows 10 / FreeBSD 11", None, None),
            ("Linux Kernel 2.6", Some("linux"), Some("2.6")),
            ("PalmOS", None, None),
        ] {
            let mut asset = AssetObservation::default();
            set_os(&mut asset, text);
            assert_eq!(
                (asset.os_type.as_deref(), asset.os_version.as_deref()),
                (id, version),
                "{text}"
            );
            assert_eq!(asset.tags["operating_system"], text);
        }
    }

    #[test]
    fn devices_are_kinds_of_assets() {
        assert_eq!(device("general-purpose"), AssetType::Server);
        assert_eq!(device("azure-instance"), AssetType::CloudInstance);
        assert_eq!(device("router"), AssetType::NetworkDevice);
        assert_eq!(device("mobile"), AssetType::Other);
    }
}
