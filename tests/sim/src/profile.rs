//! How bad one episode's world is. Each episode has some kinds of faults and not others, so that none is
//! hidden behind another that ends everything first.

use std::ops::Range;

use alo_protocol::{Rate, Rates};
use fastrand::Rng;

/// Mean times are in milliseconds; 0 means never. Shares are per mille.
#[derive(Clone, Debug)]
pub struct Profile {
    /// People with a page open.
    pub clients: usize,
    /// Of which so many are devices of one user.
    pub devices: usize,
    /// Channels they talk in.
    pub channels: usize,
    /// How long the trouble lasts, milliseconds.
    pub trouble_ms: u64,
    /// One way through the network.
    pub latency_ms: Range<u64>,
    /// Between two things a user does.
    pub action_every: u64,
    /// Between two cuts of a connection.
    pub cut_every: u64,
    /// Share of cuts that one side or both never hear of.
    pub half_open: u32,
    /// Between two times a client has no network at all.
    pub offline_every: u64,
    /// Between two kills of the gateway.
    pub crash_every: u64,
    /// Share of them that are a stop in good order.
    pub graceful: u32,
    /// Share of starts with an empty database.
    pub replaced: u32,
    /// Between two copies of the database.
    pub copy_every: u64,
    /// Share of starts over the copy taken last.
    pub restored: u32,
    /// Share of starts after a power failure, which leaves the witness behind the database.
    pub power_failures: u32,
    /// Between two messages that go missing from the log.
    pub hole_every: u64,
    /// Between two freezes of a tab, or sleeps of its machine.
    pub freeze_every: u64,
    /// Between two times a reader takes nothing.
    pub stall_every: u64,
    /// Between two reloads of a page.
    pub reload_every: u64,
    /// Between two times a page is hidden, which slows its timers.
    pub hide_every: u64,
    /// Between two restrictions of what users may do.
    pub restrict_every: u64,
    /// Share of commits that fail.
    pub disk_errors: u32,
    /// Share of commits that are durable, though SQLite says that they failed.
    pub lost_answers: u32,
    /// Between two times somebody uses the key of another's message.
    pub theft_every: u64,
    /// Between two times the app's server deletes a message or cuts a log.
    pub erase_every: u64,
    /// How long the answer of a read takes at most.
    pub read_ms: u64,
    /// Share of reads of the log that fail.
    pub read_errors: u32,
    /// Share of tokens that cannot be had, or come late, or are old.
    pub token_errors: u32,
    /// Longest life of a token, minutes.
    pub token_minutes: u32,
    /// Share of HTTP requests that break on the way.
    pub http_errors: u32,
    /// Share of frames delivered twice.
    pub duplicates: u32,
    /// Share of frames of events that are lost, though the connection stands.
    pub lost_events: u32,
    /// Share of frames of events that come from another epoch of the log.
    pub other_epochs: u32,
    /// Items that may wait for one socket before events are left to the log.
    pub queue: usize,
    /// Events that wait for one connection before it lags.
    pub mailbox: usize,
    /// Events in a page of the log.
    pub page: usize,
    /// Messages in one commit.
    pub batch: usize,
    /// Messages that may wait in a client.
    pub outbox: usize,
    /// Whether browsers keep them beyond the end of a page.
    pub outbox_kept: bool,
    /// Share of accesses to browsers' storage that fail, and of those that are slow.
    pub storage_errors: u32,
    /// How often each user may do what.
    pub rates: Rates,
    /// How long the gateway holds a frame that comes too early before it refuses it.
    pub hold_ms: u64,
}

impl Profile {
    /// A world without trouble.
    pub const fn calm() -> Self {
        Self {
            clients: 2,
            devices: 1,
            channels: 1,
            trouble_ms: 0,
            latency_ms: 5..6,
            action_every: 0,
            cut_every: 0,
            half_open: 0,
            offline_every: 0,
            crash_every: 0,
            graceful: 0,
            replaced: 0,
            copy_every: 0,
            restored: 0,
            power_failures: 0,
            hole_every: 0,
            freeze_every: 0,
            stall_every: 0,
            reload_every: 0,
            hide_every: 0,
            restrict_every: 0,
            disk_errors: 0,
            lost_answers: 0,
            theft_every: 0,
            erase_every: 0,
            read_ms: 5,
            read_errors: 0,
            token_errors: 0,
            token_minutes: 60,
            http_errors: 0,
            duplicates: 0,
            lost_events: 0,
            other_epochs: 0,
            queue: 1_024,
            mailbox: 1_024,
            page: 256,
            batch: 512,
            outbox: 1_000,
            outbox_kept: false,
            storage_errors: 0,
            rates: NO_RATES,
            hold_ms: 2_000,
        }
    }

    /// One of many bad worlds.
    pub fn random(rng: &mut Rng) -> Self {
        let mut every = |range: Range<u64>| if rng.bool() { rng.u64(range) } else { 0 };
        let cut_every = every(2_000..60_000);
        let offline_every = every(20_000..200_000);
        let crash_every = every(10_000..200_000);
        let freeze_every = every(20_000..200_000);
        let stall_every = every(10_000..100_000);
        let reload_every = every(30_000..300_000);
        let hide_every = every(30_000..300_000);
        let copy_every = every(2_000..60_000);
        let hole_every = every(20_000..300_000);
        let theft_every = every(1_000..60_000);
        let restrict_every = every(2_000..60_000);
        let erase_every = every(100..10_000);
        let mut share = |most: u32| {
            if rng.u8(..) < 100 {
                rng.u32(1..=most)
            } else {
                0
            }
        };
        let (disk_errors, read_errors) = (share(100), share(50));
        let (token_errors, http_errors, duplicates) = (share(300), share(300), share(100));
        let (storage_errors, replaced, lost_events) = (share(300), share(500), share(20));
        let (power_failures, lost_answers, other_epochs) = (share(500), share(200), share(5));
        // Copies are restored when a gateway starts.
        let (restored, crash_every) = if copy_every > 0 {
            (rng.u32(1..700), crash_every.clamp(10_000, 60_000))
        } else {
            (0, crash_every)
        };
        let slowest = [2, 20, 200, 2_000][rng.usize(..4)];
        Self {
            clients: rng.usize(1..6),
            devices: rng.usize(1..3),
            // Now and then more than one request may name.
            channels: if rng.u8(..) < 20 {
                rng.usize(101..131)
            } else {
                rng.usize(1..4)
            },
            trouble_ms: rng.u64(30_000..600_000),
            latency_ms: 1..slowest,
            action_every: [20, 100, 500, 3_000][rng.usize(..4)],
            cut_every,
            half_open: rng.u32(..1_000),
            offline_every,
            crash_every,
            graceful: rng.u32(..1_000),
            replaced,
            copy_every,
            restored,
            power_failures,
            hole_every,
            freeze_every,
            stall_every,
            reload_every,
            hide_every,
            restrict_every,
            disk_errors,
            lost_answers,
            theft_every,
            erase_every,
            read_ms: [5, 60, 200][rng.usize(..3)],
            read_errors,
            token_errors,
            token_minutes: if rng.bool() { rng.u32(1..4) } else { 60 },
            http_errors,
            duplicates,
            lost_events,
            other_epochs,
            queue: [4, 64, 1_024][rng.usize(..3)],
            mailbox: [2, 16, 1_024][rng.usize(..3)],
            page: [1, 3, 64][rng.usize(..3)],
            batch: [1, 4, 512][rng.usize(..3)],
            outbox: [3, 20, 1_000][rng.usize(..3)],
            outbox_kept: rng.bool(),
            storage_errors,
            rates: rates(rng),
            hold_ms: [0, 0, 100, 2_000][rng.usize(..4)],
        }
    }
}

const NO_RATES: Rates = Rates {
    sends: None,
    requests: None,
    uploads: None,
    connections: None,
    open_connections: None,
};

/// Some limits and not others: a few a second, which is much less than users do, and enough for healing.
fn rates(rng: &mut Rng) -> Rates {
    if rng.bool() {
        return NO_RATES;
    }
    let mut rate = |bursts: Range<u32>| {
        (rng.u8(..) < 200).then(|| Rate {
            per_minute: rng.u32(240..600),
            burst: rng.u32(bursts),
        })
    };
    Rates {
        sends: rate(1..10),
        requests: rate(1..10),
        uploads: rate(1..10),
        connections: rate(2..10),
        open_connections: rng.bool().then(|| rng.u32(3..10)),
    }
}
