//! `PUT /channels/{channel_id}/chat_messages`: a message in a user's name, sent by the app's server.

use alo_protocol::{
    ChannelId, ErrorCode, PlatformMessage, PlatformMessageCreated, SendMessage, Uuid,
};
use axum::{
    Json,
    extract::{Request, State},
    http::HeaderMap,
};
use serde::Deserialize;

use super::json;
use crate::{
    app::{AppState, bearer},
    auth::check_user_id,
    error::{AppError, Segment, internal},
    random,
    session::check_message,
    writer::Submission,
};

pub(super) async fn create_message(
    State(state): State<AppState>,
    Segment(channel_id): Segment,
    request: Request,
) -> Result<Json<PlatformMessageCreated>, AppError> {
    state.tokens.check_api_key(bearer(request.headers())?)?;
    let wrong = |message: String| AppError::new(ErrorCode::InvalidArgument, message);
    let channel_id: ChannelId = channel_id
        .parse()
        .map_err(|error| wrong(format!("channel_id: {error}")))?;
    let key =
        idempotency_key(request.headers())?.unwrap_or_else(|| random::uuid(state.clock.now_ms()));
    let body: PlatformMessage = json(request).await?;
    check_user_id("user_id", &body.user_id)?;
    let send = SendMessage {
        key,
        channel_id,
        content: body.content,
        metadata: body.metadata,
        parent_id: body.parent_id,
        file_ids: Vec::new(),
    };
    check_message(&send, &state.limits)?;
    let pending = state
        .writer
        .commit(Submission {
            user_id: body.user_id.into(),
            send,
        })
        .await;
    let committed = pending.answer().await?;
    #[derive(Deserialize)]
    struct Stored {
        id: Uuid,
    }
    let stored: Stored = serde_json::from_str(&committed.message).map_err(internal)?;
    Ok(Json(PlatformMessageCreated { id: stored.id }))
}

/// The `Idempotency-Key` header, if there is one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<Uuid>, AppError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(|text| text.parse().ok());
    key.map(Some).ok_or_else(|| {
        AppError::new(
            ErrorCode::InvalidArgument,
            "Idempotency-Key: must be a UUID",
        )
    })
}
