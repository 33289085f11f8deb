//! What a user has read.

use serde::{Deserialize, Serialize};

use super::subscribe::few;
use crate::{ChannelId, Cursor, Uuid};

/// Parameters of `read.mark`: the user has read a channel up to this message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarkRead {
    /// The channel.
    pub channel_id: ChannelId,
    /// The last message read. It may be deleted.
    pub message_id: Uuid,
}

/// Up to where a user has read a channel: result of `read.mark` and data of `read.updated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadUpdated {
    /// The channel.
    pub channel_id: ChannelId,
    /// The last message read. Absent if the beginning of the channel has been removed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Uuid>,
    /// Its place in the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_seq: Option<u64>,
}

/// Parameters of `reads`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reads {
    /// The channels; without them those of the token.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "few_or_none"
    )]
    pub channel_ids: Option<Vec<ChannelId>>,
}

/// Result of `reads`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadCounts {
    /// One for each channel of the request, in its order.
    pub channels: Vec<ReadCount>,
}

/// What a user has not read of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadCount {
    /// The channel.
    pub id: ChannelId,
    /// Messages behind the last one that the user has read or sent.
    pub count: u64,
    /// That message; it may be deleted. Absent if the user has read nothing of what the channel has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read_message_id: Option<Uuid>,
    /// Its timestamp, unless it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read_timestamp: Option<String>,
    /// The count reflects every event of the channel up to and including this one, and none after it.
    pub cursor: Cursor,
}

fn few_or_none<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<ChannelId>>, D::Error> {
    few(deserializer).map(Some)
}
