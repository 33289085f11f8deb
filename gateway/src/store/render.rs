//! Rows as JSON, the same for every store.

use std::sync::Arc;

use alo_protocol::{JsonObject, Message};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    LogEvent, LogId,
    rows::{EventKind, EventRow, MessageRow},
};

/// A message with the one it replies to, if that is there: what is shown of it.
#[derive(Debug)]
pub(super) struct Shown<M> {
    pub(super) message: M,
    pub(super) parent: Option<M>,
}

impl<M: AsRef<MessageRow>> Shown<M> {
    /// The JSON users receive.
    pub(super) fn json(&self) -> String {
        // Strings, numbers and JSON that was read before: nothing in it can fail to serialise.
        serde_json::to_string(&self.view()).expect("a message is valid JSON")
    }

    /// The same, for a page.
    pub(super) fn raw(&self) -> Box<RawValue> {
        to_raw_value(&self.view()).expect("a message is valid JSON")
    }

    fn view(&self) -> Message {
        Message {
            parent: self
                .parent
                .as_ref()
                .map(|parent| Box::new(view(parent.as_ref()))),
            ..view(self.message.as_ref())
        }
    }
}

impl AsRef<Self> for MessageRow {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// An event with its push. `message` is the JSON of the message it is about.
pub(super) fn log_event(log: &LogId, epoch: &str, event: EventRow, message: &str) -> LogEvent {
    #[derive(Serialize)]
    struct Place<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        epoch: &'a str,
        seq: u64,
    }
    let (channel, user) = match log {
        LogId::Channel(id) => (Some(id.as_str()), None),
        LogId::User(id) => (None, Some(id.as_str())),
    };
    let seq = event.seq;
    let place = serde_json::to_string(&Place {
        channel,
        user,
        epoch,
        seq,
    })
    .expect("strings and a number are valid JSON");
    let open = place.strip_suffix('}').unwrap_or(&place);
    let push = match event.kind {
        EventKind::MessageNew => {
            format!(r#"{open},"event":{{"type":"message.new","data":{{"message":{message}}}}}}}"#)
        }
    };
    LogEvent {
        log: log.clone(),
        seq,
        push: Arc::from(push),
    }
}

fn view(row: &MessageRow) -> Message {
    Message {
        id: row.id,
        channel_id: row.channel.clone(),
        user_id: row.user_id.to_string(),
        seq: row.seq,
        timestamp: row.at_ms.to_string(),
        content: row.content.clone(),
        metadata: row.metadata.clone(),
        parent: None,
        root_message_id: row.root,
        i18n: JsonObject::default().into(),
        files: row.files.clone(),
        actions: Vec::new(),
    }
}
