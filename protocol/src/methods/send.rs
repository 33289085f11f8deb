//! Sending messages.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::JsonObject;
use crate::{ChannelId, Uuid};

/// Parameters of `message.send`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendMessage {
    /// Idempotency key, a UUIDv7 the client made: the same key is the same message, for ever.
    pub key: Uuid,
    /// Where to.
    pub channel_id: ChannelId,
    /// Untrusted text; HTML is the reader's to sanitise.
    pub content: String,
    /// Any JSON object, kept to the letter.
    #[serde(
        default,
        deserialize_with = "super::metadata",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<JsonObject>,
    /// The message replied to, in the same channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// Files uploaded before, by the same user to the same channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_ids: Vec<Uuid>,
}

/// Result of `message.send`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// The message as stored.
    pub message: Box<RawValue>,
}
