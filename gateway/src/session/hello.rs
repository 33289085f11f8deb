//! The first frame of a connection, and those right after it.

use std::collections::VecDeque;

use alo_protocol::{CloseCode, ErrorCode, Hello, Limits, Recovery, Resume};

use crate::auth::{Identity, Tokens};

/// Bytes of frames after a hello that may wait until it is answered.
const FLIGHT_BYTES: usize = 1 << 20;

/// A hello that is accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) identity: Identity,
    /// Subscriptions to resume.
    pub(super) channels: Vec<Resume>,
    /// Channels the token does not permit.
    pub(super) denied: Vec<Recovery>,
}

/// Checks a hello.
///
/// # Errors
/// What to close the connection with.
pub(super) fn accept(
    tokens: &Tokens,
    limits: &Limits,
    now_ms: u64,
    hello: Hello,
) -> Result<Accepted, CloseCode> {
    let identity = tokens
        .verify(&hello.token, now_ms)
        .map_err(|error| close_of(error.code))?;
    if hello.channels.len() > limits.channels_per_connection as usize {
        return Err(CloseCode::MalformedFrame);
    }
    let (mut channels, mut denied) = (Vec::new(), Vec::new());
    for resume in hello.channels {
        match identity.authorize(&resume.id, now_ms) {
            Ok(()) => channels.push(resume),
            Err(error) => denied.push(Recovery {
                id: resume.id,
                cursor: None,
                gap: None,
                error: Some(error),
            }),
        }
    }
    Ok(Accepted {
        identity,
        channels,
        denied,
    })
}

/// How a connection ends whose token is refused.
fn close_of(error: ErrorCode) -> CloseCode {
    if error == ErrorCode::TokenExpired {
        CloseCode::TokenExpired
    } else if error == ErrorCode::TokenRevoked {
        CloseCode::TokenRevoked
    } else if error == ErrorCode::Unavailable {
        // The keys that it is signed with are not loaded yet.
        CloseCode::Overloaded
    } else {
        CloseCode::TokenInvalid
    }
}

/// Frames received right after the hello; they are processed once it has been answered.
#[derive(Debug, Default)]
pub(super) struct FirstFlight {
    frames: VecDeque<Box<str>>,
    bytes: usize,
}

impl FirstFlight {
    /// Keeps a frame; false means that there are too many.
    pub(super) fn keep(&mut self, text: &str, limits: &Limits) -> bool {
        self.bytes += text.len();
        let fits =
            self.bytes <= FLIGHT_BYTES && self.frames.len() < limits.requests_in_flight as usize;
        if fits {
            self.frames.push_back(text.into());
        }
        fits
    }

    pub(super) fn next(&mut self) -> Option<Box<str>> {
        self.frames.pop_front()
    }
}
