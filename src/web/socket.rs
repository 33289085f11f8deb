//! The event socket: `web_sys::WebSocket`, whose late events are recognised by the socket's id.

use std::{cell::RefCell, rc::Weak};

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use super::{environment, js::element};
use crate::core::{
    Frame, Incoming, Input, Instant, SocketId,
    codec::{self, Text},
};

/// The code of a close without a code.
pub(super) const ABNORMAL: u16 = 1006;

// What frames.js reports; higher numbers are events of a log.
const OPENED: u32 = 0;
const CLOSED: u32 = 1;
const ITEM: u32 = 2;
const LOG: u32 = 3;
const PUSH: u32 = 4;

#[wasm_bindgen(module = "/src/web/frames.js")]
extern "C" {
    /// See there.
    fn listen(socket: &WebSocket, listener: SocketListener) -> Function;
    /// See there.
    fn send(socket: &WebSocket, head: &str, body: &JsValue, tail: &str);
}

/// Receives what happens on a socket.
pub(super) trait SocketEvents {
    /// Something happened at this time; its outputs wait for [`SocketEvents::pump`].
    fn handle(&self, at: Instant, input: Input<'_, JsValue>);
    /// Runs the outputs.
    fn pump(&self);
}

/// An open or opening socket; closed when dropped.
pub(super) struct Socket {
    pub(super) id: SocketId,
    socket: WebSocket,
    end: Function,
}

/// What frames.js reports to; an exported class, as calling a closure costs several times as much.
#[wasm_bindgen]
pub struct SocketListener {
    socket: SocketId,
    events: Weak<dyn SocketEvents>,
    /// Channel and epoch of each log that was reported.
    logs: RefCell<Vec<(String, String)>>,
}

#[wasm_bindgen]
impl SocketListener {
    /// Receives what frames.js reports.
    pub fn receive(&self, what: u32, value: JsValue, number: f64, time: f64, is_last: bool) {
        let Some(events) = self.events.upgrade() else {
            return;
        };
        let at = environment::instant(time);
        let handle = |input| events.handle(at, input);
        let log = match what {
            OPENED => {
                handle(Input::SocketOpened(self.socket));
                return events.pump();
            }
            CLOSED => {
                let code = if number == 0.0 {
                    ABNORMAL
                } else {
                    number as u16
                };
                handle(Input::SocketClosed(self.socket, code));
                return events.pump();
            }
            LOG => {
                let name = |index| element(&value, index).as_string().unwrap_or_default();
                return self.logs.borrow_mut().push((name(0), name(1)));
            }
            ITEM => None,
            push => Some(push - PUSH),
        };
        let received = |incoming| handle(Input::Received(self.socket, incoming));
        match log {
            None => codec::decode(&value).map_or((), received),
            Some(log) => {
                // Reported before; and what the core does calls no JavaScript.
                if let Some((channel, epoch)) = self.logs.borrow().get(log as usize) {
                    received(Incoming::Push {
                        channel,
                        epoch,
                        seq: number as u64,
                        event: value,
                    });
                }
            }
        }
        if is_last {
            events.pump();
        }
    }
}

impl Socket {
    /// Listens to a socket; what happens on it is reported to `events`.
    pub(super) fn new(id: SocketId, socket: WebSocket, events: Weak<dyn SocketEvents>) -> Self {
        let listener = SocketListener {
            socket: id,
            events,
            logs: RefCell::default(),
        };
        let end = listen(&socket, listener);
        Self { id, socket, end }
    }

    /// Sends a frame. One sent on a closing socket is lost; its `close` event leads to the resend.
    pub(super) fn send(&self, frame: &Frame<JsValue>) {
        let Text { head, body, tail } = codec::encode(frame);
        send(&self.socket, &head, &body.unwrap_or_default(), &tail);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.end.call0(&JsValue::UNDEFINED);
    }
}
