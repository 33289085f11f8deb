//! The store and the log: what is durable, and when.

use alo_gateway::{
    store::{Change, Committed, Draft, Log, LogId, PageLimit, Query, Rows, SqliteStore, Store},
    writer::Done,
};
use alo_protocol::{ChannelId, ErrorBody, ErrorCode};

use super::{Asker, Event};
use crate::{
    features::reads,
    network::LinkId,
    world::{self, World},
};

/// Nobody's connection: whoever uses the keys of others.
const THIEF: LinkId = LinkId(u64::MAX);
/// A limit no database of an episode reaches.
const PAGES: u32 = 1_000_000;

impl World {
    /// The store, seen as a whole, is what was made durable.
    pub(crate) fn check_store(&mut self) {
        for channel in self.channels() {
            let (mut seqs, mut after) = (Vec::new(), 0);
            loop {
                let limit = PageLimit {
                    events: 1_000,
                    bytes: 1 << 30,
                };
                let log = channel.clone().into();
                match self.gateway.log.read(&Query::Tail { log, after }, limit) {
                    Ok(Rows::Events(page)) if page.is_empty() => break,
                    Ok(Rows::Events(page)) => {
                        let verdict = self.oracle.shows(&channel, &page);
                        self.check(verdict);
                        seqs.extend(page.iter().map(|event| event.seq));
                        after = seqs.last().copied().unwrap_or(after);
                    }
                    Ok(Rows::Gap(_)) if self.is_missing(&channel, after + 1) => after += 1,
                    other => {
                        return self.violate(format!("the log cannot be read: {other:?}"));
                    }
                }
            }
            let verdict = self.oracle.holds(&channel, &seqs);
            self.check(verdict);
        }
    }

    pub(crate) fn queue_change(&mut self, change: Change, asker: Asker) {
        // The thief's are not from a session, which would refuse them.
        if let Change::Send(draft) = &change
            && asker.0 != THIEF
        {
            let verdict = self.check_accepted(&draft.channel, &draft.user_id);
            self.check(verdict);
        }
        self.gateway.batching.push(change, asker);
        self.start_writer();
    }

    fn start_writer(&mut self) {
        if self.gateway.writing || self.gateway.batching.is_empty() {
            return;
        }
        self.gateway.writing = true;
        let (delay, boot) = (self.rng.u64(..3), self.gateway.boot);
        self.schedule(delay, world::Event::Gateway(Event::Write(boot)));
    }

    /// Writes what has gathered. From here on it is durable; that it is answered comes later.
    pub(super) fn write_batch(&mut self) {
        let Some(commit) = self.gateway.batching.next_commit() else {
            return;
        };
        let changes = commit.changes.clone();
        // It harms nobody, so it happens while all is well too.
        let unanswered = self.rng.u32(..1_000) < self.profile.lost_answers;
        let (done, first) = self.on_disk(|store| {
            let mut disk = Disk {
                store,
                unanswered,
                first: Vec::new(),
            };
            let done = commit.run(&mut disk);
            (done, disk.first)
        });
        if unanswered {
            self.counts
                .add("fault: commit that was said to have failed");
        }
        for (answer, change) in done.answers.iter().zip(changes) {
            match answer {
                ((THIEF, _), Err(error))
                    if matches!(error.code, ErrorCode::IdempotencyConflict | ErrorCode::Gone) => {}
                ((THIEF, _), result) => {
                    self.violate(format!("another's key was answered with {result:?}"));
                }
                (_, result) => self.committed(change, result),
            }
        }
        self.account_for(&first);
        self.account_for_cuts();
        let (fsync, boot) = (self.rng.u64(1..20), self.gateway.boot);
        self.schedule(fsync, world::Event::Gateway(Event::Written(boot, done)));
    }

    fn committed(&mut self, change: Change, result: &Result<Committed, ErrorBody>) {
        match (change, result) {
            (Change::Send(draft), Ok(_)) => self.gateway.stored = Some(draft),
            (Change::Send(draft), Err(_)) => self.oracle.not_stored(&draft.content),
            (Change::Delete(_) | Change::Cut(_) | Change::MarkRead(_), _) => {}
        }
    }

    /// Now and then the disk has no room: SQLite is not allowed another page.
    fn on_disk<T>(&mut self, work: impl FnOnce(&mut SqliteStore) -> T) -> T {
        let full = self.happens(self.profile.disk_errors);
        if full {
            self.counts.add("fault: disk full");
            self.set_room(1);
        }
        let result = work(&mut self.gateway.store);
        if full {
            self.set_room(PAGES);
        }
        result
    }

    fn set_room(&mut self, pages: u32) {
        // SQLite takes no fewer than it uses.
        let limit = self
            .gateway
            .store
            .lock()
            .pragma_update(None, "max_page_count", pages);
        if let Err(error) = limit {
            self.violate(format!("max_page_count: {error}"));
        }
    }

    pub(super) fn written(&mut self, done: Done<Asker>) {
        let boot = self.gateway.boot;
        self.gateway.writing = false;
        self.start_writer();
        self.publish(&done.news);
        for (asker, result) in done.answers {
            // In the order asked, but some time after the bus has spoken.
            let late = self.rng.u64(..15);
            let now = self.now;
            let Some(conn) = self.gateway.conns.get_mut(&asker.0) else {
                continue;
            };
            conn.answered_at = conn.answered_at.max(now + late);
            let at = conn.answered_at;
            let answered = Event::Answered(boot, asker, Box::new(result));
            self.schedule_at(at, world::Event::Gateway(answered));
        }
    }

    /// Reads the heads of logs. The answer comes a while later: meanwhile there may be news.
    pub(super) fn read_heads(&mut self, asker: Asker, logs: &[LogId]) {
        let heads = if self.happens(self.profile.read_errors) {
            self.counts.add("fault: heads unreadable");
            Err(ErrorBody::new(ErrorCode::Internal, "simulated"))
        } else {
            self.gateway.log.heads(logs)
        };
        let (delay, boot) = (self.rng.u64(..self.profile.read_ms), self.gateway.boot);
        let read = Event::HasReadHeads(boot, asker, heads);
        self.schedule(delay, world::Event::Gateway(read));
    }

    /// Reads the log. The answer comes a while later: meanwhile there may be news.
    pub(super) fn read(&mut self, asker: Asker, query: &Query) {
        let limit = PageLimit {
            events: self.profile.page,
            bytes: 1 << 20,
        };
        let rows = if self.happens(self.profile.read_errors) {
            self.counts.add("fault: log unreadable");
            Err(ErrorBody::new(ErrorCode::Internal, "simulated"))
        } else {
            self.gateway.log.read(query, limit)
        };
        if let (Ok(Rows::Gap(head)), Query::Tail { log, after }) = (&rows, query)
            && !self.is_missing_in(log, after + 1)
        {
            self.violate(format!("{query:?} found a hole before {head:?}"));
        }
        if let (Ok(Rows::Counts(counts)), Query::Counts(asked)) = (&rows, query) {
            let verdict = self.oracle.model.counted(asked, counts);
            self.check(verdict);
        }
        if let (Ok(Rows::Reads(counts)), Query::Reads { user, .. }) = (&rows, query) {
            let verdict = self.oracle.model.unread(user, counts);
            self.check(verdict);
        }
        let (delay, boot) = (self.rng.u64(..self.profile.read_ms), self.gateway.boot);
        let read = Event::HasRead(boot, asker, Box::new(rows));
        self.schedule(delay, world::Event::Gateway(read));
    }

    /// Somebody else sends a message with the key of one that is stored.
    pub(crate) fn steal_key(&mut self) {
        let id = self.uuid();
        if let Some(draft) = self.gateway.stored.clone().filter(|_| self.gateway.up) {
            self.counts.add("keys of others used");
            let user_id = "thief".into();
            let change = Change::Send(Draft {
                id,
                user_id,
                ..draft
            });
            self.queue_change(change, (THIEF, 0));
        }
    }

    fn is_missing_in(&self, log: &LogId, seq: u64) -> bool {
        match log {
            LogId::Channel(channel) => self.is_missing(channel, seq),
            LogId::User(user) => {
                let model = &self.oracle.model;
                reads::is_cut(model.marks(model.database()).head(user), seq)
            }
        }
    }

    fn is_missing(&self, channel: &ChannelId, seq: u64) -> bool {
        let model = &self.oracle.model;
        model
            .holes(model.database(), channel, seq..=seq)
            .next()
            .is_some()
    }

    /// A message is gone from the database, and its event: nobody has deleted it.
    pub fn lose_message(&mut self, channel: &ChannelId, seq: u64) {
        self.counts.add("fault: message missing from the log");
        self.note(|| format!("message {seq} of {channel} goes missing"));
        for table in ["events", "messages"] {
            let gone = self.gateway.store.lock().execute(
                &format!(
                    "DELETE FROM {table} WHERE seq = ?2
                     AND log = (SELECT number FROM logs WHERE kind = 0 AND name = ?1)"
                ),
                (channel.as_str(), seq),
            );
            if gone != Ok(1) {
                return self.violate(format!("{seq} of {channel} is not in {table}: {gone:?}"));
            }
        }
        self.oracle.lost(channel, seq);
    }

    /// Some message goes missing, if there are any.
    pub(crate) fn lose_some_message(&mut self) {
        let channels = self.channels();
        let channel = &channels[self.rng.usize(..channels.len())];
        let head = self.oracle.model.head(channel);
        // Mostly one that somebody has still to read.
        let stands = self.oracle.readers.places(&self.oracle.model, channel);
        let behind: Vec<_> = stands.into_iter().filter(|stands| *stands < head).collect();
        let after = match behind.as_slice() {
            [] => 0,
            behind => behind[self.rng.usize(..behind.len())],
        };
        let seq = if after < head {
            self.rng.u64(after + 1..=head)
        } else {
            0
        };
        // A key that is on its way is known or not known from its first try on.
        let is_quiet = self.gateway.batching.is_empty();
        let model = &self.oracle.model;
        let is_there = !model.all_missing(model.database(), channel, seq..=seq);
        if seq > 0 && is_quiet && is_there {
            self.gateway.stored = None;
            self.lose_message(channel, seq);
        }
    }

    /// What was stored before, or a cut, which may have moved the head.
    fn hinted(&mut self, committed: &Committed) {
        let (log, seq) = committed.notice.reaches();
        if let LogId::User(_) = log {
            self.counts.add("marks that change nothing");
            let store = self.gateway.store.lock();
            let cut = |channel: &ChannelId| {
                let cut = "SELECT cut FROM logs WHERE kind = 0 AND name = ?1";
                let cut = store.query_row(cut, [channel.as_str()], |row| row.get(0));
                cut.unwrap_or(0)
            };
            let verdict = self.oracle.marked_before(log, committed, cut);
            drop(store);
            return self.check(verdict);
        }
        if &*committed.message == "{}"
            && let Some(channel) = log.channel()
        {
            let verdict = self.oracle.cut_all(channel, seq);
            return self.check(verdict);
        }
        self.counts.add(if is_message(committed) {
            "sends repeated and recognised"
        } else {
            "deletions repeated and recognised"
        });
    }

    /// Tells the model what has been made durable.
    pub(super) fn account_for(&mut self, results: &[Result<Committed, ErrorBody>]) {
        for committed in results.iter().flatten() {
            match committed.event() {
                Some(event) => {
                    let is_message = is_message(committed);
                    self.counts.add(match &event.log {
                        LogId::User(_) => "marks stored",
                        LogId::Channel(_) if is_message => "messages stored",
                        LogId::Channel(_) => "deletions stored",
                    });
                    let verdict = self.oracle.stored(event);
                    self.check(verdict);
                }
                None => self.hinted(committed),
            }
        }
    }
}

/// Whether a change has stored a message, and not a deletion or a cut.
fn is_message(committed: &Committed) -> bool {
    committed.message.starts_with(r#"{"id""#)
}

/// Whether a change that is made twice is recognised.
fn is_keyed(change: &Change) -> bool {
    match change {
        Change::Send(_) | Change::Delete(_) | Change::MarkRead(_) => true,
        Change::Cut(_) => false,
    }
}

/// The store, over a disk that may write a commit and say that it has failed.
struct Disk<'a> {
    store: &'a mut SqliteStore,
    unanswered: bool,
    /// What became of the changes when they were written.
    first: Vec<Result<Committed, ErrorBody>>,
}

impl Store for Disk<'_> {
    fn commit(&mut self, changes: Vec<Change>) -> Vec<Result<Committed, ErrorBody>> {
        let again: Vec<_> = changes
            .iter()
            .filter(|change| is_keyed(change))
            .cloned()
            .collect();
        let keyed: Vec<_> = changes.iter().map(is_keyed).collect();
        let results = self.store.commit(changes);
        self.first.clone_from(&results);
        if !self.unanswered {
            return results;
        }
        // It looks which of them are there.
        let mut found = self.store.commit(again).into_iter();
        let answers = results.into_iter().zip(keyed);
        answers
            .filter_map(|(first, keyed)| if keyed { found.next() } else { Some(first) })
            .collect()
    }
}
