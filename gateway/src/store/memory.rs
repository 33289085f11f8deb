//! A store that keeps everything in memory, for simulations and tests.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alo_protocol::{ChannelId, Cursor, ErrorBody, UserId, Uuid};

use super::{
    Change, Committed, Erasure, FilePart, FileRecords, FileRow, Log, LogId, Owner, PageLimit,
    Query, Quota, Rows, Scan, Sent, Store,
    quota::Usage,
    render::{Shown, Subject},
    rows::{EventKind, EventRow, MessageRow, OldMessage, ReadRow},
    rules::{
        self, Beyond, Loaded, LoadedLog, Needs, Place, ReadEvent, ReadLogs, ReadRows, Unread,
        Visit, WriteRows, Writes,
        files::{self, KeyUse},
    },
};
use crate::access::{AccessRecords, Restriction, Target};

/// See the module. Clones share what they keep.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    epoch: Arc<str>,
    tables: Arc<Mutex<Tables>>,
}

#[derive(Debug, Default)]
struct Tables {
    logs: BTreeMap<LogId, LogTable>,
    files: BTreeMap<Uuid, FileRow>,
    parts: BTreeMap<(Uuid, u64), FilePart>,
    restrictions: BTreeMap<Target, Restriction>,
    /// Up to where users have read channels.
    reads: BTreeMap<(UserId, ChannelId), u64>,
    /// Where the log of a user begins that has none: behind all that were removed.
    user_cut: u64,
}

impl Tables {
    /// A log as it is while it was never used.
    fn unused(&self, id: &LogId) -> LogTable {
        let begin = match id {
            LogId::Channel(_) => 0,
            LogId::User(_) => self.user_cut,
        };
        LogTable {
            head: begin,
            cut: begin,
            ..LogTable::default()
        }
    }

    /// The message up to which a user has read.
    fn mark(&self, user: &UserId, channel: &ChannelId) -> Option<ReadRow> {
        let seq = *self.reads.get(&(user.clone(), channel.clone()))?;
        let table = self.logs.get(&channel.clone().into())?;
        let message = table.messages.get(&seq).filter(|_| seq > table.cut);
        Some(ReadRow {
            seq,
            id: table.id_of(seq),
            at_ms: message.map(|message| message.at_ms),
        })
    }

    fn usage(&self, user_id: &str, now_ms: u64) -> Usage {
        let mut usage = Usage::default();
        for row in self.files.values().filter(|row| row.user_id == user_id) {
            usage.files += 1;
            usage.bytes += row.size;
            if row.message.is_none() && !files::is_over(row, now_ms) {
                usage.open_uploads += 1;
                usage.open_bytes += row.size;
            }
        }
        usage
    }
}

#[derive(Clone, Debug, Default)]
struct LogTable {
    head: u64,
    last_ms: u64,
    cut: u64,
    events: BTreeMap<u64, EventRow>,
    messages: BTreeMap<u64, Arc<MessageRow>>,
    /// Where a message of an id stands, or stood.
    ids: BTreeMap<Uuid, u64>,
    /// Where a message of a key stands, or stood.
    keys: BTreeMap<Uuid, u64>,
    /// The channels that events of a user's log are about.
    about: BTreeMap<u64, ChannelId>,
}

impl LogTable {
    /// The message at a place, there or not.
    fn id_of(&self, place: u64) -> Option<Uuid> {
        let mut ids = self.ids.iter();
        ids.find(|(_, seq)| **seq == place).map(|(id, _)| *id)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new("memory")
    }
}

impl MemoryStore {
    /// An empty store whose logs have this epoch.
    pub fn new(epoch: &str) -> Self {
        Self {
            epoch: epoch.into(),
            tables: Arc::default(),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, changes: Vec<Change>) -> Vec<Result<Committed, ErrorBody>> {
        let mut batch = Batch {
            epoch: &self.epoch,
            tables: &mut self.tables(),
        };
        rules::commit(&mut batch, &changes)
            .unwrap_or_else(|error| rules::refuse(&mut batch, &changes, &error))
    }
}

impl Log for MemoryStore {
    fn heads(&self, logs: &[LogId]) -> Result<Vec<Cursor>, ErrorBody> {
        let tables = self.tables();
        let cursor = |log: &LogId| match tables.logs.get(log) {
            Some(table) => self.cursor(table),
            None => self.cursor(&tables.unused(log)),
        };
        Ok(logs.iter().map(cursor).collect())
    }

    fn read(&self, query: &Query, limit: PageLimit) -> Result<Rows, ErrorBody> {
        let logs = Logs {
            store: self,
            tables: &self.tables(),
        };
        rules::read(&logs, query, limit)
    }
}

impl MemoryStore {
    fn cursor(&self, log: &LogTable) -> Cursor {
        Cursor {
            epoch: self.epoch.to_string(),
            seq: log.head,
        }
    }
}

impl FileRecords for MemoryStore {
    fn find(&self, id: Uuid) -> Result<Option<FileRow>, ErrorBody> {
        Ok(self.tables().files.get(&id).cloned())
    }

    fn create(&self, file: FileRow, quota: &Quota, now_ms: u64) -> Result<FileRow, ErrorBody> {
        let mut tables = self.tables();
        let used_by = tables
            .files
            .values()
            .find(|row| row.key.is_some() && row.key == file.key)
            .cloned();
        let key = files::key_use(used_by, now_ms);
        if let KeyUse::Taken(row) = key {
            return Ok(*row);
        }
        files::admit(tables.usage(&file.user_id, now_ms), quota, file.size)?;
        match key {
            KeyUse::Taken(_) | KeyUse::Free => {}
            KeyUse::Freed(id) => {
                if let Some(row) = tables.files.get_mut(&id) {
                    (row.ended, row.key) = (true, None);
                }
            }
        }
        tables.files.insert(file.id, file.clone());
        Ok(file)
    }

    fn append(&self, id: Uuid, parts: &[FilePart], expires_ms: u64) -> Result<bool, ErrorBody> {
        let mut tables = self.tables();
        let last = tables.parts.range((id, 0)..=(id, u64::MAX)).next_back();
        let last = last.map(|(_, part)| *part);
        let Some(row) = tables.files.get_mut(&id) else {
            return Ok(false);
        };
        let Some(offset) = files::append(row, last, parts) else {
            return Ok(false);
        };
        (row.offset, row.expires_ms) = (offset, expires_ms);
        for part in parts {
            tables.parts.insert((id, part.offset), *part);
        }
        Ok(true)
    }

    fn parts(&self, id: Uuid, from: u64, to: u64) -> Result<Vec<FilePart>, ErrorBody> {
        let tables = self.tables();
        let parts = tables.parts.range((id, 0)..=(id, u64::MAX));
        Ok(parts
            .map(|(_, part)| *part)
            .filter(|part| files::holds(part, from, to))
            .collect())
    }

    fn end(&self, id: Uuid) -> Result<bool, ErrorBody> {
        let mut tables = self.tables();
        let row = tables.files.get_mut(&id);
        let Some(row) = row.filter(|row| files::can_end(row)) else {
            return Ok(false);
        };
        row.ended = true;
        Ok(true)
    }

    fn expire(&self, now_ms: u64) -> Result<Vec<Uuid>, ErrorBody> {
        let mut tables = self.tables();
        let mut ended = Vec::new();
        for row in tables
            .files
            .values_mut()
            .filter(|row| files::is_over(row, now_ms))
        {
            row.ended = true;
            ended.push(row.id);
        }
        Ok(ended)
    }

    fn remove(&self, id: Uuid) -> Result<(), ErrorBody> {
        let mut tables = self.tables();
        if tables.files.get(&id).is_some_and(|row| row.ended) {
            tables.files.remove(&id);
            tables.parts.retain(|(file, _), _| *file != id);
        }
        Ok(())
    }
}

impl Erasure for MemoryStore {
    fn due(
        &self,
        before_ms: u64,
        after: Option<&ChannelId>,
    ) -> Result<Scan<ChannelId, ChannelId>, ErrorBody> {
        let tables = self.tables();
        let found = tables.logs.iter().filter_map(|(id, table)| {
            let channel = id
                .channel()
                .filter(|id| after.is_none_or(|last| *id > last))?;
            let oldest = table.messages.values().next()?;
            (oldest.seq <= table.cut || oldest.at_ms < before_ms).then(|| channel.clone())
        });
        Ok(Scan {
            found: found.collect(),
            next: None,
        })
    }

    fn has_cut(&self, channel: &ChannelId) -> Result<bool, ErrorBody> {
        let tables = self.tables();
        let table = tables.logs.get(&channel.clone().into());
        let oldest = table.and_then(|table| Some((table, table.messages.values().next()?)));
        Ok(oldest.is_some_and(|(table, oldest)| oldest.seq <= table.cut))
    }

    fn messages_of(
        &self,
        user: &UserId,
        _: Option<Sent>,
    ) -> Result<Scan<(ChannelId, Uuid), Sent>, ErrorBody> {
        let tables = self.tables();
        let rows = tables.logs.values().flat_map(|log| log.messages.values());
        let theirs = rows.filter(|row| *row.user_id == *user.as_str());
        Ok(Scan {
            found: theirs.map(|row| (row.channel.clone(), row.id)).collect(),
            next: None,
        })
    }

    fn end_uploads(&self, owner: &Owner) -> Result<(), ErrorBody> {
        for row in self.tables().files.values_mut() {
            let is_theirs = match owner {
                Owner::User(user) => row.user_id == user.as_str(),
                Owner::Channel(channel) => row.channel == *channel,
            };
            if is_theirs && row.message.is_none() {
                row.end_and_forget();
            }
        }
        Ok(())
    }

    fn remove_user(&self, user: &UserId) -> Result<(), ErrorBody> {
        let mut tables = self.tables();
        tables.reads.retain(|(reader, _), _| reader != user);
        if let Some(log) = tables.logs.remove(&LogId::User(user.clone())) {
            tables.user_cut = tables.user_cut.max(log.head + 1);
        }
        Ok(())
    }

    /// Memory keeps nothing that was removed.
    fn scrub(&self, _: u64) -> Result<Option<u64>, ErrorBody> {
        Ok(None)
    }
}

impl AccessRecords for MemoryStore {
    fn restrictions(&self) -> Result<Vec<Restriction>, ErrorBody> {
        Ok(self.tables().restrictions.values().cloned().collect())
    }

    fn restrict(&self, restriction: &Restriction, now_ms: u64) -> Result<(), ErrorBody> {
        let restrictions = &mut self.tables().restrictions;
        restrictions.retain(|_, one| one.is_active(now_ms));
        restrictions.insert(restriction.target.clone(), restriction.clone());
        Ok(())
    }

    fn release(&self, target: &Target) -> Result<(), ErrorBody> {
        self.tables().restrictions.remove(target);
        Ok(())
    }
}

/// One transaction that writes.
struct Batch<'a> {
    epoch: &'a str,
    tables: &'a mut Tables,
}

impl WriteRows for Batch<'_> {
    fn load(&mut self, needs: &Needs) -> Result<Loaded, ErrorBody> {
        let mut loaded = Loaded::default();
        for (id, needs) in &needs.logs {
            let unused = self.tables.unused(id);
            let table = self.tables.logs.get(id).unwrap_or(&unused);
            let mut log = LoadedLog {
                epoch: self.epoch.to_owned(),
                head: table.head,
                last_ms: table.last_ms,
                cut: table.cut,
                ..LoadedLog::default()
            };
            for key in &needs.keys {
                match table.keys.get(key).map(|seq| table.messages.get(seq)) {
                    Some(Some(row)) => log.add_key(*key, row.clone()),
                    Some(None) => drop(log.gone_keys.insert(*key)),
                    None => {}
                }
            }
            for id in &needs.messages {
                match table.ids.get(id).map(|seq| (*seq, table.messages.get(seq))) {
                    Some((_, Some(row))) => log.add_message(row.clone()),
                    Some((seq, None)) => drop(log.gone.insert(*id, seq)),
                    None => {}
                }
            }
            let oldest = table.messages.values().take(needs.oldest);
            log.oldest = oldest
                .map(|row| OldMessage {
                    seq: row.seq,
                    id: row.id,
                    at_ms: row.at_ms,
                })
                .collect();
            if let LogId::Channel(channel) = id {
                for user in &needs.readers {
                    let mark = self.tables.mark(user, channel);
                    log.reads.extend(mark.map(|mark| (user.clone(), mark)));
                }
            }
            loaded.logs.insert(id.clone(), log);
        }
        for id in &needs.files {
            let row = self.tables.files.get(id).cloned();
            loaded.files.extend(row.map(|row| (*id, row)));
        }
        Ok(loaded)
    }

    fn apply(&mut self, writes: &Writes) -> Result<(), ErrorBody> {
        for (id, writes) in &writes.logs {
            let unused = self.tables.unused(id);
            let table = self.tables.logs.entry(id.clone()).or_insert(unused);
            (table.head, table.last_ms) = (writes.head, writes.last_ms);
            for (key, row) in &writes.messages {
                table.ids.insert(row.id, row.seq);
                table.keys.insert(*key, row.seq);
                table.messages.insert(row.seq, row.clone());
            }
            let events = writes.events.iter().map(|event| (event.seq, *event));
            table.events.extend(events);
        }
        for (reader, seq) in &writes.reads {
            let mark = self.tables.reads.entry(reader.clone()).or_default();
            *mark = (*mark).max(*seq);
        }
        for ReadEvent { user, seq, channel } in &writes.read_events {
            let id = LogId::User(user.clone());
            let table = self.tables.logs.entry(id).or_default();
            let event = EventRow {
                seq: *seq,
                kind: EventKind::ReadUpdated,
                message: 0,
            };
            table.events.insert(*seq, event);
            table.about.insert(*seq, channel.clone());
        }
        for attached in &writes.attached {
            if let Some(row) = self.tables.files.get_mut(&attached.file) {
                row.message = Some(attached.message);
            }
        }
        for (id, writes) in &writes.logs {
            let table = self.tables.logs.entry(id.clone()).or_default();
            for seq in &writes.deleted {
                table.messages.remove(seq);
                if let Some(event) = table.events.get_mut(seq) {
                    event.kind = EventKind::MessageDeleted;
                }
            }
            if let Some(cut) = writes.cut {
                table.cut = cut;
                table.events = table.events.split_off(&(writes.events_until + 1));
                table.about = table.about.split_off(&(writes.events_until + 1));
                let reads = &mut self.tables.reads;
                reads.retain(|(_, read), seq| id.channel() != Some(read) || *seq > cut);
            }
        }
        for row in self.tables.files.values_mut() {
            if row.message.is_some_and(|id| writes.ended.contains(&id)) {
                row.end_and_forget();
            }
        }
        Ok(())
    }
}

/// All logs, to be read.
struct Logs<'a> {
    store: &'a MemoryStore,
    tables: &'a Tables,
}

impl ReadLogs for Logs<'_> {
    fn open(&self, log: &LogId) -> Result<Box<dyn ReadRows + '_>, ErrorBody> {
        let table = match self.tables.logs.get(log) {
            Some(table) => Cow::Borrowed(table),
            None => Cow::Owned(self.tables.unused(log)),
        };
        Ok(Box::new(OneLog {
            store: self.store,
            log: log.clone(),
            cut: table.cut,
            table,
            tables: self.tables,
        }))
    }
}

/// One log, to be read.
struct OneLog<'a> {
    store: &'a MemoryStore,
    log: LogId,
    cut: u64,
    table: Cow<'a, LogTable>,
    tables: &'a Tables,
}

impl OneLog<'_> {
    fn show(&self, row: &Arc<MessageRow>) -> Shown<MessageRow> {
        let parent = row
            .parent
            .and_then(|id| self.table.messages.get(self.table.ids.get(&id)?))
            .filter(|parent| parent.seq > self.cut);
        Shown {
            message: MessageRow::clone(row),
            parent: parent.map(|parent| MessageRow::clone(parent)),
        }
    }
}

impl ReadRows for OneLog<'_> {
    fn head(&mut self) -> Result<Cursor, ErrorBody> {
        Ok(self.store.cursor(&self.table))
    }

    fn cut(&self) -> u64 {
        self.cut
    }

    fn place(&mut self, message: Uuid) -> Result<Option<Place>, ErrorBody> {
        Ok(self.table.ids.get(&message).map(|&seq| {
            if seq > self.cut && self.table.messages.contains_key(&seq) {
                Place::Present(seq)
            } else {
                Place::Deleted(seq)
            }
        }))
    }

    fn messages(
        &mut self,
        beyond: Beyond,
        visit: Visit<'_, Shown<MessageRow>>,
    ) -> Result<(), ErrorBody> {
        let messages = &self.table.messages;
        let mut show = |row: &Arc<MessageRow>| visit(Some(self.show(row)));
        match beyond {
            Beyond::Older(seq) => messages
                .range(..seq)
                .rev()
                .take_while(|(place, _)| **place > self.cut)
                .all(|(_, row)| show(row)),
            Beyond::Newer(seq) => messages
                .range((Bound::Excluded(seq.max(self.cut)), Bound::Unbounded))
                .all(|(_, row)| show(row)),
        };
        Ok(())
    }

    fn count_since(&mut self, after_ms: u64, most: u32) -> Result<u32, ErrorBody> {
        let present = self
            .table
            .messages
            .range((Bound::Excluded(self.cut), Bound::Unbounded));
        let since = present.filter(|(_, row)| row.at_ms > after_ms);
        Ok(since
            .take(most as usize)
            .fold(0, |count, _| count.saturating_add(1)))
    }

    fn unread(&mut self, user: &UserId) -> Result<Unread, ErrorBody> {
        let channel = self.log.channel();
        let mark = channel.and_then(|channel| self.tables.mark(user, channel));
        let begin = mark.map_or(0, |mark| mark.seq).max(self.cut);
        let behind = (Bound::Excluded(begin), Bound::Unbounded);
        Ok(Unread {
            cursor: self.store.cursor(&self.table),
            mark,
            count: self.table.messages.range(behind).count() as u64,
        })
    }

    fn events(
        &mut self,
        after: u64,
        visit: Visit<'_, (EventRow, Subject<MessageRow>)>,
    ) -> Result<(), ErrorBody> {
        for (_, event) in self
            .table
            .events
            .range((Bound::Excluded(after), Bound::Unbounded))
        {
            let subject = match event.kind {
                EventKind::MessageNew => {
                    let row = self.table.messages.get(&event.message);
                    row.map(|row| Subject::Message(self.show(row)))
                }
                EventKind::MessageDeleted => self.table.id_of(event.message).map(Subject::Deleted),
                EventKind::ReadUpdated => match (&self.log, self.table.about.get(&event.seq)) {
                    (LogId::User(user), Some(channel)) => {
                        let mark = self.tables.mark(user, channel);
                        Some(Subject::Read(channel.clone(), mark))
                    }
                    (LogId::User(_) | LogId::Channel(_), _) => None,
                },
            };
            if !visit(subject.map(|subject| (*event, subject))) {
                break;
            }
        }
        Ok(())
    }
}
