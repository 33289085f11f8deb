//! Unsent messages kept beyond the page's end, by the package's `outbox.js`: it knows IndexedDB, the engine
//! knows messages.

use alo_protocol::{ErrorCode, Uuid};
use js_sys::{Array, JsString, Object};
use wasm_bindgen::prelude::*;
use web_sys::File;

use super::{arguments::wire_bytes, envelope::object};
use crate::core::{Draft, Error, FileMeta, Kept, KeptFile, UploadId};

#[wasm_bindgen]
extern "C" {
    /// The storage.
    #[derive(Clone)]
    pub type Outbox;
    #[wasm_bindgen(method)]
    fn keep(this: &Outbox, message: &Record);
    #[wasm_bindgen(method, js_name = keepUpload)]
    pub(super) fn keep_upload(this: &Outbox, upload: u32, key: &str, location: Option<String>);
    #[wasm_bindgen(method)]
    pub(super) fn forget(this: &Outbox, key: &str);
    /// Brings what earlier pages have left to `Engine.restored`.
    #[wasm_bindgen(method)]
    pub(super) fn restore(this: &Outbox, user: &str);

    /// A message, or one of its files, as it is kept.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Record;
    #[wasm_bindgen(method, getter)]
    fn key(this: &Record) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = channelId)]
    fn channel_id(this: &Record) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = parentId)]
    fn parent_id(this: &Record) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Record) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn files(this: &Record) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn file(this: &Record) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn location(this: &Record) -> Option<String>;
    #[wasm_bindgen(method, setter)]
    fn set_upload(this: &Record, upload: u32);
}

/// Keeps a message whose files are these.
pub(super) fn keep(outbox: &Outbox, kept: &Kept<JsValue>, file_of: impl Fn(UploadId) -> JsValue) {
    let files: Array = kept
        .files
        .iter()
        .map(|file| {
            object(&[
                ("upload", file.upload.0.into()),
                ("file", file_of(file.upload)),
                ("key", file.key.to_string().into()),
            ])
        })
        .collect();
    let parent = kept.draft.parent.map(|parent| parent.to_string());
    let message = object(&[
        ("key", kept.key.to_string().into()),
        ("channelId", kept.draft.channel.as_str().into()),
        ("parentId", parent.map_or(JsValue::UNDEFINED, JsValue::from)),
        ("body", kept.draft.body.clone()),
        ("files", files.into()),
    ]);
    outbox.keep(message.unchecked_ref());
}

/// Reads a kept message; `add_upload` takes its files. What is in storage may have been written by anything
/// that runs at the page's origin.
pub(super) fn read(
    value: &JsValue,
    mut add_upload: impl FnMut(File, FileMeta) -> UploadId,
) -> Result<Kept<JsValue>, Error> {
    let damaged = || Error::new(ErrorCode::OutboxUnavailable, "a kept message is damaged");
    if !value.is_object() {
        return Err(damaged());
    }
    let record: &Record = value.unchecked_ref();
    let id = |text: Option<String>| text.and_then(|text| text.parse::<Uuid>().ok());
    let body: JsString = record.body().dyn_into().map_err(|_| damaged())?;
    let draft = Draft {
        channel: record
            .channel_id()
            .and_then(|id| id.parse().ok())
            .ok_or_else(damaged)?,
        parent: record.parent_id().and_then(|parent| parent.parse().ok()),
        body_bytes: wire_bytes(&body),
        body: body.into(),
    };
    let parts = Array::from(&record.files())
        .iter()
        .map(|value| {
            let part: Record = value.dyn_into::<Object>().ok()?.unchecked_into();
            let file: File = part.file().dyn_into().ok()?;
            Some((id(part.key())?, file, part))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(damaged)?;
    let key = id(record.key()).ok_or_else(damaged)?;
    let files = parts
        .into_iter()
        .map(|(key, file, part)| {
            let meta = FileMeta {
                channel: draft.channel.clone(),
                name: file.name(),
                size: file.size() as u64,
            };
            let upload = add_upload(file, meta.clone());
            part.set_upload(upload.0);
            let location = part.location();
            KeptFile {
                upload,
                meta,
                key,
                location,
            }
        })
        .collect();
    Ok(Kept { key, draft, files })
}
