//! Subscribing to channels, and leaving them.

use serde::{Deserialize, Serialize};

use crate::{ChannelId, Cursor, ErrorBody, GapReason, Resume};

/// Parameters of `subscribe`. All channels or none: one forbidden channel fails the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscribe {
    /// What to subscribe to, each with a cursor if known.
    pub channels: Vec<Resume>,
}

/// Result of `subscribe`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscribed {
    /// In the order of the request.
    pub channels: Vec<Recovery>,
}

/// Parameters of `unsubscribe`; its result is `{}`. Unknown channels are no error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsubscribe {
    /// The channels to leave.
    pub channel_ids: Vec<ChannelId>,
}

/// Where a subscription starts. The next push of the channel has `cursor.seq + 1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The channel.
    pub id: ChannelId,
    /// The client's own cursor if every event after it follows, else the head of the log. Absent with `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Set when events after the client's cursor are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapReason>,
    /// Set when the channel may no longer be read; it is not subscribed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}
