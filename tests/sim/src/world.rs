//! The queue of events and the passing of time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use fastrand::Rng;

use crate::{
    Counts, Profile, Violation,
    client::{self, ClientHost},
    gateway::{self, GatewayHost},
    network::{Link, LinkId},
    oracle::Oracle,
    page::PageId,
    storage::Disk,
    trouble, tus,
};

/// Steps at one point in time after which something runs in circles.
const LIVELOCK: u64 = 100_000;
/// How long healing may take, milliseconds: longer than the longest backoff, token wait and idle time
/// together.
const HEALING_MS: u64 = 10 * 60_000;
/// Lines of what happened that are kept for a report.
const TRAIL: usize = 400;

/// Everything.
pub struct World {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) profile: Profile,
    pub(crate) clients: Vec<ClientHost>,
    /// One for each client.
    pub(crate) disks: Vec<Disk>,
    pub(crate) gateway: GatewayHost,
    pub(crate) links: BTreeMap<LinkId, Link>,
    pub(crate) oracle: Oracle,
    pub(crate) counts: Counts,
    /// Whether things go wrong by themselves.
    pub(crate) is_bad: bool,
    /// Whether HTTP answers are lost without a word.
    pub(crate) hanging: bool,
    pub(crate) failed: Option<Box<Violation>>,
    seed: u64,
    queue: BinaryHeap<Reverse<Scheduled>>,
    order: u64,
    trail: VecDeque<String>,
    traced: bool,
}

/// What happens at some time.
#[derive(Debug)]
pub(crate) enum Event {
    Client(PageId, client::Event),
    Gateway(gateway::Event),
    Request(PageId, tus::Request),
    Trouble(trouble::Trouble),
}

struct Scheduled {
    at: u64,
    order: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl World {
    /// A world with its gateway up and its pages open.
    pub fn new(seed: u64, profile: Profile) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5157_4d42);
        let clients = (0..profile.clients)
            .map(|index| ClientHost::new(index, &profile, &mut rng))
            .collect();
        let mut counts = Counts::default();
        counts.episodes = 1;
        let epoch = format!("{:016x}", rng.u64(..));
        let mut oracle = Oracle::new(profile.outbox);
        oracle.epoch(&epoch);
        Self {
            now: 0,
            clients,
            disks: (0..profile.clients).map(|_| Disk::default()).collect(),
            gateway: GatewayHost::new(&epoch, profile.batch, profile.rates),
            links: BTreeMap::new(),
            oracle,
            counts,
            is_bad: false,
            hanging: false,
            failed: None,
            seed,
            queue: BinaryHeap::new(),
            order: 0,
            trail: VecDeque::new(),
            traced: false,
            rng,
            profile,
        }
    }

    /// One of many bad worlds.
    pub fn random(seed: u64) -> Self {
        Self::new(seed, Profile::random(&mut Rng::with_seed(seed)))
    }

    /// How bad it is.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Trouble, healing, and the final account.
    ///
    /// # Errors
    /// What was found to be wrong.
    pub fn episode(&mut self) -> Result<(), Box<Violation>> {
        self.trouble()?;
        self.heal()
    }

    /// Prints what happens as it happens.
    pub const fn trace(&mut self) {
        self.traced = true;
    }

    /// What was done so far.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Lets users act and things go wrong for as long as the profile says.
    ///
    /// # Errors
    /// What was found to be wrong.
    pub fn trouble(&mut self) -> Result<(), Box<Violation>> {
        self.is_bad = true;
        self.start_trouble();
        self.run(self.profile.trouble_ms)
    }

    /// Ends all trouble, gives everything time, and takes the final account.
    ///
    /// # Errors
    /// What was found to be wrong.
    pub fn heal(&mut self) -> Result<(), Box<Violation>> {
        self.is_bad = false;
        self.end_trouble();
        self.run(HEALING_MS)?;
        self.silence();
        self.first_words()?;
        self.outbursts()?;
        self.last_words()?;
        self.account();
        self.outcome()
    }

    /// Lets so much time pass.
    ///
    /// # Errors
    /// What was found to be wrong.
    pub fn run(&mut self, ms: u64) -> Result<(), Box<Violation>> {
        let end = self.now + ms;
        let mut here = 0;
        while let Some(Reverse(next)) = self.queue.peek() {
            if next.at > end {
                break;
            }
            let Some(Reverse(Scheduled { at, event, .. })) = self.queue.pop() else {
                break;
            };
            here = if at == self.now { here + 1 } else { 0 };
            self.counts.simulated_ms += at - self.now;
            self.now = at;
            self.counts.steps += 1;
            self.dispatch(event);
            if here > LIVELOCK {
                self.violate("the world runs in circles".to_owned());
            }
            self.outcome()?;
        }
        self.counts.simulated_ms += end - self.now;
        self.now = end;
        Ok(())
    }

    pub(crate) fn schedule(&mut self, delay: u64, event: Event) {
        self.schedule_at(self.now + delay, event);
    }

    pub(crate) fn schedule_at(&mut self, at: u64, event: Event) {
        self.order += 1;
        self.queue.push(Reverse(Scheduled {
            at: at.max(self.now),
            order: self.order,
            event,
        }));
    }

    /// Whether something with this share happens now; never while the world is good.
    pub(crate) fn happens(&mut self, per_mille: u32) -> bool {
        self.is_bad && per_mille > 0 && self.rng.u32(..1_000) < per_mille
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if self.traced {
            let line = format!("{:>8} ms  {}", self.now, line());
            if self.trail.len() == TRAIL {
                self.trail.pop_front();
            }
            self.trail.push_back(line);
        }
    }

    pub(crate) fn violate(&mut self, message: String) {
        let trail = self.trail.iter().cloned().collect();
        let (seed, step, now_ms) = (self.seed, self.counts.steps, self.now);
        self.failed.get_or_insert_with(|| {
            Box::new(Violation {
                seed,
                step,
                now_ms,
                message,
                trail,
            })
        });
    }

    /// Keeps what the oracle found.
    pub(crate) fn check(&mut self, verdict: Result<(), String>) {
        if let Err(message) = verdict {
            self.violate(message);
        }
    }

    fn outcome(&mut self) -> Result<(), Box<Violation>> {
        self.failed.take().map_or(Ok(()), Err)
    }

    fn dispatch(&mut self, event: Event) {
        match event {
            Event::Client(page, event) => {
                let host = &self.clients[page.client];
                if host.life != page.life {
                    if matches!(event, client::Event::Storage(_)) {
                        self.counts.add("fault: access to storage lost");
                    }
                    return;
                }
                // A frozen tab gets all when it thaws, in order; what it has written is the browser's.
                if host.frozen_until > self.now && !event.is_write() {
                    let until = host.frozen_until;
                    return self.schedule_at(until, Event::Client(page, event));
                }
                self.at_client(page.client, event);
            }
            Event::Gateway(event) => self.at_gateway(event),
            Event::Request(page, request) => self.requested(page, request),
            Event::Trouble(trouble) => self.trouble_comes(trouble),
        }
    }
}
