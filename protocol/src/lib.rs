//! The open wire protocol `alo.v1`, shared by the SDK and the gateway and described in `docs/protocol.md`.
//!
//! The crate contains types, limits and codes, no input or output. With the feature `json` frames can
//! be read from and written to text; without it (in the browser) JSON stays in JavaScript.

mod cause;
mod close;
mod cursor;
mod error_code;
mod id;
mod limits;
pub mod registry;

#[cfg(feature = "json")]
mod frame;
#[cfg(feature = "json")]
mod http;
#[cfg(feature = "json")]
mod message;
#[cfg(feature = "json")]
mod methods;
#[cfg(feature = "samples")]
pub mod samples;

pub use cause::Cause;
pub use close::{CloseCode, Reconnect};
pub use cursor::{ChannelStart, Cursor, GapReason};
pub use error_code::{ErrorBody, ErrorCode};
pub use id::{ChannelId, InvalidId, UserId, Uuid};
pub use limits::{HELLO_BYTES, Limits, METADATA_DEPTH, REQUEST_CHANNELS};
#[cfg(feature = "json")]
pub use limits::{Rate, Rates};

#[cfg(feature = "json")]
pub use frame::{
    ClientFrame, DecodeError, Hello, Push, Welcome, error_text, gap_text, raw_result_text,
    result_text, signal_text, welcome_text,
};
#[cfg(feature = "json")]
pub use http::{
    AuthRequest, AuthResponse, AuthUser, HttpError, HttpErrorStatus, PlatformMessage,
    PlatformMessageCreated, PlatformMessages,
};

#[cfg(feature = "json")]
pub use message::{File, Message};
#[cfg(feature = "json")]
pub use methods::{
    Empty, JsonObject,
    auth::{AuthRefresh, AuthRefreshed},
    counts::{ChannelCount, ChannelSince, Counts, MAX_COUNT, MessageCounts},
    delete::MessageDeleted,
    history::{
        DEFAULT_LIMIT, History, HistoryAround, HistoryPage, MAX_LIMIT, NewerPageToken,
        OlderPageToken,
    },
    reads::{MarkRead, ReadCount, ReadCounts, ReadUpdated, Reads},
    send::{SendMessage, Sent},
    subscribe::{Recovery, Resume, Subscribe, Subscribed, Unsubscribe},
    typing::{StartTyping, StopTyping, Typing},
};
#[cfg(feature = "json")]
pub use registry::Request;

/// The WebSocket subprotocol both sides must agree on.
pub const SUBPROTOCOL: &str = "alo.v1.json";

/// Path of the event socket.
pub const CONNECT_PATH: &str = "/v1/connect";

/// Path of the tus upload collection; a file is `/v1/files/{id}`.
pub const FILES_PATH: &str = "/v1/files";

/// The only version of tus supported.
pub const TUS_VERSION: &str = "1.0.0";

/// Content type of every body that tus appends.
pub const OFFSET_STREAM: &str = "application/offset+octet-stream";
