//! The schema and how it came to be: each version is a step from the one before. `user_version` counts the
//! steps a database has taken.

use alo_protocol::Uuid;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::OpenError;
use crate::store::rows::EventKind;

/// The steps, in order. One that has been released never changes.
const STEPS: [fn(&Transaction<'_>, &str) -> rusqlite::Result<()>; 8] = [
    first,
    content_once,
    file_usage,
    deletion,
    restrictions,
    versions,
    sent_since,
    reads,
];

/// Takes the steps that a database has not taken, each in a transaction of its own. `birth` names its logs if
/// they have no name yet.
pub(super) fn migrate(connection: &mut Connection, birth: &str) -> Result<(), OpenError> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let known = STEPS.len();
        let Ok(taken) = usize::try_from(version) else {
            return Err(too_new(version));
        };
        let Some(step) = STEPS.get(taken) else {
            return if taken == known {
                Ok(())
            } else {
                Err(too_new(version))
            };
        };
        step(&transaction, birth)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.commit()?;
        if taken > 0 {
            tracing::info!(version = version + 1, "the database was migrated");
        }
    }
}

/// Whether the database has the present schema.
pub(super) fn check_known(connection: &Connection) -> Result<(), OpenError> {
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == STEPS.len() as i64 {
        Ok(())
    } else {
        Err(too_new(version))
    }
}

const fn too_new(found: i64) -> OpenError {
    OpenError::TooNew {
        found,
        known: STEPS.len() as i64,
    }
}

/// Events and messages as JSON.
fn first(transaction: &Transaction<'_>, _birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS channels (
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
        ) STRICT, WITHOUT ROWID;",
    )
}

/// A message is one row; whatever shows it reads that row. Messages stand in the order of their log, so that a
/// page of history is one stretch of the file (docs/decisions/0008).
const CONTENT_ONCE: &str = "
    CREATE TABLE store (
        one     INTEGER PRIMARY KEY CHECK (one = 1),
        birth   TEXT NOT NULL,    -- the epoch of all logs that have none of their own
        life    TEXT,             -- joined to every epoch, from the second life on
        boot    TEXT,             -- the process that wrote last
        commits INTEGER NOT NULL  -- of all processes
    ) STRICT;
    CREATE TABLE logs (
        number  INTEGER PRIMARY KEY,
        kind    INTEGER NOT NULL, -- 0 of a channel, 1 of a user
        name    TEXT NOT NULL,
        epoch   TEXT,
        head    INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        UNIQUE (kind, name)
    ) STRICT;
    CREATE TABLE events (
        log     INTEGER NOT NULL REFERENCES logs,
        seq     INTEGER NOT NULL,
        kind    INTEGER NOT NULL,
        message INTEGER NOT NULL, -- the sequence of the message it is about
        PRIMARY KEY (log, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE messages (
        log      INTEGER NOT NULL REFERENCES logs,
        seq      INTEGER NOT NULL,
        id       BLOB NOT NULL,
        key      BLOB NOT NULL,
        user_id  TEXT NOT NULL,
        at_ms    INTEGER NOT NULL,
        content  TEXT NOT NULL,
        metadata TEXT NOT NULL,
        parent   BLOB,
        root     BLOB,
        files    INTEGER NOT NULL, -- how many
        PRIMARY KEY (log, seq),
        UNIQUE (log, id),
        UNIQUE (log, key)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE files ADD COLUMN place INTEGER;
    CREATE INDEX files_of_message ON files (message, place) WHERE message IS NOT NULL;
";

fn content_once(transaction: &Transaction<'_>, birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE events RENAME TO old_events; ALTER TABLE messages RENAME TO old_messages;",
    )?;
    transaction.execute_batch(CONTENT_ONCE)?;
    transaction.execute(
        "INSERT INTO store (one, birth, commits) VALUES (1, ?1, 0)",
        [birth],
    )?;
    transaction.execute_batch(
        "INSERT INTO logs (number, kind, name, epoch, head, last_ms)
         SELECT number, 0, id, epoch, head, last_ms FROM channels;",
    )?;
    {
        let mut events = transaction
            .prepare("SELECT channel, seq, body FROM old_events ORDER BY channel, seq")?;
        let mut rows = events.query([])?;
        while let Some(row) = rows.next()? {
            let (log, seq, body) = (row.get(0)?, row.get(1)?, row.get_ref(2)?.as_str()?);
            match serde_json::from_str::<OldEvent<'_>>(body) {
                Ok(event) => move_message(transaction, log, seq, &event.data.message)?,
                // Subscribers get a gap.
                Err(error) => {
                    tracing::error!(log, seq, %error, "an event cannot be read and is left out");
                }
            }
        }
    }
    transaction
        .execute_batch("DROP TABLE old_events; DROP TABLE old_messages; DROP TABLE channels;")
}

/// What each user's files take, kept by the database itself, whoever writes or removes a file.
fn file_usage(transaction: &Transaction<'_>, _birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE file_usage (
            user_id TEXT PRIMARY KEY,
            files   INTEGER NOT NULL,
            bytes   INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO file_usage SELECT user_id, count(*), sum(size) FROM files GROUP BY user_id;
        CREATE TRIGGER file_usage_more AFTER INSERT ON files BEGIN
            INSERT INTO file_usage (user_id, files, bytes) VALUES (new.user_id, 1, new.size)
            ON CONFLICT (user_id) DO UPDATE SET files = files + 1, bytes = bytes + excluded.bytes;
        END;
        CREATE TRIGGER file_usage_less AFTER DELETE ON files BEGIN
            UPDATE file_usage SET files = files - 1, bytes = bytes - old.size WHERE user_id = old.user_id;
            DELETE FROM file_usage WHERE user_id = old.user_id AND files = 0;
        END;
        CREATE INDEX files_open ON files (user_id, ended, expires_ms, size) WHERE message IS NULL;",
    )
}

/// Messages can be deleted, and the beginning of a log cut off.
fn deletion(transaction: &Transaction<'_>, _birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE logs ADD COLUMN cut INTEGER NOT NULL DEFAULT 0; -- nothing up to this sequence is there
        CREATE TABLE tombstones ( -- of messages that are not there any more
            log INTEGER NOT NULL REFERENCES logs,
            seq INTEGER NOT NULL,
            id  BLOB NOT NULL,
            key BLOB NOT NULL,
            PRIMARY KEY (log, seq),
            UNIQUE (log, id),
            UNIQUE (log, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER file_usage_moved AFTER UPDATE OF user_id ON files WHEN new.user_id <> old.user_id BEGIN
            UPDATE file_usage SET files = files - 1, bytes = bytes - old.size WHERE user_id = old.user_id;
            DELETE FROM file_usage WHERE user_id = old.user_id AND files = 0;
            INSERT INTO file_usage (user_id, files, bytes) VALUES (new.user_id, 1, new.size)
            ON CONFLICT (user_id) DO UPDATE SET files = files + 1, bytes = bytes + excluded.bytes;
        END;",
    )
}

/// What users may no longer do.
fn restrictions(transaction: &Transaction<'_>, _birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE restrictions (
            kind     INTEGER NOT NULL,
            channel  TEXT NOT NULL,    -- empty if it applies to all
            subject  TEXT NOT NULL,    -- a user or the id of a token; empty if it applies to all
            since_ms INTEGER NOT NULL,
            until_ms INTEGER,
            reason   TEXT,
            PRIMARY KEY (kind, channel, subject)
        ) STRICT, WITHOUT ROWID;",
    )
}

/// Messages can be changed.
fn versions(transaction: &Transaction<'_>, _birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE messages ADD COLUMN version INTEGER;    -- the sequence of its last change; none: its own
        ALTER TABLE messages ADD COLUMN edited_seq INTEGER;  -- that of its last edit
        ALTER TABLE messages ADD COLUMN edited_ms INTEGER;",
    )
}

/// The messages sent after a time are counted.
fn sent_since(transaction: &Transaction<'_>, _birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch("CREATE INDEX messages_at ON messages (log, at_ms);")
}

/// Users mark what they have read, and what they have not read is counted by subtraction: a message has the number
/// `seq - skipped` in its channel.
fn reads(transaction: &Transaction<'_>, _birth: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE reads ( -- up to where users have read
            log     INTEGER NOT NULL REFERENCES logs,
            user_id TEXT NOT NULL,
            seq     INTEGER NOT NULL,
            PRIMARY KEY (log, user_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX reads_of_user ON reads (user_id);
        -- Where the log of a user begins that has none: behind all that were removed.
        ALTER TABLE store ADD COLUMN user_cut INTEGER NOT NULL DEFAULT 0;
        -- How many messages there ever were.
        ALTER TABLE logs ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
        -- How many sequences up to the message are of none; null is 0.
        ALTER TABLE messages ADD COLUMN skipped INTEGER;
        ALTER TABLE tombstones ADD COLUMN skipped INTEGER;
        UPDATE logs SET messages = (SELECT count(*) FROM messages m WHERE m.log = number)
            + (SELECT count(*) FROM tombstones t WHERE t.log = number);
        CREATE TEMP TABLE places AS
            SELECT log, seq, seq - row_number() OVER (PARTITION BY log ORDER BY seq) AS skipped
            FROM (SELECT log, seq FROM messages UNION ALL SELECT log, seq FROM tombstones);
        CREATE UNIQUE INDEX temp.places_by_seq ON places (log, seq);
        UPDATE messages SET skipped = p.skipped FROM places p
            WHERE p.log = messages.log AND p.seq = messages.seq AND p.skipped > 0;
        UPDATE tombstones SET skipped = p.skipped FROM places p
            WHERE p.log = tombstones.log AND p.seq = tombstones.seq AND p.skipped > 0;
        DROP TABLE places;
        INSERT INTO reads (log, user_id, seq) SELECT log, user_id, max(seq) FROM messages GROUP BY log, user_id;",
    )
}

#[derive(Deserialize)]
struct OldEvent<'a> {
    #[serde(borrow)]
    data: OldData<'a>,
}

#[derive(Deserialize)]
struct OldData<'a> {
    #[serde(borrow)]
    message: OldMessage<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldMessage<'a> {
    id: Uuid,
    user_id: String,
    timestamp: String,
    content: String,
    #[serde(borrow)]
    metadata: &'a RawValue,
    parent: Option<Named>,
    root_message_id: Option<Uuid>,
    files: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: Uuid,
}

fn move_message(
    transaction: &Transaction<'_>,
    log: i64,
    seq: u64,
    message: &OldMessage<'_>,
) -> rusqlite::Result<()> {
    let key: Option<[u8; 16]> = transaction
        .prepare_cached("SELECT key FROM old_messages WHERE id = ?1")?
        .query_row([message.id.as_bytes()], |row| row.get(0))
        .optional()?;
    let (Some(key), Ok(at_ms)) = (key, message.timestamp.parse::<u64>()) else {
        tracing::error!(log, seq, "a message is incomplete and is left out");
        return Ok(());
    };
    transaction
        .prepare_cached(
            "INSERT INTO messages (log, seq, id, key, user_id, at_ms, content, metadata, parent, root, files)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            log,
            seq,
            message.id.as_bytes(),
            key,
            message.user_id,
            at_ms,
            message.content,
            message.metadata.get(),
            message.parent.as_ref().map(|parent| parent.id.as_bytes()),
            message.root_message_id.as_ref().map(Uuid::as_bytes),
            message.files.len(),
        ])?;
    transaction
        .prepare_cached("INSERT INTO events (log, seq, kind, message) VALUES (?1, ?2, ?3, ?2)")?
        .execute(params![log, seq, EventKind::MessageNew.number()])?;
    for (place, file) in message.files.iter().enumerate() {
        transaction
            .prepare_cached("UPDATE files SET place = ?2 WHERE id = ?1")?
            .execute(params![file.id.as_bytes(), place])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages and tombstones, with the events of deletions between them.
    #[test]
    fn messages_that_were_there_before_are_numbered() {
        let mut connection = Connection::open_in_memory().unwrap();
        let transaction = connection.transaction().unwrap();
        let before = STEPS
            .iter()
            .position(|step| *step as *const () == reads as *const ());
        for step in &STEPS[..before.unwrap()] {
            step(&transaction, "birth").unwrap();
        }
        transaction
            .execute_batch(
                "INSERT INTO logs (number, kind, name, head, last_ms) VALUES (1, 0, 'a', 9, 0), (2, 0, 'b', 1, 0), (3, 1, 'ada', 4, 0);
                 INSERT INTO messages (log, seq, id, key, user_id, at_ms, content, metadata, files) VALUES
                    (1, 1, x'01', x'01', 'ada', 0, '', '{}', 0), (1, 2, x'02', x'02', 'bob', 0, '', '{}', 0),
                    (1, 6, x'06', x'06', 'ada', 0, '', '{}', 0), (1, 9, x'09', x'09', 'bob', 0, '', '{}', 0),
                    (2, 1, x'01', x'01', 'bob', 0, '', '{}', 0);
                 INSERT INTO tombstones (log, seq, id, key) VALUES (1, 3, x'03', x'03'), (1, 7, x'07', x'07');",
            )
            .unwrap();
        reads(&transaction, "birth").unwrap();
        let numbers = |sql: &str| -> Vec<(i64, i64)> {
            let mut rows = transaction.prepare(sql).unwrap();
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.unwrap().collect::<Result<_, _>>().unwrap()
        };
        let all = "SELECT seq, seq - coalesce(skipped, 0) FROM";
        assert_eq!(
            numbers(&format!("{all} messages WHERE log = 1")),
            [(1, 1), (2, 2), (6, 4), (9, 6)]
        );
        assert_eq!(numbers(&format!("{all} tombstones")), [(3, 3), (7, 5)]);
        assert_eq!(
            numbers("SELECT number, messages FROM logs"),
            [(1, 6), (2, 1), (3, 0)]
        );
        // Who has sent has read what stands before.
        assert_eq!(
            numbers("SELECT log, seq FROM reads ORDER BY log, user_id"),
            [(1, 6), (1, 9), (2, 1)]
        );
    }
}
