//! The store and the log: what is durable, and when.

use alo_gateway::{
    store::{Change, Committed, Log, PageLimit, Query, Rows, SqliteStore},
    writer::{Answer, Done, Job, Work},
};
use alo_protocol::{ChannelId, ErrorBody, ErrorCode};

use super::{Asker, Event};
use crate::world::{self, World};

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
        if let (Ok(Rows::Gap(head)), Query::Tail { log, after }) = (&rows, query)
            && !log
                .channel()
                .is_some_and(|id| self.is_missing(id, after + 1))
        {
            self.violate(format!("{query:?} found a hole before {head:?}"));
        }
        let (delay, boot) = (self.rng.u64(..5), self.gateway.boot);
        let read = Event::HasRead(boot, asker, Box::new(rows));
        self.schedule(delay, world::Event::Gateway(read));
    }

    fn is_missing(&self, channel: &ChannelId, seq: u64) -> bool {
        let model = &self.oracle.model;
        model.all_missing(model.database(), channel, seq..=seq)
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
        let near = self.rng.u64(..40).min(head.saturating_sub(1));
        let seq = if self.rng.bool() {
            head - near
        } else {
            self.rng.u64(..=head)
        };
        if seq > 0 && !self.is_missing(channel, seq) {
            self.lose_message(channel, seq);
        }
    }

    /// Tells the model what has been made durable.
    pub(super) fn account_for(&mut self, results: &[Result<Committed, ErrorBody>]) {
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
