//! Restrictions of users.

use std::sync::Arc;

use alo_protocol::{ChannelId, ErrorBody};
use rusqlite::{Row, params, types::Type};

use super::{Shared, lock, sqlite_error};
use crate::access::{AccessRecords, Restriction, Target};

/// The restrictions in the database of a [`super::SqliteStore`]. Cheap to clone.
#[derive(Clone)]
pub struct SqliteAccess(Shared);

impl SqliteAccess {
    pub(super) const fn new(connection: Shared) -> Self {
        Self(connection)
    }
}

impl AccessRecords for SqliteAccess {
    fn restrictions(&self) -> Result<Vec<Restriction>, ErrorBody> {
        let connection = lock(&self.0);
        let attempt = || {
            connection
                .prepare_cached(
                    "SELECT kind, channel, subject, since_ms, until_ms, reason FROM restrictions
                     ORDER BY kind, channel, subject",
                )?
                .query_map([], read)?
                .collect::<rusqlite::Result<_>>()
        };
        attempt().map_err(sqlite_error)
    }

    fn restrict(&self, restriction: &Restriction, now_ms: u64) -> Result<(), ErrorBody> {
        let mut connection = lock(&self.0);
        let (kind, channel, subject) = columns(&restriction.target);
        let mut attempt = || {
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached("DELETE FROM restrictions WHERE until_ms <= ?1")?
                .execute([now_ms])?;
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO restrictions (kind, channel, subject, since_ms, until_ms, reason)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    kind,
                    channel,
                    subject,
                    restriction.since_ms,
                    restriction.until_ms,
                    restriction.reason
                ])?;
            transaction.commit()
        };
        attempt().map_err(sqlite_error)
    }

    fn release(&self, target: &Target) -> Result<(), ErrorBody> {
        let (kind, channel, subject) = columns(target);
        let connection = lock(&self.0);
        let attempt = || {
            connection
                .prepare_cached(
                    "DELETE FROM restrictions WHERE kind = ?1 AND channel = ?2 AND subject = ?3",
                )?
                .execute(params![kind, channel, subject])
        };
        attempt().map(drop).map_err(sqlite_error)
    }
}

/// Kind, channel and subject; what does not apply is empty.
fn columns(target: &Target) -> (i64, &str, &str) {
    match target {
        Target::User(user) => (0, "", user),
        Target::Token(token) => (1, "", token),
        Target::Channel(channel) => (2, channel.as_str(), ""),
        Target::Member(channel, user) => (3, channel.as_str(), user),
        Target::Ban(channel, user) => (4, channel.as_str(), user),
        Target::Mute(channel, user) => (5, channel.as_str(), user),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Restriction> {
    let wrong = |column, kind, error: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(column, kind, error)
    };
    let channel = || {
        let parsed: Result<ChannelId, _> = row.get_ref(1)?.as_str()?.parse();
        parsed.map_err(|error| wrong(1, Type::Text, Box::new(error)))
    };
    let subject: Arc<str> = row.get_ref(2)?.as_str()?.into();
    let target = match row.get::<_, i64>(0)? {
        0 => Target::User(subject),
        1 => Target::Token(subject),
        2 => Target::Channel(channel()?),
        3 => Target::Member(channel()?, subject),
        4 => Target::Ban(channel()?, subject),
        5 => Target::Mute(channel()?, subject),
        other => {
            let error = format!("there is no restriction of kind {other}");
            return Err(wrong(0, Type::Integer, error.into()));
        }
    };
    Ok(Restriction {
        target,
        since_ms: row.get(3)?,
        until_ms: row.get(4)?,
        reason: row.get(5)?,
    })
}
