//! Frames to and from JSON. A shell parses JSON into values of its own, which [`Payload`] reads; the text of a
//! frame is built here.

use alo_protocol::{ChannelId, Cursor, GapReason, Limits, Uuid};

use super::{
    Error, Frame, Incoming, Method, Recovery, Welcome,
    text::{digits, push_quoted},
};

/// A JSON value of the shell. A missing key, or a value of another type, is absent.
pub trait Payload: Clone {
    /// The value at a key.
    fn field(&self, key: &str) -> Option<Self>;
    /// The value, if it is a string.
    fn string(&self) -> Option<String>;
    /// The value, if it is a number.
    fn number(&self) -> Option<f64>;
    /// Whether the value is `true`.
    fn is_true(&self) -> bool;
    /// The length of a list.
    fn length(&self) -> Option<u32>;
    /// An element of a list.
    fn element(&self, index: u32) -> Option<Self>;
}

/// Reads an item of a frame. An unknown one, as a newer gateway may send, is `None`; so is a push or a
/// signal, which shells split themselves as it borrows its names.
pub fn decode<P: Payload>(item: &P) -> Option<Incoming<'static, P>> {
    if let Some(id) = number(item, "id") {
        let result = match item.field("error") {
            Some(error) => Err(decode_error(&error)),
            None => Ok(item.field("result")?),
        };
        return Some(Incoming::Reply(id as u32, result));
    }
    if let Some(welcome) = item.field("welcome") {
        return Some(Incoming::Welcome(decode_welcome(&welcome)?));
    }
    if let Some(gap) = item.field("gap") {
        return Some(Incoming::Gap(decode_recovery(&gap)?));
    }
    number(item, "pong").map(|_| Incoming::Pong)
}

/// Reads an error of the gateway, from a frame or an HTTP body.
pub fn decode_error<P: Payload>(error: &P) -> Error {
    Error {
        code: text(error, "code")
            .unwrap_or_else(|| "internal".to_owned())
            .into(),
        status: number(error, "statusCode").unwrap_or(500.0) as u16,
        message: text(error, "message").unwrap_or_default(),
        retryable: error
            .field("retryable")
            .is_some_and(|value| value.is_true()),
        retry_after_ms: number(error, "retryAfterMs").map(|ms| ms as u32),
    }
}

/// The recoveries in a result of `subscribe` or `resume`.
pub fn decode_recoveries<P: Payload>(answer: &P) -> Option<Vec<Recovery>> {
    let list = answer.field("channels")?;
    (0..list.length()?)
        .map(|index| decode_recovery(&list.element(index)?))
        .collect()
}

/// A number of milliseconds in a result.
pub(super) fn decode_ms<P: Payload>(result: &P, key: &str) -> Option<u64> {
    number(result, key).map(|ms| ms as u64)
}

fn decode_welcome<P: Payload>(welcome: &P) -> Option<Welcome> {
    let limits = welcome.field("limits")?;
    Some(Welcome {
        user: text(welcome, "userId")?,
        heartbeat_ms: number(welcome, "heartbeatMs")? as u32,
        token_expires_in_ms: decode_ms(welcome, "tokenExpiresInMs")?,
        // The gateway enforces the others.
        limits: Limits {
            frame_bytes: number(&limits, "frameBytes")? as u32,
            channels_per_connection: number(&limits, "channelsPerConnection")? as u32,
            requests_in_flight: number(&limits, "requestsInFlight")? as u32,
            ..Limits::DEFAULT
        },
    })
}

fn decode_recovery<P: Payload>(item: &P) -> Option<Recovery> {
    let cursor = item.field("cursor").and_then(|cursor| {
        Some(Cursor {
            epoch: text(&cursor, "epoch")?,
            seq: number(&cursor, "seq")? as u64,
        })
    });
    let gap = text(item, "gap").map(|gap| {
        let known = |reason: &GapReason| reason.as_str() == gap;
        // An unknown reason is a gap as well.
        GapReason::ALL
            .into_iter()
            .find(known)
            .unwrap_or(GapReason::Expired)
    });
    Some(Recovery {
        channel: ChannelId::of_log(&text(item, "id")?).ok()?,
        cursor,
        gap,
    })
}

fn text<P: Payload>(value: &P, key: &str) -> Option<String> {
    value.field(key)?.string()
}

fn number<P: Payload>(value: &P, key: &str) -> Option<f64> {
    value.field(key)?.number()
}

/// A frame as text: `head`, then the payload if there is one, then `tail`. A payload is never copied here.
#[derive(Debug)]
pub struct Text<P> {
    /// The beginning.
    pub head: String,
    /// JSON text of the user's.
    pub body: Option<P>,
    /// The end.
    pub tail: String,
}

/// The text of a frame.
pub fn encode<P: Clone>(frame: &Frame<P>) -> Text<P> {
    let (mut head, mut tail, mut body) = (String::new(), String::new(), None);
    match frame {
        Frame::Ping => head.push_str(r#"{"ping":0}"#),
        Frame::Hello { token, device } => {
            head.push_str(concat!(
                r#"{"hello":{"sdk":"alo-chat/"#,
                env!("CARGO_PKG_VERSION"),
                r#"","token":"#
            ));
            push_quoted(&mut head, token);
            head.push_str(r#","deviceId":"#);
            body = Some(device.clone());
            tail.push_str("}}");
        }
        Frame::Request(id, method) => {
            head.push_str(r#"{"id":"#);
            head.push_str(&digits(u64::from(*id)));
            head.push_str(r#","method":"#);
            match method {
                Method::Subscribe(channels) => {
                    head.push_str(r#""subscribe","params":{"channels":"#);
                    push_list(&mut head, channels, |text, channel: &ChannelId| {
                        text.push_str(r#"{"id":"#);
                        push_quoted(text, channel.as_str());
                        text.push('}');
                    });
                }
                Method::Resume(channels) => {
                    head.push_str(r#""resume","params":{"channels":"#);
                    push_list(&mut head, channels, |text, (channel, cursor)| {
                        text.push_str(r#"{"id":"#);
                        push_quoted(text, channel.as_str());
                        text.push_str(r#","cursor":{"epoch":"#);
                        push_quoted(text, &cursor.epoch);
                        text.push_str(r#","seq":"#);
                        text.push_str(&digits(cursor.seq));
                        text.push_str("}}");
                    });
                }
                Method::Unsubscribe(channels) => {
                    head.push_str(r#""unsubscribe","params":{"channelIds":"#);
                    push_list(&mut head, channels, |text, channel: &ChannelId| {
                        push_quoted(text, channel.as_str());
                    });
                }
                Method::Refresh(token) => {
                    head.push_str(r#""auth.refresh","params":{"token":"#);
                    push_quoted(&mut head, token);
                }
                Method::Once {
                    body: own,
                    key,
                    files,
                } => {
                    body = Some(own.clone());
                    tail.push_str(r#","key":"#);
                    push_id(&mut tail, key);
                    if !files.is_empty() {
                        tail.push_str(r#","fileIds":"#);
                        push_list(&mut tail, files, push_id);
                    }
                }
                Method::Other(own) => body = Some(own.clone()),
            }
            tail.push_str("}}");
        }
    }
    Text { head, body, tail }
}

fn push_list<T>(text: &mut String, items: &[T], push: fn(&mut String, &T)) {
    text.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push(text, item);
    }
    text.push(']');
}

fn push_id(text: &mut String, id: &Uuid) {
    push_quoted(text, &String::from(*id));
}
