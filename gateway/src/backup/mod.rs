//! Backups of a data folder: `backup`, `restore` and `check`.
//!
//! A backup is a folder with the database and the files, and a manifest that is written last: one without it, or that
//! is not what its manifest says, is incomplete and is not restored.

mod check;
mod manifest;
mod restore;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use alo_protocol::Uuid;

use crate::store::{FilePart, Inspected, OpenError};

pub use check::check;
pub use manifest::Manifest;
pub use restore::{is_unfinished, restore};

/// How often a backup looks again for files that were removed or merged while it copied.
const TRIES: usize = 20;

/// What can be done with a data folder besides serving it.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Copies the data to a new folder, while a gateway serves it or not.
    Backup {
        /// The data folder.
        #[arg(long, env = "ALO_DATA", default_value = "alo-data")]
        data: PathBuf,
        /// The folder to be made.
        #[arg(long)]
        to: PathBuf,
    },
    /// Makes a data folder of a backup. Clients that know later messages get `channel.gap`.
    Restore {
        /// The backup.
        #[arg(long)]
        from: PathBuf,
        /// The data folder, without a database.
        #[arg(long, env = "ALO_DATA", default_value = "alo-data")]
        data: PathBuf,
    },
    /// Checks a data folder, while a gateway serves it or not, or a backup.
    Check {
        /// The folder.
        #[arg(long, env = "ALO_DATA", default_value = "alo-data")]
        data: PathBuf,
    },
}

/// Why a command has failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// A database.
    #[error("{0}: {1}")]
    Database(PathBuf, OpenError),
    /// The folder has something already.
    #[error("{0}: must be a new or empty folder")]
    NotEmpty(PathBuf),
    /// The folder has a database.
    #[error("{0}: has a database already; move it away first")]
    HasData(PathBuf),
    /// The backup was interrupted or changed.
    #[error("{0}: is no complete backup: {1}")]
    Incomplete(PathBuf, String),
    /// The data was changed all the time.
    #[error("files were removed faster than they could be copied; try again")]
    Restless,
    /// Of the check.
    #[error("{0} problems were found")]
    Problems(usize),
    /// A gateway uses the folder.
    #[error(transparent)]
    Lock(#[from] crate::folder::LockError),
}

impl Command {
    /// Runs it and returns what to print.
    ///
    /// # Errors
    /// Why it has failed.
    pub fn run(&self) -> Result<String, BackupError> {
        match self {
            Self::Backup { data, to } => backup(data, to).map(|manifest| {
                format!(
                    "{} files with {} bytes and a database of {} bytes are in {}",
                    manifest.files,
                    manifest.file_bytes,
                    manifest.database_bytes,
                    to.display()
                )
            }),
            Self::Restore { from, data } => {
                restore(from, data).map(|()| format!("restored to {}", data.display()))
            }
            Self::Check { data } => {
                let problems = check(data)?;
                for problem in &problems {
                    eprintln!("{problem}");
                }
                if problems.is_empty() {
                    Ok("no problem was found".to_owned())
                } else {
                    Err(BackupError::Problems(problems.len()))
                }
            }
        }
    }
}

/// Copies a data folder. It is complete when this returns, and only then.
///
/// # Errors
/// When something cannot be read or written.
pub fn backup(data: &Path, to: &Path) -> Result<Manifest, BackupError> {
    let in_to = at(to);
    fs::create_dir_all(to).map_err(in_to)?;
    if fs::read_dir(to).map_err(in_to)?.next().is_some() {
        return Err(BackupError::NotEmpty(to.to_owned()));
    }
    let (source, copy) = (data.join(DATABASE), to.join(DATABASE));
    let original = open(&source)?;
    for _ in 0..TRIES {
        if copy.exists() {
            fs::remove_file(&copy).map_err(at(&copy))?;
        }
        original
            .copy_to(&copy)
            .map_err(|error| BackupError::Database(copy.clone(), error))?;
        let copied = open(&copy)?;
        let Some((files, bytes)) = copy_files(&copied, data, to)? else {
            continue;
        };
        drop(copied);
        remove_strangers(&copy, to)?;
        sync(&copy)?;
        sync(to)?;
        return manifest::write(to, files, bytes);
    }
    Err(BackupError::Restless)
}

/// The database in a folder.
const DATABASE: &str = "chat.db";

fn open(path: &Path) -> Result<Inspected, BackupError> {
    Inspected::open(path).map_err(|error| BackupError::Database(path.to_owned(), error))
}

fn at(path: &Path) -> impl Fn(io::Error) -> BackupError + Copy + '_ {
    move |error| BackupError::Io(path.to_owned(), error)
}

/// Where a part is.
fn part_path(folder: &Path, file: Uuid, part: FilePart) -> PathBuf {
    file_folder(folder, file).join(format!("{:020}", part.offset))
}

fn file_folder(folder: &Path, file: Uuid) -> PathBuf {
    folder.join("files").join(file.to_string())
}

/// Copies what a database counts; returns how many files and bytes. `None` if some of it is gone: the database has been
/// changed since it was copied.
fn copy_files(
    database: &Inspected,
    from: &Path,
    to: &Path,
) -> Result<Option<(u64, u64)>, BackupError> {
    let of_database = |error| BackupError::Database(to.join(DATABASE), error);
    let folder = to.join("files");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let (mut files, mut bytes) = (0, 0);
    for file in database.files().map_err(of_database)? {
        let parts = database.parts(file).map_err(of_database)?;
        if !parts.is_empty() {
            let folder = file_folder(to, file);
            fs::create_dir_all(&folder).map_err(at(&folder))?;
        }
        for part in &parts {
            let (source, target) = (part_path(from, file, *part), part_path(to, file, *part));
            if !has_part(&target, *part)? && !copy_part(&source, &target, *part)? {
                return Ok(None);
            }
            bytes += part.size;
        }
        files += 1;
        if !parts.is_empty() {
            sync(&file_folder(to, file))?;
        }
    }
    sync(&folder)?;
    Ok(Some((files, bytes)))
}

/// Copies a part, durably; false if it is not there. It may be longer than what counts of it.
fn copy_part(source: &Path, target: &Path, part: FilePart) -> Result<bool, BackupError> {
    match fs::copy(source, target) {
        Ok(copied) if copied >= part.size => {
            sync(target)?;
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(target)(error)),
    }
}

/// Whether a part is there with all that counts of it.
fn has_part(path: &Path, part: FilePart) -> Result<bool, BackupError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() >= part.size),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(path)(error)),
    }
}

/// Removes what an earlier try has copied and the last one does not count: it may have been erased since.
fn remove_strangers(database: &Path, to: &Path) -> Result<(), BackupError> {
    let known = open(database)?
        .files()
        .map_err(|error| BackupError::Database(database.to_owned(), error))?;
    let folder = to.join("files");
    for entry in fs::read_dir(&folder).map_err(at(&folder))? {
        let path = entry.map_err(at(&folder))?.path();
        let id = path.file_name().and_then(|name| name.to_str());
        let id = id.and_then(|name| name.parse::<Uuid>().ok());
        if id.is_none_or(|id| known.binary_search(&id).is_err()) {
            fs::remove_dir_all(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Flushes a file or folder to the disk.
fn sync(path: &Path) -> Result<(), BackupError> {
    #[cfg(not(unix))]
    if path.is_dir() {
        return Ok(());
    }
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(at(path))
}
