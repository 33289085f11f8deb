//! The flags of all limits by rate.

use std::{net::IpAddr, str::FromStr};

use alo_protocol::Rate;
use clap::Args;
use ipnet::IpNet;

use super::address::ProxyHeader;

/// How often what may be done. A rate is `100/s` or `30/min`; `100/s:2000` allows 2,000 at once. 0 is no limit.
#[derive(Args, Clone, Debug)]
#[command(
    next_help_heading = "Rates: `100/s`, `30/min` or `100/s:2000` (2,000 at once); 0 is no limit"
)]
pub struct LimitFlags {
    /// Messages a user may send.
    #[arg(
        long,
        env = "ALO_USER_SENDS",
        value_name = "RATE",
        default_value = "100/s:2000"
    )]
    pub user_sends: MaybeRate,

    /// Other requests of a user; one with many entries counts as several.
    #[arg(
        long,
        env = "ALO_USER_REQUESTS",
        value_name = "RATE",
        default_value = "100/s:5000"
    )]
    pub user_requests: MaybeRate,

    /// Requests of a user for uploads.
    #[arg(
        long,
        env = "ALO_USER_UPLOADS",
        value_name = "RATE",
        default_value = "50/s:1000"
    )]
    pub user_uploads: MaybeRate,

    /// Connections a user may open.
    #[arg(
        long,
        env = "ALO_USER_CONNECTIONS",
        value_name = "RATE",
        default_value = "60/min:300"
    )]
    pub user_connections: MaybeRate,

    /// Connections a user may have open.
    #[arg(
        long,
        env = "ALO_USER_OPEN",
        value_name = "COUNT",
        default_value_t = 100
    )]
    pub user_open: u32,

    /// Connections that may be opened from an address, or an IPv6 network of 64 bits.
    #[arg(
        long,
        env = "ALO_ADDRESS_CONNECTIONS",
        value_name = "RATE",
        default_value = "100/s:5000"
    )]
    pub address_connections: MaybeRate,

    /// Connections that may be open from an address.
    #[arg(
        long,
        env = "ALO_ADDRESS_OPEN",
        value_name = "COUNT",
        default_value_t = 5_000
    )]
    pub address_open: u32,

    /// Wrong tokens and keys from an address; beyond it even right ones are refused for some seconds.
    #[arg(
        long,
        env = "ALO_ADDRESS_REFUSALS",
        value_name = "RATE",
        default_value = "10/min:100"
    )]
    pub address_refusals: MaybeRate,

    /// Switches off all limits by rate, for load tests.
    #[arg(long, env = "ALO_UNLIMITED")]
    pub unlimited: bool,

    /// A reverse proxy, as an address or a network such as 10.0.0.0/8, that is believed about the addresses of its
    /// clients. Repeat it for more, or separate them by commas.
    #[arg(long, env = "ALO_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub trusted_proxy: Vec<IpNet>,

    /// The header in which trusted proxies report the address.
    #[arg(long, env = "ALO_PROXY_HEADER", value_enum, default_value_t)]
    pub proxy_header: ProxyHeader,
}

/// A rate, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaybeRate(pub Option<Rate>);

impl FromStr for MaybeRate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a rate such as 100/s, 30/min or 100/s:2000, or 0 for no limit";
        if text == "0" {
            return Ok(Self(None));
        }
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (text, None),
        };
        let (count, per) = rate.split_once('/').ok_or(WRONG)?;
        let count: u32 = count.parse().map_err(|_| WRONG)?;
        let per_minute = match per {
            "s" => count.checked_mul(60).ok_or(WRONG)?,
            "min" => count,
            _ => return Err(WRONG),
        };
        let burst = burst.map_or(Ok(count), str::parse).map_err(|_| WRONG)?;
        if per_minute == 0 || burst == 0 {
            return Err(WRONG);
        }
        Ok(Self(Some(Rate { per_minute, burst })))
    }
}

/// A network, or an address alone.
fn network(text: &str) -> Result<IpNet, &'static str> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "must be an address or a network such as 10.0.0.0/8")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        limits: LimitFlags,
    }

    fn parse(flags: &[&str]) -> Result<LimitFlags, clap::Error> {
        Program::try_parse_from(["program"].iter().chain(flags)).map(|program| program.limits)
    }

    #[test]
    fn rates_are_read_with_their_burst() {
        let rate = |text: &str| text.parse::<MaybeRate>().map(|rate| rate.0);
        let some = |per_minute, burst| Ok(Some(Rate { per_minute, burst }));
        assert_eq!(rate("0"), Ok(None));
        assert_eq!(rate("2/s"), some(120, 2));
        assert_eq!(rate("30/min"), some(30, 30));
        assert_eq!(rate("100/s:2000"), some(6_000, 2_000));
        for wrong in [
            "",
            "1",
            "1/h",
            "0/s",
            "1/s:0",
            "-1/s",
            "x/s",
            "1/s:",
            "99999999999/s",
            "4294967295/s",
        ] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn proxies_are_named_by_address_or_network() {
        let flags = parse(&["--trusted-proxy", "10.0.0.0/8,::1", "--user-sends", "0"]).unwrap();
        let networks: Vec<_> = flags
            .trusted_proxy
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(networks, ["10.0.0.0/8", "::1/128"]);
        assert_eq!(flags.user_sends, MaybeRate(None));
        assert!(parse(&["--trusted-proxy", "proxy.internal"]).is_err());
        assert!(parse(&["--user-sends", "many"]).is_err());
    }

    #[test]
    fn a_page_may_send_a_thousand_messages_at_once() {
        let sends = parse(&[]).unwrap().user_sends.0.unwrap();
        assert!(sends.burst >= 1_000);
    }
}
