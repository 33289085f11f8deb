//! Reads the log from tasks: a read blocks, so it runs on a thread of its own.

use std::sync::Arc;

use alo_protocol::ErrorBody;

use crate::{
    error::internal,
    store::{Log, PageLimit, Query, Rows},
};

/// The maximum that one read returns.
const PAGE: PageLimit = PageLimit {
    events: 256,
    bytes: 1 << 20,
};

/// Cheap to clone.
#[derive(Clone)]
pub struct LogReaders(Arc<dyn Log>);

impl LogReaders {
    /// Over this log.
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self(log)
    }

    /// Reads a page.
    ///
    /// # Errors
    /// Those of the log.
    pub async fn read(&self, query: Query) -> Result<Rows, ErrorBody> {
        let log = self.0.clone();
        tokio::task::spawn_blocking(move || log.read(&query, PAGE))
            .await
            .map_err(internal)?
    }
}
