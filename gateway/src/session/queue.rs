//! What waits for the socket, in numbers.

/// Items that may wait before live events are left to the log.
pub(super) const ITEMS: usize = 1_024;
/// Bytes that may wait likewise.
const BYTES: usize = 1 << 20;
/// Nothing taken for so long, with something waiting, ends the connection.
const STALL_MS: u64 = 30_000;

/// See the module.
pub(super) struct Queue {
    /// Items that may wait.
    most: usize,
    items: usize,
    bytes: usize,
    /// Since when nothing was taken.
    stalled_since: Option<u64>,
}

impl Queue {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            most,
            items: 0,
            bytes: 0,
            stalled_since: None,
        }
    }

    pub(super) fn add(&mut self, now_ms: u64, bytes: usize) {
        self.items += 1;
        self.bytes += bytes;
        self.stalled_since.get_or_insert(now_ms);
    }

    /// Something was written; with true, everything was.
    pub(super) fn wrote(&mut self, now_ms: u64, all: bool) {
        if all {
            *self = Self::new(self.most);
        } else {
            self.stalled_since = Some(now_ms);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Whether it takes what could also wait elsewhere: live events and pages of history.
    pub(super) const fn has_room(&self) -> bool {
        self.items < self.most && self.bytes < BYTES
    }

    /// Whether more requests should be read: not while the client lets its own answers pile up.
    pub(super) const fn takes_answers(&self) -> bool {
        self.items < self.most * 2 && self.bytes < BYTES * 4
    }

    /// When the connection ends unless something is taken before.
    pub(super) fn stalls_at(&self) -> u64 {
        self.stalled_since
            .map_or(u64::MAX, |since| since + STALL_MS)
    }
}
