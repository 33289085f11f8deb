//! The gateway: its sessions, store and records as they ship; the writer, the bus and the socket's pump are
//! repeated here without tasks, step by step, so that it can be killed between any two.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use alo_gateway::{
    auth::Tokens,
    frames::next_frame,
    session::{Input, Output, Session},
    store::{
        Change, Committed, Log, LogEvent, MemoryWitness, NewNames, Opening, PageLimit, Query, Rows,
        SqliteFiles, SqliteLog, SqliteStore, Store,
    },
    writer::{Submission, draft},
};
use alo_protocol::{
    AuthRequest, AuthUser, ChannelId, CloseCode, Cursor, ErrorBody, ErrorCode, Limits, SendMessage,
    Uuid,
};

use crate::{
    client,
    network::LinkId,
    oracle::Tag,
    world::{self, World},
};

/// What the gateway's clock says when the world begins.
pub(crate) const UNIX_MS: u64 = 1_700_000_000_000;
/// Items a session may have waiting: its own bound, a page, and answers to a window of requests.
const WAITING: usize = 1_024 + 256 + 3 * 256;
/// A limit no database of an episode reaches.
const PAGES: u32 = 1_000_000;

pub(crate) struct GatewayHost {
    pub(crate) store: SqliteStore,
    pub(crate) log: SqliteLog,
    pub(crate) files: SqliteFiles,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) up: bool,
    /// Raised with every start: what an earlier process had in its memory is gone.
    boot: u32,
    conns: BTreeMap<LinkId, Conn>,
    jobs: VecDeque<(LinkId, u64, Job)>,
    writing: bool,
    /// How far its clock is off, milliseconds.
    skew: i64,
    last_link: u64,
}

/// One socket at the gateway.
struct Conn {
    session: Session,
    inbox: VecDeque<String>,
    out: VecDeque<Arc<str>>,
    writing: bool,
    closing: Option<CloseCode>,
    joined: BTreeSet<ChannelId>,
    mailbox: VecDeque<LogEvent>,
    lagged: bool,
    mail_is_due: bool,
    timer: u32,
    /// When the last answer of the store comes.
    answered_at: u64,
    /// The client takes nothing until then.
    stalled_until: u64,
}

#[derive(Debug)]
enum Job {
    Commit(Submission),
    Heads(Vec<ChannelId>),
}

/// An answer of the store.
#[derive(Debug)]
pub(crate) enum Answer {
    Committed(Result<Committed, ErrorBody>),
    Heads(Result<Vec<Cursor>, ErrorBody>),
}

/// What happens at the gateway.
#[derive(Debug)]
pub(crate) enum Event {
    Accept(LinkId),
    Frame(LinkId, String),
    HungUp(LinkId),
    Alive(LinkId),
    Timer(LinkId, u32),
    Wrote(LinkId, u32),
    Mail(LinkId, u32),
    Page(LinkId, u32, ChannelId, u64),
    Write(u32),
    Written(u32, Vec<(LinkId, u64, Answer)>),
    Answered(LinkId, u32, u64, Box<Answer>),
    Start,
}

impl GatewayHost {
    pub(crate) fn new(opening: &Opening) -> Self {
        let (store, log, files) = open(opening);
        Self {
            store,
            log,
            files,
            // It takes any bytes.
            tokens: Arc::new(Tokens::new("key", b"a secret for simulations only...")),
            up: true,
            boot: 0,
            conns: BTreeMap::new(),
            jobs: VecDeque::new(),
            writing: false,
            skew: 0,
            last_link: 0,
        }
    }

    pub(crate) const fn next_link(&self) -> u64 {
        self.last_link + 1
    }
}

/// A new database.
fn open(opening: &Opening) -> (SqliteStore, SqliteLog, SqliteFiles) {
    const WHY: &str = "SQLite opens a database in memory";
    let store = SqliteStore::in_memory(opening, MemoryWitness::default()).expect(WHY);
    let (log, files) = (store.log(1).expect(WHY), store.files().expect(WHY));
    (store, log, files)
}

/// How a database is opened that calls its logs by this.
pub(crate) fn opening(birth: &str) -> Opening {
    let names = NewNames {
        birth: birth.to_owned(),
        boot: birth.to_owned(),
        life: birth.to_owned(),
    };
    Opening {
        restored: false,
        names,
    }
}

impl World {
    /// The gateway's clock.
    pub(crate) fn unix_ms(&self) -> u64 {
        (UNIX_MS + self.now).saturating_add_signed(self.gateway.skew)
    }

    /// A token as `POST /v1/auth` gives it, made some time ago.
    pub(crate) fn new_token(&mut self, client: usize, age_ms: u64) -> String {
        let minutes = if self.is_bad {
            self.rng.u32(1..=self.profile.token_minutes)
        } else {
            60
        };
        let request = AuthRequest {
            ttl: minutes,
            user: AuthUser {
                id: self.clients[client].user.clone(),
            },
            channel_ids: self.channels(),
        };
        self.gateway
            .tokens
            .issue(&request, self.unix_ms().saturating_sub(age_ms))
    }

    /// The gateway's process ends, at once or in good order, and starts again after a while.
    pub(crate) fn stop_gateway(&mut self, graceful: bool, down_ms: u64) {
        if !self.gateway.up {
            return;
        }
        self.note(|| {
            format!(
                "the gateway {}",
                if graceful { "stops" } else { "is killed" }
            )
        });
        if graceful {
            self.counts.add("fault: gateway stopped");
            let links: Vec<_> = self.gateway.conns.keys().copied().collect();
            for link in links {
                self.session(link, Input::Shutdown);
            }
        } else {
            self.counts.add("fault: gateway killed");
            if self.gateway.writing {
                self.counts
                    .add("fault: gateway killed between commit and answer");
            } else if !self.gateway.jobs.is_empty() {
                self.counts.add("fault: gateway killed before a commit");
            }
        }
        self.gateway.up = false;
        self.gateway.boot += 1;
        self.gateway.writing = false;
        self.gateway.jobs.clear();
        for link in std::mem::take(&mut self.gateway.conns).into_keys() {
            let half_open = self.rng.u32(..1_000) < self.profile.half_open / 4;
            let socket = self.links.get(&link).map(|link| link.socket);
            match socket {
                Some(socket) if !half_open => {
                    self.send_to_client(link, client::Event::Closed(socket, 1006))
                }
                Some(_) | None => {}
            }
            if let Some(link) = self.links.get_mut(&link) {
                link.dead = true;
            }
        }
        self.schedule(down_ms, world::Event::Gateway(Event::Start));
    }

    /// A client has closed its end.
    pub(crate) fn hang_up(&mut self, link: LinkId) {
        let latency = self.latency();
        if self.links.get(&link).is_some_and(|link| !link.dead) {
            self.schedule(latency, world::Event::Gateway(Event::HungUp(link)));
        }
    }

    pub(crate) fn stall(&mut self, link: LinkId, ms: u64) {
        let until = self.now + ms;
        if let Some(conn) = self.gateway.conns.get_mut(&link) {
            conn.stalled_until = until;
        }
    }

    pub(crate) fn open_links(&self) -> Vec<LinkId> {
        self.gateway.conns.keys().copied().collect()
    }

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

    pub(crate) fn at_gateway(&mut self, event: Event) {
        let boot = self.gateway.boot;
        match event {
            Event::Accept(link) => self.accept(link),
            Event::Frame(link, text) => {
                let alive = self.links.get(&link).is_some_and(|link| !link.dead);
                if let Some(conn) = self.gateway.conns.get_mut(&link).filter(|_| alive) {
                    conn.inbox.push_back(text);
                    self.pump(link);
                }
            }
            Event::HungUp(link) => {
                self.gateway.conns.remove(&link);
                if let Some(link) = self.links.get_mut(&link) {
                    link.dead = true;
                }
            }
            Event::Alive(link) => self.session(link, Input::Alive),
            Event::Timer(link, timer) => {
                if self
                    .gateway
                    .conns
                    .get(&link)
                    .is_some_and(|conn| conn.timer == timer)
                {
                    self.session(link, Input::Timeout);
                }
            }
            Event::Wrote(link, at) if at == boot => self.wrote(link),
            Event::Mail(link, at) if at == boot => self.mail(link),
            Event::Page(link, at, channel, after) if at == boot => {
                self.read_page(link, channel, after)
            }
            Event::Write(at) if at == boot => self.write_batch(),
            Event::Written(at, answers) if at == boot => self.written(answers),
            Event::Answered(link, at, op, answer) if at == boot => match *answer {
                Answer::Committed(result) => self.session(link, Input::Committed(op, result)),
                Answer::Heads(result) => self.session(link, Input::Heads(op, result)),
            },
            Event::Start => {
                self.note(|| "the gateway is up".to_owned());
                self.gateway.up = true;
                if self.is_bad {
                    let skew = self.rng.i64(-60_000..60_000);
                    self.gateway.skew += skew;
                }
                if self.happens(self.profile.replaced) {
                    let most = [1, 100, 3_000][self.rng.usize(..3)];
                    let strangers = self.rng.u32(..most);
                    self.replace_database(strangers);
                }
            }
            // Of a process that is gone.
            Event::Wrote(..)
            | Event::Mail(..)
            | Event::Page(..)
            | Event::Write(_)
            | Event::Written(..)
            | Event::Answered(..) => {}
        }
    }

    fn accept(&mut self, id: LinkId) {
        if !self.gateway.up || self.links.get(&id).is_none_or(|link| link.dead) {
            if let Some(link) = self.links.get(&id).filter(|link| !link.dead) {
                self.send_to_client(id, client::Event::Closed(link.socket, 1006));
            }
            return;
        }
        self.gateway.last_link = id.0;
        let connection_id = self.uuid();
        let session = Session::new(
            self.gateway.tokens.clone(),
            Limits::DEFAULT,
            connection_id,
            self.unix_ms(),
        );
        let conn = Conn {
            session,
            inbox: VecDeque::new(),
            out: VecDeque::new(),
            writing: false,
            closing: None,
            joined: BTreeSet::new(),
            mailbox: VecDeque::new(),
            lagged: false,
            mail_is_due: false,
            timer: 0,
            answered_at: 0,
            stalled_until: 0,
        };
        self.gateway.conns.insert(id, conn);
        self.accepted(id);
        self.pump(id);
    }

    /// Gives a session an input and does what it asks for.
    fn session(&mut self, id: LinkId, input: Input<'_>) {
        let now = self.unix_ms();
        if let Some(conn) = self.gateway.conns.get_mut(&id)
            && conn.closing.is_none()
        {
            conn.session.handle(now, input);
            self.pump(id);
        }
    }

    fn pump(&mut self, id: LinkId) {
        loop {
            self.carry_out(id);
            let now = self.unix_ms();
            let Some(conn) = self.gateway.conns.get_mut(&id) else {
                return;
            };
            if conn.closing.is_some() || !conn.session.wants_frames() {
                break;
            }
            let Some(text) = conn.inbox.pop_front() else {
                break;
            };
            conn.session.handle(now, Input::Frame(&text));
        }
        self.write_frame(id);
        self.set_session_timer(id);
    }

    fn carry_out(&mut self, id: LinkId) {
        let boot = self.gateway.boot;
        while let Some(output) = self
            .gateway
            .conns
            .get_mut(&id)
            .and_then(|conn| conn.session.poll_output())
        {
            let Some(conn) = self.gateway.conns.get_mut(&id) else {
                return;
            };
            match output {
                Output::Send(item) => {
                    conn.out.push_back(item);
                    if conn.out.len() > WAITING {
                        let waiting = conn.out.len();
                        self.violate(format!("{waiting} items wait for one connection"));
                    }
                }
                Output::Close(code) => conn.closing = Some(code),
                Output::Join(channel) => {
                    conn.joined.insert(channel);
                }
                Output::Leave(channel) => {
                    conn.joined.remove(&channel);
                }
                Output::Ping => {
                    // Browsers answer by themselves, even for a page that is frozen.
                    if self.links.get(&id).is_some_and(|link| !link.dead) {
                        let there_and_back = self.latency() * 2;
                        self.schedule(there_and_back, world::Event::Gateway(Event::Alive(id)));
                    }
                }
                Output::Commit(op, submission) => self.queue_job(id, op, Job::Commit(submission)),
                Output::Heads(op, channels) => self.queue_job(id, op, Job::Heads(channels)),
                Output::Read(channel, after) => {
                    let delay = self.rng.u64(..10);
                    self.schedule(
                        delay,
                        world::Event::Gateway(Event::Page(id, boot, channel, after)),
                    );
                }
            }
        }
    }

    fn set_session_timer(&mut self, id: LinkId) {
        let now = self.unix_ms();
        let Some(conn) = self.gateway.conns.get_mut(&id) else {
            return;
        };
        conn.timer += 1;
        let timer = conn.timer;
        if let Some(deadline) = conn.session.next_timeout() {
            self.schedule(
                deadline.saturating_sub(now),
                world::Event::Gateway(Event::Timer(id, timer)),
            );
        }
    }

    // The socket.

    fn write_frame(&mut self, id: LinkId) {
        let boot = self.gateway.boot;
        let now = self.now;
        let Some(conn) = self.gateway.conns.get_mut(&id) else {
            return;
        };
        if conn.writing {
            return;
        }
        if conn.out.is_empty() {
            if let Some(code) = conn.closing {
                self.gateway.conns.remove(&id);
                if let Some(socket) = self.links.get(&id).map(|link| link.socket) {
                    self.counts.add("closes by the gateway");
                    self.note(|| format!("the gateway closes {id:?}: {}", code.as_str()));
                    self.send_to_client(id, client::Event::Closed(socket, code.code()));
                }
            }
            return;
        }
        let (text, _) = next_frame(&mut conn.out);
        conn.writing = true;
        let delay = conn.stalled_until.saturating_sub(now);
        self.counts.add("frames to clients");
        self.text_to_client(id, text);
        self.schedule(delay, world::Event::Gateway(Event::Wrote(id, boot)));
    }

    fn wrote(&mut self, id: LinkId) {
        let Some(conn) = self.gateway.conns.get_mut(&id) else {
            return;
        };
        conn.writing = false;
        if conn.closing.is_some() {
            return self.write_frame(id);
        }
        let all = conn.out.is_empty();
        self.session(id, Input::Wrote(all));
    }

    // The bus.

    fn publish(&mut self, event: &LogEvent) {
        let (boot, mailbox) = (self.gateway.boot, self.profile.mailbox);
        let mut due = Vec::new();
        for (id, conn) in &mut self.gateway.conns {
            if !event
                .log
                .channel()
                .is_some_and(|channel| conn.joined.contains(channel))
            {
                continue;
            }
            if conn.mailbox.len() < mailbox {
                conn.mailbox.push_back(event.clone());
            } else {
                conn.lagged = true;
                self.counts.add("fault: connection lagged");
            }
            if !std::mem::replace(&mut conn.mail_is_due, true) {
                due.push(*id);
            }
        }
        for id in due {
            let delay = self.rng.u64(..3);
            self.schedule(delay, world::Event::Gateway(Event::Mail(id, boot)));
        }
    }

    /// One delivery of the bus: the lag first, as the bus has it.
    fn mail(&mut self, id: LinkId) {
        let boot = self.gateway.boot;
        let Some(conn) = self.gateway.conns.get_mut(&id) else {
            return;
        };
        let input = if std::mem::take(&mut conn.lagged) {
            Some(Input::Lagged)
        } else {
            conn.mailbox
                .pop_front()
                .map(|event| Input::Published(event.into()))
        };
        let more = conn.lagged || !conn.mailbox.is_empty();
        conn.mail_is_due = more;
        if more {
            let delay = self.rng.u64(..2);
            self.schedule(delay, world::Event::Gateway(Event::Mail(id, boot)));
        }
        if let Some(input) = input {
            self.session(id, input);
        }
    }

    // The store.

    fn queue_job(&mut self, id: LinkId, op: u64, job: Job) {
        self.gateway.jobs.push_back((id, op, job));
        self.start_writer();
    }

    fn start_writer(&mut self) {
        if self.gateway.writing || self.gateway.jobs.is_empty() {
            return;
        }
        self.gateway.writing = true;
        let (delay, boot) = (self.rng.u64(..3), self.gateway.boot);
        self.schedule(delay, world::Event::Gateway(Event::Write(boot)));
    }

    /// Commits what has gathered. From here on it is durable; that it is told comes later.
    fn write_batch(&mut self) {
        let Some((id, op, job)) = self.gateway.jobs.pop_front() else {
            return;
        };
        let answers = match job {
            Job::Heads(channels) => {
                let logs: Vec<_> = channels.into_iter().map(Into::into).collect();
                let heads = self.gateway.log.heads(&logs);
                vec![(id, op, Answer::Heads(heads))]
            }
            Job::Commit(submission) => {
                let mut batch = vec![(id, op, submission)];
                while batch.len() < self.profile.batch
                    && matches!(self.gateway.jobs.front(), Some((_, _, Job::Commit(_))))
                {
                    if let Some((id, op, Job::Commit(submission))) = self.gateway.jobs.pop_front() {
                        batch.push((id, op, submission));
                    }
                }
                self.commit(batch)
            }
        };
        let (fsync, boot) = (self.rng.u64(1..20), self.gateway.boot);
        self.schedule(fsync, world::Event::Gateway(Event::Written(boot, answers)));
    }

    fn commit(&mut self, batch: Vec<(LinkId, u64, Submission)>) -> Vec<(LinkId, u64, Answer)> {
        let now_ms = self.unix_ms();
        let mut changes = Vec::new();
        let mut whose = Vec::new();
        let mut contents = Vec::new();
        for (id, op, submission) in batch {
            whose.push((id, op));
            contents.push(submission.send.content.clone());
            let message = self.uuid();
            changes.push(Change::Send(draft(submission, now_ms, message)));
        }
        let results = self.on_disk(|store| store.commit(changes));
        for (result, content) in results.iter().zip(&contents) {
            if result.is_err() {
                self.oracle.not_stored(content);
            }
        }
        self.account_for(&results);
        whose
            .into_iter()
            .zip(results)
            .map(|((id, op), result)| (id, op, Answer::Committed(result)))
            .collect()
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

    fn written(&mut self, answers: Vec<(LinkId, u64, Answer)>) {
        let boot = self.gateway.boot;
        self.gateway.writing = false;
        self.start_writer();
        for (_, _, answer) in &answers {
            if let Answer::Committed(Ok(committed)) = answer
                && let Some(event) = committed.event()
            {
                self.publish(event);
            }
        }
        for (id, op, answer) in answers {
            // In the order asked, but some time after the bus has told.
            let late = self.rng.u64(..15);
            let now = self.now;
            let Some(conn) = self.gateway.conns.get_mut(&id) else {
                continue;
            };
            conn.answered_at = conn.answered_at.max(now + late);
            let at = conn.answered_at;
            self.schedule_at(
                at,
                world::Event::Gateway(Event::Answered(id, boot, op, Box::new(answer))),
            );
        }
    }

    fn read_page(&mut self, id: LinkId, channel: ChannelId, after: u64) {
        let limit = PageLimit {
            events: self.profile.page,
            bytes: 1 << 20,
        };
        let page = if self.happens(self.profile.read_errors) {
            self.counts.add("fault: log unreadable");
            Err(ErrorBody::new(ErrorCode::Internal, "simulated"))
        } else {
            self.events_after(&channel, after, limit)
        };
        self.session(id, Input::Page(channel, page));
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

    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        Uuid::v7(self.unix_ms(), random)
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
                let submission = Submission {
                    user_id: "stranger".into(),
                    send: SendMessage {
                        key,
                        channel_id: channel_id.clone(),
                        content: Tag::of_stranger(number).to_string(),
                        metadata: None,
                        parent_id: None,
                        file_ids: Vec::new(),
                    },
                };
                changes.push(Change::Send(draft(submission, now_ms, message)));
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
