//! Deleted messages.

use serde::{Deserialize, Serialize};

use crate::{ChannelId, Uuid};

/// Data of `message.deleted`. It says nothing of what the message was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageDeleted {
    /// The channel.
    pub channel_id: ChannelId,
    /// The message that is gone.
    pub message_id: Uuid,
    /// Its place in the channel.
    pub message_seq: u64,
}
