//! The write-ahead log stays small. A reader of an old state keeps SQLite from starting it over, so it grows;
//! when the reader is gone it must shrink again.

use std::{fs, path::Path, time::Duration};

use rusqlite::Connection;

/// What is left of it, bytes, whenever SQLite starts it over: as much as it checkpoints at a time.
const KEPT: u64 = 4 << 20;
/// It is started over by force beyond this: where reads overlap, SQLite finds no moment by itself.
const MOST: u64 = 32 << 20;
/// How long such a checkpoint waits for readers, which need a fraction of it for a page.
const PATIENCE: Duration = Duration::from_millis(250);

/// The log of a connection that writes.
#[derive(Default)]
pub(super) struct Wal {
    /// Beyond this size the next attempt is due: not with each commit, as it makes others wait.
    due: Option<u64>,
}

impl Wal {
    /// Starts the log over if it is too large. To be called after a commit.
    pub(super) fn bound(&mut self, connection: &Connection, database: &Path) {
        let size = size(database);
        if size <= self.due.unwrap_or(MOST) {
            return;
        }
        self.due = match truncate(connection, PATIENCE) {
            Ok(true) => None,
            Ok(false) => {
                tracing::warn!(size, "the write-ahead log grows: a reader does not end");
                Some(size.saturating_add(MOST))
            }
            Err(error) => {
                tracing::warn!(size, %error, "the write-ahead log grows: it cannot be checkpointed");
                Some(size.saturating_add(MOST))
            }
        };
    }
}

/// Lets SQLite cut the file when it starts over.
pub(super) fn limit(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_size_limit", KEPT, |_| Ok(()))
}

/// Moves all of the log into the database and empties it. False if readers of an older state did not end in time.
pub(super) fn truncate(connection: &Connection, patience: Duration) -> rusqlite::Result<bool> {
    connection.busy_timeout(patience)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, bool>(0)
    });
    connection.busy_timeout(super::BUSY_TIMEOUT)?;
    busy.map(|busy| !busy)
}

/// Bytes of the log beside a database.
fn size(database: &Path) -> u64 {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    fs::metadata(name).map_or(0, |file| file.len())
}
