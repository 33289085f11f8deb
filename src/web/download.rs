//! `downloadFile`: a file's bytes, with the token in a header as they must be.

use alo_protocol::{ErrorCode, Uuid};
use gloo_net::http::{Headers, Response};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::{
    driver::Driver,
    envelope,
    http::{error_of, fetch, given},
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
    let response: Option<Response> = fetch("GET", &url, token, Headers::new(), body, asked).await;
    let blob = match response {
        Some(response) if !response.ok() => {
            let status = digits(u64::from(response.status()));
            return Err(error_of(response).await.unwrap_or_else(|| {
                let message = concat(&["the gateway answered with status ", &status]);
                Error::new(ErrorCode::Unavailable, message)
            }));
        }
        Some(response) => given(web_sys::Response::from(response).blob()).await,
        None => None,
    };
    blob.ok_or_else(|| {
        if signal.is_some_and(AbortSignal::aborted) {
            Error::new(ErrorCode::Aborted, "the signal was aborted")
        } else {
            let message = "the network failed during the download";
            Error::new(ErrorCode::Unavailable, message)
        }
    })
}
