//! What documents name: assets, and the packages in them.

use twox_hash::XxHash3_128;

use crate::domain::component::Component;
use crate::domain::finding::Finding;
use crate::domain::purl::Purl;

/// How the name of an asset begins where a format wants an IRI.
const ASSET: &str = "urn:vulnzero:asset:";

/// An asset's name as an IRI. Our importers know it.
pub fn asset_iri(name: &str) -> String {
    let mut iri = ASSET.to_owned();
    encode(&mut iri, name);
    iri
}

/// What a finding is about: its component; of one that was fixed by an update the component
/// as it is now. That is what contains the fix, and what a statement must name.
pub fn component(finding: &Finding) -> Component {
    let mut component = finding.component.clone();
    if let Some(version) = updated_to(finding) {
        component.purl = component.purl.as_deref().map(|purl| with_version(purl, version));
        component.cpe = None;
        component.version = Some(version.to_owned());
    }
    component
}

/// The version that fixed it, if it is fixed and one version is known to do so.
pub fn updated_to(finding: &Finding) -> Option<&str> {
    let version = finding.fixed_version.as_deref()?.trim();
    let is_one = !version.is_empty() && !version.contains([',', ' ', '|']);
    (is_one && finding.status.is_fixed()).then_some(version)
}

/// The package URL of a component: its own if it is one, else one of its ecosystem and name.
pub fn purl(component: &Component) -> String {
    let own = component.purl.as_deref().filter(|purl| is_uri(purl));
    let own = own.filter(|purl| Purl::parse(purl).is_some());
    if let Some(own) = own {
        return own.to_owned();
    }
    let kind = component.ecosystem.as_deref().unwrap_or("generic");
    let is_kind = kind.starts_with(|c: char| c.is_ascii_lowercase())
        && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b));
    let kind = if is_kind { kind } else { "generic" };
    let mut purl = format!("pkg:{kind}/");
    let separator = if kind == "maven" { ':' } else { '/' };
    let parts = component.name.split(separator).filter(|part| !part.is_empty());
    for (at, part) in parts.enumerate() {
        if at > 0 {
            purl.push('/');
        }
        encode(&mut purl, part);
    }
    if purl.ends_with('/') {
        purl.push_str("unnamed");
    }
    if let Some(version) = &component.version {
        purl.push('@');
        encode(&mut purl, version);
    }
    purl
}

/// The package URL with another version.
fn with_version(purl: &str, version: &str) -> String {
    let end = purl.find(['?', '#']).unwrap_or(purl.len());
    let (path, rest) = purl.split_at(end);
    let name = path.rfind('/').map_or(0, |at| at + 1);
    // A scope may begin with an unescaped '@'.
    let at = path[name..].rfind('@').filter(|at| *at > 0).map_or(path.len(), |at| name + at);
    let mut purl = format!("{}@", &path[..at]);
    encode(&mut purl, version);
    purl.push_str(rest);
    purl
}

/// A component for people: name and version.
pub fn label(component: &Component) -> String {
    match &component.version {
        Some(version) => format!("{} {version}", component.name),
        None => component.name.clone(),
    }
}

/// 16 hexadecimal digits for these texts, always the same.
pub fn digest(parts: &[&str]) -> String {
    let hash = XxHash3_128::oneshot(parts.join("\u{1f}").as_bytes());
    format!("{:016x}", hash as u64)
}

/// Percent-encodes all but what may stand anywhere (RFC 3986 "unreserved") and the colon.
fn encode(out: &mut String, text: &str) {
    encode_but(out, text, b".-_~:");
}

fn encode_but(out: &mut String, text: &str, legal: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || legal.contains(&byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// A path as a relative reference.
pub fn path_uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for (at, part) in path.split('/').enumerate() {
        if at > 0 {
            uri.push('/');
        }
        // A colon in the first part would end a scheme (RFC 3986 §4.2).
        encode_but(&mut uri, part, b".-_~");
    }
    uri
}

/// Whether all that stands in a text may stand in a URI (RFC 3986 §2).
fn is_uri(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(&b);
    let is_escape =
        |rest: &str| rest.get(..2).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    text.bytes().all(legal)
        && text.split('%').skip(1).all(is_escape)
        && text.matches('#').count() <= 1
}

/// A web address that every validator takes.
pub fn is_link(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    is_uri(text) && host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::status::FindingStatus;

    #[test]
    fn every_component_has_a_package_url() {
        let of = |ecosystem: Option<&str>, name: &str, purl: Option<&str>| {
            super::purl(&Component {
                name: name.into(),
                version: Some("1+2".into()),
                purl: purl.map(Into::into),
                ecosystem: ecosystem.map(Into::into),
                ..Component::default()
            })
        };
        assert_eq!(of(Some("npm"), "@a/b", None), "pkg:npm/%40a/b@1%2B2");
        assert_eq!(of(Some("maven"), "org.x:y", None), "pkg:maven/org.x/y@1%2B2");
        assert_eq!(of(None, "http", None), "pkg:generic/http@1%2B2");
        assert_eq!(of(Some("some thing"), "/", None), "pkg:generic/unnamed@1%2B2");
        assert_eq!(of(None, "x", Some("pkg:npm/x@1")), "pkg:npm/x@1");
        assert_eq!(of(None, "x", Some("pkg:npm/<\">\n")), "pkg:generic/x@1%2B2");
    }

    #[test]
    fn what_was_updated_is_named_as_it_is_now() {
        let finding = |purl: &str, fixed: &str, status| Finding {
            status,
            fixed_version: Some(fixed.into()),
            component: Component { purl: Some(purl.into()), ..Component::default() },
            ..Finding::default()
        };
        let now = |finding: Finding| component(&finding).purl.unwrap();
        let fixed = FindingStatus::Fixed;
        let of = |purl: &str| now(finding(purl, "2:1", fixed));
        assert_eq!(of("pkg:deb/debian/x@1?arch=amd64"), "pkg:deb/debian/x@2:1?arch=amd64");
        assert_eq!(of("pkg:npm/@a/b"), "pkg:npm/@a/b@2:1");
        assert_eq!(of("pkg:npm/@a/b@1#s"), "pkg:npm/@a/b@2:1#s");
        let open = finding("pkg:npm/b@1", "2", FindingStatus::Open);
        assert_eq!(now(open), "pkg:npm/b@1");
        assert_eq!(now(finding("pkg:npm/b@1", "2, 3", fixed)), "pkg:npm/b@1");
    }

    #[test]
    fn links_are_what_validators_take() {
        assert!(is_link("https://example.org/a?b=c#d"));
        for no in ["javascript:x", "https://", "https://a b", "http://a/[x]", "https://ä"] {
            assert!(!is_link(no), "{no}");
        }
    }
}
