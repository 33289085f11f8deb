//! Why a call failed, as the user sees it.

use std::borrow::Cow;

use alo_protocol::{ErrorBody, ErrorCode};

/// An error with a stable code. The code is text, not [`ErrorCode`], so that codes of a newer
/// gateway reach the user unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Stable, for programs.
    pub code: Cow<'static, str>,
    /// As in HTTP.
    pub status: u16,
    /// For people.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// A rate is exceeded: the gateway accepts the request after this long, milliseconds.
    pub retry_after_ms: Option<u32>,
}

impl Error {
    /// An error of the registry.
    // Inlined, so that a code known at the call needs no table of all codes in the browser module.
    #[inline(always)]
    pub fn new(code: ErrorCode, message: impl AsRef<str>) -> Self {
        Self::assemble(
            code.as_str(),
            code.status(),
            code.retryable(),
            message.as_ref(),
        )
    }

    #[inline(never)]
    fn assemble(code: &'static str, status: u16, retryable: bool, message: &str) -> Self {
        Self {
            code: Cow::Borrowed(code),
            status,
            message: message.to_owned(),
            retryable,
            retry_after_ms: None,
        }
    }

    /// Whether the error has this code.
    #[inline(always)]
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == code.as_str()
    }

    /// The same error, with its subject before the message.
    #[must_use]
    pub(super) fn about(mut self, what: &str) -> Self {
        self.message.insert_str(0, what);
        self
    }
}

impl From<ErrorBody> for Error {
    fn from(body: ErrorBody) -> Self {
        Self {
            code: Cow::Borrowed(body.code.as_str()),
            status: body.status_code,
            message: body.message,
            retryable: body.retryable,
            retry_after_ms: body.retry_after_ms.map(|ms| ms as u32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_of_its_own_code_alone() {
        let error = Error::new(ErrorCode::Aborted, "why");
        assert!(error.is(ErrorCode::Aborted));
        assert!(!error.is(ErrorCode::UploadFailed));
    }
}
