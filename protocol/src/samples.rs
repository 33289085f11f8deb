//! Examples of everything on the wire: of each type the fullest and the smallest possible value. The keys that
//! only the fullest has are optional. Documentation and type checks are generated from them.

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    AuthRefresh, AuthRefreshed, ChannelCount, ChannelId, ChannelSince, ChannelStart, Counts,
    Cursor, Empty, ErrorBody, ErrorCode, File, GapReason, History, HistoryAround, HistoryPage,
    JsonObject, MarkRead, Message, MessageCounts, MessageDeleted, NewerPageToken, OlderPageToken,
    ReadCount, ReadCounts, ReadUpdated, Reads, Recovery, Resume, SendMessage, Sent, StartTyping,
    StopTyping, Subscribe, Subscribed, Typing, Unsubscribe, Uuid,
};

/// A type with its examples.
pub trait Sample: Serialize {
    /// Every optional key is present.
    fn full() -> Self;
    /// No optional key is present.
    fn least() -> Self;
}

/// The examples of a type as JSON.
#[derive(Clone, Debug)]
pub struct Samples {
    /// [`Sample::full`]
    pub full: Value,
    /// [`Sample::least`]
    pub least: Value,
}

impl Samples {
    /// Those of `T`.
    pub fn of<T: Sample>() -> Self {
        let json = |value: T| serde_json::to_value(value).expect("a sample is valid JSON");
        Self {
            full: json(T::full()),
            least: json(T::least()),
        }
    }

    /// Each key, with whether it is always present.
    pub fn keys(&self) -> Vec<(&str, bool)> {
        let keys = self.full.as_object().into_iter().flatten();
        keys.map(|(key, _)| (key.as_str(), self.least.get(key).is_some()))
            .collect()
    }
}

/// The events on the wire, each with its data.
pub fn event_samples() -> Vec<(&'static str, Samples)> {
    #[derive(Serialize)]
    struct Data {
        message: Message,
    }
    impl Sample for Data {
        fn full() -> Self {
            Self {
                message: Message::full(),
            }
        }
        fn least() -> Self {
            Self {
                message: Message::least(),
            }
        }
    }
    vec![
        ("message.new", Samples::of::<Data>()),
        ("message.deleted", Samples::of::<MessageDeleted>()),
        ("read.updated", Samples::of::<ReadUpdated>()),
        ("typing.start", Samples::of::<Typing>()),
        ("typing.stop", Samples::of::<Typing>()),
    ]
}

fn id(number: u8) -> Uuid {
    Uuid::v7(1_700_000_000_000, [number; 10])
}

fn channel() -> ChannelId {
    "alpha".parse().expect("letters are a channel id")
}

fn cursor() -> Cursor {
    Cursor {
        epoch: "k3v9x1".into(),
        seq: 42,
    }
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a sample is valid JSON")
}

fn object(text: &str) -> JsonObject {
    serde_json::from_str(text).expect("a sample is valid JSON")
}

impl Sample for File {
    fn full() -> Self {
        Self {
            id: id(3),
            channel_id: channel(),
            name: "peak.jpg".into(),
            last_modified: 1_700_000_000_000,
            size: 1_048_576,
            content_type: "image/jpeg".into(),
            url: format!("/v1/files/{}", id(3)),
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for Message {
    fn full() -> Self {
        Self {
            metadata: object(r#"{"key":["value",1,true,null]}"#).into(),
            // A parent has no parent of its own.
            parent: Some(Box::new(Self {
                root_message_id: Some(id(1)),
                edited_at: Some("1700000030000".into()),
                ..Self::least()
            })),
            root_message_id: Some(id(1)),
            version: 42,
            edited_at: Some("1700000060000".into()),
            i18n: raw(&serde_json::json!({"es": {"content": "Hola"}})),
            files: vec![File::full()],
            actions: vec![raw(&serde_json::json!({"type": "emoji-reaction"}))],
            ..Self::least()
        }
    }

    fn least() -> Self {
        Self {
            id: id(1),
            channel_id: channel(),
            user_id: "ada".into(),
            seq: 41,
            version: 41,
            timestamp: "1700000000000".into(),
            edited_at: None,
            content: "Hello".into(),
            metadata: JsonObject::default().into(),
            parent: None,
            root_message_id: None,
            i18n: JsonObject::default().into(),
            files: Vec::new(),
            actions: Vec::new(),
        }
    }
}

impl Sample for MessageDeleted {
    fn full() -> Self {
        Self {
            channel_id: channel(),
            message_id: id(1),
            message_seq: 41,
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for Empty {
    fn full() -> Self {
        Self {}
    }

    fn least() -> Self {
        Self {}
    }
}

impl Sample for Subscribe {
    fn full() -> Self {
        Self {
            channels: vec![ChannelStart {
                id: channel(),
                cursor: Some(cursor()),
            }],
        }
    }

    fn least() -> Self {
        Self {
            channels: vec![ChannelStart {
                id: channel(),
                cursor: None,
            }],
        }
    }
}

impl Sample for Resume {
    fn full() -> Self {
        let Subscribe { channels } = Subscribe::full();
        Self { channels }
    }

    fn least() -> Self {
        let Subscribe { channels } = Subscribe::least();
        Self { channels }
    }
}

impl Sample for Subscribed {
    fn full() -> Self {
        Self {
            channels: vec![Recovery {
                id: channel(),
                cursor: Some(cursor()),
                gap: Some(GapReason::Expired),
                error: None,
            }],
        }
    }

    fn least() -> Self {
        Self {
            channels: vec![Recovery {
                id: channel(),
                cursor: None,
                gap: None,
                error: Some(ErrorBody::new(ErrorCode::ChannelForbidden, "channelId: …")),
            }],
        }
    }
}

impl Sample for Unsubscribe {
    fn full() -> Self {
        Self {
            channel_ids: vec![channel()],
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for StartTyping {
    fn full() -> Self {
        Self {
            channel_id: channel(),
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for StopTyping {
    fn full() -> Self {
        Self {
            channel_id: channel(),
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for Typing {
    fn full() -> Self {
        Self {
            channel_id: channel(),
            user_id: "ada".into(),
            device_id: id(4).to_string(),
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for SendMessage {
    fn full() -> Self {
        Self {
            metadata: Some(object(r#"{"coordinates":"27.9881,86.9250"}"#)),
            parent_id: Some(id(1)),
            file_ids: vec![id(3)],
            ..Self::least()
        }
    }

    fn least() -> Self {
        Self {
            key: id(9),
            channel_id: channel(),
            content: "Hello".into(),
            metadata: None,
            parent_id: None,
            file_ids: Vec::new(),
        }
    }
}

impl Sample for Sent {
    fn full() -> Self {
        Self {
            message: raw(&Message::full()),
        }
    }

    fn least() -> Self {
        Self {
            message: raw(&Message::least()),
        }
    }
}

impl Sample for History {
    fn full() -> Self {
        Self {
            channel_id: channel(),
            limit: 100,
            older_page_token: Some(OlderPageToken(id(1))),
            newer_page_token: Some(NewerPageToken(id(1))),
        }
    }

    fn least() -> Self {
        Self {
            older_page_token: None,
            newer_page_token: None,
            ..Self::full()
        }
    }
}

impl Sample for MarkRead {
    fn full() -> Self {
        Self {
            channel_id: channel(),
            message_id: id(1),
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for ReadUpdated {
    fn full() -> Self {
        Self {
            channel_id: channel(),
            message_id: Some(id(1)),
            message_seq: Some(41),
        }
    }

    fn least() -> Self {
        Self {
            channel_id: channel(),
            message_id: None,
            message_seq: None,
        }
    }
}

impl Sample for Reads {
    fn full() -> Self {
        Self {
            channel_ids: Some(vec![channel()]),
        }
    }

    fn least() -> Self {
        Self { channel_ids: None }
    }
}

impl Sample for ReadCounts {
    fn full() -> Self {
        Self {
            channels: vec![ReadCount {
                last_read_message_id: Some(id(1)),
                last_read_timestamp: Some("1700000000000".into()),
                ..ReadCount::least()
            }],
        }
    }

    fn least() -> Self {
        Self {
            channels: vec![ReadCount::least()],
        }
    }
}

impl ReadCount {
    fn least() -> Self {
        Self {
            id: channel(),
            count: 3,
            last_read_message_id: None,
            last_read_timestamp: None,
            cursor: cursor(),
        }
    }
}

impl Sample for HistoryAround {
    fn full() -> Self {
        Self {
            channel_id: channel(),
            message_id: id(1),
            limit: 100,
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for HistoryPage {
    fn full() -> Self {
        Self {
            messages: vec![raw(&Message::full()), raw(&Message::least())],
            older_page_token: Some(OlderPageToken(id(1))),
            newer_page_token: Some(NewerPageToken(id(1))),
            cursor: cursor(),
        }
    }

    fn least() -> Self {
        Self {
            messages: Vec::new(),
            older_page_token: None,
            newer_page_token: None,
            cursor: cursor(),
        }
    }
}

impl Sample for MessageCounts {
    fn full() -> Self {
        Self {
            channels: vec![ChannelSince {
                channel_id: channel(),
                timestamp: 1_700_000_000_000,
            }],
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for Counts {
    fn full() -> Self {
        Self {
            channels: vec![ChannelCount {
                id: channel(),
                count: 3,
            }],
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for AuthRefresh {
    fn full() -> Self {
        Self {
            token: "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl".into(),
        }
    }

    fn least() -> Self {
        Self::full()
    }
}

impl Sample for AuthRefreshed {
    fn full() -> Self {
        Self {
            token_expires_in_ms: 86_400_000,
        }
    }

    fn least() -> Self {
        Self::full()
    }
}
