//! Reading the log.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, MutexGuard},
};

use alo_protocol::{ChannelId, Cursor, ErrorBody, File, UserId, Uuid};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params, types::Type};
use serde_json::value::RawValue;

use super::{Names, Shared, files, lock, sqlite_error};
use crate::store::{
    Log, LogId, PageLimit, Query, Rows,
    render::{Shown, Subject},
    rows::{Edited, EventKind, EventRow, MessageRow, ReadRow},
    rules::{self, Beyond, Place, ReadLogs, ReadRows, Unread, Visit},
};

/// Reads the log while a [`super::SqliteStore`] writes it. Cheap to clone.
#[derive(Clone)]
pub struct SqliteLog {
    readers: Arc<[Shared]>,
    names: Arc<Names>,
}

impl SqliteLog {
    pub(super) fn new(readers: Vec<Shared>, names: Arc<Names>) -> Self {
        Self {
            readers: readers.into(),
            names,
        }
    }

    /// A connection, preferably one that is not in use.
    fn reader(&self, log: Option<&LogId>) -> MutexGuard<'_, Connection> {
        if let Some(free) = self
            .readers
            .iter()
            .find_map(|reader| reader.try_lock().ok())
        {
            return free;
        }
        let mut hasher = DefaultHasher::new();
        log.hash(&mut hasher);
        let index = usize::try_from(hasher.finish()).unwrap_or(0) % self.readers.len();
        lock(&self.readers[index])
    }
}

impl Log for SqliteLog {
    fn heads(&self, logs: &[LogId]) -> Result<Vec<Cursor>, ErrorBody> {
        let connection = self.reader(logs.first());
        let attempt = || {
            let transaction = connection.unchecked_transaction()?;
            let head = |log| Ok(find_log(&transaction, &self.names, log)?.cursor());
            logs.iter().map(head).collect::<rusqlite::Result<_>>()
        };
        attempt().map_err(sqlite_error)
    }

    fn read(&self, query: &Query, limit: PageLimit) -> Result<Rows, ErrorBody> {
        let connection = self.reader(query.logs().first());
        // All reads see the same state.
        let transaction = connection.unchecked_transaction().map_err(sqlite_error)?;
        let logs = Logs {
            connection: &transaction,
            names: &self.names,
        };
        rules::read(&logs, query, limit)
    }
}

/// All logs within a transaction.
struct Logs<'a> {
    connection: &'a Connection,
    names: &'a Names,
}

impl ReadLogs for Logs<'_> {
    fn open(&self, log: &LogId) -> Result<Box<dyn ReadRows + '_>, ErrorBody> {
        let found = find_log(self.connection, self.names, log).map_err(sqlite_error)?;
        Ok(Box::new(OneLog {
            connection: self.connection,
            log: log.clone(),
            found,
        }))
    }
}

/// The head of a log.
pub(super) struct FoundLog {
    /// None if it was never used.
    pub(super) number: Option<i64>,
    /// As clients know it.
    pub(super) epoch: String,
    pub(super) head: u64,
    pub(super) last_ms: u64,
    /// Nothing up to this sequence is there.
    pub(super) cut: u64,
}

impl FoundLog {
    fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.epoch.clone(),
            seq: self.head,
        }
    }
}

pub(super) fn find_log(
    connection: &Connection,
    names: &Names,
    id: &LogId,
) -> rusqlite::Result<FoundLog> {
    let (kind, name) = kind_and_name(id);
    let found = connection
        .prepare_cached(
            "SELECT number, epoch, head, last_ms, cut FROM logs WHERE kind = ?1 AND name = ?2",
        )?
        .query_row(params![kind, name], |row| {
            Ok(FoundLog {
                number: row.get(0)?,
                epoch: names.epoch(row.get_ref(1)?.as_str_or_null()?),
                head: row.get(2)?,
                last_ms: row.get(3)?,
                cut: row.get(4)?,
            })
        })
        .optional()?;
    if let Some(found) = found {
        return Ok(found);
    }
    let begin = match id {
        LogId::Channel(_) => 0,
        // Behind the log that the user may have had before it was erased.
        LogId::User(_) => connection
            .prepare_cached("SELECT user_cut FROM store")?
            .query_row([], |row| row.get(0))?,
    };
    Ok(FoundLog {
        number: None,
        epoch: names.epoch(None),
        head: begin,
        last_ms: 0,
        cut: begin,
    })
}

/// The message up to which a user has read a channel.
pub(super) fn find_mark(
    connection: &Connection,
    log: i64,
    cut: u64,
    user: &UserId,
) -> rusqlite::Result<Option<ReadRow>> {
    connection
        .prepare_cached(
            "SELECT r.seq, coalesce(m.id, t.id), m.at_ms FROM reads r
             LEFT JOIN messages m ON m.log = r.log AND m.seq = r.seq
             LEFT JOIN tombstones t ON t.log = r.log AND t.seq = r.seq
             WHERE r.log = ?1 AND r.user_id = ?2",
        )?
        .query_row(params![log, user.as_str()], |row| {
            let seq = row.get(0)?;
            Ok(ReadRow {
                seq,
                id: row.get::<_, Option<_>>(1)?.map(Uuid::from_bytes),
                at_ms: row.get::<_, Option<u64>>(2)?.filter(|_| seq > cut),
            })
        })
        .optional()
}

pub(super) fn kind_and_name(id: &LogId) -> (i64, &str) {
    match id {
        LogId::Channel(id) => (0, id.as_str()),
        LogId::User(id) => (1, id.as_str()),
    }
}

/// Selects messages as [`read_message`] takes them.
macro_rules! select_message {
    ($($rest:literal)+) => {
        concat!(
            "SELECT m.seq, m.id, m.user_id, m.at_ms, m.content, m.metadata, m.parent, m.root, m.files, ",
            "m.version, m.edited_seq, m.edited_ms ",
            $($rest),+
        )
    };
}
pub(super) use select_message;

/// Columns of [`select_message`].
const COLUMNS: usize = 12;

/// Reads a message with its files.
pub(super) fn read_message(
    connection: &Connection,
    channel: &ChannelId,
    row: &Row<'_>,
) -> rusqlite::Result<MessageRow> {
    let id = Uuid::from_bytes(row.get(1)?);
    let files = match row.get::<_, u64>(8)? {
        0 => Vec::new(),
        _ => files_of(connection, id)?,
    };
    let seq = row.get(0)?;
    let edited = match row.get(10)? {
        None => None,
        Some(seq) => Some(Edited {
            seq,
            at_ms: row.get(11)?,
        }),
    };
    Ok(MessageRow {
        id,
        channel: channel.clone(),
        seq,
        version: row.get::<_, Option<_>>(9)?.unwrap_or(seq),
        edited,
        user_id: row.get(2)?,
        at_ms: row.get(3)?,
        content: row.get(4)?,
        metadata: RawValue::from_string(row.get(5)?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(5, Type::Text, Box::new(error))
        })?,
        parent: row.get::<_, Option<_>>(6)?.map(Uuid::from_bytes),
        root: row.get::<_, Option<_>>(7)?.map(Uuid::from_bytes),
        files,
    })
}

/// The message of this id in a log.
pub(super) fn find_message(
    connection: &Connection,
    log: i64,
    channel: &ChannelId,
    id: Uuid,
) -> rusqlite::Result<Option<MessageRow>> {
    connection
        .prepare_cached(select_message!(
            "FROM messages m WHERE m.log = ?1 AND m.id = ?2"
        ))?
        .query_row(params![log, id.as_bytes()], |row| {
            read_message(connection, channel, row)
        })
        .optional()
}

fn files_of(connection: &Connection, message: Uuid) -> rusqlite::Result<Vec<File>> {
    connection
        .prepare_cached(files::select_file!("WHERE message = ?1 ORDER BY place"))?
        .query_map([message.as_bytes()], |row| {
            Ok(files::read_file(row)?.to_file())
        })?
        .collect()
}

/// One log within a transaction.
struct OneLog<'a> {
    connection: &'a Connection,
    log: LogId,
    found: FoundLog,
}

impl OneLog<'_> {
    /// The log's number and its channel; none where there can be no messages.
    const fn channel(&self) -> Option<(i64, &ChannelId)> {
        match (self.found.number, &self.log) {
            (Some(number), LogId::Channel(channel)) => Some((number, channel)),
            (_, LogId::Channel(_) | LogId::User(_)) => None,
        }
    }

    fn show(
        &self,
        log: i64,
        channel: &ChannelId,
        row: &Row<'_>,
    ) -> rusqlite::Result<Shown<MessageRow>> {
        let message = read_message(self.connection, channel, row)?;
        let parent = match message.parent {
            None => None,
            Some(id) => find_message(self.connection, log, channel, id)?
                .filter(|parent| parent.seq > self.found.cut),
        };
        Ok(Shown { message, parent })
    }
}

impl OneLog<'_> {
    /// By subtraction: only what was deleted behind the mark is counted row by row.
    fn count_unread(&self, user: &UserId) -> rusqlite::Result<Unread> {
        let found = &self.found;
        let cursor = found.cursor();
        let Some(log) = found.number else {
            return Ok(Unread {
                cursor,
                mark: None,
                count: 0,
            });
        };
        let mark = find_mark(self.connection, log, found.cut, user)?;
        let begin = mark.map_or(0, |mark| mark.seq).max(found.cut);
        let count = self
            .connection
            .prepare_cached(
                "SELECT l.messages - max(
                    coalesce((SELECT seq - coalesce(skipped, 0) FROM messages
                              WHERE log = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1), 0),
                    coalesce((SELECT seq - coalesce(skipped, 0) FROM tombstones
                              WHERE log = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1), 0))
                 - (SELECT count(*) FROM tombstones WHERE log = ?1 AND seq > ?2)
                 FROM logs l WHERE l.number = ?1",
            )?
            .query_row(params![log, signed(begin)], |row| row.get(0))?;
        Ok(Unread {
            cursor,
            mark,
            count,
        })
    }

    /// Events of a user's own log. They name the log of the channel they are about in place of a message.
    fn own_events(
        &self,
        log: i64,
        user: &UserId,
        after: u64,
        visit: Visit<'_, (EventRow, Subject<MessageRow>)>,
    ) -> rusqlite::Result<()> {
        let statement = self.connection.prepare_cached(
            "SELECT e.seq, e.kind, e.message, l.name, l.cut
             FROM events e LEFT JOIN logs l ON l.number = e.message AND l.kind = 0
             WHERE e.log = ?1 AND e.seq > ?2 ORDER BY e.seq",
        )?;
        let read = |row: &Row<'_>| {
            let about: i64 = row.get(2)?;
            let mark = find_mark(self.connection, about, row.get(4)?, user)?;
            let kind = EventKind::from_number(row.get(1)?)
                .filter(|kind| *kind == EventKind::ReadUpdated)
                .ok_or(rusqlite::Error::IntegralValueOutOfRange(1, 0))?;
            let event = EventRow {
                seq: row.get(0)?,
                kind,
                message: mark.map_or(0, |mark| mark.seq),
            };
            Ok((event, Subject::Read(channel_id(row, 3)?, mark)))
        };
        each(statement, params![log, signed(after)], read, visit)
    }

    /// The id of the deleted message at a place.
    fn tombstone(&self, log: i64, seq: u64) -> rusqlite::Result<Uuid> {
        let id = self
            .connection
            .prepare_cached("SELECT id FROM tombstones WHERE log = ?1 AND seq = ?2")?
            .query_row(params![log, seq], |row| row.get(0))
            .optional()?;
        // Without it the row of the event is broken.
        id.map(Uuid::from_bytes)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(COLUMNS + 2, 0))
    }
}

impl ReadRows for OneLog<'_> {
    fn head(&mut self) -> Result<Cursor, ErrorBody> {
        Ok(self.found.cursor())
    }

    fn cut(&self) -> u64 {
        self.found.cut
    }

    fn place(&mut self, message: Uuid) -> Result<Option<Place>, ErrorBody> {
        let seq_in = |table| {
            self.connection
                .prepare_cached(table)?
                .query_row(params![self.found.number, message.as_bytes()], |row| {
                    row.get::<_, u64>(0)
                })
                .optional()
        };
        let attempt = || {
            let seq = seq_in("SELECT seq FROM messages WHERE log = ?1 AND id = ?2")?;
            Ok(match seq {
                Some(seq) if seq > self.found.cut => Some(Place::Present(seq)),
                Some(seq) => Some(Place::Deleted(seq)),
                None => seq_in("SELECT seq FROM tombstones WHERE log = ?1 AND id = ?2")?
                    .map(Place::Deleted),
            })
        };
        attempt().map_err(sqlite_error)
    }

    fn messages(
        &mut self,
        beyond: Beyond,
        visit: Visit<'_, Shown<MessageRow>>,
    ) -> Result<(), ErrorBody> {
        let Some((log, channel)) = self.channel() else {
            return Ok(());
        };
        let (sql, seq) = match beyond {
            Beyond::Older(seq) => (
                select_message!(
                    "FROM messages m WHERE m.log = ?1 AND m.seq < ?2 AND m.seq > ?3 ORDER BY m.seq DESC"
                ),
                seq,
            ),
            Beyond::Newer(seq) => (
                select_message!(
                    "FROM messages m WHERE m.log = ?1 AND m.seq > ?2 AND m.seq > ?3 ORDER BY m.seq"
                ),
                seq,
            ),
        };
        let mut attempt = || {
            let statement = self.connection.prepare_cached(sql)?;
            each(
                statement,
                params![log, signed(seq), self.found.cut],
                |row| self.show(log, channel, row),
                visit,
            )
        };
        attempt().map_err(sqlite_error)
    }

    fn count_since(&mut self, after_ms: u64, most: u32) -> Result<u32, ErrorBody> {
        let attempt = || {
            self.connection
                .prepare_cached(
                    "SELECT count(*) FROM (
                        SELECT 1 FROM messages WHERE log = ?1 AND at_ms > ?2 AND seq > ?3 LIMIT ?4
                    )",
                )?
                .query_row(
                    params![self.found.number, signed(after_ms), self.found.cut, most],
                    |row| row.get(0),
                )
        };
        attempt().map_err(sqlite_error)
    }

    fn unread(&mut self, user: &UserId) -> Result<Unread, ErrorBody> {
        self.count_unread(user).map_err(sqlite_error)
    }

    fn events(
        &mut self,
        after: u64,
        visit: Visit<'_, (EventRow, Subject<MessageRow>)>,
    ) -> Result<(), ErrorBody> {
        if let (LogId::User(user), Some(number)) = (&self.log, self.found.number) {
            return self
                .own_events(number, user, after, visit)
                .map_err(sqlite_error);
        }
        let Some((log, channel)) = self.channel() else {
            return Ok(());
        };
        let read = |row: &Row<'_>| {
            let kind = EventKind::from_number(row.get(COLUMNS + 1)?)
                .ok_or(rusqlite::Error::IntegralValueOutOfRange(COLUMNS + 1, 0))?;
            let event = EventRow {
                seq: row.get(COLUMNS)?,
                kind,
                message: row.get(COLUMNS + 2)?,
            };
            let subject = match kind {
                EventKind::MessageNew => Subject::Message(self.show(log, channel, row)?),
                EventKind::MessageDeleted => Subject::Deleted(self.tombstone(log, event.message)?),
                // It is of users' logs.
                EventKind::ReadUpdated => {
                    return Err(rusqlite::Error::IntegralValueOutOfRange(COLUMNS + 1, 0));
                }
            };
            Ok((event, subject))
        };
        let mut attempt = || {
            let statement = self.connection.prepare_cached(select_message!(
                ", e.seq, e.kind, e.message
                 FROM events e LEFT JOIN messages m ON m.log = e.log AND m.seq = e.message
                 WHERE e.log = ?1 AND e.seq > ?2 ORDER BY e.seq"
            ))?;
            each(statement, params![log, signed(after)], read, visit)
        };
        attempt().map_err(sqlite_error)
    }
}

/// The channel whose id is in a column.
pub(super) fn channel_id(row: &Row<'_>, column: usize) -> rusqlite::Result<ChannelId> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// SQLite's integers have a sign.
fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Visits the rows of a statement, `None` for each that cannot be read. Behind a broken part of the file there
/// is nothing to go on with.
fn each<T>(
    mut statement: CachedStatement<'_>,
    place: &[&dyn ToSql],
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    visit: Visit<'_, T>,
) -> rusqlite::Result<()> {
    let mut rows = statement.query(place)?;
    loop {
        let row = match rows.next() {
            Ok(None) => return Ok(()),
            Ok(Some(row)) => read(row),
            Err(error) => Err(error),
        };
        match row {
            Ok(row) => {
                if !visit(Some(row)) {
                    return Ok(());
                }
            }
            Err(error) if is_unreadable(&error) => {
                tracing::error!(%error, "a row cannot be read");
                if !visit(None) {
                    return Ok(());
                }
                if error.sqlite_error_code().is_some() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether it is the row that is broken, and not the store that fails for now.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => true,
        Some(_) => false,
        None => matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..)
        ),
    }
}
