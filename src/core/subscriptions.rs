//! The channels subscribed to, each with its cursor.

use std::cmp::Ordering;

use alo_protocol::{ChannelId, Cursor};

use super::{CallId, pending::Room};

/// Confirmed subscriptions, sorted by channel.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Vec<Subscription>);

#[derive(Debug)]
struct Subscription {
    channel: ChannelId,
    cursor: Cursor,
    /// The call it ends with if that fails.
    by: Option<CallId>,
    state: State,
}

/// What the present connection knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    Lost,
    /// This request names it.
    Resuming(u32),
    /// Events arrive.
    Live,
}

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
        if seq == 0 {
            // A signal: it has no place in the log.
            return Verdict::Deliver;
        }
        let cursor = &mut self.0[index].cursor;
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

    /// Adds a channel that a call has subscribed to. A present one keeps its own cursor: its pushes have moved it on.
    pub(super) fn add(&mut self, channel: ChannelId, cursor: Cursor, by: CallId) {
        if let Err(index) = self.find(channel.as_str()) {
            let subscription = Subscription {
                channel,
                cursor,
                by: Some(by),
                state: State::Live,
            };
            self.0.insert(index, subscription);
        }
    }

    /// A present channel continues from this cursor.
    pub(super) fn set(&mut self, channel: &ChannelId, cursor: Cursor) {
        if let Ok(index) = self.find(channel.as_str()) {
            self.0[index].cursor = cursor;
            self.0[index].state = State::Live;
        }
    }

    pub(super) fn remove(&mut self, channel: &ChannelId) {
        if let Ok(index) = self.find(channel.as_str()) {
            self.0.remove(index);
        }
    }

    /// A call for these channels has succeeded: they stay, whichever call has added them.
    pub(super) fn settled(&mut self, channels: &[ChannelId]) {
        for one in &mut self.0 {
            if channels.contains(&one.channel) {
                one.by = None;
            }
        }
    }

    /// A call has failed that asked for this channel. True if it is to be left: no other call stands for it, and it was
    /// not subscribed before.
    pub(super) fn undo(
        &mut self,
        channel: &ChannelId,
        call: CallId,
        other: Option<CallId>,
    ) -> bool {
        match self.find(channel.as_str()) {
            Ok(index) if self.0[index].by != Some(call) => false,
            Ok(index) if other.is_some() => {
                self.0[index].by = other;
                false
            }
            Ok(index) => {
                self.0.remove(index);
                true
            }
            Err(_) => other.is_none(),
        }
    }

    /// All calls that are not settled have failed.
    pub(super) fn undo_all(&mut self) {
        self.0.retain(|one| one.by.is_none());
    }

    /// There is a new connection, which has none of them.
    pub(super) fn connection_lost(&mut self) {
        for one in &mut self.0 {
            one.state = State::Lost;
        }
    }

    /// What the request `id` resumes next: as much as there is room for.
    pub(super) fn resume(&mut self, id: u32, mut room: Room) -> Vec<(ChannelId, Cursor)> {
        let mut resumed = Vec::new();
        for one in &mut self.0 {
            if one.state == State::Lost && room.takes(&one.channel) {
                one.state = State::Resuming(id);
                resumed.push((one.channel.clone(), one.cursor.clone()));
            }
        }
        resumed
    }

    /// Whether all were named to the present connection.
    pub(super) fn are_named(&self) -> bool {
        self.0.iter().all(|one| one.state != State::Lost)
    }

    /// Whether all were answered on the present connection.
    pub(super) fn are_live(&self) -> bool {
        self.0.iter().all(|one| one.state == State::Live)
    }

    /// Whether the request `id` resumes this channel. One that was left and subscribed to again since is another
    /// subscription.
    pub(super) fn is_resumed_by(&self, id: u32, channel: &ChannelId) -> bool {
        self.find(channel.as_str())
            .is_ok_and(|index| self.0[index].state == State::Resuming(id))
    }

    /// The request `id` is to be sent again; false if none of its channels is subscribed any more.
    pub(super) fn refused(&mut self, id: u32) -> bool {
        let mut waits = false;
        for one in &mut self.0 {
            if one.state == State::Resuming(id) {
                one.state = State::Lost;
                waits = true;
            }
        }
        waits
    }

    /// Whether a channel waits for the answer to the request `id`.
    pub(super) fn await_answer(&self, id: u32) -> bool {
        self.0.iter().any(|one| one.state == State::Resuming(id))
    }

    fn find(&self, channel: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|one| one.channel.as_str().cmp(channel))
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
        subscriptions.add("a".parse().unwrap(), cursor, CallId(1));
        assert_eq!(subscriptions.accept("a", "e", 4), Verdict::Drop);
        assert_eq!(subscriptions.accept("a", "e", 5), Verdict::Deliver);
        assert_eq!(subscriptions.accept("a", "e", 5), Verdict::Drop);
        assert_eq!(subscriptions.accept("a", "e", 7), Verdict::Resume);
        assert_eq!(subscriptions.accept("a", "other", 6), Verdict::Resume);
        assert_eq!(subscriptions.accept("b", "e", 5), Verdict::Drop);
        assert_eq!(subscriptions.accept("a", "e", 6), Verdict::Deliver);
    }
}
