//! Sizes and counts that both sides respect. The gateway announces its own in `welcome`.

use serde::{Deserialize, Serialize};

/// How deep `metadata` may be nested, itself counted: readers parse it on stacks of a limited size.
pub const METADATA_DEPTH: usize = 64;

/// Maximum size of hello, bytes.
pub const HELLO_BYTES: usize = 8 * 1024;

/// Maximum number of channels one request names.
pub const REQUEST_CHANNELS: usize = 100;

/// What a gateway accepts. Sizes are bytes of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// One frame from a client.
    pub frame_bytes: u32,
    /// `content` of a message.
    pub content_bytes: u32,
    /// `metadata` of a message, as JSON text.
    pub metadata_bytes: u32,
    /// Files on one message.
    pub files_per_message: u32,
    /// One file.
    pub file_bytes: u64,
    /// Channels one connection may subscribe to, and those its unanswered requests may name.
    pub channels_per_connection: u32,
    /// Requests of one connection that may be unanswered.
    pub requests_in_flight: u32,
    /// How often a user may do what; for information, the gateway enforces it.
    #[cfg(feature = "json")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
}

/// How often one user may do what, on all connections together. What is absent is not limited.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    /// Messages sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<Rate>,
    /// Other requests, counted by their entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Rate>,
    /// HTTP requests of uploads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploads: Option<Rate>,
    /// New connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Rate>,
    /// Connections open at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_connections: Option<u32>,
}

/// A token bucket.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// How many in the long run.
    pub per_minute: u32,
    /// How many at once.
    pub burst: u32,
}

impl Limits {
    /// The limits of a gateway started without flags.
    pub const DEFAULT: Self = Self {
        frame_bytes: 256 * 1024,
        content_bytes: 64 * 1024,
        metadata_bytes: 16 * 1024,
        files_per_message: 32,
        file_bytes: 8 * 1024 * 1024 * 1024,
        channels_per_connection: 1_000,
        requests_in_flight: 256,
        #[cfg(feature = "json")]
        rates: None,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
