//! What the database knows of files.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use alo_protocol::{ChannelId, ErrorBody, FILES_PATH, File, Uuid};
use rusqlite::{Connection, OptionalExtension, params};

use super::metadata::Metadata;
use crate::{
    error::internal,
    store::{connect, sqlite_error},
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS files (
        id            BLOB PRIMARY KEY,
        key           BLOB UNIQUE,
        channel       TEXT NOT NULL,
        user_id       TEXT NOT NULL,
        name          TEXT NOT NULL,
        content_type  TEXT NOT NULL,
        last_modified INTEGER NOT NULL,
        size          INTEGER NOT NULL,
        metadata      TEXT NOT NULL,
        offset        INTEGER NOT NULL,
        expires_ms    INTEGER NOT NULL,
        message       BLOB,
        ended         INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS files_of_no_message ON files (expires_ms) WHERE message IS NULL;
    CREATE TABLE IF NOT EXISTS file_parts (
        file   BLOB NOT NULL REFERENCES files ON DELETE CASCADE,
        offset INTEGER NOT NULL,
        size   INTEGER NOT NULL,
        PRIMARY KEY (file, offset)
    ) STRICT, WITHOUT ROWID;
";

/// A file, whole or on its way.
#[derive(Clone, Debug)]
pub struct Row {
    /// Also the file's id in messages.
    pub id: Uuid,
    /// The channel it is for.
    pub channel: ChannelId,
    /// Who uploads it.
    pub user_id: String,
    /// Untrusted.
    pub name: String,
    /// Untrusted.
    pub content_type: String,
    /// Unix milliseconds.
    pub last_modified: i64,
    /// Bytes, when it is whole.
    pub size: u64,
    /// `Upload-Metadata` as it was given.
    pub metadata: String,
    /// How many bytes are here, durably.
    pub offset: u64,
    /// When it goes unless a message takes it, Unix milliseconds.
    pub expires_ms: u64,
    /// The message it belongs to.
    pub message: Option<Uuid>,
    /// Ended by its sender or by time; its bytes may be gone.
    pub ended: bool,
}

/// A file to be.
pub struct Creation {
    /// Its id.
    pub id: Uuid,
    /// Idempotency key.
    pub key: Option<Uuid>,
    /// Who uploads it.
    pub user_id: Arc<str>,
    /// What is said about it.
    pub metadata: Metadata,
    /// The same, as it was given.
    pub header: String,
    /// Bytes.
    pub size: u64,
    /// When it goes, Unix milliseconds.
    pub expires_ms: u64,
}

/// A run of bytes kept as one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins in the file.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

/// Makes the tables.
pub(crate) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SCHEMA)
}

/// The upload of this id.
///
/// # Errors
/// Those of SQLite.
pub fn find(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Row>> {
    select(connection, "id", id)
}

impl Row {
    pub(super) fn into_file(self) -> File {
        File {
            id: self.id,
            channel_id: self.channel,
            name: self.name,
            last_modified: self.last_modified,
            size: self.size,
            content_type: self.content_type,
            url: format!("{}/{}", FILES_PATH, self.id),
        }
    }
}

/// Connections of their own, so that uploads and messages queue for SQLite's lock and not for each
/// other's code. Cheap to clone.
#[derive(Clone)]
pub(super) struct Records {
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
}

impl Records {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let writer = connect(path)?;
        migrate(&writer)?;
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            reader: Arc::new(Mutex::new(connect(path)?)),
        })
    }

    pub(super) async fn find(&self, id: Uuid) -> Result<Option<Row>, ErrorBody> {
        run(&self.reader, move |connection| find(connection, id)).await
    }

    /// The upload this key has made before, or a new one.
    pub(super) async fn create(&self, creation: Creation, now_ms: u64) -> Result<Row, ErrorBody> {
        run(&self.writer, move |connection| {
            create(connection, creation, now_ms)
        })
        .await
    }

    /// Counts parts that are durable and follow the bytes there are; false if they do not, or the upload
    /// has ended.
    pub(super) async fn append(
        &self,
        id: Uuid,
        parts: Vec<Part>,
        expires_ms: u64,
    ) -> Result<bool, ErrorBody> {
        run(&self.writer, move |connection| {
            append(connection, id, &parts, expires_ms)
        })
        .await
    }

    /// The parts that hold bytes `from..to`, in order.
    pub(super) async fn parts(&self, id: Uuid, from: u64, to: u64) -> Result<Vec<Part>, ErrorBody> {
        run(&self.reader, move |connection| {
            connection
                .prepare_cached(
                    "SELECT offset, size FROM file_parts
                     WHERE file = ?1 AND offset < ?3 AND offset + size > ?2 ORDER BY offset",
                )?
                .query_map(params![id.as_bytes(), from, to], |row| {
                    Ok(Part {
                        offset: row.get(0)?,
                        size: row.get(1)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// Marks an upload as ended; false if a message has it.
    pub(super) async fn end(&self, id: Uuid) -> Result<bool, ErrorBody> {
        run(&self.writer, move |connection| end(connection, id)).await
    }

    /// Marks what has expired as ended and names all that is.
    pub(super) async fn expire(&self, now_ms: u64) -> Result<Vec<Uuid>, ErrorBody> {
        run(&self.writer, move |connection| {
            connection.execute(
                "UPDATE files SET ended = 1 WHERE message IS NULL AND ended = 0 AND expires_ms <= ?1",
                [now_ms],
            )?;
            connection
                .prepare_cached("SELECT id FROM files WHERE message IS NULL AND ended = 1")?
                .query_map([], |row| Ok(Uuid::from_bytes(row.get(0)?)))?
                .collect()
        })
        .await
    }

    /// Forgets an upload that has ended.
    pub(super) async fn remove(&self, id: Uuid) -> Result<(), ErrorBody> {
        run(&self.writer, move |connection| {
            connection
                .execute(
                    "DELETE FROM files WHERE id = ?1 AND ended = 1",
                    [id.as_bytes()],
                )
                .map(drop)
        })
        .await
    }
}

/// The upload this key has made before, or a new one. One that has ended, or whose time is over, frees its
/// key: a client that asks again wants the file.
///
/// # Errors
/// Those of SQLite.
pub fn create(connection: &Connection, creation: Creation, now_ms: u64) -> rusqlite::Result<Row> {
    if let Some(key) = creation.key {
        connection
            .prepare_cached(
                "UPDATE files SET ended = 1, key = NULL
                 WHERE key = ?1 AND message IS NULL AND (ended = 1 OR expires_ms <= ?2)",
            )?
            .execute(params![key.as_bytes(), now_ms])?;
        if let Some(row) = select(connection, "key", key)? {
            return Ok(row);
        }
    }
    insert(connection, creation)
}

/// Counts parts that are durable and follow the bytes there are; false if they do not, or the upload has
/// ended.
///
/// # Errors
/// Those of SQLite.
pub fn append(
    connection: &mut Connection,
    id: Uuid,
    parts: &[Part],
    expires_ms: u64,
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    for Part { offset, size } in parts {
        let updated = transaction
            .prepare_cached(
                "UPDATE files SET offset = offset + ?3, expires_ms = ?4
                 WHERE id = ?1 AND offset = ?2 AND ended = 0",
            )?
            .execute(params![id.as_bytes(), offset, size, expires_ms])?;
        if updated == 0 {
            return Ok(false);
        }
        transaction
            .prepare_cached("INSERT INTO file_parts (file, offset, size) VALUES (?1, ?2, ?3)")?
            .execute(params![id.as_bytes(), offset, size])?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Marks an upload as ended; false if a message has it.
///
/// # Errors
/// Those of SQLite.
pub fn end(connection: &Connection, id: Uuid) -> rusqlite::Result<bool> {
    let ended = connection
        .prepare_cached("UPDATE files SET ended = 1 WHERE id = ?1 AND message IS NULL")?
        .execute([id.as_bytes()])?;
    Ok(ended > 0)
}

fn insert(connection: &Connection, creation: Creation) -> rusqlite::Result<Row> {
    let Creation {
        id,
        key,
        user_id,
        metadata,
        header,
        size,
        expires_ms,
    } = creation;
    connection
        .prepare_cached(
            "INSERT INTO files (id, key, channel, user_id, name, content_type, last_modified, size, metadata,
                                offset, expires_ms, message, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, NULL, 0)",
        )?
        .execute(params![
            id.as_bytes(),
            key.as_ref().map(Uuid::as_bytes),
            metadata.channel.as_str(),
            &*user_id,
            metadata.name,
            metadata.content_type,
            metadata.last_modified,
            size,
            header,
            expires_ms,
        ])?;
    Ok(Row {
        id,
        channel: metadata.channel,
        user_id: user_id.to_string(),
        name: metadata.name,
        content_type: metadata.content_type,
        last_modified: metadata.last_modified,
        size,
        metadata: header,
        offset: 0,
        expires_ms,
        message: None,
        ended: false,
    })
}

fn select(connection: &Connection, column: &str, id: Uuid) -> rusqlite::Result<Option<Row>> {
    let sql = format!(
        "SELECT id, channel, user_id, name, content_type, last_modified, size, metadata, offset, expires_ms,
                message, ended
         FROM files WHERE {column} = ?1"
    );
    connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], |row| {
            let channel = row.get_ref(1)?.as_str()?;
            Ok(Row {
                id: Uuid::from_bytes(row.get(0)?),
                channel: channel.parse().map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(
                        1,
                        rusqlite::types::Type::Text,
                        Box::new(error),
                    )
                })?,
                user_id: row.get(2)?,
                name: row.get(3)?,
                content_type: row.get(4)?,
                last_modified: row.get(5)?,
                size: row.get(6)?,
                metadata: row.get(7)?,
                offset: row.get(8)?,
                expires_ms: row.get(9)?,
                message: row.get::<_, Option<[u8; 16]>>(10)?.map(Uuid::from_bytes),
                ended: row.get(11)?,
            })
        })
        .optional()
}

/// Runs where blocking is allowed.
async fn run<T: Send + 'static>(
    connection: &Arc<Mutex<Connection>>,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, ErrorBody> {
    let connection = connection.clone();
    let work = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(internal)?
        .map_err(sqlite_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Uuid = Uuid::from_bytes([9; 16]);

    fn create_as(connection: &Connection, id: u8, now_ms: u64) -> Uuid {
        let creation = Creation {
            id: Uuid::from_bytes([id; 16]),
            key: Some(KEY),
            user_id: "ada".into(),
            metadata: Metadata {
                channel: "a".parse().unwrap(),
                name: "f".into(),
                content_type: "text/plain".into(),
                last_modified: 0,
            },
            header: String::new(),
            size: 3,
            expires_ms: now_ms + 10,
        };
        create(connection, creation, now_ms).unwrap().id
    }

    /// Found by the simulation's seed 100840: a page that came back was given an upload that had been ended.
    #[test]
    fn a_key_is_free_when_its_upload_has_ended_or_expired() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection).unwrap();
        let [first, second, third] = [1, 2, 3].map(|id| Uuid::from_bytes([id; 16]));
        assert_eq!(create_as(&connection, 1, 0), first);
        assert_eq!(create_as(&connection, 2, 9), first);
        assert!(end(&connection, first).unwrap());
        assert_eq!(create_as(&connection, 2, 9), second);
        assert_eq!(create_as(&connection, 3, 19), third);
        assert_eq!(create_as(&connection, 4, 20), third);
    }
}
