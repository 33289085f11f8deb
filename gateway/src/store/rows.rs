//! What the stores keep, row by row.

use std::sync::Arc;

use alo_protocol::{ChannelId, FILES_PATH, File, Uuid};
use serde_json::value::RawValue;

/// A message without what can be looked up: it has only the id of its parent.
#[derive(Clone, Debug)]
pub(super) struct MessageRow {
    pub(super) id: Uuid,
    pub(super) channel: ChannelId,
    /// Of its `message.new` in the channel's log.
    pub(super) seq: u64,
    /// Of the event that changed last what it shows; at first its own.
    pub(super) version: u64,
    /// When it was edited last, if it was.
    pub(super) edited: Option<Edited>,
    pub(super) user_id: Arc<str>,
    pub(super) at_ms: u64,
    pub(super) content: String,
    pub(super) metadata: Box<RawValue>,
    pub(super) parent: Option<Uuid>,
    pub(super) root: Option<Uuid>,
    pub(super) files: Vec<File>,
}

/// The last edit of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edited {
    /// Of its event in the channel's log.
    pub(super) seq: u64,
    pub(super) at_ms: u64,
}

/// An event of a log. Its content is looked up when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventRow {
    pub(super) seq: u64,
    pub(super) kind: EventKind,
    /// The sequence of the message it is about, in the same log.
    pub(super) message: u64,
}

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    MessageNew,
    MessageDeleted,
    ReadUpdated,
}

impl EventKind {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::MessageNew => 1,
            Self::MessageDeleted => 2,
            Self::ReadUpdated => 6,
        }
    }

    pub(super) const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::MessageNew),
            2 => Some(Self::MessageDeleted),
            6 => Some(Self::ReadUpdated),
            _ => None,
        }
    }
}

/// A message that a user has read, or sent, with all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadRow {
    pub(super) seq: u64,
    pub(super) id: Option<Uuid>,
    /// The message's, unless it is deleted.
    pub(super) at_ms: Option<u64>,
}

/// A message that is among the oldest of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OldMessage {
    pub(super) seq: u64,
    pub(super) id: Uuid,
    pub(super) at_ms: u64,
}

/// A file, complete or being uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Also the file's id in messages.
    pub id: Uuid,
    /// Idempotency key.
    pub key: Option<Uuid>,
    /// The channel it is for.
    pub channel: ChannelId,
    /// Who uploads it.
    pub user_id: String,
    /// Untrusted.
    pub name: String,
    /// Untrusted.
    pub content_type: String,
    /// Unix milliseconds.
    pub last_modified: i64,
    /// Bytes, when it is complete.
    pub size: u64,
    /// `Upload-Metadata` as it was received.
    pub metadata: String,
    /// How many bytes are stored durably.
    pub offset: u64,
    /// When it expires unless it becomes part of a message, Unix milliseconds.
    pub expires_ms: u64,
    /// The message it belongs to.
    pub message: Option<Uuid>,
    /// Cancelled or expired; its bytes may be gone.
    pub ended: bool,
}

impl FileRow {
    /// Forgets all that a user has said of it. Its bytes are still to be removed.
    pub(super) fn end_and_forget(&mut self) {
        (self.message, self.ended, self.key) = (None, true, None);
        self.user_id.clear();
        self.name.clear();
        self.content_type.clear();
        self.metadata.clear();
    }

    /// As messages show it.
    pub(super) fn to_file(&self) -> File {
        File {
            id: self.id,
            channel_id: self.channel.clone(),
            name: self.name.clone(),
            last_modified: self.last_modified,
            size: self.size,
            content_type: self.content_type.clone(),
            url: format!("{}/{}", FILES_PATH, self.id),
        }
    }
}

/// A run of bytes kept as one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePart {
    /// Where it begins in the file.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}
