//! Where a client is: the address of its connection, or the one that a named proxy reports.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::atomic::{AtomicBool, Ordering},
};

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

/// Bits of an IPv6 address that stay the same for one client: providers assign networks of this size.
const NETWORK_BITS: u32 = 64;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What limits by address count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IPv4 address, or the first 64 bits of an IPv6 address.
    Host(IpAddr),
    /// The client is behind a proxy that does not say, or is not named, where it is: limits by address would
    /// count all of the proxy's clients as one, so they do not apply.
    Unknown,
}

impl Address {
    /// The address of a host.
    pub fn of(ip: IpAddr) -> Self {
        Self::Host(match ip.to_canonical() {
            IpAddr::V4(ip) => ip.into(),
            IpAddr::V6(ip) => {
                let network = u128::MAX << (u128::BITS - NETWORK_BITS);
                Ipv6Addr::from_bits(ip.to_bits() & network).into()
            }
        })
    }

    /// For logs.
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Host(ip) => Some(ip),
            Self::Unknown => None,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Host(IpAddr::V6(ip)) => write!(f, "{ip}/{NETWORK_BITS}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// The header in which proxies report their clients. Only one is read: a proxy that sets one of them passes
/// the other on as the client has written it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239)
    Forwarded,
}

/// The proxies that are believed.
#[derive(Debug, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ProxyHeader,
    has_warned: AtomicBool,
}

impl Proxies {
    /// Believes these networks about their clients.
    pub const fn new(trusted: Vec<IpNet>, header: ProxyHeader) -> Self {
        Self {
            trusted,
            header,
            has_warned: AtomicBool::new(false),
        }
    }

    /// Where the client of a request is. From the peer the reported hops are followed from right to left for
    /// as long as the proxies are trusted: what stands further left may be invented.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Address {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return self.unnamed(peer, headers);
        }
        let hops = match self.header {
            ProxyHeader::XForwardedFor => hops(headers, &X_FORWARDED_FOR, Some),
            ProxyHeader::Forwarded => hops(headers, &FORWARDED, forwarded_for),
        };
        let mut client = None;
        for hop in hops.into_iter().rev() {
            match hop.and_then(ip) {
                Some(ip) if self.trusts(ip) => client = Some(ip),
                Some(ip) => return Address::of(ip),
                None => return Address::Unknown,
            }
        }
        // A client within the trusted networks, or the proxy itself, such as its health check.
        client.map_or(Address::Unknown, Address::of)
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&ip))
    }

    /// A peer that is not trusted. A machine of the own network that reports clients is most likely a proxy that
    /// was not named; one on the internet may be an attacker, who must not escape the limits by a header.
    fn unnamed(&self, peer: IpAddr, headers: &HeaderMap) -> Address {
        let reports = headers.contains_key(&X_FORWARDED_FOR) || headers.contains_key(FORWARDED);
        if !(reports && is_private(peer)) {
            return Address::of(peer);
        }
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "requests come through a proxy that is not named: limits by address do not apply to its \
                 clients; pass --trusted-proxy"
            );
        }
        Address::Unknown
    }
}

/// The elements of a header that may be there several times, with several in each.
fn hops<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    read: fn(&'a str) -> Option<&'a str>,
) -> Vec<Option<&'a str>> {
    let mut hops = Vec::new();
    for value in headers.get_all(name) {
        match value.to_str() {
            Ok(text) => hops.extend(text.split(',').map(|hop| read(hop.trim()))),
            Err(_) => hops.push(None),
        }
    }
    hops
}

/// `for` of an element such as `for="[2001:db8::17]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for")
            .then(|| value.trim_matches('"'))
    })
}

/// The address in `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::17` or `[2001:db8::17]:4711`.
fn ip(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let alone = match bracketed {
        Some((ip, _)) => ip,
        // One colon stands before a port, several are of IPv6.
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    Some(alone.parse::<IpAddr>().ok()?.to_canonical())
}

const fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        lines.iter().map(line).collect()
    }

    fn client(proxies: &Proxies, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let peer = peer.parse().unwrap();
        proxies.client(peer, &headers(lines)).to_string()
    }

    fn behind(networks: &[&str], header: ProxyHeader) -> Proxies {
        let trusted = networks.iter().map(|network| network.parse().unwrap());
        Proxies::new(trusted.collect(), header)
    }

    #[test]
    fn only_named_proxies_are_believed_about_their_clients() {
        let proxies = behind(&["10.0.0.0/8", "fd00::/8"], ProxyHeader::XForwardedFor);
        for (peer, lines, expected) in [
            // Not a proxy: what it says is ignored.
            ("203.0.113.9", &[][..], "203.0.113.9"),
            (
                "203.0.113.9",
                &[("x-forwarded-for", "198.51.100.1")],
                "203.0.113.9",
            ),
            // The rightmost hop that is not trusted; what the client wrote itself is further left.
            (
                "10.0.0.1",
                &[("x-forwarded-for", "198.51.100.1")],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "1.1.1.1, 198.51.100.1, 10.2.0.1")],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                &[
                    ("x-forwarded-for", "1.1.1.1"),
                    ("x-forwarded-for", "198.51.100.1:80"),
                ],
                "198.51.100.1",
            ),
            // The header that was not chosen is the client's.
            (
                "10.0.0.1",
                &[
                    ("forwarded", "for=1.1.1.1"),
                    ("x-forwarded-for", "198.51.100.1"),
                ],
                "198.51.100.1",
            ),
            ("10.0.0.1", &[("forwarded", "for=1.1.1.1")], "unknown"),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "1.1.1.1, unknown")],
                "unknown",
            ),
            // A client within the trusted networks, and the proxy itself.
            ("10.0.0.1", &[("x-forwarded-for", "10.7.0.1")], "10.7.0.1"),
            ("10.0.0.1", &[], "unknown"),
            ("::ffff:10.0.0.1", &[], "unknown"),
        ] {
            assert_eq!(client(&proxies, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_where_it_is_chosen() {
        let proxies = behind(&["10.0.0.0/8"], ProxyHeader::Forwarded);
        for (value, expected) in [
            ("for=198.51.100.1", "198.51.100.1"),
            (
                r#"for=1.1.1.1, For="198.51.100.1:80";proto=https"#,
                "198.51.100.1",
            ),
            (
                r#"proto=https;for="[2001:db8:1:2:3::4]:4711""#,
                "2001:db8:1:2::/64",
            ),
            ("for=_hidden", "unknown"),
            ("proto=https", "unknown"),
        ] {
            let lines = [("forwarded", value), ("x-forwarded-for", "1.1.1.1")];
            assert_eq!(client(&proxies, "10.0.0.1", &lines), expected, "{value}");
        }
    }

    #[test]
    fn ipv6_clients_are_grouped_by_their_network() {
        let of = |ip: &str| Address::of(ip.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn a_proxy_that_is_not_named_does_not_make_its_clients_one() {
        let proxies = Proxies::default();
        let reported = [("x-forwarded-for", "198.51.100.1")];
        for peer in ["127.0.0.1", "172.17.0.1", "::1", "fd00::1"] {
            assert_eq!(client(&proxies, peer, &reported), "unknown", "{peer}");
        }
        assert_eq!(client(&proxies, "127.0.0.1", &[]), "127.0.0.1");
    }
}
