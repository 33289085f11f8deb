//! How much waits for the socket.

/// Items that may wait before live events are read from the log instead.
pub(super) const ITEMS: usize = 1_024;
/// The same in bytes.
const BYTES: usize = 1 << 20;
/// A connection that sends nothing for this long, while something waits, is closed.
const STALL_MS: u64 = 30_000;

/// See the module.
pub(super) struct Queue {
    /// Items that may wait.
    most: usize,
    items: usize,
    bytes: usize,
    /// Since when nothing was sent.
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

    /// Whether there is room for what can also wait elsewhere: live events and pages of history.
    pub(super) const fn has_room(&self) -> bool {
        self.items < self.most && self.bytes < BYTES
    }

    /// Whether to read more requests: not while the client does not read its answers.
    pub(super) const fn takes_answers(&self) -> bool {
        self.items < self.most * 2 && self.bytes < BYTES * 4
    }

    /// When the connection is closed unless something is sent before.
    pub(super) fn stalls_at(&self) -> u64 {
        self.stalled_since
            .map_or(u64::MAX, |since| since + STALL_MS)
    }
}
