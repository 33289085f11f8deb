//! What may be stored and what is answered, written once for every store and without a database: load,
//! decide, apply. A store loads what is [needed](Needs), in as few round trips as it can, and applies the
//! [writes](Writes) in the same transaction.

// Deterministic: no clock, no randomness, no iteration order that differs between runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod counts;
pub(super) mod delete;
pub(super) mod files;
pub(super) mod history;
pub(super) mod reads;
pub(super) mod send;
pub(super) mod tail;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alo_protocol::{ChannelId, Cursor, ErrorBody, UserId, Uuid};

use super::{
    Change, Committed, LogId, Query, Rows,
    render::{Shown, Subject},
    rows::{EventRow, FileRow, MessageRow, OldMessage, ReadRow},
};

/// The answer to a change.
pub(super) type Answer = Result<Committed, ErrorBody>;

/// What a batch of changes needs to know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) logs: BTreeMap<LogId, LogNeeds>,
    pub(super) files: Vec<Uuid>,
}

/// What a batch needs to know about one log, besides its head.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LogNeeds {
    /// Messages stored under these idempotency keys.
    pub(super) keys: Vec<Uuid>,
    /// Messages of these ids.
    pub(super) messages: Vec<Uuid>,
    /// So many of its oldest messages.
    pub(super) oldest: usize,
    /// Up to where these users have read it.
    pub(super) readers: Vec<UserId>,
}

/// What was found of the needs.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Every requested log, used before or not.
    pub(super) logs: BTreeMap<LogId, LoadedLog>,
    pub(super) files: BTreeMap<Uuid, FileRow>,
}

/// What was found of a log.
#[derive(Debug, Default)]
pub(super) struct LoadedLog {
    /// As clients know it.
    pub(super) epoch: String,
    pub(super) head: u64,
    /// The time of the last event.
    pub(super) last_ms: u64,
    /// Everything up to this sequence is gone, whether or not its rows have been removed.
    pub(super) cut: u64,
    pub(super) keys: BTreeMap<Uuid, Arc<MessageRow>>,
    pub(super) messages: BTreeMap<Uuid, Arc<MessageRow>>,
    /// The keys of deleted messages.
    pub(super) gone_keys: BTreeSet<Uuid>,
    /// The places of deleted messages.
    pub(super) gone: BTreeMap<Uuid, u64>,
    pub(super) oldest: Vec<OldMessage>,
    /// Up to where users have read.
    pub(super) reads: BTreeMap<UserId, ReadRow>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) logs: BTreeMap<LogId, LogWrites>,
    pub(super) attached: Vec<Attached>,
    /// Messages whose files end, after all else.
    pub(super) ended: Vec<Uuid>,
    /// Up to where users have read channels; never less far than before.
    pub(super) reads: BTreeMap<(UserId, ChannelId), u64>,
    /// Events of users' own logs that say so.
    pub(super) read_events: Vec<ReadEvent>,
}

/// An event of a user's own log: the user has read a channel further.
#[derive(Debug)]
pub(super) struct ReadEvent {
    pub(super) user: UserId,
    pub(super) seq: u64,
    pub(super) channel: ChannelId,
}

/// What is to be written to one log.
#[derive(Debug, Default)]
pub(super) struct LogWrites {
    pub(super) head: u64,
    pub(super) last_ms: u64,
    /// With their idempotency keys.
    pub(super) messages: Vec<(Uuid, Arc<MessageRow>)>,
    pub(super) events: Vec<EventRow>,
    /// Sequences of messages that are replaced by their tombstones, after all else. Their `message.new` becomes
    /// their deletion.
    pub(super) deleted: Vec<u64>,
    /// The log begins after this sequence from now on.
    pub(super) cut: Option<u64>,
    /// Events up to this sequence are removed.
    pub(super) events_until: u64,
}

/// A file becomes part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attached {
    pub(super) file: Uuid,
    pub(super) message: Uuid,
    /// Its place among the message's files.
    pub(super) place: usize,
}

/// The rows of a store in one transaction that writes.
pub(super) trait WriteRows {
    fn load(&mut self, needs: &Needs) -> Result<Loaded, ErrorBody>;
    fn apply(&mut self, writes: &Writes) -> Result<(), ErrorBody>;
}

/// The logs of a store in one transaction that reads.
pub(super) trait ReadLogs {
    /// The rows of one, used before or not.
    fn open(&self, log: &LogId) -> Result<Box<dyn ReadRows + '_>, ErrorBody>;
}

/// The rows of one log in one transaction that reads.
pub(super) trait ReadRows {
    fn head(&mut self) -> Result<Cursor, ErrorBody>;

    /// What was cut off: nothing up to this sequence is there.
    fn cut(&self) -> u64;

    /// Where the log has the message of this id.
    fn place(&mut self, message: Uuid) -> Result<Option<Place>, ErrorBody>;

    /// Shows messages beyond a sequence, the nearest first, until there are no more or `visit` returns false.
    fn messages(
        &mut self,
        beyond: Beyond,
        visit: Visit<'_, Shown<MessageRow>>,
    ) -> Result<(), ErrorBody>;

    /// How many messages were sent after a time, counted as far as `most`.
    fn count_since(&mut self, after_ms: u64, most: u32) -> Result<u32, ErrorBody>;

    /// What this user has not read of it.
    fn unread(&mut self, user: &UserId) -> Result<Unread, ErrorBody>;

    /// Shows events after a sequence, each with what it is about, in the same way.
    fn events(
        &mut self,
        after: u64,
        visit: Visit<'_, (EventRow, Subject<MessageRow>)>,
    ) -> Result<(), ErrorBody>;
}

/// What is known of a user in a channel.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) cursor: Cursor,
    pub(super) mark: Option<ReadRow>,
    /// Messages behind the mark that are there.
    pub(super) count: u64,
}

/// Takes a row, or `None` for one that cannot be read; false ends the visit. Where what follows cannot be read
/// either, a visit that goes on fails.
pub(super) type Visit<'a, T> = &'a mut dyn FnMut(Option<T>) -> bool;

/// The sequence of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is there.
    Present(u64),
    /// It was there.
    Deleted(u64),
}

/// Where messages are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Beyond {
    /// Before this sequence, newest first.
    Older(u64),
    /// After this sequence, oldest first.
    Newer(u64),
}

/// Decides changes over a store's rows and applies what is to be written.
///
/// # Errors
/// When the store fails: then nothing was decided.
pub(super) fn commit(
    rows: &mut dyn WriteRows,
    changes: &[Change],
) -> Result<Vec<Answer>, ErrorBody> {
    let loaded = load(rows, changes)?;
    let (writes, answers) = decide(loaded, changes);
    rows.apply(&writes)?;
    Ok(answers)
}

/// Answers changes that could not be written: what was stored before stays so and is answered with that,
/// anything else with the error.
pub(super) fn refuse(
    rows: &mut dyn WriteRows,
    changes: &[Change],
    error: &ErrorBody,
) -> Vec<Answer> {
    let loaded = load(rows, changes).unwrap_or_default();
    let answer = |change: &Change| match change {
        Change::Send(draft) => send::known(&loaded, draft).unwrap_or_else(|| Err(error.clone())),
        Change::Delete(deletion) => {
            delete::known(&loaded, deletion).unwrap_or_else(|| Err(error.clone()))
        }
        Change::Cut(cut) => delete::known_cut(&loaded, cut).unwrap_or_else(|| Err(error.clone())),
        Change::MarkRead(mark) => reads::known(&loaded, mark).unwrap_or_else(|| Err(error.clone())),
    };
    changes.iter().map(answer).collect()
}

/// Answers a query over the logs it is about.
pub(super) fn read(
    logs: &dyn ReadLogs,
    query: &Query,
    limit: super::PageLimit,
) -> Result<Rows, ErrorBody> {
    match query {
        Query::Tail { log, after } => tail::read(&mut *logs.open(log)?, log, *after, limit),
        Query::History(history) => {
            let mut rows = logs.open(&history.channel_id.clone().into())?;
            history::page(&mut *rows, history, limit.bytes).map(Rows::Page)
        }
        Query::HistoryAround(around) => {
            let mut rows = logs.open(&around.channel_id.clone().into())?;
            history::around(&mut *rows, around, limit.bytes).map(Rows::Page)
        }
        Query::Counts(counts) => counts::read(logs, counts).map(Rows::Counts),
        Query::Reads { user, channels } => reads::counts(logs, user, channels).map(Rows::Reads),
    }
}

fn load(rows: &mut dyn WriteRows, changes: &[Change]) -> Result<Loaded, ErrorBody> {
    let mut loaded = rows.load(&needs(changes))?;
    let parents = loaded.parents();
    if !parents.logs.is_empty() {
        loaded.add_messages(rows.load(&parents)?);
    }
    Ok(loaded)
}

fn needs(changes: &[Change]) -> Needs {
    let mut needs = Needs::default();
    for change in changes {
        match change {
            Change::Send(draft) => send::needs(&mut needs, draft),
            Change::Delete(deletion) => delete::needs(&mut needs, deletion),
            Change::Cut(cut) => delete::cut_needs(&mut needs, cut),
            Change::MarkRead(mark) => reads::needs(&mut needs, mark),
        }
    }
    needs
}

/// Decides changes in order; later ones see what earlier ones have written.
fn decide(mut loaded: Loaded, changes: &[Change]) -> (Writes, Vec<Answer>) {
    let mut writes = Writes::default();
    let answers = changes
        .iter()
        .map(|change| match change {
            Change::Send(draft) => send::decide(&mut loaded, &mut writes, draft),
            Change::Delete(deletion) => delete::decide(&mut loaded, &mut writes, deletion),
            Change::Cut(cut) => delete::decide_cut(&mut loaded, &mut writes, cut),
            Change::MarkRead(mark) => reads::decide(&mut loaded, &mut writes, mark),
        })
        .collect();
    (writes, answers)
}

impl Loaded {
    /// The log, which was among the needs of the change.
    fn log(&mut self, id: &LogId) -> &mut LoadedLog {
        self.logs
            .get_mut(id)
            .expect("a store loads every log that is needed")
    }

    /// What is needed to show the messages that were found by their keys.
    fn parents(&self) -> Needs {
        let mut needs = Needs::default();
        for (id, log) in &self.logs {
            let missing = log
                .keys
                .values()
                .filter_map(|row| row.parent)
                .filter(|parent| !log.messages.contains_key(parent));
            let messages: Vec<_> = missing.collect();
            if !messages.is_empty() {
                let log = LogNeeds {
                    messages,
                    ..LogNeeds::default()
                };
                needs.logs.insert(id.clone(), log);
            }
        }
        needs
    }

    fn add_messages(&mut self, more: Self) {
        for (id, log) in more.logs {
            let found = self.log(&id);
            found.messages.extend(log.messages);
            found.gone.extend(log.gone);
        }
    }
}

impl LoadedLog {
    /// Takes the message of a key.
    pub(super) fn add_key(&mut self, key: Uuid, row: Arc<MessageRow>) {
        if row.seq > self.cut {
            self.keys.insert(key, row);
        } else {
            self.gone_keys.insert(key);
        }
    }

    /// Takes the message of an id.
    pub(super) fn add_message(&mut self, row: Arc<MessageRow>) {
        if row.seq > self.cut {
            self.messages.insert(row.id, row);
        } else {
            self.gone.insert(row.id, row.seq);
        }
    }

    /// A message is deleted.
    fn forget(&mut self, id: Uuid, seq: u64) {
        self.messages.remove(&id);
        self.gone.insert(id, seq);
        let keys = self.keys.iter().filter(|(_, row)| row.id == id);
        let keys: Vec<_> = keys.map(|(key, _)| *key).collect();
        for key in keys {
            self.keys.remove(&key);
            self.gone_keys.insert(key);
        }
    }

    /// Every message up to a sequence is deleted, and so are marks.
    fn forget_until(&mut self, last: u64) {
        self.reads.retain(|_, mark| mark.seq > last);
        let rows = self.messages.values().chain(self.keys.values());
        let old = rows.filter(|row| row.seq <= last);
        let old: Vec<_> = old.map(|row| (row.id, row.seq)).collect();
        for (id, seq) in old {
            self.forget(id, seq);
        }
    }

    fn show(&self, row: &Arc<MessageRow>) -> String {
        Shown {
            message: row.clone(),
            parent: row.parent.and_then(|id| self.messages.get(&id).cloned()),
        }
        .json()
    }
}
