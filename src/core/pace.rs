//! How many bytes of a file go into one request.
//!
//! Progress is seen between requests, so they should be short; each costs a round trip in which no byte
//! moves, so they should be few. A slice therefore aims at a time, which is longer where a request costs
//! more.

/// The first slice; a file no larger goes in one request.
const FIRST: u64 = 1 << 20;
/// Slices shrink to this in trouble.
const MIN: u64 = 256 << 10;
/// Slices grow to this.
const MAX: u64 = 128 << 20;
/// The time slices aim at, milliseconds, so that progress is seen and little is lost on a cut.
const AIM_MS: u64 = 1_000;
/// Where requests cost much they aim at more, up to this.
const MAX_AIM_MS: u64 = 5_000;
/// So many times what a request costs beside its bytes it should last.
const COST_FACTOR: u64 = 20;
/// A slice is larger than the one before by this at most: one measurement is no proof.
const GROWTH: u64 = 16;

/// The size of the next slice, and what it is judged by.
#[derive(Debug)]
pub(super) struct Pace {
    slice: u64,
    /// Bytes and milliseconds of the slice before.
    earlier: Option<(u64, u64)>,
    /// What a request costs beside its bytes, milliseconds.
    cost: u64,
}

impl Pace {
    pub(super) const NEW: Self = Self {
        slice: FIRST,
        earlier: None,
        cost: 0,
    };

    /// How many bytes the next request may have.
    pub(super) const fn slice(&self) -> u64 {
        self.slice
    }

    /// A slice went through.
    pub(super) fn sent(&mut self, bytes: u64, ms: u64) {
        let for_itself = match self.earlier.replace((bytes, ms)) {
            Some(earlier) => {
                self.cost = cost(earlier, (bytes, ms)).unwrap_or(self.cost).min(ms);
                self.cost
            }
            // Nothing to compare with: half of it is guessed, to grow by, and not known, to last longer for.
            None => ms / 2,
        };
        let aim = (self.cost * COST_FACTOR).clamp(AIM_MS, MAX_AIM_MS);
        self.slice = (bytes.saturating_mul(aim) / (ms - for_itself).max(1))
            .clamp(self.slice / 2, self.slice.saturating_mul(GROWTH))
            .clamp(MIN, MAX);
    }

    /// A request failed: what was measured may no longer hold.
    pub(super) fn failed(&mut self) {
        self.slice = (self.slice / 2).max(MIN);
        self.earlier = None;
    }
}

/// What a request costs beside its bytes, told by two of them, each bytes and milliseconds: what the larger
/// one took longer, it took for its bytes. Two that are nearly as large tell nothing.
fn cost(one: (u64, u64), other: (u64, u64)) -> Option<u64> {
    let ((few, short), (many, long)) = if one.0 < other.0 {
        (one, other)
    } else {
        (other, one)
    };
    if many - few < few / 2 {
        return None;
    }
    let for_few = long.saturating_sub(short).saturating_mul(few) / (many - few);
    Some(short.saturating_sub(for_few))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uploads a file over a network with this round trip and speed; gives the milliseconds of each request.
    /// Where a browser asks first whether it may, the first two requests cost two round trips.
    fn upload(file: u64, round_trip_ms: u64, bytes_per_ms: u64) -> Vec<u64> {
        let mut pace = Pace::NEW;
        let mut requests = Vec::new();
        let mut left = file;
        while left > 0 {
            let bytes = pace.slice().min(left);
            let asks = if requests.len() < 2 { 2 } else { 1 };
            let ms = asks * round_trip_ms + bytes / bytes_per_ms;
            pace.sent(bytes, ms);
            requests.push(ms);
            left -= bytes;
        }
        requests
    }

    #[test]
    fn a_fast_network_takes_few_requests() {
        let requests = upload(256 << 20, 1, 200 << 10);
        assert!(requests.len() <= 5, "{requests:?}");
    }

    #[test]
    fn round_trips_are_not_felt_in_a_long_upload() {
        for round_trip in [50, 200] {
            // Ten megabytes a second, a gibibyte: some hundred seconds.
            let requests = upload(1 << 30, round_trip, 10_000);
            let waited = round_trip * requests.len() as u64;
            let all: u64 = requests.iter().sum();
            assert!(
                waited * 15 < all,
                "{round_trip}: {waited} of {all} in {requests:?}"
            );
        }
    }

    #[test]
    fn progress_is_seen_every_second_where_that_costs_little() {
        for ms in upload(100 << 20, 10, 1_000) {
            assert!(ms < 2_500, "{ms}");
        }
    }

    #[test]
    fn no_slice_takes_long_on_a_slow_network() {
        // A hundred kilobytes a second: the first mebibyte takes ten seconds, and no later slice does.
        let requests = upload(16 << 20, 300, 100);
        assert!(
            requests.iter().skip(2).all(|ms| *ms <= 7_500),
            "{requests:?}"
        );
    }

    #[test]
    fn the_cost_of_a_request_is_told_by_two() {
        assert_eq!(cost((100, 60), (300, 80)), Some(50));
        assert_eq!(cost((300, 80), (100, 60)), Some(50));
        assert_eq!(cost((100, 60), (120, 70)), None);
        assert_eq!(cost((100, 60), (300, 10)), Some(60));
    }

    #[test]
    fn trouble_makes_slices_smaller() {
        let mut pace = Pace::NEW;
        pace.failed();
        assert_eq!(pace.slice(), FIRST / 2);
        for _ in 0..10 {
            pace.failed();
        }
        assert_eq!(pace.slice(), MIN);
        pace.sent(MIN, 1);
        assert_eq!(pace.slice(), MIN * GROWTH);
    }
}
