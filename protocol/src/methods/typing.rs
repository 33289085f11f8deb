//! Who is typing.

use serde::{Deserialize, Serialize};

use crate::ChannelId;

/// Parameters of `typing.start`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartTyping {
    /// The channel.
    pub channel_id: ChannelId,
}

/// Parameters of `typing.stop`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopTyping {
    /// The channel.
    pub channel_id: ChannelId,
}

/// Data of `typing.start` and `typing.stop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// The channel.
    pub channel_id: ChannelId,
    /// Who types, or does not any more.
    pub user_id: String,
    /// On which device.
    pub device_id: String,
}
