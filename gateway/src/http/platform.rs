//! `PUT /channels/{channel_id}/chat_messages`: a message in a user's name, sent by the app's server.

use alo_protocol::{Limits, PlatformMessage, PlatformMessageCreated, SendMessage, Uuid};
use axum::{
    Json, Router,
    extract::{FromRef, State},
    routing::put,
};
use serde::Deserialize;

use super::{
    error::AppError,
    extract::{ChannelPath, Door, IdempotencyKey, JsonBody, MESSAGES_PATH, Platform},
};
use crate::{auth::check_user_id, error::internal, methods::send::change, random, writer::Writer};

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
        .route(MESSAGES_PATH, put(create))
        .with_state(messages)
}

async fn create(
    State(messages): State<Messages>,
    Platform(key_name): Platform,
    ChannelPath(channel_id): ChannelPath,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<PlatformMessage>,
) -> Result<Json<PlatformMessageCreated>, AppError> {
    tracing::debug!(key = %key_name, "the app's server sends a message");
    let now_ms = messages.door.clock.now_ms();
    let key = key.unwrap_or_else(|| random::uuid(now_ms));
    check_user_id("user_id", &body.user_id)?;
    let send = SendMessage {
        key,
        channel_id,
        content: body.content,
        metadata: body.metadata,
        parent_id: body.parent_id,
        file_ids: Vec::new(),
    };
    let change = change(
        &messages.limits,
        body.user_id.into(),
        send,
        random::uuid(now_ms),
        now_ms,
    )?;
    let committed = messages.writer.commit(change).await.answer().await?;
    #[derive(Deserialize)]
    struct Stored {
        id: Uuid,
    }
    let stored: Stored = serde_json::from_str(&committed.message).map_err(internal)?;
    Ok(Json(PlatformMessageCreated { id: stored.id }))
}
