//! Files: uploaded by tus 1.0 (<https://tus.io/protocols/resumable-upload>), kept as parts in an object
//! store, attached to messages, downloaded by those who may read the channel.
//!
//! A part is an object `{file id}/{offset}`. It is durable before the database counts it, so the offset
//! a client is told is never more than what would survive a power failure.

mod announce;
mod blobs;
mod checksum;
mod download;
mod lock;
mod metadata;
mod receive;
pub mod records;
mod sweep;
mod tus;

use std::{path::Path, sync::Arc};

use alo_protocol::FILES_PATH;
use axum::{
    Router, middleware,
    routing::{get, post},
};
use tokio::task::JoinHandle;

use crate::{app::AppState, clock::Clock, store::FileRecords};
use blobs::Blobs;
use lock::Locks;
use records::Records;

pub use metadata::Metadata;

/// The files of a gateway. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    records: Records,
    blobs: Blobs,
    locks: Arc<Locks>,
}

/// Why files cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Of the folder.
    #[error("the folder: {0}")]
    Folder(#[from] object_store::Error),
}

impl Files {
    /// Opens the folder of the bytes beside these records.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(records: Arc<dyn FileRecords>, folder: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            records: Records::new(records),
            blobs: Blobs::open(folder)?,
            locks: Arc::default(),
        })
    }

    /// Removes uploads that have expired, now and then, until aborted.
    pub fn spawn_sweeper(&self, clock: Clock) -> JoinHandle<()> {
        tokio::spawn(sweep::run(self.clone(), clock))
    }
}

/// The routes of files.
pub(crate) fn router() -> Router<AppState> {
    Router::new().route(FILES_PATH, post(tus::create)).route(
        &format!("{FILES_PATH}/{{id}}"),
        get(download::download)
            .head(tus::head)
            .patch(tus::append)
            .delete(tus::terminate),
    )
}

/// Adds what tus wants in every answer. To stand outside of CORS, which answers `OPTIONS` by itself.
pub(crate) fn announced(router: Router<AppState>) -> Router<AppState> {
    router.layer(middleware::from_fn(announce::announce))
}
