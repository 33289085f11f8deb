//! `downloadFile`: a file's bytes, with the token in a header as they must be.

use alo_protocol::{ErrorCode, Uuid};
use gloo_net::http::RequestBuilder;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::{
    envelope::object,
    http::{authorized, error_of},
    options::Endpoint,
};
use crate::core::Error;

/// `{blob}`, or why there is none.
pub(super) async fn download(
    endpoint: &Endpoint,
    token: &str,
    file: Uuid,
    signal: Option<&AbortSignal>,
) -> Result<JsValue, Error> {
    let request = authorized(RequestBuilder::new(&endpoint.file(file)), token).abort_signal(signal);
    let broken = || {
        if signal.is_some_and(AbortSignal::aborted) {
            Error::new(ErrorCode::Aborted, "the signal was aborted")
        } else {
            Error::new(
                ErrorCode::Unavailable,
                "the network failed during the download",
            )
        }
    };
    let response = request.send().await.map_err(|_| broken())?;
    if !response.ok() {
        let status = response.status();
        return Err(error_of(&response).await.unwrap_or_else(|| {
            Error::new(
                ErrorCode::Unavailable,
                format!("the gateway answered with status {status}"),
            )
        }));
    }
    let response: web_sys::Response = response.into();
    let blob = response.blob().map_err(|_| broken())?;
    let blob = JsFuture::from(blob).await.map_err(|_| broken())?;
    Ok(object(&[("blob", blob)]))
}
