//! Reads the log for subscriptions that are behind: one page at a time for the entire connection, and only when
//! the socket has sent everything before. A slow reader costs no more memory than a page.

use std::collections::BTreeMap;

use alo_protocol::ChannelId;

use super::{io::Op, subscription::Subscription};

/// Consecutive failed reads after which the connection is closed.
const TRIES: u32 = 4;
/// How long to wait after the first failure, milliseconds; doubled with each further one.
const PAUSE_MS: u64 = 250;

/// See the module.
pub(super) struct CatchUp {
    state: State,
    /// The channel that was read last.
    last: Option<ChannelId>,
    /// Failures in a row.
    failures: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// No subscription is behind.
    Done,
    /// One may be.
    Due,
    /// A page is being read.
    Reading { op: Op, channel: ChannelId },
    /// The last read failed.
    Pausing { until_ms: u64 },
}

impl CatchUp {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Done,
            last: None,
            failures: 0,
        }
    }

    /// A subscription may have fallen behind.
    pub(super) fn behind(&mut self) {
        if self.state == State::Done {
            self.state = State::Due;
        }
    }

    /// Whether a read should begin as soon as there is room.
    pub(super) fn is_due(&self) -> bool {
        self.state == State::Due
    }

    /// When to try again.
    pub(super) const fn next_timeout(&self) -> Option<u64> {
        match self.state {
            State::Pausing { until_ms } => Some(until_ms),
            State::Done | State::Due | State::Reading { .. } => None,
        }
    }

    pub(super) fn timeout(&mut self, now_ms: u64) {
        if self.next_timeout().is_some_and(|until| until <= now_ms) {
            self.state = State::Due;
        }
    }

    /// Begins the next read that is due, as operation `op`: the channel, and the sequence to read after.
    /// Channels take turns, so that a busy one does not keep others waiting.
    pub(super) fn begin(
        &mut self,
        op: Op,
        subscriptions: &mut BTreeMap<ChannelId, Subscription>,
    ) -> Option<(ChannelId, u64)> {
        let last = self.last.take();
        let is_later = |id: &ChannelId| last.as_ref().is_some_and(|last| id > last);
        let begin = |(id, subscription): (&ChannelId, &mut Subscription)| {
            subscription.begin_read().map(|after| (id.clone(), after))
        };
        let later = subscriptions
            .iter_mut()
            .filter(|(id, _)| is_later(id))
            .find_map(begin);
        let next = later.or_else(|| subscriptions.iter_mut().find_map(begin));
        self.last = next.as_ref().map(|(id, _)| id.clone());
        self.state = match &next {
            Some((channel, _)) => State::Reading {
                op,
                channel: channel.clone(),
            },
            None => State::Done,
        };
        next
    }

    /// The channel that an answer belongs to, if it is for one of these reads.
    pub(super) fn answered(&mut self, answered: Op) -> Option<ChannelId> {
        match &self.state {
            State::Reading { op, channel } if *op == answered => {
                let channel = channel.clone();
                self.state = State::Due;
                Some(channel)
            }
            State::Reading { .. } | State::Done | State::Due | State::Pausing { .. } => None,
        }
    }

    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The read has failed; false means that it is not tried again.
    pub(super) fn failed(&mut self, now_ms: u64) -> bool {
        self.failures += 1;
        let until_ms = now_ms + (PAUSE_MS << (self.failures - 1).min(TRIES));
        self.state = State::Pausing { until_ms };
        self.failures < TRIES
    }
}
