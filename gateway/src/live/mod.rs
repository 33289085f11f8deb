//! What is true only at the moment: who types, and who is present. It is kept in memory, changes by acts of
//! connections and by time, and is published as signals. [`Live`] is without IO: time is an argument, and what it
//! publishes is an output. [`LiveHost`] drives it for the gateway's sockets.

// Deterministic: no clock, no randomness, no iteration order that differs between runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod host;
mod typing;

use std::{collections::VecDeque, sync::Arc};

use alo_protocol::{ChannelId, ErrorBody};

pub use host::{LiveHost, Member};

use crate::bus::{News, Signal};
use typing::Typing;

/// The device of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The user.
    pub user: Arc<str>,
    /// The device.
    pub device: Arc<str>,
}

/// What a connection does.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who does it.
    pub who: Who,
    /// Where.
    pub channel: ChannelId,
    /// What.
    pub what: What,
}

/// See [`Act`].
#[derive(Clone, Debug)]
pub enum What {
    /// Begins to type, or goes on.
    StartTyping,
    /// Does not type any more.
    StopTyping,
}

/// The number of a connection.
pub type Connection = u64;

/// See the module.
#[derive(Debug, Default)]
pub struct Live {
    typing: Typing,
    signals: Signals,
}

impl Live {
    /// Does what a connection asks for; returns the result as JSON. `now_ms` never decreases.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn act(
        &mut self,
        now_ms: u64,
        connection: Connection,
        Act { who, channel, what }: Act,
    ) -> Result<String, ErrorBody> {
        let out = &mut self.signals;
        match what {
            What::StartTyping => self.typing.start(now_ms, connection, who, channel, out),
            What::StopTyping => self.typing.stop(&who, &channel, out),
        }
        Ok("{}".to_owned())
    }

    /// A connection has ended.
    pub fn gone(&mut self, connection: Connection) {
        self.typing.gone(connection, &mut self.signals);
    }

    /// When to call [`Live::timeout`] if nothing happens before.
    pub fn next_timeout(&self) -> Option<u64> {
        self.typing.next_timeout()
    }

    /// Ends what has expired.
    pub fn timeout(&mut self, now_ms: u64) {
        self.typing.timeout(now_ms, &mut self.signals);
    }

    /// What is to be published, in order.
    pub fn take_signals(&mut self) -> Vec<News> {
        self.signals.0.drain(..).collect()
    }
}

/// Signals to be published.
#[derive(Debug, Default)]
struct Signals(VecDeque<News>);

impl Signals {
    /// Adds one, to all of its channel but `except`.
    fn push(&mut self, channel: ChannelId, text: String, except: Option<&Who>, is_change: bool) {
        self.0.push_back(News::Signal(Arc::new(Signal {
            log: channel.into(),
            text: text.into(),
            except: except.map(|who| (who.user.clone(), who.device.clone())),
            is_change,
        })));
    }
}
