//! The event socket: `web_sys::WebSocket`, whose late events are told by the socket's id.

use std::{cell::RefCell, rc::Weak};

use alo_protocol::SUBPROTOCOL;
use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

use super::{
    driver::Driver,
    environment, frame,
    js::{element, text_of},
};
use crate::core::{Incoming, Input, SocketId};

/// What a close without a code stands for.
pub(super) const ABNORMAL: u16 = 1006;

// What frames.js tells; higher numbers are events of a log.
const OPENED: u32 = 0;
const CLOSED: u32 = 1;
const ITEM: u32 = 2;
const LOG: u32 = 3;
const PUSH: u32 = 4;

#[wasm_bindgen(module = "/src/web/frames.js")]
extern "C" {
    /// See there.
    fn hear(socket: &WebSocket, ear: Ear) -> Function;
    /// See there.
    pub(super) fn tell(listener: &Function, event: &JsValue);
}

/// An open or opening socket; closed when dropped.
pub(super) struct Socket {
    pub(super) id: SocketId,
    socket: WebSocket,
    end: Function,
}

/// What frames.js tells of a socket; an exported class, as calling a closure costs several times as much.
#[wasm_bindgen]
pub struct Ear {
    socket: SocketId,
    driver: Weak<Driver>,
    /// Channel and epoch of each log that was told.
    logs: RefCell<Vec<(String, String)>>,
}

#[wasm_bindgen]
impl Ear {
    /// Hears what frames.js tells.
    pub fn tell(&self, what: u32, value: JsValue, number: f64, time: f64, is_last: bool) {
        let Some(driver) = self.driver.upgrade() else {
            return;
        };
        let told = match what {
            OPENED => return driver.input(Input::SocketOpened(self.socket)),
            CLOSED => {
                let code = if number == 0.0 {
                    ABNORMAL
                } else {
                    number as u16
                };
                return driver.input(Input::SocketClosed(self.socket, code));
            }
            LOG => {
                let log = (text_of(&element(&value, 0)), text_of(&element(&value, 1)));
                return self.logs.borrow_mut().push(log);
            }
            ITEM => None,
            push => Some(push - PUSH),
        };
        let at = environment::instant(time);
        let hear = |incoming| driver.handle(at, Input::Received(self.socket, incoming));
        match told {
            None => frame::decode(&value).map_or((), hear),
            Some(log) => {
                // Told before; and what the core does calls no JavaScript.
                if let Some((channel, epoch)) = self.logs.borrow().get(log as usize) {
                    hear(Incoming::Push {
                        channel,
                        epoch,
                        seq: number as u64,
                        event: value,
                    });
                }
            }
        }
        if is_last {
            driver.pump();
        }
    }
}

impl Socket {
    /// Opens a socket; what happens on it is told to `driver`.
    pub(super) fn open(id: SocketId, url: &str, driver: Weak<Driver>) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, SUBPROTOCOL)?;
        let ear = Ear {
            socket: id,
            driver,
            logs: RefCell::default(),
        };
        let end = hear(&socket, ear);
        Ok(Self { id, socket, end })
    }

    /// Sends a frame. One sent on a closing socket is lost; its `close` event brings the resend.
    pub(super) fn send(&self, text: &str) {
        let _ = self.socket.send_with_str(text);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.end.call0(&JsValue::UNDEFINED);
    }
}
