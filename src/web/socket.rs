//! The event socket: `web_sys::WebSocket`, whose late events are told by the socket's id.

use std::rc::Rc;

use alo_protocol::SUBPROTOCOL;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::core::SocketId;

/// The close code for "done", the only one below 3000 a page may give.
const NORMAL: u16 = 1000;
/// What a close without a code stands for.
const ABNORMAL: u16 = 1006;

/// What a socket reports.
pub(super) enum SocketEvent {
    Opened,
    /// A text frame, or what JavaScript gave instead.
    Frame(JsValue),
    Closed(u16),
}

/// An open or opening socket; closed when dropped.
pub(super) struct Socket {
    pub(super) id: SocketId,
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Opens a socket; what happens on it is told to `report`.
    pub(super) fn open(
        id: SocketId,
        url: &str,
        report: Rc<dyn Fn(SocketId, SocketEvent)>,
    ) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, SUBPROTOCOL)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on_open = report.clone();
        let open = Closure::<dyn FnMut()>::new(move || on_open(id, SocketEvent::Opened));
        let on_message = report.clone();
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            on_message(id, SocketEvent::Frame(event.data()));
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
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Ok(Self {
            id,
            socket,
            _open: open,
            _message: message,
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
