//! Uploads by fetch. Bodies are slices of the native `File`: the browser reads them from disk while it
//! sends, and no byte enters wasm memory.

use alo_protocol::{ErrorCode, OFFSET_STREAM, TUS_VERSION};
use gloo_net::http::{Headers, Method, RequestBuilder, Response};
use js_sys::Object;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, File};

use super::{
    frame::{decode_error, json_parse},
    options::Endpoint,
};
use crate::core::{Error, FileMeta, HttpReply, HttpRequest};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = btoa)]
    fn btoa(bytes: &str) -> String;

    #[wasm_bindgen(js_name = encodeURIComponent)]
    fn encode_uri_component(text: &str) -> String;

    #[wasm_bindgen(js_name = unescape)]
    fn unescape(text: &str) -> String;
}

/// Makes a request; `None` when there was no answer.
pub(super) async fn send(
    endpoint: &Endpoint,
    token: &str,
    request: &HttpRequest,
    source: Option<(File, FileMeta)>,
    signal: &AbortSignal,
) -> Option<HttpReply> {
    let (method, url) = match request {
        HttpRequest::Create { .. } => (Method::POST, endpoint.files()),
        HttpRequest::Append { location, .. } => (Method::PATCH, endpoint.upload(location)),
        HttpRequest::Probe { location } => (Method::HEAD, endpoint.upload(location)),
        HttpRequest::Terminate { location } => (Method::DELETE, endpoint.upload(location)),
    };
    let headers = Headers::new();
    headers.set("Tus-Resumable", TUS_VERSION);
    let body = body(request, source.as_ref(), &headers);
    let has_body = body.is_some();
    let builder = RequestBuilder::new(&url).method(method).headers(headers);
    let builder = authorized(builder, token).abort_signal(Some(signal));
    let sent = match body {
        Some(body) => builder.body(body).ok()?.send().await,
        None => builder.send().await,
    };
    match (sent, source) {
        (Ok(response), _) => Some(reply(response).await),
        (Err(_), Some((file, _))) if has_body && !signal.aborted() && !is_readable(&file).await => {
            Some(unreadable())
        }
        (Err(_), _) => None,
    }
}

/// Whether the file is still what the user chose. `fetch` fails for one that was changed or deleted since as
/// it does for the network, so the file itself is asked: one byte, which stays in the browser.
async fn is_readable(file: &File) -> bool {
    if file.size() == 0.0 {
        return true;
    }
    match file.slice_with_i32_and_i32(0, 1) {
        Ok(byte) => JsFuture::from(byte.array_buffer()).await.is_ok(),
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

/// Adds the token.
pub(super) fn authorized(builder: RequestBuilder, token: &str) -> RequestBuilder {
    builder.header("Authorization", &format!("Bearer {token}"))
}

/// The error in the body of an answer of 400 or above.
pub(super) async fn error_of(response: &Response) -> Option<Error> {
    let text = response.text().await.ok()?;
    let body = json_parse(&JsValue::from_str(&text)).ok()?;
    let get =
        |value: &JsValue, key: &str| js_sys::Reflect::get(value, &JsValue::from_str(key)).ok();
    let data = get(&get(&body, "status")?, "errorData")?;
    data.is_instance_of::<Object>().then(|| decode_error(&data))
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
            error_of(&response).await
        },
    }
}

/// Sets the headers a request with bytes needs and cuts the bytes from the file.
fn body(
    request: &HttpRequest,
    source: Option<&(File, FileMeta)>,
    headers: &Headers,
) -> Option<JsValue> {
    let (file, meta) = source?;
    let (offset, length) = match request {
        HttpRequest::Create { key, length } => {
            headers.set("Upload-Length", &meta.size.to_string());
            headers.set("Upload-Metadata", &metadata(file, meta));
            headers.set("Idempotency-Key", &key.to_string());
            (0, *length)
        }
        HttpRequest::Append { offset, length, .. } => {
            headers.set("Upload-Offset", &offset.to_string());
            (*offset, *length)
        }
        HttpRequest::Probe { .. } | HttpRequest::Terminate { .. } => return None,
    };
    if length == 0 {
        return None;
    }
    headers.set("Content-Type", OFFSET_STREAM);
    // Files are smaller than 2^53 bytes, so the numbers are exact.
    let slice = file.slice_with_f64_and_f64(offset as f64, (offset + length) as f64);
    slice.ok().map(JsValue::from)
}

fn metadata(file: &File, meta: &FileMeta) -> String {
    let last_modified = file.last_modified();
    [
        ("filename", meta.name.as_str()),
        ("filetype", &file.type_()),
        ("channelId", meta.channel.as_str()),
        ("lastModified", &(last_modified as i64).to_string()),
    ]
    .map(|(key, value)| format!("{key} {}", base64(value)))
    .join(",")
}

/// Base64 of UTF-8: `btoa` takes one byte a character.
fn base64(text: &str) -> String {
    btoa(&unescape(&encode_uri_component(text)))
}
