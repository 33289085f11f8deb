//! The store in one SQLite file: WAL with `synchronous=FULL`, so a commit that returned survives a power
//! failure. <https://www.sqlite.org/pragma.html#pragma_synchronous>

use std::{path::Path, time::Duration};

use alo_protocol::{ChannelId, Cursor, ErrorBody, ErrorCode, Uuid};
use rusqlite::{
    Connection, OptionalExtension, Transaction, TransactionBehavior, config::DbConfig, params,
};

use super::{Committed, Draft, LogEvent, PageLimit, Store, message};
use crate::{error::internal, files};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS channels (
        number  INTEGER PRIMARY KEY,
        id      TEXT NOT NULL UNIQUE,
        epoch   TEXT NOT NULL,
        head    INTEGER NOT NULL,
        last_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS events (
        channel INTEGER NOT NULL REFERENCES channels,
        seq     INTEGER NOT NULL,
        body    TEXT NOT NULL,
        PRIMARY KEY (channel, seq)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS messages (
        id      BLOB PRIMARY KEY,
        key     BLOB NOT NULL UNIQUE,
        channel INTEGER NOT NULL REFERENCES channels,
        user_id TEXT NOT NULL,
        body    TEXT NOT NULL
    ) STRICT;
";
/// Raised with every change of the schema.
const SCHEMA_VERSION: i64 = 1;
/// Prepared statements kept.
const STATEMENTS: usize = 64;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// See the module. One store writes; any number may be opened on the same file to read.
pub struct SqliteStore {
    connection: Connection,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite's reason.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A newer gateway wrote it.
    #[error("the database has schema version {0}, this gateway knows {SCHEMA_VERSION}")]
    TooNew(i64),
}

impl SqliteStore {
    /// Opens the database and makes what is missing.
    ///
    /// # Errors
    /// When it is no database, cannot be written or is of a newer gateway.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::over(connect(path)?)
    }

    /// In memory, for simulations: the same code over a disk that never fails by itself.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn in_memory() -> Result<Self, OpenError> {
        let connection = Connection::open_in_memory()?;
        keep_statements(&connection)?;
        Self::over(connection)
    }

    /// The connection, for what shares the database with the messages.
    pub const fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn over(connection: Connection) -> Result<Self, OpenError> {
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > SCHEMA_VERSION {
            return Err(OpenError::TooNew(version));
        }
        connection.execute_batch(SCHEMA)?;
        files::migrate(&connection)?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        Ok(Self { connection })
    }
}

/// A connection with the settings every part of the gateway uses.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Prepares each statement once. Without the stability guarantee SQLite plans some anew whenever a value
/// is bound, which took a third of the writer's time.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The error a user sees for one of SQLite.
pub(crate) fn sqlite_error(error: rusqlite::Error) -> ErrorBody {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => {
            tracing::error!(%error, "the disk is full");
            ErrorBody::new(ErrorCode::StorageFull, "the gateway has no room left")
        }
        Some(_) | None => internal(error),
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, drafts: Vec<Draft>) -> Vec<Result<Committed, ErrorBody>> {
        let mut attempt = || -> rusqlite::Result<Vec<Result<Committed, ErrorBody>>> {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answers = drafts
                .iter()
                .map(|draft| insert(&transaction, draft))
                .collect::<rusqlite::Result<_>>()?;
            transaction.commit()?;
            Ok(answers)
        };
        attempt().unwrap_or_else(|error| {
            let error = sqlite_error(error);
            // A message that was stored before stays so, whatever becomes of this transaction.
            let answer =
                |draft| known(&self.connection, draft).unwrap_or_else(|| Err(error.clone()));
            drafts.iter().map(answer).collect()
        })
    }

    fn heads(&mut self, channels: &[(ChannelId, String)]) -> Result<Vec<Cursor>, ErrorBody> {
        let mut attempt = || -> rusqlite::Result<Vec<Cursor>> {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let heads = channels
                .iter()
                .map(|(id, new_epoch)| Ok(channel(&transaction, id, new_epoch)?.head))
                .collect::<rusqlite::Result<_>>()?;
            transaction.commit()?;
            Ok(heads)
        };
        attempt().map_err(sqlite_error)
    }

    fn events_after(
        &self,
        id: &ChannelId,
        seq: u64,
        limit: PageLimit,
    ) -> Result<Vec<LogEvent>, ErrorBody> {
        let attempt = || -> rusqlite::Result<Vec<LogEvent>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT channels.epoch, events.seq, events.body
                 FROM channels JOIN events ON events.channel = channels.number
                 WHERE channels.id = ?1 AND events.seq > ?2 ORDER BY events.seq LIMIT ?3",
            )?;
            let mut rows = statement.query(params![id.as_str(), seq, limit.events])?;
            let mut page = message::Page::new(limit);
            while let Some(row) = rows.next()? {
                let (epoch, body) = (row.get_ref(0)?.as_str()?, row.get_ref(2)?.as_str()?);
                if !page.push(message::log_event(id, epoch, row.get(1)?, body)) {
                    break;
                }
            }
            Ok(page.into_events())
        };
        attempt().map_err(sqlite_error)
    }
}

struct ChannelRow {
    number: i64,
    head: Cursor,
    last_ms: u64,
}

/// The channel's row, made if there is none.
fn channel(
    transaction: &Transaction<'_>,
    id: &ChannelId,
    new_epoch: &str,
) -> rusqlite::Result<ChannelRow> {
    let mut select = transaction
        .prepare_cached("SELECT number, epoch, head, last_ms FROM channels WHERE id = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(ChannelRow {
            number: row.get(0)?,
            head: Cursor {
                epoch: row.get(1)?,
                seq: row.get(2)?,
            },
            last_ms: row.get(3)?,
        })
    };
    if let Some(row) = select.query_row([id.as_str()], read).optional()? {
        return Ok(row);
    }
    transaction
        .prepare_cached("INSERT INTO channels (id, epoch, head, last_ms) VALUES (?1, ?2, 0, 0)")?
        .execute(params![id.as_str(), new_epoch])?;
    select.query_row([id.as_str()], read)
}

/// What an idempotency key stands for.
struct Stored {
    channel: String,
    user_id: String,
    body: String,
}

impl Stored {
    fn answer(self, draft: &Draft) -> Result<Committed, ErrorBody> {
        if self.channel == draft.channel.as_str() && self.user_id == *draft.user_id {
            Ok(message::committed(self.body, None))
        } else {
            Err(message::key_conflict())
        }
    }
}

fn find_key(connection: &Connection, key: Uuid) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached(
            "SELECT channels.id, messages.user_id, messages.body
             FROM messages JOIN channels ON channels.number = messages.channel WHERE messages.key = ?1",
        )?
        .query_row([key.as_bytes()], |row| {
            Ok(Stored {
                channel: row.get(0)?,
                user_id: row.get(1)?,
                body: row.get(2)?,
            })
        })
        .optional()
}

/// The answer to a draft that was stored before; `None` if it was not, or that cannot be read.
fn known(connection: &Connection, draft: &Draft) -> Option<Result<Committed, ErrorBody>> {
    find_key(connection, draft.key)
        .ok()?
        .map(|stored| stored.answer(draft))
}

/// Stores one message. The outer error fails the transaction; the inner one is this message's answer,
/// and nothing was written then.
fn insert(
    transaction: &Transaction<'_>,
    draft: &Draft,
) -> rusqlite::Result<Result<Committed, ErrorBody>> {
    let channel = channel(transaction, &draft.channel, &draft.new_epoch)?;
    if let Some(stored) = find_key(transaction, draft.key)? {
        return Ok(stored.answer(draft));
    }
    let parent = match draft.parent_id {
        None => None,
        Some(id) => match body(transaction, channel.number, id)? {
            Some(parent) => Some(parent),
            None => return Ok(Err(message::parent_not_found())),
        },
    };
    let files = if draft.file_ids.is_empty() {
        Vec::new()
    } else {
        let attached = files::attach(
            transaction,
            &draft.user_id,
            &draft.channel,
            draft.id,
            &draft.file_ids,
        )?;
        match attached {
            Ok(files) => files,
            Err(error) => return Ok(Err(error)),
        }
    };
    let timestamp_ms = channel.last_ms.max(draft.now_ms);
    let seq = channel.head.seq + 1;
    let body = match message::build(draft, seq, timestamp_ms, parent.as_deref(), files) {
        Ok(body) => body,
        Err(error) => return Ok(Err(error)),
    };
    let event = message::new_event(&body);
    transaction
        .prepare_cached("UPDATE channels SET head = ?2, last_ms = ?3 WHERE number = ?1")?
        .execute(params![channel.number, seq, timestamp_ms])?;
    transaction
        .prepare_cached("INSERT INTO events (channel, seq, body) VALUES (?1, ?2, ?3)")?
        .execute(params![channel.number, seq, event])?;
    transaction
        .prepare_cached(
            "INSERT INTO messages (id, key, channel, user_id, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            draft.id.as_bytes(),
            draft.key.as_bytes(),
            channel.number,
            &*draft.user_id,
            body
        ])?;
    let event = message::log_event(&draft.channel, &channel.head.epoch, seq, &event);
    Ok(Ok(message::committed(body, Some(event))))
}

fn body(transaction: &Transaction<'_>, channel: i64, id: Uuid) -> rusqlite::Result<Option<String>> {
    transaction
        .prepare_cached("SELECT body FROM messages WHERE id = ?1 AND channel = ?2")?
        .query_row(params![id.as_bytes(), channel], |row| row.get(0))
        .optional()
}
