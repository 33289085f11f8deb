//! Failures that are the gateway's own.

use alo_protocol::{ErrorBody, ErrorCode};

/// Logs the cause and returns an error that does not disclose it.
pub fn internal(cause: impl std::fmt::Display) -> ErrorBody {
    tracing::error!(%cause, "an operation failed");
    ErrorBody::new(
        ErrorCode::Internal,
        "the gateway failed; the cause is in its log",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_an_internal_error_stays_inside() {
        let body = internal("password=hunter2");
        assert!(!body.message.contains("hunter2"));
    }
}
