//! What is to be erased, and what deleting leaves behind.

use std::time::Duration;

use alo_protocol::{ChannelId, ErrorBody, ErrorCode, UserId, Uuid};
use rusqlite::{Connection, TransactionBehavior, params};

use super::{Shared, files::end_and_forget, lock, read::channel_id, slack, sqlite_error, wal};
use crate::store::{Erasure, Owner, Scan, Sent};

/// Channels looked at in one step.
const CHANNELS: usize = 256;
/// Messages looked at in one step.
const MESSAGES: usize = 4_096;
/// How long emptying the write-ahead log waits for readers, which need a fraction of it for a page.
const PATIENCE: Duration = Duration::from_secs(5);

/// Works beside a [`super::SqliteStore`]. Cheap to clone.
#[derive(Clone)]
pub struct SqliteErasure {
    writer: Shared,
    reader: Shared,
}

impl SqliteErasure {
    pub(super) const fn new(writer: Shared, reader: Shared) -> Self {
        Self { writer, reader }
    }
}

/// Whether a log begins with messages that are cut off, or sent before ?1.
const IS_DUE: &str = "
    EXISTS (SELECT 1 FROM messages m WHERE m.log = l.number AND m.seq <= l.cut)
    OR coalesce((SELECT at_ms FROM messages m WHERE m.log = l.number ORDER BY seq LIMIT 1) < ?1, 0)";

impl Erasure for SqliteErasure {
    fn due(
        &self,
        before_ms: u64,
        after: Option<&ChannelId>,
    ) -> Result<Scan<ChannelId, ChannelId>, ErrorBody> {
        let sql = format!(
            "SELECT l.name, {IS_DUE} FROM logs l WHERE l.kind = 0 AND l.name > ?2 ORDER BY l.name LIMIT {CHANNELS}"
        );
        let connection = lock(&self.reader);
        let attempt = || {
            connection
                .prepare_cached(&sql)?
                .query_map(
                    params![before_ms, after.map_or("", ChannelId::as_str)],
                    |row| Ok((channel_id(row, 0)?, row.get::<_, bool>(1)?)),
                )?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut seen = attempt().map_err(sqlite_error)?;
        let next = (seen.len() == CHANNELS)
            .then(|| seen.last().map(|(channel, _)| channel.clone()))
            .flatten();
        seen.retain(|(_, is_due)| *is_due);
        Ok(Scan {
            found: seen.into_iter().map(|(channel, _)| channel).collect(),
            next,
        })
    }

    fn has_cut(&self, channel: &ChannelId) -> Result<bool, ErrorBody> {
        let connection = lock(&self.reader);
        let attempt = || {
            connection
                .prepare_cached(
                    "SELECT 1 FROM logs l JOIN messages m ON m.log = l.number AND m.seq <= l.cut
                     WHERE l.kind = 0 AND l.name = ?1 LIMIT 1",
                )?
                .exists([channel.as_str()])
        };
        attempt().map_err(sqlite_error)
    }

    fn messages_of(
        &self,
        user: &UserId,
        after: Option<Sent>,
    ) -> Result<Scan<(ChannelId, Uuid), Sent>, ErrorBody> {
        let Sent { log, seq } = after.unwrap_or(Sent { log: 0, seq: 0 });
        let connection = lock(&self.reader);
        let attempt = || {
            connection
                .prepare_cached(
                    "SELECT m.log, m.seq, m.id, m.user_id = ?1, l.name
                     FROM messages m JOIN logs l ON l.number = m.log
                     WHERE (m.log, m.seq) > (?2, ?3) ORDER BY m.log, m.seq LIMIT ?4",
                )?
                .query_map(params![user.as_str(), log, seq, MESSAGES], |row| {
                    let sent = Sent {
                        log: row.get(0)?,
                        seq: row.get(1)?,
                    };
                    let is_theirs: bool = row.get(3)?;
                    let message = (channel_id(row, 4)?, Uuid::from_bytes(row.get(2)?));
                    Ok((sent, is_theirs.then_some(message)))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let seen = attempt().map_err(sqlite_error)?;
        let next = (seen.len() == MESSAGES)
            .then(|| seen.last().map(|(sent, _)| *sent))
            .flatten();
        Ok(Scan {
            found: seen
                .into_iter()
                .filter_map(|(_, message)| message)
                .collect(),
            next,
        })
    }

    fn end_uploads(&self, owner: &Owner) -> Result<(), ErrorBody> {
        let connection = lock(&self.writer);
        let (sql, id) = match owner {
            Owner::User(user) => (
                end_and_forget!("message IS NULL AND user_id = ?1"),
                user.as_str(),
            ),
            Owner::Channel(channel) => (
                end_and_forget!("message IS NULL AND channel = ?1"),
                channel.as_str(),
            ),
        };
        connection
            .execute(sql, [id])
            .map(drop)
            .map_err(sqlite_error)
    }

    fn remove_user(&self, user: &UserId) -> Result<(), ErrorBody> {
        let mut connection: std::sync::MutexGuard<'_, Connection> = lock(&self.writer);
        let mut attempt = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for sql in [
                "DELETE FROM reads WHERE user_id = ?1",
                "DELETE FROM events WHERE log = (SELECT number FROM logs WHERE kind = 1 AND name = ?1)",
                "UPDATE store SET user_cut = max(user_cut, coalesce(
                    (SELECT head + 1 FROM logs WHERE kind = 1 AND name = ?1), 0))",
                "DELETE FROM logs WHERE kind = 1 AND name = ?1",
            ] {
                transaction.execute(sql, [user.as_str()])?;
            }
            transaction.commit()
        };
        attempt().map_err(sqlite_error)
    }

    fn scrub(&self, from: u64) -> Result<Option<u64>, ErrorBody> {
        let mut connection: std::sync::MutexGuard<'_, Connection> = lock(&self.writer);
        if let Some(next) = slack::overwrite(&mut connection, from).map_err(sqlite_error)? {
            return Ok(Some(next));
        }
        match wal::truncate(&connection, PATIENCE) {
            Ok(true) => Ok(None),
            Ok(false) => Err(ErrorBody::new(
                ErrorCode::Unavailable,
                "it is deleted, but a reader of an older state keeps it on the disk: repeat the call",
            )),
            Err(error) => Err(sqlite_error(error)),
        }
    }
}
