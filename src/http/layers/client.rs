//! Who is on the other side: the peer of the connection, or, if that is a trusted proxy,
//! whom it speaks for.

use std::net::IpAddr;

use ipnet::IpNet;
use poem::http::HeaderMap;
use poem::{Endpoint, Request, Response, Result};

/// The client of a request, in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr {
    /// Its address; unspecified (`0.0.0.0`) if the connection has none.
    pub ip: IpAddr,
    /// Whether it speaks HTTPS, as far as a trusted proxy says so; decides about the
    /// `Secure` mark of cookies.
    pub https: bool,
}

impl ClientAddr {
    /// The client of `req`, as the layer found it.
    #[must_use]
    pub fn of(req: &Request) -> Self {
        req.data().copied().unwrap_or(Self { ip: peer(req), https: false })
    }
}

/// The layer. `X-Forwarded-For` and `X-Forwarded-Proto` count only from these networks:
/// anybody can send the header.
pub struct Client<E> {
    /// What is inside.
    pub inner: E,
    /// Networks of proxies that are believed.
    pub trusted: Vec<IpNet>,
}

impl<E: Endpoint<Output = Response>> Endpoint for Client<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> Result<Response> {
        let client = resolve(peer(&req), req.headers(), &self.trusted);
        req.set_data(client);
        self.inner.call(req).await
    }
}

fn peer(req: &Request) -> IpAddr {
    req.remote_addr()
        .as_socket_addr()
        .map_or(IpAddr::from([0, 0, 0, 0]), |address| address.ip().to_canonical())
}

/// Walks from the peer towards the client and stops at the first address that is not a
/// trusted proxy's: what stands further left, the client may have made up.
fn resolve(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
    let mut client = ClientAddr { ip: peer, https: false };
    if !is_trusted(peer) {
        return client;
    }
    let values = |name| headers.get_all(name).iter().rev().filter_map(|v| v.to_str().ok());
    let hops = values("x-forwarded-for").flat_map(|v| v.split(',').rev());
    for hop in hops {
        let Some(ip) = address(hop.trim()) else { break };
        client.ip = ip;
        if !is_trusted(ip) {
            break;
        }
    }
    client.https = values("x-forwarded-proto")
        .next()
        .and_then(|v| v.rsplit(',').next())
        .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
    client
}

/// An address as proxies write it: bare, with a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.split(']').next()).unwrap_or(text);
    bare.parse()
        .ok()
        .or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|a| a.ip()))
        .map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        resolve(peer.parse().unwrap(), &headers, &trusted).ip.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_the_client_made_up_is_not_reached() {
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.9.9.9"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["1.2.3.4, garbage"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.1.1.1, 10.2.2.2"]), "10.1.1.1");
    }

    #[test]
    fn all_notations_of_an_address_are_read() {
        assert_eq!(client("fd00::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(client("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client("fd00::1", &["1.2.3.4:5678"]), "1.2.3.4");
        assert_eq!(client("fd00::1", &["::ffff:1.2.3.4"]), "1.2.3.4");
    }

    #[test]
    fn https_is_what_the_nearest_proxy_says() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-proto", "https".parse().unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let at = |peer: &str| resolve(peer.parse().unwrap(), &headers, &trusted).https;
        assert!(at("10.0.0.1") && !at("203.0.113.9"));
    }
}
