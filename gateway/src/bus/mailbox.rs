//! The queue of one subscriber.

use std::collections::{BTreeSet, VecDeque};

use super::News;
use crate::store::LogId;

/// Capacity kept while nothing waits.
const KEPT: usize = 32;

/// Signals have this part of the room, so that they never take that of events.
const SIGNALS: usize = 4;

/// A bounded queue of news. When it is full, news is dropped and the subscriber is notified.
#[derive(Debug)]
pub struct Mailbox {
    waiting: VecDeque<News>,
    limit: usize,
    lagged: bool,
    /// Logs of which a signal with a change was dropped.
    missed: BTreeSet<LogId>,
}

/// What a subscriber receives.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Something was published.
    News(News),
    /// News was dropped because the queue was full: read the log.
    Lagged,
    /// Signals of this log were dropped that change what receivers keep.
    Missed(LogId),
}

impl Mailbox {
    /// An empty mailbox with this capacity.
    pub const fn new(limit: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            limit,
            lagged: false,
            missed: BTreeSet::new(),
        }
    }

    /// Adds news; false means that it was dropped.
    pub fn put(&mut self, news: News) -> bool {
        let room = match &news {
            News::Event(_) | News::Head(_) => self.limit,
            News::Signal(_) => self.limit / SIGNALS,
        };
        let has_room = self.waiting.len() < room;
        if has_room {
            self.waiting.push_back(news);
        } else {
            match news {
                News::Event(_) | News::Head(_) => self.lagged = true,
                News::Signal(signal) if signal.is_change => {
                    self.missed.insert(signal.log.clone());
                }
                News::Signal(_) => {}
            }
        }
        has_room
    }

    /// The next delivery. Dropped news is reported before what came after it, dropped signals after what came before
    /// them.
    pub fn take(&mut self) -> Option<Delivery> {
        if std::mem::take(&mut self.lagged) {
            return Some(Delivery::Lagged);
        }
        if self.waiting.is_empty() {
            return self.missed.pop_first().map(Delivery::Missed);
        }
        let news = self.waiting.pop_front();
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            // Most subscribers are idle most of the time, after a rush too.
            self.waiting = VecDeque::new();
        }
        news.map(Delivery::News)
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        !self.lagged && self.waiting.is_empty() && self.missed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bus::{Head, Signal};

    fn news(seq: u64) -> News {
        News::Head(Arc::new(Head {
            log: LogId::Channel("a".parse().unwrap()),
            seq,
        }))
    }

    const SIGNAL: u64 = 1_000_000;
    const MISSED: u64 = 2_000_000;

    fn signal(is_change: bool) -> News {
        News::Signal(Arc::new(Signal {
            log: LogId::Channel("a".parse().unwrap()),
            text: "{}".into(),
            except: None,
            is_change,
        }))
    }

    /// What comes out: sequences, and 0 for news that was dropped.
    fn taken(mailbox: &mut Mailbox) -> Vec<u64> {
        let seq = |delivery| match delivery {
            Delivery::News(News::Head(head)) => head.seq,
            Delivery::News(News::Event(event)) => event.seq,
            Delivery::News(News::Signal(_)) => SIGNAL,
            Delivery::Missed(_) => MISSED,
            Delivery::Lagged => 0,
        };
        std::iter::from_fn(|| mailbox.take()).map(seq).collect()
    }

    #[test]
    fn what_waits_comes_in_order_and_what_found_no_room_is_reported_first() {
        let mut mailbox = Mailbox::new(3);
        assert!(mailbox.is_empty());
        for seq in 1..=3 {
            assert!(mailbox.put(news(seq)));
            assert!(!mailbox.is_empty());
        }
        assert!(!mailbox.put(news(4)));
        assert_eq!(taken(&mut mailbox), [0, 1, 2, 3]);
        assert!(mailbox.is_empty());
        let mut closed = Mailbox::new(0);
        assert!(!closed.put(news(1)));
        assert!(!closed.is_empty(), "there is something to report");
    }

    #[test]
    fn signals_wait_in_a_part_of_the_room_and_never_make_a_subscriber_lag() {
        let mut mailbox = Mailbox::new(8);
        assert!(mailbox.put(signal(true)) && mailbox.put(news(1)));
        assert!(!mailbox.put(signal(false)), "two wait");
        assert_eq!(taken(&mut mailbox), [SIGNAL, 1]);
        for seq in 1..=8 {
            assert!(mailbox.put(news(seq)));
        }
        assert!(
            !mailbox.put(signal(false)) && !mailbox.put(signal(true)) && !mailbox.put(signal(true))
        );
        // What is missing is reported once, after all that came before it.
        assert_eq!(taken(&mut mailbox), [1, 2, 3, 4, 5, 6, 7, 8, MISSED]);
        assert!(mailbox.is_empty());
    }

    #[test]
    fn a_rush_takes_memory_only_while_it_waits() {
        let mut mailbox = Mailbox::new(1_000);
        let rush: Vec<_> = (1..=1_000).collect();
        for &seq in &rush {
            mailbox.put(news(seq));
        }
        assert_eq!(taken(&mut mailbox), rush);
        assert_eq!(mailbox.waiting.capacity(), 0);
        // What comes now and then is not allocated for each time.
        mailbox.waiting.reserve_exact(KEPT);
        mailbox.put(news(1));
        assert_eq!(taken(&mut mailbox), [1]);
        assert_eq!(mailbox.waiting.capacity(), KEPT);
    }
}
