//! Frames of the event socket as JSON text.
//!
//! From the client: `{"hello": …}`, `{"id", "method", "params"}`, `{"ping": n}`.
//! From the gateway: `{"welcome": …}`, `{"id", "result"}` or `{"id", "error"}`, `{"pong": n}` and
//! pushes, alone or many in an array.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ChannelId, Cursor, ErrorBody, GapReason, Limits, Resume, Uuid};

/// A frame a client sent.
#[derive(Debug)]
pub enum ClientFrame {
    /// The first frame of a connection.
    Hello(Hello),
    /// A request; its reply carries the same id.
    Request {
        /// Chosen by the client, unique among its unanswered requests.
        id: u64,
        /// What is asked.
        request: Request,
    },
    /// A request whose method or parameters are wrong; it is answered with the error.
    Refused {
        /// The request's id.
        id: u64,
        /// The reply.
        error: ErrorBody,
    },
    /// Proof of life; answered by `{"pong": n}` with the same number.
    Ping(u64),
}

/// The methods, each with its parameters.
#[derive(Debug)]
pub enum Request {
    /// `subscribe`
    Subscribe(Subscribe),
    /// `unsubscribe`
    Unsubscribe(Unsubscribe),
    /// `message.send`
    SendMessage(SendMessage),
    /// `auth.refresh`
    AuthRefresh(AuthRefresh),
}

/// Text that is no frame; the connection is closed with `malformed-frame`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl DecodeError {
    /// Where the text is wrong, without quoting it: there may be a token in it.
    fn new(error: &serde_json::Error) -> Self {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        Self(format!("{kind:?} error at line {line}, column {column}"))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

impl ClientFrame {
    /// Reads one frame.
    ///
    /// # Errors
    /// When the text is not a JSON object of one of the three forms. A request with wrong method or
    /// parameters is no such error: it has an id and can be answered.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let raw: RawFrame<'_> =
            serde_json::from_str(text).map_err(|error| DecodeError::new(&error))?;
        match raw {
            RawFrame {
                hello: Some(hello),
                id: None,
                ping: None,
                ..
            } => Ok(Self::Hello(hello)),
            RawFrame {
                ping: Some(number),
                id: None,
                hello: None,
                ..
            } => Ok(Self::Ping(number)),
            RawFrame {
                id: Some(id),
                hello: None,
                ping: None,
                method,
                params,
            } => Ok(match Request::decode(method.as_deref(), params) {
                Ok(request) => Self::Request { id, request },
                Err(error) => Self::Refused { id, error },
            }),
            RawFrame { .. } => Err(DecodeError(
                "a frame has exactly one of hello, id and ping".to_owned(),
            )),
        }
    }
}

#[derive(Deserialize)]
struct RawFrame<'a> {
    hello: Option<Hello>,
    id: Option<u64>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    ping: Option<u64>,
}

impl Request {
    fn decode(method: Option<&str>, params: Option<&RawValue>) -> Result<Self, ErrorBody> {
        use crate::ErrorCode::{InvalidArgument, UnknownMethod};
        let params = params.map_or("{}", RawValue::get);
        let wrong =
            |error: serde_json::Error| ErrorBody::new(InvalidArgument, format!("params: {error}"));
        match method {
            Some("subscribe") => serde_json::from_str(params)
                .map(Self::Subscribe)
                .map_err(wrong),
            Some("unsubscribe") => serde_json::from_str(params)
                .map(Self::Unsubscribe)
                .map_err(wrong),
            Some("message.send") => {
                let send: SendMessage = serde_json::from_str(params).map_err(wrong)?;
                match &send.metadata {
                    Some(metadata) if !metadata.get().starts_with('{') => Err(ErrorBody::new(
                        InvalidArgument,
                        "params: metadata must be an object",
                    )),
                    Some(_) | None => Ok(Self::SendMessage(send)),
                }
            }
            Some("auth.refresh") => serde_json::from_str(params)
                .map(Self::AuthRefresh)
                .map_err(wrong),
            Some(other) => Err(ErrorBody::new(
                UnknownMethod,
                format!("method: no such method as {other:?}"),
            )),
            None => Err(ErrorBody::new(InvalidArgument, "method: is missing")),
        }
    }
}

/// The first frame: who speaks, and where he stands in the channels he was subscribed to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The JWT from `POST /v1/auth`.
    pub token: String,
    /// Name and version of the client, for the gateway's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// Subscriptions to take up again.
    #[serde(default)]
    pub channels: Vec<Resume>,
}

/// Answer to [`Hello`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// For logs on both sides.
    pub connection_id: Uuid,
    /// The token's user.
    pub user_id: String,
    /// A client that has heard nothing for this long sends a ping, milliseconds.
    pub heartbeat_ms: u32,
    /// Until the token expires, milliseconds.
    pub token_expires_in_ms: u64,
    /// What the gateway accepts.
    pub limits: Limits,
    /// One for each channel of the hello, in its order.
    pub channels: Vec<Recovery>,
}

/// Where a subscription starts. The next push of the channel has `cursor.seq + 1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The channel.
    pub id: ChannelId,
    /// The client's own cursor when recovered whole, else the head of the log. Absent with `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Set when events after the client's cursor could not be recovered whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapReason>,
    /// Set when the channel may no longer be read; it is not subscribed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Parameters of `subscribe`. All channels or none: one that is forbidden fails the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscribe {
    /// What to subscribe to, each with a cursor if known.
    pub channels: Vec<Resume>,
}

/// Result of `subscribe`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscribed {
    /// In the order of the request.
    pub channels: Vec<Recovery>,
}

/// Parameters of `unsubscribe`; its result is `{}`. Unknown channels are no error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsubscribe {
    /// What to leave.
    pub channel_ids: Vec<ChannelId>,
}

/// Parameters of `message.send`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendMessage {
    /// Idempotency key, a UUIDv7 the client made: the same key is the same message, for ever.
    pub key: Uuid,
    /// Where to.
    pub channel_id: ChannelId,
    /// Untrusted text; HTML is the reader's to sanitise.
    pub content: String,
    /// Any JSON object, kept to the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// The message replied to, in the same channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// Files uploaded before, by the same user to the same channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_ids: Vec<Uuid>,
}

/// Result of `message.send`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// The message as stored.
    pub message: Box<RawValue>,
}

/// Parameters of `auth.refresh`: a newer token of the same user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthRefresh {
    /// The JWT.
    pub token: String,
}

/// Result of `auth.refresh`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthRefreshed {
    /// Until the new token expires, milliseconds.
    pub token_expires_in_ms: u64,
}

/// A message as users see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// UUIDv7.
    pub id: Uuid,
    /// Where it stands.
    pub channel_id: ChannelId,
    /// Who sent it.
    pub user_id: String,
    /// Unix time in milliseconds, as a string.
    pub timestamp: String,
    /// Untrusted text.
    pub content: String,
    /// Any JSON object; `{}` when none was given.
    pub metadata: Box<RawValue>,
    /// The message replied to, itself without `parent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Message>>,
    /// Root of the chain of replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_message_id: Option<Uuid>,
    /// Translations by language code.
    pub i18n: Box<RawValue>,
    /// Attachments, in the order given.
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
    /// As on the sender's disk; untrusted.
    pub name: String,
    /// Unix time in milliseconds.
    pub last_modified: i64,
    /// Bytes.
    pub size: u64,
    /// As the sender's browser said; untrusted.
    pub content_type: String,
    /// Where to download it, relative to the gateway: `/v1/files/{id}`.
    pub url: String,
}

/// A push: an event beside its place in the channel's log.
#[derive(Debug, Serialize, Deserialize)]
pub struct Push<'a> {
    /// The channel.
    pub channel: ChannelId,
    /// The log's epoch.
    pub epoch: String,
    /// The event's sequence.
    pub seq: u64,
    /// `{"type", "data"}`, exactly what a listener receives.
    #[serde(borrow)]
    pub event: &'a RawValue,
}

/// The text of `{"welcome": …}`.
pub fn welcome_text(welcome: &Welcome) -> String {
    #[derive(Serialize)]
    struct Frame<'a> {
        welcome: &'a Welcome,
    }
    to_text(&Frame { welcome })
}

/// The text of `{"id", "result"}`.
pub fn result_text(id: u64, result: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Frame<'a, R> {
        id: u64,
        result: &'a R,
    }
    to_text(&Frame { id, result })
}

/// The text of `{"id", "error"}`.
pub fn error_text(id: u64, error: &ErrorBody) -> String {
    #[derive(Serialize)]
    struct Frame<'a> {
        id: u64,
        error: &'a ErrorBody,
    }
    to_text(&Frame { id, error })
}

fn to_text(frame: &impl Serialize) -> String {
    // Frames hold strings, numbers and raw JSON only: nothing in them can fail to serialise.
    serde_json::to_string(frame).expect("a frame is always valid JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_told_apart() {
        assert!(matches!(
            ClientFrame::decode(r#"{"hello":{"token":"t"}}"#),
            Ok(ClientFrame::Hello(_))
        ));
        assert!(matches!(
            ClientFrame::decode(r#"{"ping":7}"#),
            Ok(ClientFrame::Ping(7))
        ));
        assert!(matches!(
            ClientFrame::decode(r#"{"id":1,"method":"unsubscribe","params":{"channelIds":["a"]}}"#),
            Ok(ClientFrame::Request {
                id: 1,
                request: Request::Unsubscribe(_)
            })
        ));
    }

    #[test]
    fn what_is_no_frame_is_refused_and_what_has_an_id_is_answered() {
        for text in [
            "",
            "[]",
            "1",
            "{}",
            r#"{"id":1,"ping":2}"#,
            r#"{"id":-1}"#,
            "{\"ping\":",
            "null",
        ] {
            assert!(ClientFrame::decode(text).is_err(), "{text}");
        }
        for text in [
            r#"{"id":1}"#,
            r#"{"id":1,"method":"nope"}"#,
            r#"{"id":1,"method":"subscribe","params":{"channels":[{"id":""}]}}"#,
            r#"{"id":1,"method":"message.send","params":{"key":"x"}}"#,
            r#"{"id":1,"method":"message.send","params":{"key":"8e8a4e05-12e3-43b5-882e-d9711426f8e3","channelId":"a","content":"","metadata":[1]}}"#,
        ] {
            assert!(
                matches!(
                    ClientFrame::decode(text),
                    Ok(ClientFrame::Refused { id: 1, .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn metadata_is_kept_to_the_letter() {
        let metadata = r#"{"__proto__":{"x":1},"n":1.0,"big":12345678901234567890,"é":"\u0000"}"#;
        let text = format!(
            r#"{{"id":1,"method":"message.send","params":{{"key":"8e8a4e05-12e3-43b5-882e-d9711426f8e3","channelId":"a","content":"x","metadata":{metadata}}}}}"#
        );
        let Ok(ClientFrame::Request {
            request: Request::SendMessage(send),
            ..
        }) = ClientFrame::decode(&text)
        else {
            panic!("not a send");
        };
        assert_eq!(send.metadata.unwrap().get(), metadata);
    }
}
