//! The event objects that listeners receive: `{type, data}`.

use wasm_bindgen::prelude::*;
use web_sys::File;

use super::js::object;
use crate::core::{Error, Event, FileMeta, UploadId};

/// `{type, data}`; `file_of` has the files being uploaded.
pub(super) fn event(
    event: Event<JsValue>,
    file_of: impl FnOnce(UploadId, Option<String>) -> Option<JsValue>,
) -> Option<JsValue> {
    let upload = |id, kind, file_id, more| {
        let file = file_of(id, file_id)?;
        let data: Vec<_> = [("file", file)].into_iter().chain(more).collect();
        Some(typed(kind, &data))
    };
    match event {
        Event::Pushed(event) => Some(event),
        Event::Connected => Some(typed("status.connected", &[])),
        Event::Disconnected => Some(typed("status.disconnected", &[])),
        Event::Reconnecting {
            attempt,
            delay_ms,
            cause,
            message,
        } => Some(typed(
            "status.reconnecting",
            &[
                ("attempt", attempt.into()),
                ("delayMs", (delay_ms as f64).into()),
                (
                    "cause",
                    object(&[("code", cause.as_str().into()), ("message", message.into())]),
                ),
            ],
        )),
        Event::Failed(error) => Some(typed("status.failed", &[("error", error_data(&error))])),
        Event::Gap(channel, reason) => {
            let reason = reason.map_or("forbidden", alo_protocol::GapReason::as_str);
            Some(typed(
                "channel.gap",
                &[
                    ("channelId", channel.as_str().into()),
                    ("reason", reason.into()),
                ],
            ))
        }
        Event::UploadProgress(id, percent) => upload(
            id,
            "file.upload.progress",
            None,
            Some(("percent", percent.into())),
        ),
        Event::UploadComplete(id, file) => {
            upload(id, "file.upload.complete", Some(file.into()), None)
        }
        Event::UploadError(id, error) => upload(
            id,
            "file.upload.error",
            None,
            Some(("error", error_data(&error))),
        ),
    }
}

/// A file being uploaded, as in events.
pub(super) fn uploading(source: &File, meta: &FileMeta, id: Option<String>) -> JsValue {
    object(&[
        ("channelId", meta.channel.as_str().into()),
        ("name", meta.name.as_str().into()),
        ("lastModified", source.last_modified().into()),
        ("size", (meta.size as f64).into()),
        ("contentType", source.type_().into()),
        ("source", source.into()),
        ("id", id.map_or(JsValue::UNDEFINED, JsValue::from)),
    ])
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

fn typed(kind: &str, data: &[(&str, JsValue)]) -> JsValue {
    object(&[("type", kind.into()), ("data", object(data))])
}
