//! What the engine needs from the package's JavaScript. None of these throw.

use wasm_bindgen::prelude::*;
use web_sys::{File, WebSocket};

#[wasm_bindgen]
extern "C" {
    /// The object behind one engine.
    pub type Host;

    /// Settles a call: with `errorData`, or with its response.
    #[wasm_bindgen(method)]
    pub(super) fn settle(this: &Host, call: u32, error: &JsValue, value: &JsValue);

    /// Emits an event to the listeners.
    #[wasm_bindgen(method)]
    pub(super) fn emit(this: &Host, event: &JsValue);

    /// Calls `authToken`; the answer is `Engine.tokenFetched`.
    #[wasm_bindgen(method, js_name = fetchToken)]
    pub(super) fn fetch_token(this: &Host);

    /// Makes an HTTP request for an upload; the answer is `Engine.httpDone`. With `key` it creates the upload;
    /// the bytes from `start` to `end` are sent along.
    #[wasm_bindgen(method)]
    pub(super) fn http(
        this: &Host,
        id: u32,
        method: &str,
        token: &str,
        location: Option<String>,
        key: Option<String>,
        start: f64,
        end: f64,
        size: f64,
        channel: &str,
        file: &File,
    );

    /// Cancels it; no answer is expected.
    #[wasm_bindgen(method, js_name = cancelHttp)]
    pub(super) fn cancel_http(this: &Host, id: u32);

    /// A socket that is open or opening; `None` when the browser refuses the address.
    #[wasm_bindgen(method, js_name = openSocket)]
    pub(super) fn open_socket(this: &Host) -> Option<WebSocket>;
}
