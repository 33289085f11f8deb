//! One channel of one connection: which event comes next, and whether it comes from the bus or the log.

use alo_protocol::{Cursor, GapReason};

use crate::store::{LogEvent, is_same_log};

/// The state of a subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    epoch: String,
    next: u64,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// The head of the log was requested.
    Starting { op: u64, stirred: bool },
    /// Events come from the bus.
    Live,
    /// Events come from the log. `stirred`: something happened since the last read started.
    CatchingUp { reading: bool, stirred: bool },
}

/// What to do with an event from the bus.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Send,
    Skip,
}

impl Subscription {
    /// A subscription whose head the operation `op` requests. The bus has been joined already, so that nothing
    /// is lost between head and bus.
    pub(super) const fn starting(op: u64) -> Self {
        Self {
            epoch: String::new(),
            next: 0,
            state: State::Starting { op, stirred: false },
        }
    }

    /// Whether it waits for this operation.
    pub(super) fn awaits(&self, asked: u64) -> bool {
        matches!(self.state, State::Starting { op, .. } if op == asked)
    }

    /// The operation failed; another one requests the head too.
    pub(super) const fn wait_for(&mut self, asked: u64) {
        if let State::Starting { op, .. } = &mut self.state {
            *op = asked;
        }
    }

    pub(super) const fn is_started(&self) -> bool {
        !matches!(self.state, State::Starting { .. })
    }

    /// Starts at the client's cursor if everything after it is available, else at the head, with the reason.
    pub(super) fn start(&mut self, wanted: Option<&Cursor>, head: Cursor) -> Option<GapReason> {
        let stirred = matches!(self.state, State::Starting { stirred: true, .. });
        let gap = match wanted {
            // An older copy was restored, too old to have what the client has.
            Some(cursor) if cursor.seq > head.seq && is_same_log(&cursor.epoch, &head.epoch) => {
                Some(GapReason::CursorAhead)
            }
            Some(cursor) if cursor.epoch != head.epoch => Some(GapReason::EpochChanged),
            Some(_) | None => None,
        };
        let from = match wanted {
            Some(cursor) if gap.is_none() => cursor.seq,
            Some(_) | None => head.seq,
        };
        self.next = from + 1;
        self.state = if from < head.seq || stirred {
            State::CatchingUp {
                reading: false,
                stirred: false,
            }
        } else {
            State::Live
        };
        self.epoch = head.epoch;
        gap
    }

    /// The client asks again for what follows its cursor: events it has received since may be sent again.
    pub(super) fn restart(&mut self, wanted: &Cursor, head: Cursor) -> Option<GapReason> {
        let gap = self.start(Some(wanted), head);
        self.state = State::CatchingUp {
            reading: false,
            stirred: false,
        };
        gap
    }

    /// The client's position as far as it was sent.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.epoch.clone(),
            seq: self.next - 1,
        }
    }

    /// An event from the bus. `room`: whether the connection's queue has room.
    pub(super) fn published(&mut self, event: &LogEvent, room: bool) -> Verdict {
        match &mut self.state {
            State::Starting { stirred, .. } | State::CatchingUp { stirred, .. } => {
                *stirred = true;
                Verdict::Skip
            }
            State::Live if event.seq < self.next => Verdict::Skip,
            State::Live if event.seq == self.next && room => {
                self.next += 1;
                Verdict::Send
            }
            State::Live => {
                self.state = State::CatchingUp {
                    reading: false,
                    stirred: false,
                };
                Verdict::Skip
            }
        }
    }

    /// A hint that the log reaches at least `seq`; true means that the log must be read.
    pub(super) const fn hinted(&mut self, seq: u64) -> bool {
        let is_known = matches!(self.state, State::Live) && seq < self.next;
        if !is_known {
            self.lagged();
        }
        !is_known
    }

    /// The bus dropped events.
    pub(super) const fn lagged(&mut self) {
        match &mut self.state {
            State::Starting { stirred, .. } | State::CatchingUp { stirred, .. } => *stirred = true,
            State::Live => {
                self.state = State::CatchingUp {
                    reading: false,
                    stirred: false,
                }
            }
        }
    }

    /// Starts a read of the log if one is due; returns the sequence to read after.
    pub(super) const fn begin_read(&mut self) -> Option<u64> {
        match &mut self.state {
            State::CatchingUp {
                reading: reading @ false,
                stirred,
            } => {
                (*reading, *stirred) = (true, false);
                Some(self.next - 1)
            }
            State::CatchingUp { .. } | State::Starting { .. } | State::Live => None,
        }
    }

    /// The read failed; it can be started again.
    pub(super) const fn read_failed(&mut self) {
        if let State::CatchingUp { reading, .. } = &mut self.state {
            *reading = false;
        }
    }

    /// The next event is not in the log: continues from the head. False if no read was running.
    pub(super) fn skip(&mut self, head: Cursor) -> bool {
        let is_asked = matches!(self.state, State::CatchingUp { reading: true, .. });
        if is_asked {
            self.next = head.seq + 1;
            self.epoch = head.epoch;
            self.read_failed();
        }
        is_asked
    }

    /// Takes what a read returned: the events to send. An empty page means the end of the log; unless something
    /// happened in the meantime the subscription is live.
    pub(super) fn page(&mut self, events: Vec<LogEvent>) -> Vec<LogEvent> {
        let State::CatchingUp {
            reading: true,
            stirred,
        } = self.state
        else {
            return Vec::new();
        };
        self.state = if events.is_empty() && !stirred {
            State::Live
        } else {
            State::CatchingUp {
                reading: false,
                stirred: false,
            }
        };
        if let Some(last) = events.last() {
            self.next = last.seq + 1;
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LogId;

    fn event(seq: u64) -> LogEvent {
        LogEvent {
            log: LogId::Channel("a".parse().unwrap()),
            seq,
            push: "{}".into(),
        }
    }

    fn cursor(epoch: &str, seq: u64) -> Cursor {
        Cursor {
            epoch: epoch.into(),
            seq,
        }
    }

    #[test]
    fn recovery_is_whole_or_says_why_not() {
        for (wanted, gap, at) in [
            (None, None, 9),
            (Some(cursor("e", 9)), None, 9),
            (Some(cursor("e", 4)), None, 4),
            (Some(cursor("e", 0)), None, 0),
            (Some(cursor("e", 10)), Some(GapReason::CursorAhead), 9),
            (Some(cursor("old", 4)), Some(GapReason::EpochChanged), 9),
            (Some(cursor("old", 10)), Some(GapReason::EpochChanged), 9),
            // An older copy was restored, and written on or not.
            (Some(cursor("e.1", 9)), Some(GapReason::EpochChanged), 9),
            (Some(cursor("e.1", 10)), Some(GapReason::CursorAhead), 9),
        ] {
            let mut subscription = Subscription::starting(1);
            assert_eq!(
                subscription.start(wanted.as_ref(), cursor("e", 9)),
                gap,
                "{wanted:?}"
            );
            assert_eq!(subscription.cursor(), cursor("e", at), "{wanted:?}");
            assert_eq!(subscription.begin_read().is_some(), at < 9, "{wanted:?}");
        }
    }

    #[test]
    fn an_event_committed_while_the_head_was_asked_for_is_read_from_the_log() {
        let mut subscription = Subscription::starting(1);
        assert_eq!(subscription.published(&event(10), true), Verdict::Skip);
        subscription.start(None, cursor("e", 9));
        assert_eq!(subscription.begin_read(), Some(9));
        assert_eq!(subscription.page(vec![event(10)]).len(), 1);
        assert_eq!(subscription.begin_read(), Some(10));
        subscription.page(vec![]);
        assert_eq!(subscription.published(&event(11), true), Verdict::Send);
    }

    #[test]
    fn an_event_published_during_the_last_read_is_not_missed() {
        let mut subscription = Subscription::starting(1);
        subscription.start(Some(&cursor("e", 8)), cursor("e", 9));
        subscription.begin_read();
        subscription.page(vec![event(9)]);
        subscription.begin_read();
        assert_eq!(subscription.published(&event(10), true), Verdict::Skip);
        subscription.page(vec![]);
        assert_eq!(subscription.begin_read(), Some(9));
    }

    #[test]
    fn live_events_come_once_and_a_hole_or_a_full_queue_leads_to_the_log() {
        let live = || {
            let mut subscription = Subscription::starting(1);
            subscription.start(None, cursor("e", 9));
            subscription
        };
        let mut subscription = live();
        assert_eq!(subscription.published(&event(9), true), Verdict::Skip);
        assert_eq!(subscription.published(&event(10), true), Verdict::Send);
        assert_eq!(subscription.published(&event(12), true), Verdict::Skip);
        assert_eq!(subscription.begin_read(), Some(10));

        let mut subscription = live();
        assert_eq!(subscription.published(&event(10), false), Verdict::Skip);
        assert_eq!(subscription.begin_read(), Some(9));

        let mut subscription = live();
        subscription.lagged();
        assert_eq!(subscription.begin_read(), Some(9));
    }

    #[test]
    fn a_hint_matters_to_who_has_not_come_so_far() {
        let mut subscription = Subscription::starting(1);
        subscription.start(None, cursor("e", 9));
        assert!(!subscription.hinted(9));
        assert_eq!(subscription.begin_read(), None);
        assert!(subscription.hinted(10));
        assert_eq!(subscription.begin_read(), Some(9));
        // During the read: it may not have seen the event.
        assert!(subscription.hinted(10));
        subscription.page(vec![]);
        assert_eq!(subscription.begin_read(), Some(9));
    }

    #[test]
    fn after_a_hole_it_goes_on_from_the_head() {
        let mut subscription = Subscription::starting(1);
        subscription.start(Some(&cursor("e", 3)), cursor("e", 9));
        assert!(!subscription.skip(cursor("e", 9)), "nothing was read");
        assert_eq!(subscription.begin_read(), Some(3));
        assert!(subscription.skip(cursor("e", 9)));
        assert_eq!(subscription.cursor(), cursor("e", 9));
        assert_eq!(subscription.begin_read(), Some(9));
        subscription.page(vec![]);
        assert_eq!(subscription.published(&event(10), true), Verdict::Send);
    }

    #[test]
    fn a_read_that_failed_begins_again() {
        let mut subscription = Subscription::starting(1);
        subscription.start(Some(&cursor("e", 3)), cursor("e", 9));
        assert_eq!(subscription.begin_read(), Some(3));
        assert_eq!(subscription.begin_read(), None);
        subscription.read_failed();
        assert_eq!(subscription.begin_read(), Some(3));
    }
}
