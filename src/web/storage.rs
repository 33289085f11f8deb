//! Unsent commands kept after the page is closed, by the package's `outbox.js`: it handles IndexedDB, the engine
//! handles commands.

use alo_protocol::{ErrorCode, Uuid};
use js_sys::Array;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::File;

use super::js::{elements, field, number, object, set, text};
use crate::core::{CallId, Error, FileMeta, Kept, KeptFile, UploadId};

#[wasm_bindgen]
extern "C" {
    /// The storage.
    pub type Storage;
    #[wasm_bindgen(method)]
    fn keep(this: &Storage, command: &JsValue);
    #[wasm_bindgen(method, js_name = keepUpload)]
    pub(super) fn keep_upload(this: &Storage, upload: u32, key: &str, location: Option<String>);
    #[wasm_bindgen(method)]
    pub(super) fn forget(this: &Storage, key: &str);
    /// Loads what earlier pages have left, for `Engine.restored`.
    #[wasm_bindgen(method)]
    pub(super) fn restore(this: &Storage, user: &str);
}

/// Keeps a command whose files are these.
pub(super) fn keep(storage: &Storage, kept: &Kept<JsValue>, file_of: impl Fn(UploadId) -> JsValue) {
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
    storage.keep(&object(&[
        ("key", String::from(kept.key).into()),
        ("body", kept.body.clone()),
        ("bytes", kept.bytes.into()),
        ("files", files.into()),
    ]));
}

/// Reads a kept command and the call that represents it; `add_file` takes its files. What is in storage may
/// have been written by anything that runs at the page's origin.
pub(super) fn read(
    value: &JsValue,
    add_file: impl FnMut(File, &str) -> Option<(UploadId, FileMeta)>,
) -> (CallId, Result<Kept<JsValue>, Error>) {
    let call = CallId(number(value, "call").unwrap_or_default() as u32);
    let damaged = || Error::new(ErrorCode::OutboxUnavailable, "a kept message is damaged");
    (call, read_command(value, add_file).ok_or_else(damaged))
}

fn read_command(
    value: &JsValue,
    mut add_file: impl FnMut(File, &str) -> Option<(UploadId, FileMeta)>,
) -> Option<Kept<JsValue>> {
    let body = field(value, "body");
    let (key, bytes) = (id(value, "key")?, number(value, "bytes")? as u32);
    let mut parts = Vec::new();
    for part in elements(&field(value, "files")) {
        let file: File = field(&part, "file").dyn_into().ok()?;
        parts.push((id(&part, "key")?, file, part));
    }
    if !body.is_string() {
        return None;
    }
    // Only now: files of a damaged command are not taken.
    let mut files = Vec::new();
    for (key, file, part) in parts {
        let (upload, meta) = add_file(file, &text(value, "channelId")?)?;
        set(&part, "upload", &upload.0.into());
        files.push(KeptFile {
            upload,
            meta,
            key,
            location: text(&part, "location"),
        });
    }
    Some(Kept {
        key,
        body,
        bytes,
        files,
    })
}

fn id(value: &JsValue, key: &str) -> Option<Uuid> {
    text(value, key)?.parse().ok()
}
