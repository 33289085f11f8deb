//! What a backup has, written when all of it is there.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BackupError, DATABASE, at, sync};

/// Its name in the backup.
const NAME: &str = "backup.json";
const FORMAT: u32 = 1;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: u32,
    /// Size of the database.
    pub database_bytes: u64,
    database_sha256: String,
    /// How many files it has.
    pub files: u64,
    /// Bytes of them that count.
    pub file_bytes: u64,
}

/// Describes a backup, and makes it complete by that.
pub(super) fn write(folder: &Path, files: u64, file_bytes: u64) -> Result<Manifest, BackupError> {
    let (database_bytes, database_sha256) = digest(folder)?;
    let manifest = Manifest {
        format: FORMAT,
        database_bytes,
        database_sha256,
        files,
        file_bytes,
    };
    let (unfinished, path) = (folder.join("backup.json.new"), folder.join(NAME));
    let text = serde_json::to_string_pretty(&manifest).expect("numbers and text are valid JSON");
    let write = || {
        let mut file = File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)
    };
    write().map_err(at(&path))?;
    sync(folder)?;
    Ok(manifest)
}

/// Reads the manifest of a backup whose database is the one it describes.
pub(super) fn read(folder: &Path) -> Result<Manifest, BackupError> {
    let incomplete = |why: String| BackupError::Incomplete(folder.to_owned(), why);
    let text = match fs::read_to_string(folder.join(NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(incomplete(format!("it has no {NAME}")));
        }
        Err(error) => return Err(at(folder)(error)),
    };
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| incomplete(format!("{NAME}: {error}")))?;
    if manifest.format != FORMAT {
        return Err(incomplete(format!("{NAME}: has another format")));
    }
    if digest(folder)? != (manifest.database_bytes, manifest.database_sha256.clone()) {
        return Err(incomplete("its database was changed".to_owned()));
    }
    Ok(manifest)
}

/// Size and SHA-256 of the database.
fn digest(folder: &Path) -> Result<(u64, String), BackupError> {
    let path = folder.join(DATABASE);
    let mut hash = Sha256::new();
    let read = || io::copy(&mut File::open(&path)?, &mut hash);
    let bytes = { read }().map_err(at(&path))?;
    let digest = hash.finalize();
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, hex))
}
