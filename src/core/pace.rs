//! How many bytes of a file to send in one request.
//!
//! Progress is visible only between requests, so they should be short; each costs a round trip in which no
//! bytes are transferred, so they should be few. A slice is therefore sized to take a certain time, which is
//! longer if requests are expensive.

/// The first slice; a file up to this size is sent in one request.
const FIRST: u64 = 1 << 20;
/// Slices shrink to this after failures.
const MIN: u64 = 256 << 10;
/// Slices grow to this.
const MAX: u64 = 128 << 20;
/// The time a slice should take, milliseconds, so that progress is visible and little is lost on a failure.
const AIM_MS: u64 = 1_000;
/// If requests are expensive it may take up to this.
const MAX_AIM_MS: u64 = 5_000;
/// It should take this many times the fixed cost of a request.
const COST_FACTOR: u64 = 20;
/// How much larger than the one before a slice may be: one measurement proves little.
const GROWTH: u64 = 16;

/// The size of the next slice, and the measurements it depends on.
#[derive(Debug)]
pub(super) struct Pace {
    slice: u64,
    /// Bytes and milliseconds of the slice before.
    earlier: Option<(u64, u64)>,
    /// The fixed cost of a request, beside its bytes, milliseconds.
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
            // Nothing to compare with: half of it is a guess, good enough to grow, but not to take longer.
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

/// The fixed cost of a request, from two of them, each bytes and milliseconds: the larger one took longer
/// because of its bytes. Two of nearly the same size show nothing.
fn cost(one: (u64, u64), other: (u64, u64)) -> Option<u64> {
    let ((few, short), (many, long)) = if one.0 < other.0 {
        (one, other)
    } else {
        (other, one)
    };
    if many - few <= few / 2 {
        return None;
    }
    let for_few = long.saturating_sub(short).saturating_mul(few) / (many - few);
    Some(short.saturating_sub(for_few))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uploads a file over a network with this round trip and speed; returns the milliseconds of each request.
    /// With a CORS preflight, the first two requests cost two round trips.
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
        assert_eq!(cost((100, 60), (160, 90)), Some(10));
        assert_eq!(cost((1, 60), (1, 90)), None);
        assert_eq!(cost((0, 60), (0, 90)), None);
    }

    #[test]
    fn a_slice_takes_the_time_that_the_last_two_show() {
        let mut pace = Pace::NEW;
        // Half of the first second may have been the request's own.
        pace.sent(1 << 20, 1_000);
        assert_eq!(pace.slice(), 2 << 20);
        // Half a second for a mebibyte, and half of one for the request: that is worth five seconds.
        pace.sent(2 << 20, 1_500);
        assert_eq!(pace.slice(), 10 << 20);
        // However slow it becomes, the next slice is half as large.
        pace.sent(10 << 20, 90_000);
        assert_eq!(pace.slice(), 5 << 20);
    }

    #[test]
    fn slices_stay_between_a_quarter_of_a_mebibyte_and_128() {
        let mut pace = Pace::NEW;
        pace.sent(1, 60_000);
        pace.sent(1, 60_000);
        pace.sent(1, 60_000);
        assert_eq!(pace.slice(), 256 * 1024);
        for _ in 0..9 {
            pace.sent(pace.slice(), 1);
        }
        assert_eq!(pace.slice(), 128 * 1024 * 1024);
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
