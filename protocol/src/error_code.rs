//! The registry of error codes: one table for both sides and for `docs/errors.md`.

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($variant:ident $code:literal $status:literal $retryable:literal $meaning:literal)*) => {
        /// Stable error codes. A code never changes its meaning; new ones may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $(#[doc = $meaning] #[serde(rename = $code)] $variant,)*
        }

        impl ErrorCode {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name: kebab case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The HTTP status that goes with the code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// Whether the same call may succeed later without a change.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable),* }
            }
        }

        #[cfg(feature = "json")]
        impl ErrorCode {
            /// What the code means, for documentation.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

error_codes! {
    InvalidArgument "invalid-argument" 400 false "An argument is missing, of the wrong type or malformed; the message names it. Nothing was sent."
    MalformedFrame "malformed-frame" 400 false "A frame or HTTP body does not follow the protocol."
    UnknownMethod "unknown-method" 400 false "The gateway does not know the method; it may be older than the client."
    TokenMissing "token-missing" 401 false "The request has no token or no API key."
    TokenInvalid "token-invalid" 401 false "The token or API key is not accepted: its signature, format or audience is wrong."
    TokenExpired "token-expired" 401 false "The token has expired; a new one is needed."
    TokenRevoked "token-revoked" 401 false "The token was revoked; one issued later may be accepted."
    TokenUnavailable "token-unavailable" 401 true "The `authToken` function threw, rejected, took too long or returned no token."
    ChannelForbidden "channel-forbidden" 403 false "The token was not made for this channel."
    KeyForbidden "key-forbidden" 403 false "The API key has not the right to do this."
    UserBanned "user-banned" 403 false "The user is banned from the channel; the message names until when."
    UserMuted "user-muted" 403 false "The user may read but not send in the channel; the message names until when."
    OriginForbidden "origin-forbidden" 403 false "The page's origin is not on the gateway's allow-list."
    NotFound "not-found" 404 false "Nothing exists at this address."
    MessageNotFound "message-not-found" 404 false "The channel has no message with this id."
    FileNotFound "file-not-found" 404 false "No file with this id is accessible with this token."
    MethodNotAllowed "method-not-allowed" 405 false "The address does not support the request's HTTP method."
    IdempotencyConflict "idempotency-conflict" 409 false "The idempotency key was used before by another user or for another message."
    OffsetMismatch "offset-mismatch" 409 true "The upload is at another offset; request it and continue from there."
    FileInUse "file-in-use" 409 false "The file already belongs to another message."
    Gone "gone" 410 false "The upload has expired or was cancelled, or the message sent with this key was deleted."
    UnsupportedVersion "unsupported-version" 412 false "The request names no version of tus that the gateway supports."
    ContentTooLarge "content-too-large" 413 false "Content, metadata or the entire request exceeds the limits announced by the gateway."
    FileTooLarge "file-too-large" 413 false "The file is larger than the gateway accepts."
    QuotaExceeded "quota-exceeded" 413 false "The user's files would exceed a quota; the message names it and its size."
    UnsupportedMediaType "unsupported-media-type" 415 false "The request's content type is not the one the protocol requires."
    RangeNotSatisfiable "range-not-satisfiable" 416 false "The requested range starts after the end of the file."
    FileIncomplete "file-incomplete" 422 false "The file's upload is not complete."
    UserNotMember "user-not-member" 422 false "The user is not a member of the channel."
    UploadLocked "upload-locked" 423 true "Another request is writing to this upload."
    TooManyRequests "too-many-requests" 429 true "Too many requests are unanswered, or a rate is exceeded: with `retryAfterMs`, which the SDK waits out itself. The gateway announces its limits."
    OutboxFull "outbox-full" 429 true "Too many messages are waiting to be sent; this one was not accepted."
    OutboxUnavailable "outbox-unavailable" 500 false "Unsent messages cannot be kept after the page is closed: storage is full, forbidden, damaged, or unavailable in a private window. They are kept in memory."
    ChecksumMismatch "checksum-mismatch" 460 true "The bytes received do not match the checksum; they were discarded."
    Aborted "aborted" 499 false "The call was aborted by its `signal`."
    Disconnected "disconnected" 499 true "`disconnect()` was called before the gateway answered. A message sent before that may have been stored."
    Internal "internal" 500 true "The gateway failed; the cause is in its log."
    LoadFailed "load-failed" 500 true "The engine could not be loaded; the message names the cause."
    UploadFailed "upload-failed" 502 true "A file could not be uploaded; the message was not sent."
    Unavailable "unavailable" 503 true "The gateway cannot be reached or cannot answer now."
    StorageFull "storage-full" 507 true "The gateway's disk is full; nothing was stored."
}

/// An error in a reply or an HTTP body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// For programs: stable.
    pub code: ErrorCode,
    /// [`ErrorCode::status`].
    pub status_code: u16,
    /// For people: names what was wrong.
    pub message: String,
    /// [`ErrorCode::retryable`].
    pub retryable: bool,
    /// A rate is exceeded: the same request is accepted after this long, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorBody {
    /// An error with the code's own status and retryability.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status_code: code.status(),
            message: message.into(),
            retryable: code.retryable(),
            retry_after_ms: None,
        }
    }

    /// The error of a rate that is exceeded.
    pub fn rate_exceeded(message: impl Into<String>, retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(ErrorCode::TooManyRequests, message)
        }
    }
}
