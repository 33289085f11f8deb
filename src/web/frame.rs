//! Frames to and from JSON. The browser's own JSON does the work: a push is parsed once and its
//! `{type, data}` handed on as it is, see frames.js; of all other items the few fields that count are read here.

use alo_protocol::{ChannelId, Cursor, GapReason, Limits};
use wasm_bindgen::prelude::*;

use super::js::{element, field, json_stringify, length, number, text};
use crate::core::{Draft, Error, Frame, Incoming, Method, Recovery, Reply, Welcome, text::digits};

/// Reads an item of a frame, or a frame of one item, that is no push. One the client does not know, as a newer
/// gateway may send, is passed over.
pub(super) fn decode(item: &JsValue) -> Option<Incoming<'static, JsValue>> {
    if let Some(id) = number(item, "id") {
        let error = field(item, "error");
        let result = if error.is_object() {
            Err(decode_error(&error))
        } else {
            Ok(decode_reply(&field(item, "result")))
        };
        return Some(Incoming::Reply(id as u32, result));
    }
    if number(item, "pong").is_some() {
        return Some(Incoming::Pong);
    }
    Some(Incoming::Welcome(decode_welcome(&field(item, "welcome"))?))
}

fn decode_reply(result: &JsValue) -> Reply<JsValue> {
    let message = field(result, "message");
    Reply {
        message: message.is_object().then_some(message),
        channels: decode_recoveries(result).unwrap_or_default(),
        token_expires_in_ms: number(result, "tokenExpiresInMs").map(|ms| ms as u64),
    }
}

fn decode_welcome(welcome: &JsValue) -> Option<Welcome> {
    let limits = field(welcome, "limits");
    Some(Welcome {
        user: text(welcome, "userId")?,
        heartbeat_ms: number(welcome, "heartbeatMs")? as u32,
        token_expires_in_ms: number(welcome, "tokenExpiresInMs")? as u64,
        // The others are the gateway's to watch over.
        limits: Limits {
            frame_bytes: number(&limits, "frameBytes")? as u32,
            requests_in_flight: number(&limits, "requestsInFlight")? as u32,
            ..Limits::DEFAULT
        },
        channels: decode_recoveries(welcome)?,
    })
}

fn decode_recoveries(answer: &JsValue) -> Option<Vec<Recovery>> {
    let list = field(answer, "channels");
    let mut recoveries = Vec::new();
    for index in 0..length(&list)? {
        let item = element(&list, index);
        let position = field(&item, "cursor");
        let cursor = match text(&position, "epoch") {
            Some(epoch) => Some(Cursor {
                epoch,
                seq: number(&position, "seq")? as u64,
            }),
            None => None,
        };
        // A reason the client does not know is a gap all the same.
        let gap = text(&item, "gap").map(|gap| {
            let known = |reason: &GapReason| reason.as_str() == gap;
            let known = GapReason::ALL.into_iter().find(known);
            known.unwrap_or(GapReason::Expired)
        });
        recoveries.push(Recovery {
            channel: text(&item, "id")?.parse::<ChannelId>().ok()?,
            cursor,
            gap,
        });
    }
    Some(recoveries)
}

/// Reads an error of the gateway, from a frame or an HTTP body.
pub(super) fn decode_error(error: &JsValue) -> Error {
    Error {
        code: text(error, "code")
            .unwrap_or_else(|| "internal".to_owned())
            .into(),
        status: number(error, "statusCode").unwrap_or(500.0) as u16,
        message: text(error, "message").unwrap_or_default(),
        retryable: field(error, "retryable").is_truthy(),
    }
}

/// The text of a frame. `body` of a draft is a JSON object as text, made when the message was given.
pub(super) fn encode(frame: &Frame<JsValue>) -> String {
    match frame {
        Frame::Ping => r#"{"ping":0}"#.to_owned(),
        Frame::Hello { token, channels } => {
            let mut text = String::from(r#"{"hello":{"sdk":"alo-chat/"#);
            text.push_str(env!("CARGO_PKG_VERSION"));
            text.push_str(r#"","token":"#);
            push_string(&mut text, token);
            text.push_str(r#","channels":"#);
            push_list(&mut text, channels, |text, (channel, cursor)| {
                text.push_str(r#"{"id":"#);
                push_string(text, channel.as_str());
                text.push_str(r#","cursor":{"epoch":"#);
                push_string(text, &cursor.epoch);
                text.push_str(r#","seq":"#);
                text.push_str(&digits(cursor.seq));
                text.push_str("}}");
            });
            text.push_str("}}");
            text
        }
        Frame::Request(id, method) => {
            let mut text = String::from(r#"{"id":"#);
            text.push_str(&digits(u64::from(*id)));
            push_method(&mut text, method);
            text.push_str("}}");
            text
        }
    }
}

fn push_method(text: &mut String, method: &Method<JsValue>) {
    match method {
        Method::Subscribe(channels) => {
            text.push_str(r#","method":"subscribe","params":{"channels":"#);
            push_list(text, channels, |text, channel| {
                text.push_str(r#"{"id":"#);
                push_string(text, channel.as_str());
                *text += "}";
            });
        }
        Method::Unsubscribe(channels) => {
            text.push_str(r#","method":"unsubscribe","params":{"channelIds":"#);
            push_list(text, channels, |text, channel| {
                push_string(text, channel.as_str())
            });
        }
        Method::Refresh(token) => {
            text.push_str(r#","method":"auth.refresh","params":{"token":"#);
            push_string(text, token);
        }
        Method::Send { key, draft, files } => {
            let Draft {
                channel,
                parent,
                body,
                ..
            } = draft;
            text.push_str(r#","method":"message.send","params":{"key":""#);
            text.push_str(&String::from(*key));
            text.push_str(r#"","channelId":"#);
            push_string(text, channel.as_str());
            if let Some(parent) = parent {
                text.push_str(r#","parentId":""#);
                text.push_str(&String::from(*parent));
                *text += "\"";
            }
            if !files.is_empty() {
                text.push_str(r#","fileIds":"#);
                push_list(text, files, |text, file| {
                    push_string(text, &String::from(*file))
                });
            }
            let body = body.as_string().unwrap_or_default();
            let fields = body
                .strip_prefix("{")
                .and_then(|body| body.strip_suffix("}"))
                .unwrap_or_default();
            *text += ",";
            text.push_str(fields);
        }
    }
}

fn push_list<T>(text: &mut String, items: &[T], push: fn(&mut String, &T)) {
    *text += "[";
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            *text += ",";
        }
        push(text, item);
    }
    *text += "]";
}

fn push_string(text: &mut String, value: &str) {
    let quoted = json_stringify(&JsValue::from_str(value))
        .ok()
        .and_then(|quoted| quoted.as_string());
    // JSON.stringify of a string always gives a string.
    text.push_str(&quoted.unwrap_or_default());
}
