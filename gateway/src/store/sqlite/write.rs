//! Writes: loads what is needed, applies what is decided.

use std::{collections::BTreeMap, sync::Arc};

use alo_protocol::{ChannelId, ErrorBody, Uuid};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Names,
    files::{self, end_and_forget},
    read::{find_log, find_mark, find_message, kind_and_name, read_message, select_message},
    sqlite_error,
};
use crate::store::{
    LogId,
    rows::{EventKind, MessageRow, OldMessage},
    rules::{Loaded, LoadedLog, LogNeeds, LogWrites, Needs, ReadEvent, WriteRows, Writes},
};

/// A message's `message.new` becomes its deletion.
const DELETED_EVENT: &str = "UPDATE events SET kind = 2 WHERE log = ?1 AND seq = ?2";
const _: () = assert!(EventKind::MessageDeleted.number() == 2);
/// In place of a message, an event of a user's log names the channel's log.
const READ_EVENT: &str = "INSERT INTO events (log, seq, kind, message) VALUES (?1, ?2, 6, ?3)";
const _: () = assert!(EventKind::ReadUpdated.number() == 6);

/// One transaction.
pub(super) struct Batch<'a> {
    connection: &'a Connection,
    names: &'a Names,
    /// Of the logs there are.
    numbers: BTreeMap<LogId, i64>,
    commits: Option<u64>,
}

impl<'a> Batch<'a> {
    pub(super) const fn new(connection: &'a Connection, names: &'a Names) -> Self {
        Self {
            connection,
            names,
            numbers: BTreeMap::new(),
            commits: None,
        }
    }

    /// The commits of the database with this one, if something was written.
    pub(super) const fn commits(&self) -> Option<u64> {
        self.commits
    }

    fn load_all(&mut self, needs: &Needs) -> rusqlite::Result<Loaded> {
        let mut loaded = Loaded::default();
        for (id, needs) in &needs.logs {
            loaded.logs.insert(id.clone(), self.load_log(id, needs)?);
        }
        for &id in &needs.files {
            if let Some(row) = files::find(self.connection, id)? {
                loaded.files.insert(id, row);
            }
        }
        Ok(loaded)
    }

    fn load_log(&mut self, id: &LogId, needs: &LogNeeds) -> rusqlite::Result<LoadedLog> {
        let found = find_log(self.connection, self.names, id)?;
        let mut loaded = LoadedLog {
            epoch: found.epoch,
            head: found.head,
            last_ms: found.last_ms,
            cut: found.cut,
            ..LoadedLog::default()
        };
        let Some(number) = found.number else {
            return Ok(loaded);
        };
        self.numbers.insert(id.clone(), number);
        match id {
            LogId::Channel(channel) => {
                self.load_messages(number, channel, needs, &mut loaded)?;
                for user in &needs.readers {
                    let mark = find_mark(self.connection, number, found.cut, user)?;
                    loaded.reads.extend(mark.map(|mark| (user.clone(), mark)));
                }
            }
            LogId::User(_) => {}
        }
        Ok(loaded)
    }

    fn load_messages(
        &self,
        log: i64,
        channel: &ChannelId,
        needs: &LogNeeds,
        loaded: &mut LoadedLog,
    ) -> rusqlite::Result<()> {
        let mut by_key = self.connection.prepare_cached(select_message!(
            "FROM messages m WHERE m.log = ?1 AND m.key = ?2"
        ))?;
        let mut key_gone = self
            .connection
            .prepare_cached("SELECT 1 FROM tombstones WHERE log = ?1 AND key = ?2")?;
        for key in &needs.keys {
            let row = by_key
                .query_row(params![log, key.as_bytes()], |row| {
                    read_message(self.connection, channel, row)
                })
                .optional()?;
            match row {
                Some(row) => loaded.add_key(*key, Arc::new(row)),
                None if key_gone.exists(params![log, key.as_bytes()])? => {
                    loaded.gone_keys.insert(*key);
                }
                None => {}
            }
        }
        for &id in &needs.messages {
            match find_message(self.connection, log, channel, id)? {
                Some(row) => loaded.add_message(Arc::new(row)),
                None => {
                    let seq = self
                        .connection
                        .prepare_cached("SELECT seq FROM tombstones WHERE log = ?1 AND id = ?2")?
                        .query_row(params![log, id.as_bytes()], |row| row.get(0))
                        .optional()?;
                    loaded.gone.extend(seq.map(|seq| (id, seq)));
                }
            }
        }
        if needs.oldest > 0 {
            loaded.oldest = self
                .connection
                .prepare_cached(
                    "SELECT seq, id, at_ms FROM messages WHERE log = ?1 ORDER BY seq LIMIT ?2",
                )?
                .query_map(params![log, needs.oldest], |row| {
                    Ok(OldMessage {
                        seq: row.get(0)?,
                        id: Uuid::from_bytes(row.get(1)?),
                        at_ms: row.get(2)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
        }
        Ok(())
    }

    fn apply_all(&mut self, writes: &Writes) -> rusqlite::Result<()> {
        if writes.logs.is_empty() && writes.attached.is_empty() && writes.ended.is_empty() {
            return Ok(());
        }
        for (id, writes) in &writes.logs {
            let (number, before) = self.move_head(id, writes)?;
            self.insert_messages(number, before, &writes.messages)?;
            let mut insert = self.connection.prepare_cached(
                "INSERT INTO events (log, seq, kind, message) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for event in &writes.events {
                insert.execute(params![
                    number,
                    event.seq,
                    event.kind.number(),
                    event.message
                ])?;
            }
        }
        self.apply_reads(writes)?;
        for attached in &writes.attached {
            self.connection
                .prepare_cached("UPDATE files SET message = ?2, place = ?3 WHERE id = ?1")?
                .execute(params![
                    attached.file.as_bytes(),
                    attached.message.as_bytes(),
                    attached.place
                ])?;
        }
        for (id, writes) in &writes.logs {
            self.remove(id, writes)?;
        }
        for message in &writes.ended {
            self.connection
                .prepare_cached(end_and_forget!("message = ?1"))?
                .execute([message.as_bytes()])?;
        }
        let commits = self
            .connection
            .prepare_cached("UPDATE store SET commits = commits + 1 RETURNING commits")?
            .query_row([], |row| row.get(0))?;
        self.commits = Some(commits);
        Ok(())
    }

    /// Moves marks, and adds the events that say so.
    fn apply_reads(&self, writes: &Writes) -> rusqlite::Result<()> {
        for ((user, channel), seq) in &writes.reads {
            let Some(number) = self.numbers.get(&channel.clone().into()) else {
                continue;
            };
            self.connection
                .prepare_cached(
                    "INSERT INTO reads (log, user_id, seq) VALUES (?1, ?2, ?3)
                     ON CONFLICT (log, user_id) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq",
                )?
                .execute(params![number, user.as_str(), seq])?;
        }
        for ReadEvent { user, seq, channel } in &writes.read_events {
            let own = self.numbers.get(&LogId::User(user.clone()));
            let (Some(own), Some(about)) = (own, self.numbers.get(&channel.clone().into())) else {
                continue;
            };
            self.connection
                .prepare_cached(READ_EVENT)?
                .execute(params![own, seq, about])?;
        }
        Ok(())
    }

    /// Replaces messages by their tombstones, and cuts the log.
    fn remove(&self, id: &LogId, writes: &LogWrites) -> rusqlite::Result<()> {
        let Some(number) = self.numbers.get(id) else {
            return Ok(());
        };
        for seq in &writes.deleted {
            for sql in [
                "INSERT INTO tombstones (log, seq, id, key, skipped)
                 SELECT log, seq, id, key, skipped FROM messages WHERE log = ?1 AND seq = ?2",
                "DELETE FROM messages WHERE log = ?1 AND seq = ?2",
                DELETED_EVENT,
            ] {
                let mut statement = self.connection.prepare_cached(sql)?;
                statement.execute(params![number, seq])?;
            }
        }
        if let Some(cut) = writes.cut {
            self.connection
                .prepare_cached("UPDATE logs SET cut = ?2 WHERE number = ?1")?
                .execute(params![number, cut])?;
            self.connection
                .prepare_cached("DELETE FROM events WHERE log = ?1 AND seq <= ?2")?
                .execute(params![number, writes.events_until])?;
            self.connection
                .prepare_cached("DELETE FROM reads WHERE log = ?1 AND seq <= ?2")?
                .execute(params![number, cut])?;
        }
        Ok(())
    }

    /// Returns the log's number, and how many messages it had.
    fn move_head(&mut self, id: &LogId, writes: &LogWrites) -> rusqlite::Result<(i64, u64)> {
        let more = writes.messages.len() as u64;
        if let Some(&number) = self.numbers.get(id) {
            let messages: u64 = self
                .connection
                .prepare_cached(
                    "UPDATE logs SET head = ?2, last_ms = ?3, messages = messages + ?4
                     WHERE number = ?1 RETURNING messages",
                )?
                .query_row(params![number, writes.head, writes.last_ms, more], |row| {
                    row.get(0)
                })?;
            return Ok((number, messages - more));
        }
        let (kind, name) = kind_and_name(id);
        self.connection
            .prepare_cached(
                "INSERT INTO logs (kind, name, head, last_ms, messages, cut)
                 SELECT ?1, ?2, ?3, ?4, ?5, iif(?1 = 1, user_cut, 0) FROM store",
            )?
            .execute(params![kind, name, writes.head, writes.last_ms, more])?;
        let number = self.connection.last_insert_rowid();
        self.numbers.insert(id.clone(), number);
        Ok((number, 0))
    }

    fn insert_messages(
        &self,
        log: i64,
        before: u64,
        messages: &[(Uuid, Arc<MessageRow>)],
    ) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO messages (log, seq, id, key, user_id, at_ms, content, metadata, parent, root, files, skipped)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, nullif(?12, 0))",
        )?;
        for (number, (key, row)) in (before + 1..).zip(messages) {
            insert.execute(params![
                log,
                row.seq,
                row.id.as_bytes(),
                key.as_bytes(),
                row.user_id,
                row.at_ms,
                row.content,
                row.metadata.get(),
                row.parent.as_ref().map(Uuid::as_bytes),
                row.root.as_ref().map(Uuid::as_bytes),
                row.files.len(),
                row.seq - number,
            ])?;
        }
        Ok(())
    }
}

impl WriteRows for Batch<'_> {
    fn load(&mut self, needs: &Needs) -> Result<Loaded, ErrorBody> {
        self.load_all(needs).map_err(sqlite_error)
    }

    fn apply(&mut self, writes: &Writes) -> Result<(), ErrorBody> {
        self.apply_all(writes).map_err(sqlite_error)
    }
}
