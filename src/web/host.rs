//! What the engine needs of the package's JavaScript. None of these throws.

use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

#[wasm_bindgen]
extern "C" {
    /// The object that stands behind one engine.
    pub type Host;

    /// Answers a call: with `errorData`, or with what it resolves to.
    #[wasm_bindgen(method)]
    pub(super) fn settle(this: &Host, call: u32, error: &JsValue, value: &JsValue);

    /// Reports an event to the listeners.
    #[wasm_bindgen(method)]
    pub(super) fn emit(this: &Host, event: &JsValue);

    /// Asks `authToken`; the answer is `Engine.tokenFetched`.
    #[wasm_bindgen(method, js_name = fetchToken)]
    pub(super) fn fetch_token(this: &Host);

    /// A socket that is open or opening; `None` when the browser refuses the address.
    #[wasm_bindgen(method, js_name = openSocket)]
    pub(super) fn open_socket(this: &Host) -> Option<WebSocket>;
}
