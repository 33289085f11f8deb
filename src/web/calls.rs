//! Promises given to JavaScript and not settled yet.

use std::cell::{Cell, RefCell};

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::core::CallId;

/// The open calls.
#[derive(Default)]
pub(super) struct Calls {
    next: Cell<u32>,
    open: RefCell<Vec<(CallId, Function, Option<AbortWatch>)>>,
}

impl Calls {
    /// Opens a call and gives its promise.
    pub(super) fn open(&self) -> (CallId, Promise) {
        let id = CallId(self.next.get());
        self.next.set(id.0.wrapping_add(1));
        let promise =
            Promise::new(&mut |resolve, _| self.open.borrow_mut().push((id, resolve, None)));
        (id, promise)
    }

    /// Ties a call to a signal.
    pub(super) fn watch(&self, id: CallId, watch: AbortWatch) {
        if let Some((_, _, slot)) = self
            .open
            .borrow_mut()
            .iter_mut()
            .find(|(open, _, _)| *open == id)
        {
            *slot = Some(watch);
        }
    }

    /// Takes out a call to resolve it.
    pub(super) fn take(&self, id: CallId) -> Option<Function> {
        let mut open = self.open.borrow_mut();
        let index = open.iter().position(|(open, _, _)| *open == id)?;
        Some(open.remove(index).1)
    }
}

/// Listens to a signal until dropped.
pub(super) struct AbortWatch {
    signal: AbortSignal,
    closure: Closure<dyn FnMut()>,
}

impl AbortWatch {
    pub(super) fn new(signal: AbortSignal, on_abort: impl FnMut() + 'static) -> Self {
        let closure = Closure::<dyn FnMut()>::new(on_abort);
        let _ = signal.add_event_listener_with_callback("abort", closure.as_ref().unchecked_ref());
        Self { signal, closure }
    }
}

impl Drop for AbortWatch {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        let _ = self
            .signal
            .remove_event_listener_with_callback("abort", callback);
    }
}
