//! What goes into a session and what comes out of it.

use std::sync::Arc;

use alo_protocol::{CloseCode, Cursor, ErrorBody};

use crate::{
    bus::News,
    store::{Change, Committed, LogId, Query, Rows},
};

/// Names something a session asks for; its answer carries it too.
pub type Op = u64;

/// What happened. A feature adds nothing here.
#[derive(Debug)]
pub enum Input<'a> {
    /// A text frame came.
    Frame(&'a str),
    /// A binary frame came.
    Binary,
    /// A frame over the limit came.
    TooLarge,
    /// Any other sign of life, such as a WebSocket pong.
    Alive,
    /// Answer to [`Output::Commit`].
    Committed(Op, Result<Committed, ErrorBody>),
    /// Answer to [`Output::Heads`].
    Heads(Op, Result<Vec<Cursor>, ErrorBody>),
    /// Answer to [`Output::Read`].
    Rows(Op, Result<Rows, ErrorBody>),
    /// News of a joined log.
    News(News),
    /// News of joined logs was left out.
    Lagged,
    /// Something was written to the socket; with true, everything was.
    Wrote(bool),
    /// The gateway stops.
    Shutdown,
    /// [`super::Session::next_timeout`] has come.
    Timeout,
}

/// What to do. A feature adds nothing here. [`super::Driver`] is what interprets it.
#[derive(Debug)]
pub enum Output {
    /// Send this item, alone or in an array with others, in order.
    Send(Arc<str>),
    /// Send a WebSocket ping.
    Ping,
    /// Send what is queued, then close.
    Close(CloseCode),
    /// Make a change; answers come in the order asked.
    Commit(Op, Change),
    /// Ask where these logs stand, in order with the changes.
    Heads(Op, Vec<LogId>),
    /// Read.
    Read(Op, Query),
    /// Receive news of the log.
    Join(LogId),
    /// Receive it no longer.
    Leave(LogId),
}
