//! What goes into a session and what comes out of it.

use std::sync::Arc;

use alo_protocol::{ChannelId, CloseCode, Cursor, ErrorBody};

use crate::{
    store::{Committed, LogEvent},
    writer::Submission,
};

/// What happened.
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
    Committed(u64, Result<Committed, ErrorBody>),
    /// Answer to [`Output::Heads`].
    Heads(u64, Result<Vec<Cursor>, ErrorBody>),
    /// Answer to [`Output::Read`].
    Page(ChannelId, Result<Vec<LogEvent>, ErrorBody>),
    /// An event of a joined channel.
    Published(Arc<LogEvent>),
    /// Events of joined channels were left out.
    Lagged,
    /// Something was written to the socket; with true, everything was.
    Wrote(bool),
    /// The gateway stops.
    Shutdown,
    /// [`super::Session::next_timeout`] has come.
    Timeout,
}

/// What to do.
#[derive(Debug)]
pub enum Output {
    /// Send this item, alone or in an array with others, in order.
    Send(Arc<str>),
    /// Send a WebSocket ping.
    Ping,
    /// Send what is queued, then close.
    Close(CloseCode),
    /// Store a message; answers come in the order asked.
    Commit(u64, Submission),
    /// Ask where these channels stand, in order with the commits.
    Heads(u64, Vec<ChannelId>),
    /// Read the log after this sequence.
    Read(ChannelId, u64),
    /// Receive events of the channel.
    Join(ChannelId),
    /// Receive them no longer.
    Leave(ChannelId),
}
