//! The event socket: `web_sys::WebSocket`, whose late events are told by the socket's id.

use std::{cell::RefCell, rc::Rc};

use alo_protocol::SUBPROTOCOL;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, WebSocket};

use super::environment;
use crate::core::{Instant, SocketId};

/// The close code for "done", the only one below 3000 a page may give.
const NORMAL: u16 = 1000;
/// What a close without a code stands for.
const ABNORMAL: u16 = 1006;

#[wasm_bindgen(module = "/src/web/frames.js")]
extern "C" {
    /// See there.
    fn hear(socket: &WebSocket, log: &JsValue, push: &JsValue, item: &JsValue);
}

/// What a socket reports.
pub(super) enum SocketEvent<'a> {
    Opened,
    /// A frame, or one item of a frame with many.
    Received {
        what: Received<'a>,
        at: Instant,
        /// Nothing more comes of this frame.
        is_last: bool,
    },
    Closed(u16),
}

/// What is in a frame.
pub(super) enum Received<'a> {
    /// An event of a channel.
    Push {
        channel: &'a str,
        epoch: &'a str,
        seq: f64,
        event: JsValue,
    },
    /// All else, as JSON has it.
    Item(JsValue),
}

/// An open or opening socket; closed when dropped.
pub(super) struct Socket {
    pub(super) id: SocketId,
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _log: Closure<dyn FnMut(String, String) -> usize>,
    _push: Closure<dyn FnMut(usize, f64, JsValue, f64, bool)>,
    _item: Closure<dyn FnMut(JsValue, f64, bool)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Opens a socket; what happens on it is told to `report`.
    pub(super) fn open(
        id: SocketId,
        url: &str,
        report: Rc<dyn Fn(SocketId, SocketEvent<'_>)>,
    ) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, SUBPROTOCOL)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on_open = report.clone();
        let open = Closure::<dyn FnMut()>::new(move || on_open(id, SocketEvent::Opened));
        let logs: Rc<RefCell<Vec<(String, String)>>> = Rc::default();
        let known = logs.clone();
        let log = Closure::<dyn FnMut(String, String) -> usize>::new(move |channel, epoch| {
            let mut logs = logs.borrow_mut();
            logs.push((channel, epoch));
            logs.len() - 1
        });
        let on_push = report.clone();
        let push = Closure::<dyn FnMut(usize, f64, JsValue, f64, bool)>::new(
            move |number: usize, seq, event, time, is_last| {
                // The number was given by `log`; what is reported may call back, but opens no log.
                let logs = known.borrow();
                if let Some((channel, epoch)) = logs.get(number) {
                    let what = Received::Push {
                        channel,
                        epoch,
                        seq,
                        event,
                    };
                    let at = environment::instant(time);
                    on_push(id, SocketEvent::Received { what, at, is_last });
                }
            },
        );
        let on_item = report.clone();
        let item = Closure::<dyn FnMut(JsValue, f64, bool)>::new(move |value, time, is_last| {
            let what = Received::Item(value);
            let at = environment::instant(time);
            on_item(id, SocketEvent::Received { what, at, is_last });
        });
        let close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let code = if event.code() == 0 {
                ABNORMAL
            } else {
                event.code()
            };
            report(id, SocketEvent::Closed(code));
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        hear(&socket, log.as_ref(), push.as_ref(), item.as_ref());
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Ok(Self {
            id,
            socket,
            _open: open,
            _log: log,
            _push: push,
            _item: item,
            _close: close,
        })
    }

    /// Sends a frame. One sent on a closing socket is lost; its `close` event brings the resend.
    pub(super) fn send(&self, text: &str) {
        let _ = self.socket.send_with_str(text);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close_with_code(NORMAL);
    }
}
