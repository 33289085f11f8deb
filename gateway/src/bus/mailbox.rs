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
