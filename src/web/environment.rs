//! Clock, entropy and hints of network changes: the only place that reads them.

use js_sys::{BigUint64Array, Function};
use wasm_bindgen::prelude::*;

use crate::core::Instant;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(numbers: &BigUint64Array);

    #[wasm_bindgen(js_name = addEventListener)]
    fn add_global_listener(event: &str, listener: &Function);

    #[wasm_bindgen(js_name = removeEventListener)]
    fn remove_global_listener(event: &str, listener: &Function);
}

/// Events of the window (or worker) after which the network may have changed.
const WAKE_EVENTS: [&str; 4] = ["online", "offline", "pageshow", "visibilitychange"];

/// Now, on the clock the core uses.
pub(super) fn now() -> Instant {
    instant(performance_now())
}

/// The time of a browser event's `timeStamp`, which is of the same clock.
pub(super) fn instant(time_stamp: f64) -> Instant {
    Instant(time_stamp as u64)
}

/// Milliseconds since 1970.
pub(super) fn unix_ms() -> u64 {
    date_now() as u64
}

/// A seed nobody can guess.
pub(super) fn seed() -> u64 {
    let numbers = BigUint64Array::new_with_length(1);
    get_random_values(&numbers);
    numbers.get_index(0)
}

/// Listens for hints of change until dropped.
pub(super) struct WakeListener(Closure<dyn FnMut()>);

impl WakeListener {
    pub(super) fn new(on_wake: impl FnMut() + 'static) -> Self {
        let closure = Closure::<dyn FnMut()>::new(on_wake);
        for event in WAKE_EVENTS {
            add_global_listener(event, closure.as_ref().unchecked_ref());
        }
        Self(closure)
    }
}

impl Drop for WakeListener {
    fn drop(&mut self) {
        for event in WAKE_EVENTS {
            remove_global_listener(event, self.0.as_ref().unchecked_ref());
        }
    }
}
