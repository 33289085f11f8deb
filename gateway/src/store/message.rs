//! A stored message's JSON, the same for every store.

use std::sync::Arc;

use alo_protocol::{ChannelId, ErrorBody, ErrorCode, File, JsonObject, Message};
use serde::Serialize;

use super::{Draft, LogEvent};

/// Makes the message. `parent` is the stored JSON of the message replied to.
pub(super) fn build(
    draft: &Draft,
    seq: u64,
    timestamp_ms: u64,
    parent: Option<&str>,
    files: Vec<File>,
) -> Result<String, ErrorBody> {
    let parent = parent
        .map(serde_json::from_str::<Message>)
        .transpose()
        .map_err(crate::error::internal)?;
    let root_message_id = parent
        .as_ref()
        .map(|parent| parent.root_message_id.unwrap_or(parent.id));
    let message = Message {
        id: draft.id,
        channel_id: draft.channel.clone(),
        user_id: draft.user_id.to_string(),
        seq,
        timestamp: timestamp_ms.to_string(),
        content: draft.content.clone(),
        metadata: draft.metadata.clone().unwrap_or_default().into(),
        parent: parent.map(|parent| {
            Box::new(Message {
                parent: None,
                ..parent
            })
        }),
        root_message_id,
        i18n: JsonObject::default().into(),
        files,
        actions: Vec::new(),
    };
    serde_json::to_string(&message).map_err(crate::error::internal)
}

/// The `{type, data}` of a new message.
pub(super) fn new_event(message: &str) -> String {
    format!(r#"{{"type":"message.new","data":{{"message":{message}}}}}"#)
}

/// An event of the log with its push.
pub(super) fn log_event(channel: &ChannelId, epoch: &str, seq: u64, event: &str) -> LogEvent {
    LogEvent {
        channel: channel.clone(),
        seq,
        push: push(channel, epoch, seq, event).into(),
    }
}

/// The refusal of a draft whose parent is not in its channel.
pub(super) fn parent_not_found() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::MessageNotFound,
        "parentId: no such message is in the channel",
    )
}

/// The refusal of a key that stands for something else.
pub(super) fn key_conflict() -> ErrorBody {
    ErrorBody::new(
        ErrorCode::IdempotencyConflict,
        "key: was used before for another message",
    )
}

fn push(channel: &ChannelId, epoch: &str, seq: u64, event: &str) -> String {
    #[derive(Serialize)]
    struct Names<'a> {
        channel: &'a ChannelId,
        epoch: &'a str,
        seq: u64,
    }
    // Two strings and a number: nothing in it can fail to serialise.
    let names = serde_json::to_string(&Names {
        channel,
        epoch,
        seq,
    })
    .expect("names are valid JSON");
    let open = names.strip_suffix('}').unwrap_or(&names);
    format!(r#"{open},"event":{event}}}"#)
}

/// A page of the log that keeps to its limit.
pub(super) struct Page {
    limit: super::PageLimit,
    bytes: usize,
    events: Vec<LogEvent>,
}

impl Page {
    pub(super) const fn new(limit: super::PageLimit) -> Self {
        Self {
            limit,
            bytes: 0,
            events: Vec::new(),
        }
    }

    /// Adds an event unless the page is full; false says it is.
    pub(super) fn push(&mut self, event: LogEvent) -> bool {
        let full = self.events.len() >= self.limit.events
            || (!self.events.is_empty() && self.bytes + event.push.len() > self.limit.bytes);
        if full {
            return false;
        }
        self.bytes += event.push.len();
        self.events.push(event);
        true
    }

    pub(super) fn into_events(self) -> Vec<LogEvent> {
        self.events
    }
}

/// A message as replies carry it.
pub(super) fn committed(message: String, event: Option<LogEvent>) -> super::Committed {
    super::Committed {
        message: Arc::from(message),
        event,
    }
}
