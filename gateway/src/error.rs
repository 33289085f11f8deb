//! Errors of the HTTP side.

use alo_protocol::{ErrorBody, ErrorCode, HttpError};
use axum::{
    Json,
    extract::{FromRequestParts, Path},
    http::{StatusCode, header, request::Parts},
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
        (
            status,
            [(header::CACHE_CONTROL, "no-store")],
            Json(HttpError::from(self.0)),
        )
            .into_response()
    }
}

/// A part of the path, percent-decoded.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(segment)| Self(segment))
            .map_err(|rejection| {
                AppError::new(
                    ErrorCode::InvalidArgument,
                    format!("path: {}", rejection.body_text()),
                )
            })
    }
}

/// Logs the cause and gives an error that does not tell it.
pub fn internal(cause: impl std::fmt::Display) -> ErrorBody {
    tracing::error!(%cause, "an operation failed");
    ErrorBody::new(ErrorCode::Internal, "the gateway failed; its log tells why")
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
        }
    }

    #[test]
    fn the_cause_of_an_internal_error_stays_inside() {
        let body = internal("password=hunter2");
        assert!(!body.message.contains("hunter2"));
    }
}
