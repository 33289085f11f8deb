//! The gateway: its sessions with their driver, its hub and mailboxes, its batching, its store and its
//! records of files, as they ship. Only what has tasks, threads and sockets is replaced: here each step is an
//! event of the world, so that the gateway can be killed between any two.

mod copies;
mod socket;
mod store;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use alo_gateway::{
    auth::Tokens,
    bus::Hub,
    limits::Limiter,
    live::Live,
    session::{Input, Op},
    store::{
        Committed, Draft, LogId, MemoryWitness, Query, Rows, SqliteFiles, SqliteLog, SqliteStore,
    },
    writer::{Batching, Done},
};
use alo_protocol::{AuthRequest, AuthUser, Cursor, ErrorBody, Rates, Uuid};

use crate::{
    client,
    network::LinkId,
    world::{self, World},
};
use copies::Copy;
use socket::Conn;

/// What the gateway's clock says when the world begins.
pub(crate) const UNIX_MS: u64 = 1_700_000_000_000;

/// It takes any bytes.
pub(crate) const SECRET: &[u8] = b"a secret for simulations only...";

pub(crate) struct GatewayHost {
    pub(crate) store: SqliteStore,
    pub(crate) log: SqliteLog,
    pub(crate) files: SqliteFiles,
    /// Lies beside the database, and is in no copy of it.
    witness: MemoryWitness,
    /// What all logs of the database are called in their first life.
    birth: String,
    /// How many processes have opened a database.
    openings: u32,
    copy: Option<Copy>,
    pub(crate) tokens: Arc<Tokens>,
    tokens_issued: u128,
    /// When each token was issued, by the gateway's clock.
    issued_ms: HashMap<String, u64>,
    rates: Rates,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) up: bool,
    /// Raised with every start: what an earlier process had in its memory is gone.
    pub(crate) boot: u32,
    conns: BTreeMap<LinkId, Conn>,
    hub: Hub<LinkId>,
    live: Live,
    live_timer: u32,
    batching: Batching<Asker>,
    /// Changes in one commit at most.
    batch: usize,
    writing: bool,
    /// A message that is stored, for somebody else who uses its key.
    stored: Option<Draft>,
    /// How far its clock is off, milliseconds.
    skew: i64,
    last_link: u64,
}

/// Which operation of which connection is answered.
type Asker = (LinkId, Op);

/// What happens at the gateway.
#[derive(Debug)]
pub(crate) enum Event {
    Accept(LinkId),
    Frame(LinkId, String),
    HungUp(LinkId),
    Timer(LinkId, u32),
    Wrote(LinkId, u32),
    /// What users may do has changed.
    Access(LinkId, u32),
    Mail(LinkId, u32),
    /// Something live ends.
    LiveTimer(u32, u32),
    ReadHeads(u32, Asker, Vec<LogId>),
    HasReadHeads(u32, Asker, Result<Vec<Cursor>, ErrorBody>),
    Read(u32, Asker, Query),
    HasRead(u32, Asker, Box<Result<Rows, ErrorBody>>),
    Write(u32),
    Written(u32, Done<Asker>),
    Answered(u32, Asker, Box<Result<Committed, ErrorBody>>),
    Start,
}

impl GatewayHost {
    pub(crate) fn new(birth: &str, batch: usize, rates: Rates) -> Self {
        let witness = MemoryWitness::default();
        let (store, log, files) = copies::new_database(birth, witness.clone());
        Self {
            store,
            log,
            files,
            witness,
            birth: birth.to_owned(),
            openings: 0,
            copy: None,
            tokens: Arc::new(Tokens::new("key", SECRET)),
            tokens_issued: 0,
            issued_ms: HashMap::new(),
            rates,
            limiter: Arc::new(Limiter::of_users(rates)),
            up: true,
            boot: 0,
            conns: BTreeMap::new(),
            hub: Hub::default(),
            live: Live::default(),
            live_timer: 0,
            batching: Batching::new(batch),
            batch,
            writing: false,
            stored: None,
            skew: 0,
            last_link: 0,
        }
    }

    pub(crate) const fn next_link(&self) -> u64 {
        self.last_link + 1
    }

    /// What only the process knew is gone.
    fn forget(&mut self) -> BTreeMap<LinkId, Conn> {
        self.boot += 1;
        self.writing = false;
        self.hub = Hub::default();
        self.live = Live::default();
        self.batching = Batching::new(self.batch);
        self.limiter = Arc::new(Limiter::of_users(self.rates));
        std::mem::take(&mut self.conns)
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
        self.gateway.tokens_issued += 1;
        let id = Uuid::from_bytes(self.gateway.tokens_issued.to_be_bytes());
        let issued_ms = self.unix_ms().saturating_sub(age_ms);
        let token = self.gateway.tokens.issue(&request, issued_ms, id);
        self.gateway.issued_ms.insert(token.clone(), issued_ms);
        token
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
            } else if !self.gateway.batching.is_empty() {
                self.counts.add("fault: gateway killed before a commit");
            }
        }
        self.gateway.up = false;
        for link in self.gateway.forget().into_keys() {
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

    pub(crate) fn open_links(&self) -> Vec<LinkId> {
        self.gateway.conns.keys().copied().collect()
    }

    pub(crate) fn at_gateway(&mut self, event: Event) {
        let boot = self.gateway.boot;
        match event {
            Event::Accept(link) => self.accept(link),
            Event::Frame(link, text) => self.arrived(link, text),
            Event::HungUp(link) => {
                self.drop_conn(link);
                if let Some(link) = self.links.get_mut(&link) {
                    link.dead = true;
                }
            }
            Event::Timer(link, timer) => self.timer_rings(link, timer),
            Event::Wrote(link, at) if at == boot => self.wrote(link),
            Event::Mail(link, at) if at == boot => self.mail(link),
            Event::LiveTimer(at, timer) if at == boot => self.live_timer_rings(timer),
            Event::ReadHeads(at, asker, logs) if at == boot => self.read_heads(asker, &logs),
            Event::HasReadHeads(at, (link, op), heads) if at == boot => {
                self.session(link, Input::Heads(op, heads));
            }
            Event::Access(link, at) if at == boot => self.session(link, Input::Access),
            Event::Read(at, asker, query) if at == boot => self.read(asker, &query),
            Event::HasRead(at, (link, op), rows) if at == boot => {
                self.session(link, Input::Rows(op, *rows));
            }
            Event::Write(at) if at == boot => self.write_batch(),
            Event::Written(at, done) if at == boot => self.written(done),
            Event::Answered(at, (link, op), result) if at == boot => {
                self.session(link, Input::Committed(op, *result));
            }
            Event::Start => {
                self.note(|| "the gateway is up".to_owned());
                self.gateway.up = true;
                if self.is_bad {
                    let skew = self.rng.i64(-60_000..60_000);
                    self.gateway.skew += skew;
                }
                self.open_database();
            }
            // Of a process that is gone.
            Event::Wrote(..)
            | Event::Mail(..)
            | Event::LiveTimer(..)
            | Event::ReadHeads(..)
            | Event::HasReadHeads(..)
            | Event::Access(..)
            | Event::Read(..)
            | Event::HasRead(..)
            | Event::Write(_)
            | Event::Written(..)
            | Event::Answered(..) => {}
        }
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        Uuid::v7(self.unix_ms(), random)
    }
}
