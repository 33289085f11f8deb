//! Reads the log from tasks: a read blocks, so it runs on a thread of its own.

use std::sync::Arc;

use alo_protocol::{Cursor, ErrorBody};

use crate::{
    error::internal,
    store::{Log, LogId, PageLimit, Query, Rows},
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
        self.run(move |log| log.read(&query, PAGE)).await
    }

    /// Reads the heads of logs.
    ///
    /// # Errors
    /// Those of the log.
    pub async fn heads(&self, logs: Vec<LogId>) -> Result<Vec<Cursor>, ErrorBody> {
        self.run(move |log| log.heads(&logs)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Log) -> Result<T, ErrorBody> + Send + 'static,
    ) -> Result<T, ErrorBody> {
        let log = self.0.clone();
        tokio::task::spawn_blocking(move || read(&*log))
            .await
            .map_err(internal)?
    }
}
