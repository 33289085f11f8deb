//! The token: fetched once for all who wait, renewed before it expires, kept while it is valid.

use super::Instant;

/// Renewed when this share of its lifetime is left.
const MARGIN_DIVISOR: u64 = 10;
/// Renewed at the latest this long before it expires, if its lifetime allows.
const MARGIN_MS: u64 = 30_000;
/// How long `authToken` may take, milliseconds.
const FETCH_MS: u64 = 30_000;

/// The present token and the one being fetched.
#[derive(Debug, Default)]
pub(super) struct Token {
    held: Option<Held>,
    /// Until when the answer of `authToken` is waited for.
    fetching: Option<Instant>,
    generation: u32,
}

/// A token that was not refused.
#[derive(Debug)]
struct Held {
    token: String,
    /// Unknown until the gateway reports it.
    life: Option<Life>,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// The token, if there is one.
    pub(super) fn get(&self) -> Option<&str> {
        self.held.as_ref().map(|held| held.token.as_str())
    }

    /// The token with its number.
    pub(super) fn numbered(&self) -> Option<(&str, u32)> {
        self.get().map(|token| (token, self.generation))
    }

    /// A token was fetched.
    pub(super) fn hold(&mut self, token: String) {
        self.generation = self.generation.wrapping_add(1);
        self.fetching = None;
        self.held = Some(Held { token, life: None });
    }

    /// The token was refused.
    pub(super) fn refuse(&mut self) {
        self.held = None;
    }

    /// The same, for the one with this number; false if there is another by now.
    pub(super) fn refuse_numbered(&mut self, generation: u32) -> bool {
        let is_this = self.held.is_some() && self.generation == generation;
        if is_this {
            self.refuse();
        }
        is_this
    }

    /// Drops the token when it has expired.
    pub(super) fn expire(&mut self, now: Instant) {
        let is_over = |life: Life| life.ends_at <= now;
        if self.life().is_some_and(is_over) {
            self.refuse();
        }
    }

    /// Notes that a token is being fetched; false if one is already.
    pub(super) fn start_fetch(&mut self, now: Instant) -> bool {
        let starts = self.fetching.is_none();
        if starts {
            self.fetching = Some(now.plus(FETCH_MS));
        }
        starts
    }

    /// Until when to wait for the answer, if one is expected.
    pub(super) const fn fetch_deadline(&self) -> Option<Instant> {
        self.fetching
    }

    /// Fetching failed, or took too long.
    pub(super) const fn fetch_failed(&mut self) {
        self.fetching = None;
    }

    /// The gateway reported the token's remaining lifetime.
    pub(super) fn expires_in(&mut self, now: Instant, ms: u64) {
        if let Some(held) = &mut self.held {
            let margin = (ms / MARGIN_DIVISOR).max(MARGIN_MS).min(ms / 2);
            held.life = Some(Life {
                renew_at: now.plus(ms - margin),
                ends_at: now.plus(ms),
            });
        }
    }

    /// When to renew.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        self.life().map(|life| life.renew_at)
    }

    fn life(&self) -> Option<Life> {
        self.held.as_ref().and_then(|held| held.life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Token {
        let mut token = Token::default();
        token.hold("t".into());
        token
    }

    #[test]
    fn renewal_comes_before_expiry_with_a_margin() {
        for (life, renew) in [
            (86_400_000, 77_760_000),
            (60_000, 30_000),
            (10_000, 5_000),
            (0, 0),
        ] {
            let mut token = held();
            token.expires_in(Instant(0), life);
            assert_eq!(token.renew_at(), Some(Instant(renew)), "life {life}");
            token.expire(Instant(life).plus(0));
            assert_eq!(token.get(), None);
        }
    }

    #[test]
    fn one_fetch_serves_all_and_the_old_token_stays_meanwhile() {
        let mut token = held();
        assert!(token.start_fetch(Instant(0)));
        assert!(!token.start_fetch(Instant(1)));
        assert_eq!(token.get(), Some("t"));
        token.fetch_failed();
        assert_eq!(token.get(), Some("t"));
    }

    #[test]
    fn a_refusal_concerns_the_token_it_was_given_for() {
        let mut token = held();
        let (_, old) = token.numbered().unwrap();
        token.hold("newer".into());
        assert!(!token.refuse_numbered(old));
        assert_eq!(token.get(), Some("newer"));
    }
}
