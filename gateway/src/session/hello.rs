//! The first frame of a connection.

use alo_protocol::{CloseCode, ErrorCode, Hello};

use crate::auth::{Identity, Tokens};

/// How long a client may take to send hello, milliseconds.
pub(super) const HELLO_MS: u64 = 10_000;

/// Checks a hello.
///
/// # Errors
/// What to close the connection with.
pub(super) fn accept(tokens: &Tokens, now_ms: u64, hello: &Hello) -> Result<Identity, CloseCode> {
    tokens
        .verify(&hello.token, now_ms)
        .map_err(|error| close_of(error.code))
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
