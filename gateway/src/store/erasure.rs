//! What is to be erased, and where it is.

use alo_protocol::{ChannelId, ErrorBody, UserId, Uuid};

/// Finds what is to be erased, in bounded steps, and removes what the deletion of rows leaves behind. From any
/// thread; calls block.
pub trait Erasure: Send + Sync {
    /// The next channels, in the order of their names, that have messages sent before this time or messages that
    /// are cut off and not removed yet.
    ///
    /// # Errors
    /// Those of the store.
    fn due(
        &self,
        before_ms: u64,
        after: Option<&ChannelId>,
    ) -> Result<Scan<ChannelId, ChannelId>, ErrorBody>;

    /// Whether a channel has messages that are cut off and not removed yet.
    ///
    /// # Errors
    /// Those of the store.
    fn has_cut(&self, channel: &ChannelId) -> Result<bool, ErrorBody>;

    /// The next messages of a user, in whichever channels.
    ///
    /// # Errors
    /// Those of the store.
    fn messages_of(
        &self,
        user: &UserId,
        after: Option<Sent>,
    ) -> Result<Scan<(ChannelId, Uuid), Sent>, ErrorBody>;

    /// Ends uploads that belong to no message, and forgets all but their ids.
    ///
    /// # Errors
    /// Those of the store.
    fn end_uploads(&self, owner: &Owner) -> Result<(), ErrorBody>;

    /// Removes a user's own log, and up to where the user has read channels. A log of the same name that begins later
    /// begins behind it, so that its readers get a gap.
    ///
    /// # Errors
    /// Those of the store.
    fn remove_user(&self, user: &UserId) -> Result<(), ErrorBody>;

    /// Overwrites remains of removed rows in a part of the database's file. Returns where to go on, `None` at its
    /// end: then the write-ahead log is empty as well.
    ///
    /// # Errors
    /// Those of the store, and `unavailable` if a reader of an old state does not end.
    fn scrub(&self, from: u64) -> Result<Option<u64>, ErrorBody>;
}

/// A part of what was searched.
#[derive(Clone, Debug)]
pub struct Scan<T, P> {
    /// What was found.
    pub found: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<P>,
}

/// The place of a message among all of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    pub(super) log: i64,
    pub(super) seq: u64,
}

/// Whose uploads.
#[derive(Clone, Debug)]
pub enum Owner {
    /// A user's.
    User(UserId),
    /// A channel's.
    Channel(ChannelId),
}
