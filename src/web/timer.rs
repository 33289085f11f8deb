//! One timer for the one deadline of the core.

use std::cell::Cell;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::environment;
use crate::core::Instant;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// Fires its callback once at the time it is armed for, or before.
pub(super) struct Timer {
    callback: Closure<dyn FnMut()>,
    armed: Cell<Option<Instant>>,
    id: Cell<JsValue>,
}

impl Timer {
    pub(super) fn new(on_time: impl FnMut() + 'static) -> Self {
        Self {
            callback: Closure::new(on_time),
            armed: Cell::new(None),
            id: Cell::new(JsValue::UNDEFINED),
        }
    }

    /// Asks to be called at `deadline`. A later deadline keeps the timer as it is: it fires too
    /// early, finds nothing to do and is armed again. So a frame, which postpones the heartbeat, needs no
    /// call to the browser, not even for the time.
    pub(super) fn arm(&self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            return;
        };
        if self.armed.get().is_some_and(|armed| armed <= deadline) {
            return;
        }
        self.disarm();
        let ms = i32::try_from(deadline.since(environment::now())).unwrap_or(i32::MAX);
        self.armed.set(Some(deadline));
        self.id
            .set(set_timeout(self.callback.as_ref().unchecked_ref(), ms));
    }

    /// To be called when the timer has fired.
    pub(super) fn fired(&self) {
        self.armed.set(None);
    }

    /// Cancels the timer.
    pub(super) fn disarm(&self) {
        if self.armed.take().is_some() {
            clear_timeout(&self.id.replace(JsValue::UNDEFINED));
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.disarm();
    }
}
