//! What users have read: marks that move forward only, counts that are those of the moment when they were read, and
//! devices of a user that agree in the end.

use std::collections::{BTreeMap, HashMap};

use alo_chat::core::{Error, Input, Lane, Settled};
use alo_gateway::store::{Committed, LogEvent, LogId};
use alo_protocol::{ChannelId, GapReason, ReadCounts, ReadUpdated, UserId};
use serde::Deserialize;

use crate::{
    client::Call,
    oracle::{Model, Oracle, Verdict},
    page::PageId,
    wire::Payload,
    world::World,
};

/// Events of a user's own log that the gateway keeps.
const KEPT: u64 = 1_000;

/// Whether an event of a user's own log with this head is not kept any more.
pub(crate) const fn is_cut(head: u64, seq: u64) -> bool {
    seq + KEPT <= head
}

/// What a user does once the own log is subscribed.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    Count,
    Mark(String),
}

/// An event of a user's own log.
#[derive(Deserialize)]
struct ReadEvent {
    #[serde(rename = "type")]
    kind: String,
    data: ReadUpdated,
}

/// The data of an event, if it is of this kind.
pub(crate) fn read_updated(event: &str) -> Option<ReadUpdated> {
    let event: ReadEvent = serde_json::from_str(event).ok()?;
    (event.kind == "read.updated").then_some(event.data)
}

// What a user does.
impl World {
    /// Marks some message as read, or counts what is not.
    pub(crate) fn read_something(&mut self, index: usize, channel: &ChannelId) {
        let (user, pick) = (self.user(self.page(index)), self.rng.usize(..1_000_000));
        let model = &self.oracle.model;
        let mark = model.marks(model.database()).of(&user, channel);
        // Mostly one that is not read.
        let unread = model.head(channel).saturating_sub(mark);
        if unread > 0 && !pick.is_multiple_of(3) {
            let seq = mark + 1 + pick as u64 % unread;
            return self.mark_read(index, channel, seq);
        }
        match self.oracle.some_message(channel, pick) {
            Some(id) if pick.is_multiple_of(6) => {
                let params = format!(r#""channelId":"{channel}","messageId":"{id}""#);
                self.join(index, Then::Mark(params));
            }
            Some(_) | None => self.join(index, Then::Count),
        }
    }

    /// Marks the message at a place of a channel as read.
    pub fn mark_read(&mut self, index: usize, channel: &ChannelId, seq: u64) {
        let model = &self.oracle.model;
        let log = model.log(model.database(), channel);
        if let Some((_, id)) = (1..).zip(log).find(|(place, _)| *place == seq) {
            let params = format!(r#""channelId":"{channel}","messageId":"{id}""#);
            self.join(index, Then::Mark(params));
        }
    }

    /// Counts what is not read.
    pub fn count_unread(&mut self, index: usize) {
        self.join(index, Then::Count);
    }

    /// Subscribes to the own log first, as the package does.
    fn join(&mut self, index: usize, then: Then) {
        let call = self.clients[index].next_call(Call::Own(then));
        let input = Input::Subscribe(call, vec![ChannelId::own()]);
        self.call(index, call, "own log", input);
    }

    pub(crate) fn own_settled(
        &mut self,
        page: PageId,
        then: &Then,
        result: Result<Settled<Payload>, Error>,
    ) -> Verdict {
        match result {
            Ok(Settled::Done) => {}
            Ok(other) => return Err(format!("{page}: subscribe was answered with {other:?}")),
            Err(_) => return Ok(()),
        }
        self.oracle.devices.joined(page);
        let (what, body) = match then {
            Then::Count => ("reads", r#""reads","params":{"#.to_owned()),
            Then::Mark(params) => ("mark", format!(r#""read.mark","params":{{{params}"#)),
        };
        let call = self.clients[page.client].next_call(Call::Reads);
        self.request(page.client, call, what, body, Lane::Retry);
        Ok(())
    }

    pub(crate) fn reads_settled(
        &mut self,
        page: PageId,
        result: Result<Settled<Payload>, Error>,
    ) -> Verdict {
        let answer = match result {
            Ok(Settled::Value(answer)) => answer,
            Ok(other) => return Err(format!("{page}: reads were answered with {other:?}")),
            Err(_) => {
                self.counts.add("marks and counts of reads refused");
                return Ok(());
            }
        };
        if serde_json::from_str::<ReadUpdated>(answer.as_str()).is_ok() {
            self.counts.add("marks answered");
            return Ok(());
        }
        let counts: ReadCounts = serde_json::from_str(answer.as_str())
            .map_err(|error| format!("counts are {answer:?}: {error}"))?;
        self.counts.add("counts of what is not read");
        let oracle = &mut self.oracle;
        oracle.devices.counted(&oracle.model, page, &counts)
    }

    /// A device received an event of its user's own log.
    pub(crate) fn read_on(&mut self, page: PageId, read: &ReadUpdated) -> Verdict {
        self.counts.add("marks delivered");
        let oracle = &mut self.oracle;
        oracle.devices.told(&oracle.model, page, read)
    }

    /// Events of the own log are missing: the device asks again.
    pub(crate) fn own_gap(&mut self, page: PageId, reason: Option<GapReason>) -> Verdict {
        self.counts.add("gaps told: own log");
        let user = self.user(page);
        let head = self
            .oracle
            .model
            .marks(self.oracle.model.database())
            .head(&user);
        let before = self.oracle.devices.forget(page);
        match reason {
            Some(GapReason::EpochChanged | GapReason::CursorAhead) => {}
            Some(GapReason::Expired) if is_cut(head, 1) => {}
            Some(GapReason::Expired) | None => {
                return Err(format!(
                    "{page} was told of a gap in its own log: {reason:?}"
                ));
            }
        }
        if before {
            self.join(page.client, Then::Count);
        }
        Ok(())
    }

    /// The user of a page.
    fn user(&self, page: PageId) -> UserId {
        let user = self.clients[page.client].user.parse();
        user.expect("users of the simulation have valid ids")
    }

    /// The device knows what its user has read, as far as it has asked.
    pub(crate) fn check_reads(&mut self, page: PageId) {
        let (user, oracle) = (self.user(page), &self.oracle);
        let verdict = oracle.devices.up_to_date(&oracle.model, page, &user);
        self.check(verdict);
    }
}

/// Up to where users have read, in one database.
#[derive(Clone, Default)]
pub(crate) struct Marks {
    /// The last message read or sent.
    read: BTreeMap<(UserId, ChannelId), u64>,
    /// What the users' own logs have said last.
    told: BTreeMap<(UserId, ChannelId), u64>,
    heads: BTreeMap<UserId, u64>,
}

impl Marks {
    /// The head of a user's own log.
    pub(crate) fn head(&self, user: &UserId) -> u64 {
        self.heads.get(user).copied().unwrap_or(0)
    }

    /// A user has sent a message.
    pub(crate) fn sent(&mut self, user: &str, channel: &ChannelId, seq: u64) {
        if let Ok(user) = user.parse() {
            self.read.insert((user, channel.clone()), seq);
        }
    }

    /// A channel is cut off up to here, and so are marks.
    pub(crate) fn cut(&mut self, channel: &ChannelId, cut: u64) {
        for marks in [&mut self.read, &mut self.told] {
            marks.retain(|(_, read), seq| read != channel || *seq > cut);
        }
    }

    fn of(&self, user: &UserId, channel: &ChannelId) -> u64 {
        let mark = self.read.get(&(user.clone(), channel.clone()));
        mark.copied().unwrap_or(0)
    }
}

impl Oracle {
    /// The store holds an event of a user's own log.
    pub(crate) fn marked(&mut self, user: &UserId, event: &LogEvent) -> Verdict {
        #[derive(Deserialize)]
        struct Push<'a> {
            #[serde(borrow)]
            event: &'a serde_json::value::RawValue,
        }
        let push: Push<'_> = serde_json::from_str(&event.push)
            .map_err(|error| format!("a push is no JSON: {error}"))?;
        let read = read_updated(push.event.get()).ok_or("an own log has another event")?;
        let seq = self.model.place_of(&read)?;
        let database = self.model.database();
        let before = self.model.marks(database).of(user, &read.channel_id);
        if seq <= before {
            return Err(format!("the mark of {user} went from {before} to {read:?}"));
        }
        let marks = self.model.marks_mut();
        let head = marks.heads.entry(user.clone()).or_default();
        *head += 1;
        if *head != event.seq {
            return Err(format!("the log of {user} has {} after {head}", event.seq));
        }
        let key = (user.clone(), read.channel_id);
        marks.told.insert(key.clone(), seq);
        marks.read.insert(key, seq);
        Ok(())
    }

    /// A mark was answered with the present one, which is as far or further.
    /// `cut`: up to where a channel is cut off in the store.
    pub(crate) fn marked_before(
        &self,
        log: &LogId,
        committed: &Committed,
        cut: impl FnOnce(&ChannelId) -> u64,
    ) -> Verdict {
        let LogId::User(user) = log else {
            return Err(format!("a mark was answered with {committed:?}"));
        };
        let read: ReadUpdated = serde_json::from_str(&committed.message)
            .map_err(|error| format!("a mark was answered with {committed:?}: {error}"))?;
        let marks = self.model.marks(self.model.database());
        let present = marks.of(user, &read.channel_id);
        let is_right = match read.message_seq {
            Some(seq) => seq == present,
            None => present <= cut(&read.channel_id),
        };
        if is_right {
            Ok(())
        } else {
            Err(format!("{user} has read up to {present}, not {read:?}"))
        }
    }
}

impl Model {
    /// What was counted just now is what there is. What the database has lost without a trace may count or not.
    pub(crate) fn unread(&self, user: &UserId, counts: &ReadCounts) -> Verdict {
        for counted in &counts.channels {
            let mark = self.marks(self.database()).of(user, &counted.id);
            let (there, lost) = self.behind(&counted.id, mark);
            let ids = self.log(self.database(), &counted.id);
            let read = (1..).zip(ids).find(|(seq, _)| *seq == mark);
            let read = read.map(|(_, id)| *id);
            let is_right = (there..=there + lost).contains(&counted.count)
                && (counted.last_read_message_id == read
                    || counted.last_read_message_id.is_none() && lost > 0);
            if !is_right {
                return Err(format!(
                    "{user} is said to have read {counted:?}, with {there} behind {mark}"
                ));
            }
        }
        Ok(())
    }

    /// The place of the message up to which somebody has read.
    fn place_of(&self, read: &ReadUpdated) -> Result<u64, String> {
        let place = read.message_id.and_then(|id| self.place(&id));
        match place {
            Some(place)
                if place.channel == read.channel_id && Some(place.seq) == read.message_seq =>
            {
                Ok(place.seq)
            }
            Some(_) | None => Err(format!("{read:?} names no message")),
        }
    }
}

/// What devices know of their users' marks.
#[derive(Default)]
pub(crate) struct Devices(HashMap<PageId, Device>);

/// See [`Devices`].
#[derive(Default)]
struct Device {
    /// Of which database it has counted, if it has.
    counted: Option<usize>,
    known: BTreeMap<ChannelId, u64>,
    /// The last events, each as far as or further than those before it.
    told: BTreeMap<ChannelId, u64>,
}

impl Devices {
    fn joined(&mut self, page: PageId) {
        self.0.entry(page).or_default();
    }

    /// A page was closed.
    pub(crate) fn closed(&mut self, page: PageId) {
        self.0.remove(&page);
    }

    /// What it knows is out of date; returns whether it knew anything.
    fn forget(&mut self, page: PageId) -> bool {
        let device = self.0.get_mut(&page).map(std::mem::take);
        device.is_some_and(|device| device.counted.is_some() || !device.told.is_empty())
    }

    fn counted(&mut self, model: &Model, page: PageId, counts: &ReadCounts) -> Verdict {
        let device = self.0.entry(page).or_default();
        for counted in &counts.channels {
            let epoch = &counted.cursor.epoch;
            let database = model
                .database_of(epoch)
                .ok_or_else(|| format!("{counted:?} is of no database"))?;
            if device.counted.replace(database) != Some(database) {
                device.known.clear();
            }
            let place = counted.last_read_message_id.and_then(|id| model.place(&id));
            let seq = place.map_or(0, |place| place.seq);
            let known = device.known.entry(counted.id.clone()).or_default();
            *known = seq.max(*known);
        }
        for (channel, seq) in &device.told {
            let known = device.known.entry(channel.clone()).or_default();
            *known = (*known).max(*seq);
        }
        Ok(())
    }

    fn told(&mut self, model: &Model, page: PageId, read: &ReadUpdated) -> Verdict {
        let device = self
            .0
            .get_mut(&page)
            .ok_or_else(|| format!("{page} received {read:?}, which it has not asked for"))?;
        if read.message_id.is_none() {
            // Forgotten since.
            return Ok(());
        }
        let seq = model.place_of(read)?;
        let before = device.told.insert(read.channel_id.clone(), seq);
        if before.is_some_and(|before| before > seq) {
            return Err(format!("{page} received {read:?} after {before:?}"));
        }
        let known = device.known.entry(read.channel_id.clone()).or_default();
        *known = (*known).max(seq);
        Ok(())
    }

    /// A device that has counted knows all marks since. That its user has sent something since it need not know.
    fn up_to_date(&self, model: &Model, page: PageId, user: &UserId) -> Verdict {
        let Some(device) = self.0.get(&page) else {
            return Ok(());
        };
        if device
            .counted
            .is_some_and(|database| database != model.database())
        {
            return Err(format!(
                "{page} was never told that its own log was replaced"
            ));
        }
        let marks = model.marks(model.database());
        for ((_, channel), told) in marks.told.iter().filter(|((of, _), _)| of == user) {
            let known = device.known.get(channel).copied().unwrap_or(0);
            let most = marks.of(user, channel);
            if device.counted.is_some() && !(*told..=most).contains(&known) {
                return Err(format!(
                    "{page} takes {known} of {channel} for read, not {told} to {most}"
                ));
            }
        }
        Ok(())
    }
}
