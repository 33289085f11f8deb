//! The states of the event connection.

use alo_protocol::Cause;

use super::{
    Error, Instant, SocketId,
    text::{concat, digits},
};

/// How long a socket may take to open, and a gateway to welcome, milliseconds.
pub(super) const OPEN_MS: u64 = 10_000;
/// Bytes of requests that follow `hello` before the welcome, which are sent in vain if it is refused. What is
/// resumed does not count.
pub(super) const EARLY_BYTES: u32 = 512 * 1024;
/// How long a ping may go unanswered, milliseconds.
pub(super) const PONG_MS: u64 = 10_000;
/// The same after a hint that the network changed.
pub(super) const PROBE_MS: u64 = 4_000;
/// A deadline noticed this late was slept through: the gateway had no chance to answer.
pub(super) const SLEPT_MS: u64 = 5_000;
/// A connection that lasted this long counts as stable: earlier failures are forgotten.
pub(super) const STABLE_MS: u64 = 5_000;

/// The state of the connection.
#[derive(Debug)]
pub(super) enum Connection {
    /// Nothing needs it yet, or `disconnect()` was called.
    Idle,
    /// A token is being fetched.
    AwaitingToken,
    /// The socket is opening.
    Opening { socket: SocketId, deadline: Instant },
    /// `hello` is sent.
    Greeting {
        socket: SocketId,
        deadline: Instant,
        /// Bytes of requests that may still follow before the welcome.
        room: u32,
    },
    /// Welcomed.
    Online {
        socket: SocketId,
        since: Instant,
        heartbeat_ms: u64,
        beat: Beat,
    },
    /// Lost; tried again later.
    Waiting { until: Instant },
    /// Stopped because of an unrecoverable error.
    Failed,
}

/// Whether the gateway is responsive.
#[derive(Debug)]
pub(super) enum Beat {
    /// The gateway has answered, or was not asked yet; a ping is due at this time, whatever else is received.
    Received { ping_at: Instant },
    /// A ping was sent; the connection is given up at this time.
    Pinged { give_up_at: Instant },
}

impl Connection {
    /// The socket, unless there is none.
    pub(super) const fn socket(&self) -> Option<SocketId> {
        match self {
            Self::Opening { socket, .. }
            | Self::Greeting { socket, .. }
            | Self::Online { socket, .. } => Some(*socket),
            Self::Idle | Self::AwaitingToken | Self::Waiting { .. } | Self::Failed => None,
        }
    }

    /// The socket, if the gateway has welcomed the client on it.
    pub(super) const fn online(&self) -> Option<SocketId> {
        match self {
            Self::Online { socket, .. } => Some(*socket),
            Self::Opening { .. }
            | Self::Greeting { .. }
            | Self::Idle
            | Self::AwaitingToken
            | Self::Waiting { .. }
            | Self::Failed => None,
        }
    }

    /// The socket, if `hello` was sent on it: requests may follow.
    pub(super) const fn greeted(&self) -> Option<SocketId> {
        match self {
            Self::Greeting { socket, .. } | Self::Online { socket, .. } => Some(*socket),
            Self::Opening { .. }
            | Self::Idle
            | Self::AwaitingToken
            | Self::Waiting { .. }
            | Self::Failed => None,
        }
    }

    /// Whether a request of so many bytes may be sent now, which uses up the room there is before the welcome.
    pub(super) const fn takes(&mut self, bytes: u32) -> bool {
        if let Self::Greeting { room, .. } = self {
            match room.checked_sub(bytes) {
                Some(left) => *room = left,
                None => return false,
            }
        }
        true
    }

    /// When to act if nothing happens before.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle | Self::AwaitingToken | Self::Failed => None,
            Self::Opening { deadline, .. } | Self::Greeting { deadline, .. } => Some(*deadline),
            Self::Waiting { until } => Some(*until),
            Self::Online {
                beat: Beat::Received { ping_at },
                ..
            } => Some(*ping_at),
            Self::Online {
                beat: Beat::Pinged { give_up_at },
                ..
            } => Some(*give_up_at),
        }
    }
}

/// Why a connection was lost.
#[derive(Debug)]
pub(super) enum Loss {
    /// The socket closed with this code.
    Closed(u16),
    /// The socket did not open, or the gateway did not welcome or answer in time.
    TimedOut,
    /// No token could be fetched.
    NoToken(Error),
    /// An event is missing: resume from the cursor.
    Resume,
}

impl Loss {
    /// The cause, for a connection that was in this state, and the same in words.
    pub(super) fn cause(&self, connection: &Connection) -> (Cause, String) {
        let (cause, text) = match (self, connection) {
            (Self::NoToken(error), _) => return (Cause::TokenUnavailable, error.message.clone()),
            (Self::Resume, _) => (Cause::EventsMissing, "an event is missing"),
            (Self::TimedOut, _) => (Cause::TimedOut, "the gateway did not answer in time"),
            (Self::Closed(_), Connection::Opening { .. }) => {
                (Cause::NotOpened, "the socket could not be opened")
            }
            (Self::Closed(code), _) => {
                let (cause, text) = match connection {
                    Connection::Greeting { .. } => (Cause::Refused, "closed before the welcome"),
                    Connection::Idle
                    | Connection::AwaitingToken
                    | Connection::Opening { .. }
                    | Connection::Online { .. }
                    | Connection::Waiting { .. }
                    | Connection::Failed => (Cause::Lost, "closed"),
                };
                let code = digits(u64::from(*code));
                return (cause, concat(&[text, " with code ", &code]));
            }
        };
        (cause, text.to_owned())
    }
}
