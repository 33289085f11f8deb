//! The queue of one subscriber.

use std::collections::VecDeque;

use super::News;

/// Capacity kept while nothing waits.
const KEPT: usize = 32;

/// A bounded queue of news. When it is full, news is dropped and the subscriber is notified.
#[derive(Debug)]
pub struct Mailbox {
    waiting: VecDeque<News>,
    limit: usize,
    lagged: bool,
}

/// What a subscriber receives.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Something was published.
    News(News),
    /// News was dropped because the queue was full: read the log.
    Lagged,
}

impl Mailbox {
    /// An empty mailbox with this capacity.
    pub const fn new(limit: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            limit,
            lagged: false,
        }
    }

    /// Adds news; false means that it was dropped.
    pub fn put(&mut self, news: News) -> bool {
        let has_room = self.waiting.len() < self.limit;
        if has_room {
            self.waiting.push_back(news);
        } else {
            self.lagged = true;
        }
        has_room
    }

    /// The next delivery. Dropped news is reported before what came after it.
    pub fn take(&mut self) -> Option<Delivery> {
        if std::mem::take(&mut self.lagged) {
            return Some(Delivery::Lagged);
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
        !self.lagged && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{bus::Head, store::LogId};

    fn news(seq: u64) -> News {
        News::Head(Arc::new(Head {
            log: LogId::Channel("a".parse().unwrap()),
            seq,
        }))
    }

    /// What comes out: sequences, and 0 for news that was dropped.
    fn taken(mailbox: &mut Mailbox) -> Vec<u64> {
        let seq = |delivery| match delivery {
            Delivery::News(News::Head(head)) => head.seq,
            Delivery::News(News::Event(event)) => event.seq,
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
