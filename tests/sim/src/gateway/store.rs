//! The store and the log: what is durable, and when.

use alo_gateway::{
    methods::send::change,
    store::{Change, Committed, Log, LogEvent, PageLimit, Query, Rows, SqliteStore, Store},
    writer::{Answer, Done, Job, Work},
};
use alo_protocol::{ChannelId, ErrorBody, ErrorCode, Limits, SendMessage};

use super::{Asker, Event, open, opening};
use crate::{
    oracle::Tag,
    world::{self, World},
};

/// A limit no database of an episode reaches.
const PAGES: u32 = 1_000_000;

impl World {
    /// The store, seen as a whole, is what was made durable.
    pub(crate) fn check_store(&mut self) {
        for channel in self.channels() {
            let mut seqs = Vec::new();
            loop {
                let after = seqs.last().copied().unwrap_or(0);
                let limit = PageLimit {
                    events: 1_000,
                    bytes: 1 << 30,
                };
                match self.events_after(&channel, after, limit) {
                    Ok(page) if page.is_empty() => break,
                    Ok(page) => seqs.extend(page.iter().map(|event| event.seq)),
                    Err(error) => {
                        return self.violate(format!("the log cannot be read: {error:?}"));
                    }
                }
            }
            let verdict = self.oracle.holds(&channel, &seqs);
            self.check(verdict);
        }
    }

    pub(super) fn queue_job(&mut self, job: Job<Asker, Asker>) {
        self.gateway.batching.push(job);
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
        let Some(work) = self.gateway.batching.next_work() else {
            return;
        };
        let contents: Vec<_> = match &work {
            Work::Commit(changes, _) => changes.iter().map(content).collect(),
            Work::Heads(..) => Vec::new(),
        };
        let log = self.gateway.log.clone();
        let done = self.on_disk(|store| work.run(store, &log));
        let results = done.answers.iter().filter_map(|answer| match answer {
            Answer::Committed(_, result) => Some(result.clone()),
            Answer::Heads(..) => None,
        });
        let results: Vec<_> = results.collect();
        for (result, content) in results.iter().zip(&contents) {
            if result.is_err() {
                self.oracle.not_stored(content);
            }
        }
        self.account_for(&results);
        let (fsync, boot) = (self.rng.u64(1..20), self.gateway.boot);
        self.schedule(fsync, world::Event::Gateway(Event::Written(boot, done)));
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

    pub(super) fn written(&mut self, done: Done<Asker, Asker>) {
        let boot = self.gateway.boot;
        self.gateway.writing = false;
        self.start_writer();
        self.publish(&done.news);
        for answer in done.answers {
            // In the order asked, but some time after the bus has spoken.
            let late = self.rng.u64(..15);
            let now = self.now;
            let (id, _) = match &answer {
                Answer::Committed(asker, _) | Answer::Heads(asker, _) => *asker,
            };
            let Some(conn) = self.gateway.conns.get_mut(&id) else {
                continue;
            };
            conn.answered_at = conn.answered_at.max(now + late);
            let at = conn.answered_at;
            let answered = Event::Answered(boot, Box::new(answer));
            self.schedule_at(at, world::Event::Gateway(answered));
        }
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
        if let Ok(Rows::Gap(head)) = &rows {
            self.violate(format!("{query:?} found a hole before {head:?}"));
        }
        let (delay, boot) = (self.rng.u64(..5), self.gateway.boot);
        let read = Event::HasRead(boot, asker, Box::new(rows));
        self.schedule(delay, world::Event::Gateway(read));
    }

    fn events_after(
        &self,
        channel: &ChannelId,
        after: u64,
        limit: PageLimit,
    ) -> Result<Vec<LogEvent>, ErrorBody> {
        let query = Query::Tail {
            log: channel.clone().into(),
            after,
        };
        match self.gateway.log.read(&query, limit)? {
            Rows::Events(events) => Ok(events),
            Rows::Gap(_) | Rows::Page(_) => Err(ErrorBody::new(
                ErrorCode::Internal,
                "events of the log are missing",
            )),
        }
    }

    /// The gateway starts over another database, in which strangers have sent so many messages to each
    /// channel: none after a lost disk, many where a restored or another one stands in.
    pub fn replace_database(&mut self, strangers: u32) {
        self.counts.add("fault: database replaced");
        self.note(|| {
            format!("the database is replaced by one with {strangers} messages a channel")
        });
        let epoch = format!("{:016x}", self.rng.u64(..));
        let (store, log, files) = open(&opening(&epoch));
        (self.gateway.store, self.gateway.log, self.gateway.files) = (store, log, files);
        self.oracle.replaced();
        self.oracle.epoch(&epoch);
        let now_ms = self.unix_ms();
        let mut changes = Vec::new();
        for (channel_id, nth) in self.channels().into_iter().zip(0..) {
            for number in nth * strangers..(nth + 1) * strangers {
                let (key, message) = (self.uuid(), self.uuid());
                let message_of_stranger = SendMessage {
                    key,
                    channel_id: channel_id.clone(),
                    content: Tag::of_stranger(number).to_string(),
                    metadata: None,
                    parent_id: None,
                    file_ids: Vec::new(),
                };
                let change = change(
                    &Limits::DEFAULT,
                    "stranger".into(),
                    message_of_stranger,
                    message,
                    now_ms,
                );
                // It is within the limits.
                changes.extend(change);
            }
        }
        let results = self.gateway.store.commit(changes);
        self.account_for(&results);
    }

    /// Tells the model what has been made durable.
    fn account_for(&mut self, results: &[Result<Committed, ErrorBody>]) {
        for committed in results.iter().flatten() {
            match committed.event() {
                Some(event) => {
                    self.counts.add("messages stored");
                    let verdict = self.oracle.stored(event);
                    self.check(verdict);
                }
                None => self.counts.add("sends repeated and recognised"),
            }
        }
    }
}

fn content(change: &Change) -> String {
    match change {
        Change::Send(draft) => draft.content.clone(),
    }
}
