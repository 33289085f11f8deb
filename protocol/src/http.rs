//! Bodies of the HTTP side.

use serde::{Deserialize, Serialize};

use serde_json::value::RawValue;

use crate::{ChannelId, ErrorBody, JsonObject, NewerPageToken, OlderPageToken, Uuid};

/// `POST /v1/auth`, sent by the app's own server with its API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthRequest {
    /// How long the token lives, in minutes: 1 to 525,600, by default 1,440.
    #[serde(default = "AuthRequest::default_ttl")]
    pub ttl: u32,
    /// For whom.
    pub user: AuthUser,
    /// The channels the token opens.
    pub channel_ids: Vec<ChannelId>,
}

impl AuthRequest {
    /// Longest `ttl`: one year in minutes.
    pub const MAX_TTL: u32 = 525_600;

    /// The `ttl` used when none is given: one day.
    pub const fn default_ttl() -> u32 {
        1_440
    }
}

/// The user of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthUser {
    /// The app's own id of the user.
    pub id: String,
}

/// Answer to [`AuthRequest`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthResponse {
    /// A JWT (HS256).
    pub token: String,
}

/// `PUT /channels/{channel_id}/chat_messages`, server to server.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlatformMessage {
    /// In whose name.
    pub user_id: String,
    /// The content of the message.
    pub content: String,
    /// The message replied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// Any JSON object.
    #[serde(
        default,
        deserialize_with = "crate::methods::metadata",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<JsonObject>,
}

/// Answer to [`PlatformMessage`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlatformMessageCreated {
    /// The id of the message.
    pub id: Uuid,
}

/// Answer to `GET /channels/{channel_id}/chat_messages`, server to server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlatformMessages {
    /// Newest to oldest. May be fewer than the limit though there are more: the tokens say so.
    pub messages: Vec<Box<RawValue>>,
    /// Present when there are older messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_page_token: Option<OlderPageToken>,
    /// Present when there are newer messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_page_token: Option<NewerPageToken>,
}

/// Body of every HTTP answer of 400 and above.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HttpError {
    /// The status in numbers and words.
    pub status: HttpErrorStatus,
}

/// As `sendMessage` resolves on failure: the same shape on both roads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpErrorStatus {
    /// Always true.
    pub error: bool,
    /// What went wrong.
    pub error_data: ErrorBody,
}

impl From<ErrorBody> for HttpError {
    fn from(error_data: ErrorBody) -> Self {
        Self {
            status: HttpErrorStatus {
                error: true,
                error_data,
            },
        }
    }
}
