//! What must be true, by a model so simple that it is right: a list of messages for each channel. Each feature
//! has its own part of it; here is what they share.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    ops::RangeInclusive,
};

use alo_chat::core::CallId;
use alo_gateway::store::{LogEvent, LogId};
use alo_protocol::{ChannelId, Uuid};
use serde::Deserialize;

pub use crate::features::send::Tag;
use crate::{
    features::{
        access::Accesses,
        delete,
        history::Histories,
        reads::{Devices, Marks},
        send::{Sends, Stored},
        subscribe::Readers,
    },
    page::PageId,
};

/// By how much a clock that is set back leaves the timestamps of a log where they were.
const AHEAD_MS: u64 = 60_000;

/// Something that must not be.
#[derive(Debug)]
pub struct Violation {
    /// Replays it.
    pub seed: u64,
    /// The step at which it was seen.
    pub step: u64,
    /// The time, milliseconds.
    pub now_ms: u64,
    /// What is wrong.
    pub message: String,
    /// What happened last, if traced.
    pub trail: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trail {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "seed {}, step {}, {} ms: {}",
            self.seed, self.step, self.now_ms, self.message
        )
    }
}

impl std::error::Error for Violation {}

/// What a check has found.
pub(crate) type Verdict = Result<(), String>;

/// The parts of a message that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen<'a> {
    pub(crate) id: Uuid,
    pub(crate) channel_id: ChannelId,
    #[serde(borrow)]
    pub(crate) user_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) timestamp: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) content: Cow<'a, str>,
    pub(crate) files: Vec<SeenFile>,
}

/// The same of a file.
#[derive(Deserialize)]
pub(crate) struct SeenFile {
    pub(crate) id: Uuid,
    pub(crate) size: u64,
}

/// An event with a message.
#[derive(Deserialize)]
pub(crate) struct SeenEvent<'a> {
    #[serde(borrow)]
    pub(crate) data: SeenData<'a>,
}

/// Its data.
#[derive(Deserialize)]
pub(crate) struct SeenData<'a> {
    #[serde(borrow)]
    pub(crate) message: Seen<'a>,
}

/// The logs of one database the gateway has had, or of a copy of it.
#[derive(Clone, Default)]
pub(crate) struct Database {
    logs: BTreeMap<ChannelId, Log>,
    marks: Marks,
}

impl Database {
    /// Whether its logs have as many messages as those of another.
    pub(crate) fn is_as_long_as(&self, other: &Self) -> bool {
        let lengths = |database: &Self| -> Vec<_> {
            let logs = database.logs.iter();
            logs.map(|(channel, log)| (channel.clone(), log.ids.len(), log.cut))
                .collect()
        };
        lengths(self) == lengths(other)
    }
}

/// The log of a channel.
#[derive(Clone, Default)]
struct Log {
    /// Ids in their order; the first has sequence 1.
    ids: Vec<Uuid>,
    /// When each of its messages was sent, by sequence.
    sent: BTreeMap<u64, u64>,
    last_ms: u64,
    /// Those that are no longer in the store, each with how many were missing before it.
    missing: BTreeMap<u64, u64>,
    /// Of these, those that have an event still: deleted messages and their deletions.
    erased: BTreeSet<u64>,
    /// Nothing up to here is there.
    cut: u64,
    /// How many messages the database has lost without a trace.
    lost: u64,
}

/// Where a stored message stands.
pub(crate) struct Place {
    pub(crate) channel: ChannelId,
    pub(crate) seq: u64,
}

/// All that was ever made durable. Databases are counted; each has epochs of its own.
pub(crate) struct Model {
    databases: Vec<Database>,
    places: HashMap<Uuid, Place>,
    epochs: HashMap<String, usize>,
    losses: u64,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            databases: vec![Database::default()],
            places: HashMap::new(),
            epochs: HashMap::new(),
            losses: 0,
        }
    }

    /// The present database.
    pub(crate) const fn database(&self) -> usize {
        self.databases.len() - 1
    }

    /// Which database calls a channel's log by this.
    pub(crate) fn database_of(&self, epoch: &str) -> Option<usize> {
        self.epochs.get(epoch).copied()
    }

    /// The ids of a channel's messages, the first at sequence 1.
    pub(crate) fn log(&self, database: usize, channel: &ChannelId) -> &[Uuid] {
        self.databases
            .get(database)
            .and_then(|database| database.logs.get(channel))
            .map_or(&[], |log| &log.ids)
    }

    /// The sequence of the last message of a channel in the present database.
    pub(crate) fn head(&self, channel: &ChannelId) -> u64 {
        self.log(self.database(), channel).len() as u64
    }

    /// Where a message stands in every database that has it.
    pub(crate) fn place(&self, id: &Uuid) -> Option<&Place> {
        self.places.get(id)
    }

    /// The sequence of a message in a channel of a database.
    pub(crate) fn seq_in(&self, database: usize, channel: &ChannelId, id: &Uuid) -> Option<u64> {
        let place = self.place(id).filter(|place| place.channel == *channel)?;
        let index = usize::try_from(place.seq).ok()?.checked_sub(1)?;
        (self.log(database, channel).get(index) == Some(id)).then_some(place.seq)
    }

    /// The gateway comes back with an empty database.
    pub(crate) fn replaced(&mut self) {
        self.databases.push(Database::default());
    }

    /// The present database as it is.
    pub(crate) fn copy(&self) -> Database {
        self.databases[self.database()].clone()
    }

    /// The gateway comes back with a copy made earlier.
    pub(crate) fn restored(&mut self, copy: Database) {
        self.databases.push(copy);
    }

    /// All ids of the present database, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &Uuid> {
        let logs = self.databases[self.database()].logs.values();
        logs.flat_map(|log| &log.ids)
    }

    /// A message is gone from the store; gives its id.
    pub(crate) fn lose(&mut self, channel: &ChannelId, seq: u64) -> Option<Uuid> {
        let database = self.database();
        let log = self.databases[database].logs.get_mut(channel)?;
        let id = log.ids.get(usize::try_from(seq).ok()?.checked_sub(1)?)?;
        log.missing.entry(seq).or_insert(self.losses);
        self.losses += 1;
        Some(*id)
    }

    /// How many messages have gone missing so far, in all.
    pub(crate) const fn losses(&self) -> u64 {
        self.losses
    }

    /// The messages of a stretch that are missing, and how many were missing before each.
    pub(crate) fn missing(
        &self,
        database: usize,
        channel: &ChannelId,
        seqs: RangeInclusive<u64>,
    ) -> impl Iterator<Item = (u64, u64)> {
        let log = self.databases[database].logs.get(channel);
        let log = log.filter(|_| !seqs.is_empty());
        log.into_iter()
            .flat_map(move |log| log.missing.range(seqs.clone()))
            .map(|(seq, before)| (*seq, *before))
    }

    /// Whether a whole stretch is missing; an empty one is.
    pub(crate) fn all_missing(
        &self,
        database: usize,
        channel: &ChannelId,
        seqs: RangeInclusive<u64>,
    ) -> bool {
        let missing = self.missing(database, channel, seqs.clone()).count();
        seqs.is_empty() || missing as u64 == seqs.end() - seqs.start() + 1
    }

    /// Whether some message of a stretch was gone before so many had gone.
    pub(crate) fn was_gone(
        &self,
        database: usize,
        channel: &ChannelId,
        seq: u64,
        losses: u64,
    ) -> bool {
        self.missing(database, channel, seq..=seq)
            .any(|(_, before)| before < losses)
    }

    /// The events of a stretch that are not in the log any more.
    pub(crate) fn holes(
        &self,
        database: usize,
        channel: &ChannelId,
        seqs: RangeInclusive<u64>,
    ) -> impl Iterator<Item = u64> {
        let log = self.databases[database].logs.get(channel);
        let erased = move |seq: &u64| log.is_some_and(|log| log.erased.contains(seq));
        self.missing(database, channel, seqs)
            .map(|(seq, _)| seq)
            .filter(move |seq| !erased(seq))
    }

    /// A message is deleted, or an event is the deletion of one: no message is there any more.
    pub(crate) fn erased(&mut self, channel: &ChannelId, seq: u64) {
        self.lose(channel, seq);
        let database = self.database();
        if let Some(log) = self.databases[database].logs.get_mut(channel) {
            log.erased.insert(seq);
        }
    }

    /// Everything up to a sequence is gone; returns the ids of what goes now.
    pub(crate) fn cut(&mut self, channel: &ChannelId, cut: u64) -> Vec<Uuid> {
        let database = self.database();
        let Database { logs, marks } = &mut self.databases[database];
        let Some(log) = logs.get_mut(channel) else {
            return Vec::new();
        };
        marks.cut(channel, cut);
        let from = std::mem::replace(&mut log.cut, cut) + 1;
        log.erased = log.erased.split_off(&(cut + 1));
        (from..=cut)
            .filter_map(|seq| self.lose(channel, seq))
            .collect()
    }

    /// An event that is no message has been made durable.
    pub(crate) fn append_other(&mut self, channel: &ChannelId, seq: u64, id: Uuid) -> Verdict {
        let database = self.database();
        let log = self.databases[database].logs.get(channel);
        let last_ms = log.map_or(0, |log| log.last_ms);
        self.append(channel, seq, last_ms, id)
    }

    /// How many messages that are there were sent to a channel after a time.
    pub(crate) fn sent_after(&self, channel: &ChannelId, ms: u64) -> usize {
        let log = self.databases[self.database()].logs.get(channel);
        let sent = log.into_iter().flat_map(|log| {
            let present = log
                .sent
                .iter()
                .filter(|(seq, _)| !log.missing.contains_key(seq));
            present.filter(|(_, at)| **at > ms)
        });
        sent.count()
    }

    /// A message was sent at a time.
    fn sent_at(&mut self, channel: &ChannelId, seq: u64, ms: u64) {
        let database = self.database();
        if let Some(log) = self.databases[database].logs.get_mut(channel) {
            log.sent.insert(seq, ms);
        }
    }

    /// Up to where users of a database have read.
    pub(crate) fn marks(&self, database: usize) -> &Marks {
        &self.databases[database].marks
    }

    /// The same, of the present one.
    pub(crate) fn marks_mut(&mut self) -> &mut Marks {
        let database = self.database();
        &mut self.databases[database].marks
    }

    /// How many messages are there behind a sequence, and how many are lost without a trace in all.
    pub(crate) fn behind(&self, channel: &ChannelId, seq: u64) -> (u64, u64) {
        let log = self.databases[self.database()].logs.get(channel);
        let Some(log) = log else {
            return (0, 0);
        };
        let behind = log.sent.range(seq.max(log.cut) + 1..);
        let there = behind.filter(|(seq, _)| !log.missing.contains_key(seq));
        (there.count() as u64, log.lost)
    }

    /// A message is lost without a trace.
    fn lost(&mut self, channel: &ChannelId) {
        let database = self.database();
        if let Some(log) = self.databases[database].logs.get_mut(channel) {
            log.lost += 1;
        }
    }

    /// The present database may call a channel's log by this.
    pub(crate) fn epoch(&mut self, epoch: &str) {
        let database = self.database();
        self.epochs.insert(epoch.to_owned(), database);
    }

    /// A message has been made durable.
    pub(crate) fn append(&mut self, channel: &ChannelId, seq: u64, ms: u64, id: Uuid) -> Verdict {
        let database = self.database();
        let log = self.databases[database]
            .logs
            .entry(channel.clone())
            .or_default();
        if seq != log.ids.len() as u64 + 1 {
            return Err(format!(
                "{channel} has sequence {seq} after {}",
                log.ids.len()
            ));
        }
        // From a clock that was far ahead it does.
        if ms < log.last_ms && log.last_ms - ms <= AHEAD_MS {
            return Err(format!(
                "time went back in {channel}: {ms} after {}",
                log.last_ms
            ));
        }
        log.last_ms = ms;
        log.ids.push(id);
        let channel = channel.clone();
        self.places.insert(id, Place { channel, seq });
        Ok(())
    }
}

/// The model, and what each feature remembers.
pub struct Oracle {
    pub(crate) model: Model,
    pub(crate) sends: Sends,
    pub(crate) readers: Readers,
    pub(crate) history: Histories,
    pub(crate) access: Accesses,
    pub(crate) devices: Devices,
    open_calls: HashMap<PageId, HashMap<CallId, &'static str>>,
}

impl Oracle {
    pub(crate) fn new(outbox: usize) -> Self {
        Self {
            model: Model::new(),
            sends: Sends::new(outbox),
            readers: Readers::default(),
            history: Histories::default(),
            access: Accesses::default(),
            devices: Devices::default(),
            open_calls: HashMap::new(),
        }
    }

    // At the store.

    /// The gateway comes back with an empty database.
    pub(crate) fn replaced(&mut self) {
        self.model.replaced();
        self.sends.replaced();
    }

    /// The gateway comes back with a copy made earlier.
    pub(crate) fn restored(&mut self, copy: Database) {
        self.model.restored(copy);
        self.sends.rewound(&self.model);
    }

    /// A message is gone from the store, and its event.
    pub(crate) fn lost(&mut self, channel: &ChannelId, seq: u64) {
        if let Some(id) = self.model.lose(channel, seq) {
            self.model.lost(channel);
            self.sends.lost(&id);
        }
    }

    /// The present database may call a channel's log by this.
    pub(crate) fn epoch(&mut self, epoch: &str) {
        self.model.epoch(epoch);
    }

    /// A message has been made durable.
    pub(crate) fn stored(&mut self, event: &LogEvent) -> Verdict {
        if let LogId::User(user) = &event.log {
            return self.marked(user, event);
        }
        #[derive(Deserialize)]
        struct Push<'a> {
            #[serde(borrow)]
            event: SeenEvent<'a>,
        }
        #[derive(Deserialize)]
        struct Whole<'a> {
            #[serde(borrow)]
            event: &'a serde_json::value::RawValue,
        }
        let whole: Whole<'_> = serde_json::from_str(&event.push)
            .map_err(|error| format!("a push is no JSON: {error}"))?;
        if let Some(deleted) = delete::deletion(whole.event.get()) {
            self.model.delete(event.seq, &deleted)?;
            self.sends
                .erased(&deleted.message_id, self.model.database());
            return Ok(());
        }
        let push: Push<'_> = serde_json::from_str(&event.push)
            .map_err(|error| format!("a push is no JSON: {error}"))?;
        let message = push.event.data.message;
        let tag =
            Tag::parse(&message.content).ok_or("a message with another content was stored")?;
        let ms: u64 = message
            .timestamp
            .parse()
            .map_err(|_| "a timestamp is no number")?;
        let channel = event
            .log
            .channel()
            .ok_or("a message was stored outside of a channel")?;
        self.model.append(channel, event.seq, ms, message.id)?;
        self.model.sent_at(channel, event.seq, ms);
        self.model
            .marks_mut()
            .sent(&message.user_id, channel, event.seq);
        self.sends.stored(Stored {
            tag,
            id: message.id,
            database: self.model.database(),
            channel,
            files: message.files.len(),
        })
    }

    /// The store has a channel's log from behind `cut` to `head`.
    pub(crate) fn cut(&mut self, channel: &ChannelId, cut: u64, head: u64) -> Verdict {
        let known = self.model.head(channel);
        if head != known {
            return Err(format!("the head of {channel} is {head}, not {known}"));
        }
        for id in self.model.cut(channel, cut) {
            self.sends.erased(&id, self.model.database());
        }
        Ok(())
    }

    /// The store has cut off all of a log: that is an event nobody can read.
    pub(crate) fn cut_all(&mut self, channel: &ChannelId, seq: u64) -> Verdict {
        let known = self.model.head(channel);
        if seq == known {
            return Ok(());
        }
        let last = self.model.log(self.model.database(), channel).last();
        let id = last.map_or_else(|| Uuid::from_bytes([0; 16]), delete::stand_in_of_cut);
        self.model.append_other(channel, seq, id)
    }

    /// The store has refused a message.
    pub(crate) fn not_stored(&mut self, content: &str) {
        self.sends.not_stored(&self.model, content);
    }

    /// What a replay shows: messages that are there, and deletions of the others.
    pub(crate) fn shows(&self, channel: &ChannelId, events: &[LogEvent]) -> Verdict {
        let database = self.model.database();
        for event in events {
            let is_there = !self
                .model
                .all_missing(database, channel, event.seq..=event.seq);
            let is_message = event.push.contains(r#""type":"message.new""#);
            if is_there != is_message {
                return Err(format!("a replay of {channel} shows {}", event.push));
            }
        }
        Ok(())
    }

    /// All that the store holds of a channel must be what was told.
    pub(crate) fn holds(&self, channel: &ChannelId, seqs: &[u64]) -> Verdict {
        let length = self.model.head(channel);
        let database = self.model.database();
        let is_there = |seq: &u64| {
            self.model
                .holes(database, channel, *seq..=*seq)
                .next()
                .is_none()
        };
        if seqs.iter().copied().eq((1..=length).filter(is_there)) {
            Ok(())
        } else {
            Err(format!(
                "the store holds {} events of {channel}, {length} were made durable",
                seqs.len()
            ))
        }
    }

    // At a client.

    pub(crate) fn called(&mut self, page: PageId, call: CallId, what: &'static str) {
        self.open_calls.entry(page).or_default().insert(call, what);
    }

    /// A call is settled, whatever with.
    pub(crate) fn settled(&mut self, page: PageId, call: CallId) -> Verdict {
        let calls = self.open_calls.entry(page).or_default();
        match calls.remove(&call) {
            Some(_) => Ok(()),
            None => Err(format!("{page}: call {} was settled twice", call.0)),
        }
    }

    /// Whether a message waits for its answer.
    pub(crate) fn is_sending(&self) -> bool {
        let mut calls = self.open_calls.values().flat_map(HashMap::values);
        calls.any(|what| *what == "send")
    }

    /// A page was closed: nobody waits for its calls.
    pub(crate) fn closed(&mut self, page: PageId) {
        self.open_calls.remove(&page);
        self.sends.closed(page);
        self.readers.closed(page);
        self.devices.closed(page);
        self.history.closed(page);
    }

    /// Bounded queues are bounded.
    pub(crate) fn bounded(&self, page: PageId) -> Verdict {
        let open = self.open_calls.get(&page);
        let sends = open.map_or(0, |calls| {
            calls.values().filter(|what| **what == "send").count()
        });
        self.sends.bounded(page, sends)
    }

    /// After healing nothing is open and every reader stands at the head.
    pub(crate) fn settled_all(&self, page: PageId) -> Verdict {
        let open = self.open_calls.get(&page);
        if let Some((call, what)) = open.and_then(|calls| calls.iter().next()) {
            return Err(format!(
                "{page}: {what} (call {}) was never answered",
                call.0
            ));
        }
        self.sends.released_all(page)?;
        self.up_to_date(page)
    }

    /// Every subscription has delivered all there is, and so have the pages loaded beside it.
    pub(crate) fn up_to_date(&self, page: PageId) -> Verdict {
        self.readers.up_to_date(&self.model, page)?;
        self.history.up_to_date(&self.model, page)
    }

    /// Ids of messages of a channel, for replies.
    pub(crate) fn some_message(&self, channel: &ChannelId, pick: usize) -> Option<Uuid> {
        let log = self.model.log(self.model.database(), channel);
        let index = pick % log.len().max(1);
        let seq = index as u64 + 1;
        let is_there = !self
            .model
            .all_missing(self.model.database(), channel, seq..=seq);
        log.get(index).copied().filter(|_| is_there)
    }
}
