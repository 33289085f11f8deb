//! Reading channels: every event once, in one order, or a gap that is reported.

use std::collections::{BTreeSet, HashMap, HashSet};

use alo_chat::core::{CallId, Error, Input, Recovery, Settled};
use alo_protocol::{ChannelId, Cursor, GapReason, MessageDeleted, Uuid};

use crate::{
    client::Call,
    features::{delete, reads},
    oracle::{Model, SeenEvent, SeenFile, Verdict},
    page::PageId,
    wire::Payload,
    world::World,
};

// What a user does.
impl World {
    /// Subscribes.
    pub fn subscribe(&mut self, index: usize, channels: &[ChannelId]) -> CallId {
        let page = self.page(index);
        let call = self.clients[index].next_call(Call::Subscribe(channels.to_vec()));
        self.oracle.readers.asks(page, call, channels);
        self.note(|| format!("client {index} subscribes to {channels:?}"));
        let input = Input::Subscribe(call, channels.to_vec());
        self.call(index, call, "subscribe", input);
        call
    }

    /// Unsubscribes.
    pub fn unsubscribe(&mut self, index: usize, channels: &[ChannelId]) -> CallId {
        let page = self.page(index);
        let call = self.clients[index].next_call(Call::Other);
        self.oracle.readers.unsubscribed(page, call, channels);
        for asked in self.clients[index].subscribes.values_mut() {
            asked.retain(|channel| !channels.contains(channel));
        }
        for channel in channels {
            self.oracle.history.unjoined(page, channel);
        }
        self.note(|| format!("client {index} unsubscribes from {channels:?}"));
        let input = Input::Unsubscribe(call, channels.to_vec());
        self.call(index, call, "unsubscribe", input);
        call
    }

    pub(crate) fn subscribe_settled(
        &mut self,
        page: PageId,
        call: CallId,
        channels: &[ChannelId],
        result: Result<Settled<Payload>, Error>,
    ) -> Verdict {
        match result {
            Ok(Settled::Done) => {
                let oracle = &mut self.oracle;
                oracle
                    .readers
                    .subscribed(&oracle.model, page, call, channels);
                Ok(())
            }
            Ok(other) => Err(format!("{page}: subscribe was answered with {other:?}")),
            Err(_) => {
                for channel in self.oracle.readers.failed(page, call, channels) {
                    self.oracle.history.unjoined(page, &channel);
                }
                Ok(())
            }
        }
    }

    /// A listener received an event.
    pub(crate) fn delivered(&mut self, page: PageId, event: &str) -> Verdict {
        self.counts.add("events delivered");
        if let Some(read) = reads::read_updated(event) {
            return self.read_on(page, &read);
        }
        let oracle = &mut self.oracle;
        let (channel, seq, id) = oracle.readers.delivered(&oracle.model, page, event)?;
        if id.is_none() {
            self.counts.add("deletions delivered");
        }
        oracle
            .history
            .delivered(&oracle.model, page, (&channel, seq, id))
    }

    /// `channel.gap` was reported: what follows starts elsewhere.
    pub(crate) fn gap(
        &mut self,
        page: PageId,
        channel: &ChannelId,
        reason: Option<GapReason>,
    ) -> Verdict {
        self.counts.add("gaps told");
        let oracle = &mut self.oracle;
        oracle.history.unjoined(page, channel);
        let before = oracle.readers.gap(&oracle.model, page, channel, reason);
        if channel.is_own() {
            return self.own_gap(page, reason);
        }
        let Some(Gap { from, to, is_ahead }) = before else {
            return Ok(());
        };
        let is_right = match reason {
            // Everybody may read all channels, unless that was revoked.
            None => {
                let user = &self.clients[page.client].user;
                oracle.access.was_unread(user, channel)
            }
            Some(GapReason::EpochChanged) => from.database < to.database && !is_ahead,
            Some(GapReason::CursorAhead) => from.database < to.database && is_ahead,
            // What is missing is skipped, and the reader goes on at the head.
            Some(GapReason::Expired) => {
                let skipped = from.stands() + 1..=to.stands();
                let mut missing = oracle.model.holes(to.database, channel, skipped);
                from.database == to.database && missing.next().is_some()
            }
        };
        self.counts.add(match reason {
            None => "gaps told: forbidden",
            Some(GapReason::EpochChanged) => "gaps told: epoch-changed",
            Some(GapReason::CursorAhead) => "gaps told: cursor-ahead",
            Some(GapReason::Expired) => "gaps told: expired",
        });
        if is_right {
            Ok(())
        } else {
            Err(format!(
                "{page} was told of a gap in {channel} ({reason:?}) from {from:?} to {to:?}"
            ))
        }
    }
}

type Key = (PageId, ChannelId);

/// A subscription as the user sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Sequence of the last event delivered.
    last: Option<u64>,
    /// The first event delivered must not be later than the one after this.
    bound: u64,
    /// Of which database.
    pub(crate) database: usize,
}

impl Reading {
    /// Up to where the user has been told of.
    pub(crate) fn stands(&self) -> u64 {
        self.last.unwrap_or(self.bound)
    }

    /// An event came: the next one, or at first an earlier one.
    fn advance(&mut self, page: PageId, channel: &ChannelId, seq: u64) -> Verdict {
        let expected = self.stands() + 1;
        let right = if self.last.is_some() {
            seq == expected
        } else {
            seq <= expected
        };
        if !right {
            return Err(format!(
                "{page} received event {seq} of {channel} when {expected} was due"
            ));
        }
        self.last = Some(seq);
        Ok(())
    }
}

/// What a reader jumped over.
struct Gap {
    from: Reading,
    to: Reading,
    /// Whether the cursor named last is beyond the same log in the life there is now.
    is_ahead: bool,
}

/// Where the gateway said that a subscription starts.
#[derive(Clone, Copy, Debug)]
struct Start {
    seq: u64,
    database: usize,
}

/// The part of an epoch that is the same in each life of a log.
fn base(epoch: &str) -> &str {
    epoch.split_once('.').map_or(epoch, |(base, _)| base)
}

/// All readers.
#[derive(Default)]
pub(crate) struct Readers {
    readings: HashMap<Key, Reading>,
    /// The last call that left a channel: what earlier calls say of it is out of date.
    left: HashMap<Key, CallId>,
    cursors: HashMap<Key, Cursor>,
    starts: HashMap<Key, Start>,
    /// The epochs of starts that came with a gap.
    epochs: HashMap<Key, String>,
    /// Calls that subscribe and are not settled.
    asked: HashMap<Key, BTreeSet<CallId>>,
    /// What is read although no call that asks for it has succeeded: it ends with the last of them.
    provisional: HashSet<Key>,
}

impl Readers {
    /// A page's subscription to a channel.
    pub(crate) fn reading(&self, page: PageId, channel: &ChannelId) -> Option<&Reading> {
        self.readings.get(&(page, channel.clone()))
    }

    /// Where all who read a channel of the present database stand, in order.
    pub(crate) fn places(&self, model: &Model, channel: &ChannelId) -> Vec<u64> {
        let readings = self.readings.iter();
        let present = readings
            .filter(|((_, read), reading)| read == channel && reading.database == model.database());
        let mut places: Vec<_> = present.map(|(_, reading)| reading.stands()).collect();
        places.sort_unstable();
        places
    }

    /// `subscribe` was called.
    fn asks(&mut self, page: PageId, call: CallId, channels: &[ChannelId]) {
        for channel in channels {
            let key = (page, channel.clone());
            self.asked.entry(key).or_default().insert(call);
        }
    }

    /// The gateway has said where subscriptions start: to a request that subscribes to these channels, or to what is
    /// read already.
    pub(crate) fn starts(
        &mut self,
        model: &Model,
        page: PageId,
        recoveries: &[Recovery],
        asked: Option<&[ChannelId]>,
    ) -> Verdict {
        for Recovery {
            channel,
            cursor,
            gap,
        } in recoveries
        {
            let key = (page, channel.clone());
            let is_meant = asked.map_or_else(
                || self.readings.contains_key(&key),
                |asked| asked.contains(channel),
            );
            if let Some(cursor) = cursor.as_ref().filter(|_| is_meant) {
                let database = model.database_of(&cursor.epoch).ok_or_else(|| {
                    format!("{page}: {channel} starts at {cursor:?}, of no database")
                })?;
                if gap.is_some() {
                    self.epochs.insert(key.clone(), cursor.epoch.clone());
                }
                let start = Start {
                    seq: cursor.seq,
                    database,
                };
                self.starts.insert(key.clone(), start);
                if asked.is_some() {
                    self.begins(model, key);
                }
            }
        }
        Ok(())
    }

    /// A part of a subscribe is confirmed: from now on events may arrive.
    fn begins(&mut self, model: &Model, key: Key) {
        let start = self.start(model, &key);
        let is_asked = self.asked.get(&key).is_some_and(|calls| !calls.is_empty());
        match self.readings.get_mut(&key) {
            // The first answer may have been to a call that has failed since: it is ignored.
            Some(reading) if self.provisional.contains(&key) && reading.last.is_none() => {
                *reading = start;
            }
            Some(_) => {}
            None if is_asked => {
                self.readings.insert(key.clone(), start);
                self.provisional.insert(key);
            }
            None => {}
        }
    }

    /// `subscribe` has failed: returns what is not read any more.
    fn failed(&mut self, page: PageId, call: CallId, channels: &[ChannelId]) -> Vec<ChannelId> {
        let mut ended = Vec::new();
        for channel in channels {
            let key = (page, channel.clone());
            let is_asked = self.asked.get_mut(&key).is_some_and(|calls| {
                calls.remove(&call);
                !calls.is_empty()
            });
            if !is_asked && self.provisional.remove(&key) {
                self.readings.remove(&key);
                self.cursors.remove(&key);
                ended.push(channel.clone());
            }
        }
        ended
    }

    /// `subscribe` has resolved.
    fn subscribed(&mut self, model: &Model, page: PageId, call: CallId, channels: &[ChannelId]) {
        for channel in channels {
            let key = (page, channel.clone());
            if let Some(calls) = self.asked.get_mut(&key) {
                calls.remove(&call);
            }
            if self.left.get(&key).is_some_and(|left| *left > call) {
                continue;
            }
            self.provisional.remove(&key);
            let start = self.start(model, &key);
            self.readings.entry(key).or_insert(start);
        }
    }

    /// A page that has just subscribed to a channel.
    #[cfg(test)]
    pub(crate) fn starts_at_head(&mut self, model: &Model, page: PageId, channel: &ChannelId) {
        self.subscribed(model, page, CallId(0), std::slice::from_ref(channel));
    }

    /// `unsubscribe` was called.
    fn unsubscribed(&mut self, page: PageId, call: CallId, channels: &[ChannelId]) {
        for channel in channels {
            let key = (page, channel.clone());
            self.readings.remove(&key);
            self.cursors.remove(&key);
            self.asked.remove(&key);
            self.provisional.remove(&key);
            self.left.insert(key, call);
        }
    }

    /// Moves a reader; returns from where and to where, if it read the channel.
    fn gap(
        &mut self,
        model: &Model,
        page: PageId,
        channel: &ChannelId,
        reason: Option<GapReason>,
    ) -> Option<Gap> {
        let key = (page, channel.clone());
        let named = self.cursors.remove(&key);
        let to = self.start(model, &key);
        let is_ahead = named
            .zip(self.epochs.remove(&key))
            .is_some_and(|(named, epoch)| {
                base(&named.epoch) == base(&epoch) && named.seq > to.bound
            });
        let from = if reason.is_none() {
            self.readings.remove(&key)
        } else {
            self.readings
                .get_mut(&key)
                .map(|reading| std::mem::replace(reading, to))
        };
        from.map(|from| Gap { from, to, is_ahead })
    }

    /// A subscription as the gateway said last that it starts.
    fn start(&self, model: &Model, key: &Key) -> Reading {
        let start = self.starts.get(key).copied().unwrap_or_else(|| Start {
            seq: model.head(&key.1),
            database: model.database(),
        });
        Reading {
            last: None,
            bound: start.seq,
            database: start.database,
        }
    }

    /// Judges an event; returns its channel, its sequence and its message, if it has one.
    fn delivered(
        &mut self,
        model: &Model,
        page: PageId,
        event: &str,
    ) -> Result<(ChannelId, u64, Option<Uuid>), String> {
        if let Some(deleted) = delete::deletion(event) {
            return self
                .deleted(model, page, deleted)
                .map(|(channel, seq)| (channel, seq, None));
        }
        let event: SeenEvent<'_> =
            serde_json::from_str(event).map_err(|error| format!("an event is no JSON: {error}"))?;
        let message = event.data.message;
        let Some(place) = model.place(&message.id) else {
            return Err(format!(
                "{page} received message {} that was never stored",
                message.content
            ));
        };
        let (channel, seq) = (&place.channel, place.seq);
        if *channel != message.channel_id {
            return Err(format!(
                "a message of {channel} was delivered in {}",
                message.channel_id
            ));
        }
        let is_empty = |file: &SeenFile| file.size == 0 || file.id.to_string().is_empty();
        if message.files.iter().any(is_empty) {
            return Err(format!("message {} has an empty file", message.content));
        }
        let key = (page, channel.clone());
        let Some(reading) = self.readings.get_mut(&key) else {
            return Err(format!(
                "{page} received an event of {channel}, which it does not read"
            ));
        };
        if model
            .seq_in(reading.database, channel, &message.id)
            .is_none()
        {
            return Err(format!(
                "{page} received an event of {channel} in another database than it reads"
            ));
        }
        reading.advance(page, channel, seq)?;
        Ok((channel.clone(), seq, Some(message.id)))
    }

    /// Judges a deletion; returns its channel and its sequence.
    fn deleted(
        &mut self,
        model: &Model,
        page: PageId,
        deleted: MessageDeleted,
    ) -> Result<(ChannelId, u64), String> {
        let key = (page, deleted.channel_id.clone());
        let Some(reading) = self.readings.get_mut(&key) else {
            return Err(format!(
                "{page} received {deleted:?}, which it does not read"
            ));
        };
        let expected = reading.stands() + 1;
        let seq = model
            .deletion_at(reading.database, &deleted, expected)
            .map_err(|error| format!("{page}: {error}"))?;
        reading.advance(page, &deleted.channel_id, seq)?;
        Ok((deleted.channel_id, seq))
    }

    /// A client resumes and names its cursors.
    pub(crate) fn resumed(&mut self, page: PageId, channels: &[(ChannelId, Cursor)]) -> Verdict {
        for (channel, cursor) in channels {
            let key = (page, channel.clone());
            if let Some(before) = self.cursors.insert(key, cursor.clone())
                && (before.epoch != cursor.epoch || before.seq > cursor.seq)
            {
                return Err(format!(
                    "{page}: the cursor of {channel} went from {before:?} to {cursor:?}"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn closed(&mut self, page: PageId) {
        self.readings.retain(|(reader, _), _| *reader != page);
    }

    /// Every subscription has delivered all there is.
    pub(crate) fn up_to_date(&self, model: &Model, page: PageId) -> Verdict {
        for ((reader, channel), reading) in &self.readings {
            if *reader != page {
                continue;
            }
            if reading.database != model.database() {
                return Err(format!("{page} was never told that {channel} was replaced"));
            }
            let (stands, head) = (reading.stands(), model.head(channel));
            if stands != head {
                return Err(format!(
                    "{page} stands at {stands} of {channel}, whose head is {head}"
                ));
            }
        }
        Ok(())
    }
}
