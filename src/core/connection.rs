//! The states of the event connection.

use super::{Error, Instant, SocketId};

/// How long a socket may take to open, and a gateway to welcome, milliseconds.
pub(super) const OPEN_MS: u64 = 10_000;
/// How long a ping may go unanswered, milliseconds.
pub(super) const PONG_MS: u64 = 10_000;
/// The same after a hint that the network changed.
pub(super) const PROBE_MS: u64 = 4_000;
/// A deadline noticed so late was slept through: the other side had no chance.
pub(super) const SLEPT_MS: u64 = 5_000;
/// A connection that held this long was a good one, and failures before it are forgotten.
pub(super) const STABLE_MS: u64 = 5_000;

/// Where the connection stands.
#[derive(Debug)]
pub(super) enum Connection {
    /// Nothing needs it yet, or `disconnect()` was called.
    Idle,
    /// A token is on its way.
    AwaitingToken,
    /// The socket is opening.
    Opening { socket: SocketId, deadline: Instant },
    /// `hello` is sent.
    Greeting { socket: SocketId, deadline: Instant },
    /// Welcomed.
    Online {
        socket: SocketId,
        since: Instant,
        heartbeat_ms: u64,
        beat: Beat,
    },
    /// Lost; tried again later.
    Waiting { until: Instant },
    /// Stopped for a reason a retry cannot mend.
    Failed,
}

/// Is the other side there?
#[derive(Debug)]
pub(super) enum Beat {
    /// It was heard; a ping is due then.
    Heard { ping_at: Instant },
    /// It was asked.
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

    /// The socket, if `hello` went out on it: requests may follow.
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

    /// When something is to be done if nothing happens.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle | Self::AwaitingToken | Self::Failed => None,
            Self::Opening { deadline, .. } | Self::Greeting { deadline, .. } => Some(*deadline),
            Self::Waiting { until } => Some(*until),
            Self::Online {
                beat: Beat::Heard { ping_at },
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
    /// The token could not be had.
    NoToken(Error),
    /// An event is missing: resume from the cursor.
    Resume,
}
