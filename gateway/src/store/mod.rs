//! Where messages and events are kept.
//!
//! The trait is synchronous and takes time and ids as arguments, so that a simulation can run the very
//! store that production runs. One contract suite (`tests/store_contract.rs`) runs over every
//! implementation.

mod memory;
mod message;
mod sqlite;

use std::sync::Arc;

use alo_protocol::{ChannelId, Cursor, ErrorBody, JsonObject, Uuid};

pub use memory::MemoryStore;
pub use sqlite::{OpenError, SqliteStore};
pub(crate) use sqlite::{connect, sqlite_error};

/// A message to be stored.
#[derive(Debug)]
pub struct Draft {
    /// The message's id.
    pub id: Uuid,
    /// Idempotency key.
    pub key: Uuid,
    /// The channel.
    pub channel: ChannelId,
    /// The epoch the channel gets if this is the first that is heard of it.
    pub new_epoch: String,
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

/// A message that is stored.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The message as JSON.
    pub message: Arc<str>,
    /// Its event; `None` when the message had been stored before.
    pub event: Option<LogEvent>,
}

/// An event of a channel's log.
#[derive(Clone, Debug)]
pub struct LogEvent {
    /// The channel.
    pub channel: ChannelId,
    /// Its place in the log.
    pub seq: u64,
    /// The push as it goes over the wire, serialised once for all subscribers.
    pub push: Arc<str>,
}

/// How much [`Store::events_after`] gives at most.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    /// Events.
    pub events: usize,
    /// Bytes; one event is given even if it is larger.
    pub bytes: usize,
}

/// A durable log of messages for each channel.
pub trait Store: Send {
    /// Stores messages in one durable transaction, in order, and answers each: one that is refused
    /// (unknown parent, used key, …) does not fail the others. When this returns, what is stored stays.
    fn commit(&mut self, drafts: Vec<Draft>) -> Vec<Result<Committed, ErrorBody>>;

    /// Where each channel's log stands. A channel nobody has used gets its epoch now, durably: an epoch
    /// that was told must not change.
    ///
    /// # Errors
    /// When the store fails or is full.
    fn heads(&mut self, channels: &[(ChannelId, String)]) -> Result<Vec<Cursor>, ErrorBody>;

    /// The events after `seq`, in order. Fewer than the limit does not mean that there are no more; none
    /// does.
    ///
    /// # Errors
    /// When the store fails.
    fn events_after(
        &self,
        channel: &ChannelId,
        seq: u64,
        limit: PageLimit,
    ) -> Result<Vec<LogEvent>, ErrorBody>;
}
