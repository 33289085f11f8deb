//! Rows as JSON, the same for every store.

use std::sync::Arc;

use alo_protocol::{ChannelId, File, MessageDeleted, ReadUpdated, Uuid};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    LogEvent, LogId,
    rows::{EventKind, EventRow, MessageRow, ReadRow},
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

    fn view(&self) -> View<'_> {
        View {
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

/// What an event is about.
#[derive(Debug)]
pub(super) enum Subject<M> {
    /// The message that is there.
    Message(Shown<M>),
    /// The id of a message that is not there any more.
    Deleted(Uuid),
    /// Up to where the log's user has read a channel now, if that is known.
    Read(ChannelId, Option<ReadRow>),
}

impl<M: AsRef<MessageRow>> Subject<M> {
    /// As [`log_event`] takes it.
    pub(super) fn json(&self, log: &LogId, event: EventRow) -> String {
        match (self, log) {
            (Self::Message(shown), _) => shown.json(),
            (Self::Deleted(id), LogId::Channel(channel)) => deleted(channel, *id, event.message),
            // A user's log has no messages.
            (Self::Deleted(_), LogId::User(_)) => "{}".to_owned(),
            (Self::Read(channel, mark), _) => read(channel, *mark),
        }
    }
}

/// The data of `message.deleted`.
pub(super) fn deleted(channel: &ChannelId, id: Uuid, seq: u64) -> String {
    let data = MessageDeleted {
        channel_id: channel.clone(),
        message_id: id,
        message_seq: seq,
    };
    serde_json::to_string(&data).expect("strings and a number are valid JSON")
}

/// The data of `read.updated`.
pub(super) fn read(channel: &ChannelId, mark: Option<ReadRow>) -> String {
    let data = ReadUpdated {
        channel_id: channel.clone(),
        message_id: mark.and_then(|mark| mark.id),
        message_seq: mark.map(|mark| mark.seq),
    };
    serde_json::to_string(&data).expect("strings and a number are valid JSON")
}

/// An event with its push. `about` is the JSON of the message, or of its deletion.
pub(super) fn log_event(log: &LogId, epoch: &str, event: EventRow, about: &str) -> LogEvent {
    #[derive(Serialize)]
    struct Place<'a> {
        channel: &'a str,
        epoch: &'a str,
        seq: u64,
    }
    let channel = match log {
        LogId::Channel(id) => id.as_str(),
        // As it is named by its only readers.
        LogId::User(_) => "",
    };
    let seq = event.seq;
    let place = serde_json::to_string(&Place {
        channel,
        epoch,
        seq,
    })
    .expect("strings and a number are valid JSON");
    let open = place.strip_suffix('}').unwrap_or(&place);
    let push = match event.kind {
        EventKind::MessageNew => {
            format!(r#"{open},"event":{{"type":"message.new","data":{{"message":{about}}}}}}}"#)
        }
        EventKind::MessageDeleted => {
            format!(r#"{open},"event":{{"type":"message.deleted","data":{about}}}}}"#)
        }
        EventKind::ReadUpdated => {
            format!(r#"{open},"event":{{"type":"read.updated","data":{about}}}}}"#)
        }
    };
    LogEvent {
        log: log.clone(),
        seq,
        push: Arc::from(push),
    }
}

/// A [`Message`](alo_protocol::Message) that borrows: pages have up to a thousand.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    id: Uuid,
    channel_id: &'a ChannelId,
    user_id: &'a str,
    seq: u64,
    version: u64,
    timestamp: Digits,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Digits>,
    content: &'a str,
    metadata: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Box<View<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_message_id: Option<Uuid>,
    i18n: Nothing,
    files: &'a [File],
    actions: [(); 0],
}

/// `{}`.
#[derive(Serialize)]
struct Nothing {}

/// A number as a string.
struct Digits(u64);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn view(row: &MessageRow) -> View<'_> {
    View {
        id: row.id,
        channel_id: &row.channel,
        user_id: &row.user_id,
        seq: row.seq,
        version: row.version,
        timestamp: Digits(row.at_ms),
        edited_at: row.edited.map(|edited| Digits(edited.at_ms)),
        content: &row.content,
        metadata: &row.metadata,
        parent: None,
        root_message_id: row.root,
        i18n: Nothing {},
        files: &row.files,
        actions: [],
    }
}

#[cfg(test)]
mod tests {
    use alo_protocol::Message;

    use super::*;
    use crate::store::rows::Edited;

    fn row(place: u8) -> MessageRow {
        let id = Uuid::v7(1_700_000_000_000, [place; 10]);
        let channel: ChannelId = "a".parse().unwrap();
        MessageRow {
            id,
            channel: channel.clone(),
            seq: u64::from(place),
            version: u64::from(place) + 10,
            edited: (place == 2).then_some(Edited { seq: 9, at_ms: 3 }),
            user_id: "ada".into(),
            at_ms: 1_700_000_000_000,
            content: "\"ä\"\n".to_owned(),
            metadata: RawValue::from_string(r#"{"a": 1}"#.to_owned()).unwrap(),
            parent: None,
            root: Some(id),
            files: vec![File {
                id,
                channel_id: channel,
                name: "a.txt".to_owned(),
                last_modified: -1,
                size: 3,
                content_type: "text/plain".to_owned(),
                url: format!("/v1/files/{id}"),
            }],
        }
    }

    #[test]
    fn a_row_is_shown_as_the_message_of_the_protocol_to_the_letter() {
        let (message, parent) = (row(2), row(1));
        for parent in [None, Some(parent)] {
            let message = message.clone();
            let json = Shown { message, parent }.json();
            let read: Message = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }
}
