//! `downloadFile`: a file's bytes, with the token in a header as they must be.

use alo_protocol::{ErrorCode, Uuid};
use gloo_net::http::Headers;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::{
    driver::Driver,
    envelope,
    http::{answer, fetch},
    js::object,
};
use crate::core::{
    Error,
    text::{concat, digits},
};

/// What the call resolves to.
pub(super) async fn download(driver: &Driver, file: Uuid, signal: Option<AbortSignal>) -> JsValue {
    let mut refused = None;
    loop {
        let token = match driver.token(refused.clone(), signal.as_ref()).await {
            Ok(token) => token,
            Err(envelope) => return envelope,
        };
        match blob(driver, &token, file, signal.as_ref()).await {
            // Once more with another token, if there is one.
            Err(error) if error.status == 401 && refused.is_none() => refused = Some(token),
            Err(error) => return envelope::failure(&error),
            Ok(blob) => return envelope::success(object(&[("blob", blob)])),
        }
    }
}

async fn blob(
    driver: &Driver,
    token: &str,
    file: Uuid,
    signal: Option<&AbortSignal>,
) -> Result<JsValue, Error> {
    let url = driver.endpoint.file(file);
    let asked = signal.map_or(JsValue::UNDEFINED, JsValue::from);
    let body = JsValue::UNDEFINED;
    let request = fetch("GET", &url, token, Headers::new(), body, asked);
    match answer(request, true).await {
        Some(answer) if answer.status < 400 => Ok(answer.body),
        Some(answer) => Err(answer.error().unwrap_or_else(|| {
            let status = digits(u64::from(answer.status));
            let message = concat(&["the gateway answered with status ", &status]);
            Error::new(ErrorCode::Unavailable, message)
        })),
        None => Err(if signal.is_some_and(AbortSignal::aborted) {
            Error::new(ErrorCode::Aborted, "the signal was aborted")
        } else {
            let message = "the network failed during the download";
            Error::new(ErrorCode::Unavailable, message)
        }),
    }
}
