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

#[cfg(test)]
mod tests {
    use alo_protocol::Cursor;

    use super::*;
    use crate::store::{LogEvent, LogId};

    fn channel(name: &str) -> ChannelId {
        name.parse().unwrap()
    }

    fn event(name: &str, seq: u64) -> LogEvent {
        LogEvent {
            log: LogId::Channel(channel(name)),
            seq,
            push: "{}".into(),
        }
    }

    /// Subscriptions to these channels, all of them behind.
    fn behind(names: &[&str]) -> BTreeMap<ChannelId, Subscription> {
        let cursor = |seq| Cursor {
            epoch: "e".into(),
            seq,
        };
        let subscription = |name: &&str| {
            let mut subscription = Subscription::starting(0);
            subscription.start(Some(&cursor(0)), cursor(9));
            (channel(name), subscription)
        };
        names.iter().map(subscription).collect()
    }

    #[test]
    fn channels_that_are_behind_take_turns() {
        let mut subscriptions = behind(&["a", "b", "c"]);
        let mut catch_up = CatchUp::new();
        catch_up.behind();
        let mut read = Vec::new();
        for op in 0..7 {
            assert!(catch_up.is_due());
            let (next, after) = catch_up.begin(op, &mut subscriptions).unwrap();
            assert!(!catch_up.is_due(), "one at a time");
            assert_eq!(catch_up.answered(op + 1), None);
            assert_eq!(catch_up.answered(op), Some(next.clone()));
            assert_eq!(catch_up.answered(op), None, "once");
            let page = vec![event(next.as_str(), after + 1)];
            subscriptions.get_mut(&next).unwrap().page(page);
            read.push(format!("{}{after}", next.as_str()));
        }
        assert_eq!(read, ["a0", "b0", "c0", "a1", "b1", "c1", "a2"]);
    }

    #[test]
    fn it_is_done_when_no_channel_is_behind() {
        let mut catch_up = CatchUp::new();
        assert!(!catch_up.is_due());
        catch_up.behind();
        assert_eq!(catch_up.begin(1, &mut BTreeMap::new()), None);
        assert!(!catch_up.is_due());
        // What falls behind during a read does not begin another one.
        catch_up.behind();
        catch_up.begin(2, &mut behind(&["a"])).unwrap();
        catch_up.behind();
        assert!(!catch_up.is_due());
    }

    #[test]
    fn a_read_that_fails_is_tried_again_after_a_pause_that_doubles_and_not_for_ever() {
        let mut catch_up = CatchUp::new();
        for _ in 0..2 {
            for (pause_ms, again) in [(250, true), (500, true), (1_000, true), (2_000, false)] {
                assert_eq!(catch_up.next_timeout(), None);
                assert_eq!(catch_up.failed(10_000), again);
                assert_eq!(catch_up.next_timeout(), Some(10_000 + pause_ms));
                catch_up.timeout(10_000 + pause_ms - 1);
                assert!(!catch_up.is_due());
                catch_up.timeout(10_000 + pause_ms);
                assert!(catch_up.is_due());
            }
            // Only failures in a row count.
            catch_up.succeeded();
        }
    }
}
