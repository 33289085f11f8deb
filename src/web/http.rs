//! HTTP requests through the browser's `fetch`. The bytes of a file are named by range and never enter
//! wasm memory.

use std::pin::Pin;

use alo_protocol::{ErrorCode, OFFSET_STREAM, TUS_VERSION};
use gloo_net::http::{Headers, Response};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortSignal, File};

use super::{
    endpoint::Endpoint,
    js::{field, object},
};
use crate::core::{
    Error, FileMeta, HttpReply, HttpRequest,
    codec::decode_error,
    text::{concat, digits},
};

#[wasm_bindgen]
extern "C" {
    fn fetch(url: &str, init: &JsValue) -> Promise;

    #[wasm_bindgen(js_name = btoa)]
    fn btoa(bytes: &JsValue) -> String;

    #[wasm_bindgen(js_name = encodeURIComponent)]
    fn encode_uri_component(text: &str) -> JsValue;

    #[wasm_bindgen(js_name = unescape)]
    fn unescape(text: &JsValue) -> JsValue;
}

/// Runs a future. All have one type, so that the module contains one executor.
pub(super) fn spawn(future: Pin<Box<dyn Future<Output = ()>>>) {
    spawn_local(future);
}

/// The answer to a request; `None` when there was none.
pub(super) async fn answer(request: Promise) -> Option<HttpReply> {
    // `fetch` returns nothing else.
    let raw: web_sys::Response = JsFuture::from(request).await.ok()?.unchecked_into();
    let response = Response::from(raw);
    let (status, headers) = (response.status(), response.headers());
    let raw: web_sys::Response = response.into();
    let error = if status >= 400 {
        // A proxy's error page is not JSON.
        let body = JsFuture::from(raw.json().ok()?).await.unwrap_or_default();
        let data = field(&field(&body, "status"), "errorData");
        data.is_object().then(|| decode_error(&data))
    } else {
        None
    };
    Some(HttpReply {
        status,
        offset: headers
            .get("upload-offset")
            .and_then(|offset| offset.parse().ok()),
        location: headers.get("location"),
        error,
    })
}

/// Makes a request of an upload. Returns the file that bytes were taken from, if any were.
pub(super) fn send(
    endpoint: &Endpoint,
    token: &str,
    request: &HttpRequest,
    source: Option<(&File, &FileMeta)>,
    signal: &AbortSignal,
) -> (Promise, Option<File>) {
    let (method, url) = match request {
        HttpRequest::Create { .. } => ("POST", endpoint.files()),
        HttpRequest::Append { location, .. } => ("PATCH", endpoint.upload(location)),
        HttpRequest::Probe { location } => ("HEAD", endpoint.upload(location)),
        HttpRequest::Terminate { location } => ("DELETE", endpoint.upload(location)),
    };
    let headers = Headers::new();
    headers.set("Tus-Resumable", TUS_VERSION);
    let body = body(request, source, &headers);
    let sent = source.filter(|_| !body.is_undefined());
    let sent = sent.map(|(file, _)| file.clone());
    headers.set("Authorization", &concat(&["Bearer ", token]));
    let init = object(&[
        ("method", method.into()),
        ("headers", headers.into_raw().into()),
        ("body", body),
        ("signal", signal.into()),
    ]);
    (fetch(&url, &init), sent)
}

/// An answer that ends the upload, if the file is no longer what the user chose. `fetch` reports a file that was
/// changed or deleted like a network failure, so one byte of the file is read to find out; it stays in the
/// browser.
pub(super) async fn unreadable(file: &File) -> Option<HttpReply> {
    let byte = file.slice_with_f64_and_f64(0.0, 1.0).ok()?;
    if file.size() == 0.0 || JsFuture::from(byte.array_buffer()).await.is_ok() {
        return None;
    }
    let message = "was changed or deleted, or can no longer be read";
    Some(HttpReply {
        error: Some(Error::new(ErrorCode::UploadFailed, message)),
        ..HttpReply::default()
    })
}

/// Sets the headers a request with bytes needs and cuts the bytes from the file.
fn body(request: &HttpRequest, source: Option<(&File, &FileMeta)>, headers: &Headers) -> JsValue {
    let Some((file, meta)) = source else {
        return JsValue::UNDEFINED;
    };
    let (offset, length) = match request {
        HttpRequest::Create { key, length } => {
            headers.set("Upload-Length", &digits(meta.size));
            headers.set("Upload-Metadata", &metadata(file, meta));
            headers.set("Idempotency-Key", &String::from(*key));
            (0, *length)
        }
        HttpRequest::Append { offset, length, .. } => {
            headers.set("Upload-Offset", &digits(*offset));
            (*offset, *length)
        }
        HttpRequest::Probe { .. } | HttpRequest::Terminate { .. } => return JsValue::UNDEFINED,
    };
    if length == 0 {
        return JsValue::UNDEFINED;
    }
    headers.set("Content-Type", OFFSET_STREAM);
    // Files are smaller than 2^53 bytes, so the numbers are exact.
    let slice = file.slice_with_f64_and_f64(offset as f64, (offset + length) as f64);
    slice.map_or(JsValue::UNDEFINED, JsValue::from)
}

fn metadata(file: &File, meta: &FileMeta) -> String {
    let mut text = String::new();
    for (key, value) in [
        ("filename ", meta.name.as_str()),
        (",filetype ", &file.type_()),
        (",channelId ", meta.channel.as_str()),
        (
            ",lastModified ",
            &digits(file.last_modified().max(0.0) as u64),
        ),
    ] {
        text.push_str(key);
        text.push_str(&base64(value));
    }
    text
}

/// Base64 of UTF-8: `btoa` takes one byte a character.
fn base64(text: &str) -> String {
    btoa(&unescape(&encode_uri_component(text)))
}
