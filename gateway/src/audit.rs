//! The audit log: who was refused, and what the holders of API keys have changed.
//!
//! Lines are events of the `tracing` target [`TARGET`], with ids and reasons, never with content, tokens or keys. Of each
//! kind at most [`LINES_PER_SECOND`] are written in a second, so that an attack fills no disk and hides no line of
//! another kind; the number of those left out is written as well.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alo_protocol::ChannelId;
use sha2::{Digest, Sha256};

use crate::access::{Restriction, Target};

/// The target of all lines.
pub const TARGET: &str = "audit";

/// Most lines of one kind in a second.
pub const LINES_PER_SECOND: u32 = 50;

/// Text of callers is cut after so many characters.
const TEXT_CHARS: usize = 256;

const SECOND: Duration = Duration::from_secs(1);

/// An API key was refused.
pub fn key_refused(address: Option<IpAddr>, reason: &str) {
    write(
        Kind::KeyRefused,
        &Line {
            address,
            reason: Some(reason),
            ..Line::default()
        },
    );
}

/// A token was refused.
pub fn token_refused(address: Option<IpAddr>, reason: &str) {
    write(
        Kind::TokenRefused,
        &Line {
            address,
            reason: Some(reason),
            ..Line::default()
        },
    );
}

/// A page of this origin was refused.
pub fn origin_refused(address: Option<IpAddr>, origin: &str) {
    write(
        Kind::OriginRefused,
        &Line {
            address,
            origin: Some(origin),
            ..Line::default()
        },
    );
}

/// A limit, such as `sends` or `connections`, was reached by a user or an address.
pub fn limit_reached(address: Option<IpAddr>, user: Option<&str>, limit: &str) {
    write(
        Kind::LimitReached,
        &Line {
            address,
            user,
            reason: Some(limit),
            ..Line::default()
        },
    );
}

/// The holder of an API key has erased something: a `message`, a `channel` or a `user`.
pub fn erased(key: &str, what: &str, id: &str) {
    write(
        Kind::Erased,
        &Line {
            key: Some(key),
            what: Some(what),
            id: Some(id),
            ..Line::default()
        },
    );
}

/// The holder of an API key has restricted what users may do.
pub fn restricted(key: &str, restriction: &Restriction) {
    let until = restriction.until_ms.map(|until_ms| until_ms.to_string());
    let line = Line {
        key: Some(key),
        until: until.as_deref(),
        ..Line::default()
    };
    write_target(
        Kind::of(&restriction.target),
        line,
        &restriction.target,
        restriction.reason.as_deref(),
    );
}

/// The holder of an API key has ended a restriction.
pub fn released(key: &str, target: &Target) {
    let line = Line {
        key: Some(key),
        what: Some(Kind::of(target).as_str()),
        ..Line::default()
    };
    write_target(Kind::Released, line, target, None);
}

fn write_target<'a>(kind: Kind, line: Line<'a>, target: &'a Target, reason: Option<&'a str>) {
    // An id may be all that a foreign issuer's token is looked up by.
    let token = target.token().map(|token| {
        let digest = Sha256::digest(token.as_bytes());
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    });
    write(
        kind,
        &Line {
            user: target.user().map(|user| &**user),
            channel: target.channel().map(ChannelId::as_str),
            token: token.as_deref(),
            reason,
            ..line
        },
    );
}

/// The files of keys were read again.
pub fn keys_loaded() {
    write(Kind::KeysLoaded, &Line::default());
}

/// The files of keys are wrong; the keys stay as they are.
pub fn keys_refused(reason: &str) {
    write(
        Kind::KeysRefused,
        &Line {
            reason: Some(reason),
            ..Line::default()
        },
    );
}

/// Writes how many lines were left out, every second. Run it beside the gateway.
pub async fn report_left_out() {
    let mut ticks = tokio::time::interval(SECOND);
    loop {
        ticks.tick().await;
        flush(Instant::now());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    KeyRefused,
    TokenRefused,
    OriginRefused,
    LimitReached,
    Erased,
    KeysLoaded,
    KeysRefused,
    Revoked,
    Banned,
    Muted,
    Released,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::KeyRefused,
        Self::TokenRefused,
        Self::OriginRefused,
        Self::LimitReached,
        Self::Erased,
        Self::KeysLoaded,
        Self::KeysRefused,
        Self::Revoked,
        Self::Banned,
        Self::Muted,
        Self::Released,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::KeyRefused => "key-refused",
            Self::TokenRefused => "token-refused",
            Self::OriginRefused => "origin-refused",
            Self::LimitReached => "limit-reached",
            Self::Erased => "erased",
            Self::KeysLoaded => "keys-loaded",
            Self::KeysRefused => "keys-refused",
            Self::Revoked => "revoked",
            Self::Banned => "banned",
            Self::Muted => "muted",
            Self::Released => "released",
        }
    }

    const fn of(target: &Target) -> Self {
        match target {
            Target::User(_) | Target::Token(_) | Target::Channel(_) | Target::Member(..) => {
                Self::Revoked
            }
            Target::Ban(..) => Self::Banned,
            Target::Mute(..) => Self::Muted,
        }
    }
}

#[derive(Default)]
struct Line<'a> {
    address: Option<IpAddr>,
    user: Option<&'a str>,
    key: Option<&'a str>,
    origin: Option<&'a str>,
    what: Option<&'a str>,
    id: Option<&'a str>,
    channel: Option<&'a str>,
    /// The begin of a digest of a token's id.
    token: Option<&'a str>,
    until: Option<&'a str>,
    reason: Option<&'a str>,
}

/// How much of one kind was written in this second.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    since: Option<Instant>,
    written: u32,
    left_out: u64,
}

static WINDOWS: Mutex<[Window; Kind::ALL.len()]> = Mutex::new(
    [Window {
        since: None,
        written: 0,
        left_out: 0,
    }; Kind::ALL.len()],
);

impl Window {
    /// Whether one more may be written; with the number left out of the last second, which is to be written first.
    fn admit(&mut self, now: Instant) -> (bool, u64) {
        let left_out = self.end(now);
        self.since.get_or_insert(now);
        let admitted = self.written < LINES_PER_SECOND;
        if admitted {
            self.written += 1;
        } else {
            self.left_out += 1;
        }
        (admitted, left_out)
    }

    /// Ends the second if it is over; returns how many were left out in it.
    fn end(&mut self, now: Instant) -> u64 {
        if self
            .since
            .is_some_and(|since| now.saturating_duration_since(since) < SECOND)
        {
            return 0;
        }
        std::mem::take(self).left_out
    }
}

fn write(kind: Kind, line: &Line<'_>) {
    let (admitted, left_out) = windows()[kind as usize].admit(Instant::now());
    if left_out > 0 {
        write_left_out(kind, left_out);
    }
    if !admitted {
        return;
    }
    tracing::info!(
        target: TARGET,
        kind = kind.as_str(),
        address = line.address.map(tracing::field::display),
        user = line.user.map(cut),
        key = line.key.map(cut),
        origin = line.origin.map(cut),
        what = line.what,
        id = line.id.map(cut),
        channel = line.channel,
        token = line.token,
        until = line.until,
        reason = line.reason.map(cut),
    );
}

fn flush(now: Instant) {
    let left_out = windows().each_mut().map(|window| window.end(now));
    for (kind, left_out) in Kind::ALL.into_iter().zip(left_out) {
        if left_out > 0 {
            write_left_out(kind, left_out);
        }
    }
}

fn write_left_out(of: Kind, lines: u64) {
    tracing::info!(target: TARGET, kind = "left-out", of = of.as_str(), lines);
}

fn windows() -> std::sync::MutexGuard<'static, [Window; Kind::ALL.len()]> {
    WINDOWS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cut(text: &str) -> &str {
    text.char_indices()
        .nth(TEXT_CHARS)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines_of_a_kind_and_then_their_number() {
        let (mut window, start) = (Window::default(), Instant::now());
        for _ in 0..LINES_PER_SECOND {
            assert_eq!(window.admit(start), (true, 0));
        }
        for _ in 0..7 {
            assert_eq!(window.admit(start), (false, 0));
        }
        assert_eq!(window.end(start + SECOND / 2), 0);
        assert_eq!(window.admit(start + SECOND), (true, 7));
        assert_eq!(window.end(start + SECOND * 2), 0);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(300)), "é".repeat(TEXT_CHARS));
    }

    #[test]
    fn each_kind_has_its_place() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
    }
}
