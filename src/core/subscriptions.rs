//! The channels subscribed to, each with its cursor.

use std::cmp::Ordering;

use alo_protocol::{ChannelId, Cursor};

/// Confirmed subscriptions, sorted by channel.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Vec<(ChannelId, Cursor)>);

/// What to do with a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the next event; the cursor has moved to it.
    Deliver,
    /// It was delivered before, or the channel is not subscribed.
    Drop,
    /// An event before it is missing, or the log changed: resume from the cursor.
    Resume,
}

impl Subscriptions {
    /// Decides about a push, and moves the cursor if it is to be delivered.
    pub(super) fn accept(&mut self, channel: &str, epoch: &str, seq: u64) -> Verdict {
        let Ok(index) = self.find(channel) else {
            return Verdict::Drop;
        };
        let cursor = &mut self.0[index].1;
        if cursor.epoch != epoch {
            return Verdict::Resume;
        }
        match seq.cmp(&(cursor.seq + 1)) {
            Ordering::Less => Verdict::Drop,
            Ordering::Greater => Verdict::Resume,
            Ordering::Equal => {
                cursor.seq = seq;
                Verdict::Deliver
            }
        }
    }

    pub(super) fn contains(&self, channel: &ChannelId) -> bool {
        self.find(channel.as_str()).is_ok()
    }

    /// Adds a channel, or moves the cursor of a present one.
    pub(super) fn set(&mut self, channel: ChannelId, cursor: Cursor) {
        match self.find(channel.as_str()) {
            Ok(index) => self.0[index].1 = cursor,
            Err(index) => self.0.insert(index, (channel, cursor)),
        }
    }

    pub(super) fn remove(&mut self, channel: &ChannelId) {
        if let Ok(index) = self.find(channel.as_str()) {
            self.0.remove(index);
        }
    }

    /// All channels with their cursors, for `hello`.
    pub(super) fn cursors(&self) -> Vec<(ChannelId, Cursor)> {
        self.0.clone()
    }

    fn find(&self, channel: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(id, _)| id.as_str().cmp(channel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivers_each_event_once_and_in_order() {
        let mut subscriptions = Subscriptions::default();
        let cursor = Cursor {
            epoch: "e".into(),
            seq: 4,
        };
        subscriptions.set("a".parse().unwrap(), cursor);
        assert_eq!(subscriptions.accept("a", "e", 4), Verdict::Drop);
        assert_eq!(subscriptions.accept("a", "e", 5), Verdict::Deliver);
        assert_eq!(subscriptions.accept("a", "e", 5), Verdict::Drop);
        assert_eq!(subscriptions.accept("a", "e", 7), Verdict::Resume);
        assert_eq!(subscriptions.accept("a", "other", 6), Verdict::Resume);
        assert_eq!(subscriptions.accept("b", "e", 5), Verdict::Drop);
        assert_eq!(subscriptions.accept("a", "e", 6), Verdict::Deliver);
    }
}
