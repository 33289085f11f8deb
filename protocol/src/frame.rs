//! Frames of the event socket as JSON text.
//!
//! From the client: `{"hello": …}`, `{"id", "method", "params"}`, `{"ping": n}`.
//! From the gateway: `{"welcome": …}`, `{"id", "result"}` or `{"id", "error"}`, `{"pong": n}`,
//! `{"gap": …}`, `{"signal": …}` and pushes, alone or several in an array.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{ChannelId, ErrorBody, Limits, Recovery, Request, Uuid};

/// A frame a client sent.
#[derive(Debug)]
pub enum ClientFrame {
    /// The first frame of a connection.
    Hello(Hello),
    /// A request; its reply carries the same id.
    Request {
        /// Chosen by the client, unique among its unanswered requests.
        id: u64,
        /// What it requests.
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

/// Text that is not a frame; the connection is closed with `malformed-frame`.
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
    /// parameters is not such an error: it has an id and can be answered.
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

/// The first frame: who the client is. What it asks for follows in requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The JWT from `POST /v1/auth`.
    pub token: String,
    /// Name and version of the client, for the gateway's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// Which device of the user this is: 1 to 128 bytes without control characters.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "deviceId",
        deserialize_with = "device"
    )]
    pub device_id: Option<String>,
}

/// A device has the rules of a channel.
fn device<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let device = Option::<ChannelId>::deserialize(deserializer)?;
    Ok(device.map(|device| device.as_str().to_owned()))
}

/// Answer to [`Hello`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// For logs on both sides.
    pub connection_id: Uuid,
    /// The token's user.
    pub user_id: String,
    /// How often a client sends a ping, whatever it receives, milliseconds.
    pub heartbeat_ms: u32,
    /// Until the token expires, milliseconds.
    pub token_expires_in_ms: u64,
    /// What the gateway accepts.
    pub limits: Limits,
}

/// A push: an event with its position in the channel's log.
#[derive(Debug, Serialize, Deserialize)]
pub struct Push<'a> {
    /// The channel, or the user's own log.
    #[serde(deserialize_with = "ChannelId::deserialize_log")]
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

/// The same for a result that is JSON text already.
pub fn raw_result_text(id: u64, result: &str) -> String {
    format!(r#"{{"id":{id},"result":{result}}}"#)
}

/// The text of `{"gap": …}`: a recovery that was not requested. Events of a subscribed channel are lost, and it
/// continues from the cursor.
pub fn gap_text(gap: &Recovery) -> String {
    #[derive(Serialize)]
    struct Frame<'a> {
        gap: &'a Recovery,
    }
    to_text(&Frame { gap })
}

/// The text of `{"signal": …}`: an event that is neither numbered nor kept.
pub fn signal_text(channel: &ChannelId, kind: &str, data: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Frame<'a, D> {
        signal: Signal<'a, D>,
    }
    #[derive(Serialize)]
    struct Signal<'a, D> {
        channel: &'a ChannelId,
        event: Event<'a, D>,
    }
    #[derive(Serialize)]
    struct Event<'a, D> {
        r#type: &'a str,
        data: &'a D,
    }
    let event = Event { r#type: kind, data };
    let signal = Signal { channel, event };
    to_text(&Frame { signal })
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
    // Frames contain only strings, numbers and raw JSON, which cannot fail to serialise.
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
    fn a_device_has_1_to_128_bytes_without_control_characters() {
        let hello = |device: &str| {
            let text = format!(r#"{{"hello":{{"token":"t","deviceId":{device}}}}}"#);
            ClientFrame::decode(&text)
        };
        let longest = format!("\"{}\"", "d".repeat(128));
        for (device, known) in [("null", None), (&longest, Some("d".repeat(128)))] {
            let Ok(ClientFrame::Hello(hello)) = hello(device) else {
                panic!("{device}");
            };
            assert_eq!(hello.device_id, known);
        }
        let longer = format!("\"{}\"", "d".repeat(129));
        for device in [&longer, r#""""#, r#""a\nb""#, "7"] {
            assert!(hello(device).is_err(), "{device}");
        }
    }

    #[test]
    fn a_signal_has_its_channel_and_its_event() {
        let channel = "a\"".parse().expect("it is an id");
        assert_eq!(
            signal_text(&channel, "typing.stop", &[1]),
            r#"{"signal":{"channel":"a\"","event":{"type":"typing.stop","data":[1]}}}"#
        );
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
            r#"{"id":1,"method":"subscribe","params":{"channels":[{"id":"\n"}]}}"#,
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
