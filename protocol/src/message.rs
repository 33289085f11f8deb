//! A message and its files, as users see them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ChannelId, Uuid};

/// A message as users see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// UUIDv7.
    pub id: Uuid,
    /// The channel.
    pub channel_id: ChannelId,
    /// Who sent it.
    pub user_id: String,
    /// Its position in the channel: a later message has a larger one. Below 2^53.
    pub seq: u64,
    /// Which state of the message this is: the sequence of the event of the channel that changed it last, at first its
    /// own `seq`. Of two states the one with the larger version is newer.
    pub version: u64,
    /// Unix time in milliseconds, as a string.
    pub timestamp: String,
    /// When its content or metadata was changed last, like `timestamp`; absent if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<String>,
    /// Untrusted text.
    pub content: String,
    /// Any JSON object; `{}` if none was sent.
    pub metadata: Box<RawValue>,
    /// The message replied to as it is now, itself without `parent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Message>>,
    /// Root of the chain of replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_message_id: Option<Uuid>,
    /// Translations by language code.
    pub i18n: Box<RawValue>,
    /// Attachments, in the order they were sent.
    pub files: Vec<File>,
    /// Reactions, receipts and the like.
    pub actions: Vec<Box<RawValue>>,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// UUIDv7.
    pub id: Uuid,
    /// The channel it was uploaded to.
    pub channel_id: ChannelId,
    /// The file name on the sender's device; untrusted.
    pub name: String,
    /// Unix time in milliseconds.
    pub last_modified: i64,
    /// Bytes.
    pub size: u64,
    /// As the sender's browser reported it; untrusted.
    pub content_type: String,
    /// Where to download it, relative to the gateway: `/v1/files/{id}`.
    pub url: String,
}
