//! Messages that are deleted, and logs whose beginning is removed: gone from pages and replays, and never back.

use alo_gateway::store::{Change, Cut, Deleter, Deletion, Upto};
use alo_protocol::{ChannelId, MessageDeleted, Uuid};
use serde::Deserialize;

use crate::{
    network::LinkId,
    oracle::{Model, Verdict},
    world::World,
};

/// Nobody's connection: the app's server, which erases.
pub(crate) const ERASER: LinkId = LinkId(u64::MAX - 1);

/// An event of a deletion.
#[derive(Deserialize)]
struct DeletedEvent {
    #[serde(rename = "type")]
    kind: String,
    data: MessageDeleted,
}

/// The deletion in an event, if it is one.
pub(crate) fn deletion(event: &str) -> Option<MessageDeleted> {
    let event: DeletedEvent = serde_json::from_str(event).ok()?;
    (event.kind == "message.deleted").then_some(event.data)
}

/// What stands in a log in the place of the deletion of a message.
pub(crate) fn stand_in(id: &Uuid) -> Uuid {
    Uuid::from_bytes(id.as_bytes().map(|byte| !byte))
}

/// What stands there in the place of a cut behind this: never the same as for a deletion.
pub(crate) fn stand_in_of_cut(last: &Uuid) -> Uuid {
    Uuid::from_bytes(last.as_bytes().map(|byte| byte ^ 0xa5))
}

// What the app's server does.
impl World {
    /// Deletes some message, or removes the beginning of a log: some of it, or all.
    pub(crate) fn erase_something(&mut self) {
        if !self.gateway.up {
            return;
        }
        let channels = self.channels();
        let channel = channels[self.rng.usize(..channels.len())].clone();
        let pick = self.rng.usize(..1_000_000);
        let most = [1, 3, 20, 200][self.rng.usize(..4)];
        let change = match self.rng.u8(..20) {
            0 => cut(channel, Upto::All, most),
            1..4 => {
                let age = self.rng.u64(..60_000);
                cut(channel, Upto::OlderThan(self.unix_ms() - age), most)
            }
            4..8 => cut(channel, Upto::Known, most),
            _ => match self.oracle.some_message(&channel, pick) {
                Some(message) => Change::Delete(Deletion {
                    channel,
                    message,
                    by: Deleter::Platform,
                }),
                None => return,
            },
        };
        self.erase(change);
    }

    /// Deletes the message at a place of a channel.
    pub fn delete_message(&mut self, channel: &ChannelId, seq: u64) {
        let model = &self.oracle.model;
        let log = model.log(model.database(), channel).iter();
        let Some(message) = (1..).zip(log).find(|(place, _)| *place == seq) else {
            return self.violate(format!("{channel} has no message {seq}"));
        };
        self.erase(Change::Delete(Deletion {
            channel: channel.clone(),
            message: *message.1,
            by: Deleter::Platform,
        }));
    }

    /// Cuts off all of a log, and removes so many of its messages.
    pub fn cut_channel(&mut self, channel: &ChannelId, most: usize) {
        self.erase(cut(channel.clone(), Upto::All, most));
    }

    fn erase(&mut self, change: Change) {
        self.counts.add(match &change {
            Change::Delete(_) => "messages to be deleted",
            Change::Cut(_) | Change::Send(_) | Change::MarkRead(_) => "logs to be cut",
        });
        self.note(|| format!("the app's server erases: {change:?}"));
        self.queue_change(change, (ERASER, 0));
    }

    /// What the store has cut off by now, the model cuts off as well.
    pub(crate) fn account_for_cuts(&mut self) {
        for channel in self.channels() {
            let found = self.gateway.store.lock().query_row(
                "SELECT cut, head FROM logs WHERE kind = 0 AND name = ?1",
                [channel.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            );
            let Ok((cut, head)) = found else { continue };
            let verdict = self.oracle.cut(&channel, cut, head);
            self.check(verdict);
        }
    }
}

fn cut(channel: ChannelId, upto: Upto, most: usize) -> Change {
    Change::Cut(Cut {
        channel,
        upto,
        most,
    })
}

impl Model {
    /// The event that a deletion is, for a reader who stands before `expected` of a database: that of the message
    /// itself or the later one.
    pub(crate) fn deletion_at(
        &self,
        database: usize,
        deleted: &MessageDeleted,
        expected: u64,
    ) -> Result<u64, String> {
        let log = self.log(database, &deleted.channel_id);
        let of = |id: &Uuid| {
            let index = log.iter().position(|other| other == id);
            index.map(|index| index as u64 + 1)
        };
        let message = of(&deleted.message_id);
        if message != Some(deleted.message_seq) {
            return Err(format!("{deleted:?} names what is at {message:?}"));
        }
        let places = [message, of(&stand_in(&deleted.message_id))];
        let due = places.iter().flatten().find(|seq| **seq == expected);
        let at = due.or_else(|| places.iter().flatten().filter(|seq| **seq < expected).max());
        at.copied()
            .ok_or_else(|| format!("{deleted:?} was delivered when {expected} was due"))
    }

    /// The store holds a deletion.
    pub(crate) fn delete(&mut self, seq: u64, deleted: &MessageDeleted) -> Verdict {
        let channel = &deleted.channel_id;
        self.append_other(channel, seq, stand_in(&deleted.message_id))?;
        self.erased(channel, deleted.message_seq);
        self.erased(channel, seq);
        Ok(())
    }
}
