//! `downloadFile`: a file's bytes, with the token in a header as they must be.

use alo_protocol::{ErrorCode, Uuid};
use gloo_net::http::Headers;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::{
    driver::Driver,
    envelope,
    http::{Answer, answer, fetch},
    js::object,
};
use crate::core::{
    Error,
    text::{concat, digits},
};

/// What the call resolves to.
pub(super) async fn download(driver: &Driver, file: Uuid, signal: Option<AbortSignal>) -> JsValue {
    let url = driver.endpoint.file(file);
    let mut refused = None;
    loop {
        // Promises of calls never reject.
        let given = JsFuture::from(driver.token(refused.clone(), signal.as_ref())).await;
        let given = given.unwrap_or_default();
        let Some(token) = given.as_string() else {
            return given;
        };
        let (headers, body) = (Headers::new(), JsValue::UNDEFINED);
        let asked = signal.as_ref().map_or(JsValue::UNDEFINED, JsValue::from);
        let request = fetch("GET", &url, &token, headers, body, asked);
        let answer = answer(request, true).await;
        if refused.is_none() && answer.as_ref().is_some_and(|answer| answer.status == 401) {
            // Once more with another token, if there is one.
            refused = Some(token);
            continue;
        }
        let aborted = signal.as_ref().is_some_and(AbortSignal::aborted);
        return match blob(answer, aborted) {
            Ok(blob) => envelope::success(object(&[("blob", blob)])),
            Err(error) => envelope::failure(&error),
        };
    }
}

fn blob(answer: Option<Answer>, aborted: bool) -> Result<JsValue, Error> {
    match answer {
        Some(answer) if answer.status < 400 => Ok(answer.body),
        Some(answer) => Err(answer.error().unwrap_or_else(|| {
            let status = digits(u64::from(answer.status));
            let message = concat(&["the gateway answered with status ", &status]);
            Error::new(ErrorCode::Unavailable, message)
        })),
        None if aborted => Err(Error::new(ErrorCode::Aborted, "the signal was aborted")),
        None => {
            let message = "the network failed during the download";
            Err(Error::new(ErrorCode::Unavailable, message))
        }
    }
}
