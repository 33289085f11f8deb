//! Frames as text, on the client's side. In a browser JavaScript does this; the bytes are the same.

use std::rc::Rc;

use alo_chat::core::{Error, Frame, Incoming, Method, Recovery, Reply, Welcome};
use alo_protocol::{ChannelId, Cursor, ErrorBody, Limits, Resume};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

/// What the core does not look into: the JSON text of a message's body, a message or an event.
pub type Payload = Rc<str>;

/// The frame as it goes over the wire.
pub fn encode(frame: &Frame<Payload>) -> String {
    match frame {
        Frame::Hello { token, channels } => {
            let channels: Vec<_> = channels
                .iter()
                .map(|(id, cursor)| Resume {
                    id: id.clone(),
                    cursor: Some(cursor.clone()),
                })
                .collect();
            json!({"hello": {"token": token, "channels": channels}}).to_string()
        }
        Frame::Ping => r#"{"ping":1}"#.to_owned(),
        Frame::Request(id, method) => {
            let (name, params) = match method {
                Method::Subscribe(channels) => {
                    let channels: Vec<_> = channels.iter().map(|id| json!({"id": id})).collect();
                    ("subscribe", json!({"channels": channels}).to_string())
                }
                Method::Unsubscribe(channels) => {
                    ("unsubscribe", json!({"channelIds": channels}).to_string())
                }
                Method::Refresh(token) => ("auth.refresh", json!({"token": token}).to_string()),
                Method::Send { key, draft, files } => {
                    let mut names = json!({"key": key, "channelId": draft.channel});
                    if let Some(parent) = draft.parent {
                        names["parentId"] = json!(parent);
                    }
                    if !files.is_empty() {
                        names["fileIds"] = json!(files);
                    }
                    let names = names.to_string();
                    // The body is `"content":…` and what follows, ready for the wire.
                    (
                        "message.send",
                        format!("{},{}}}", names.trim_end_matches('}'), draft.body),
                    )
                }
            };
            format!(r#"{{"id":{id},"method":"{name}","params":{params}}}"#)
        }
    }
}

/// One item from the gateway.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item<'a> {
    welcome: Option<WelcomeItem>,
    id: Option<u32>,
    #[serde(borrow)]
    result: Option<ResultItem<'a>>,
    error: Option<ErrorBody>,
    pong: Option<u64>,
    channel: Option<ChannelId>,
    epoch: Option<String>,
    seq: Option<u64>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WelcomeItem {
    user_id: String,
    heartbeat_ms: u32,
    token_expires_in_ms: u64,
    limits: Limits,
    channels: Vec<RecoveryItem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultItem<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(default)]
    channels: Vec<RecoveryItem>,
    token_expires_in_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct RecoveryItem {
    id: ChannelId,
    cursor: Option<Cursor>,
    gap: Option<alo_protocol::GapReason>,
}

/// The items of a frame.
///
/// # Errors
/// When it is not what the protocol says.
pub fn items(text: &str) -> serde_json::Result<Vec<Item<'_>>> {
    if text.starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|item| vec![item])
    }
}

/// Whether a frame holds events and nothing else.
pub(crate) fn is_events(text: &str) -> bool {
    items(text).is_ok_and(|items| {
        let mut all = items.iter().map(Item::incoming);
        all.all(|item| matches!(item, Some(Incoming::Push { .. })))
    })
}

impl<'a> Item<'a> {
    /// As the core takes it; `None` for what the protocol does not know.
    pub fn incoming(&'a self) -> Option<Incoming<'a, Payload>> {
        if let (Some(channel), Some(epoch), Some(seq), Some(event)) =
            (&self.channel, &self.epoch, self.seq, self.event)
        {
            return Some(Incoming::Push {
                channel: channel.as_str(),
                epoch,
                seq,
                event: event.get().into(),
            });
        }
        if let Some(welcome) = &self.welcome {
            return Some(Incoming::Welcome(Welcome {
                user: welcome.user_id.clone(),
                heartbeat_ms: welcome.heartbeat_ms,
                token_expires_in_ms: welcome.token_expires_in_ms,
                limits: welcome.limits.clone(),
                channels: recoveries(&welcome.channels),
            }));
        }
        if self.pong.is_some() {
            return Some(Incoming::Pong);
        }
        let id = self.id?;
        match (&self.result, &self.error) {
            (_, Some(error)) => Some(Incoming::Reply(id, Err(Error::from(error.clone())))),
            (Some(result), None) => Some(Incoming::Reply(
                id,
                Ok(Reply {
                    message: result.message.map(|message| message.get().into()),
                    channels: recoveries(&result.channels),
                    token_expires_in_ms: result.token_expires_in_ms,
                }),
            )),
            (None, None) => None,
        }
    }
}

fn recoveries(items: &[RecoveryItem]) -> Vec<Recovery> {
    items
        .iter()
        .map(|item| Recovery {
            channel: item.id.clone(),
            cursor: item.cursor.clone(),
            gap: item.gap,
        })
        .collect()
}
