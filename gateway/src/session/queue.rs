//! How much waits for the socket.

/// Items that may wait before live events are read from the log instead.
pub(super) const ITEMS: usize = 1_024;
/// The same in bytes.
const BYTES: usize = 1 << 20;
/// Signals have this part of it.
const SIGNALS: usize = 4;
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

    /// Whether there is room for signals, which are dropped otherwise: far less than for what is not.
    pub(super) const fn takes_signals(&self) -> bool {
        self.items < self.most / SIGNALS && self.bytes < BYTES / SIGNALS
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

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: usize, bytes: usize) -> Queue {
        let mut queue = Queue::new(10);
        for item in 0..items {
            queue.add(0, if item == 0 { bytes } else { 0 });
        }
        queue
    }

    #[test]
    fn events_wait_up_to_a_number_and_size_and_answers_up_to_more() {
        const MIB: usize = 1 << 20;
        for (items, bytes, has_room, takes_answers) in [
            (0, 0, true, true),
            (1, MIB / 4 - 1, true, true),
            (9, MIB - 1, true, true),
            (10, 1, false, true),
            (1, MIB, false, true),
            (19, 4 * MIB - 1, false, true),
            (20, 1, false, false),
            (1, 4 * MIB, false, false),
        ] {
            let queue = queue(items, bytes);
            assert_eq!(queue.has_room(), has_room, "{items} of {bytes} bytes");
            assert_eq!(
                queue.takes_answers(),
                takes_answers,
                "{items} of {bytes} bytes"
            );
            assert_eq!(queue.is_empty(), items == 0);
            assert!(!queue.takes_signals() || items < 2 && bytes < MIB / 4);
        }
    }

    #[test]
    fn sizes_add_up_until_all_is_written() {
        let mut queue = Queue::new(10);
        queue.add(0, 600_000);
        assert!(queue.has_room());
        queue.add(0, 600_000);
        assert!(!queue.has_room());
        queue.wrote(0, false);
        assert!(!queue.has_room(), "how much it was is not known");
        queue.wrote(0, true);
        assert!(queue.has_room() && queue.is_empty());
    }

    #[test]
    fn a_reader_stalls_half_a_minute_after_something_was_last_written() {
        let mut queue = Queue::new(10);
        assert_eq!(queue.stalls_at(), u64::MAX);
        queue.add(1_000, 1);
        queue.add(5_000, 1);
        assert_eq!(queue.stalls_at(), 31_000);
        queue.wrote(7_000, false);
        assert_eq!(queue.stalls_at(), 37_000);
        queue.wrote(8_000, true);
        assert_eq!(queue.stalls_at(), u64::MAX);
    }
}
