//! What JavaScript receives: `{status, response}` and `{type, data}`.

use wasm_bindgen::prelude::*;

use super::js::object;
use crate::core::{Error, Event, Settled};

/// What a call resolves to.
pub(super) fn settled(result: Result<Settled<JsValue>, Error>) -> JsValue {
    match result {
        Ok(Settled::Done | Settled::Token(_)) => success(JsValue::UNDEFINED),
        Ok(Settled::Sent(message)) => success(object(&[("message", message)])),
        Ok(Settled::Subscribed(channels)) => {
            // A list of strings always serialises.
            let ids = serde_wasm_bindgen::to_value(&channels).unwrap_or_default();
            success(object(&[("channelIds", ids)]))
        }
        Err(error) => failure(&error),
    }
}

/// `{status: {error: false}, response}`
pub(super) fn success(response: JsValue) -> JsValue {
    let status = object(&[("error", JsValue::FALSE)]);
    if response.is_undefined() {
        object(&[("status", status)])
    } else {
        object(&[("status", status), ("response", response)])
    }
}

/// `{status: {error: true, errorData}}`
pub(super) fn failure(error: &Error) -> JsValue {
    let status = object(&[("error", JsValue::TRUE), ("errorData", error_data(error))]);
    object(&[("status", status)])
}

/// `{type, data}` of an event that concerns no file.
pub(super) fn event(event: Event<JsValue>) -> Option<JsValue> {
    Some(match event {
        Event::Pushed(event) => event,
        Event::Connected => typed("status.connected", &[]),
        Event::Disconnected => typed("status.disconnected", &[]),
        Event::Reconnecting { attempt, delay_ms } => typed(
            "status.reconnecting",
            &[
                ("attempt", attempt.into()),
                ("delayMs", (delay_ms as f64).into()),
            ],
        ),
        Event::Failed(error) => typed("status.failed", &[("error", error_data(&error))]),
        Event::Gap(channel, reason) => {
            let reason = reason.map_or("forbidden", alo_protocol::GapReason::as_str);
            typed(
                "channel.gap",
                &[
                    ("channelId", channel.as_str().into()),
                    ("reason", reason.into()),
                ],
            )
        }
        Event::UploadProgress(..) | Event::UploadComplete(..) | Event::UploadError(..) => {
            return None;
        }
    })
}

/// `{type, data}`
pub(super) fn typed(kind: &str, data: &[(&str, JsValue)]) -> JsValue {
    object(&[("type", kind.into()), ("data", object(data))])
}

/// `errorData`
pub(super) fn error_data(error: &Error) -> JsValue {
    object(&[
        ("statusCode", error.status.into()),
        ("message", error.message.as_str().into()),
        ("code", (&*error.code).into()),
        ("retryable", error.retryable.into()),
    ])
}
