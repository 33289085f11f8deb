//! `/channels/{channel_id}/chat_messages`: messages in a user's name, sent by the app's server.

use alo_protocol::{
    ChannelId, ErrorCode, Limits, PlatformMessage, PlatformMessageCreated, SendMessage, Uuid,
};
use axum::{
    Json, Router,
    extract::{FromRef, State},
    routing::put,
};
use serde::Deserialize;

use super::{
    error::AppError,
    extract::{Door, IdempotencyKey, JsonBody, Platform, Segment},
};
use crate::{
    auth::check_user_id,
    error::internal,
    random,
    session::check_message,
    writer::{Submission, Writer},
};

/// What these handlers use.
#[derive(Clone)]
pub(super) struct Messages {
    pub(super) door: Door,
    pub(super) limits: Limits,
    pub(super) writer: Writer,
}

impl FromRef<Messages> for Door {
    fn from_ref(messages: &Messages) -> Self {
        messages.door.clone()
    }
}

pub(super) fn router(messages: Messages) -> Router {
    Router::new()
        .route("/channels/{channel_id}/chat_messages", put(create))
        .with_state(messages)
}

async fn create(
    State(messages): State<Messages>,
    Platform: Platform,
    Segment(channel_id): Segment,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<PlatformMessage>,
) -> Result<Json<PlatformMessageCreated>, AppError> {
    let channel_id = channel(&channel_id)?;
    let key = key.unwrap_or_else(|| random::uuid(messages.door.clock.now_ms()));
    check_user_id("user_id", &body.user_id)?;
    let send = SendMessage {
        key,
        channel_id,
        content: body.content,
        metadata: body.metadata,
        parent_id: body.parent_id,
        file_ids: Vec::new(),
    };
    check_message(&send, &messages.limits)?;
    let pending = messages
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

fn channel(segment: &str) -> Result<ChannelId, AppError> {
    segment
        .parse()
        .map_err(|error| AppError::new(ErrorCode::InvalidArgument, format!("channel_id: {error}")))
}
