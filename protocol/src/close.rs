//! Why a gateway ends a connection.

/// Close codes of the event socket; the close reason is [`CloseCode::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The gateway is shutting down; it or another one will be available soon.
    Shutdown,
    /// A frame did not follow the protocol.
    MalformedFrame,
    /// The token's signature, format or audience is wrong.
    TokenInvalid,
    /// The token has expired.
    TokenExpired,
    /// No `hello` was received within ten seconds.
    HelloTimeout,
    /// A binary frame was received; frames must be text.
    BinaryFrame,
    /// A frame was larger than `limits.frameBytes`.
    FrameTooLarge,
    /// No frame was received for 130 seconds.
    IdleTimeout,
    /// The client read nothing for 30 seconds; it resumes from its cursor.
    Recover,
    /// Far more requests than `limits.requestsInFlight` were unanswered, or were sent although they were refused.
    Flood,
    /// The page's origin is not on the allow-list.
    OriginForbidden,
    /// The token was revoked.
    TokenRevoked,
    /// The gateway has no room for the connection, or has not loaded the keys that tokens are signed with.
    Overloaded,
    /// The user, or the address, has too many connections or opens them too often.
    TooManyConnections,
    /// The gateway failed.
    Internal,
}

/// What a client does after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// Reconnect after a backoff.
    Retry,
    /// Reconnect with a new token; without one, stop.
    WithNewToken,
    /// Stop: a retry would fail the same way.
    Never,
}

impl CloseCode {
    /// All codes, for documentation and tests.
    pub const ALL: [Self; 15] = [
        Self::Shutdown,
        Self::MalformedFrame,
        Self::TokenInvalid,
        Self::TokenExpired,
        Self::HelloTimeout,
        Self::BinaryFrame,
        Self::FrameTooLarge,
        Self::IdleTimeout,
        Self::Recover,
        Self::Flood,
        Self::OriginForbidden,
        Self::TokenRevoked,
        Self::Overloaded,
        Self::TooManyConnections,
        Self::Internal,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Shutdown => 1001,
            Self::MalformedFrame => 4000,
            Self::TokenInvalid => 4001,
            Self::TokenExpired => 4002,
            Self::HelloTimeout => 4003,
            Self::BinaryFrame => 4004,
            Self::FrameTooLarge => 1009,
            Self::IdleTimeout => 4006,
            Self::Recover => 4007,
            Self::Flood => 4008,
            Self::OriginForbidden => 4009,
            Self::TokenRevoked => 4010,
            Self::Overloaded => 1013,
            Self::TooManyConnections => 4011,
            Self::Internal => 1011,
        }
    }

    /// The stable name, sent as the close reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::MalformedFrame => "malformed-frame",
            Self::TokenInvalid => "token-invalid",
            Self::TokenExpired => "token-expired",
            Self::HelloTimeout => "hello-timeout",
            Self::BinaryFrame => "binary-frame",
            Self::FrameTooLarge => "frame-too-large",
            Self::IdleTimeout => "idle-timeout",
            Self::Recover => "recover",
            Self::Flood => "flood",
            Self::OriginForbidden => "origin-forbidden",
            Self::TokenRevoked => "token-revoked",
            Self::Overloaded => "overloaded",
            Self::TooManyConnections => "too-many-connections",
            Self::Internal => "internal",
        }
    }

    /// What a client does after the close code `code`, which may be any number.
    pub fn reconnect_after(code: u16) -> Reconnect {
        match Self::ALL.into_iter().find(|known| known.code() == code) {
            Some(Self::TokenInvalid | Self::TokenExpired | Self::TokenRevoked) => {
                Reconnect::WithNewToken
            }
            Some(
                Self::MalformedFrame
                | Self::BinaryFrame
                | Self::FrameTooLarge
                | Self::OriginForbidden,
            ) => Reconnect::Never,
            Some(
                Self::Shutdown
                | Self::HelloTimeout
                | Self::IdleTimeout
                | Self::Recover
                | Self::Flood
                | Self::Overloaded
                | Self::TooManyConnections
                | Self::Internal,
            )
            | None => Reconnect::Retry,
        }
    }
}
