//! The data folder belongs to one gateway at a time: two would each miss what the other publishes.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// The lock of a data folder. The operating system releases it when it is dropped or the process ends, however
/// it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("--data {0}: another gateway uses this folder")]
    InUse(PathBuf),
    /// It cannot be opened, or its file system has no locks.
    #[error("--data {0}: the folder cannot be locked: {1}")]
    Failed(PathBuf, io::Error),
}

impl FolderLock {
    /// Locks a folder that exists.
    ///
    /// # Errors
    /// When another process, or another part of this one, has locked it.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Failed(folder.to_owned(), error);
        let file = lockable(folder).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// The folder itself, which needs no room on a full disk.
#[cfg(unix)]
fn lockable(folder: &Path) -> io::Result<File> {
    File::open(folder)
}

/// Elsewhere a folder cannot be opened as a file.
#[cfg(not(unix))]
fn lockable(folder: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join("lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_free_when_the_lock_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path()).unwrap();
        let refused = FolderLock::take(folder.path()).unwrap_err();
        assert!(matches!(refused, LockError::InUse(_)));
        let named = folder.path().display().to_string();
        assert!(refused.to_string().contains(&named), "{refused}");
        drop(first);
        FolderLock::take(folder.path()).unwrap();
    }
}
