//! Waits for the time at which a gateway accepts requests again after a rate was exceeded.

use super::Instant;

/// What holds back the requests of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// Nothing.
    Free,
    /// The gateway accepts no more until this time.
    Exceeded(Instant),
    /// The time has come, but requests sent before may be refused as well: the first one goes first again only when
    /// all of them are answered.
    Clearing,
}

impl Rate {
    /// A request was refused until this time.
    pub(super) fn exceeded(&mut self, until: Instant) {
        let latest = self.deadline().map_or(until, |earlier| earlier.max(until));
        *self = Self::Exceeded(latest);
    }

    pub(super) const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Exceeded(until) => Some(until),
            Self::Free | Self::Clearing => None,
        }
    }

    pub(super) fn elapse(&mut self, now: Instant) {
        if self.deadline().is_some_and(|until| until <= now) {
            *self = Self::Clearing;
        }
    }

    /// Whether requests may be sent, of which so many are unanswered.
    pub(super) fn allows(&mut self, unanswered: usize) -> bool {
        if *self == Self::Clearing && unanswered == 0 {
            *self = Self::Free;
        }
        *self == Self::Free
    }
}
