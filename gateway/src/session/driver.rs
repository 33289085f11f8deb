//! A session with its queue for the socket: the only interpreter of a session's outputs. The gateway's
//! sockets, the simulation, the fuzz targets and the tests differ only in their [`Port`].

use std::{collections::VecDeque, sync::Arc};

use alo_protocol::CloseCode;

use super::{Input, Op, Output, Session};
use crate::{
    frames::next_frame,
    live::Act,
    store::{Change, LogId, Query},
};

/// What a session requests from store, log and bus. Answers arrive later, as inputs.
pub trait Port {
    /// [`Output::Commit`]
    fn commit(&mut self, op: Op, change: Change);
    /// [`Output::Heads`]
    fn heads(&mut self, op: Op, logs: Vec<LogId>);
    /// [`Output::Read`]
    fn read(&mut self, op: Op, query: Query);
    /// [`Output::Live`]
    fn live(&mut self, op: Op, act: Act);
    /// [`Output::Join`]
    fn join(&mut self, log: LogId);
    /// [`Output::Leave`]
    fn leave(&mut self, log: &LogId);
}

/// Something for the socket to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A text frame with its number of items.
    Frame(String, usize),
    /// A WebSocket ping.
    Ping,
    /// The close; nothing comes after it.
    Close(Farewell),
}

/// Why a connection ends, as reported to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// The close code.
    pub code: u16,
    /// The close reason.
    pub reason: &'static str,
}

impl From<CloseCode> for Farewell {
    fn from(code: CloseCode) -> Self {
        Self {
            code: code.code(),
            reason: code.as_str(),
        }
    }
}

/// See the module.
pub struct Driver {
    session: Session,
    queue: VecDeque<Arc<str>>,
    ping: bool,
    is_writing: bool,
    ending: Option<Farewell>,
}

impl Driver {
    /// Drives a new session.
    pub const fn new(session: Session) -> Self {
        Self {
            session,
            queue: VecDeque::new(),
            ping: false,
            is_writing: false,
            ending: None,
        }
    }

    /// Passes an input to the session and runs its outputs. `now_ms` never decreases.
    pub fn handle(&mut self, now_ms: u64, input: Input<'_>, port: &mut impl Port) {
        if self.ending.is_some() {
            return;
        }
        self.session.handle(now_ms, input);
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(item) => self.queue.push_back(item),
                Output::Ping => self.ping = true,
                Output::Close(code) => self.end(code.into()),
                Output::Cut(code) => {
                    self.queue.clear();
                    self.end(code.into());
                }
                Output::Commit(op, change) => port.commit(op, change),
                Output::Heads(op, logs) => port.heads(op, logs),
                Output::Read(op, query) => port.read(op, query),
                Output::Live(op, act) => port.live(op, act),
                Output::Join(log) => port.join(log),
                Output::Leave(log) => port.leave(&log),
            }
        }
    }

    /// See [`Session::set_skew`].
    pub const fn set_skew(&mut self, skew_ms: i64) {
        self.session.set_skew(skew_ms);
    }

    /// When to pass [`Input::Timeout`] if nothing happens before.
    pub fn next_timeout(&self) -> Option<u64> {
        self.session.next_timeout()
    }

    /// Whether more frames should be read.
    pub fn wants_frames(&self) -> bool {
        self.ending.is_none() && self.session.wants_frames()
    }

    /// Ends the connection once what is queued has been written.
    pub const fn end(&mut self, farewell: Farewell) {
        self.ending = Some(farewell);
    }

    /// Why it ends, if it does.
    pub const fn ending(&self) -> Option<Farewell> {
        self.ending
    }

    /// Items that wait for the socket.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// What to write next, many items in one frame. Call [`Driver::wrote`] when it is written; until then there
    /// is nothing more to write.
    pub fn next_write(&mut self) -> Option<Write> {
        if self.is_writing {
            return None;
        }
        let write = if std::mem::take(&mut self.ping) {
            Write::Ping
        } else if !self.queue.is_empty() {
            let (text, items) = next_frame(&mut self.queue);
            Write::Frame(text, items)
        } else {
            Write::Close(self.ending?)
        };
        self.is_writing = true;
        Some(write)
    }

    /// What [`Driver::next_write`] returned is written.
    pub fn wrote(&mut self, now_ms: u64, port: &mut impl Port) {
        self.is_writing = false;
        let all = self.queue.is_empty();
        self.handle(now_ms, Input::Wrote(all), port);
    }
}
