//! Flags of the intake.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use clap::Args;
use ipnet::IpNet;

use super::IntakeConfig;

/// See the module.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connections")]
pub struct IntakeFlags {
    /// TCP connections from one address, or an IPv6 network of 64 bits; 0 is no limit. This machine and proxies named by
    /// --trusted-proxy are not limited.
    #[arg(long, env = "ALO_CONNECTIONS_PER_ADDRESS", default_value_t = 8_192)]
    pub connections_per_address: usize,

    /// Connections in total. Default: three quarters of the limit of open files, the rest is kept for files, the
    /// database and --metrics-listen.
    #[arg(long, env = "ALO_CONNECTIONS", value_parser = at_least_one)]
    pub connections: Option<usize>,

    /// Memory for everything that is received but not yet complete, of all connections together, MiB. Beyond it large
    /// frames and bodies are refused first.
    #[arg(long, env = "ALO_BUFFERED_MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(4..))]
    pub buffered_mib: u32,

    /// Serve `/metrics`, and `/healthz` too, on this address instead of the public one. It has connections of its
    /// own, so it also answers when all others are taken.
    #[arg(long, env = "ALO_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
}

impl IntakeFlags {
    /// The settings, with these proxies, which connect for many.
    pub fn config(&self, proxies: &[IpNet]) -> IntakeConfig {
        let proxies = proxies.to_vec();
        let is_proxy = move |ip: &IpAddr| proxies.iter().any(|network| network.contains(ip));
        IntakeConfig {
            counts: Arc::new(move |ip| !ip.is_loopback() && !is_proxy(&ip)),
            connections: self.connections,
            per_address: self.connections_per_address,
            buffered_bytes: (self.buffered_mib as usize) << 20,
            metrics_listen: self.metrics_listen,
            ..IntakeConfig::default()
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}
