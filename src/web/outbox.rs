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
    add_upload: impl FnMut(File, FileMeta) -> UploadId,
) -> Result<Kept<JsValue>, Error> {
    let damaged = || Error::new(ErrorCode::OutboxUnavailable, "a kept message is damaged");
    read_message(value, add_upload).ok_or_else(damaged)
}

fn read_message(
    value: &JsValue,
    mut add_upload: impl FnMut(File, FileMeta) -> UploadId,
) -> Option<Kept<JsValue>> {
    let body: JsString = field(value, "body").dyn_into().ok()?;
    let draft = Draft {
        channel: text(value, "channelId")?.parse().ok()?,
        parent: id(value, "parentId"),
        body_bytes: wire_bytes(&body),
        body: body.into(),
    };
    let key = id(value, "key")?;
    let list = field(value, "files");
    let mut parts = Vec::new();
    for index in 0..length(&list).unwrap_or_default() {
        let part = element(&list, index);
        let file: File = field(&part, "file").dyn_into().ok()?;
        parts.push((id(&part, "key")?, file, part));
    }
    // Only now: of a damaged message no file is taken.
    let mut files = Vec::new();
    for (key, file, part) in parts {
        let meta = FileMeta {
            channel: draft.channel.clone(),
            name: file.name(),
            size: file.size() as u64,
        };
        let upload = add_upload(file, meta.clone());
        set(&part, "upload", &upload.0.into());
        files.push(KeptFile {
            upload,
            meta,
            key,
            location: text(&part, "location"),
        });
    }
    Some(Kept { key, draft, files })
}

fn id(value: &JsValue, key: &str) -> Option<Uuid> {
    text(value, key)?.parse().ok()
}
