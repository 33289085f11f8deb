//! Delivers what is committed to the connections of this gateway: [`Hub`] knows which subscriber is in which
//! log and [`Mailbox`] queues what waits for one subscriber, both without tasks; [`LocalBus`] adds wakers for
//! tasks. What is dropped is not lost: subscribers are notified, and read the log.

mod hub;
mod local;
mod mailbox;

use std::sync::Arc;

pub use hub::Hub;
pub use local::{LocalBus, Subscriber};
pub use mailbox::{Delivery, Mailbox};

use crate::store::{LogEvent, LogId, Notice};

/// News for the subscribers of a log, shared by all of them.
#[derive(Clone, Debug)]
pub enum News {
    /// A new event.
    Event(Arc<LogEvent>),
    /// A hint: the log reaches at least this far.
    Head(Arc<Head>),
    /// An event that is neither numbered nor kept. It never makes a subscriber lag.
    Signal(Arc<Signal>),
}

/// See [`News::Signal`].
#[derive(Debug, PartialEq, Eq)]
pub struct Signal {
    /// Whose members receive it.
    pub log: LogId,
    /// The item as sent.
    pub text: Arc<str>,
    /// User and device that do not receive it.
    pub except: Option<(Arc<str>, Arc<str>)>,
    /// Whether it changes what receivers keep: one that misses it must be sent the whole afterwards.
    pub is_change: bool,
}

/// See [`News::Head`].
#[derive(Clone, Debug)]
pub struct Head {
    /// The log.
    pub log: LogId,
    /// The sequence of an event that is stored.
    pub seq: u64,
}

impl News {
    /// The log it is about.
    pub fn log(&self) -> &LogId {
        match self {
            Self::Event(event) => &event.log,
            Self::Head(head) => &head.log,
            Self::Signal(signal) => &signal.log,
        }
    }
}

impl From<Notice> for News {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Event(event) => Self::Event(event.into()),
            Notice::Head { log, seq } => Self::Head(Head { log, seq }.into()),
        }
    }
}

/// A way news reaches subscribers. In one gateway it is [`LocalBus`].
pub trait Bus: Send + Sync {
    /// Delivers the news of a commit to all members of its logs; news of one log in the order of the commits.
    /// Signals are delivered in the order of their calls. Never waits.
    fn publish(&self, news: &[News]);
}
