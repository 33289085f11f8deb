//! Why a client tries to connect again.

/// `cause.code` of `status.reconnecting`. A code never changes its meaning; new ones may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The browser is offline.
    Offline,
    /// The page's policy forbids the connection.
    Blocked,
    /// The socket could not be opened.
    NotOpened,
    /// The socket was closed before the gateway's welcome.
    Refused,
    /// The socket was closed after it.
    Lost,
    /// The gateway did not answer in time.
    TimedOut,
    /// An event is missing.
    EventsMissing,
    /// There is no token.
    TokenUnavailable,
}

impl Cause {
    /// All causes, for documentation and tests.
    pub const ALL: [Self; 8] = [
        Self::Offline,
        Self::Blocked,
        Self::NotOpened,
        Self::Refused,
        Self::Lost,
        Self::TimedOut,
        Self::EventsMissing,
        Self::TokenUnavailable,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Blocked => "blocked",
            Self::NotOpened => "not-opened",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::TimedOut => "timed-out",
            Self::EventsMissing => "events-missing",
            Self::TokenUnavailable => "token-unavailable",
        }
    }
}
