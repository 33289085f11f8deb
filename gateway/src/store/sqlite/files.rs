//! The records of files.

use alo_protocol::{ErrorBody, Uuid};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params, types::Type};

use super::{Shared, lock, sqlite_error};
use crate::store::{
    FilePart, FileRecords, FileRow, Quota,
    quota::Usage,
    rules::files::{self as rules, KeyUse},
};

/// The records of files in the database of a [`super::SqliteStore`]. Cheap to clone.
#[derive(Clone)]
pub struct SqliteFiles {
    writer: Shared,
    reader: Shared,
}

/// Selects files as [`read_file`] takes them.
macro_rules! select_file {
    ($rest:literal) => {
        concat!(
            "SELECT id, channel, user_id, name, content_type, last_modified, size, metadata, offset,
                    expires_ms, message, ended, key
             FROM files ",
            $rest
        )
    };
}
pub(super) use select_file;

/// Ends files, and forgets all that a user has said of them: [`FileRow::end_and_forget`].
macro_rules! end_and_forget {
    ($which:literal) => {
        concat!(
            "UPDATE files SET message = NULL, place = NULL, ended = 1, key = NULL, user_id = '', name = '',
                              content_type = '', metadata = ''
             WHERE ",
            $which
        )
    };
}
pub(super) use end_and_forget;

/// The file of this id.
pub(super) fn find(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<FileRow>> {
    connection
        .prepare_cached(select_file!("WHERE id = ?1"))?
        .query_row([id.as_bytes()], read_file)
        .optional()
}

/// Reads a file.
pub(super) fn read_file(row: &Row<'_>) -> rusqlite::Result<FileRow> {
    Ok(FileRow {
        id: Uuid::from_bytes(row.get(0)?),
        channel: row.get_ref(1)?.as_str()?.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error))
        })?,
        user_id: row.get(2)?,
        name: row.get(3)?,
        content_type: row.get(4)?,
        last_modified: row.get(5)?,
        size: row.get(6)?,
        metadata: row.get(7)?,
        offset: row.get(8)?,
        expires_ms: row.get(9)?,
        message: row.get::<_, Option<_>>(10)?.map(Uuid::from_bytes),
        ended: row.get(11)?,
        key: row.get::<_, Option<_>>(12)?.map(Uuid::from_bytes),
    })
}

impl SqliteFiles {
    pub(super) const fn new(writer: Shared, reader: Shared) -> Self {
        Self { writer, reader }
    }

    /// Runs in one durable transaction.
    fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ErrorBody> {
        let mut connection = lock(&self.writer);
        let attempt = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        attempt().map_err(sqlite_error)
    }
}

impl FileRecords for SqliteFiles {
    fn find(&self, id: Uuid) -> Result<Option<FileRow>, ErrorBody> {
        find(&lock(&self.reader), id).map_err(sqlite_error)
    }

    fn create(&self, file: FileRow, quota: &Quota, now_ms: u64) -> Result<FileRow, ErrorBody> {
        let created = self.write(|connection| {
            let used_by = match file.key {
                None => None,
                Some(key) => connection
                    .prepare_cached(select_file!("WHERE key = ?1"))?
                    .query_row([key.as_bytes()], read_file)
                    .optional()?,
            };
            let key = rules::key_use(used_by, now_ms);
            if let KeyUse::Taken(row) = key {
                return Ok(Ok(*row));
            }
            let usage = usage(connection, &file.user_id, now_ms)?;
            if let Err(refusal) = rules::admit(usage, quota, file.size) {
                return Ok(Err(refusal));
            }
            match key {
                KeyUse::Taken(_) | KeyUse::Free => {}
                KeyUse::Freed(id) => {
                    connection
                        .prepare_cached("UPDATE files SET ended = 1, key = NULL WHERE id = ?1")?
                        .execute([id.as_bytes()])?;
                }
            }
            insert(connection, &file)?;
            Ok(Ok(file))
        });
        created?
    }

    fn append(&self, id: Uuid, parts: &[FilePart], expires_ms: u64) -> Result<bool, ErrorBody> {
        self.write(|connection| {
            let row = find(connection, id)?;
            let last = last_part(connection, id)?;
            let Some(offset) = row.and_then(|row| rules::append(&row, last, parts)) else {
                return Ok(false);
            };
            connection
                .prepare_cached("UPDATE files SET offset = ?2, expires_ms = ?3 WHERE id = ?1")?
                .execute(params![id.as_bytes(), offset, expires_ms])?;
            for part in parts {
                connection
                    .prepare_cached(
                        "INSERT INTO file_parts (file, offset, size) VALUES (?1, ?2, ?3)
                         ON CONFLICT (file, offset) DO UPDATE SET size = excluded.size",
                    )?
                    .execute(params![id.as_bytes(), part.offset, part.size])?;
            }
            Ok(true)
        })
    }

    fn parts(&self, id: Uuid, from: u64, to: u64) -> Result<Vec<FilePart>, ErrorBody> {
        parts(&lock(&self.reader), id, from, to).map_err(sqlite_error)
    }

    fn end(&self, id: Uuid) -> Result<bool, ErrorBody> {
        self.write(|connection| {
            if !find(connection, id)?.is_some_and(|row| rules::can_end(&row)) {
                return Ok(false);
            }
            connection
                .prepare_cached("UPDATE files SET ended = 1 WHERE id = ?1")?
                .execute([id.as_bytes()])?;
            Ok(true)
        })
    }

    fn expire(&self, now_ms: u64) -> Result<Vec<Uuid>, ErrorBody> {
        self.write(|connection| {
            let over: Vec<FileRow> = connection
                .prepare_cached(select_file!(
                    "WHERE message IS NULL AND (ended = 1 OR expires_ms <= ?1)"
                ))?
                .query_map([now_ms], read_file)?
                .collect::<rusqlite::Result<_>>()?;
            let mut ended = Vec::new();
            for row in over.iter().filter(|row| rules::is_over(row, now_ms)) {
                if !row.ended {
                    connection
                        .prepare_cached("UPDATE files SET ended = 1 WHERE id = ?1")?
                        .execute([row.id.as_bytes()])?;
                }
                ended.push(row.id);
            }
            Ok(ended)
        })
    }

    fn remove(&self, id: Uuid) -> Result<(), ErrorBody> {
        self.write(|connection| {
            connection
                .prepare_cached("DELETE FROM files WHERE id = ?1 AND ended = 1")?
                .execute([id.as_bytes()])
                .map(drop)
        })
    }
}

/// What a user has taken. The totals are kept by triggers; few uploads are open.
fn usage(connection: &Connection, user_id: &str, now_ms: u64) -> rusqlite::Result<Usage> {
    let (open_uploads, open_bytes) = connection
        .prepare_cached(
            "SELECT count(*), ifnull(sum(size), 0) FROM files
             WHERE message IS NULL AND user_id = ?1 AND ended = 0 AND expires_ms > ?2",
        )?
        .query_row(params![user_id, now_ms], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let totals = connection
        .prepare_cached("SELECT files, bytes FROM file_usage WHERE user_id = ?1")?
        .query_row([user_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (files, bytes) = totals.unwrap_or_default();
    Ok(Usage {
        open_uploads,
        open_bytes,
        files,
        bytes,
    })
}

fn last_part(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<FilePart>> {
    connection
        .prepare_cached(
            "SELECT offset, size FROM file_parts WHERE file = ?1 ORDER BY offset DESC LIMIT 1",
        )?
        .query_row([id.as_bytes()], read_part)
        .optional()
}

/// From the back, so that those before `from` are not read.
fn parts(connection: &Connection, id: Uuid, from: u64, to: u64) -> rusqlite::Result<Vec<FilePart>> {
    let to = i64::try_from(to).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(
        "SELECT offset, size FROM file_parts WHERE file = ?1 AND offset < ?2 ORDER BY offset DESC",
    )?;
    let mut rows = statement.query(params![id.as_bytes(), to])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        let part = read_part(row)?;
        if !rules::holds(&part, from, to.unsigned_abs()) {
            break;
        }
        parts.push(part);
    }
    parts.reverse();
    Ok(parts)
}

fn read_part(row: &Row<'_>) -> rusqlite::Result<FilePart> {
    Ok(FilePart {
        offset: row.get(0)?,
        size: row.get(1)?,
    })
}

fn insert(connection: &Connection, file: &FileRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO files (id, key, channel, user_id, name, content_type, last_modified, size, metadata,
                                offset, expires_ms, message, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            file.id.as_bytes(),
            file.key.as_ref().map(Uuid::as_bytes),
            file.channel.as_str(),
            file.user_id,
            file.name,
            file.content_type,
            file.last_modified,
            file.size,
            file.metadata,
            file.offset,
            file.expires_ms,
            file.message.as_ref().map(Uuid::as_bytes),
            file.ended,
        ])
        .map(drop)
}
