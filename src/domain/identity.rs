//! The names by which an asset can be known again.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::observation::AssetObservation;
use super::words::word_enum;
use crate::base::Timestamp;

word_enum! {
    /// What kind of name it is, most telling first.
    IdentifierKind default Name {
        /// The natural key that a report or a person gives it.
        Name "name",
        /// Instance id of a cloud provider.
        InstanceId "instance_id",
        /// Id of an agent on it, with the agent's maker (`wazuh:001`).
        AgentId "agent_id",
        /// Hardware or system UUID (SMBIOS), or an id that a scanner stores on the host.
        SystemUuid "system_uuid",
        /// Digest of a container image (`sha256:…`).
        ImageDigest "image_digest",
        /// Tag of a container image (`nginx:1.25`).
        ImageTag "image_tag",
        /// Fully qualified domain name.
        Fqdn "fqdn",
        /// Host name without a domain, or a NetBIOS name.
        Hostname "hostname",
        /// MAC address.
        Mac "mac",
        /// IP address.
        Ip "ip",
        /// Source repository.
        Repository "repository",
        /// Package URL of the product that an SBOM describes.
        Purl "purl",
        /// Web address.
        Url "url",
    }
}

impl IdentifierKind {
    /// Whether a thing has one name of this kind at a time, so that another means another
    /// thing.
    #[must_use]
    pub const fn is_singular(self) -> bool {
        matches!(self, Self::InstanceId | Self::AgentId | Self::SystemUuid | Self::ImageDigest)
    }
}

/// A rule by which a report finds its asset: by a kind of name. Rules are tried in their
/// order, after the natural key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(deny_unknown_fields, rename = "IdentityRule")]
pub struct Rule {
    /// The kind of name.
    pub kind: IdentifierKind,
    /// Whether it is used.
    pub enabled: bool,
}

/// The rules of a new installation. Names that different things can share (addresses that
/// are handed out, host names of freshly made machines, tags that move) are left to people
/// to enable.
#[must_use]
pub fn rules() -> Vec<Rule> {
    use IdentifierKind as K;
    let on = [K::InstanceId, K::AgentId, K::SystemUuid, K::Fqdn];
    let off = [K::Hostname, K::Mac, K::Ip, K::ImageDigest, K::ImageTag, K::Repository, K::Purl];
    let rule = |enabled| move |kind| Rule { kind, enabled };
    on.into_iter().map(rule(true)).chain(off.into_iter().map(rule(false))).collect()
}

/// One name of an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Object)]
pub struct Identifier {
    /// What kind of name it is.
    pub kind: IdentifierKind,
    /// The name, in the one form that its kind has: see [`Identifier::new`].
    pub value: String,
}

impl Identifier {
    /// The form under which it is looked up.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind, self.value)
    }

    /// The identifier in its normal form, or `None` if the value says nothing: host names
    /// and domain names in lower case without a final dot, MAC addresses as `aa:bb:cc:…`,
    /// IP addresses as RFC 5952 writes them; loopback and unspecified addresses, `localhost`
    /// and the zero MAC identify nothing.
    #[must_use]
    pub fn new(kind: IdentifierKind, value: &str) -> Option<Self> {
        use IdentifierKind as K;
        let value = value.trim();
        let normal = match kind {
            K::Fqdn | K::Hostname => {
                let name = value.trim_end_matches('.').to_lowercase();
                let local = matches!(name.as_str(), "localhost" | "localhost.localdomain");
                if local || name.parse::<std::net::IpAddr>().is_ok() {
                    return None;
                }
                name
            }
            K::Ip => {
                let ip: std::net::IpAddr = value.parse().ok()?;
                if ip.is_loopback() || ip.is_unspecified() {
                    return None;
                }
                ip.to_string()
            }
            K::Mac => mac(value)?,
            K::SystemUuid | K::ImageDigest | K::InstanceId => value.to_lowercase(),
            K::Name | K::AgentId | K::ImageTag | K::Repository | K::Purl | K::Url => {
                value.to_owned()
            }
        };
        (!normal.is_empty()).then_some(Self { kind, value: normal })
    }
}

impl AssetObservation {
    /// Every name that it gives the asset, but for the natural key.
    #[must_use]
    pub fn names(&self) -> Vec<Identifier> {
        let mut names = self.identifiers.clone();
        let mut add = |kind, value: Option<&String>| {
            let name = value.and_then(|value| Identifier::new(kind, value));
            if let Some(name) = name.filter(|name| !names.contains(name)) {
                names.push(name);
            }
        };
        let is_fqdn = self.hostname.as_ref().is_some_and(|name| name.contains('.'));
        let kind = if is_fqdn { IdentifierKind::Fqdn } else { IdentifierKind::Hostname };
        add(kind, self.hostname.as_ref());
        add(IdentifierKind::Ip, self.ip_address.as_ref());
        add(IdentifierKind::Mac, self.mac_address.as_ref());
        names
    }
}

/// A name of an asset, and why it is believed to be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct KnownName {
    /// What kind of name it is.
    pub kind: IdentifierKind,
    /// The name.
    pub value: String,
    /// Who says so: a scanner, or an account.
    pub source: String,
    /// The rule by which a report under this name was taken for this asset; absent: it was
    /// only mentioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_by: Option<String>,
    /// Since when.
    pub first_seen: Timestamp,
}

impl KnownName {
    /// The form under which it is looked up.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind, self.value)
    }
}

/// `AA-BB-CC-DD-EE-FF`, `aabb.ccdd.eeff` and the like as `aa:bb:cc:dd:ee:ff`; `None` if it
/// is none, or all zeros or ones.
fn mac(text: &str) -> Option<String> {
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, ':' | '-' | '.' | ' ')).collect();
    let is_hex = digits.len() == 12 && digits.iter().all(char::is_ascii_hexdigit);
    let says = !digits.iter().all(|c| *c == '0') && !digits.iter().all(|c| matches!(c, 'f' | 'F'));
    let pairs = || digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    (is_hex && says).then(|| pairs().collect::<Vec<_>>().join(":").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        let form = |kind, value| Identifier::new(kind, value).map(|i| i.value);
        for (kind, value, expected) in [
            (IdentifierKind::Fqdn, "Web1.Example.ORG.", Some("web1.example.org")),
            (IdentifierKind::Hostname, "localhost", None),
            (IdentifierKind::Hostname, "10.0.0.1", None),
            (IdentifierKind::Ip, "2001:DB8:0::1", Some("2001:db8::1")),
            (IdentifierKind::Ip, "127.0.0.1", None),
            (IdentifierKind::Ip, "web1", None),
            (IdentifierKind::Mac, "00-1A-2b-3c-4D-5E", Some("00:1a:2b:3c:4d:5e")),
            (IdentifierKind::Mac, "001a.2b3c.4d5e", Some("00:1a:2b:3c:4d:5e")),
            (IdentifierKind::Mac, "00:00:00:00:00:00", None),
            (IdentifierKind::Name, "  ", None),
        ] {
            assert_eq!(form(kind, value).as_deref(), expected, "{value}");
        }
    }
}
