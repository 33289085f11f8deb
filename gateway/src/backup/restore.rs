//! A data folder made of a backup.

use std::{
    fs::{self, File},
    path::Path,
};

use super::{BackupError, DATABASE, at, copy_files, manifest, open, sync};
use crate::folder::FolderLock;

/// Marks a folder whose restore has not ended: no gateway starts over it.
const UNFINISHED: &str = "restoring";

/// Whether a restore into this folder was interrupted.
pub fn is_unfinished(data: &Path) -> bool {
    data.join(UNFINISHED).exists()
}

/// Makes a data folder of a complete backup. One that is interrupted is begun again by the same call.
///
/// # Errors
/// When the backup is not complete, or the folder has a database.
pub fn restore(from: &Path, data: &Path) -> Result<(), BackupError> {
    let manifest = manifest::read(from)?;
    fs::create_dir_all(data).map_err(at(data))?;
    let _lock = FolderLock::take(data)?;
    let (mark, database) = (data.join(UNFINISHED), data.join(DATABASE));
    if is_unfinished(data) {
        remove(data, &["chat.db", "chat.db-wal", "chat.db-shm"])?;
    } else if database.exists() {
        return Err(BackupError::HasData(data.to_owned()));
    }
    File::create(&mark)
        .and_then(|mark| mark.sync_all())
        .map_err(at(&mark))?;
    sync(data)?;
    // Without a witness the gateway begins a new life, so that no cursor of the old one is taken for one of this.
    remove(data, &["chat.witness", "chat.db-wal", "chat.db-shm"])?;
    let backup = open(&from.join(DATABASE))?;
    let copied = copy_files(&backup, from, data)?;
    if copied != Some((manifest.files, manifest.file_bytes)) {
        let why = "files are missing, or are not those of its database".to_owned();
        return Err(BackupError::Incomplete(from.to_owned(), why));
    }
    fs::copy(from.join(DATABASE), &database).map_err(at(&database))?;
    sync(&database)?;
    sync(data)?;
    fs::remove_file(&mark).map_err(at(&mark))?;
    sync(data)
}

fn remove(data: &Path, names: &[&str]) -> Result<(), BackupError> {
    for path in names.iter().map(|name| data.join(name)) {
        if path.exists() {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}
