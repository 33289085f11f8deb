//! Frames to and from JSON. The browser's own JSON does the work: a push is parsed once and its
//! `{type, data}` handed on as it is, see frames.js; of all other items the few fields that count are read here.

use alo_protocol::{ChannelId, Cursor, GapReason, Limits};
use serde::Deserialize;
use wasm_bindgen::{JsCast, prelude::*};

use crate::core::{Draft, Error, Frame, Incoming, Method, Recovery, Reply, Welcome};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    pub(super) fn json_parse(text: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = JSON, js_name = stringify, catch)]
    pub(super) fn json_stringify(value: &JsValue) -> Result<JsValue, JsValue>;

    /// Any item but a push. A getter of a field that is not there gives `undefined`.
    type Item;
    #[wasm_bindgen(method, getter)]
    fn id(this: &Item) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn result(this: &Item) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn error(this: &Item) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn welcome(this: &Item) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn pong(this: &Item) -> JsValue;

    /// A result or an error.
    type Body;
    #[wasm_bindgen(method, getter)]
    fn message(this: &Body) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn channels(this: &Body) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = tokenExpiresInMs)]
    fn token_expires_in_ms(this: &Body) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn code(this: &Body) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = statusCode)]
    fn status_code(this: &Body) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn retryable(this: &Body) -> JsValue;
}

/// Reads an item of a frame, or a frame of one item, that is no push. One the client does not know, as a newer
/// gateway may send, is passed over.
pub(super) fn decode(item: &JsValue) -> Option<Incoming<'static, JsValue>> {
    if !item.is_object() {
        return None;
    }
    let item: &Item = item.unchecked_ref();
    if let Some(id) = item.id().as_f64() {
        let error = item.error();
        let result = if error.is_object() {
            Err(decode_error(&error))
        } else {
            Ok(decode_reply(&item.result()))
        };
        return Some(Incoming::Reply(id as u32, result));
    }
    if item.pong().as_f64().is_some() {
        return Some(Incoming::Pong);
    }
    let welcome = serde_wasm_bindgen::from_value::<WireWelcome>(item.welcome()).ok()?;
    Some(Incoming::Welcome(Welcome {
        user: welcome.user_id,
        heartbeat_ms: welcome.heartbeat_ms,
        token_expires_in_ms: welcome.token_expires_in_ms as u64,
        limits: welcome.limits,
        channels: welcome.channels.into_iter().map(Into::into).collect(),
    }))
}

fn decode_reply(result: &JsValue) -> Reply<JsValue> {
    if !result.is_object() {
        return Reply {
            message: None,
            channels: Vec::new(),
            token_expires_in_ms: None,
        };
    }
    let body: &Body = result.unchecked_ref();
    let message = body.message();
    let channels =
        serde_wasm_bindgen::from_value::<Vec<WireRecovery>>(body.channels()).unwrap_or_default();
    Reply {
        message: message.is_object().then_some(message),
        channels: channels.into_iter().map(Into::into).collect(),
        token_expires_in_ms: body.token_expires_in_ms().as_f64().map(|ms| ms as u64),
    }
}

/// Reads an error of the gateway, from a frame or an HTTP body.
pub(super) fn decode_error(error: &JsValue) -> Error {
    let body: &Body = error.unchecked_ref();
    Error {
        code: body
            .code()
            .as_string()
            .unwrap_or_else(|| "internal".to_owned())
            .into(),
        status: body.status_code().as_f64().unwrap_or(500.0) as u16,
        message: body.message().as_string().unwrap_or_default(),
        retryable: body.retryable().is_truthy(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireWelcome {
    user_id: String,
    heartbeat_ms: u32,
    token_expires_in_ms: f64,
    limits: Limits,
    channels: Vec<WireRecovery>,
}

#[derive(Deserialize)]
struct WireRecovery {
    id: ChannelId,
    cursor: Option<Cursor>,
    gap: Option<GapReason>,
}

impl From<WireRecovery> for Recovery {
    fn from(WireRecovery { id, cursor, gap }: WireRecovery) -> Self {
        Self {
            channel: id,
            cursor,
            gap,
        }
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
                text.push_str(&cursor.seq.to_string());
                text.push_str("}}");
            });
            text.push_str("}}");
            text
        }
        Frame::Request(id, method) => {
            let mut text = String::from(r#"{"id":"#);
            text.push_str(&id.to_string());
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
                text.push('}');
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
            text.push_str(&key.to_string());
            text.push_str(r#"","channelId":"#);
            push_string(text, channel.as_str());
            if let Some(parent) = parent {
                text.push_str(r#","parentId":""#);
                text.push_str(&parent.to_string());
                text.push('"');
            }
            if !files.is_empty() {
                text.push_str(r#","fileIds":"#);
                push_list(text, files, |text, file| {
                    push_string(text, &file.to_string())
                });
            }
            let body = body.as_string().unwrap_or_default();
            let fields = body
                .strip_prefix('{')
                .and_then(|body| body.strip_suffix('}'))
                .unwrap_or_default();
            text.push(',');
            text.push_str(fields);
        }
    }
}

fn push_list<T>(text: &mut String, items: &[T], mut push: impl FnMut(&mut String, &T)) {
    text.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push(text, item);
    }
    text.push(']');
}

fn push_string(text: &mut String, value: &str) {
    let quoted = json_stringify(&JsValue::from_str(value))
        .ok()
        .and_then(|quoted| quoted.as_string());
    // JSON.stringify of a string always gives a string.
    text.push_str(&quoted.unwrap_or_default());
}
