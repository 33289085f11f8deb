//! The bytes of files, in an object store.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alo_protocol::{ErrorBody, ErrorCode, Uuid};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{
    MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path,
};
use tokio::{runtime::Handle, sync::Semaphore, task::spawn_blocking};

use crate::error::internal;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    folder: Arc<Path>,
    flushes: Arc<Semaphore>,
}

/// How many parts are flushed to the disk at a time. Messages are flushed to the same disk, and each waits for those
/// that were begun before it.
const FLUSHES: usize = 2;

/// An object being written. Nobody sees it before it is finished; if it is dropped before, nothing of it stays.
pub(crate) struct Writing {
    object: Box<dyn MultipartUpload>,
    flushes: Arc<Semaphore>,
}

/// Something in a file's folder.
pub(crate) struct Found {
    path: PathBuf,
    /// Where the part begins, if it is one.
    pub(crate) offset: Option<u64>,
    /// Since it was last written.
    pub(crate) age: Duration,
}

impl Blobs {
    /// In a folder, where everything written is flushed to the disk before it counts.
    pub(crate) fn open(folder: &Path) -> object_store::Result<Self> {
        let store = LocalFileSystem::new_with_prefix(folder)?
            .with_fsync(true)
            .with_automatic_cleanup(true);
        Ok(Self {
            store: Arc::new(store),
            folder: folder.into(),
            flushes: Arc::new(Semaphore::new(FLUSHES)),
        })
    }

    /// Writes a part, durably; one at the same offset is replaced, as a whole or not at all.
    ///
    /// # Errors
    /// `storage-full`, `internal`.
    pub(crate) async fn put(&self, file: Uuid, offset: u64, bytes: Bytes) -> Result<(), ErrorBody> {
        let _flush = self.flushes.acquire().await.map_err(internal)?;
        self.store
            .put(&part(file, offset), PutPayload::from_bytes(bytes))
            .await
            .map_err(blob_error)?;
        Ok(())
    }

    /// Begins to write a part that does not fit into memory.
    ///
    /// # Errors
    /// `storage-full`, `internal`.
    pub(crate) async fn begin(&self, file: Uuid, offset: u64) -> Result<Writing, ErrorBody> {
        let store = self.store.clone();
        let begin = async move { store.put_multipart(&part(file, offset)).await };
        // It creates the file, and flushes the folder, in the thread that calls it.
        let writing = spawn_blocking(|| Handle::current().block_on(begin))
            .await
            .map_err(internal)?;
        let object = writing.map_err(blob_error)?;
        Ok(Writing {
            object,
            flushes: self.flushes.clone(),
        })
    }

    /// Bytes `from..to` of the part that begins at `offset`.
    ///
    /// # Errors
    /// `internal` when they are not there.
    pub(crate) async fn read(
        &self,
        file: Uuid,
        offset: u64,
        from: u64,
        to: u64,
    ) -> Result<Bytes, ErrorBody> {
        self.store
            .get_range(&part(file, offset), from..to)
            .await
            .map_err(blob_error)
    }

    /// Removes a part, if it is there.
    ///
    /// # Errors
    /// `internal`.
    pub(crate) async fn remove_part(&self, file: Uuid, offset: u64) -> Result<(), ErrorBody> {
        match self.store.delete(&part(file, offset)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(blob_error(error)),
        }
    }

    /// Removes all parts of a file.
    ///
    /// # Errors
    /// `internal`.
    pub(crate) async fn remove(&self, file: Uuid) -> Result<(), ErrorBody> {
        let prefix = path::Path::from(file.to_string());
        let parts: Vec<_> = self
            .store
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(blob_error)?;
        for part in parts {
            match self.store.delete(&part.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(blob_error(error)),
            }
        }
        Ok(())
    }

    /// The files of which there is something.
    ///
    /// # Errors
    /// `internal`.
    pub(crate) async fn files(&self) -> Result<Vec<Uuid>, ErrorBody> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut files = Vec::new();
            for entry in fs::read_dir(&folder)? {
                files.extend(
                    entry?
                        .file_name()
                        .to_str()
                        .and_then(|name| name.parse::<Uuid>().ok()),
                );
            }
            Ok(files)
        })
        .await
    }

    /// All in a file's folder, also what a process has left unfinished, which the object store does not list.
    ///
    /// # Errors
    /// `internal`.
    pub(crate) async fn found(&self, file: Uuid) -> Result<Vec<Found>, ErrorBody> {
        let folder = self.folder.join(file.to_string());
        blocking(move || {
            let mut found = Vec::new();
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let age = entry.metadata()?.modified()?.elapsed();
                found.push(Found {
                    offset: entry.file_name().to_str().and_then(offset_of),
                    path: entry.path(),
                    // One in the future is new.
                    age: age.unwrap_or_default(),
                });
            }
            Ok(found)
        })
        .await
    }

    /// Removes some of what was found in a file's folder, and the folder if nothing is left.
    ///
    /// # Errors
    /// `internal`.
    pub(crate) async fn discard(&self, file: Uuid, found: Vec<Found>) -> Result<(), ErrorBody> {
        let folder = self.folder.join(file.to_string());
        blocking(move || {
            for Found { path, .. } in found {
                fs::remove_file(path)?;
            }
            match fs::remove_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => Err(error),
                Ok(()) | Err(_) => Ok(()),
            }
        })
        .await
    }
}

impl Writing {
    /// Appends bytes.
    ///
    /// # Errors
    /// `storage-full`, `internal`.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), ErrorBody> {
        let written = self.object.put_part(PutPayload::from_bytes(bytes));
        written.await.map_err(blob_error)
    }

    /// Makes the part durable; one at the same offset is replaced, as a whole or not at all.
    ///
    /// # Errors
    /// `storage-full`, `internal`.
    pub(crate) async fn finish(mut self) -> Result<(), ErrorBody> {
        let _flush = self.flushes.acquire().await.map_err(internal)?;
        self.object.complete().await.map(drop).map_err(blob_error)
    }
}

/// Twenty digits, so that names sort as offsets do.
fn part(file: Uuid, offset: u64) -> path::Path {
    path::Path::from(format!("{file}/{offset:020}"))
}

/// The offset in a part's name.
fn offset_of(name: &str) -> Option<u64> {
    let is_part = name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit());
    is_part.then(|| name.parse().ok()).flatten()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ErrorBody> {
    let done = spawn_blocking(work).await.map_err(internal)?;
    done.map_err(internal)
}

fn blob_error(error: object_store::Error) -> ErrorBody {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>()
            && matches!(
                io.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        {
            tracing::error!(%error, "the disk is full");
            return ErrorBody::new(ErrorCode::StorageFull, "the gateway's disk is full");
        }
        cause = inner.source();
    }
    internal(error)
}
