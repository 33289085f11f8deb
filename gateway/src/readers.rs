//! Reading of the log, from any task.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use alo_protocol::{ChannelId, ErrorBody};

use crate::store::{LogEvent, PageLimit, SqliteStore, Store};

/// One page of the log.
const PAGE: PageLimit = PageLimit {
    events: 256,
    bytes: 1 << 20,
};

/// Read connections, each used by one at a time.
#[derive(Clone)]
pub struct LogReaders(Arc<[Mutex<SqliteStore>]>);

impl LogReaders {
    /// Over these connections, at least one.
    pub fn new(readers: Vec<Mutex<SqliteStore>>) -> Self {
        Self(readers.into())
    }

    /// A page of the log. Blocks; channels are spread over the readers.
    ///
    /// # Errors
    /// When the store fails.
    pub fn read(&self, channel: &ChannelId, after: u64) -> Result<Vec<LogEvent>, ErrorBody> {
        let mut hasher = DefaultHasher::new();
        channel.hash(&mut hasher);
        let index = usize::try_from(hasher.finish()).unwrap_or(0) % self.0.len();
        self.0[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .events_after(channel, after, PAGE)
    }
}
