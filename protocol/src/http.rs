//! Bodies of HTTP requests and answers.

use serde::{Deserialize, Serialize};

use serde_json::value::RawValue;

use crate::{ChannelId, ErrorBody, JsonObject, NewerPageToken, OlderPageToken, Uuid};

/// `POST /v1/auth`, sent by the app's own server with its API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthRequest {
    /// Lifetime of the token in minutes, 1 to 525,600. Default: 1,440.
    #[serde(default = "AuthRequest::default_ttl")]
    pub ttl: u32,
    /// The user it is for.
    pub user: AuthUser,
    /// The channels the token permits.
    pub channel_ids: Vec<ChannelId>,
}

impl AuthRequest {
    /// Maximum `ttl`: one year in minutes.
    pub const MAX_TTL: u32 = 525_600;

    /// The default `ttl`: one day.
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
    /// The sender.
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
    /// Newest to oldest. There may be more although these are fewer than the limit: check the tokens.
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
    /// The status.
    pub status: HttpErrorStatus,
}

/// The same shape as the `status` of a call that failed.
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
