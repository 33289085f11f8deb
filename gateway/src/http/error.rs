//! Errors as HTTP answers.

use alo_protocol::{ErrorBody, ErrorCode, HttpError};
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// An error that answers a request: status and body by its code, never cached.
#[derive(Clone, Debug)]
pub struct AppError(pub ErrorBody);

impl AppError {
    /// An error of the registry.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(ErrorBody::new(code, message))
    }
}

impl From<ErrorBody> for AppError {
    fn from(body: ErrorBody) -> Self {
        Self(body)
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait = self.0.retry_after_ms;
        let mut response = (
            status,
            [(header::CACHE_CONTROL, "no-store")],
            Json(HttpError::from(self.0)),
        )
            .into_response();
        if let Some(wait) = wait {
            let seconds = wait.div_ceil(1_000);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_status_and_is_never_cached() {
        for &code in ErrorCode::ALL {
            let response = AppError::new(code, "x").into_response();
            assert_eq!(response.status().as_u16(), code.status(), "{code:?}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            assert!(!response.headers().contains_key(header::RETRY_AFTER));
        }
    }

    #[test]
    fn an_exceeded_rate_says_when_to_come_again_in_seconds_rounded_up() {
        let response = AppError(ErrorBody::rate_exceeded("x", 1_001)).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }
}
