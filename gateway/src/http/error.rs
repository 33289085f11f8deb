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
        (
            status,
            [(header::CACHE_CONTROL, "no-store")],
            Json(HttpError::from(self.0)),
        )
            .into_response()
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
        }
    }
}
