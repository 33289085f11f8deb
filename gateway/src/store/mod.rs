//! Where messages, events and the records of files are kept.
//!
//! The traits are synchronous and take time and ids as arguments, so that a simulation runs the same
//! store as production. What may be stored and what is answered is decided in `rules`, without a
//! database; `memory` and `sqlite` only load rows and apply rows. One contract suite
//! (`tests/gateway/store`) runs over every implementation.

mod erasure;
mod life;
mod memory;
mod quota;
mod render;
mod rows;
mod rules;
mod sqlite;

use std::sync::Arc;

use alo_protocol::{
    ChannelId, Counts, Cursor, ErrorBody, History, HistoryAround, HistoryPage, JsonObject,
    MessageCounts, ReadCounts, UserId, Uuid,
};

pub use erasure::{Erasure, Owner, Scan, Sent};
pub use life::{MemoryWitness, NewNames};
pub(crate) use life::{is_full, is_same_log};
pub use memory::MemoryStore;
pub use quota::Quota;
pub use rows::{FilePart, FileRow};
pub use sqlite::{
    DatabaseCopy, Inspected, OpenError, Opening, SqliteAccess, SqliteErasure, SqliteFiles,
    SqliteLog, SqliteStore,
};

/// The name of a log: a gapless sequence of events that is read in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogId {
    /// What happens in a channel, for all who may read it.
    Channel(ChannelId),
    /// What concerns one user's own devices.
    User(UserId),
}

impl LogId {
    /// The channel, if it is one's log.
    pub const fn channel(&self) -> Option<&ChannelId> {
        match self {
            Self::Channel(id) => Some(id),
            Self::User(_) => None,
        }
    }
}

impl From<ChannelId> for LogId {
    fn from(id: ChannelId) -> Self {
        Self::Channel(id)
    }
}

/// An event of a log.
#[derive(Clone, Debug)]
pub struct LogEvent {
    /// The log.
    pub log: LogId,
    /// Its place in the log.
    pub seq: u64,
    /// The push as it goes over the wire, serialised once for all subscribers.
    pub push: Arc<str>,
}

/// What is to be written. A feature adds a variant, and a file in `rules` that decides it.
#[derive(Clone, Debug)]
pub enum Change {
    /// A message is sent.
    Send(Draft),
    /// A message is deleted.
    Delete(Deletion),
    /// The beginning of a channel's log is removed.
    Cut(Cut),
    /// A user has read a channel up to a message.
    MarkRead(Mark),
}

impl Change {
    /// The channel it is made in.
    pub const fn channel(&self) -> &ChannelId {
        match self {
            Self::Send(draft) => &draft.channel,
            Self::Delete(deletion) => &deletion.channel,
            Self::Cut(cut) => &cut.channel,
            Self::MarkRead(mark) => &mark.channel,
        }
    }
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The message's id.
    pub id: Uuid,
    /// Idempotency key, unique in its channel.
    pub key: Uuid,
    /// The channel.
    pub channel: ChannelId,
    /// The sender.
    pub user_id: Arc<str>,
    /// The text.
    pub content: String,
    /// A JSON object.
    pub metadata: Option<JsonObject>,
    /// The message replied to.
    pub parent_id: Option<Uuid>,
    /// Uploaded files.
    pub file_ids: Vec<Uuid>,
    /// Now.
    pub now_ms: u64,
}

/// A message to be deleted.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The channel.
    pub channel: ChannelId,
    /// The message.
    pub message: Uuid,
    /// Who deletes it.
    pub by: Deleter,
}

/// Who deletes a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleter {
    /// The app's server, any message.
    Platform,
    /// A user, those sent in that name.
    User(Arc<str>),
}

/// Up to where a user has read.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The channel.
    pub channel: ChannelId,
    /// The last message read.
    pub message: Uuid,
    /// Who has read it.
    pub user: UserId,
}

/// A step of removing the beginning of a channel's log.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The channel.
    pub channel: ChannelId,
    /// What is removed.
    pub upto: Upto,
    /// Messages removed in this step at most; the others are gone for readers as well.
    pub most: usize,
}

/// How much of a log is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upto {
    /// All of it.
    All,
    /// The messages that were sent before this time, as far as one step comes.
    OlderThan(u64),
    /// No more than what is cut off already: what earlier steps have left is removed.
    Known,
}

/// A change that is stored.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The message as JSON, as it is now; of a deletion, the data of `message.deleted`; of a cut, `{}`; of a mark, the
    /// data of `read.updated`.
    pub message: Arc<str>,
    /// News for the subscribers of the log. It is published whether the change was made now or before: with
    /// several gateways, or if a publication was lost, a repeated change may be the first news of it here.
    pub notice: Notice,
}

impl Committed {
    /// The event, if the change was made now.
    pub const fn event(&self) -> Option<&LogEvent> {
        match &self.notice {
            Notice::Event(event) => Some(event),
            Notice::Head { .. } => None,
        }
    }
}

/// News for the subscribers of a log.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A new event.
    Event(LogEvent),
    /// The log reaches at least this sequence: subscribers that are behind read the log.
    Head {
        /// The log.
        log: LogId,
        /// The sequence of an event that is stored.
        seq: u64,
    },
}

impl Notice {
    /// The log and the sequence it is known to reach.
    pub const fn reaches(&self) -> (&LogId, u64) {
        match self {
            Self::Event(LogEvent { log, seq, .. }) | Self::Head { log, seq } => (log, *seq),
        }
    }
}

/// A query to the log. A feature that reads adds a variant, and a file in `rules` that answers it.
#[derive(Clone, Debug)]
pub enum Query {
    /// The events after a sequence, in order.
    Tail {
        /// The log.
        log: LogId,
        /// The last sequence that is known.
        after: u64,
    },
    /// A page of a channel's messages.
    History(History),
    /// A message with the messages before and after it.
    HistoryAround(HistoryAround),
    /// How many messages channels have had since a time.
    Counts(MessageCounts),
    /// What a user has not read of channels.
    Reads {
        /// The user.
        user: UserId,
        /// The channels, in the order of the answer.
        channels: Vec<ChannelId>,
    },
}

impl Query {
    /// The logs it is about.
    pub fn logs(&self) -> Vec<LogId> {
        match self {
            Self::Tail { log, .. } => vec![log.clone()],
            Self::History(history) => vec![history.channel_id.clone().into()],
            Self::HistoryAround(around) => vec![around.channel_id.clone().into()],
            Self::Counts(counts) => {
                let channels = counts.channels.iter();
                channels.map(|one| one.channel_id.clone().into()).collect()
            }
            Self::Reads { channels, .. } => channels.iter().cloned().map(LogId::from).collect(),
        }
    }
}

/// The answer to a [`Query`].
#[derive(Debug)]
pub enum Rows {
    /// To [`Query::Tail`]: the first is the event after the one named, none is left out. Fewer than the
    /// limit does not mean that there are no more; none does.
    Events(Vec<LogEvent>),
    /// To [`Query::Tail`]: there are later events, but the next one is missing or unreadable, and will stay
    /// so; a subscriber continues from this head.
    Gap(Cursor),
    /// To [`Query::History`] and [`Query::HistoryAround`].
    Page(HistoryPage),
    /// To [`Query::Counts`].
    Counts(Counts),
    /// To [`Query::Reads`].
    Reads(ReadCounts),
}

/// How much a read returns at most.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    /// Events; a page of history has a limit of its own.
    pub events: usize,
    /// Bytes; one event or message is returned even if it is larger.
    pub bytes: usize,
}

/// Writes. Owned by one thread.
pub trait Store: Send {
    /// Stores changes in one durable transaction, in order, and answers each: one that is refused
    /// (unknown parent, used key, …) does not fail the others. When this returns, what is stored stays.
    fn commit(&mut self, changes: Vec<Change>) -> Vec<Result<Committed, ErrorBody>>;
}

/// Reads, from any thread, while others write. What was committed before a read begins is seen by it.
pub trait Log: Send + Sync {
    /// The head of each log; 0 for one that was never used.
    ///
    /// # Errors
    /// When the store fails.
    fn heads(&self, logs: &[LogId]) -> Result<Vec<Cursor>, ErrorBody>;

    /// Reads one page, all of it from the same state of the store.
    ///
    /// # Errors
    /// `invalid-argument`, naming what is wrong, `message-not-found`, and `internal` when the store fails:
    /// then the same read may succeed later.
    fn read(&self, query: &Query, limit: PageLimit) -> Result<Rows, ErrorBody>;
}

/// The records of files: the metadata of uploads, not their bytes. From any thread; calls block.
pub trait FileRecords: Send + Sync {
    /// The upload of this id.
    ///
    /// # Errors
    /// Those of the store.
    fn find(&self, id: Uuid) -> Result<Option<FileRow>, ErrorBody>;

    /// The upload created with this file's key before, or this one, now recorded. An upload that was cancelled
    /// or has expired frees its key: a client that asks again wants the file. Several at once cannot exceed the
    /// user's quota together.
    ///
    /// # Errors
    /// `quota-exceeded`, and those of the store.
    fn create(&self, file: FileRow, quota: &Quota, now_ms: u64) -> Result<FileRow, ErrorBody>;

    /// Counts parts that are durable and follow the bytes there are; false if they do not, or the upload
    /// has ended. All of them count or none. The first may be the last one there is, grown.
    ///
    /// # Errors
    /// Those of the store.
    fn append(&self, id: Uuid, parts: &[FilePart], expires_ms: u64) -> Result<bool, ErrorBody>;

    /// The parts that hold bytes `from..to`, in order.
    ///
    /// # Errors
    /// Those of the store.
    fn parts(&self, id: Uuid, from: u64, to: u64) -> Result<Vec<FilePart>, ErrorBody>;

    /// Marks an upload as ended; false if a message has it or there is none.
    ///
    /// # Errors
    /// Those of the store.
    fn end(&self, id: Uuid) -> Result<bool, ErrorBody>;

    /// Marks what has expired as ended, and returns all that has ended.
    ///
    /// # Errors
    /// Those of the store.
    fn expire(&self, now_ms: u64) -> Result<Vec<Uuid>, ErrorBody>;

    /// Removes the record of an upload that has ended; that of any other stays.
    ///
    /// # Errors
    /// Those of the store.
    fn remove(&self, id: Uuid) -> Result<(), ErrorBody>;
}
