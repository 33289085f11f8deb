//! Unsent messages kept beyond the page's end, by the package's `outbox.js`: it knows IndexedDB, the engine
//! knows messages.

use alo_protocol::{ErrorCode, Uuid};
use js_sys::{Array, JsString};
use wasm_bindgen::prelude::*;
use web_sys::File;

use super::{
    arguments::wire_bytes,
    js::{element, field, length, object, set, text},
};
use crate::core::{Draft, Error, FileMeta, Kept, KeptFile, UploadId};

#[wasm_bindgen]
extern "C" {
    /// The storage.
    #[derive(Clone)]
    pub type Outbox;
    #[wasm_bindgen(method)]
    fn keep(this: &Outbox, message: &JsValue);
    #[wasm_bindgen(method, js_name = keepUpload)]
    pub(super) fn keep_upload(this: &Outbox, upload: u32, key: &str, location: Option<String>);
    #[wasm_bindgen(method)]
    pub(super) fn forget(this: &Outbox, key: &str);
    /// Brings what earlier pages have left to `Engine.restored`.
    #[wasm_bindgen(method)]
    pub(super) fn restore(this: &Outbox, user: &str);
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
                ("key", String::from(file.key).into()),
            ])
        })
        .collect();
    let parent = kept.draft.parent.map(String::from);
    let message = object(&[
        ("key", String::from(kept.key).into()),
        ("channelId", kept.draft.channel.as_str().into()),
        ("parentId", parent.map_or(JsValue::UNDEFINED, JsValue::from)),
        ("body", kept.draft.body.clone()),
        ("files", files.into()),
    ]);
    outbox.keep(&message);
}

/// Reads a kept message; `add_upload` takes its files. What is in storage may have been written by anything
/// that runs at the page's origin.
pub(super) fn read(
    value: &JsValue,
    mut add_upload: impl FnMut(File, FileMeta) -> UploadId,
) -> Result<Kept<JsValue>, Error> {
    let damaged = || Error::new(ErrorCode::OutboxUnavailable, "a kept message is damaged");
    let id = |value: &JsValue, key: &str| text(value, key)?.parse::<Uuid>().ok();
    let body: JsString = field(value, "body").dyn_into().map_err(|_| damaged())?;
    let draft = Draft {
        channel: text(value, "channelId")
            .and_then(|id| id.parse().ok())
            .ok_or_else(damaged)?,
        parent: id(value, "parentId"),
        body_bytes: wire_bytes(&body),
        body: body.into(),
    };
    let list = field(value, "files");
    let parts = (0..length(&list).unwrap_or_default())
        .map(|index| {
            let part = element(&list, index);
            let file: File = field(&part, "file").dyn_into().ok()?;
            Some((id(&part, "key")?, file, part))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(damaged)?;
    let key = id(value, "key").ok_or_else(damaged)?;
    let files = parts
        .into_iter()
        .map(|(key, file, part)| {
            let meta = FileMeta {
                channel: draft.channel.clone(),
                name: file.name(),
                size: file.size() as u64,
            };
            let upload = add_upload(file, meta.clone());
            set(&part, "upload", &upload.0.into());
            let location = text(&part, "location");
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
