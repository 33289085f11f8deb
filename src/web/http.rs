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
    frame::decode_error,
    js::{field, object},
    options::Endpoint,
};
use crate::core::{
    Error, FileMeta, HttpReply, HttpRequest,
    text::{concat, digits},
};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch_url(url: &str, init: &JsValue) -> Promise;

    #[wasm_bindgen(js_name = btoa)]
    fn btoa(bytes: &JsValue) -> String;

    #[wasm_bindgen(js_name = encodeURIComponent)]
    fn encode_uri_component(text: &str) -> JsValue;

    #[wasm_bindgen(js_name = unescape)]
    fn unescape(text: &JsValue) -> JsValue;
}

/// Runs a future; of one type for all, so that the module holds one executor.
pub(super) fn spawn(future: Pin<Box<dyn Future<Output = ()>>>) {
    spawn_local(future);
}

/// Makes a request with the token; `None` when there was no answer.
pub(super) async fn fetch(
    method: &str,
    url: &str,
    token: &str,
    headers: Headers,
    body: JsValue,
    signal: JsValue,
) -> Option<Response> {
    headers.set("Authorization", &concat(&["Bearer ", token]));
    let init = object(&[
        ("method", method.into()),
        ("headers", headers.into_raw().into()),
        ("body", body),
        ("signal", signal),
    ]);
    let response = JsFuture::from(fetch_url(url, &init)).await.ok()?;
    // `fetch` gives nothing else.
    Some(response.unchecked_into::<web_sys::Response>().into())
}

/// The value a promise gives, if it does.
pub(super) async fn given(promise: Result<Promise, JsValue>) -> Option<JsValue> {
    JsFuture::from(promise.ok()?).await.ok()
}

/// Makes a request of an upload; `None` when there was no answer.
pub(super) async fn send(
    endpoint: &Endpoint,
    token: &str,
    request: &HttpRequest,
    source: Option<(File, FileMeta)>,
    signal: &AbortSignal,
) -> Option<HttpReply> {
    let (method, url) = match request {
        HttpRequest::Create { .. } => ("POST", endpoint.files()),
        HttpRequest::Append { location, .. } => ("PATCH", endpoint.upload(location)),
        HttpRequest::Probe { location } => ("HEAD", endpoint.upload(location)),
        HttpRequest::Terminate { location } => ("DELETE", endpoint.upload(location)),
    };
    let headers = Headers::new();
    headers.set("Tus-Resumable", TUS_VERSION);
    let body = body(request, source.as_ref(), &headers);
    let has_body = !body.is_undefined();
    match (
        fetch(method, &url, token, headers, body, signal.into()).await,
        source,
    ) {
        (Some(response), _) => Some(reply(response).await),
        (None, Some((file, _))) if has_body && !signal.aborted() && !is_readable(&file).await => {
            Some(unreadable())
        }
        (None, _) => None,
    }
}

/// Whether the file is still what the user chose. `fetch` fails for one that was changed or deleted since as
/// it does for the network, so the file itself is asked: one byte, which stays in the browser.
async fn is_readable(file: &File) -> bool {
    if file.size() == 0.0 {
        return true;
    }
    match file.slice_with_f64_and_f64(0.0, 1.0) {
        Ok(byte) => given(Ok(byte.array_buffer())).await.is_some(),
        Err(_) => false,
    }
}

/// Stands for an answer that ends the upload.
fn unreadable() -> HttpReply {
    let message = "was changed or deleted, or can no longer be read";
    HttpReply {
        error: Some(Error::new(ErrorCode::UploadFailed, message)),
        ..HttpReply::default()
    }
}

/// The error in the body of an answer of 400 or above.
pub(super) async fn error_of(response: Response) -> Option<Error> {
    let response: web_sys::Response = response.into();
    let body = given(response.json()).await?;
    let data = field(&field(&body, "status"), "errorData");
    data.is_object().then(|| decode_error(&data))
}

async fn reply(response: Response) -> HttpReply {
    let headers = response.headers();
    let status = response.status();
    HttpReply {
        status,
        offset: headers
            .get("upload-offset")
            .and_then(|offset| offset.parse().ok()),
        location: headers.get("location"),
        error: if status < 400 {
            None
        } else {
            error_of(response).await
        },
    }
}

/// Sets the headers a request with bytes needs and cuts the bytes from the file.
fn body(request: &HttpRequest, source: Option<&(File, FileMeta)>, headers: &Headers) -> JsValue {
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
