//! Inputs and outputs of a session.

use std::sync::Arc;

use alo_protocol::{CloseCode, Cursor, ErrorBody};

use crate::{
    bus::News,
    live::Act,
    store::{Change, Committed, LogId, Query, Rows},
};

/// Identifies something a session requests; its answer has the same.
pub type Op = u64;

/// What happened. A feature adds nothing here.
#[derive(Debug)]
pub enum Input<'a> {
    /// A text frame was received.
    Frame(&'a str),
    /// A binary frame was received.
    Binary,
    /// A frame over the limit was received.
    TooLarge,
    /// Answer to [`Output::Commit`].
    Committed(Op, Result<Committed, ErrorBody>),
    /// Answer to [`Output::Heads`].
    Heads(Op, Result<Vec<Cursor>, ErrorBody>),
    /// Answer to [`Output::Read`].
    Rows(Op, Result<Rows, ErrorBody>),
    /// Answer to [`Output::Live`], as JSON.
    Live(Op, Result<String, ErrorBody>),
    /// News of a joined log.
    News(News),
    /// News of joined logs was dropped.
    Lagged,
    /// Something was written to the socket; with true, everything was.
    Wrote(bool),
    /// What users may do has changed.
    Access,
    /// The gateway stops.
    Shutdown,
    /// [`super::Session::next_timeout`] has come.
    Timeout,
}

/// What to do. A feature adds nothing here. [`super::Driver`] interprets it.
#[derive(Debug)]
pub enum Output {
    /// Send this item, alone or in an array with others, in order.
    Send(Arc<str>),
    /// Send a WebSocket ping.
    Ping,
    /// Send what is queued, then close.
    Close(CloseCode),
    /// Close at once; what is queued is not sent.
    Cut(CloseCode),
    /// Make a change; answers arrive in order.
    Commit(Op, Change),
    /// Read the heads of these logs.
    Heads(Op, Vec<LogId>),
    /// Read.
    Read(Op, Query),
    /// Change what is live, or read it.
    Live(Op, Act),
    /// Receive news of the log.
    Join(LogId),
    /// Stop receiving it.
    Leave(LogId),
}
