//! The bytes of files, in an object store.

use std::{io, path::Path, sync::Arc};

use alo_protocol::{ErrorBody, ErrorCode, Uuid};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path};

use crate::error::internal;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Blobs(Arc<dyn ObjectStore>);

impl Blobs {
    /// In a folder, where everything written is flushed to the disk before it counts.
    pub(crate) fn open(folder: &Path) -> object_store::Result<Self> {
        let store = LocalFileSystem::new_with_prefix(folder)?
            .with_fsync(true)
            .with_automatic_cleanup(true);
        Ok(Self(Arc::new(store)))
    }

    /// Writes a part, durably; one at the same offset is replaced.
    ///
    /// # Errors
    /// `storage-full`, `internal`.
    pub(crate) async fn put(
        &self,
        file: Uuid,
        offset: u64,
        bytes: Vec<Bytes>,
    ) -> Result<(), ErrorBody> {
        self.0
            .put(&part(file, offset), PutPayload::from_iter(bytes))
            .await
            .map_err(blob_error)?;
        Ok(())
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
        self.0
            .get_range(&part(file, offset), from..to)
            .await
            .map_err(blob_error)
    }

    /// Removes a part, if it is there.
    ///
    /// # Errors
    /// `internal`.
    pub(crate) async fn remove_part(&self, file: Uuid, offset: u64) -> Result<(), ErrorBody> {
        match self.0.delete(&part(file, offset)).await {
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
            .0
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(blob_error)?;
        for part in parts {
            match self.0.delete(&part.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(blob_error(error)),
            }
        }
        Ok(())
    }
}

/// Twenty digits, so that names sort as offsets do.
fn part(file: Uuid, offset: u64) -> path::Path {
    path::Path::from(format!("{file}/{offset:020}"))
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
