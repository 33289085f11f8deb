//! The token: got once for all who wait, renewed before it expires.

use super::Instant;

/// Renewed when this share of its life is left.
const MARGIN_DIVISOR: u64 = 10;
/// Renewed at the latest this long before it expires, if its life allows.
const MARGIN_MS: u64 = 30_000;

/// Where the token stands.
#[derive(Debug, Default)]
pub(super) enum Token {
    /// There is none, or the last one is no good.
    #[default]
    Missing,
    /// It was asked for.
    Fetching,
    /// It is there.
    Held {
        /// The JWT.
        token: String,
        /// When to ask for the next one; unknown until the gateway has told.
        renew_at: Option<Instant>,
    },
}

impl Token {
    /// The token, if there is one.
    pub(super) fn get(&self) -> Option<&str> {
        match self {
            Self::Held { token, .. } => Some(token),
            Self::Missing | Self::Fetching => None,
        }
    }

    /// Notes that one is to be fetched; false when that is under way already.
    pub(super) fn start_fetch(&mut self) -> bool {
        match self {
            Self::Fetching => false,
            Self::Missing | Self::Held { .. } => {
                *self = Self::Fetching;
                true
            }
        }
    }

    /// The gateway said how long the token lives.
    pub(super) fn expires_in(&mut self, now: Instant, ms: u64) {
        if let Self::Held { renew_at, .. } = self {
            let margin = (ms / MARGIN_DIVISOR).max(MARGIN_MS).min(ms / 2);
            *renew_at = Some(now.plus(ms - margin));
        }
    }

    /// When to renew.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        match self {
            Self::Held { renew_at, .. } => *renew_at,
            Self::Missing | Self::Fetching => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_comes_before_expiry_with_a_margin() {
        let held = || Token::Held {
            token: "t".into(),
            renew_at: None,
        };
        for (life, renew) in [
            (86_400_000, 77_760_000),
            (60_000, 30_000),
            (10_000, 5_000),
            (0, 0),
        ] {
            let mut token = held();
            token.expires_in(Instant(0), life);
            assert_eq!(token.renew_at(), Some(Instant(renew)), "life {life}");
        }
    }

    #[test]
    fn one_fetch_serves_all() {
        let mut token = Token::Missing;
        assert!(token.start_fetch());
        assert!(!token.start_fetch());
    }
}
